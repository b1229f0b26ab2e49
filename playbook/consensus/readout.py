"""What the raters' tables say: sentences for a page, and figures that nothing waits on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from playbook.consensus.agreement import ALL_FACTORS, LAST, agreement_of
from playbook.consensus.rounds import CELL, apart_of, changes_of, read
from playbook.consensus.settling import BY_RATERS, settlement_of
from playbook.intervals import median
from playbook.tables import MEASURES, check, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NO_RATINGS = (
    "Not yet: no seat's rating is recorded, so each factor is what the task sheet says, or the catalogue.",
    "To bring them, fill the sheet that `playbook sheet ratings.xlsx --as ratings` writes and `playbook import` it.",
)
RULE = (
    "Where raters rated, what they settled replaces the task sheet's cell; where nobody rated, the sheet's cell stays."
)
MOST = 3


def findings(ratings: pd.DataFrame, tasks: pd.DataFrame) -> list[str]:
    """What the ratings say, in sentences, team by team where there are several; `tasks` gives their names in words.

    Takes RATINGS and TASKS. Without a rating two sentences say so and how to bring them. Seats and their reasons are not
    named here: who stands apart is the table `apart`. Raises TableError for a bad table.
    """
    said = read(ratings)
    found = settlement_of(said)
    if found.empty:
        return list(NO_RATINGS)
    titles = _titles(tasks)
    parts = (said.seats, agreement_of(said), changes_of(said), apart_of(said), tasks)
    several = len(set(found["team"])) > 1
    sentences: list[str] = []
    for team, mine in found.groupby("team", sort=True):
        own = [part[part["team"] == team] for part in parts]
        lead = f"Team {team}: " if several else ""
        sentences += [lead + text for text in _sentences(mine, own, titles)]
    return sentences


def measures(ratings: pd.DataFrame, tasks: pd.DataFrame, teams: Iterable[str] = ()) -> pd.DataFrame:
    """Four figures a team (MEASURES): rated_by_several_share, rater_agreement, rater_spread_change, ratings_settled_share.

    The share of the inventory's tasks with a factor that two seats or more rated; alpha of the last round over all
    factors (never a gate: its interval is wide at the size of an inventory); the median over tasks of how the spread
    changed from the first to the last round, points; the share of rated factors the raters settled themselves. `teams`
    adds teams without a rating. Raises TableError for a bad table.
    """
    said = read(ratings)
    found, agree, moved, known = settlement_of(said), agreement_of(said), changes_of(said), said.seats
    rows: list[dict[str, Any]] = []
    for team in sorted({*found["team"], *tasks["team"], *teams}):
        mine, own = found[found["team"] == team], tasks[tasks["team"] == team]
        own_seats = known[known["team"] == team]
        rows += [
            _several(team, own_seats, own),
            _agreed(team, agree[agree["team"] == team]),
            _moved(team, moved[moved["team"] == team]),
            _settled(team, mine),
        ]
    return check(MEASURES, pd.DataFrame(rows, columns=list(MEASURES.columns)))


def _sentences(found: pd.DataFrame, own: Sequence[pd.DataFrame], titles: dict[Any, str]) -> Iterator[str]:
    known, agree, moved, far, tasks = own
    yield from _who(found, known, tasks)
    yield from _how_far(agree)
    yield from _rounds(moved)
    yield from _apart(far, found, titles)
    yield from _what_counts(found)


def _who(found: pd.DataFrame, known: pd.DataFrame, tasks: pd.DataFrame) -> Iterator[str]:
    rated, listed = set(found["task_id"]), set(tasks["task_id"])
    if len(known):
        turns = count(int(known["round"].nunique()), "round")
        yield (
            f"{count(known['seat'].nunique(), 'seat')} rated {len(set(known['task_id']) & listed)} of "
            f"{count(len(listed), 'task')} in {turns}: {count(len(known), 'rating')} in all."
        )
    strange = sorted(rated - listed)
    if strange:
        more = f" and {len(strange) - MOST} more" if len(strange) > MOST else ""
        yield f"Ratings of {', '.join(strange[:MOST])}{more} count for nothing: the inventory has no such task."


def _how_far(agree: pd.DataFrame) -> Iterator[str]:
    whole = agree[agree["factor"] == ALL_FACTORS].set_index("when")
    if LAST not in whole.index:
        return
    last = whole.loc[LAST]
    if pd.isna(last["alpha"]):
        yield f"How far the seats agree cannot be said: {str(last['note']).removeprefix('not yet: ')}."
        return
    before = f", after {_alpha(whole.loc['first round'])} in the first round" if "first round" in whole.index else ""
    doubt = f" Mind: {last['note']}." if last["note"] else ""
    yield (
        f"Agreement in the last round: Krippendorff's alpha {_alpha(last)} over {count(last['tasks'], 'task')}{before}; "
        f"1 is full agreement, 0 what chance would give.{doubt} It is shown and nothing waits on it."
    )


def _rounds(moved: pd.DataFrame) -> Iterator[str]:
    if moved.empty:
        return
    verdicts = moved["verdict"].value_counts()
    middle = _per_task(moved)
    ends = f" (95 % interval {_signed(middle.low)} to {_signed(middle.high)})" if middle.measured else ""
    yield (
        f"Of {count(len(moved), 'rated factor')} taken up again by the same seats, the spread narrowed in "
        f"{verdicts.get('narrowed', 0)}, stayed in {verdicts.get('same', 0)} and widened in {verdicts.get('widened', 0)}; "
        f"the median task changed by {_signed(middle.estimate)} points{ends}, n = {count(middle.n, 'task')}. "
        f"Talking brings people together whether or not it brings them closer to the truth."
    )


def _apart(far: pd.DataFrame, found: pd.DataFrame, titles: dict[Any, str]) -> Iterator[str]:
    last = far[far["last"]]
    alone, split = last[last["kind"] == "apart"], last[last["kind"] == "split"]
    if len(alone):
        silent = int((alone["reason"] == "").sum())
        why = "each with a reason" if not silent else f"{silent} without a reason: ask for it before going on"
        yield f"{count(len(alone), 'rating')} of the last round {'stands' if len(alone) == 1 else 'stand'} apart, {why}."
    if len(split):
        cells = split.drop_duplicates(CELL)
        yield f"The seats are split over {_named(cells, titles)}: there is no odd one out, and a mean says little."
    wide = found.assign(width=found["high"] - found["low"]).sort_values(
        ["width", *CELL], ascending=[False, True, True, True]
    )
    top = wide.iloc[0]
    if top["width"] > 0:
        yield f"The widest range kept is {top['low']:g} to {top['high']:g}, for {_named(wide.head(1), titles)}."


def _what_counts(found: pd.DataFrame) -> Iterator[str]:
    by_raters = int((found["basis"] == BY_RATERS).sum())
    out = int(found["not_applicable"].sum())
    apart_from = f", {out} of them as not applicable" if out else ""
    yield (
        f"{by_raters} of {count(len(found), 'rated factor')} were settled by the raters, {len(found) - by_raters} count as "
        f"the mean of the last round{apart_from}. {RULE}"
    )
    notes = found.loc[found["note"] != "", "note"].str.split("; ").explode().value_counts()
    if len(notes):
        listed = ", ".join(
            f"{text} ({number})" for text, number in sorted(notes.items(), key=lambda pair: (-pair[1], pair[0]))
        )
        yield f"To mind: {listed}."


def _several(team: str, known: pd.DataFrame, tasks: pd.DataFrame) -> dict[str, Any]:
    sizes = known.dropna(subset=["value"]).groupby([*CELL, "round"]).size()
    several = set(sizes[sizes >= 2].index.get_level_values("task_id")) & set(tasks["task_id"])
    n = len(tasks)
    value = len(several) / n if n else None
    said = f"{len(several)} of {count(n, 'task')} have a factor that two seats or more rated"
    return _measure(team, "rated_by_several_share", value, "share", n, said, "an inventory of tasks")


def _agreed(team: str, agree: pd.DataFrame) -> dict[str, Any]:
    last = agree[(agree["factor"] == ALL_FACTORS) & (agree["when"] == LAST)]
    needs = "a task with a factor that two seats rated, and ratings that differ"
    if last.empty or pd.isna(last["alpha"].iloc[0]):
        return _measure(
            team, "rater_agreement", None, "alpha", 0 if last.empty else int(last["tasks"].iloc[0]), "", needs
        )
    row = last.iloc[0]
    said = f"Krippendorff's alpha {_alpha(row)} over {count(row['tasks'], 'task')}; shown, never a gate"
    return _measure(team, "rater_agreement", float(row["alpha"]), "alpha", int(row["tasks"]), said, needs)


def _moved(team: str, moved: pd.DataFrame) -> dict[str, Any]:
    needs = "two seats that rated the same factor of a task in two rounds"
    if moved.empty:
        return _measure(team, "rater_spread_change", None, "points", 0, "", needs)
    middle = _per_task(moved)
    ends = f", 95 % interval {_signed(middle.low)} to {_signed(middle.high)}" if middle.measured else ""
    said = f"median over {count(middle.n, 'task')}{ends}; below 0 the seats came together"
    return _measure(team, "rater_spread_change", middle.estimate, "points", middle.n, said, needs)


def _settled(team: str, found: pd.DataFrame) -> dict[str, Any]:
    by_raters, n = int((found["basis"] == BY_RATERS).sum()), len(found)
    said = f"{by_raters} of {count(n, 'rated factor')} were settled by the raters themselves"
    return _measure(team, "ratings_settled_share", by_raters / n if n else None, "share", n, said, "a rating by a seat")


def _measure(team: str, name: str, value: float | None, unit: str, n: int, said: str, needs: str) -> dict[str, Any]:  # noqa: PLR0913, PLR0917 - the columns of MEASURES
    facts = {"team": team, "measure": name, "value": value, "unit": unit, "n": n}
    return facts | ({"evidence": said, "needs": ""} if value is not None else {"evidence": "", "needs": needs})


def _per_task(moved: pd.DataFrame) -> Any:
    """The median over tasks of the mean change of their factors: factors of one task move together."""
    return median(moved.groupby("task_id")["change"].mean())


def _alpha(row: Any) -> str:
    ends = f" (95 % interval {row['interval']})" if row["interval"] else ""
    return f"{row['alpha']:.2f}{ends}".replace("-", "\N{MINUS SIGN}")


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "\N{MINUS SIGN}")


def _named(cells: pd.DataFrame, titles: dict[Any, str]) -> str:
    names = [
        f"{factor.replace('_', ' ')} of {titles.get((team, task), task)!r}"
        for team, task, factor in cells[CELL].head(MOST).astype(str).itertuples(index=False, name=None)
    ]
    more = f" and {len(cells) - MOST} more" if len(cells) > MOST else ""
    return ", ".join(names) + more


def _titles(tasks: pd.DataFrame) -> dict[Any, str]:
    return dict(zip(zip(tasks["team"], tasks["task_id"], strict=True), tasks["task"], strict=True))
