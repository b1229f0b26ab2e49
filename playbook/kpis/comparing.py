"""Old KPIs against new: a first reading against the latest, and what may be said of the change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.kpis.model import Catalogue, Kpi
from playbook.tables import READINGS, check, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPARED_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "kpi": "str",
    "group": "str",
    "old_title": "str",
    "new_title": "str",
    "old_latest": "float64",
    "old_unit": "str",
    "baseline": "float64",
    "latest": "float64",
    "low": "float64",
    "high": "float64",
    "change": "float64",
    "unit": "str",
    "better": "str",
    "n": "Int64",
    "status": "str",
}


def compare(catalogue: Catalogue, readings: pd.DataFrame, teams: Sequence[str] | None = None) -> pd.DataFrame:
    """Old KPIs against new, each team's first reading against its latest: one row a team and KPI of the catalogue.

    `readings` is READINGS; `teams` lists the teams to show, also those without a reading. `change` = latest -
    baseline, in the KPI's unit, empty with fewer than two periods. `low`, `high` and `n` belong to the latest reading.
    `status` says in words what may be said: `not measurable yet: needs ...` without a reading, and a change only where
    the two intervals do not overlap.

    Columns: team, kpi, group, old_title, new_title, old_latest, old_unit, baseline, latest, low, high, change, unit,
    better, n, status. Readings of KPIs the catalogue does not have are left out and named by `findings`.
    """
    known = check(READINGS, readings).sort_values("start", kind="stable")
    series = {(str(team), str(kpi)): part for (team, kpi), part in known.groupby(["team", "kpi"], sort=False)}
    rows = [
        _compared(team, kpi, series)
        for team in dict.fromkeys(teams if teams is not None else known["team"])
        for kpi in catalogue.kpis
    ]
    return frame_of(rows, COMPARED_COLUMNS)


def worded(compared: pd.DataFrame) -> pd.DataFrame:
    """The frame of `compare` for reading: each figure in words with its unit, n and interval.

    Columns: team, kpi, group, old_title, new_title, baseline and latest (texts, empty without a reading), status.
    KPIs with a reading come first, in the catalogue's order.
    """
    columns = ["team", "kpi", "group", "old_title", "new_title", "baseline", "latest", "status"]
    rows = compared.assign(
        baseline=[_figure(value, unit) for value, unit in zip(compared["baseline"], compared["unit"], strict=True)],
        latest=[
            _figure(row["latest"], row["unit"], row["low"], row["high"], row["n"])
            for row in compared.to_dict(orient="records")
        ],
    )
    order = compared["baseline"].isna().sort_values(kind="stable").index
    return rows.loc[order, columns].reset_index(drop=True)


def _figure(value: float, unit: str, low: float = math.nan, high: float = math.nan, n: Any = None) -> str:
    if pd.isna(value):
        return ""
    spread = "" if pd.isna(low) or pd.isna(high) else f" ({said(low, unit)} to {said(high, unit)})"
    asked = "" if n is None or pd.isna(n) else f", n = {n}"
    return f"{said(value, unit)}{spread}{asked}"


def said(value: float, unit: str) -> str:
    """A value in words with its unit; a share is shown in percent."""
    return f"{value * 100:.3g} %" if unit == "share" else f"{value:.4g} {unit}"


def _compared(team: str, kpi: Kpi, series: Mapping[tuple[str, str], pd.DataFrame]) -> dict[str, Any]:
    old = series.get((team, kpi.replaces.id)) if kpi.replaces else None
    row: dict[str, Any] = {
        "team": team,
        "kpi": kpi.id,
        "group": kpi.group,
        "old_title": kpi.replaces.title if kpi.replaces else "",
        "new_title": kpi.title,
        "old_latest": None if old is None else old["value"].iloc[-1],
        "old_unit": kpi.replaces.unit if kpi.replaces else "",
        "unit": kpi.unit,
        "better": kpi.better,
    }
    read = series.get((team, kpi.id))
    if read is None:
        return {**row, "status": f"not measurable yet: needs {kpi.needs}"}
    first, last = read.iloc[0], read.iloc[-1]
    row |= {"baseline": first["value"], "latest": last["value"], "low": last["low"], "high": last["high"]}
    row |= {"n": last["n"], "change": last["value"] - first["value"] if len(read) > 1 else None}
    return {**row, "status": _status(kpi, first, last) if len(read) > 1 else _baseline_only(kpi, first)}


def _with_doubt(value: pd.Series, unit: str) -> str:
    n = "n not given" if pd.isna(value["n"]) else f"n = {value['n']}"
    if pd.isna(value["low"]) or pd.isna(value["high"]):
        return f"{said(value['value'], unit)} ({n}, no interval given)"
    ends = f"{said(value['low'], unit)} to {said(value['high'], unit)}"
    return f"{said(value['value'], unit)} ({n}, 95 % interval {ends})"


def _baseline_only(kpi: Kpi, first: pd.Series) -> str:
    days = count(first["days"], "day")
    return (
        f"baseline {_with_doubt(first, kpi.unit)} in the {days} from {first['start']:%Y-%m-%d}; "
        "a second period is needed before a change can be spoken of"
    )


def _status(kpi: Kpi, first: pd.Series, last: pd.Series) -> str:
    """Intervals that overlap show no change; stricter than a test, as the two periods may differ in more than this."""
    values = f"from {_with_doubt(first, kpi.unit)} to {_with_doubt(last, kpi.unit)}"
    ends = [first["low"], first["high"], last["low"], last["high"]]
    if any(pd.isna(end) for end in ends):
        return f"moved {values}; without both intervals it may be chance"
    if last["low"] <= first["high"] and first["low"] <= last["high"]:
        return f"no change shown, {values}: the intervals overlap"
    way = "higher" if last["value"] > first["value"] else "lower"
    judged = {way: ", the better way", "neither": ", which is neither good nor bad in itself"}
    return f"{way} now, {values}{judged.get(kpi.better, ', the worse way')}"


def frame_of(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a typed frame with these columns, texts empty where nothing was said."""
    frame = pd.DataFrame(list(rows), columns=list(columns)).astype(columns)
    texts = [name for name, kind in columns.items() if kind == "str"]
    frame[texts] = frame[texts].fillna("")
    return frame
