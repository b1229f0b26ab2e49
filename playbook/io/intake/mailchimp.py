"""Mailchimp's campaign reports as CSV: what each mailing reached and brought. Its audience export is refused.

No public source shows the header of the file Mailchimp writes of campaigns, so none is claimed here. Read is what its
help names the metrics (mailchimp.com/help/about-email-campaign-reports and /custom-report-metrics: Recipients, Emails
sent, Delivered as date and time, Successful deliveries, Opened, Total opens, Clicked, Total clicks, Bounced,
Unsubscribed, Abuse reports, Orders, Total revenue) and what its interface names the fields of a report
(campaign_title, subject_line, send_time, emails_sent, opens.unique_opens and so on), in whatever case. A file with
other headers is read after its columns are mapped to Campaign, Sent on and Recipients or to one of those names.

The audience export is a list of persons with their addresses. The kit measures work and channels, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from playbook.errors import IntakeError
from playbook.io.intake._mailing import Mailing
from playbook.io.intake._rules import Rules, plain
from playbook.tables import CHANNEL_RESULTS

if TYPE_CHECKING:
    from playbook.io.intake._format import Claim
    from playbook.io.intake._sheet import Sheet
    from playbook.io.intake._source import Source

CAMPAIGN, SENT_ON, RECIPIENTS = "Campaign", "Sent on", "Recipients"
NAMES: Mapping[str, Sequence[str]] = {
    CAMPAIGN: ("campaign", "campaign title", "campaign name", "title", "subject line", "subject"),
    SENT_ON: ("sent on", "send time", "send date", "delivered"),
    RECIPIENTS: ("recipients", "emails sent"),
}
MEASURES = {
    "recipients": "recipients",
    "successful deliveries": "deliveries",
    "bounced": "bounces",
    "total opens": "opens",
    "opens total": "opens",
    "opened": "unique_opens",
    "unique opens": "unique_opens",
    "total clicks": "clicks",
    "clicks total": "clicks",
    "clicked": "unique_clicks",
    "unique clicks": "unique_clicks",
    "unsubscribed": "unsubscribes",
    "abuse reports": "complaints",
    "orders": "orders",
    "total orders": "orders",
    "total revenue": "revenue",
}
AUDIENCE = ("Email Address", "MEMBER_RATING"), ("Email Address", "LEID"), ("Email Address", "OPTIN_TIME")


@dataclass(frozen=True)
class Mailchimp(Mailing):
    """A report of campaigns by the names Mailchimp gives its metrics."""

    def claims(self, source: Source, rules: Rules, mapping: Mapping[str, str]) -> list[Claim]:
        """The sheets that are a campaign report. Raises IntakeError for an audience export."""
        if any(sheet.names(headers) for sheet in source.sheets for headers in AUDIENCE):
            raise IntakeError(
                f"{source.path} is a list of persons (Mailchimp's audience export with addresses), which no report "
                "here needs, so nothing of it was read; export the campaign reports instead and delete this file"
            )
        return super().claims(source, rules, mapping)

    def sheet_in(self, sheet: Sheet) -> Sheet | None:
        """The sheet with the three columns a report needs under one name each."""
        headers = [_field(header) for header in sheet.header]
        found = {name: next((known for known in labels if known in headers), None) for name, labels in NAMES.items()}
        said = {label: name for name, label in found.items()}
        header = tuple(said.get(field, name) for field, name in zip(headers, sheet.header, strict=True))
        return super().sheet_in(replace(sheet, header=header))

    def metric_of(self, header: str) -> str | None:
        """The metric of a header, whichever part of the report the interface puts it under."""
        return super().metric_of(_field(header))


def _field(header: str) -> str:
    """A header without the group of fields it belongs to: opens.unique_opens is unique opens."""
    return plain(header.rpartition(".")[2]) if "." in header else plain(header)


FORMATS = (
    Mailchimp(
        "mailchimp",
        "Mailchimp campaign report",
        CHANNEL_RESULTS,
        headers=(CAMPAIGN, SENT_ON, RECIPIENTS),
        named_by=(CAMPAIGN,),
        sent=(SENT_ON,),
        measures=MEASURES,
    ),
)
