"""Google Ads' campaign report as CSV: what each campaign cost and brought.

Line 1 says Campaign report, line 2 the period (`September 1, 2026 - September 30, 2026`, or `All time`), line 3 the
header; rows that begin with `Total:` sum up the others. A file may be UTF-16 separated by tabs. A report segmented by
day, week, month, quarter or year has a column of that name: each row then counts those days, as far as the period goes.
One segmented by anything else (a device, a network) is refused, as a campaign is kept as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._channel import NOTHING, ChannelReport, with_period
from playbook.io.intake._periods import DASH, SPANS, is_day
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import PREAMBLE, Sheet, is_blank, text_of
from playbook.tables import CHANNEL_RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._source import Source

STATUS, CAMPAIGN = "Campaign status", "Campaign"
# what Google Ads segments a report by and the kit does not keep; days, weeks, months and the like are periods
SPLITS = (
    "Device", "Network", "Network (with search partners)", "Click type", "Top vs. other", "Conversion action",
    "Conversion action name", "Conversion category", "Conversion source", "Hour", "Hour of day", "Hour of the day",
    "Day of week", "Day of the week", "Month of year", "Month of the year", "Ad destination", "Ad event type",
    "Ad group", "Ad", "Keyword", "Search keyword", "Search term", "Age", "Gender", "Location", "User location",
    "Country/Territory", "Audience segment", "Placement", "Landing page", "Slot", "Ad network type",
)  # fmt: skip
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
        """The table below the title and the period, with the period in each row."""
        found = super().sheet_in(sheet)
        if found is None:
            return None
        own = {plain(header) for header in found.header}
        return with_period(found, None if "start date" in own else _span(sheet))

    def sums_up(self, cells: Sequence[Any], sheet: Sheet) -> bool:
        """Whether a row begins with Total: and has no campaign; a campaign may be called so too, but has a status."""
        told = ["" if is_blank(cell) else text_of(cell) for cell in cells]
        first = next(filter(None, told), "")
        if not first.casefold().startswith("total:"):
            return False
        named = {plain(STATUS), plain(CAMPAIGN)}
        said = {text for name, text in zip(sheet.header, told, strict=False) if plain(name) in named}
        return {text for text in said if text.casefold() not in NOTHING} <= {first}

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Read the report. Raises IntakeError when neither its second line nor a column such as Day says its days."""
        if not {"start date", *map(plain, SPANS)} & {plain(header) for header in claim.sheet.header}:
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
        headers=(STATUS, CAMPAIGN, "Impr.", "Clicks", "Cost"),
        keeps=("Currency code", *SPANS, "Start date", "End date"),
        named_by=(CAMPAIGN,),
        measures=MEASURES,
        splits=SPLITS,
    ),
)
