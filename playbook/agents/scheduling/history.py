"""The account's posts so far: what was published where and when, and how many who saw it took part."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from playbook.agents.scheduling import sheets
from playbook.agents.scheduling.settings import HistoryColumns, MentionsInput
from playbook.errors import Fault, TableError

TYPES = {
    "channel": "str",
    "published": "datetime64[us, UTC]",
    "impressions": "int64",
    "engagements": "int64",
    "content_type": "str",
}
CHANNEL_WANTED = "the name of a channel of at most 60 characters"


def sift(
    data: bytes, columns: HistoryColumns, *, zone: str | None = None, file: str = "history"
) -> tuple[pd.DataFrame, list[Fault]]:
    """The good rows of an account's export and a fault for every bad cell, named by the line it stands in.

    Columns: channel, published (UTC), impressions (1 or more), engagements (0 to impressions; clicks serve as well),
    content_type (empty where the file has none). A post without impressions has no rate and is a fault. Raises
    TableError when a column is missing, IntakeError when the file is no CSV.
    """
    sheet = sheets.read(data, file)
    sheet.need(columns.channel, columns.published, columns.impressions, columns.engagements)
    if columns.content_type is not None:
        sheet.need(columns.content_type)
    rows, faults = [], []
    for reader in sheets.readers(sheet, zone):
        row = _row(reader, columns)
        faults += reader.faults
        rows += [row] if not reader.faults else []
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES), faults


def read(data: bytes, columns: HistoryColumns, *, zone: str | None = None, file: str = "history") -> pd.DataFrame:
    """The rows of an account's export as in `sift`. Raises TableError naming every bad cell by line, found and wanted."""
    good, faults = sift(data, columns, zone=zone, file=file)
    if faults:
        raise TableError(file, faults)
    return good


def recent(history: pd.DataFrame, today: dt.date, days: int) -> pd.DataFrame:
    """The posts of the last `days` days before today (UTC); later ones were not published yet and are left out."""
    end = pd.Timestamp(today, tz="UTC")
    return history[history["published"].between(end - pd.Timedelta(days=days), end, inclusive="left")]


def age_hours(history: pd.DataFrame, today: dt.date) -> float | None:
    """Hours from the newest post to the beginning of today (UTC), 0 for one later than that; None without a post."""
    if history.empty:
        return None
    age = pd.Timestamp(today, tz="UTC") - history["published"].max()
    return max(0.0, float(age.total_seconds()) / 3600)


def to_csv(history: pd.DataFrame) -> bytes:
    """The history as this room writes it, to be read again with the columns' own names."""
    shown = history.assign(published=history["published"].map(lambda moment: moment.isoformat()))
    return shown.to_csv(index=False, lineterminator="\n").encode()


def negative_mentions(data: bytes, mentions: MentionsInput, today: dt.date) -> float | None:
    """The most negative mentions in one hour of the last hours before the end of today; None where none is counted.

    Raises TableError for a missing column or a bad cell.
    """
    sheet = sheets.read(data, mentions.file)
    sheet.need(mentions.at, mentions.negative)
    end = dt.datetime.combine(today, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=1)
    first = end - dt.timedelta(days=1, hours=mentions.hours)
    faults: list[Fault] = []
    counted: list[int] = []
    for reader in sheets.readers(sheet, mentions.zone):
        at = reader.moment(mentions.at, needed=True)
        number = reader.whole(mentions.negative, 0, "a whole number of mentions, 0 or more")
        faults += reader.faults
        counted += [number] if at is not None and first <= at < end else []
    if faults:
        raise TableError(mentions.file, faults)
    return float(max(counted)) if counted else None


def _row(reader: sheets.Reader, columns: HistoryColumns) -> dict[str, object]:
    channel = reader.needed(columns.channel, CHANNEL_WANTED)
    if len(channel) > 60:
        reader.wrong(columns.channel, CHANNEL_WANTED)
    published = reader.moment(columns.published, needed=True)
    impressions = reader.whole(columns.impressions, 1, "a whole number of impressions, 1 or more")
    wanted = "a whole number of engagements, from 0 to the row's impressions"
    engagements = reader.whole(columns.engagements, 0, wanted)
    if not reader.faults and engagements > impressions:
        reader.wrong(columns.engagements, wanted)
    return {
        "channel": channel,
        "published": published,
        "impressions": impressions,
        "engagements": engagements,
        "content_type": reader.text(columns.content_type)[:60],
    }
