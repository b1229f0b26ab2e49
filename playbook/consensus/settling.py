"""What the raters settled on, the range that is kept beside it, and the tasks as the spectrum then reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from playbook.consensus.rounds import CELL, ROUNDING, Said, by_round, read, typed
from playbook.tables import FACTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_RATERS = "settled by the raters"
BY_MEAN = "mean of the last round"

SETTLEMENT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "value": "float64",
    "not_applicable": "boolean",
    "basis": "str",
    "round": "Int64",
    "n": "Int64",
    "spread": "float64",
    "low": "float64",
    "high": "float64",
    "first_low": "float64",
    "first_high": "float64",
    "note": "str",
}
AMENDMENT_COLUMNS: Mapping[str, str] = {
    "team": "str",
    "task_id": "str",
    "factor": "str",
    "round": "Int64",
    "seat": "Int64",
    "at": "datetime64[us, UTC]",
    "action": "str",
    "before": "str",
    "after": "str",
    "note": "str",
}


def settlement(ratings: pd.DataFrame) -> pd.DataFrame:
    """The value each rated factor of each task is taken to have, with the range the raters kept.

    Takes RATINGS. Seat 0 settles the value (its latest round); without seat 0 it is the mean of the last round, or "does
    not apply" when more than half of that round's seats said so. The range is the lowest and highest value of the last
    round, whoever settled. Columns: team, task_id, factor, value (1 to 5; empty when it does not apply), not_applicable,
    basis ("settled by the raters" or "mean of the last round"), round (the last one the seats rated in; empty: only seat
    0 spoke), n (seats with a value in it), spread (their standard deviation), low, high (the range), first_low, first_high (that of the first round), note
    (what to mind). Raises TableError for a bad table.
    """
    return settlement_of(read(ratings))


def settlement_of(said: Said) -> pd.DataFrame:
    """`settlement` of ratings that are read."""
    if said.seats.empty and said.agreed.empty:
        return typed([], SETTLEMENT_COLUMNS)
    found = _decided(said)
    found["note"] = _notes(found)
    return typed(found, SETTLEMENT_COLUMNS)


def _decided(said: Said) -> pd.DataFrame:
    """The columns of `settlement` but the note, with what the notes are made of; there must be a rating."""
    every = by_round(said).rename(columns={"not_applicable": "apart_from"})
    every["most"] = every.groupby(CELL)["n"].transform("max")
    first = every.drop_duplicates(CELL)[[*CELL, "low", "high"]]
    first = first.rename(columns={"low": "first_low", "high": "first_high"})
    last = every.drop_duplicates(CELL, keep="last").merge(first, on=CELL)
    known = said.agreed[[*CELL, "value", "not_applicable", "round"]].rename(columns={"round": "settled_in"})
    found = last.merge(known, on=CELL, how="outer", sort=True)
    by_raters = found["settled_in"].notna()
    dropped = (found["apart_from"] > found["n"]).fillna(value=False).astype(bool)
    found["value"] = found["value"].where(by_raters, found["mean"].mask(dropped))
    found["not_applicable"] = found["not_applicable"].astype("boolean").where(by_raters, dropped)
    found["basis"] = np.where(by_raters, BY_RATERS, BY_MEAN)
    return found


def settled(ratings: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """The tasks with their factors as the raters settled them, so that `spectrum.place` reads what was agreed.

    One rule: where raters rated a factor of a task, their settled value replaces the task sheet's cell, whatever
    stands there; where nobody rated, the sheet's cell stays. A factor settled as not applicable is emptied and listed in
    `not_applicable`; one settled with a value is taken off that list. Takes RATINGS and TASKS; returns a copy of `tasks`
    with the same rows, index and columns. Ratings of tasks that are not in `tasks` are left out (`findings` names
    them). Raises TableError for bad ratings.
    """
    said, done = read(ratings), tasks.copy()
    if done.empty or (said.seats.empty and said.agreed.empty):
        return done
    found = _decided(said)
    place = {key: at for at, key in enumerate(zip(done["team"], done["task_id"], strict=True))}
    found["at"] = [place.get(key, -1) for key in zip(found["team"], found["task_id"], strict=True)]
    found = found[found["at"] >= 0]
    listed: dict[int, dict[str, bool]] = {}
    for name, part in found.groupby("factor", sort=False):
        cells = done[str(name)].to_numpy(dtype=float, na_value=np.nan, copy=True)
        cells[part["at"].to_numpy()] = part["value"].to_numpy()
        done[str(name)] = cells
        for at, out in zip(part["at"], part["not_applicable"], strict=True):
            listed.setdefault(int(at), {})[str(name)] = bool(out)
    apart_from = done["not_applicable"].tolist()
    for at, changed in listed.items():
        apart_from[at] = _listed(apart_from[at], changed)
    done["not_applicable"] = pd.Series(apart_from, index=done.index, dtype=tasks["not_applicable"].dtype)
    return done


def amendments(history: pd.DataFrame) -> pd.DataFrame:
    """The ratings that were changed or taken back after they were written, oldest first.

    Takes what a workspace's `history("ratings")` returns. Columns: team, task_id, factor, round, seat, at (UTC), action
    ("update" or "delete"), before, after (the rating in words), note (why, as written with the change). Who made the
    change is not shown. First entries are no amendments.
    """
    changed = history[(history["table"] == "ratings") & history["action"].isin(["update", "delete"])]
    rows = []
    for row in changed.to_dict(orient="records"):
        old, new = (json.loads(text) if isinstance(text, str) else {} for text in (row["before"], row["after"]))
        before, after = _in_words(old), _in_words(new)
        if before != after:
            kept = {name: (new or old)[name] for name in (*CELL, "round", "seat")}
            facts = {name: row[name] for name in ("at", "action", "note")}
            rows.append({**kept, **facts, "before": before, "after": after})
    return typed(rows, AMENDMENT_COLUMNS)


def _notes(found: pd.DataFrame) -> list[str]:
    outside = (found["value"] < found["low"] - ROUNDING) | (found["value"] > found["high"] + ROUNDING)
    facts = {
        "only the settled value is recorded": found["round"].isna(),
        "one seat only": found["n"].eq(1),
        "settled outside the range the seats gave": outside,
        "settled before the last round": found["settled_in"] < found["round"],
        "fewer seats in the last round than before": found["n"] < found["most"],
        "some seats say it does not apply": found["apart_from"].gt(0) & ~found["not_applicable"],
        "some seats gave a value": found["n"].gt(0) & found["not_applicable"],
    }
    holds = {text: flags.fillna(value=False).astype(bool).tolist() for text, flags in facts.items()}
    return ["; ".join(text for text, flags in holds.items() if flags[at]) for at in range(len(found))]


def _listed(said: object, changed: Mapping[str, bool]) -> str | None:
    """The list of factors that do not apply after what the raters settled; words it does not know stay as they are."""
    words = [word.strip() for word in (said if isinstance(said, str) else "").split(",") if word.strip()]
    names = {word: "_".join(word.casefold().split()) for word in words}
    kept = [word for word in words if names[word] not in changed]
    new = [name for name in FACTORS if changed.get(name)]
    return ", ".join([*kept, *new]) or None


def _in_words(row: Mapping[str, object]) -> str:
    if not row:
        return "taken back"
    rating = "does not apply" if row.get("not_applicable") else row.get("value")
    text = "no rating" if rating is None else f"{rating:g}" if isinstance(rating, float | int) else str(rating)
    reason = row.get("reason")
    return f"{text} ({reason})" if reason else text
