"""Names that seem to mean one activity, shown for approval; nothing is merged that people did not agree to."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from playbook import tables
from playbook.errors import ParameterError

_COLUMNS = {"team": "str", "activity": "str", "merged_into": "str", "why": "str"}
# a ticket's number: SOC-12, #12, (12), 2026-03, 12; a version in a name (Q3, V2) has a letter before it and stays
_NUMBER = re.compile(r"\b[^\W\d_]{1,10}-\d+\b|#?(?<!\w)\d[\d./:-]*(?!\w)")


def _letters(text: str) -> str:
    return tables.plain_name(text)


def _without_numbers(text: str) -> str:
    return tables.plain_name(_NUMBER.sub(" ", text))


def _singular(text: str) -> str:
    words = _without_numbers(text).split()
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") and word[-2:] != "ss" else word for word in words)


_RULES: tuple[tuple[Callable[[str], str], str], ...] = (
    (_letters, "the same words in other case, marks or spelling"),
    (_without_numbers, "the same words once numbers are left out"),
    (_singular, "the same words once numbers and plurals are left out"),
)
"""From the safest to the boldest; a name is explained by the first rule that joins it."""


def merges(activities: pd.DataFrame) -> pd.DataFrame:
    """Names that could be one activity: team, activity, merged_into, why; one row a name that would go.

    Needs columns team, activity, events (ACTIVITIES). Names of a team equal once case, marks, spelling, numbers and
    plurals are left out form a group; its commonest name (of equals the first in the alphabet) is the one to keep.
    This is a proposal: strike the rows that are wrong and hand the rest to `merged`.
    """
    rows = []
    for team, names in activities.groupby("team", sort=True):
        ranked = names.sort_values(["events", "activity"], ascending=[False, True])["activity"]
        for _, same in ranked.groupby(ranked.map(_singular), sort=False):
            kept = same.iloc[0]
            rows += [(team, name, kept, _why(name, kept)) for name in same.iloc[1:] if _singular(kept)]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    return frame.sort_values(["team", "merged_into", "activity"], ignore_index=True)


def merged(events: pd.DataFrame, approved: pd.DataFrame) -> pd.DataFrame:
    """A copy of the events with each approved activity under the name it goes into; the others stay.

    `approved` needs columns team, activity, merged_into. Raises ParameterError where a name would go into two, or
    into one that itself goes away.
    """
    into = approved.drop_duplicates(["team", "activity", "merged_into"]).set_index(["team", "activity"])["merged_into"]
    twice = into.index[into.index.duplicated()]
    if len(twice):
        raise ParameterError(f"{twice[0][1]!r} of team {twice[0][0]} would go into two names; keep one of the rows")
    pairs = approved[["team", "merged_into"]].itertuples(index=False, name=None)
    chained = [pair for pair in pairs if pair in into.index]
    if chained:
        raise ParameterError(f"{chained[0][1]!r} of team {chained[0][0]} would itself go away; name the last one")
    targets = into.to_dict()
    names = [targets.get(pair, pair[1]) for pair in zip(events["team"], events["activity"], strict=True)]
    return events.assign(activity=pd.Series(names, events.index, dtype="str"))


def _why(name: str, kept: str) -> str:
    return next(why for turn, why in _RULES if turn(name) == turn(kept))
