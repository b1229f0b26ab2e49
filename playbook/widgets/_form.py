"""What every form is: a widget over one team's rows that stores each edit at once, hears others', and says what happened."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

import playbook
from playbook.errors import ConflictError, Fault, PlaybookError, TableError, WorkspaceError
from playbook.io.intake._privacy import Pseudonyms
from playbook.tables import STORED
from playbook.widgets._form_cells import read
from playbook.widgets._form_ledger import Ledger
from playbook.widgets._form_paste import INSTEAD, MOST_CHARACTERS, MOST_ROWS
from playbook.widgets._live import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playbook.io.workspace import Workspace

HERE = Path(__file__).parent
FACILITATOR = "facilitator"
Said = dict[str, Any]


class Form(anywidget.AnyWidget):
    """A form over a team's stored rows; `refresh` reads them again, `undo` takes back this session's last edit.

    Nothing typed is stored before it is whole: rows on Save, a chosen answer in the same breath. `changed` counts what
    moved, by this form or by anybody else on the workspace: observe it to draw a table or chart again.
    """

    _esm = HERE / "forms.js"
    _css = HERE / "forms.css"

    shape = traitlets.Unicode(help="how the browser shows it: rows or questions").tag(sync=True)
    title = traitlets.Unicode(help="what the form is called").tag(sync=True)
    promise = traitlets.Unicode(help="what it is for, in a sentence").tag(sync=True)
    team = traitlets.Unicode(help="the team's name as people say it").tag(sync=True)
    role = traitlets.Unicode(FACILITATOR, help="the role edits are stored by until another is typed").tag(sync=True)
    roles: Any = traitlets.List(help="roles the team already names").tag(sync=True)
    undoable = traitlets.Unicode(help="the last edit of this session in words; empty: none to take back").tag(sync=True)
    trouble = traitlets.Unicode(help="why the workspace does not answer; empty: it does").tag(sync=True)
    limits = traitlets.Dict(help="how much may be pasted").tag(sync=True)
    changed = traitlets.Int(0, help="how often something on the form has changed")

    _watch: Watch | None = None
    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {}

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
        self._workspace = workspace
        self._team = workspace.team(team)
        self._today = today
        self._views: set[str] = set()
        self._shown: Any = None
        self._pseudonyms = Pseudonyms(workspace.pseudonym_key)
        self._ledger = Ledger(workspace, self._team, traits["title"][:1].lower() + traits["title"][1:])
        self._watch = Watch(workspace, tables, self._team, self._follow, on_trouble=self._say_trouble)
        names = dict(zip(workspace.teams()["team"], workspace.teams()["name"], strict=True))
        limits = {"characters": MOST_CHARACTERS, "rows": MOST_ROWS, "instead": INSTEAD}
        super().__init__(team=names[self._team], role=role, limits=limits, **traits)
        self.refresh()
        self.changed = 0
        self.on_msg(self._hear)

    def refresh(self) -> None:
        """Read the workspace again and show what others changed; what is being typed stays as it is."""
        raise NotImplementedError

    def undo(self) -> str:
        """Take back this session's last edit and say so; history keeps both.

        Raises ParameterError when there is nothing to take back, ConflictError (and forgets the edit) when somebody else
        changed the row since, and WorkspaceError when the workspace does not answer.
        """
        try:
            return f"Undone: {self._ledger.undo()}."
        finally:
            self._after()

    def close(self) -> None:
        """Take the form off the screen and stop watching the workspace."""
        if self._watch is not None:
            self._watch.stop()
        super().close()

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
        self._follow()

    def _follow(self) -> None:
        """Show what somebody changed; a workspace that is gone just then is said and looked at again."""
        try:
            self.refresh()
        except WorkspaceError as error:
            self._say_trouble(error)

    def _say_trouble(self, error: PlaybookError | None) -> None:
        self.trouble = str(error) if error else ""

    def _hear(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Answer the browser: every question gets one, so that a field never waits in vain."""
        if message["do"] in ("shown", "gone"):
            (self._views.add if message["do"] == "shown" else self._views.discard)(message["view"])
            if self._watch is not None:
                (self._watch.start if self._views else self._watch.stop)()
            return
        try:
            said = {"ok": True, "kind": "stored", **self.answers[message["do"]](self, message)}
        except ConflictError as error:
            self._after()
            said = {"ok": False, "kind": "conflict", "text": BOTH + "; ".join(error.conflicts)}
            said["now"] = self._now(message)
        except TableError as error:
            said = {
                "ok": False,
                "kind": "refused",
                "text": "",
                "faults": [self._fault(fault) for fault in error.faults],
            }
        except WorkspaceError as error:
            said = {"ok": False, "kind": "trouble", "text": str(error)}
        except PlaybookError as error:
            said = {"ok": False, "kind": "refused", "text": str(error)}
        self.send({**said, "ask": message["ask"]})

    def _now(self, asked: Mapping[str, Any]) -> Said | None:  # noqa: ARG002 - for forms of rows
        """The row a conflict is about as it is stored now; None when it is gone, or when the form shows it anyway."""
        return None

    def _fault(self, fault: Fault) -> dict[str, Any]:
        return {"row": fault.row, "column": fault.column, "found": fault.found, "wanted": fault.wanted}


def rule_of(workspace: Workspace) -> Any:
    """The engagement's own rule of the Collaboration Spectrum."""
    return playbook.load("spectrum", workspace.folder)


BOTH = "Somebody else changed this meanwhile; nothing was overwritten. "
