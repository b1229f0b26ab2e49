"""Which sentences a report holds: the week, the key figures, whose doing a change is, what is unusual, what it cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from playbook.agents.reporting import breaks, contributions, tabulate
from playbook.agents.reporting.kpis import GAP, HOLIDAYS, NO_PAST, NOTHING
from playbook.agents.reporting.narrative import Sentence, Wording, say
from playbook.agents.reporting.settings import Measure
from playbook.agents.reporting.sheets import EMPTY
from playbook.agents.reporting.tabulate import BREAKS, CHANGES, FACTS, GAPS, KPIS, OTHERS, RATIOS, TOTAL, UNUSUAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from playbook.agents.reporting.analysis import Analysis
    from playbook.agents.reporting.sheets import Cell, Sheets

    Say = Callable[..., Sentence]

COMINGS = 5  # of the largest movers, how many are looked at for names that came or went
SILENT = (breaks.STOPPED, breaks.MISSES)


@dataclass(frozen=True)
class Story:
    """The report's sentences by their place on the page: what changed, where, what is unusual, what it cannot say."""

    opening: tuple[Sentence, ...]
    changes: tuple[Sentence, ...]
    unusual: tuple[Sentence, ...]
    limits: tuple[Sentence, ...]

    @property
    def sentences(self) -> list[Sentence]:
        """All of them, in the order of the page."""
        return [*self.opening, *self.changes, *self.unusual, *self.limits]


def compose(found: Analysis, sheets: Sheets, wording: Wording) -> Story:
    """The sentences of a report; each number in them is a cell of `sheets`."""
    tell = partial(say, wording, sheets=sheets, f=(FACTS, "all"))
    return Story(
        opening=(tell("week"), *_figures(found, sheets, tell)),
        changes=(*_changes(found, sheets, tell), *_ratios(found, sheets, tell)),
        unusual=(*_gaps(sheets, tell), *_breaks(found, tell), *_unusual(found, sheets, tell)),
        limits=tuple(_limits(found, tell)),
    )


def _figures(found: Analysis, sheets: Sheets, tell: Say) -> Iterator[Sentence]:
    for row in found.kpis.to_dict(orient="records"):
        cells = sheets[KPIS].rows[row["figure"]]
        yield tell(_figure_key(found, row["figure"], cells), k=(KPIS, row["figure"]))


def _figure_key(found: Analysis, key: str, here: Mapping[str, Cell]) -> str:
    """Which pattern fits a key figure: by its state, and by what could be computed of it."""
    state = here["state"].text
    additive = isinstance(tabulate.figure(found.settings, key), Measure)
    if state == GAP:
        return "figure_gap"
    if state == NOTHING or here["change"].text == EMPTY:
        return "figure_alone"
    if state == HOLIDAYS:
        return "figure_holiday_only" if here["alike"].text == EMPTY else "figure_holiday"
    if here["direction"].text == "stayed as it was":
        return "figure_same"
    if additive and here["percent"].text != EMPTY:
        return "figure_no_past" if state == NO_PAST else "figure_inside"
    return "ratio_no_past" if state == NO_PAST else "ratio_inside"


def _changes(found: Analysis, sheets: Sheets, tell: Say) -> Iterator[Sentence]:
    """The largest movers of each measure that has several names, and the largest against them."""
    for measure, split in found.totals.items():
        name = f"{CHANGES}_{measure}"
        rows = [key for key in sheets[name].rows if key not in (OTHERS, TOTAL)] if name in sheets else []
        if len(rows) < 2 or not split["change"].abs().max():
            continue
        told = partial(tell, k=(KPIS, measure))
        head = split.head(len(rows))
        first = head["change"].iloc[0]
        yield told("change_most", n=(name, rows[0]))
        same = [i for i in range(1, len(rows)) if head["change"].iloc[i] * first > 0]
        against = [i for i in range(1, len(rows)) if head["change"].iloc[i] * first < 0]
        if same:
            yield told("change_next", n=(name, rows[same[0]]))
        if against:
            yield told("change_against", n=(name, rows[against[0]]))
        told_of = {0, *same[:1], *against[:1]}
        for i, state in enumerate(head["state"].head(COMINGS)):
            if state != contributions.BOTH and i not in told_of:
                yield told("change_new" if state == contributions.NEW else "change_gone", n=(name, rows[i]))


def _ratios(found: Analysis, sheets: Sheets, tell: Say) -> Iterator[Sentence]:
    for ratio, split in found.ratios.items():
        name = f"{RATIOS}_{ratio}"
        if len(split) < 2 or not split["total"].abs().max():
            continue
        yield tell("ratio_split", k=(KPIS, ratio), t=(name, TOTAL))
        yield tell("ratio_most", k=(KPIS, ratio), n=(name, next(iter(sheets[name].rows))))


def _gaps(sheets: Sheets, tell: Say) -> Iterator[Sentence]:
    if GAPS in sheets:
        yield tell("limit_gap")
        for row in list(sheets[GAPS].rows)[:3]:
            yield tell("gap", g=(GAPS, row))


def _breaks(found: Analysis, tell: Say) -> Iterator[Sentence]:
    paired: set[frozenset[str]] = set()
    for place, row in enumerate(found.breaks.to_dict(orient="records"), start=1):
        told = partial(tell, b=(BREAKS, f"b{place}"))
        kind = row["kind"]
        key = "break_silent" if kind in SILENT else "break_new" if kind == breaks.APPEARED else "break_level"
        yield told(key)
        pair = frozenset({row["measure"], row["name"], row["partner"]})
        if row["partner"] and pair not in paired:
            paired.add(pair)
            yield told("break_partner")
        if row["cause"]:
            yield told("break_cause")


def _unusual(found: Analysis, sheets: Sheets, tell: Say) -> Iterator[Sentence]:
    if not found.days_judged:
        yield tell("not_judged")
        return
    rows = sheets[UNUSUAL].rows if UNUSUAL in sheets else {}
    for row, cells in rows.items():
        yield tell("unusual_high" if cells["low"].text == EMPTY else "unusual", u=(UNUSUAL, row))
    yield tell("unusual_chance" if rows else "unusual_none")


def _limits(found: Analysis, tell: Say) -> Iterator[Sentence]:
    settings = found.settings
    yield tell("limit_cause")
    if found.days_judged:
        yield tell("limit_chance")
    yield tell("limit_holiday" if settings.country else "limit_no_country")
    yield tell("limit_zone")
    yield tell("limit_range")
    if len(found.regular) < found.week.of(found.series.frame)["name"].nunique():
        yield tell("limit_regular")
    yield tell("limit_season")
    yield tell("limit_no_difference" if found.difference is None else "limit_difference")
