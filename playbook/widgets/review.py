"""The review queue at hand: what agents ask a person, read with what it rests on, and decided with a reason.

Who may decide, what an edit is bound to and what is written down are the review's own rules, handed in as `door`; here
they are shown, and what they refuse is said in words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import traitlets

from playbook.errors import ParameterError
from playbook.tables import count
from playbook.widgets._asking import Asking, Said, files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from playbook.io.workspace import Workspace

WATCHED = ("approvals", "artifacts")
LISTED = ("workflow", "tool", "artifact", "reason", "trigger", "checks")
TEXT = "text"  # the argument a reviewer's text takes the place of; without it, the artifact's text
MOST_SHOWN = 500  # questions a browser is sent
MOST_LINES = 2_000  # lines of a difference
SIGNS = {"+": "added", "-": "removed", "@": "place"}
DIFFERENCE = "--- version "


class Door(Protocol):
    """The functions of `playbook.agents.review`, which a widget is given as it may not import agents."""

    def queue(self, workspace: Workspace, team: str) -> pd.DataFrame:
        """What waits, the oldest first."""

    def show(self, workspace: Workspace, approval_id: str, *, team: str) -> Any:
        """One question with everything to decide it by."""

    def decide(self, *asked: Any, **more: Any) -> Mapping[str, Any]:
        """Write a decision down and return the approval's row."""


def review_queue(workspace: Workspace, team: str, *, door: Door | Any, role: str = "") -> ReviewQueue:
    """What waits for a person in a team, to be read and decided; show it as a cell's last value.

    `door` is the module `playbook.agents.review`; `role` is the role chosen beforehand where it may decide. Raises
    ParameterError for an unknown team and for a workspace without a folder.
    """
    return ReviewQueue(workspace, team, door, role=role)


class ReviewQueue(Asking):
    """The questions of a team's agents; `question` reads one, `decide` answers it, `refresh` looks again."""

    _esm = files("asking.js", "review.js")
    _css = files("forms.css", "review.css")  # the forms' look, and what only a review has

    role = traitlets.Unicode("", help="the role chosen beforehand; empty: the person chooses").tag(sync=True)
    rows: Any = traitlets.List(help="the questions that wait, oldest first").tag(sync=True)
    more = traitlets.Int(0, help="questions that wait and are too many to show").tag(sync=True)

    def __init__(self, workspace: Workspace, team: str, door: Door, *, role: str = "") -> None:
        self._door = door
        self._answered: tuple[str, Said] = ("", {})
        super().__init__(workspace, team, WATCHED, role=role)

    def static(self) -> pd.DataFrame:
        """The queue as a table, for a page without widgets."""
        return self._door.queue(self._workspace, self._team)

    def refresh(self) -> None:
        """Look again at what waits; raises WorkspaceError when the workspace does not answer."""
        waiting = self.static()
        rows = [_listed(row) for row in waiting.iloc[:MOST_SHOWN].to_dict("records")]
        self.trouble = ""
        if rows != self.rows:
            with self.hold_sync():
                self.rows, self.more = rows, max(0, len(waiting) - MOST_SHOWN)
            self.changed += 1

    def question(self, approval_id: str) -> Said:
        """One question as the browser shows it: arguments, checks, triggers, difference, text, and who may decide.

        Raises ParameterError for a question that is not there, or whose artifact was changed after it was made.
        """
        shown = self._door.show(self._workspace, approval_id, team=self._team)
        original = self._original(approval_id, shown)
        lines = difference_lines(shown.diff)
        return {
            "id": shown.approval_id,
            "playbook": shown.playbook_id,
            "tool": shown.tool,
            "state": shown.state,
            "expires": shown.expires.isoformat(),
            "reasons": [reason for reason in shown.reasons if reason.removeprefix("trigger ") not in shown.triggers],
            "triggers": list(shown.triggers),
            "arguments": [
                {"name": name, "value": value}
                for name, value in shown.arguments.items()
                if original is None or name != TEXT
            ],
            "artifact": shown.artifact,
            "path": shown.path,
            "checks": list(shown.checks),
            "difference": lines[:MOST_LINES],
            "unlisted": max(0, len(lines) - MOST_LINES),
            "text": None if original is None else original.shown,
            "unseen": bool(original and original.unseen),
            "roles": list(shown.may_decide),
        }

    def decide(self, approval_id: str, decision: str, role: str, why: str = "", text: str | None = None) -> str:
        """Write a decision (`approved`, `edited` with the reviewer's `text`, `rejected`) down and say what happens next.

        Raises ParameterError for a role that may not decide, a rejection without a reason and a question that waits no
        longer, and WorkspaceError when the workspace does not answer; then nothing was decided.
        """
        if decision == "edited":
            if text is None:
                raise ParameterError("an edited approval needs your version of the text")
            original = self._original(approval_id, self._door.show(self._workspace, approval_id, team=self._team))
            text = original.restored(text) if original else text
        try:
            row = self._door.decide(self._workspace, approval_id, decision, role, why, text=text, team=self._team)
        finally:
            self._follow()
        return _next_step(row)

    def _original(self, approval_id: str, shown: Any) -> Original | None:
        """The text a reviewer may edit, as the agent wrote it; None where there is none."""
        asked = self._workspace.read("approvals", self._team).set_index("approval_id")
        told = json.loads(str(asked.loc[approval_id, "arguments"])).get(TEXT)
        if isinstance(told, str):
            return Original(told, shown.arguments[TEXT])
        if shown.text is None or self._workspace.folder is None:
            return None
        try:
            data = (self._workspace.folder / shown.path).read_bytes()
        except OSError as error:
            raise ParameterError(f"{shown.path} cannot be read: {error.strerror}; run the agent again") from error
        return Original(data.decode("utf-8-sig"), shown.text)

    def _hear_refresh(self) -> Said:
        self.refresh()
        return {"text": _waiting(len(self.rows) + self.more)}

    def _hear_decide(self, asked: Mapping[str, Any]) -> Said:
        """Decide once, however often a browser that heard no answer asks the same again."""
        once, said = self._answered
        if asked["once"] != once:
            text = self.decide(asked["id"], asked["decision"], asked["role"], asked["why"], asked["text"])
            said = {"text": f"{text} {_waiting(len(self.rows) + self.more)}"}
            self._answered = (asked["once"], said)
        return said

    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {
        "refresh": lambda queue, _asked: queue._hear_refresh(),  # noqa: SLF001 - the widget's own
        "open": lambda queue, asked: {"question": queue.question(asked["id"]), "text": ""},
        "decide": lambda queue, asked: queue._hear_decide(asked),  # noqa: SLF001
    }


class Original:
    """A text as an agent wrote it and as a person sees it, with what cannot be seen written out by its number.

    An edit is made in what is seen; `restored` turns it into what is stored, or an emoji made of several signs would be
    published as numbers.
    """

    def __init__(self, text: str, shown: str) -> None:
        self.shown = shown
        self._crlf = "\r\n" in text and text.count("\n") == text.count("\r\n")
        self._text = text.replace("\r\n", "\n")
        marks = {mark for mark in self._text if unicodedata.category(mark)[0] in "CZ" and mark not in " \n\t"}
        self.unseen = {f"\\u{ord(mark):04x}": mark for mark in marks if f"\\u{ord(mark):04x}" in shown}
        if self._seen_again(shown) != self._text:
            # the text also holds such a number in letters; which one an edit means nobody can tell
            self.unseen = {}

    def restored(self, edited: str) -> str:
        """The edited text with the marks back that were written out and left in place."""
        text = self._seen_again(edited.replace("\r\n", "\n"))
        return text.replace("\n", "\r\n") if self._crlf else text

    def _seen_again(self, shown: str) -> str:
        if not self.unseen:
            return shown
        numbers = sorted(self.unseen, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, numbers)), lambda found: self.unseen[found[0]], shown)


def difference_lines(diff: str) -> list[dict[str, str]]:
    """A unified difference line by line: its `kind` (note, place, added, removed, same) and its `text` without the sign."""
    if not diff.startswith(DIFFERENCE):
        return [{"kind": "note", "text": line} for line in diff.split("\n") if line]
    old, new, *rest = diff.split("\n")
    lines = [{"kind": "note", "text": f"{new.removeprefix('+++ ')} against {old.removeprefix('--- ')}"}]
    for line in rest:
        kind = SIGNS.get(line[:1], "same")
        lines.append({"kind": kind, "text": line if kind == "place" else line[1:]})
    return lines


def _listed(row: Mapping[Any, Any]) -> dict[str, Any]:
    times = {name: row[name].isoformat() for name in ("since", "expires")}
    return {"id": row["approval_id"], "playbook": row["playbook_id"], **times} | {name: row[name] for name in LISTED}


def _waiting(waiting: int) -> str:
    return f"{count(waiting, 'question')} {'waits' if waiting == 1 else 'wait'}." if waiting else "Nothing waits now."


def _next_step(row: Mapping[str, Any]) -> str:
    command = f"`playbook pilot run {row['playbook_id']}`"
    by = f"by {row['reviewer_role']}"
    if row["status"] == "rejected":
        return f"Rejected {by}. The next {command} ends the run with your reason."
    if row["status"] == "edited":
        return f"Approved in your version {by}, {row['edit_ratio']:.0%} of it changed. The next {command} acts on it, once."
    return f"Approved {by}. The next {command} acts on it, once."
