"""What broke: where in the work, how bad, what it cost, what was done; open ones first."""

from __future__ import annotations

from typing import Any

import pandas as pd

from playbook.tables import count

NOTHING_BROKE = "nothing broke"
SEVERITIES = ("critical", "major", "minor")
BROKE_COLUMNS = {
    "team": "str",
    "pilot_id": "str",
    "workflow": "str",
    "state": "str",
    "severity": "str",
    "category": "str",
    "what": "str",
    "minutes_lost": "float64",
    "fix": "str",
    "day": "datetime64[us]",
}
KIND_COLUMNS = {
    "team": "str",
    "category": "str",
    "breakages": "Int64",
    **dict.fromkeys(SEVERITIES, "Int64"),
    "open": "Int64",
    "minutes_lost": "float64",
}


def broke(pilots: pd.DataFrame, breakages: pd.DataFrame) -> pd.DataFrame:
    """Every breakage with its workflow: open ones first, then by severity, then by what it cost.

    Takes tables.PILOTS and BREAKAGES. Columns: team, pilot_id, workflow (empty for a pilot not on record), state ("open"
    without a fix, else "fixed"), severity, category, what, minutes_lost (empty: not recorded), fix, day. Notes that
    nothing broke are left out.
    """
    names = pilots[["team", "pilot_id", "workflow"]]
    rows = real(breakages).merge(names, on=["team", "pilot_id"], how="left")
    rows["state"] = rows["fix"].isna().map({True: "open", False: "fixed"})
    order = rows.assign(
        _open=rows["fix"].isna(), _severity=rows["severity"].map(SEVERITIES.index), _cost=rows["minutes_lost"].fillna(0)
    ).sort_values(
        ["team", "_open", "_severity", "_cost", "day"], ascending=[True, False, True, False, True], kind="stable"
    )
    return order[list(BROKE_COLUMNS)].reset_index(drop=True).astype(BROKE_COLUMNS)


def broke_by_kind(breakages: pd.DataFrame) -> pd.DataFrame:
    """Where in the work things break, one row a team and category, most often first.

    Columns: team, category, breakages, critical, major, minor, open (without a fix), minutes_lost (the recorded sum).
    """
    rows = real(breakages)
    found = [
        {"team": team, "category": category, "breakages": len(part)}
        | {name: int((part["severity"] == name).sum()) for name in SEVERITIES}
        | {"open": int(part["fix"].isna().sum()), "minutes_lost": part["minutes_lost"].sum(min_count=1)}
        for (team, category), part in rows.groupby(["team", "category"], sort=True)
    ]
    frame = pd.DataFrame(found, columns=list(KIND_COLUMNS)).astype(KIND_COLUMNS)
    return frame.sort_values(["team", "breakages"], ascending=[True, False], kind="stable").reset_index(drop=True)


def real(breakages: pd.DataFrame) -> pd.DataFrame:
    """Breakages without the notes that nothing broke."""
    kept: pd.DataFrame = breakages[~breakages["what"].str.casefold().str.startswith(NOTHING_BROKE)]
    return kept


def said(breakages: pd.DataFrame, row: dict[Any, Any]) -> str:
    """What broke in one pilot, as the end of a sentence; `row` is its readout."""
    rows = real(breakages)
    if rows.empty:
        if not breakages.empty:
            return "looked for, and on record that nothing broke."
        if row["n_trial"]:
            return "no breakage is written down, nor that nothing broke; not yet known."
        return "no timed item with the agent yet, so what breaks is not yet known."
    parts = ", ".join(f"{n} {name}" for name, n in rows["category"].value_counts(sort=True).items())
    severe = int(rows["severity"].isin(["major", "critical"]).sum())
    lost, open_ = rows["minutes_lost"].sum(min_count=1), int(rows["fix"].isna().sum())
    cost = "time lost not recorded" if pd.isna(lost) else f"{count(float(lost), 'minute')} lost"
    return f"{len(rows)} broke ({parts}; {severe} major or critical); {cost}, {open_} without a fix so far."
