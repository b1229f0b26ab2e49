"""What the board, the forms and the review queue have in common: they follow the workspace and answer the browser.

The browser's half of it is `asking.js`, which stands before each widget's own file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from playbook.errors import ConflictError, PlaybookError, TableError, WorkspaceError
from playbook.widgets._live import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from playbook.io.workspace import Workspace

HERE = Path(__file__).parent
Said = dict[str, Any]


def files(*names: str) -> str:
    """These files of the folder as one: a widget is one script and one sheet, as it may fetch nothing."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


class Asking(anywidget.AnyWidget):
    """A widget over one team's tables that hears others' changes and answers whatever its browser asks.

    `changed` counts what moved, by this widget or by anybody else on the workspace: observe it to draw a table or chart
    again. `answers` holds what the browser may ask: a function of the widget and the message that gives its answer.
    """

    team = traitlets.Unicode(help="the team's name as people say it").tag(sync=True)
    trouble = traitlets.Unicode(help="why the workspace does not answer; empty: it does").tag(sync=True)
    changed = traitlets.Int(0, help="how often something that is shown has changed")

    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {}
    _watch: Watch | None = None

    def __init__(self, workspace: Workspace, team: str, tables: Iterable[str], **traits: Any) -> None:
        self._workspace = workspace
        self._team = workspace.team(team)
        self._views: set[str] = set()
        self._watch = Watch(workspace, tables, self._team, self._follow, on_trouble=self._say_trouble)
        teams = workspace.teams()
        super().__init__(team=dict(zip(teams["team"], teams["name"], strict=True))[self._team], **traits)
        self.refresh()
        self.changed = 0
        self.on_msg(self._hear)

    def refresh(self) -> None:
        """Read the workspace again and show what others changed; raises WorkspaceError when it does not answer."""
        raise NotImplementedError

    def close(self) -> None:
        """Take the widget off the screen and stop watching the workspace."""
        if self._watch is not None:
            self._watch.stop()
        super().close()

    def _follow(self) -> None:
        """Show what somebody changed; what cannot be read just then is said, and looked at again."""
        try:
            self.refresh()
        except PlaybookError as error:
            self._say_trouble(error)
            self._look_again()
        else:
            self._say_trouble(None)

    def _look_again(self) -> None:
        if self._watch is not None:
            self._watch.forget()

    def _say_trouble(self, error: PlaybookError | None) -> None:
        self.trouble = str(error) if error else ""

    def _hear(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Answer the browser: every question gets one, so that nothing on the screen waits in vain."""
        if message["do"] in ("shown", "gone"):
            self._count_view(message)
        else:
            self.send({**self._answer(message), "ask": message["ask"]})

    def _count_view(self, message: Mapping[str, Any]) -> None:
        """Watch the workspace only while the widget is on a screen somewhere."""
        (self._views.add if message["do"] == "shown" else self._views.discard)(message["view"])
        if self._watch is not None:
            (self._watch.start if self._views else self._watch.stop)()

    def _answer(self, message: Mapping[str, Any]) -> Said:
        try:
            return {"ok": True, "kind": "stored", **self.answers[message["do"]](self, message)}
        except ConflictError as error:
            return {"ok": False, "kind": "conflict", **self._both(error, message)}
        except TableError as error:
            return {"ok": False, "kind": "refused", **self._bad_cells(error)}
        except WorkspaceError as error:
            return {"ok": False, "kind": "trouble", "text": str(error)}
        except PlaybookError as error:
            return {"ok": False, "kind": "refused", "text": str(error)}

    def _both(self, error: ConflictError, _asked: Mapping[str, Any]) -> Said:
        """What is said when somebody else was first; to be tried again where the widget cannot show both values."""
        return {"kind": "trouble", "text": str(error)}

    def _bad_cells(self, error: TableError) -> Said:
        return {"text": str(error)}
