"""The colours, short names and number formats every page shares, so that a level looks the same everywhere.

The level colours run from sand (people lead) to indigo (the system leads) and darken steadily: they stay apart for
the common kinds of colour blindness and in a grey print. Colour never stands alone; a number and a name go with it.
"""

from __future__ import annotations

import datetime as dt
import html
import math
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LEVEL_COLOURS: Mapping[int, str] = {1: "#F1DFAE", 2: "#A9D1A9", 3: "#4FACB0", 4: "#2B72A6", 5: "#27387A"}
# The names up to their first comma in assessments/spectrum/default.yaml; a test holds the two together.
LEVEL_NAMES: Mapping[int, str] = {
    1: "Human-led",
    2: "Human-directed",
    3: "Collaborative loop",
    4: "AI-led",
    5: "AI-autonomous",
}
UNKNOWN_COLOUR = "#D4D7DC"
INK = "#1C2430"
QUIET = "#566070"
RULE = "#D9DDE3"
ACCENT = "#34495E"
BAR = "#8797A8"
PALE = "#BCC5CF"
PAPER = "#FFFFFF"
SANS = '"Source Sans 3", "Segoe UI", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'

STATUS_COLOURS: Mapping[str, str] = {"good": "#1B6E5F", "bad": "#A8431A", "open": "#5B6472", "going": "#6A4C93"}
STATUS_SYMBOLS: Mapping[str, str] = {"good": "✓", "bad": "✕", "open": "○", "going": "◐"}
STATUS_KINDS: Mapping[str, str] = {
    "met": "good",
    "done": "good",
    "report ready": "good",
    "saved": "good",
    "kept": "good",
    "live": "good",
    "agreed": "good",
    "ended": "good",
    "ok": "good",
    "approved": "good",
    "edited": "good",
    "used": "good",
    "fixed": "good",
    "not met": "bad",
    "failed": "bad",
    "slower": "bad",
    "worse": "bad",
    "stopped": "bad",
    "error": "bad",
    "blocked": "bad",
    "rejected": "bad",
    "not yet measurable": "open",
    "not measurable yet": "open",
    "not yet known": "open",
    "not yet": "open",
    "not shown": "open",
    "not started": "open",
    "not run": "open",
    "planned": "open",
    "proposed": "open",
    "draft": "open",
    "begun": "open",
    "waiting": "open",
    "escalated": "open",
    "open": "open",
    "dropped": "open",
    "retired": "open",
    "kept as is": "open",
    "under way": "going",
    "running": "going",
    "in consultation": "going",
    "reviewed": "going",
}
"""Every status word of the data dictionary and the kind it is shown as; colour comes with symbol and word."""

# Angle brackets, control characters and white space; a no-break space stays, it keeps 5 and % together.
BLANKS = re.compile(r"[<>\x00-\x20\x7f-\x9f]+")


@cache
def asset(name: str) -> str:
    """The text of a file in `report/assets`."""
    return resources.files("playbook.report").joinpath("assets", name).read_text(encoding="utf-8")


def escape(value: object) -> str:
    """Text made safe inside HTML, in an element or a quoted attribute."""
    return html.escape(str(value), quote=True)


def plain(value: object) -> str:
    """Text made safe for a figure's label: plotly reads some markup there, so angle brackets are taken out.

    Control characters go too, and runs of white space become one space.
    """
    return BLANKS.sub(" ", str(value)).strip()


def level_of(value: float) -> int:
    """The nearest level of a possibly fractional one, 1 people lead to 5 the system leads."""
    return min(5, max(1, math.floor(value + 0.5)))


def level_ink(level: int) -> str:
    """The text colour that reads on a level's colour (contrast at least 4.5, tested)."""
    return PAPER if level >= 4 else INK


def missing(value: object) -> bool:
    """Whether a cell is empty: None, NaN, NaT, NA or blank text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))  # type: ignore[call-overload]


def places(values: Iterable[float]) -> int:
    """The decimals a column of numbers needs: none for whole numbers or hundreds, one up to there, two below 1."""
    known = [abs(float(value)) for value in values if not missing(value) and math.isfinite(float(value))]
    if not known or all(value == round(value) for value in known) or max(known) >= 100:
        return 0
    return 1 if max(known) >= 1 else 2


def number(value: float, decimals: int | None = None) -> str:
    """A number as a reader wants it: thousands apart, a true minus sign, sensible decimals when none are asked."""
    decimals = places([value]) if decimals is None else decimals
    text = f"{float(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def percent(value: float) -> str:
    """A share of 1 as a percentage, whole unless it is close to none or all."""
    hundred = float(value) * 100
    near = 0 < abs(hundred) < 1 or 99 < hundred < 100
    return number(hundred, 1 if near else 0) + "\N{NO-BREAK SPACE}%"


def day(value: dt.date | pd.Timestamp) -> str:
    """A date as 2 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def count(amount: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 task, 12 tasks."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def level_chip(value: float, decimals: int = 0, *, named: bool = True) -> str:
    """A level as a coloured chip with number and name; a fractional one (a mean) takes the nearest level's look.

    Without `named` the chip holds the number alone and says the name to a pointer.
    """
    nearest = level_of(float(value))
    shown = number(value, decimals)
    name = escape(LEVEL_NAMES[nearest])
    if not named:
        return f'<span class="pb-chip pb-l{nearest}" title="{name}"><b>{shown}</b></span>'
    return f'<span class="pb-chip pb-l{nearest}"><b>{shown}</b> {name}</span>'


def status_chip(word: str) -> str:
    """A status as symbol and word in its colour; a word the kit does not know is shown as plain text."""
    kind = STATUS_KINDS.get(word)
    if kind is None:
        return escape(word)
    symbol = f'<span aria-hidden="true">{STATUS_SYMBOLS[kind]}</span>'
    return f'<span class="pb-status pb-{kind}">{symbol} {escape(word)}</span>'


@cache
def level_css() -> str:
    """The style rules of the level chips, generated so that the colours are written down once."""
    rules = [f".pb-l{level}{{background:{colour};color:{level_ink(level)}}}" for level, colour in LEVEL_COLOURS.items()]
    rules += [f".pb-{kind}{{color:{colour}}}" for kind, colour in STATUS_COLOURS.items()]
    return "\n".join(rules)


def plain_any(value: Any) -> str:
    """A figure label from any cell; an empty one says so."""
    return "not given" if missing(value) else plain(value)
