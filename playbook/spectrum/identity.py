"""Whose task a row is: its team and id, also where a bare sheet of ratings names neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas.api.extensions import ExtensionArray


def identity(tasks: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each row's team and task id as text; without the columns the team is "team" and the id the row's position."""
    team = tasks["team"].astype(str).to_numpy() if "team" in tasks.columns else np.full(len(tasks), "team")
    ids = tasks["task_id"].astype(str).to_numpy() if "task_id" in tasks.columns else np.arange(len(tasks)).astype(str)
    return team, ids


def levels(numbers: NDArray[np.int64]) -> ExtensionArray:
    """Levels as a table holds them: 0, nothing known, becomes empty."""
    return pd.array([int(number) or pd.NA for number in numbers], dtype="Int64")
