"""The analysis as sheets: the report's tables, each cell formatted once, so that page, sentences and CSV say the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.agents.reporting import kpis, sheets
from playbook.agents.reporting.analysis import WHOLE
from playbook.agents.reporting.anomalies import JUDGED
from playbook.agents.reporting.kpis import GAP, NO_PAST
from playbook.agents.reporting.settings import Measure
from playbook.agents.reporting.sheets import POINTS, Cell, Sheet, Sheets

if TYPE_CHECKING:
    from playbook.agents.reporting.analysis import Analysis
    from playbook.agents.reporting.settings import Ratio, Settings

FACTS, KPIS, CHANGES, RATIOS, UNUSUAL, BREAKS, GAPS, DAYS = (
    "facts", "key_figures", "changes", "ratio", "unusual", "breaks", "gaps", "days",
)  # fmt: skip
OTHERS, TOTAL = "others", "total"
MOST_GAPS = 40


def tabulate(found: Analysis) -> Sheets:
    """Every table of the report by name; empty ones are left out, except the facts and the key figures."""
    made = [_facts(found), _kpis(found)]
    made += [_changes(found, measure, split) for measure, split in found.totals.items() if len(split) > 1]
    made += [_ratio(found, ratio, split) for ratio, split in found.ratios.items()]
    made += [_days(found, measure) for measure in found.settings.measures]
    made += [_unusual(found), _breaks(found), _gaps(found)]
    always = (FACTS, KPIS)
    return {sheet.name: sheet for sheet in made if sheet.rows or sheet.name in always}


def figure(settings: Settings, key: str) -> Measure | Ratio:
    """The measure or ratio of an id."""
    return next(each for each in settings.figures if kpis.figure_id(each) == key)


def unit_of(what: Measure | Ratio) -> str:
    """What is said after a number of this figure: its unit, unless the title says it already (Visits, visits)."""
    return "" if what.unit.casefold() in what.title.casefold().split() else what.unit


def _headed(what: Measure | Ratio) -> str:
    return f"{what.title} ({what.unit})" if unit_of(what) else what.title


def _facts(found: Analysis) -> Sheet:
    settings, week, metrics = found.settings, found.week, found.metrics()
    watch = settings.watch
    difference = metrics["figure_difference"]
    judged = found.days_judged
    rows = {
        "first": ("First day of the week", sheets.day(week.first)),
        "last": ("Last day of the week", sheets.day(week.last)),
        "before_first": ("First day of the week before", sheets.day(week.before.first)),
        "before_last": ("Last day of the week before", sheets.day(week.before.last)),
        "from": ("First day of the figures", sheets.day(found.series.frame["day"].min())),
        "newest": ("Newest day of the figures", sheets.day(found.series.newest)),
        "names": (f"Each {settings.name_title} with figures in the week", _whole(_names_in(found))),
        "regular": (f"Each {settings.name_title} that reports regularly", _whole(len(found.regular))),
        "judged": ("Values of the week that could be judged", _whole(judged)),
        "by_chance": (
            "Of these, flagged by chance alone, on average",
            sheets.number(judged * watch.budget / 100, 1),
        ),
        "budget": ("Ordinary values that may be flagged", sheets.number(watch.budget, 1, "%")),
        "range": ("Ordinary weeks inside the usual range", sheets.number(watch.range, 0, "%")),
        "fewest": ("Week-on-week changes a usual range needs", _whole(kpis.FEWEST)),
        "missing_days": ("Days with missing figures", _whole(int(metrics["missing_days"] or 0))),
        "unusual": ("Unusual values in the week", _whole(len(found.unusual))),
        "breaks": ("Structural breaks", _whole(len(found.breaks))),
        "difference": (
            "Difference to the source's own sums",
            Cell("could not be compared") if difference is None else sheets.number(difference, 2, "%"),
        ),
        "age": ("Hours from the newest day to this report", sheets.number(found.age, 0, "hours")),
        "zone": ("Time zone of the days", sheets.words(found.series.zone or "as the source has them")),
        "country": ("Public holidays of", sheets.words(settings.country.upper() or "no country was set")),
        "name": ("What a name is", sheets.words(settings.name_title)),
        "holidays": ("Public holidays in the two weeks", sheets.words(_holidays(found))),
    }
    cells = {key: {"what": sheets.words(title), "value": cell} for key, (title, cell) in rows.items()}
    one_row = {key: cell for key, (_, cell) in rows.items()}
    return Sheet(FACTS, "The input and the rules", {"what": "Fact", "value": "Value"}, {**cells, "all": one_row})


def _names_in(found: Analysis) -> int:
    return int(found.week.of(found.series.frame)["name"].nunique())


def _holidays(found: Analysis) -> str:
    days = found.kinds[found.kinds["holiday"] != ""].loc[found.week.before.first : found.week.last]
    return "; ".join(f"{name} on {_said(day)}" for day, name in days["holiday"].items()) or "none"


def _said(day: Any) -> str:
    return sheets.day(day).text


def _whole(value: int) -> Cell:
    return sheets.number(float(value), 0)


def _kpis(found: Analysis) -> Sheet:
    rows = {}
    for row in found.kpis.to_dict(orient="records"):
        what = figure(found.settings, str(row["figure"]))
        percent = what.unit == "%"
        rows[str(row["figure"])] = {
            "title": sheets.words(what.title),
            "unit": sheets.words(what.unit),
            "this": sheets.number(row["this"], what.decimals, unit_of(what)),
            "last": sheets.number(row["last"], what.decimals, unit_of(what)),
            "change": sheets.number(row["change"], what.decimals, POINTS if percent else unit_of(what), signed=True),
            "percent": Cell(sheets.EMPTY) if percent else sheets.number(row["percent"], 1, "%", signed=True),
            "low": sheets.number(row["low"], what.decimals, unit_of(what)),
            "high": sheets.number(row["high"], what.decimals, unit_of(what)),
            "weeks": sheets.number(float(row["weeks"]), 0) if row["weeks"] else Cell(sheets.EMPTY),
            "before": sheets.number(row["before"], what.decimals, unit_of(what)),
            "alike": sheets.number(row["alike"], 1, "%", signed=True),
            "days_alike": sheets.number(float(row["days_alike"]), 0) if row["days_alike"] else Cell(sheets.EMPTY),
            "state": sheets.words(str(row["state"])),
            "direction": sheets.words(sheets.direction(row["change"], what.decimals)),
        }
    columns = {
        "title": "Key figure", "unit": "Unit", "this": "This week", "last": "Week before", "change": "Change",
        "percent": "Change, %", "low": "Usual range from", "high": "to", "weeks": "from so many changes",
        "before": "Mean of the 4 weeks before", "alike": "Change on like days, %", "days_alike": "Like days",
        "state": "Reading", "direction": "Moved",
    }  # fmt: skip
    empty = [
        key for key in ("low", "high", "weeks", "alike", "days_alike", "percent", "before") if _is_empty(rows, key)
    ]
    return Sheet(
        KPIS,
        "This week beside the week before",
        columns,
        rows,
        note=_kpi_note(found),
        hidden=frozenset({"direction", *empty}),
    )


def _is_empty(rows: dict[str, dict[str, Cell]], key: str) -> bool:
    return all(row[key].text == sheets.EMPTY for row in rows.values())


def _kpi_note(found: Analysis) -> str:
    states = set(found.kpis["state"])
    said = []
    if found.kpis["weeks"].gt(0).any() and found.kpis["low"].notna().any():
        said.append(
            f"The usual range is where {found.settings.watch.range:g} of 100 ordinary weeks would lie, from how far "
            "ordinary weeks moved before."
        )
    if NO_PAST in states:
        said.append(
            f"No usual range yet where fewer than {kpis.FEWEST} changes between ordinary weeks (none with a public "
            "holiday or a gap) are known."
        )
    if GAP in states:
        said.append("A figure with missing days is not compared: a gap is neither a zero nor a fall.")
    return " ".join(said)


def _changes(found: Analysis, measure: str, split: pd.DataFrame) -> Sheet:
    what = figure(found.settings, measure)
    rows = {}
    shown = _top(split, found.settings.watch.show, ["before", "after", "change"])
    whole = float(shown.iloc[-1]["before"]) if len(shown) else math.nan
    for key, row in shown.iterrows():
        rows[str(key)] = {
            "name": _named(row["name"], key),
            "before": sheets.number(row["before"], what.decimals, unit_of(what)),
            "after": sheets.number(row["after"], what.decimals, unit_of(what)),
            "change": sheets.number(row["change"], what.decimals, unit_of(what), signed=True),
            "percent": sheets.number(_percent(row["change"], row["before"]), 1, "%", signed=True),
            "points": sheets.number(_percent(row["change"], whole), 1, POINTS, signed=True),
            "state": sheets.words(row["state"]),
            "direction": sheets.words(sheets.direction(row["change"], what.decimals)),
        }
    columns = {
        "name": found.settings.name_title.capitalize(), "before": "Week before", "after": "This week",
        "change": "Change", "percent": "Change, %", "points": "Share in the change of the total, % points",
        "state": "", "direction": "Moved",
    }  # fmt: skip
    hidden = {"direction"} | ({"state"} if all(not row["state"].text for row in rows.values()) else set())
    title = f"{_headed(what)} by {found.settings.name_title}"
    return Sheet(f"{CHANGES}_{measure}", title, columns, rows, "The changes add up to the total's.", frozenset(hidden))


def _percent(part: float, whole: float) -> float:
    return part / whole * 100 if whole and whole > 0 else math.nan


def _named(text: str, key: Any) -> Cell:
    return sheets.words(text) if key in (OTHERS, TOTAL) else sheets.name(text)


def _top(split: pd.DataFrame, most: int, sums: list[str]) -> pd.DataFrame:
    """The largest rows under ids, the rest as one row, and the total: what is shown adds up."""
    head, rest = split.head(most), split.iloc[most:]
    rows = {f"n{i}": row for i, (_, row) in enumerate(head.iterrows(), start=1)}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(split.columns)).astype(split.dtypes.to_dict())
    for key, part, title in ((OTHERS, rest, f"all {len(rest)} others"), (TOTAL, split, "Total")):
        if len(part):
            added = {column: math.fsum(part[column]) if column in sums else math.nan for column in split.columns}
            frame.loc[key] = added | {"name": title, "state": ""}
    return frame


def _ratio(found: Analysis, ratio: str, split: pd.DataFrame) -> Sheet:
    what = figure(found.settings, ratio)
    unit = POINTS if what.unit == "%" else unit_of(what)
    rows = {}
    shown = _top(split, found.settings.watch.show, ["share_before", "share_after", "mix", "rate", "outside", "total"])
    for key, row in shown.iterrows():
        rows[str(key)] = {
            "name": _named(row["name"], key),
            "share_before": sheets.number(row["share_before"] * 100, 1, "%"),
            "share_after": sheets.number(row["share_after"] * 100, 1, "%"),
            "rate_before": sheets.number(row["rate_before"], what.decimals, unit_of(what)),
            "rate_after": sheets.number(row["rate_after"], what.decimals, unit_of(what)),
            "mix": sheets.number(row["mix"], what.decimals + 1, unit, signed=True),
            "rate": sheets.number(row["rate"], what.decimals + 1, unit, signed=True),
            "outside": sheets.number(row["outside"], what.decimals + 1, unit, signed=True),
            "total": sheets.number(row["total"], what.decimals + 1, unit, signed=True),
            "direction": sheets.words(sheets.direction(row["total"], what.decimals + 1)),
        }
    bottom = figure(found.settings, getattr(what, "bottom", "")).title.lower()
    columns = {
        "name": found.settings.name_title.capitalize(), "share_before": f"Share of {bottom} before",
        "share_after": "Share now", "rate_before": "Before", "rate_after": "Now", "mix": "By mix", "rate": "By rate",
        "outside": f"Without {bottom}", "total": "In all", "direction": "Moved",
    }  # fmt: skip
    hidden = {"direction"} | (set() if split["outside"].any() else {"outside"})
    note = (
        f"Mix: the share of {bottom} moved to or from this {found.settings.name_title}. Rate: its own "
        f"{what.title.lower()} changed. The parts add up to the change of the whole, in {unit or what.unit}."
    )
    return Sheet(
        f"{RATIOS}_{ratio}", f"Where the change of {what.title} comes from", columns, rows, note, frozenset(hidden)
    )


def _days(found: Analysis, measure: Measure) -> Sheet:
    """The week's days of a measure, all names together, with what was expected."""
    here = found.judged[found.judged["measure"] == measure.measure]
    whole = here[here["name"] == WHOLE] if (here["name"] == WHOLE).any() else here
    rows = {}
    if found.series.step == 1 and len(set(whole["name"])) == 1:
        for row in found.week.of(whole).to_dict(orient="records"):
            holiday = str(found.kinds["holiday"].get(row["day"], ""))
            rows[f"{row['day']:%Y-%m-%d}"] = {
                "day": Cell(f"{row['day']:%a} {_said(row['day'])}", value=f"{row['day']:%Y-%m-%d}"),
                "value": sheets.number(row["value"], measure.decimals, unit_of(measure)),
                "expected": sheets.number(row["expected"], measure.decimals, unit_of(measure)),
                "low": sheets.number(row["low"], measure.decimals, unit_of(measure)),
                "high": sheets.number(row["high"], measure.decimals, unit_of(measure)),
                "state": sheets.words("; ".join(part for part in (holiday, _reading(row)) if part)),
            }
    columns = {
        "day": "Day", "value": measure.title, "expected": "Expected", "low": "Limits from", "high": "to",
        "state": "Reading",
    }  # fmt: skip
    note = "Expected and limits come from the days before each day alone. A dash: not known."
    return Sheet(f"{DAYS}_{measure.measure}", f"{_headed(measure)} by day", columns, rows, note)


def _reading(row: dict[Any, Any]) -> str:
    if row["flag"]:
        return "unusually high" if row["flag"] == "high" else "unusually low"
    return "as expected" if row["state"] == JUDGED else str(row["state"])


def _unusual(found: Analysis) -> Sheet:
    rows = {}
    for place, row in enumerate(found.unusual.head(found.settings.watch.show).to_dict(orient="records"), start=1):
        what = figure(found.settings, row["measure"])
        rows[f"u{place}"] = {
            "day": sheets.day(row["day"]),
            "name": sheets.words(WHOLE) if row["name"] == WHOLE else sheets.name(row["name"]),
            "measure": sheets.words(what.title),
            "value": sheets.number(row["value"], what.decimals, unit_of(what)),
            "expected": sheets.number(row["expected"], what.decimals, unit_of(what)),
            "low": sheets.number(row["low"], what.decimals, unit_of(what)),
            "high": sheets.number(row["high"], what.decimals, unit_of(what)),
            "side": sheets.words("higher" if row["flag"] == "high" else "lower"),
            "cause": sheets.words(row["cause"] or row["holiday"] or "none"),
        }
    columns = {
        "day": "Day", "name": found.settings.name_title.capitalize(), "measure": "Figure", "value": "Value",
        "expected": "Expected", "low": "Limits from", "high": "to", "side": "Side", "cause": "Known cause",
    }  # fmt: skip
    more = len(found.unusual) - len(rows)
    note = f"{more} more, less far from the expected, are not shown." if more > 0 else ""
    return Sheet(UNUSUAL, "Unusual values of the week", columns, rows, note, frozenset({"side"}))


def _breaks(found: Analysis) -> Sheet:
    rows = {}
    for place, row in enumerate(found.breaks.to_dict(orient="records"), start=1):
        what = figure(found.settings, row["measure"])
        rows[f"b{place}"] = {
            "name": sheets.name(row["name"]),
            "measure": sheets.words(what.title),
            "kind": sheets.words(row["kind"]),
            "since": sheets.day(row["since"]),
            "days": _stretch(int(row["days"]), found.series.step),
            "before": sheets.number(row["before"], what.decimals, unit_of(what)),
            "after": sheets.number(row["after"], what.decimals, unit_of(what)),
            "partner": sheets.name(row["partner"]) if row["partner"] else Cell(sheets.EMPTY),
            "partner_change": sheets.number(row["partner_change"], what.decimals, unit_of(what), signed=True),
            "cause": sheets.words(row["cause"] or "none"),
        }
    each = "a day" if found.series.step == 1 else "a week"
    columns = {
        "name": found.settings.name_title.capitalize(), "measure": "Figure", "kind": "What happened", "since": "Since",
        "days": "For", "before": f"Expected {each}", "after": f"Found {each}", "partner": "Moves against",
        "partner_change": f"which changed {each} by", "cause": "Known cause",
    }  # fmt: skip
    return Sheet(BREAKS, "Structural breaks: changes of the measuring, until shown otherwise", columns, rows)


def _stretch(count: int, step: int) -> Cell:
    unit = "day" if step == 1 else "week"
    return sheets.number(float(count), 0, unit if count == 1 else f"{unit}s")


def _gaps(found: Analysis) -> Sheet:
    grouped = found.gaps.groupby(["name", "measure"], sort=True)["day"].agg(["min", "max", "nunique"]).reset_index()
    rows = {}
    for place, row in enumerate(grouped.head(MOST_GAPS).to_dict(orient="records"), start=1):
        what = figure(found.settings, row["measure"]).title if row["measure"] else "everything"
        days = row["nunique"] * found.series.step
        rows[f"g{place}"] = {
            "name": sheets.name(row["name"]),
            "measure": sheets.words(what),
            "days": _stretch(days // found.series.step, found.series.step),
            "first": sheets.day(row["min"]),
            "last": sheets.day(row["max"]),
        }
    columns = {
        "name": found.settings.name_title.capitalize(), "measure": "What is missing", "days": "For", "first": "From",
        "last": "to",
    }  # fmt: skip
    more = len(grouped) - len(rows)
    note = f"{more} more are not shown." if more > 0 else ""
    return Sheet(GAPS, "Missing figures in the two weeks", columns, rows, note)
