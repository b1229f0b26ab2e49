"""What each pilot must show, and whether thirty days are enough to show it: pieces of work and weeks, before it starts."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy

from playbook.errors import ParameterError
from playbook.intervals import CONFIDENCE
from playbook.tables import count, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from playbook.workflows.rule import PilotRule, ProofRule

WEEKS_A_MONTH = 365.25 / 12 / 7
DAYS_A_WEEK = 7
A_YEAR = 52
MOST_PIECES = 2_000
BY_SHARE, BY_SCORE = "share accepted", "blinded scores"
COLUMNS = {
    "team": "str",
    "workflow": "str",
    "pieces_per_month": "float64",
    "window_days": "Int64",
    "window_pieces": "Int64",
    "time_pieces": "Int64",
    "time_weeks": "float64",
    "time_in_window": "boolean",
    "smallest_saving": "float64",
    "share_pieces": "Int64",
    "share_weeks": "float64",
    "score_pieces": "Int64",
    "score_weeks": "float64",
    "quality_by": "str",
    "quality_in_window": "boolean",
    "says": "str",
}


def proof(  # noqa: PLR0913 - the numbers of the evidence rule, each by name
    candidates: pd.DataFrame,
    strengths: pd.DataFrame,
    rule: PilotRule,
    *,
    least_items: int,
    acceptance_margin: float,
    rubric_margin: float,
) -> pd.DataFrame:
    """How many pieces of work and weeks each pilot needs to show time saved and quality kept, one row a candidate.

    Takes any frame with `team` and `workflow`, and that of `criteria` for the pieces a month. `least_items` (a side),
    `acceptance_margin` (a share) and `rubric_margin` (points) are the evidence rule's. Pieces are those of one side: as
    many are timed and judged before the pilot starts, and again with the agent.

    Columns: `team`, `workflow`, `pieces_per_month`, `window_days`, `window_pieces` (that come by in a trial);
    `time_pieces`, `time_weeks`, `time_in_window` for a saving of the size the rule asks for; `smallest_saving` (share of
    time, 0 to 1, that the pieces of one trial can tell from none; empty below `least_items`); `share_pieces`,
    `share_weeks` to show quality kept by the share accepted and `score_pieces`, `score_weeks` by blinded scores;
    `quality_by`, the way that takes fewer pieces; `quality_in_window`; `says` in words. Weeks are empty and verdicts no
    where no runs are known or nothing comes by.

    time = 2 (z + z')^2 s^2 / ln(ratio)^2 + z^2 / 4 and scores = 2 (z + z')^2 s^2 / margin^2 + z^2 / 4, with z of 95 %
    two-sided and z' of the chance wanted: Chow, Shao and Wang, Sample Size Calculations in Clinical Research (2008),
    chapter 3, with Guenther's term for the t distribution, The American Statistician 35 (1981) 243-244. The share is
    counted out over both binomial distributions with the Newcombe interval the readout uses, as the usual formula asks
    for too few pieces when nearly all are accepted.

    Raises ParameterError for margins and counts that cannot be.
    """
    if not (least_items >= 2 and 0 < acceptance_margin < 1 and 0 < rubric_margin < 4):
        raise ParameterError(
            f"least_items {least_items}, acceptance_margin {acceptance_margin}, rubric_margin {rubric_margin}; wanted "
            "at least 2 items, a share between 0 and 1 and points between 0 and 4"
        )
    needed = {
        "time": max(least_items, time_pieces(rule.proof)),
        "share": max(least_items, share_pieces(rule.proof.accepted.value, acceptance_margin, rule.proof.chance.value)),
        "score": max(least_items, score_pieces(rule.proof, rubric_margin)),
    }
    pieces = candidates[["team", "workflow"]].merge(
        strengths[["team", "workflow", "pieces_per_month"]], on=["team", "workflow"], how="left", validate="m:1"
    )
    rows = [
        {"team": row["team"], "workflow": row["workflow"]}
        | _row(float(row["pieces_per_month"]), needed, rule.proof, least_items)
        for row in pieces.to_dict(orient="records")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def proof_findings(shown: pd.DataFrame) -> list[str]:
    """What can be shown in a trial and what cannot, in sentences, then pilot by pilot."""
    if shown.empty:
        return ["Not yet: without a pilot there is nothing to show."]
    n, days = len(shown), int(shown["window_days"].iloc[0])
    time, quality = int(shown["time_in_window"].sum()), int(shown["quality_in_window"].sum())
    opening = (
        f"In {days} days {time or 'none'} of {count(n, 'pilot')} can show time saved and {quality or 'none'} can show "
        "quality kept, when as "
        "many pieces were timed and judged before."
    )
    return [opening, *(f"{row.workflow}: {row.says}" for row in shown.itertuples())]


def time_pieces(rule: ProofRule) -> int:
    """Pieces a side that tell a time ratio of the rule's size from 1, at the rule's chance."""
    return _of_means(rule.log_spread.value, math.log(rule.time_ratio.value), rule.chance.value)


def score_pieces(rule: ProofRule, margin: float) -> int:
    """Pieces a side that show scores no worse than the margin when they are equal, at the rule's chance."""
    return _of_means(rule.rubric_spread.value, margin, rule.chance.value)


@lru_cache(maxsize=64)
def share_pieces(accepted: float, margin: float, chance: float) -> int:
    """Pieces a side that show a share accepted no worse than the margin when it is equal, at this chance.

    The smallest n for which P(Newcombe's 95 % interval of the difference lies above -margin) reaches the chance, both
    sides accepting `accepted`; 2,000 where that is not enough.
    """
    z = _z()
    rough = 2 * (z + float(scipy.special.ndtri(chance))) ** 2 * accepted * (1 - accepted) / margin**2
    n = max(2, math.ceil(0.9 * rough))
    while n < MOST_PIECES and _chance_of_kept(n, accepted, margin) < chance:
        n += 1
    return min(n, MOST_PIECES)


def smallest_saving(n: int, rule: ProofRule) -> float:
    """The smallest share of time saved, 0 to 1, that n pieces a side tell from none at the rule's chance.

    1 - exp(-(z + z') s sqrt(2 / n)), n less the t distribution's z^2 / 4: `time_pieces` solved for the ratio.
    """
    z = _z()
    counted = n - z * z / 4
    if counted <= 0:
        return 1.0
    reach = (z + float(scipy.special.ndtri(rule.chance.value))) * rule.log_spread.value
    return 1 - math.exp(-reach * math.sqrt(2 / counted))


def _row(pieces: float, needed: dict[str, int], rule: ProofRule, least: int) -> dict[str, Any]:
    a_week = pieces / WEEKS_A_MONTH
    days = rule.window_days.value
    come = math.floor(a_week * days / DAYS_A_WEEK + 1e-9) if a_week > 0 else 0
    weeks = {name: n / a_week if a_week > 0 else math.nan for name, n in needed.items()}
    by = BY_SHARE if needed["share"] <= needed["score"] else BY_SCORE
    quality = min(needed["share"], needed["score"])
    row = {
        "pieces_per_month": pieces,
        "window_days": int(days),
        "window_pieces": None if math.isnan(pieces) else come,
        **{f"{name}_pieces": n for name, n in needed.items()},
        **{f"{name}_weeks": week for name, week in weeks.items()},
        "time_in_window": needed["time"] <= come,
        "smallest_saving": smallest_saving(come, rule) if come >= least else math.nan,
        "quality_by": by,
        "quality_in_window": quality <= come,
    }
    return row | {"says": _says(row, rule)}


def _says(row: dict[str, Any], rule: ProofRule) -> str:
    days = row["window_days"]
    if row["window_pieces"] is None:
        return "how often it is done is not known, so what a pilot could show is not either."
    come = row["window_pieces"]
    start = f"{count(come, 'piece')} of work come by in {days} days. "
    ratio = percent(1 - rule.time_ratio.value)
    time = f"To show {ratio} less time takes {row['time_pieces']} before and {row['time_pieces']} with the agent"
    if row["time_in_window"]:
        time += (
            f": {_days(row['time_weeks'])}; {days} days can show a saving from {percent(row['smallest_saving'])} up. "
        )
    else:
        time += f": {_weeks(row['time_weeks'])}, so it cannot be shown in {days} days. "
    kind = "score" if row["quality_by"] == BY_SCORE else "share"
    pieces, weeks = row[f"{kind}_pieces"], row[f"{kind}_weeks"]
    other, by_other = ("share", BY_SHARE) if kind == "score" else ("score", BY_SCORE)
    beside = f" ({row[f'{other}_pieces']} by {by_other})"
    quality = f"To show quality kept takes {pieces} each by {row['quality_by']}{beside}: "
    if row["quality_in_window"]:
        return f"{start}{time}{quality}{_days(weeks)}."
    return f"{start}{time}{quality}{_weeks(weeks)}, so it cannot be shown in {days} days."


def _days(weeks: float) -> str:
    return count(math.ceil(weeks * DAYS_A_WEEK - 1e-9), "day")


def _weeks(weeks: float) -> str:
    if math.isnan(weeks):
        return "never, as nothing comes by"
    return f"more than {A_YEAR} weeks" if weeks > A_YEAR else count(math.ceil(weeks - 1e-9), "week")


def _of_means(spread: float, difference: float, chance: float) -> int:
    z = _z()
    return math.ceil(2 * ((z + float(scipy.special.ndtri(chance))) * spread / difference) ** 2 + z * z / 4)


def _chance_of_kept(n: int, accepted: float, margin: float) -> float:
    """P(lower end of Newcombe's interval > -margin) when both sides accept `accepted` of n pieces."""
    x = np.arange(n + 1)
    probability = _binomial(n, accepted)
    share, low, high = _wilson(x, n)
    # Method 10 of Newcombe 1998, as in playbook.intervals.newcombe, for every pair of counts at once.
    ends = share[:, None] - share - np.hypot((share - low)[:, None], high - share)
    return float(probability @ (ends > -margin) @ probability)


def _binomial(n: int, p: float) -> NDArray[np.float64]:
    x = np.arange(n + 1)
    logs = scipy.special.gammaln(n + 1) - scipy.special.gammaln(x + 1) - scipy.special.gammaln(n - x + 1)
    found: NDArray[np.float64] = np.exp(logs + scipy.special.xlogy(x, p) + scipy.special.xlog1py(n - x, -p))
    return found


def _wilson(x: NDArray[np.int64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    p, z = x / n, _z()
    middle, spread = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return p, np.maximum((middle - spread) / scale, 0.0), np.minimum((middle + spread) / scale, 1.0)


def _z() -> float:
    return float(scipy.special.ndtri((1 + CONFIDENCE) / 2))
