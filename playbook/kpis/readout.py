"""What the KPIs say, in sentences and as measures for the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.kpis.comparing import compare
from playbook.kpis.hours import time_split
from playbook.kpis.model import Catalogue
from playbook.tables import MEASURES, check, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def findings(catalogue: Catalogue, readings: pd.DataFrame, tasks: pd.DataFrame, placements: pd.DataFrame) -> list[str]:
    """What the KPIs and the hours say, team by team, in sentences."""
    said = []
    compared = compare(catalogue, readings, list(dict.fromkeys([*tasks["team"], *readings["team"]])))
    for team, part in compared.groupby("team", sort=False):
        read = part.dropna(subset=["latest"])
        said.append(
            f"{team!s}: {len(read)} of {count(len(part), 'KPI')} have a reading; the others say what they need."
        )
        said += [f"{team!s}: {row['new_title']}: {row['status']}." for row in read.to_dict(orient="records")]
    for row in time_split(tasks, placements, catalogue).to_dict(orient="records"):
        said.append(f"{row['team']}: {row['status']}.")
    strange = readings[~readings["kpi"].isin([*catalogue.ids(), *catalogue.old_ids()])]
    for team, part in strange.groupby("team", sort=False):
        names = ", ".join(sorted(set(part["kpi"])))
        said.append(f"{team!s}: readings of {names} are not shown, as the catalogue has no such KPI.")
    return said


def measures(
    catalogue: Catalogue,
    readings: pd.DataFrame,
    tasks: pd.DataFrame,
    placements: pd.DataFrame,
    teams: Sequence[str] | None = None,
) -> pd.DataFrame:
    """`kpi_baselines_share` and `share_of_hours_on_human_work` of each team, as MEASURES.

    The first is core KPIs with a reading / core KPIs; the second is `share_human` of `time_split`.
    """
    core = {kpi.id for kpi in catalogue.kpis if kpi.core}
    split = {row["team"]: row for row in time_split(tasks, placements, catalogue).to_dict(orient="records")}
    rows: list[dict[str, Any]] = []
    for team in dict.fromkeys([*tasks["team"], *readings["team"], *(teams or ())]):
        have = core & set(readings.loc[readings["team"] == team, "kpi"])
        rows.append(
            {
                "team": team,
                "measure": "kpi_baselines_share",
                "value": len(have) / len(core) if core else None,
                "unit": "share",
                "n": len(core),
                "evidence": f"{len(have)} of {count(len(core), 'core KPI')} have a first reading",
                "needs": "" if core else "a core KPI in the catalogue",
            }
        )
        rows.append({"team": team, "measure": "share_of_hours_on_human_work", **_human_share(split.get(team))})
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def _human_share(found: Mapping[Any, Any] | None) -> dict[str, Any]:
    row: dict[str, Any] = {"unit": "share", "value": None, "evidence": ""}
    if found is None:
        return {**row, "n": 0, "needs": "tasks with hours and a level"}
    if pd.isna(found["share_human"]):
        return {**row, "n": found["counted"], "needs": str(found["status"]).removeprefix("not yet: ")}
    return {"unit": "share", "value": found["share_human"], "n": found["counted"], "evidence": str(found["status"])}
