"""Klaviyo's campaign export as CSV: what each mailing reached and brought.

One row a campaign; everything counted since is told of the day it was sent, as the file does not say when it was
written. `Unique Placed Order` (people who ordered) stands for orders. Amounts carry no currency.
"""

from __future__ import annotations

from playbook.io.intake._mailing import Mailing
from playbook.tables import CHANNEL_RESULTS

MEASURES = {
    "total recipients": "recipients",
    "successful deliveries": "deliveries",
    "bounces": "bounces",
    "total opens": "opens",
    "unique opens": "unique_opens",
    "total clicks": "clicks",
    "unique clicks": "unique_clicks",
    "unsubscribes": "unsubscribes",
    "spam complaints": "complaints",
    "unique placed order": "orders",
    "revenue": "revenue",
}

FORMATS = (
    Mailing(
        "klaviyo",
        "Klaviyo campaign export",
        CHANNEL_RESULTS,
        headers=("Campaign Name", "Send Time", "Total Recipients", "Unique Opens", "Unique Clicks"),
        named_by=("Campaign Name",),
        sent=("Send Time",),
        measures=MEASURES,
    ),
)
