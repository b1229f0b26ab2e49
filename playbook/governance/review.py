"""The weekly agent performance review: its agenda, each item with what the tables know about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from playbook import tables
from playbook.governance.outline import PlaybookOutline


def weekly_review(
    outline: PlaybookOutline,
    registered: pd.DataFrame,
    risk_rows: pd.DataFrame,
    audits: pd.DataFrame,
    teams: Iterable[str] = (),
) -> pd.DataFrame:
    """The agenda for every team: one row an item, in order.

    `risk_rows` is the frame of `risks`, `audits` that of `audit_plan`. Columns: team, order, start (minutes from the
    beginning), minutes, title, asks, known (from the tables; empty where the item has nothing to read from).
    """
    register = tables.check(tables.AGENT_PLAYBOOKS, registered)
    register = register[register["status"].ne("retired")]
    rows = []
    for team in sorted({*register["team"], *risk_rows["team"], *teams}):
        frames = [frame[frame["team"].eq(team)] for frame in (register, risk_rows, audits)]
        start = 0
        for order, item in enumerate(outline.agenda, start=1):
            rows.append((team, order, start, item.minutes, item.title, item.asks, KNOWN[item.shows](*frames)))
            start += item.minutes
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def _playbooks(register: pd.DataFrame, _: pd.DataFrame, __: pd.DataFrame) -> str:
    if register.empty:
        return "No agent playbook is registered yet, so there is no agent to review."
    names = [f"{row.workflow} (level {row.level}, {row.status})" for row in register.itertuples()]
    return f"Agent playbooks ({len(names)}): {'; '.join(names)}."


def _audits(_: pd.DataFrame, __: pd.DataFrame, audits: pd.DataFrame) -> str:
    said = [f"{row.workflow}: {row.said}" for row in audits.itertuples()]
    return "; ".join(said) or "No sample to draw: no agent playbook is registered yet."


def _risks(_: pd.DataFrame, risk_rows: pd.DataFrame, __: pd.DataFrame) -> str:
    if risk_rows.empty:
        return "No register for this team yet."
    missing = int((risk_rows["controls"] - risk_rows["controls_done"]).sum())
    first = risk_rows[risk_rows["controls_done"].lt(risk_rows["controls"])].head(3)
    named = ", ".join(f"{row.name} ({row.band})" for row in first.itertuples(index=False))
    return f"{missing} of {int(risk_rows['controls'].sum())} controls are not in place" + (
        f"; highest scores with a control missing: {named}." if named else "."
    )


def _keys(register: pd.DataFrame, _: pd.DataFrame, __: pd.DataFrame) -> str:
    if register.empty:
        return "No agent playbook is registered yet."
    lacking = register.loc[register["deputy_role"].isna(), "workflow"]
    return (
        f"Without a deputy: {', '.join(lacking)}."
        if len(lacking)
        else f"Every agent playbook names a deputy ({len(register)})."
    )


KNOWN: dict[str, Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], str]] = {
    "playbooks": _playbooks,
    "audits": _audits,
    "risks": _risks,
    "keys": _keys,
    "nothing": lambda *_: "",
}
TYPES = {
    "team": "str",
    "order": "Int64",
    "start": "Int64",
    "minutes": "Int64",
    "title": "str",
    "asks": "str",
    "known": "str",
}
