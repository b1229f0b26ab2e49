"""The spectrum board: a team's tasks as cards in five columns, moved by hand, each move a decision stored at once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import traitlets

import playbook
from playbook import consensus, spectrum
from playbook.errors import ConflictError, ParameterError, TableError
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import OVERRULINGS
from playbook.widgets import _cards
from playbook.widgets._asking import Asking, Said, files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playbook.io.workspace import Workspace
    from playbook.spectrum import Model

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
    return Board(workspace, team, rule, today)


class Board(Asking):
    """Tasks in the columns of the Collaboration Spectrum; a card lies where people decided, else where the rule puts it.

    Draw a chart of `placements()` again when `changed` moves. Moving a card to the level of the rule removes the decision
    against it; any other place is stored in OVERRULINGS with a reason and the role that decides, in the same breath, and
    `undo` takes it back. Addresses and names known as persons' are kept as pseudonyms.
    """

    _esm = files("asking.js", "board.js")
    _css = files("board.css")

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

    def __init__(self, workspace: Workspace, team: str, model: Model, today: dt.date | None) -> None:
        self._model = model
        self._today = today
        self._pseudonyms = Pseudonyms(workspace.pseudonym_key)
        self._facts = ""
        self._overrulings = OVERRULINGS.empty()
        self._done: list[tuple[str, dict[str, Any] | None, str]] = []
        self._mine: dict[str, int | None] = {}
        self._role = FACILITATOR
        self._moved = False
        super().__init__(workspace, team, (*FACTS, DECISIONS), version=model.version, levels=_cards.levels(model))

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
        reason, decided_by = self._pseudonyms.scrub(reason), self._pseudonyms.scrub(decided_by)
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
        self._look_again()
        self._show(now)
        self._mine[task_id] = self.decisions.get(task_id, {}).get("revision")
        return wrote

    # --- talking with the browser ------------------------------------------------------------------------------------

    def _hear(self, widget: Any, message: dict[str, Any], buffers: Any) -> None:
        """Answer first, then let charts follow: they take longer than a card may hang between two columns."""
        super()._hear(widget, message, buffers)
        self._tell()

    def _asked_to_decide(self, message: Mapping[str, Any]) -> Said:
        task_id = message["task"]
        if self._card(task_id)["rule"] != message["rule"]:
            raise ParameterError("the rule's level of this task has changed meanwhile; look at the card again")
        parts = [message[name] for name in ("decision", "level", "reason", "by", "seen")]
        return {"text": self._decide(task_id, *parts)}

    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {
        "decide": lambda board, asked: board._asked_to_decide(asked),  # noqa: SLF001 - the board's own
        "undo": lambda board, _asked: {"text": board._undo()},  # noqa: SLF001
    }

    def _both(self, error: ConflictError, _asked: Mapping[str, Any]) -> Said:
        """Both values, with the board brought up to date so that people can choose."""
        self._follow()
        said = "; ".join(error.conflicts)
        return {"text": f"Somebody decided on this task meanwhile; nothing was overwritten. {said}"}

    def _bad_cells(self, error: TableError) -> Said:
        return {"text": "; ".join(f"{fault.column}: wanted {fault.wanted}" for fault in error.faults)}


def _words(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "follows the rule"
    return f"level {row['level']}" if row["decision"] == "level" else str(row["decision"])
