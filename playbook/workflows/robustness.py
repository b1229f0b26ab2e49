"""Whether the choice of pilots holds when opinions differ on what counts: each candidate under many weightings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.tables import count, percent
from playbook.workflows.acceptability import SEED, Acceptability, acceptability

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.workflows.rule import PilotRule

FLOOR = 0.01
"""A criterion at 0 has no logarithm; one hundredth already costs a workflow any place under most weightings."""
HELD, OPEN = 0.8, 0.5
ROUNDED = 0.005
NUMBER_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def robustness(shortlist: pd.DataFrame, strengths: pd.DataFrame, rule: PilotRule, *, seed: int = SEED) -> pd.DataFrame:
    """How each workflow that meets the rule's limits fares under weightings of the criteria, best first within its team.

    Takes SHORTLIST and the frame of `criteria`. Columns: `team`, `workflow`, `rank` and `chosen` as in the shortlist,
    `candidates` (workflows compared), `score` (0 to 1, under the stated weights), `first` and `top` (shares of the
    weightings, 0 to 1, in which it is first and among the first `most`), `weight_NAME` for each criterion (the mean
    weighting in which it is first, empty where it never is), `first_when` (what then counts more than usual),
    `uncertain` (whether a criterion has unrated parts, which are drawn as well), `draws`, `most`, `says` in words, and
    the criteria themselves with their ends, as they came in.

    score = product of criterion^weight, so that under no weighting a strong criterion buys off a missing one, as in the
    shortlist's own priority; a criterion under 0.01 counts as 0.01. Weightings come from the Dirichlet distribution with
    alpha = 1 + concentration x stated weight, whose most likely weighting is the stated one; concentration 0 is uniform.
    """
    frames = [
        _team(part, strengths[strengths["team"] == team], rule, seed)
        for team, part in shortlist[shortlist["rank"].notna()].groupby("team", sort=True)
    ]
    types = _types(rule)
    empty = pd.DataFrame(columns=list(types)).astype(types)
    return pd.concat(frames, ignore_index=True).astype(types) if frames else empty


def robustness_findings(robust: pd.DataFrame) -> list[str]:
    """Which choices hold under most weightings and which hang on opinion, per team when there are several."""
    if robust.empty:
        return ["Not yet: no workflow meets the limits of a first pilot, so there is no choice to test."]
    many = len(set(robust["team"])) > 1
    said = []
    for team, part in robust.groupby("team", sort=True):
        lead = f"Team {team}: " if many else ""
        said += [lead + text for text in _findings(part)]
    return said


def place_words(most: int) -> str:
    """The first `most` places in words: in the top three."""
    return "first" if most == 1 else f"in the top {NUMBER_WORDS.get(most, str(most))}"


def share_words(share: float) -> str:
    """A share of weightings in words, never rounded up to all or down to none."""
    if 0 < share < ROUNDED:
        return "under 1 %"
    return "over 99 %" if 1 - ROUNDED < share < 1 else f"{100 * share:.0f} %"


def _team(shortlist: pd.DataFrame, strengths: pd.DataFrame, rule: PilotRule, seed: int) -> pd.DataFrame:
    frame = shortlist[["team", "workflow", "rank", "chosen"]].sort_values("workflow").merge(
        strengths, on=["team", "workflow"], how="left", validate="1:1"
    )  # fmt: skip
    low, high = (_logs(frame[[f"{name}_{end}" for name in rule.names]]) for end in ("low", "high"))
    stated = np.array([criterion.weight for criterion in rule.criteria])
    alpha = 1 + rule.weightings.concentration.value * stated
    most = int(rule.weightings.most.value)
    found = acceptability(
        low,
        high,
        names=frame["workflow"].tolist(),
        alpha=alpha.tolist(),
        draws=int(rule.weightings.draws.value),
        most=most,
        seed=seed,
    )
    frame = frame.assign(
        candidates=len(frame),
        score=np.exp(_logs(frame[rule.names]) @ stated),
        first=found.first,
        top=found.top,
        first_when=_first_when(found, alpha / alpha.sum(), rule),
        uncertain=np.asarray((high > low).any(axis=1)),
        draws=found.draws,
        most=most,
        **{f"weight_{name}": found.central[:, place] for place, name in enumerate(rule.names)},
    )
    frame["says"] = [_says(row) for row in frame.to_dict(orient="records")]
    return frame.sort_values(["top", "first", "workflow"], ascending=[False, False, True])[list(_types(rule))]


def _logs(cells: pd.DataFrame) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.maximum(cells.to_numpy(dtype=float), FLOOR))
    return logs


def _first_when(found: Acceptability, usual: NDArray[np.float64], rule: PilotRule) -> list[str]:
    """The criterion that counts most above the usual in the weightings in which a candidate is first."""
    titles = [criterion.title for criterion in rule.criteria]
    return [
        "" if np.isnan(weights).any() else titles[int(np.argmax(np.round(weights / usual, 9)))]
        for weights in found.central
    ]


def _says(row: dict[Any, Any]) -> str:
    words = place_words(row["most"])
    if row["candidates"] <= row["most"]:
        return f"{words} whatever counts, as only {count(row['candidates'], 'workflow')} can be chosen from"
    text = f"{words} in {share_words(row['top'])} of weightings"
    if row["first"] > 0 and row["most"] > 1:
        text += f", first in {share_words(row['first'])}"
        text += f", mostly when {row['first_when'].lower()} counts much" if row["first"] < HELD else ""
    return text + ("; its unrated factors were varied too" if row["uncertain"] else "")


def _findings(part: pd.DataFrame) -> list[str]:
    facts = part.iloc[0]
    n, most = int(facts["candidates"]), int(facts["most"])
    if n <= most:
        return [f"Only {count(n, 'workflow')} can be chosen from, so no weighting of the criteria changes the choice."]
    chosen = part["chosen"].astype(bool)
    drawn = f"{count(facts['draws'], 'weighting')} of the criteria"
    said = [f"{row.workflow} is {row.says}." for row in part[chosen].itertuples()]
    held = int((part.loc[chosen, "top"] >= HELD).sum())
    if chosen.any():
        said.insert(
            0,
            f"Tried under {drawn}: {held} of {count(int(chosen.sum()), 'proposed pilot')} "
            f"{'stays' if held == 1 else 'stay'} {place_words(most)} of {n} candidates in at least {percent(HELD)} of them.",
        )
    doubtful = part[chosen & (part["top"] < OPEN)]
    said += [
        f"Talk about {row.workflow} before you start: it is chosen for volume and low judgment, and most weightings that "
        f"also count feasibility, safety and proof prefer another."
        for row in doubtful.itertuples()
    ]
    rivals = part[~chosen & (part["top"] >= OPEN)]
    return said + [
        f"{row.workflow} was not chosen and is {row.says}; it is the first to swap in." for row in rivals.itertuples()
    ]


def _types(rule: PilotRule) -> dict[str, str]:
    return {
        "team": "str",
        "workflow": "str",
        "rank": "Int64",
        "chosen": "boolean",
        "candidates": "Int64",
        "score": "float64",
        "first": "float64",
        "top": "float64",
        **{f"weight_{name}": "float64" for name in rule.names},
        "first_when": "str",
        "uncertain": "bool",
        "draws": "Int64",
        "most": "Int64",
        "says": "str",
        **{f"{name}{end}": "float64" for name in rule.names for end in ("", "_low", "_high")},
    }
