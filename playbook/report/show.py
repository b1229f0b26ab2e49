"""What a notebook cell shows beside figures: where you are, tables, findings, caveats, the next step.

Every function returns a `Piece` of HTML that looks the same in JupyterLab, light or dark, and in a bound report.
Text from data is escaped. `header` carries the style for the cells below it, so it goes first.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook import tables
from playbook.errors import ParameterError
from playbook.report import look
from playbook.report.notes import NOTE, shared_note

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

NOTICE = "report/notice.md"
DAYS = 90
PHASES = ("Audit and experiment", "Redesign roles", "Scale and optimise")
LONG_TEXT = 48
ESSAY = 160
SMALLEST = 1e-6
"""Below this a number of a table is an effect of rounding and shown as none."""
TYPED = re.compile(r"`([^`]+)`")
WORDS = ("", "pb-long", "pb-long pb-essay")
ROOM = 60
"""What a page is wide, in the table's letter heights; a table that asks for more is set smaller."""
LEVEL_COLUMNS = frozenset(
    {f"{name}{end}" for name in ("current", "target", "ready") for end in ("", "_level")}
    | {"level", "level_low", "level_high", "leverage_level"}
)
NAMED_LEVELS = 2
TITLES: Mapping[str, str] = {
    "current": "Today",
    "target": "By its nature",
    "ready": "Ready now",
    "current_level": "Today",
    "target_level": "By its nature",
    "ready_level": "Ready now",
    "level_low": "At least",
    "level_high": "At most",
    "task_id": "Id",
    "n": "n",
    "kpi": "KPI",
    "n_baseline": "Items before",
    "n_trial": "Items with the agent",
    "qa": "QA",
}
"""Column titles where the name alone would not read well."""


@dataclass(frozen=True)
class Piece:
    """A piece of a page: `markup` is its HTML, `text` what a terminal or a plain-text reader gets."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def style() -> str:
    """The `<style>` of all pieces, once a notebook; a bound report has its own and drops this one."""
    return f"<style data-playbook>{look.asset('pieces.css')}{look.level_css()}</style>"


def header(  # noqa: PLR0913 - the facts of a page, each by name
    answers: str,
    *,
    organisation: str = "",
    team: str = "",
    phase: int | None = None,
    start: dt.date | None = None,
    today: dt.date | None = None,
    made_up: bool = False,
) -> Piece:
    """Where the reader is in the ninety days, and the question this page answers.

    `answers` is that question; `phase` 1 to 3; `start` is day 1; `today` the day to count to (the machine's day when
    not given). Days are calendar days, thirty a phase. Carries the style of every piece below it.
    Raises ParameterError for a phase outside 1 to 3.
    """
    if phase is not None and phase not in (1, 2, 3):
        raise ParameterError(f"phase: {phase!r}; wanted 1, 2 or 3, or nothing for a page outside the phases")
    today = today or dt.datetime.now(tz=dt.UTC).date()
    count = None if start is None else (today - start).days + 1
    facts = [name for name in (organisation, team, _day_words(count, start)) if name]
    shown = " · ".join(look.escape(fact) for fact in facts)
    label = '<span class="pb-made-up">Made-up sample</span> ' if made_up else ""
    bar = "" if phase is None and count is None else _phase_bar(phase, count)
    markup = (
        f'{style()}<div class="pb pb-where"><p class="pb-answers">{look.escape(answers)}</p>'
        f'<p class="pb-facts">{label}{shown}</p>{bar}</div>'
    )
    return Piece(markup, "\n".join([answers, ("Made-up sample · " if made_up else "") + " · ".join(facts)]))


def _day_words(count: int | None, start: dt.date | None) -> str:
    if count is None or start is None:
        return ""
    if count < 1:
        return f"starts {look.day(start)}"
    return f"day {count} of {DAYS}" if count <= DAYS else f"day {count}, after the {DAYS} days"


def _phase_bar(phase: int | None, count: int | None) -> str:
    parts = []
    for i, name in enumerate(PHASES, start=1):
        done = 0 if count is None else min(1.0, max(0.0, (count - 30 * (i - 1)) / 30))
        here = ' class="pb-here" aria-current="step"' if i == phase else ""
        parts.append(f'<div{here}><i style="width:{done:.0%}"></i>{i} {name}</div>')
    return f'<div class="pb-bar" role="group" aria-label="The three phases of the {DAYS} days">{"".join(parts)}</div>'


def table(  # noqa: PLR0913 - one keyword a choice a page makes; each has a default
    frame: pd.DataFrame,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    *,
    caption: str = "",
    note: str = "",
    units: bool = True,
    rows: int = 60,
    legend: bool = False,
    declared: tables.Table | None = None,
    empty: str = "Nothing recorded yet.",
) -> Piece:
    """A frame as a readable table; titles, units and meanings come from the data dictionary.

    `columns` picks and orders columns (a mapping also titles them); without it all are shown, `team` only when there
    are several. More than two columns of levels show the numbers alone. `declared` says which table of the data dictionary the columns belong to; without it the table most
    like the frame is asked first. `rows` is the most shown, the rest is counted in words. `legend` adds the
    columns' meanings below. Levels are coloured chips with number and name, shares are percentages, empty cells are
    a dash, or "not yet" where the column's value is still to come. A `note` that is the same in every row is said once
    below the caption. Raises ParameterError for a column not in the frame.
    """
    picked = _picked(frame, columns)
    if shared := shared_note(frame, picked):
        del picked[NOTE]
        note = f"{note} {shared}".strip()
    if frame.empty:
        said = f"{caption}: {empty}" if caption else empty
        return Piece(f'<div class="pb"><p class="pb-empty">{look.escape(said)}</p></div>', said)
    places = _dictionary(frame, declared)
    way = _Way(
        short=sum(name in LEVEL_COLUMNS for name in picked) > NAMED_LEVELS,
        ends="share" if any(_is_share(name, "") for name in picked) else "",
    )
    cells = [_Cells.of(title, frame[name], places, way) for name, title in picked.items()]
    heading = next((cell.name for cell in cells if cell.style in WORDS and cell.name not in LEVEL_COLUMNS), "")
    body = [[cell.show(value) for value in frame[cell.name].head(rows)] for cell in cells]
    lines = [
        "<tr>" + "".join(_td(cell, shown[i], heads=cell.name == heading) for cell, shown in pairs) + "</tr>"
        for pairs in [list(zip(cells, body, strict=True))]
        for i in range(min(rows, len(frame)))
    ]
    head = "".join(cell.th(units=units) for cell in cells)
    small = f"<small>{look.escape(note)}</small>" if note else ""
    title = f"<caption>{look.escape(caption)}{small}</caption>" if caption or shared else ""
    label = look.escape(caption or "Table")
    more = len(frame) - rows
    rest = f'<p class="pb-more">and {more:,} more.</p>' if more > 0 else ""
    markup = (
        f'<div class="pb"><div class="pb-scroll" role="region" aria-label="{label}" tabindex="0">'
        f'<table class="{_table_class(cells)}">{title}<thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
        f"{rest}{_legend(cells) if legend else ''}</div>"
    )
    return Piece(markup, f"{caption or 'Table'}: {look.count(len(frame), 'row')}")


def _picked(frame: pd.DataFrame, columns: Sequence[str] | Mapping[str, str] | None) -> dict[str, str]:
    if columns is None:
        names = [str(name) for name in frame.columns]
        if "team" in names and len(set(frame["team"])) <= 1:
            names.remove("team")
        return dict.fromkeys(names, "")
    unknown = [name for name in columns if name not in frame.columns]
    if unknown:
        there = ", ".join(str(name) for name in frame.columns)
        raise ParameterError(f"columns: {', '.join(unknown)}: not in this table; it has {there}")
    return dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")


@dataclass(frozen=True)
class _Way:
    """What a table's columns ask of each other: levels as bare numbers, the unit of an interval's ends."""

    short: bool
    ends: str


@dataclass(frozen=True)
class _Cells:
    """How a column is titled and its cells shown."""

    name: str
    title: str
    unit: str
    meaning: str
    style: str
    blank: str
    format: Callable[[Any], str]

    @classmethod
    def of(cls, title: str, values: pd.Series, places: Sequence[tables.Table], way: _Way) -> _Cells:
        name = str(values.name)
        known = next((place.columns[name] for place in places if name in place.columns), None)
        unit, meaning = (known.unit, known.meaning) if known else ("", "")
        unit = unit or (way.ends if name in ("low", "high", "mark") else "")
        style, form = _format(name, unit, values, short=way.short)
        waits = name in LEVEL_COLUMNS or any(words in meaning for words in ("not yet", "empty while"))
        return cls(name, title or _title(name, unit), unit, meaning, style, "not yet" if waits else "–", form)  # noqa: RUF001

    def show(self, value: Any) -> str:
        if look.missing(value):
            return f'<span class="pb-none">{self.blank}</span>'
        return self.format(value)

    def th(self, *, units: bool) -> str:
        said = self.unit if units and _adds(self.unit, self.title, self.style) else ""
        small = f"<small>{look.escape(said)}</small>" if said else ""
        tip = f' title="{look.escape(self.meaning)}"' if self.meaning else ""
        return f'<th scope="col"{_class(self.style)}{tip}>{look.escape(self.title)}{small}</th>'


def _dictionary(frame: pd.DataFrame, declared: tables.Table | None) -> list[tables.Table]:
    """Where a column's meaning is looked up: the declared table, or all, those most like the frame first."""
    if declared:
        return [declared]
    names = set(frame.columns)
    return sorted(tables.TABLES.values(), key=lambda place: -len(names & set(place.columns)))


def _title(name: str, unit: str) -> str:
    if name in TITLES:
        return TITLES[name]
    words = name.replace("_per_", " a ").replace("_", " ").strip()
    words = unit if unit.startswith(f"{words} ") else words
    return words[:1].upper() + words[1:]


def _adds(unit: str, title: str, style: str) -> bool:
    """A unit is said unless the title holds it, or the cells do (a percentage, a level's name)."""
    own = {"share", "level", "rank", "phase", "currency units"}
    return bool(unit) and style == "pb-n" and unit not in own and not set(unit.split()) <= set(title.lower().split())


def _format(name: str, unit: str, values: pd.Series, *, short: bool) -> tuple[str, Callable[[Any], str]]:
    if pd.api.types.is_bool_dtype(values):
        return "", lambda value: "✓\N{NO-BREAK SPACE}yes" if value else "no"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "pb-when", look.day
    if pd.api.types.is_numeric_dtype(values):
        return _number_format(name, unit, values, short=short)
    return _text_format(values)


def _is_share(name: str, unit: str) -> bool:
    return unit == "share" or name == "share" or name.startswith("share_") or name.endswith("_share")


def _number_format(name: str, unit: str, values: pd.Series, *, short: bool) -> tuple[str, Callable[[Any], str]]:
    if name in LEVEL_COLUMNS:
        whole = all(float(value).is_integer() for value in values if not look.missing(value))
        return "", lambda value: look.level_chip(value, 0 if whole else 1, named=not short)
    if _is_share(name, unit):
        return "pb-n", look.percent
    if name == "value":  # rows of different measures: each number by itself
        return "pb-n", lambda value: _number(value, look.places([value]))
    decimals = 2 if unit == "ratio" else look.places(values)
    return "pb-n", lambda value: _number(value, decimals)


def _number(value: float, decimals: int) -> str:
    """A number with these decimals, or as many as it takes to tell a rare rate from none."""
    size = abs(float(value))
    if SMALLEST <= size <= 0.5 * 10**-decimals:
        decimals = -math.floor(math.log10(size))
    return look.number(value, decimals)


def _text_format(values: pd.Series) -> tuple[str, Callable[[Any], str]]:
    known = [value for value in values if not look.missing(value)]
    if known and all(str(value) in look.STATUS_KINDS for value in known):
        return "", lambda value: look.status_chip(str(value))
    longest = max((len(str(value)) for value in known), default=0)
    return "pb-long pb-essay" if longest > ESSAY else "pb-long" if longest > LONG_TEXT else "", _text


def _text(value: Any) -> str:
    if isinstance(value, dt.date):
        return look.day(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return look.number(value)
    if isinstance(value, list | tuple | set | frozenset):
        return look.escape(", ".join(str(item) for item in value))
    return look.escape(value)


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""


def _table_class(cells: Sequence[_Cells]) -> str:
    many = " pb-many" if sum(cell.style in WORDS[1:] for cell in cells) > 1 else ""
    asked = sum(15 if cell.style in WORDS[1:] else 9 if cell.name in LEVEL_COLUMNS else 6 for cell in cells)
    return f"pb-table{many}" + (" pb-dense" if asked > ROOM else "")


def _td(cell: _Cells, shown: str, *, heads: bool) -> str:
    if heads:
        return f'<th scope="row"{_class(cell.style)}>{shown}</th>'
    return f"<td{_class(cell.style)}>{shown}</td>"


def _legend(cells: Sequence[_Cells]) -> str:
    said = [cell for cell in cells if cell.meaning]
    rows = "".join(f"<dt>{look.escape(cell.title)}:</dt><dd>{look.escape(cell.meaning)}.</dd>" for cell in said)
    return f'<dl class="pb-legend">{rows}</dl>' if said else ""


def findings(sentences: Sequence[str], title: str = "What this says") -> Piece:
    """The closing box of a page: what the tables say, one sentence a point. None: "not yet" is said instead.

    What stands between backticks is shown as something to type.
    """
    said = list(sentences) or ["Nothing can be said yet: the tables this page reads are empty."]
    shown = [TYPED.sub(r"<code>\1</code>", look.escape(sentence)) for sentence in said]
    points = "".join(f"<li>{sentence}</li>" for sentence in shown)
    markup = f'<div class="pb pb-findings"><p class="pb-head">{look.escape(title)}</p><ul>{points}</ul></div>'
    return Piece(markup, "\n".join([title, *(f"- {sentence}" for sentence in said)]))


def caveat(text: str) -> Piece:
    """A doubt the reader must carry along, beside the figure it concerns."""
    markup = f'<div class="pb pb-caveat"><p><b>Mind:</b>{look.escape(text)}</p></div>'
    return Piece(markup, f"Mind: {text}")


def next_step(text: str, link: str = "") -> Piece:
    """What to do next; `link` is a notebook or file beside this one (`20_spectrum.ipynb`), never a web address.

    Raises ParameterError for a link with a scheme or host.
    """
    if re.match(r"\s*([a-z][a-z0-9+.-]*:|//|\\)", link, re.IGNORECASE):
        raise ParameterError(f"link: {link!r}; wanted a path beside this page, as reports open without a network")
    shown = f'<a href="{look.escape(link)}">{look.escape(text)}</a>' if link else look.escape(text)
    return Piece(f'<div class="pb pb-next"><p><b>Next:</b>{shown}</p></div>', f"Next: {text}")


def notice(overrides: str | PathLike[str] | None = None) -> Piece:
    """What the page may be used for; the words are `templates/report/notice.md`, or the engagement's own copy."""
    text = notice_text(overrides)
    return Piece(f'<div class="pb pb-notice">{markdown(text)}</div>', text.strip())


def notice_text(overrides: str | PathLike[str] | None = None) -> str:
    """The use-limitation notice as Markdown. Raises ContentError when neither kit nor engagement has it."""
    from playbook.io import content  # noqa: PLC0415 - only pages with a notice read files

    return content.find(f"templates/{NOTICE}", overrides).read_text(encoding="utf-8")


def markdown(text: str, *, html: bool = False) -> str:
    """Markdown as HTML, tables included; HTML inside it is shown as text unless `html` is allowed."""
    return str(_parser(html=html).render(text))


@cache
def _parser(*, html: bool) -> Any:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - tables and findings do not need it

    return MarkdownIt("commonmark", {"html": html}).enable("table").enable("strikethrough")
