"""Forms over the tables and questionnaires, made from the row models: a new column of a table appears by itself.

Each call returns a widget; show it as a cell's last value. Rows (tasks, proposals, seats, breakages, decisions) are stored
when Save is pressed, answers and scores as soon as they are chosen, both with history, and both can be undone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from playbook.errors import ParameterError
from playbook.io.intake import FORMATS
from playbook.tables import STORED, count
from playbook.widgets import _form_settings as known
from playbook.widgets._asking import Said
from playbook.widgets._form import FACILITATOR, Form, rule_of
from playbook.widgets._form_cells import field, text_of, texts_of
from playbook.widgets._form_ledger import Edit, Key, own_key
from playbook.widgets._form_paste import Pasted, read_pasted
from playbook.widgets._form_questions import Assessment, Scorer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    import pandas as pd

    from playbook.io.workspace import Workspace
    from playbook.tables import Column
    from playbook.widgets._form_settings import Setting

MOST_SHOWN = 2_000  # rows a browser is sent
MOST_FAULTS = 200  # faults of a paste that are listed
SUGGESTED_FROM = ("tasks", "role_proposals", "pod_seats")


def inventory(workspace: Workspace, team: str, *, today: dt.date | None = None, role: str = FACILITATOR) -> RowForm:
    """The team's tasks: list, add, edit, remove, paste from a spreadsheet. Raises ParameterError for an unknown team."""
    return RowForm(workspace, team, known.SETTINGS["tasks"], today=today, role=role)


def role_map(workspace: Workspace, team: str, *, today: dt.date | None = None, role: str = FACILITATOR) -> RowForm:
    """What is proposed for each role and where the proposal stands. Raises ParameterError for an unknown team."""
    return RowForm(workspace, team, known.SETTINGS["role_proposals"], today=today, role=role)


def pod_seats(workspace: Workspace, team: str, *, today: dt.date | None = None, role: str = FACILITATOR) -> RowForm:
    """Which role fills which seat of which pod. Raises ParameterError for an unknown team."""
    return RowForm(workspace, team, known.SETTINGS["pod_seats"], today=today, role=role)


def pilot_log(workspace: Workspace, team: str, *, today: dt.date | None = None, role: str = FACILITATOR) -> RowForm:
    """What broke in the team's pilots, or that nothing did. Raises ParameterError for an unknown team."""
    return RowForm(workspace, team, known.SETTINGS["breakages"], today=today, role=role)


def decision_log(workspace: Workspace, team: str, *, today: dt.date | None = None, role: str = FACILITATOR) -> RowForm:
    """What the team decided, with its reasons. Raises ParameterError for an unknown team."""
    return RowForm(workspace, team, known.SETTINGS["decisions"], today=today, role=role)


def scorer(
    workspace: Workspace,
    team: str,
    task_id: str | None = None,
    *,
    today: dt.date | None = None,
    role: str = FACILITATOR,
) -> Scorer:
    """The seven factors of one task after the other, with the anchors of the rule in force and the level that follows.

    `task_id` is the task to begin with (the first one nobody has scored by default). Raises ParameterError for an unknown
    team or task.
    """
    return Scorer(workspace, team, task_id, today=today, role=role)


def assessment(  # noqa: PLR0913 - each names one fact of who answers what
    workspace: Workspace,
    team: str,
    questionnaire: str,
    *,
    seat: int = 0,
    today: dt.date | None = None,
    role: str = FACILITATOR,
) -> Assessment:
    """A questionnaire (`maturity`, `skills`) as the team answers it, or one seat of it; seat 0 is the agreed answer.

    Raises ParameterError for an unknown team or a seat that is no whole number from 0, ContentError for a questionnaire
    that does not fit.
    """
    return Assessment(workspace, team, questionnaire, seat, today=today, role=role)


class RowForm(Form):
    """A list of a table's rows and an editor for one of them; a row is stored when Save is pressed.

    `save`, `remove`, `paste` and `store_pasted` do what the buttons do.
    """

    one = traitlets.Unicode(help="what a row is called").tag(sync=True)
    fields: Any = traitlets.List(help="what is asked of a row, from the data dictionary").tag(sync=True)
    listed: Any = traitlets.List(help="the columns of the list").tag(sync=True)
    named_by: Any = traitlets.List(help="the columns a row is called by").tag(sync=True)
    rows: Any = traitlets.List(help="the rows, each with its id, texts and revision").tag(sync=True)
    more = traitlets.Int(0, help="rows that are stored and too many to show").tag(sync=True)
    presets: Any = traitlets.List(help="buttons that begin a row with some cells filled").tag(sync=True)
    pastes = traitlets.Bool(default_value=False, help="whether rows may be pasted").tag(sync=True)

    def __init__(
        self,
        workspace: Workspace,
        team: str,
        setting: Setting,
        *,
        today: dt.date | None = None,
        role: str = FACILITATOR,
    ) -> None:
        self._setting = setting
        self._table = STORED[setting.table]
        self._model = rule_of(workspace)
        self._pasted: Pasted | None = None
        self._once: dict[str, tuple[str, dict[str, str]]] = {}
        picked = tuple(table for table, _, _ in setting.picks.values())
        super().__init__(
            workspace,
            team,
            tuple(dict.fromkeys((setting.table, *picked, *SUGGESTED_FROM))),
            today=today,
            role=role,
            shape="rows",
            title=setting.title,
            one=setting.one,
            promise=setting.promise,
            listed=list(setting.listed),
            named_by=list(setting.named_by),
            presets=[{"label": preset.label, "cells": dict(preset.cells)} for preset in setting.presets],
            pastes=setting.table in FORMATS,
        )

    def static(self) -> pd.DataFrame:
        """The form as a table, for a page without widgets: the columns it asks, one row a stored row."""
        return self._workspace.read(self._setting.table, self._team)[self._asked()]

    def refresh(self) -> None:
        """Read the workspace again and show what others changed; a row that is being typed stays as it is."""
        stored = self._ledger.rows(self._setting.table)
        names = [*self._asked(), *(name for name in self._setting.listed if name not in self._asked())]
        rows = [
            {"id": _id(self._key(row)), "revision": int(row["revision"]), "cells": texts_of(self._table, row, names)}
            for row in stored.iloc[:MOST_SHOWN].to_dict("records")
        ]
        words = known.suggestions(self._workspace, self._team, self._model)
        fields = [self._field(self._table.columns[name], words) for name in self._asked()]
        if not self._moved((rows, fields)):
            return
        with self.hold_sync():
            self.rows, self.fields, self.roles = rows, fields, words["role"]
            self.more = max(0, len(stored) - MOST_SHOWN)

    def save(self, cells: Mapping[str, str], row: str | None = None, *, by: str = "") -> str:
        """Store a row as typed and say so: a new one, or the shown row of that id. `cells` are texts by column.

        Raises TableError naming every bad cell, ConflictError with both values when somebody changed one of these cells
        since it was shown, and WorkspaceError when the workspace does not answer; then nothing was stored.
        """
        shown = next((one for one in self.rows if one["id"] == row), None)
        if row is not None and shown is None:
            raise ParameterError(f"there is no row {row} in this form any more; somebody may have removed it")
        seen = shown or {"cells": {}, "revision": None}
        return self._save(row, cells, seen["cells"], seen["revision"], by)[1]

    def remove(self, row: str, *, by: str = "") -> str:
        """Take the shown row of that id away and say so. Raises ConflictError when it was changed since it was shown."""
        shown = next((one for one in self.rows if one["id"] == row), None)
        if shown is None:
            raise ParameterError("that row is gone already; somebody else removed it")
        return self._remove(row, shown["revision"], by)

    def paste(self, text: str) -> Pasted:
        """Read pasted rows and say what each is; nothing is stored before `store_pasted`.

        Raises IntakeError for a text that cannot be read as rows of this form at all.
        """
        self._pasted = None
        stored = self._ledger.rows(self._setting.table)
        self._pasted = read_pasted(text, self._setting, self._workspace, self._team, stored)
        return self._pasted

    def store_pasted(self, *, replace: bool = False, by: str = "") -> str:
        """Store the good rows of the last `paste` and say how many; with `replace` also those stored with other values.

        Raises ConflictError when somebody changed one of them since, and WorkspaceError; then none was stored.
        """
        if self._pasted is None:
            raise ParameterError("nothing was pasted and checked; paste the rows and check them first")
        rows = [*self._pasted.new, *(self._pasted.other if replace else ())]
        if not rows:
            raise ParameterError("none of the pasted rows is to be stored")
        words = f"{count(len(rows), 'pasted row')}"
        self._ledger.put_many(self._setting.table, rows, by=by or self.role, words=words)
        self._pasted = None
        self._after()
        return f"Stored: {words}."

    def _save(
        self, row: str | None, cells: Mapping[str, str], seen: Mapping[str, str], revision: int | None, by: str
    ) -> tuple[Key, str]:
        texts = {name: str(text) for name, text in cells.items()}
        typed = self._read(self._setting.table, texts)
        if row is None:
            typed = {**self._empty_cells(texts), **typed}
        else:
            # what the person did not touch is not theirs to write
            typed = {name: value for name, value in typed.items() if texts[name].strip() != seen.get(name, "")}
        edit = Edit(
            self._setting.table, _key(row), typed, dict(seen), revision, made=self._setting.made if row is None else {}
        )
        words = self._name({**seen, **texts})
        try:
            key = self._ledger.put(edit, by=by or self.role, words=f"{'added' if row is None else 'changed'} {words}")
        finally:
            self._after()
        return key, f"Stored: {words}."

    def _empty_cells(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Every field a new row leaves out, read as empty so that a required one is named."""
        return self._read(self._setting.table, {name: "" for name in self._asked() if name not in texts})

    def _remove(self, row: str, revision: int | None, by: str) -> str:
        words = self._name(next((one["cells"] for one in self.rows if one["id"] == row), {}))
        try:
            self._ledger.remove(
                self._setting.table, _key(row) or (), revision, by=by or self.role, words=f"removed {words}"
            )
        finally:
            self._after()
        return f"Removed: {words}. Undo brings it back."

    def _asked(self) -> list[str]:
        left_out = {"team", *self._setting.made, *self._setting.elsewhere}
        return [name for name, column in self._table.columns.items() if name not in left_out and not column.person]

    def _field(self, column: Column, words: Mapping[str, list[str]]) -> dict[str, Any]:
        asked = field(
            column,
            label=self._setting.labels.get(column.name, ""),
            choices=self._choices(column),
            suggestions=words.get(known.about(column.name), ()),
        )
        default = self._setting.defaults.get(column.name, asked["default"])
        asked["default"] = f"{self._day():%Y-%m-%d}" if default == known.TODAY else default
        return asked

    def _choices(self, column: Column) -> list[tuple[str, str]]:
        if column.name in self._setting.picks:
            table, key, words = self._setting.picks[column.name]
            rows = self._workspace.read(table, self._team)
            return [(str(value), f"{value}: {said}") for value, said in zip(rows[key], rows[words], strict=True)]
        if column.name.endswith("level") and column.choices:
            return [(str(level.number), f"{level.number} {level.name}") for level in self._model.levels]
        return []

    def _key(self, row: Mapping[Any, Any]) -> tuple[str, ...]:
        return tuple(text_of(self._table.columns[name], row[name]) for name in own_key(self._table))

    def _name(self, texts: Mapping[str, str]) -> str:
        said = " / ".join(" ".join(texts.get(name, "").split()) for name in self._setting.named_by if texts.get(name))
        return f"{self._setting.one} {said[:120]}".strip()

    def _hear_save(self, asked: Mapping[str, Any]) -> Said:
        """Add a row once, however often a browser that heard no answer asks again; what it asks later changes that row."""
        row, seen, revision, once = asked["row"], asked["seen"], asked["revision"], asked.get("once")
        if row is None and once in self._once:
            row, seen = self._once[once]
            revision = next((one["revision"] for one in self.rows if one["id"] == row), None)
        key, said = self._save(row, asked["cells"], seen, revision, asked["by"])
        if once:
            self._once[once] = (_id(key), dict(asked["cells"]))
        return {"text": said}

    def _now(self, asked: Mapping[str, Any]) -> Said | None:
        row = asked.get("row")
        if row is None and "cells" in asked:
            cells = {name: str(text).strip() for name, text in asked["cells"].items()}
            stored = self._ledger.rows(self._setting.table)
            cells |= {name: make(stored, cells) for name, make in self._setting.made.items()}
            row = _id(tuple(cells[name] for name in own_key(self._table)))
        return next((one for one in self.rows if one["id"] == row), None)

    def _hear_check(self, asked: Mapping[str, Any]) -> Said:
        self._read(self._setting.table, asked["cells"])
        return {"kind": "checked", "text": ""}

    def _hear_paste(self, text: str) -> Said:
        found = self.paste(text)
        return {
            "kind": "checked",
            "text": found.says,
            "new": len(found.new),
            "other": len(found.other),
            "rest": found.rest,
            "faults": [self._fault(fault) for fault in found.faults[:MOST_FAULTS]],
            "unlisted": max(0, len(found.faults) - MOST_FAULTS),
        }

    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {
        "save": lambda form, asked: form._hear_save(asked),  # noqa: SLF001 - the form's own
        "remove": lambda form, asked: {"text": form._remove(asked["row"], asked["revision"], asked["by"])},  # noqa: SLF001
        "check": lambda form, asked: form._hear_check(asked),  # noqa: SLF001
        "undo": lambda form, _asked: {"text": form.undo()},
        "paste": lambda form, asked: form._hear_paste(asked["text"]),  # noqa: SLF001
        "store": lambda form, asked: {"text": form.store_pasted(replace=asked["replace"], by=asked["by"])},
    }


def _id(key: tuple[str, ...]) -> str:
    return json.dumps(key, ensure_ascii=False)


def _key(row: str | None) -> tuple[str, ...] | None:
    return None if row is None else tuple(json.loads(row))
