"""Google Ads' campaign report as CSV: what each campaign cost and brought.

Line 1 says Campaign report, line 2 the period (`September 1, 2026 - September 30, 2026`, or `All time`), line 3 the
header; rows that begin with `Total:` sum up the others. A file may be UTF-16 separated by tabs. Reports segmented by
day have a Day column and then need no period.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._channel import ChannelReport, is_day, with_period, without_totals
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import PREAMBLE, Sheet, is_blank
from playbook.tables import CHANNEL_RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._source import Source

DASH = re.compile(r"\s+[-\u2013\u2014]\s+")
MEASURES = {
    "impr.": "impressions",
    "unique users": "reach",
    "trueview views": "video_views",
    "clicks": "clicks",
    "conversions": "conversions",
    "cost": "cost",
    "conv. value": "revenue",
}


@dataclass(frozen=True)
class GoogleAds(ChannelReport):
    """Google Ads' campaign report; a report over all time is refused, as its first day is not known."""

    def sheet_in(self, sheet: Sheet) -> Sheet | None:
        """The table below the title and the period, without totals and with the period in each row."""
        found = super().sheet_in(sheet)
        if found is None:
            return None
        own = {plain(header) for header in found.header}
        period = None if "day" in own or "start date" in own else _span(sheet)
        return with_period(without_totals(found), period)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read the report. Raises IntakeError when neither its second line nor a Day column says its days."""
        if not {"day", "start date"} & {plain(header) for header in claim.sheet.header}:
            raise IntakeError(
                f"{source.path}: the report's second line names no first and last day and there is no Day column; "
                "choose a period with dates (not All time) or segment the report by day, and export it again"
            )
        return super().read(claim, source, options)


def _span(sheet: Sheet) -> tuple[str, str] | None:
    """The first and last day as the lines above the header say them."""
    for line in _above(sheet):
        # an unquoted `September 1, 2026` was split at its comma
        text = ",".join("" if is_blank(cell) else str(cell) for cell in line).strip(", ")
        days = [re.sub(r"\s*,\s*", ", ", part.strip()) for part in DASH.split(text)]
        if len(days) <= 2 and all(is_day(day) for day in days):
            return days[0], days[-1]
    return None


def _above(sheet: Sheet) -> Iterator[list[Any]]:
    yield list(sheet.header)
    for looked_at, (_, row) in enumerate(sheet.rows()):
        below = replace(sheet, header=tuple("" if is_blank(cell) else str(cell) for cell in row))
        if looked_at == PREAMBLE or below.names(("Campaign", "Clicks")):
            return
        yield row


FORMATS = (
    GoogleAds(
        "google_ads",
        "Google Ads campaign report in English",
        CHANNEL_RESULTS,
        headers=("Campaign status", "Campaign", "Impr.", "Clicks", "Cost"),
        keeps=("Currency code", "Day", "Start date", "End date"),
        named_by=("Campaign",),
        measures=MEASURES,
    ),
)
