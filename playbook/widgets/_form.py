"""What every form is: a widget over one team's rows that stores each edit at once, hears others', and says what happened."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import traitlets

import playbook
from playbook.errors import ConflictError, Fault, TableError
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import STORED
from playbook.widgets._asking import Asking, Said, files
from playbook.widgets._form_cells import read
from playbook.widgets._form_ledger import Ledger
from playbook.widgets._form_paste import INSTEAD, MOST_CHARACTERS, MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playbook.io.workspace import Workspace

FACILITATOR = "facilitator"


class Form(Asking):
    """A form over a team's stored rows; `refresh` reads them again, `undo` takes back this session's last edit.

    Nothing typed is stored before it is whole: rows on Save, a chosen answer in the same breath.
    """

    _esm = files("asking.js", "forms.js")
    _css = files("forms.css")

    shape = traitlets.Unicode(help="how the browser shows it: rows or questions").tag(sync=True)
    title = traitlets.Unicode(help="what the form is called").tag(sync=True)
    promise = traitlets.Unicode(help="what it is for, in a sentence").tag(sync=True)
    role = traitlets.Unicode(FACILITATOR, help="the role edits are stored by until another is typed").tag(sync=True)
    roles: Any = traitlets.List(help="roles the team already names").tag(sync=True)
    undoable = traitlets.Unicode(help="the last edit of this session in words; empty: none to take back").tag(sync=True)
    limits = traitlets.Dict(help="how much may be pasted").tag(sync=True)

    def __init__(
        self,
        workspace: Workspace,
        team: str,
        tables: tuple[str, ...],
        *,
        today: dt.date | None,
        role: str,
        **traits: Any,
    ) -> None:
        self._today = today
        self._shown: Any = None
        self._pseudonyms = Pseudonyms(workspace.pseudonym_key)
        self._ledger = Ledger(workspace, workspace.team(team), traits["title"][:1].lower() + traits["title"][1:])
        limits = {"characters": MOST_CHARACTERS, "rows": MOST_ROWS, "instead": INSTEAD}
        super().__init__(workspace, team, tables, role=role, limits=limits, **traits)

    def undo(self) -> str:
        """Take back this session's last edit and say so; history keeps both.

        Raises ParameterError when there is nothing to take back, ConflictError (and forgets the edit) when somebody else
        changed the row since, and WorkspaceError when the workspace does not answer.
        """
        try:
            return f"Undone: {self._ledger.undo()}."
        finally:
            self._after()

    def _day(self) -> dt.date:
        return self._today or dt.datetime.now(tz=dt.UTC).date()

    def _read(self, table: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """What was typed as cells, addresses and telephone numbers as pseudonyms. Raises TableError."""
        clean = {name: self._pseudonyms.scrub(str(text)) for name, text in texts.items()}
        cells, faults = read(STORED[table], clean)
        if faults:
            raise TableError(table, faults)
        return cells

    def _moved(self, shown: Any) -> bool:
        """Whether what is to be shown differs from what was; the last word of a refresh."""
        moved, self._shown = shown != self._shown, shown
        self.changed += moved
        return bool(moved)

    def _after(self) -> None:
        """Show what an edit left, also where the workspace is gone again already."""
        self.undoable = self._ledger.undoable
        self._look_again()
        self._follow()

    def _both(self, error: ConflictError, asked: Mapping[str, Any]) -> Said:
        self._after()
        return {"text": BOTH + "; ".join(error.conflicts), "now": self._now(asked)}

    def _bad_cells(self, error: TableError) -> Said:
        return {"text": "", "faults": [self._fault(fault) for fault in error.faults]}

    def _now(self, asked: Mapping[str, Any]) -> Said | None:  # noqa: ARG002 - for forms of rows
        """The row a conflict is about as it is stored now; None when it is gone, or when the form shows it anyway."""
        return None

    def _fault(self, fault: Fault) -> dict[str, Any]:
        return {"row": fault.row, "column": fault.column, "found": fault.found, "wanted": fault.wanted}


def rule_of(workspace: Workspace) -> Any:
    """The engagement's own rule of the Collaboration Spectrum."""
    return playbook.load("spectrum", workspace.folder)


BOTH = "Somebody else changed this meanwhile; nothing was overwritten. "
