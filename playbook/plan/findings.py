"""What the schedule and the gates say, in sentences."""

from __future__ import annotations

import pandas as pd

SHOWN = 3


def findings(
    schedule: pd.DataFrame | None = None, results: pd.DataFrame | None = None, progress: pd.DataFrame | None = None
) -> list[str]:
    """What the schedule and the gate results say, team by team, in sentences.

    With `progress` it also names rows about activities the plan does not have, which `schedule` leaves out.
    """
    said: list[str] = []
    if schedule is not None:
        for (team, phase), part in schedule.groupby(["team", "phase"], sort=False):
            said.append(_phase_sentence(str(team), int(str(phase)), part))
    if schedule is not None and progress is not None:
        for team, part in progress[~progress["activity"].isin(schedule["activity"])].groupby("team", sort=False):
            names = ", ".join(sorted(set(part["activity"])))
            said.append(f"{team!s}: progress on {names} is not counted, as the plan has no activity of that name.")
    if results is not None:
        for (team, phase), part in results.groupby(["team", "phase"], sort=False):
            said.append(_gate_sentence(str(team), int(str(phase)), part))
    return said


def _phase_sentence(team: str, phase: int, part: pd.DataFrame) -> str:
    counts = part["status"].value_counts()
    done, dropped = int(counts.get("done", 0)), int(counts.get("dropped", 0))
    words = [f"{done} of {len(part)} activities done"] + ([f"{dropped} dropped"] if dropped else [])
    late = part[part["overdue"].fillna(value=False)]
    if len(late):
        names = ", ".join(late["title"].head(SHOWN)) + (", …" if len(late) > SHOWN else "")
        words.append(f"{len(late)} overdue ({names})")
    waiting = part[part["status"].isin(["not started", "under way"]) & ~part.index.isin(late.index)].sort_values("end")
    if len(waiting):
        nearest = waiting.iloc[0]
        words.append(f"next due {nearest['end']:%Y-%m-%d}: {nearest['title']}")
    return f"{team + ', p' if team else 'P'}hase {phase}: {'; '.join(words)}."


def _gate_sentence(team: str, phase: int, part: pd.DataFrame) -> str:
    counts = part["status"].value_counts()
    met, failed, unknown = (int(counts.get(word, 0)) for word in ("met", "not met", "not yet measurable"))
    state = "open" if met == len(part) else "not open yet"
    tail = "".join(
        f" {word.capitalize()}: {_listed(part.loc[part['status'] == word, 'text'])}."
        for word in ("not met", "not yet measurable")
        if (part["status"] == word).any()
    )
    return (
        f"{team}: the gate of phase {phase} is {state}: of {len(part)} conditions {met} met, {failed} not met, "
        f"{unknown} not yet measurable.{tail}"
    )


def _listed(texts: pd.Series) -> str:
    more = f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(text.rstrip(".") for text in texts.head(SHOWN)) + more
