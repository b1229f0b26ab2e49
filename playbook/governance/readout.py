"""What the tables say about governance: sentences, and the measures a gate asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from playbook import tables

WEEKS = 4
LIVE = ("draft", "reviewed", "live")


def measures(  # noqa: PLR0913 - each is a table some of the five figures are counted in
    risk_rows: pd.DataFrame,
    registered: pd.DataFrame,
    shortlist: pd.DataFrame,
    pilots: pd.DataFrame | None = None,
    teams: Iterable[str] = (),
    *,
    reviews: pd.DataFrame | None = None,
    today: dt.date | None = None,
) -> pd.DataFrame:
    """Five figures a team (tables.MEASURES): playbooks_written_share, playbooks_with_deputy_share, risks_rated_share,
    risk_controls_in_place_share, reviews_held_last_4_weeks.

    `risk_rows` is the frame of `risks`. A workflow counts as written when a playbook that is not retired has a trigger,
    an owner and another role as deputy; counted are proposed pilots and pilots not stopped. `reviews` (tables.REVIEWS)
    up to `today` give the number of the last four weeks in which one was held, 0 to 4; it stays empty while a team has
    recorded none.
    """
    register = _in_use(registered)
    wanted = _workflows(tables.check(tables.SHORTLIST, shortlist), pilots)
    held = tables.check(tables.REVIEWS, reviews) if reviews is not None else tables.REVIEWS.empty()
    known = {*register["team"], *risk_rows["team"], *(team for team, _ in wanted), *held["team"], *teams}
    rows: list[dict[str, Any]] = []
    for team in sorted(known):
        mine = register[register["team"].eq(team)]
        written = {tables.plain_name(flow) for flow in mine.loc[_complete(mine), "workflow"]}
        flows = [flow in written for owner, flow in sorted(wanted) if owner == team]
        rated = risk_rows[risk_rows["team"].eq(team)]
        done, controls = int(rated["controls_done"].sum()), int(rated["controls"].sum())
        have, register_missing = int(rated["rated"].sum()), "the team in the risk register"
        rows += [
            _share(team, "playbooks_written_share", sum(flows), len(flows),
                   "workflows on trial or shortlisted have a playbook with a trigger, an owner and a deputy",
                   "a shortlist or a pilot"),
            _share(team, "playbooks_with_deputy_share", int(_deputised(mine).sum()), len(mine),
                   "playbooks name a deputy from another role than the owner", "an agent playbook in the register"),
            _share(team, "risks_rated_share", have, len(rated), "risks were rated by the team", register_missing),
            _share(team, "risk_controls_in_place_share", done, controls if have else 0, "controls are in place",
                   "a first rating of the risks, with the controls that are in place"),
            _reviews(team, held, today),
        ]  # fmt: skip
    return tables.check(tables.MEASURES, pd.DataFrame(rows, columns=list(tables.MEASURES.columns)))


def _reviews(team: str, held: pd.DataFrame, today: dt.date | None) -> dict[str, Any]:
    row: dict[str, Any] = {"team": team, "measure": "reviews_held_last_4_weeks", "unit": "reviews"}
    days = held.loc[held["team"].eq(team), "day"]
    if days.empty or today is None:
        needs = "a record of each weekly agent review" if days.empty else "the day the four weeks end"
        return {**row, "n": len(days), "needs": needs}
    ago = (pd.Timestamp(today) - days).dt.days
    weeks = (ago[ago.between(0, WEEKS * 7 - 1)] // 7).nunique()
    evidence = f"a review was held in {weeks} of the {WEEKS} weeks up to {today}; {tables.count(len(days), 'review')} on record"
    return {**row, "value": weeks, "n": len(days), "evidence": evidence}


def _workflows(shortlist: pd.DataFrame, pilots: pd.DataFrame | None) -> set[tuple[str, str]]:
    chosen = shortlist[shortlist["chosen"]][["team", "workflow"]]
    if pilots is not None:
        running = tables.check(tables.PILOTS, pilots)
        chosen = pd.concat([chosen, running.loc[running["status"].ne("stopped"), ["team", "workflow"]]])
    return {(team, tables.plain_name(flow)) for team, flow in zip(chosen["team"], chosen["workflow"], strict=True)}


def _deputised(register: pd.DataFrame) -> pd.Series:
    owner, deputy = (register[name].fillna("").map(tables.plain_name) for name in ("owner_role", "deputy_role"))
    return deputy.ne("") & deputy.ne(owner)


def _complete(register: pd.DataFrame) -> pd.Series:
    return _deputised(register) & register["owner_role"].notna() & register["triggers"].ge(1)


def _share(team: str, measure: str, count: int, n: int, said: str, needs: str) -> dict[str, Any]:  # noqa: PLR0913, PLR0917 - a measure's columns
    row: dict[str, Any] = {"team": team, "measure": measure, "unit": "share", "n": n}
    return row | ({"value": count / n, "evidence": f"{count} of {n} {said}"} if n else {"needs": needs})


def findings(risk_rows: pd.DataFrame, outlines: pd.DataFrame, registered: pd.DataFrame) -> list[str]:
    """What the tables say about risks, controls and playbooks, team by team, in sentences with their numbers."""
    register = _in_use(registered)
    if not {*risk_rows["team"], *outlines["team"], *register["team"]}:
        return ["Nothing to govern yet: no team, no risk rating and no agent playbook is known."]
    return _by_team((_risks_said, (risk_rows,)), (_playbooks_said, (outlines, register)))


def risk_findings(risk_rows: pd.DataFrame) -> list[str]:
    """What the ratings say: how many risks are rated, the highest, controls in place and without an owner."""
    if risk_rows.empty:
        return ["Not yet: no team has a risk to rate."]
    return _by_team((_risks_said, (risk_rows,)))


def playbook_findings(outlines: pd.DataFrame, registered: pd.DataFrame) -> list[str]:
    """What the register says: playbooks with trigger, owner and deputy, and workflows still without one."""
    register = _in_use(registered)
    if outlines.empty and register.empty:
        return ["Not yet: no workflow is proposed for an agent, so no playbook is wanted."]
    return _by_team((_playbooks_said, (outlines, register)))


def _in_use(registered: pd.DataFrame) -> pd.DataFrame:
    register = tables.check(tables.AGENT_PLAYBOOKS, registered)
    return register[register["status"].isin(LIVE)]


def _by_team(*told: tuple[Callable[..., Iterator[str]], tuple[pd.DataFrame, ...]]) -> list[str]:
    """The sentences of each part about each team's own rows; the team is named when there are several."""
    teams = sorted({team for _, frames in told for frame in frames for team in frame["team"]})
    return [
        f"{team}: {sentence}" if len(teams) > 1 else sentence
        for team in teams
        for tell, frames in told
        for sentence in tell(*(frame[frame["team"].eq(team)] for frame in frames))
    ]


def _risks_said(rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    rated = rows[rows["rated"]]
    yield f"{len(rated)} of {tables.count(len(rows), 'risk or failure mode', 'risks and failure modes')} were rated by the team; the others show starting values."
    if rated.empty:
        yield "Not yet: without the team's own rating nothing can be said about how exposed it is."
        return
    worst = rated[rated["score"].eq(rated["score"].max())]
    yield f"Highest rated: {', '.join(worst['name'])} (score {worst['score'].iloc[0]} of 25, {worst['band'].iloc[0]})."
    done, controls = int(rated["controls_done"].sum()), int(rated["controls"].sum())
    yield f"{done} of {tables.count(controls, 'control')} of the rated risks in place."
    unowned = rated.loc[rated["owner_role"].isna(), "name"]
    if len(unowned):
        yield f"No role owns the controls of {', '.join(unowned)} ({len(unowned)})."


def _playbooks_said(outlines: pd.DataFrame, register: pd.DataFrame) -> Iterator[str]:
    flows = {tables.plain_name(flow): flow for flow in outlines["workflow"]}
    missing = [
        flow for key, flow in flows.items() if key not in {tables.plain_name(flow) for flow in register["workflow"]}
    ]
    yield f"{tables.count(len(register), 'agent playbook')} in the register, {int(_complete(register).sum())} with trigger, owner and deputy."
    if missing:
        yield f"Outlined but not written: {', '.join(missing)} ({len(missing)})."
    waiting = sorted(set(outlines.loc[outlines["level"].isna(), "workflow"]))
    if waiting:
        yield f"Not yet: no level is known that {', '.join(waiting)} may be handed over at."
