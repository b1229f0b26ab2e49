"""The spectrum board: a team's tasks as cards in five columns, moved by hand, each move a decision stored at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import pandas as pd
import traitlets

import playbook
from playbook import consensus, spectrum
from playbook.errors import ConflictError, ParameterError, PlaybookError, TableError, WorkspaceError
from playbook.tables import OVERRULINGS
from playbook.widgets import _cards
from playbook.widgets._live import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playbook.io.workspace import Workspace
    from playbook.spectrum import Model

HERE = Path(__file__).parent
FACTS = ("tasks", "ratings")
DECISIONS = "overrulings"
FACILITATOR = "facilitator"
NOTE = "spectrum board"
ANY = object()
STATIC_COLUMNS = [
    "task_id",
    "task",
    "workflow",
    "role",
    "hours",
    "rule_level",
    "rule_ready",
    "decision",
    "level",
    "says",
]


def board(workspace: Workspace, team: str, model: Model | None = None, today: dt.date | None = None) -> Board:
    """The board of a team's tasks; show it as a cell's last value.

    `team` is an id or name, `model` the rule (the engagement's own by default), `today` the day decisions carry (the
    machine's by default). Raises ParameterError for an unknown team.
    """
    rule = model or playbook.load("spectrum", workspace.folder)
    return Board(workspace, workspace.team(team), rule, today)


class Board(anywidget.AnyWidget):
    """Tasks in the columns of the Collaboration Spectrum; a card lies where people decided, else where the rule puts it.

    `changed` counts what moved, by this board or by anybody else on the workspace: observe it to draw a chart again from
    `placements()`. Moving a card to the level of the rule removes the decision against it; any other place is stored
    in OVERRULINGS with a reason and the role that decides, in the same breath, and `undo` takes it back.
    """

    _esm = HERE / "board.js"
    _css = HERE / "board.css"

    team = traitlets.Unicode(help="the team's name as people say it").tag(sync=True)
    version = traitlets.Unicode(help="the version of the rule in force").tag(sync=True)
    levels: traitlets.List[Any] = traitlets.List(help="the five columns").tag(sync=True)
    functions: traitlets.List[Any] = traitlets.List(help="marketing functions with their colour and letters").tag(
        sync=True
    )
    cards: traitlets.List[Any] = traitlets.List(help="one card a task, with what the rule says of it").tag(sync=True)
    decisions = traitlets.Dict(help="what people decided, by task").tag(sync=True)
    undoable = traitlets.Unicode(help="the last change of this session in words; empty: none to take back").tag(
        sync=True
    )
    trouble = traitlets.Unicode(help="why the workspace does not answer; empty: it does").tag(sync=True)
    changed = traitlets.Int(0, help="how often something on the board has changed")

    def __init__(self, workspace: Workspace, team: str, model: Model, today: dt.date | None) -> None:
        self._workspace = workspace
        self._team = team
        self._model = model
        self._today = today
        self._facts = ""
        self._overrulings = OVERRULINGS.empty()
        self._done: list[tuple[str, dict[str, Any] | None, str]] = []
        self._mine: dict[str, int | None] = {}
        self._role = FACILITATOR
        self._views: set[str] = set()
        self._moved = False
        self._watch = Watch(workspace, (*FACTS, DECISIONS), team, self.refresh, on_trouble=self._say_trouble)
        names = dict(zip(workspace.teams()["team"], workspace.teams()["name"], strict=True))
        super().__init__(team=names[team], version=model.version, levels=_cards.levels(model))
        self.refresh()
        self.changed = 0
        self.on_msg(self._hear)

    def placements(self) -> pd.DataFrame:
        """Every task as people decided it, else as the rule places it (PLACEMENTS)."""
        return self._decided.copy()

    def tasks(self) -> pd.DataFrame:
        """The tasks on the board, with the factors as the raters settled them (TASKS)."""
        return self._tasks.copy()

    def static(self) -> pd.DataFrame:
        """The board as a table, for a page without widgets: task_id, task, workflow, role, hours (a month), rule_level,
        rule_ready, decision, level (where the card lies; empty: not yet) and says (what was decided, in a sentence).
        """
        made = spectrum.decided(self._placed, self._overrulings.drop(columns=["revision"]), self._model.version)
        rows = made.iloc[: len(self._placed)].reset_index(drop=True)
        rows["level"] = self.placements()["target_level"].to_numpy()
        facts = pd.DataFrame(self.cards, columns=["id", "task", "workflow", "role", "hours"])
        rows = rows.join(facts.drop(columns="id"))
        return rows[STATIC_COLUMNS]

    def refresh(self) -> None:
        """Read the workspace again and move what others moved; what is unchanged stays untouched."""
        self._read()
        self._tell()

    def decide(  # noqa: PLR0913 - each names one part of a decision
        self,
        task_id: str,
        decision: str,
        level: int | None = None,
        *,
        reason: str = "",
        decided_by: str = "",
        seen: Any = ANY,
    ) -> str:
        """Store what people decide for a task and say it in a sentence.

        `decision` is level (with `level`), keep human, not yet, or follow; a level equal to the rule's is to follow it.
        All but follow need a `reason` of 10 to 1000 characters and `decided_by`, the role that decides. `seen` is the
        revision of the decision that was looked at, None for none; without it the one on the board is meant. Raises
        ConflictError, with both values, when somebody decided meanwhile, TableError for a bad cell, ParameterError for a
        task that is not on the board, and WorkspaceError when the workspace does not answer; then nothing was stored.
        """
        said = self._decide(task_id, decision, level, reason, decided_by, seen)
        self._tell()
        return said

    def undo(self) -> str:
        """Take back this session's last change and say so; history keeps both.

        Raises ParameterError when there is nothing to take back, ConflictError (and forgets the change) when somebody
        else decided on the task since, and WorkspaceError when the workspace does not answer.
        """
        said = self._undo()
        self._tell()
        return said

    def close(self) -> None:
        """Take the board off the screen and stop watching the workspace."""
        self._watch.stop()
        super().close()

    # --- reading and showing -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        facts = self._workspace.fingerprint(FACTS, self._team)
        fresh = facts != self._facts
        if fresh:
            tasks = self._workspace.read("tasks", self._team)
            self._tasks = consensus.settled(self._workspace.read("ratings", self._team), tasks)
            self._placed = spectrum.place(self._tasks, self._model)
        self._show(self._workspace.read(DECISIONS, self._team, revisions=True), fresh=fresh)
        self._facts = facts

    def _show(self, overrulings: pd.DataFrame, *, fresh: bool = False) -> None:
        """Put the tables on the board; what has not changed is neither computed nor sent again."""
        if not fresh and overrulings.equals(self._overrulings):
            return
        made = overrulings.drop(columns=["revision"])
        self._overrulings, self._decided = overrulings, spectrum.as_decided(self._placed, made)
        decided = _cards.decisions(self._placed, self._decided, overrulings, self._model.version)
        cards = _cards.cards(self._tasks, self._placed) if fresh else self.cards
        if cards == self.cards and decided == self.decisions:
            return
        with self.hold_sync():
            if cards is not self.cards:
                self.functions = _cards.functions(card["function"] for card in cards)
                self.cards = cards
            self.decisions = decided
        self._moved = True

    def _tell(self) -> None:
        """Let charts follow, once, when everything they may ask for is new."""
        if self._moved:
            self._moved = False
            self.changed += 1

    # --- storing -----------------------------------------------------------------------------------------------------

    def _decide(  # noqa: PLR0913, PLR0917 - the parts of a decision, as `decide` names them
        self, task_id: str, decision: str, level: int | None, reason: str, decided_by: str, seen: Any
    ) -> str:
        card = self._card(task_id)
        follows = decision == "follow" or (decision == "level" and level is not None and level == card["rule"])
        row = None if follows else self._row(task_id, decision, level, reason, decided_by)
        known = self.decisions.get(task_id, {}).get("revision") if seen is ANY else seen
        before = self._stored(task_id)
        if not self._write(task_id, row, known, by=decided_by or self._role, note=NOTE):
            return f"{card['task']}: unchanged."
        self._role = decided_by or self._role
        words = f"{card['task']}: {_words(row)}"
        self._done.append((task_id, before, words))
        self.undoable = words
        return f"{words}. Stored."

    def _undo(self) -> str:
        if not self._done:
            raise ParameterError("nothing of this session is left to undo")
        task_id, before, words = self._done[-1]
        try:
            self._write(task_id, before, self._mine[task_id], by=self._role, note=f"{NOTE}: undone")
        except ConflictError:
            self._forget()
            raise
        self._forget()
        return f"Undone: {words}. Now: {_words(before)}."

    def _forget(self) -> None:
        self._done.pop()
        self.undoable = self._done[-1][2] if self._done else ""

    def _card(self, task_id: str) -> dict[str, Any]:
        for card in self.cards:
            if card["id"] == task_id:
                return dict(card)
        raise ParameterError(f"task {task_id!r} is not on the board of {self.team}; it may have been removed meanwhile")

    def _row(self, task_id: str, decision: str, level: int | None, reason: str, decided_by: str) -> dict[str, Any]:
        if decision == "level" and level is None:
            raise ParameterError("a decision on a level needs the level, 1 to 5")
        return {
            "team": self._team,
            "task_id": task_id,
            "decision": decision,
            "level": level if decision == "level" else None,
            "reason": reason,
            "decided_by": decided_by,
            "day": self._today or dt.datetime.now(tz=dt.UTC).date(),
            "model": self._model.version,
        }

    def _stored(self, task_id: str) -> dict[str, Any] | None:
        rows = self._overrulings[self._overrulings["task_id"] == task_id].drop(columns=["revision"])
        return None if rows.empty else {str(name): cell for name, cell in rows.iloc[0].items()}

    def _write(self, task_id: str, row: Mapping[str, Any] | None, seen: int | None, *, by: str, note: str) -> bool:
        """Store or remove one decision in one transaction; whether anything was written."""
        keys = pd.DataFrame({"team": [self._team], "task_id": [task_id], "revision": pd.array([seen], dtype="Int64")})
        with self._workspace.change(by=by, note=note) as change:
            if row is None:
                there = change.read(DECISIONS, self._team)["task_id"].eq(task_id).any()
                wrote = bool(there and change.remove(DECISIONS, keys))
            else:
                frame = pd.DataFrame([dict(row)], columns=list(OVERRULINGS.columns))
                wrote = not change.put(DECISIONS, frame.assign(revision=keys["revision"])).unchanged
            now = change.read(DECISIONS, self._team, revisions=True)
        self._watch.forget()
        self._show(now)
        self._mine[task_id] = self.decisions.get(task_id, {}).get("revision")
        return wrote

    # --- talking with the browser ------------------------------------------------------------------------------------

    def _hear(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Answer the browser: every question gets one, so that a card never hangs between two columns."""
        if message["do"] in ("shown", "gone"):
            self._count_view(message)
            return
        try:
            said = {"ok": True, "kind": "stored", "text": ANSWERS[message["do"]](self, message)}
        except ConflictError as error:
            said = {"ok": False, "kind": "conflict", "text": self._both(error)}
        except TableError as error:
            wanted = "; ".join(f"{fault.column}: wanted {fault.wanted}" for fault in error.faults)
            said = {"ok": False, "kind": "refused", "text": wanted}
        except WorkspaceError as error:
            said = {"ok": False, "kind": "trouble", "text": str(error)}
        except PlaybookError as error:
            said = {"ok": False, "kind": "refused", "text": str(error)}
        self.send({**said, "ask": message["ask"]})
        self._tell()

    def _asked_to_decide(self, message: dict[str, Any]) -> str:
        task_id = message["task"]
        if self._card(task_id)["rule"] != message["rule"]:
            raise ParameterError("the rule's level of this task has changed meanwhile; look at the card again")
        parts = [message[name] for name in ("decision", "level", "reason", "by", "seen")]
        return self._decide(task_id, *parts)

    def _asked_to_undo(self, _message: dict[str, Any]) -> str:
        return self._undo()

    def _both(self, error: ConflictError) -> str:
        """Both values, with the board brought up to date so that people can choose."""
        try:
            self._read()
        except WorkspaceError as gone:
            self._say_trouble(gone)
        said = "; ".join(error.conflicts)
        return f"Somebody decided on this task meanwhile; nothing was overwritten. {said}"

    def _say_trouble(self, error: PlaybookError | None) -> None:
        self.trouble = str(error) if error else ""

    def _count_view(self, message: dict[str, Any]) -> None:
        """Watch the workspace only while the board is on a screen somewhere."""
        (self._views.add if message["do"] == "shown" else self._views.discard)(message["view"])
        (self._watch.start if self._views else self._watch.stop)()


def _words(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "follows the rule"
    return f"level {row['level']}" if row["decision"] == "level" else str(row["decision"])


ANSWERS: Mapping[str, Callable[[Board, dict[str, Any]], str]] = {
    "decide": Board._asked_to_decide,  # noqa: SLF001 - the board's own
    "undo": Board._asked_to_undo,  # noqa: SLF001
}
