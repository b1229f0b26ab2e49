"""Hands on: the spectrum board and forms, each a thin view over a room that stores every edit in the same breath.

A widget is for a person at a notebook; a batch shows the same tables without it. Nothing here is imported by the kit
itself, as the widget libraries are heavy; forms and the review queue load when they are first asked for, so that a page
with a board alone stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

from playbook.widgets._live import Watch
from playbook.widgets.board import Board, board
from playbook.widgets.chart import Chart, live

if TYPE_CHECKING:
    from playbook.widgets._form_questions import Assessment, Scorer
    from playbook.widgets.forms import (
        RowForm,
        assessment,
        decision_log,
        inventory,
        pilot_log,
        pod_seats,
        role_map,
        scorer,
    )
    from playbook.widgets.review import ReviewQueue, review_queue

__all__ = [
    "Assessment",
    "Board",
    "Chart",
    "ReviewQueue",
    "RowForm",
    "Scorer",
    "Watch",
    "assessment",
    "board",
    "decision_log",
    "inventory",
    "live",
    "pilot_log",
    "pod_seats",
    "review_queue",
    "role_map",
    "scorer",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"playbook.widgets has no {name!r}; it has {', '.join(__all__)}")
    home = "review" if name in ("ReviewQueue", "review_queue") else "forms"
    return getattr(importlib.import_module(f"playbook.widgets.{home}"), name)
