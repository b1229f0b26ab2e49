"""Which marketing function and workflow layer an activity's words suggest, by a table of keywords a client can edit."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd
from pydantic import Field, model_validator

from playbook.tables import Authored, plain_name
from playbook.tables.stored import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping


class Keywords(Authored):
    """Words that suggest a function or layer; the longest words found in an activity decide, of equals the first.

    `functions` and `layers` give for each name its words. A word is found as a whole word, whatever its case;
    `edit*` also finds edited and editing. An activity in which none is found is left unmatched.
    """

    version: str = Field(min_length=1)
    functions: dict[str, tuple[str, ...]]
    layers: dict[Layer, tuple[str, ...]]

    @model_validator(mode="after")
    def _no_word_means_two_things(self) -> Keywords:
        for table, names in (("functions", self.functions), ("layers", self.layers)):
            taken: dict[str, str] = {}
            for name, words in names.items():
                for word in words:
                    plain = _plain(word)
                    if not plain.rstrip("*"):
                        raise ValueError(f"{table}.{name}: {word!r} holds no letter or digit to look for")
                    if taken.setdefault(plain, name) != name:
                        raise ValueError(f"{table}: {word!r} would mean both {taken[plain]} and {name}")
        return self

    def function(self, activity: str) -> str | None:
        """The function the activity's words suggest, or None."""
        return _best(activity, self.functions)

    def layer(self, activity: str) -> str | None:
        """The workflow layer the activity's words suggest, or None."""
        return _best(activity, self.layers)


def suggested(activities: pd.Series, keywords: Keywords | None) -> pd.DataFrame:
    """The suggested `function` and `layer` of each activity, empty where no keyword is found."""
    pairs = [(keywords.function(name), keywords.layer(name)) if keywords else (None, None) for name in activities]
    return pd.DataFrame(pairs, columns=["function", "layer"], index=activities.index, dtype=object)


def _best(activity: str, table: Mapping[str, tuple[str, ...]] | Mapping[Layer, tuple[str, ...]]) -> str | None:
    text = plain_name(activity)
    found = [
        (len(word), name) for name, words in table.items() for word in map(_plain, words) if _pattern(word).search(text)
    ]
    # max keeps the first of equals, and the table is read from the top
    return max(found, key=lambda pair: pair[0])[1] if found else None


@cache
def _plain(word: str) -> str:
    return plain_name(word) + ("*" if word.rstrip().endswith("*") else "")


@cache
def _pattern(word: str) -> re.Pattern[str]:
    end = "" if word.endswith("*") else r"\b"
    return re.compile(rf"\b{re.escape(word.rstrip('*'))}{end}")
