"""A table's note column: what every row says is said once under the caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from playbook.report import look

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "note"
MOST_BARE = 3


def shared_note(frame: pd.DataFrame, picked: Mapping[str, str]) -> str:
    """The note all rows share, empty when they do not.

    Up to three rows may be without it and are named, so that nothing is lost by saying it once.
    """
    if NOTE not in picked or len(picked) == 1 or len(frame) == 1:
        return ""
    bare = [look.missing(value) for value in frame[NOTE]]
    notes = {str(value) for value, without in zip(frame[NOTE], bare, strict=True) if not without}
    if len(notes) != 1 or sum(bare) > MOST_BARE or sum(bare) * 2 >= len(frame):
        return ""
    heading = next((name for name in picked if name not in {NOTE, "team"} and _names_rows(frame[name])), "")
    if any(bare) and not heading:
        return ""
    said = notes.pop().rstrip(".")
    but = (
        ", ".join(str(value) for value, without in zip(frame[heading], bare, strict=True) if without)
        if any(bare)
        else ""
    )
    said = f"{said} (all but {but})." if but else f"{said}."
    return said[:1].upper() + said[1:]


def _names_rows(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values) and values.is_unique and values.notna().all())
