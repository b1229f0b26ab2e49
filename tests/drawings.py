"""What the tests of figures share: odd names, a table of pilots, and a figure's title as a reader sees it."""

from __future__ import annotations

import re

import pandas as pd

from playbook import tables

EVIL = "<script>alert(1)</script><a href='javascript:x'>x</a>"


def readouts(**changes) -> pd.DataFrame:
    """Three pilots: one that saved time, one without a shown difference, one not measured yet (PILOT_READOUTS)."""
    rows = {
        "team": "a",
        "pilot_id": ["1", "2", "3"],
        "workflow": ["Reports", "Mails", "New"],
        "level": 4,
        "n_baseline": [10, 12, 0],
        "n_trial": [11, 13, 0],
        "time_ratio": [0.5, 1.3, None],
        "ratio_low": [0.4, 0.9, None],
        "ratio_high": [0.7, 1.9, None],
        "shrunk_ratio": [0.55, 1.2, None],
        "shrunk_low": [0.4, 0.8, None],
        "shrunk_high": [0.7, 1.7, None],
        "hands_on_saved": [60.0, 2.0, None],
        "review_added": [10.0, 6.0, None],
        "rework_added": [5.0, 1.0, None],
        "minutes_saved": [45.0, -5.0, None],
        "saved_low": [30.0, None, None],
        "saved_high": [60.0, None, None],
        "quality_measure": ["blinded scores", "share accepted", None],
        "judged_baseline": [10, 12, 0],
        "judged_trial": [11, 13, 0],
        "score_difference": [0.1, None, None],
        "score_low": [-0.25, None, None],
        "score_high": [0.4, None, None],
        "quality_difference": [None, -0.02, None],
        "quality_low": [None, -0.2, None],
        "quality_high": [None, 0.16, None],
        "breakages": 0,
        "time_verdict": ["saved", "not shown", "not yet"],
        "quality_verdict": ["kept", "not shown", "not yet"],
        "reason": "n",
    }
    return tables.check(tables.PILOT_READOUTS, pd.DataFrame(rows | changes))


def title(figure) -> str:
    """What a figure says on top, in plain words: without markup, its second line and hard spaces."""
    text = figure.layout.title.text.split("<br><span")[0].replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r" +", " ", re.sub(r"<[^>]+>", " ", text)).strip()


def one_workflow(name: str) -> pd.DataFrame:
    """What the figure of hours at stake needs of one workflow with 12 hours, all at level 4."""
    at_level = {f"hours_level_{level}": 12.0 * (level == 4) for level in range(1, 6)}
    return pd.DataFrame([{"name": name, "hours": 12.0, "target": 4.0, **at_level}])
