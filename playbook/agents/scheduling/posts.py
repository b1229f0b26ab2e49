"""The posts that wait for a time: their ids, channels and dates; their text is not needed to place them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from playbook.agents.scheduling import sheets
from playbook.agents.scheduling.settings import QueueColumns
from playbook.errors import TableError
from playbook.tables import plain_name

TYPES = {
    "post": "str",
    "channel": "str",
    "not_before": "datetime64[us, UTC]",
    "not_after": "datetime64[us, UTC]",
    "weight": "float64",
    "booked": "datetime64[us, UTC]",
    "title": "str",
}
# An id is a mark, not a message: no blanks, so that no sentence from outside can travel as one.
ID = re.compile(r"[\w.:#-]{1,64}", re.ASCII)
ID_WANTED = "an id of at most 64 letters, digits and . : # _ - without blanks"
CHANNEL_WANTED = "the name of a channel of at most 60 characters"
TITLE = 120
NO_RULE = "a channel without a rule"


def read(  # noqa: PLR0913 - one keyword a setting; each has a default
    data: bytes,
    columns: QueueColumns,
    channels: Sequence[str],
    *,
    zone: str | None = None,
    titles: bool = False,
    file: str = "queue",
) -> pd.DataFrame:
    """The queue, one row a post and channel.

    Columns: post (id), channel (as `channels` spells it, compared without case and marks; empty for one that is not
    among them), not_before and not_after (UTC, empty where it has no embargo), weight (how much the post counts, 1
    where nothing is said, above 0 and up to 100), booked (UTC, when it is already set to go out; such a post keeps its
    time), title (empty unless `titles`). Raises TableError naming every bad cell, IntakeError when the file is no CSV.
    """
    sheet = sheets.read(data, file)
    sheet.need(columns.post, columns.channel)
    known = {plain_name(name): name for name in channels}
    rows, faults = [], []
    seen: set[tuple[str, str]] = set()
    for reader in sheets.readers(sheet, zone):
        row = _row(reader, columns, titles=titles)
        key = (str(row["post"]), plain_name(str(row["channel"])))
        if key in seen and key[1] in known:
            reader.wrong(columns.post, "each post once on a channel")
        seen.add(key)
        faults += reader.faults
        rows.append(row | {"channel": known.get(key[1], "")})
    if faults:
        raise TableError(file, faults)
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def to_csv(queue: pd.DataFrame) -> bytes:
    """The queue as this room writes it, to be read again with the columns' own names."""
    moments = {
        name: queue[name].map(lambda moment: "" if pd.isna(moment) else moment.isoformat())
        for name in ("not_before", "not_after", "booked")
    }
    channel = queue["channel"].replace("", NO_RULE)
    return queue.assign(channel=channel, **moments).to_csv(index=False, lineterminator="\n").encode()


def _row(reader: sheets.Reader, columns: QueueColumns, *, titles: bool) -> dict[str, object]:
    post = reader.needed(columns.post, ID_WANTED)
    if post and not ID.fullmatch(post):
        reader.wrong(columns.post, ID_WANTED)
    channel = reader.needed(columns.channel, CHANNEL_WANTED)
    if len(channel) > 60:
        reader.wrong(columns.channel, CHANNEL_WANTED)
    first, last = (reader.moment(name, needed=False) for name in (columns.not_before, columns.not_after))
    if first is not None and last is not None and first > last:
        reader.wrong(columns.not_after, f"a time not before {columns.not_before} of the row")
    return {
        "post": post,
        "channel": channel,
        "not_before": first,
        "not_after": last,
        "weight": reader.amount(columns.weight, 1.0, "a number above 0 and up to 100, or nothing"),
        "booked": reader.moment(columns.booked, needed=False),
        "title": reader.text(columns.title)[:TITLE] if titles else "",
    }
