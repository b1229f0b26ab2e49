"""Meta Ads Manager's report as CSV: what each campaign, ad set or ad cost and brought.

`Reporting starts` and `Reporting ends` are each row's period, a column Day, Week or Month is nearer. A report broken
down by anything else (age, placement) is refused, as a campaign is kept as a whole. Amounts carry the currency in
their header: `Amount spent (USD)`. Results are of the kind each campaign was set up for; only where the result
indicator says that it is a conversion on a website (`actions:offsite_conversion...`) are they conversions, as a
video's plays or a page's likes are not. Headers follow the language of the account, and only English ones are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playbook.io.intake._channel import ChannelReport
from playbook.io.intake._periods import SPANS
from playbook.tables import CHANNEL_RESULTS

if TYPE_CHECKING:
    from playbook.io.intake._record import Record

PERIOD = ("Reporting starts", "Reporting ends")
CONVERSION = "offsite_conversion"
# Meta's breakdowns, without the brackets some carry: Time of day (viewer's time zone)
SPLITS = (
    "Age", "Gender", "Country", "Region", "DMA region", "Impression device", "Platform", "Platform position",
    "Placement", "Device platform", "Conversion device", "Product ID", "Business locations", "Time of day",
    "Media type", "Carousel card", "Image, video and slideshow", "Website URL", "Text", "Headline", "Description",
    "Call to action", "Action type", "Destination", "Audience segments", "Device",
)  # fmt: skip
MEASURES = {
    "impressions": "impressions",
    "reach": "reach",
    "clicks (all)": "clicks",
    "link clicks": "link_clicks",
    "landing page views": "landing_page_views",
    "amount spent": "cost",
    "results": "conversions",
}


@dataclass(frozen=True)
class MetaAds(ChannelReport):
    """Meta's report, of campaigns, of ad sets or of ads."""

    @property
    def period_headers(self) -> tuple[str, str]:
        """Meta's own two columns."""
        return PERIOD

    def values(self, record: Record) -> dict[str, tuple[float, str | None]]:
        """The measures of the row; results only where they are conversions."""
        found = super().values(record)
        if "conversions" in found and CONVERSION not in (record.get("Result indicator") or "").casefold():
            del found["conversions"]
            record.assume("with results of another kind than conversions on a website, not kept")
        return found


FORMATS = (
    MetaAds(
        "meta_ads",
        "Meta Ads Manager report in English",
        CHANNEL_RESULTS,
        headers=(*PERIOD, "Campaign name", "Impressions"),
        keeps=("Ad set name", "Ad name", *SPANS, "Result indicator"),
        named_by=("Campaign name", "Ad set name", "Ad name"),
        measures=MEASURES,
        splits=SPLITS,
    ),
)
