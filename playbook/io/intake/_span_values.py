"""Single values of a run log as tools write them: names of fields, times, and what kind of error a message tells of."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from playbook.io.intake._sheet import is_blank, text_of

UNSAID = "an error whose text is not kept"
WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?", re.ASCII)
ERROR_TYPE = re.compile(r"(?:\w+\.)*([A-Za-z]\w{0,50}(?:Error|Exception|Timeout|Interrupt|Failure))(?!\w)")
ERROR_KINDS = (
    ("rate limit", r"rate.?limit|too many requests|\b429\b|quota"),
    ("timeout", r"time[d ]{0,2}-?out|timeout|deadline|\b408\b|\b504\b"),
    ("too long for the model", r"context.?length|context.?window|maximum context|max.?tokens"),
    ("refused by the model's provider", r"content.?filter|content.?policy|refus|safety"),
    ("not allowed", r"unauthori[sz]ed|forbidden|permission|authentication|api.?key|\b40[13]\b"),
    ("not found", r"not.?found|\b404\b"),
    ("malformed answer or input", r"json|pars(?:e|ing)|validation|schema|invalid|\b4(?:00|22)\b"),
    ("connection", r"connection|connect|network|dns|socket"),
    ("provider's fault", r"overloaded|unavailable|server.?error|\b5\d\d\b"),
    ("cancelled", r"cancel|abort|interrupt"),
)
"""The kinds of error a log's message is told by, first that fits; the message itself is never kept."""
KINDS_OF_ERROR = frozenset({UNSAID, *(words for words, _ in ERROR_KINDS)})


def key(name: object) -> str:
    """A name as it is compared: `parentObservationId` and `parent_observation_id` are one."""
    return re.sub(r"[\s_.-]+", "", str(name)).casefold()


def at(found: Any, *names: str) -> Any:
    """What lies at the end of these names, compared as `key` does; None where one of them is not there."""
    for name in names:
        inside = found if isinstance(found, dict) else {}
        found = next((value for known, value in inside.items() if key(known) == key(name)), None)
    return found


def either(*values: Any) -> Any:
    """The first value that is filled."""
    return next((value for value in values if not is_blank(value)), None)


def in_utc(value: Any) -> Any:
    """A time as these tools write it: without a zone it is UTC, and a whole number is milliseconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return since_1970(value, 1000)
    return f"{value.strip()}Z" if isinstance(value, str) and WITHOUT_ZONE.fullmatch(value.strip()) else value


def since_1970(value: Any, units_a_second: int) -> Any:
    """A count of time units since 1970, number or digits, as an instant in ISO; what is no such count stays as it is."""
    text = text_of(value) if not is_blank(value) else ""
    if not (text.isascii() and text.isdecimal()) or len(text) > 20:
        return value
    seconds, rest = divmod(int(text), units_a_second)
    try:
        moment = dt.datetime.fromtimestamp(seconds, dt.UTC) + dt.timedelta(seconds=rest / units_a_second)
    except (OverflowError, ValueError, OSError):
        return value
    return moment.isoformat()


def error_kind(said: Any, *, kind: Any = None) -> str:
    """What kind of error a message tells of; `kind` is its type where the log has one. No word of the message is kept."""
    whole = f"{kind or ''} {said or ''}"[:4000]
    for words, pattern in ERROR_KINDS:
        if re.search(pattern, whole, re.IGNORECASE):
            return words
    found = ERROR_TYPE.match(str(kind or "").strip()) or ERROR_TYPE.match(str(said or "").strip())
    return found[1] if found else UNSAID
