"""What the pilots say in sentences, and the measures a gate asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from playbook import tables
from playbook.pilots.breakages import said
from playbook.pilots.doubts import design_doubt
from playbook.pilots.reading import of, readout
from playbook.pilots.rule import EvidenceRule
from playbook.pilots.sides import Sides


def findings(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame, rule: EvidenceRule) -> list[str]:
    """What the pilots show, in sentences: time, quality, what broke; "not yet" with what is missing."""
    rows = readout(pilots, items, breakages, rule)
    if rows.empty:
        return [
            "Not yet: no pilot is on record, so time saved, quality kept and what broke cannot be said.",
            *_strays(pilots, items, breakages),
        ]
    several = len(set(rows["team"])) > 1
    told = []
    for row in rows.to_dict(orient="records"):
        name = f"{row['team']}, {row['workflow']}" if several else str(row["workflow"])
        told.append(f"{name} (level {row['level']}): {_short(row)}")
        told.append(f"{name}: {said(of(breakages, row), row)}")
    told += _doubts(rows, items)
    for team, part in rows.groupby("team", sort=False):
        told += _together(str(team), part, several=several)
    return [*told, *_strays(pilots, items, breakages)]


def measures(
    pilots: pd.DataFrame,
    items: pd.DataFrame,
    breakages: pd.DataFrame,
    rule: EvidenceRule,
    teams: Sequence[str] = (),
) -> pd.DataFrame:
    """Return tables.MEASURES for each team in `pilots`, and for each of `teams` even without a pilot.

    They count pilots at level 4 or 5 that run or have ended: `pilots_running`; `pilots_measured`, with a verdict on
    both time and quality; `pilots_time_saved` and `pilots_quality_kept`, empty until one pilot has such a verdict;
    `pilots_breakages_recorded`, the share (0 to 1) with a breakage or a "nothing broke" on record;
    `pilots_hours_saved`, on the timed items only and less review and rework, never extrapolated.
    """
    rows = readout(pilots, items, breakages, rule).assign(status=pilots["status"].to_numpy(dtype=object))
    rows["recorded"] = [not of(breakages, row).empty for row in rows.to_dict(orient="records")]
    live = rows[rows["level"].isin([4, 5]) & rows["status"].isin(["running", "ended"])]
    names = dict.fromkeys([*teams, *rows["team"]])
    found = [measure for team in names for measure in _measures(team, live[live["team"] == team])]
    return tables.check(tables.MEASURES, pd.DataFrame(found, columns=list(tables.MEASURES.columns)))


def _short(row: dict[Any, Any]) -> str:
    """Both verdicts with their figures, what was left of the minutes, and what is still needed."""
    parts = [_time(row), _quality(row)]
    if not row["still_needed"].startswith("Nothing"):
        parts.append(f"Still needed: {row['still_needed'][:1].lower()}{row['still_needed'][1:]}")
    return " ".join(parts)


def _time(row: dict[Any, Any]) -> str:
    items = f"{row['n_baseline']} and {row['n_trial']} items"
    if row["time_verdict"] == "not yet":
        return f"Time: not yet ({items})."
    text = (
        f"Time: {row['time_verdict']}, {row['time_ratio']:.2f} of the old minutes (95 % interval {row['ratio_low']:.2f} to "
        f"{row['ratio_high']:.2f}; {items})"
    )
    if pd.isna(row["saved_low"]):
        return f"{text}."
    added = row["review_added"] + row["rework_added"]
    return (
        f"{text}, {_gain(row['minutes_saved'])} an item (95 % interval {row['saved_low']:.0f} to {row['saved_high']:.0f} saved) after "
        f"{_gain(row['hands_on_saved'])} by hand and {_gain(-added)} of review and rework."
    )


def _quality(row: dict[Any, Any]) -> str:
    judged = f"{row['judged_baseline']} and {row['judged_trial']} judged"
    if row["quality_verdict"] == "not yet":
        return f"Quality: not yet ({judged})."
    if row["quality_measure"] == "blinded scores":
        figures = f"{row['score_difference']:+.2f} points of the blinded score, {row['score_low']:+.2f} to {row['score_high']:+.2f}"
    else:
        ends = [f"{100 * row[name]:+.0f}" for name in ("quality_difference", "quality_low", "quality_high")]
        figures = f"{ends[0]} points of the share accepted, {ends[1]} to {ends[2]}"
    return f"Quality: {row['quality_verdict']} ({figures}; {judged})."


def _doubts(rows: pd.DataFrame, items: pd.DataFrame) -> Iterator[str]:
    """What the designs cannot rule out, pilots with the same doubt together."""
    named: dict[str, list[str]] = {}
    for row in rows.to_dict(orient="records"):
        sides = Sides.of(of(items, row), row["design"])
        if min(sides.counts[:2]):
            named.setdefault(design_doubt(row["design"], sides), []).append(str(row["workflow"]))
    for doubt, workflows in named.items():
        who = ", ".join(workflows[:-1]) + (" and " if len(workflows) > 1 else "") + workflows[-1]
        yield f"{who}: {doubt}"


def _gain(minutes: float) -> str:
    return f"{tables.count(round(abs(minutes)), 'minute')} {'saved' if minutes >= 0 else 'more'}"


def _together(team: str, rows: pd.DataFrame, *, several: bool) -> Iterator[str]:
    known = rows.dropna(subset=["shrunk_ratio"])
    if len(known):
        each = ", ".join(
            f"{row.workflow} {row.shrunk_ratio:.2f} (alone {row.time_ratio:.2f})" for row in known.itertuples()
        )
        lead = f"{team}, read together" if several else "Read together"
        yield f"{lead}, the less certain moved towards the others: {each} of the old minutes; verdicts rest on each alone."


def _strays(pilots: pd.DataFrame, items: pd.DataFrame, breakages: pd.DataFrame) -> Iterator[str]:
    known = set(zip(pilots["team"], pilots["pilot_id"], strict=True))
    for noun, frame in (("timed item", items), ("breakage", breakages)):
        names = [key for key in zip(frame["team"], frame["pilot_id"], strict=True) if key not in known]
        if names:
            listed = ", ".join(f"{pilot} ({team})" for team, pilot in dict.fromkeys(names))
            belong = (
                "belongs to no pilot on record and was" if len(names) == 1 else "belong to no pilot on record and were"
            )
            yield f"{tables.count(len(names), noun)} {belong} left out: {listed}."


def _measures(team: str, live: pd.DataFrame) -> Iterator[dict[str, Any]]:
    running, recorded = len(live), int(live["recorded"].sum())
    timed, judged = (live[live[f"{kind}_verdict"] != "not yet"] for kind in ("time", "quality"))
    both = len(timed.index.intersection(judged.index))
    saved, kept = int((timed["time_verdict"] == "saved").sum()), int((judged["quality_verdict"] == "kept").sum())
    hours = float((timed["minutes_saved"] * timed["n_trial"]).sum()) / 60
    on_items = "on the trial items timed so far, review and rework subtracted"
    names = ", ".join(live["workflow"])[:500] or "none"
    pilot = "a pilot at level 4 or 5 that runs"
    items = "enough timed and judged items before and in the trial" if running else pilot
    known: list[tuple[str, float | None, str, int, str, str]] = [
        ("running", running, "pilots", running, f"at level 4 or 5, running or ended: {names}", ""),
        ("measured", both, "pilots", running, f"{both} of {running} have a verdict on time and on quality", ""),
        (
            "time_saved",
            saved if len(timed) else None,
            "pilots",
            len(timed),
            f"saved in {saved} of {len(timed)} with a verdict",
            items,
        ),
        (
            "quality_kept",
            kept if len(judged) else None,
            "pilots",
            len(judged),
            f"kept in {kept} of {len(judged)} with a verdict",
            items,
        ),
        (
            "breakages_recorded",
            recorded / running if running else None,
            "share",
            running,
            f"{recorded} of {running} have written down what broke, or that nothing did",
            pilot,
        ),
        ("hours_saved", hours if len(timed) else None, "hours", int(timed["n_trial"].sum()), on_items, items),
    ]
    for name, value, unit, n, evidence, needs in known:
        cells = (team, f"pilots_{name}", value, unit, n, evidence, needs if value is None else "")
        yield dict(zip(tables.MEASURES.columns, cells, strict=True))
