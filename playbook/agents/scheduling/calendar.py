"""The plan as files: a calendar (ICS, RFC 5545), a table (CSV) and the notes that go with them (Markdown)."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd

from playbook.agents.scheduling import knowledge
from playbook.agents.scheduling.plan import Plan

LINE = 75  # octets, RFC 5545 section 3.1
TITLES = {
    "post": "post",
    "channel": "channel",
    "status": "status",
    "local": "local_time",
    "utc": "utc_time",
    "weight": "weight",
    "rate": "expected_rate_percent",
    "low": "expected_rate_low_percent",
    "high": "expected_rate_high_percent",
    "n": "posts_at_this_time",
    "n_hour": "posts_in_this_hour_of_any_day",
    "n_channel": "posts_on_this_channel",
    "unknown": "not_known",
    "reason": "why_no_time",
    "title": "title",
}


def ics(plan: Plan, *, playbook_id: str, team: str, today: dt.date) -> bytes:
    """The placed posts as a calendar, in UTC. The same plan gives the same bytes; a post keeps its id from plan to plan,

    so that importing a later calendar moves its entry instead of adding one.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//transition-playbook//scheduling//EN", "METHOD:PUBLISH"]
    for row in plan.placed.to_dict("records"):
        lines += _event(row, playbook_id, team, today)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line)).encode()


def table(plan: Plan) -> bytes:
    """Every post of the queue as CSV in UTF-8 with its mark; text that looks like a formula gets an apostrophe."""
    from playbook.io.exports import guarded  # noqa: PLC0415 - brings the readers of every format with it

    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator="\n")
    writer.writerow(TITLES.values())
    shown = plan.rows.assign(**{name: 100 * plan.rows[name] for name in ("rate", "low", "high")})
    for row in shown[list(TITLES)].to_dict("records"):
        writer.writerow([guarded(_cell(cell)) for cell in row.values()])
    return held.getvalue().encode("utf-8-sig")


def notes(plan: Plan) -> bytes:
    """What the plan says and what it does not know, as Markdown."""
    said = "\n".join(f"- {sentence}" for sentence in knowledge.findings(plan))
    return f"# Posting times from {plan.first:%Y-%m-%d}\n\n{said}\n".encode()


def _event(row: dict[Any, Any], playbook_id: str, team: str, today: dt.date) -> Iterator[str]:
    key = hashlib.sha256("\n".join((team, playbook_id, row["post"], row["channel"])).encode()).hexdigest()[:32]
    title = f"{row['channel']} {row['post']}" + (f": {row['title']}" if row["title"] else "")
    unknown = f" Not known: {row['unknown']}." if row["unknown"] else ""
    expected = "No rate is known yet." if pd.isna(row["rate"]) else _expected(row)
    yield from (
        "BEGIN:VEVENT",
        f"UID:{key}@transition-playbook",
        f"DTSTAMP:{today:%Y%m%d}T000000Z",
        f"DTSTART:{row['utc']:%Y%m%dT%H%M%SZ}",
        "DURATION:PT15M",
        f"SUMMARY:{_escaped(title)}",
        f"DESCRIPTION:{_escaped(expected + unknown)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    )


def _expected(row: dict[Any, Any]) -> str:
    low, middle, high = (f"{100 * row[name]:.2f} %" for name in ("low", "rate", "high"))
    return f"Expected engagement rate {middle} ({low} to {high}; {row['n']} posts at this time so far)."


def _escaped(text: str) -> str:
    clean = "".join(mark if mark.isprintable() else " " for mark in text)
    return clean.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterator[str]:
    """The line in pieces of at most 75 octets, none of which cuts a character; each but the first begins with a blank."""
    piece = ""
    for mark in line:
        if len((piece + mark).encode()) > LINE:
            yield piece
            piece = " "
        piece += mark
    yield piece


def _cell(cell: Any) -> Any:
    if pd.isna(cell):
        return ""
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    return f"{cell:.4g}" if isinstance(cell, float) else cell
