"""Every widget follows its workspace: what it could not read is said, looked at again, and no longer said once it is read."""

import datetime as dt
import re
from contextlib import contextmanager

import pandas as pd
import pytest

from playbook.errors import WorkspaceBusyError
from playbook.widgets import Board, ReviewQueue, RowForm, board, forms

TODAY = dt.date(2026, 11, 22)
TASK = {"task": "Draft the newsletter", "workflow": "Newsletter"}


@contextmanager
def gone(ws):
    database = ws.folder / "workspace.sqlite"
    away = database.rename(database.with_suffix(".away"))
    yield
    away.rename(database)


def test_trouble_the_watch_never_saw_is_over_with_the_next_look(ws):
    form = forms.decision_log(ws, "content", today=TODAY)
    with gone(ws):
        form._follow()
    assert "is gone" in form.trouble
    form._watch.look()
    assert form.trouble == ""


def test_what_a_form_stored_and_somebody_else_took_back_at_once_is_noticed(ws):
    form = forms.inventory(ws, "content", today=TODAY)
    form.save(TASK)
    with ws.change(by="Counsel") as change:
        change.remove("tasks", ws.read("tasks", "content"))
    form._watch.look()
    assert form.rows == []


def test_a_board_that_could_not_read_a_change_shows_it_at_the_next_look(ws, monkeypatch):
    def busy(*_asked, **_more):
        raise WorkspaceBusyError("the database does not answer; try again")

    shown = board(ws, "content", today=TODAY)
    row = {"team": "content", "task_id": "a", **TASK}
    with ws.change() as change:
        change.put("tasks", pd.DataFrame([row]))
    with monkeypatch.context() as patch:
        patch.setattr(ws, "read", busy)
        shown._watch.look()
    assert (shown.trouble, shown.cards) == ("the database does not answer; try again", [])
    shown._watch.look()
    assert (shown.trouble, [card["task"] for card in shown.cards]) == ("", ["Draft the newsletter"])


@pytest.mark.parametrize("widget", [Board, ReviewQueue, RowForm])
def test_nothing_a_widget_ships_is_loaded_from_elsewhere(widget):
    shipped = f"{widget._esm}{widget._css}"
    assert "class Asking" in shipped
    assert not re.search(r"://|@import|\bimport\b\s*[({*]|innerHTML", shipped)
