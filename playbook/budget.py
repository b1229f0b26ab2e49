"""Where the money goes: a team's monthly lines against the shift from variable labour to fixed systems.

Amounts in different currencies are never added: every total and share stays within one currency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import Field, model_validator

from playbook.tables import BUDGET_LINES, MEASURES, Authored, Sourced, check, count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LINE_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "line": "str",
    "title": "str",
    "kind": "str",
    "direction": "str",
    "monthly": "float64",
    "share": "float64",
    "currency": "str",
    "note": "str",
}
TOTAL_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "currency": "str",
    "variable": "float64",
    "fixed": "float64",
    "other": "float64",
    "total": "float64",
    "variable_share": "float64",
    "lines": "Int64",
    "note": "str",
}


class Category(Sourced):
    """A line of the budget: variable or fixed cost, and which way the source sees it move."""

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    title: str
    kind: Literal["variable", "fixed"]
    direction: Literal["falls", "grows"]
    meaning: str


class Shift(Authored):
    """How budgets follow the work: the lines money moves from and the lines it moves to."""

    title: str
    note: str
    categories: tuple[Category, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Shift:
        ids = [category.id for category in self.categories]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"categories used twice: {', '.join(twice)}")
        return self


def lines(budget_lines: pd.DataFrame, shift: Shift, teams: Sequence[str] | None = None) -> pd.DataFrame:
    """Each team's lines beside what the shift says of them: one row a team and category, other lines after them.

    `budget_lines` is BUDGET_LINES; `teams` lists the teams to show, also those without a line. `monthly` is in
    `currency` units a month and empty while no figure is known; `share` = monthly / all of the team's lines in that
    currency, 0 to 1. `kind` and `direction` are empty for a line the shift does not have.
    Columns: team, line, title, kind, direction, monthly, share, currency, note.
    """
    known = check(BUDGET_LINES, budget_lines)
    known["currency"] = known["currency"].str.upper()
    total = known.groupby(["team", "currency"])["monthly"].transform("sum")
    known["share"] = (known["monthly"] / total).where(total > 0)
    given = {(row["team"], row["line"]): row for row in known.to_dict(orient="records")}
    categories = {category.id: category for category in shift.categories}
    rows: list[dict[str, Any]] = []
    for team in dict.fromkeys(teams if teams is not None else known["team"]):
        others = [line for owner, line in given if owner == team and line not in categories]
        rows += [
            {"team": team, "line": line, **_line(categories.get(line), given.get((team, line)))}
            for line in [*categories, *others]
        ]
    return _frame(rows, LINE_COLUMNS)


def variable_share(budget_lines: pd.DataFrame, shift: Shift) -> pd.DataFrame:
    """How much of a team's money is variable cost: one row a team and currency, never added across currencies.

    `variable_share` = variable / (variable + fixed) over the shift's lines, 0 all fixed to 1 all variable; empty where
    nothing is spent on them. Columns: team, currency, variable, fixed, other (lines the shift does not have), total
    (all in currency units a month), variable_share, lines, note.
    """
    shown = lines(budget_lines, shift).dropna(subset=["monthly"])
    shown["currencies"] = shown.groupby("team")["currency"].transform("nunique")
    rows = []
    for (team, currency), part in shown.groupby(["team", "currency"], sort=False):
        sums = {kind: float(part.loc[part["kind"] == kind, "monthly"].sum()) for kind in ("variable", "fixed", "")}
        moved = sums["variable"] + sums["fixed"]
        currencies = int(part["currencies"].iloc[0])
        rows.append(
            {
                "team": team,
                "currency": currency,
                "variable": sums["variable"],
                "fixed": sums["fixed"],
                "other": sums[""],
                "total": moved + sums[""],
                "variable_share": sums["variable"] / moved if moved else None,
                "lines": len(part),
                "note": f"{currencies} currencies, not added together; this row is {currency!s} only"
                if currencies > 1
                else "",
            }
        )
    return _frame(rows, TOTAL_COLUMNS)


def findings(budget_lines: pd.DataFrame, shift: Shift, teams: Sequence[str] | None = None) -> list[str]:
    """What the budget says, team by team, in sentences; one month is a state, not yet a move."""
    said: list[str] = []
    partly: set[Any] = set()
    for team, part in lines(budget_lines, shift, teams).groupby("team", sort=False):
        own = part[part["kind"] != ""]
        missing = own.loc[own["monthly"].isna(), "title"]
        partly |= {team} if len(missing) else set()
        said.append(
            f"{team!s}: {len(own) - len(missing)} of {count(len(own), 'line')} of the shift have a monthly figure"
            + (f"; not yet known: {', '.join(missing)}." if len(missing) else ".")
        )
    for row in variable_share(budget_lines, shift).to_dict(orient="records"):
        if pd.isna(row["variable_share"]):
            said.append(f"{row['team']}: nothing is spent on the lines of the shift in {row['currency']}.")
            continue
        doubts = [row["note"], "of the lines known so far" if row["team"] in partly else ""]
        note = f" ({'; '.join(doubt for doubt in doubts if doubt)})" if any(doubts) else ""
        said.append(
            f"{row['team']}: {percent(row['variable_share'])} of {row['variable'] + row['fixed']:,.0f} {row['currency']} a "
            f"month on the lines of the shift is variable cost{note}; a later month is needed to see it move."
        )
    return said


def measures(budget_lines: pd.DataFrame, shift: Shift, teams: Sequence[str] | None = None) -> pd.DataFrame:
    """`budget_lines_known` of each team, as MEASURES: lines of the shift with a monthly figure, of all it has."""
    rows = []
    shown = lines(budget_lines, shift, teams)
    for team, part in shown[shown["kind"] != ""].groupby("team", sort=False):
        known = int(part["monthly"].notna().sum())
        base = {"team": team, "measure": "budget_lines_known", "unit": "lines", "n": len(part)}
        rows.append(
            {**base, "value": known, "evidence": f"{known} of {count(len(part), 'line')} of the shift have a figure"}
        )
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def _line(category: Category | None, given: Mapping[Any, Any] | None) -> dict[str, Any]:
    said: dict[str, Any] = {"title": "", "kind": "", "direction": "", "note": "not part of the shift"}
    if category is not None:
        said = category.model_dump(include={"title", "kind", "direction"}) | {"note": ""}
    if given is None:
        return {**said, "note": "no figure yet"}
    own_note = "" if pd.isna(given["note"]) else str(given["note"])
    notes = "; ".join(note for note in (own_note, said["note"]) if note)
    title = said["title"] or str(given["line"])
    return {**said, "title": title, "note": notes, **{name: given[name] for name in ("monthly", "share", "currency")}}


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(columns)).astype(columns)
    texts = [name for name, kind in columns.items() if kind == "str"]
    frame[texts] = frame[texts].fillna("")
    return frame
