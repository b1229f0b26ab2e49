"""Forms of questions: one choice each, stored as soon as it is made, with the words beside every choice.

The questionnaires ask about the team, the scorer about one task at a time; nobody is asked about a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import traitlets

import playbook
from playbook import assessments, consensus, spectrum
from playbook.errors import ParameterError, TableError
from playbook.tables import FACTORS, STORED, count
from playbook.widgets._asking import Said
from playbook.widgets._form import Form, rule_of
from playbook.widgets._form_cells import texts_of
from playbook.widgets._form_ledger import Edit, find
from playbook.widgets._form_settings import suggestions

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from playbook.assessments import Question
    from playbook.io.workspace import Workspace
    from playbook.spectrum import Factor

NOT_APPLICABLE = "n/a"
OPEN = ""
AGREED = 0
OFFERED = (1, 2, 3, 4, 5)
Item = dict[str, Any]


class Questions(Form):
    """Questions with one choice each; `choose` stores an answer at once.

    An item holds what is asked, the choices with their words, the `value` chosen (a number as text, n/a, or empty), the
    evidence where the form asks for it (None: it does not), and what the stored row held when it was read.
    """

    items: Any = traitlets.List(help="the questions, their choices and the answers stored").tag(sync=True)
    verdict = traitlets.Dict(help="what the answers come to: a heading and lines").tag(sync=True)
    choices: Any = traitlets.List(help="what the questions can be about, where there are several").tag(sync=True)
    picked = traitlets.Unicode(help="which of them is shown").tag(sync=True)
    asks = traitlets.Unicode(help="what one of them is called").tag(sync=True)

    def choose(self, item: str, value: str, *, by: str = "") -> str:
        """Store the answer to one question (a score as text, n/a, or nothing to take it back) and say so.

        Raises ParameterError for a question or answer there is not, ConflictError with both values when somebody answered
        it since it was shown, WorkspaceError when the workspace does not answer; then nothing was stored.
        """
        asked = self._item(item)
        return self._choose(asked, value, asked["seen"], asked["revision"], by)

    def _choose(self, asked: Item, value: str, seen: Mapping[str, str], revision: int | None, by: str) -> str:
        if value not in (OPEN, NOT_APPLICABLE, *(choice["value"] for choice in asked["choices"])):
            offered = ", ".join(choice["value"] for choice in asked["choices"])
            raise ParameterError(
                f"{asked['title']}: {value!r} is no answer; wanted one of {offered}, {NOT_APPLICABLE} or nothing"
            )
        words = f"{asked['title']}: {_said(value)}"
        return self._store(self._edit(asked, value, dict(seen), revision), words, by)

    def _store(self, edit: Edit, words: str, by: str) -> str:
        try:
            self._ledger.put(edit, by=by or self.role, words=words)
        finally:
            self._after()
        return f"Stored: {words}."

    def _edit(self, asked: Item, value: str, seen: dict[str, str], revision: int | None) -> Edit:
        raise NotImplementedError

    def _item(self, item: str) -> Item:
        for asked in self.items:
            if asked["id"] == item:
                return dict(asked)
        raise ParameterError(
            f"{item!r} is no question of this form; there are {', '.join(one['id'] for one in self.items)}"
        )

    def _hear_choose(self, asked: Mapping[str, Any]) -> Said:
        item = self._item(asked["item"])
        return {"text": self._choose(item, asked["value"], asked["seen"], asked["revision"], asked["by"])}

    answers: ClassVar[Mapping[str, Callable[[Any, Mapping[str, Any]], Said]]] = {
        "choose": lambda form, asked: form._hear_choose(asked),  # noqa: SLF001 - the form's own
        "undo": lambda form, _asked: {"text": form.undo()},
    }


class Assessment(Questions):
    """A questionnaire the team answers about itself; seat 0 holds the answer it agreed on."""

    def __init__(  # noqa: PLR0913 - each names one fact of who answers what
        self, workspace: Workspace, team: str, name: str, seat: int, *, today: dt.date | None, role: str
    ) -> None:
        if isinstance(seat, bool) or not isinstance(seat, int) or seat < AGREED:
            raise ParameterError(f"seat is {seat!r}; wanted 0 for the team's agreed answer, or a seat's number from 1")
        self._asked = playbook.load(name, workspace.folder)
        if not isinstance(self._asked, assessments.Questionnaire):
            raise ParameterError(f"{name!r} is no questionnaire; wanted for example maturity or skills")
        self._seat = seat
        who = "the team's agreed answer" if seat == AGREED else f"seat {seat}"
        super().__init__(
            workspace, team, ("answers",), today=today, role=role,
            shape="questions", title=f"{self._asked.title} ({who})", promise=self._asked.purpose,
        )  # fmt: skip

    def static(self) -> pd.DataFrame:
        """What the team agreed on, one row a question: dimension, question, score, answer, evidence.

        Answers of single seats are never in it: they are only ever shown as a mean of five or more.
        """
        stored = self._workspace.read("answers", self._team)
        stored = stored[(stored["questionnaire"] == self._asked.id) & (stored["seat"] == AGREED)]
        agreed = {row["question"]: row for row in stored.to_dict("records")}
        titles = {dimension.id: dimension.title for dimension in self._asked.dimensions}
        rows = []
        for question in self._questions():
            row = agreed.get(question.id, {})
            score = row.get("score", pd.NA)
            words = {choice.score: choice.description for choice in self._asked.choices(question)}
            said = (
                "does not apply"
                if row.get("not_applicable") is True
                else ""
                if pd.isna(score)
                else words.get(int(score), "")
            )
            evidence = row.get("evidence")
            rows.append(
                (titles[question.dimension], question.text, score, said, "" if pd.isna(evidence) else str(evidence))
            )
        frame = pd.DataFrame(rows, columns=["dimension", "question", "score", "answer", "evidence"])
        return frame.astype(
            {"dimension": "str", "question": "str", "score": "Int64", "answer": "str", "evidence": "str"}
        )

    def refresh(self) -> None:
        """Read the answers again and show what others changed; what is being typed stays as it is."""
        stored = self._ledger.rows("answers")
        items = [self._shown_item(question, stored) for question in self._questions()]
        verdict = self._verdict(stored, items)
        if self._moved((items, verdict)):
            with self.hold_sync():
                self.items, self.verdict = items, verdict

    def note(self, item: str, evidence: str, *, by: str = "") -> str:
        """Store what an answer rests on and say so; raises what `choose` raises, and TableError for too long a text."""
        asked = self._item(item)
        return self._note(asked, evidence, asked["seen"], asked["revision"], by)

    def _note(self, asked: Item, evidence: str, seen: Mapping[str, str], revision: int | None, by: str) -> str:
        cells = self._read("answers", {"evidence": evidence})
        edit = Edit("answers", self._row_key(asked["id"]), cells, dict(seen), revision, stamped={"day": self._day()})
        return self._store(edit, f"{asked['title']}: evidence", by)

    def _hear_evidence(self, asked: Mapping[str, Any]) -> Said:
        item = self._item(asked["item"])
        return {"text": self._note(item, asked["value"], asked["seen"], asked["revision"], asked["by"])}

    answers: ClassVar = {**Questions.answers, "evidence": lambda form, asked: form._hear_evidence(asked)}  # noqa: SLF001

    def _edit(self, asked: Item, value: str, seen: dict[str, str], revision: int | None) -> Edit:
        score = None if value in (OPEN, NOT_APPLICABLE) else int(value)
        cells = {"score": score, "not_applicable": value == NOT_APPLICABLE}
        return Edit("answers", self._row_key(asked["id"]), cells, seen, revision, stamped={"day": self._day()})

    def _row_key(self, question: str) -> tuple[Any, ...]:
        return (self._asked.id, question, self._seat)

    def _questions(self) -> list[Question]:
        return sorted(self._asked.questions, key=lambda question: question.order)

    def _shown_item(self, question: Question, stored: pd.DataFrame) -> Item:
        table = STORED["answers"]
        row = find(table, stored, self._row_key(question.id))
        seen = texts_of(table, row) if row else {"not_applicable": "no"}
        dimension = next(found for found in self._asked.dimensions if found.id == question.dimension)
        return {
            "id": question.id,
            "group": dimension.title,
            "about": dimension.meaning,
            "title": question.text,
            "hint": f"An answer can rest on: {question.evidence}",
            "choices": [{"value": str(one.score), "label": one.description} for one in self._asked.choices(question)],
            "value": NOT_APPLICABLE if seen["not_applicable"] == "yes" else seen.get("score", OPEN),
            "evidence": seen.get("evidence", ""),
            "note": "",
            "seen": {name: seen.get(name, "") for name in ("score", "not_applicable", "evidence")},
            "revision": int(row["revision"]) if row else None,
        }

    def _verdict(self, stored: pd.DataFrame, items: list[Item]) -> Said:
        apart = sum(item["value"] == NOT_APPLICABLE for item in items)
        answered = sum(item["value"] not in (OPEN, NOT_APPLICABLE) for item in items)
        head = f"{answered} of {count(len(items) - apart, 'question')} answered"
        head += f", {apart} {'does' if apart == 1 else 'do'} not apply" if apart else ""
        if self._seat != AGREED:
            return {"head": head, "lines": [], "level": None}
        # a score nobody could choose here came by an import; the form must open so that it can be put right
        sound = stored["score"].isna() | (stored["score"].isin(OFFERED) & ~stored["not_applicable"])
        mine = stored[(stored["seat"] == AGREED) & sound].drop(columns=["revision"])
        scores = assessments.score(mine, self._asked)
        known = scores[scores["score"].notna()].itertuples()
        lines = [f"{row.title}: {row.score:.1f} of 5 ({row.answered} of {row.questions} answered)" for row in known]
        return {"head": head, "lines": lines, "level": None}


class Scorer(Questions):
    """The seven factors of one task after the other, and the level the rule gives it, said again after each choice.

    A factor that raters have rated is settled here for them (seat 0 of their last round); their own ratings stay.
    """

    def __init__(
        self, workspace: Workspace, team: str, task_id: str | None, *, today: dt.date | None, role: str
    ) -> None:
        self._model = rule_of(workspace)
        self._wanted = task_id
        super().__init__(
            workspace, team, ("tasks", "ratings"), today=today, role=role,
            shape="questions", title="Scorer", asks="Task",
            promise="Seven factors place a task on the Collaboration Spectrum. Score the work, never a person.",
        )  # fmt: skip
        if task_id is not None:
            self.pick(task_id)
            self.changed = 0

    def pick(self, choice: str) -> str:
        """Show another task's factors and say which. Raises ParameterError for a task the team does not have."""
        label = next((one["label"] for one in self.choices if one["value"] == choice), None)
        if label is None:
            raise ParameterError(f"the team has no task {choice!r}; it may have been removed meanwhile")
        self._wanted = choice
        self.refresh()
        return str(label)

    def placements(self) -> pd.DataFrame:
        """Every task as the rule places it with the factors stored now (PLACEMENTS)."""
        return spectrum.place(self._tasks, self._model)

    def static(self) -> pd.DataFrame:
        """One row a task: task, the seven factors, not_applicable, target_level, ready_level and coverage (share of 1)."""
        placed = self.placements()[["target_level", "ready_level", "coverage"]]
        return self._tasks[["task", *FACTORS, "not_applicable"]].join(placed)

    def refresh(self) -> None:
        """Read tasks and ratings again and show what others changed."""
        self._stored = self._ledger.rows("tasks")
        self._ratings = self._ledger.rows("ratings")
        ratings = self._ratings.drop(columns=["revision"])
        self._tasks = consensus.settled(ratings, self._stored.drop(columns=["revision"]))
        settled = consensus.settlement(ratings)
        ids = self._tasks["task_id"].tolist()
        done = [_scored(row) for row in self._tasks.to_dict("records")]
        if self._wanted not in ids:
            unscored = [name for name, number in zip(ids, done, strict=True) if number == 0]
            self._wanted = next(iter([*unscored, *ids]), None)
        choices = [
            {"value": name, "label": f"{task} ({workflow}): {number} of {len(FACTORS)} scored"}
            for name, task, workflow, number in zip(
                ids, self._tasks["task"], self._tasks["workflow"], done, strict=True
            )
        ]
        items = [] if self._wanted is None else [self._factor(factor, settled) for factor in self._model.factors]
        verdict = self._verdict()
        roles = suggestions(self._workspace, self._team, self._model)["role"]
        if self._moved((self._wanted, choices, items, verdict, roles)):
            with self.hold_sync():
                self.choices, self.picked, self.items = choices, self._wanted or "", items
                self.verdict, self.roles = verdict, roles

    answers: ClassVar = {
        **Questions.answers,
        "pick": lambda form, asked: {"kind": "picked", "text": form.pick(asked["choice"])},
    }

    def _factor(self, factor: Factor, settled: pd.DataFrame) -> Item:
        row = self._tasks[self._tasks["task_id"] == self._wanted].iloc[0].to_dict()
        rated = settled[(settled["task_id"] == self._wanted) & (settled["factor"] == factor.name)]
        value = row[factor.name]
        shown = NOT_APPLICABLE if factor.name in _listed(row) else OPEN if pd.isna(value) else f"{float(value):.3g}"
        target = self._target(factor.name)
        return {
            "id": factor.name,
            "group": "",
            "about": "",
            "title": factor.title,
            "hint": f"{factor.meaning} ({factor.direction})",
            "choices": [{"value": str(point), "label": factor.anchors[point]} for point in sorted(factor.anchors)],
            "value": shown,
            "evidence": None,
            "note": _rated(rated.iloc[0].to_dict(), shown) if len(rated) else "",
            "seen": target["seen"],
            "revision": target["revision"],
        }

    def _target(self, factor: str) -> dict[str, Any]:
        """Where a choice is stored: the task's own cell, or seat 0 of the raters' last round where they rated it."""
        mine = self._ratings[(self._ratings["task_id"] == self._wanted) & (self._ratings["factor"] == factor)]
        name = "ratings" if len(mine) else "tasks"
        key = (self._wanted, factor, int(mine["round"].max()), AGREED) if len(mine) else (self._wanted,)
        row = find(STORED[name], mine if len(mine) else self._stored, key)
        columns = ("value", "not_applicable") if len(mine) else (factor, "not_applicable")
        seen = texts_of(STORED[name], row, columns) if row else {"value": "", "not_applicable": "no"}
        return {"table": name, "key": key, "seen": seen, "revision": int(row["revision"]) if row else None}

    def _edit(self, asked: Item, value: str, seen: dict[str, str], revision: int | None) -> Edit:
        target, factor = self._target(asked["id"]), asked["id"]
        number = None if value in (OPEN, NOT_APPLICABLE) else float(value)
        if target["table"] == "ratings":
            rating = {"value": number, "not_applicable": value == NOT_APPLICABLE}
            return Edit("ratings", target["key"], rating, seen, revision, stamped={"day": self._day()})
        before = [name for name in FACTORS if name in _listed({"not_applicable": seen.get("not_applicable", "")})]
        after = [
            name
            for name in FACTORS
            if (name == factor and value == NOT_APPLICABLE) or (name in before and name != factor)
        ]
        cells: dict[str, Any] = {
            factor: number,
            **({"not_applicable": ", ".join(after) or None} if after != before else {}),
        }
        return Edit("tasks", target["key"], cells, seen, revision)

    def _verdict(self) -> Said:
        task = self._tasks[self._tasks["task_id"] == self._wanted]
        if task.empty:
            return {
                "head": "Not yet: the team has no tasks; add them in the inventory first.",
                "lines": [],
                "level": None,
            }
        try:
            placed = spectrum.place(task, self._model).iloc[0]
        except TableError as error:
            return {"head": "Not yet: this task's factors cannot be read.", "lines": [str(error)], "level": None}
        if pd.isna(placed["target_level"]):
            return {"head": "Not yet: too little is scored for a level.", "lines": [placed["reasons"]], "level": None}
        level, ready = int(placed["target_level"]), placed["ready_level"]
        name = self._model.levels[level - 1].name
        now = "not ready to hand over yet" if pd.isna(ready) else f"ready now for level {int(ready)}"
        low, high = int(placed["level_low"]), int(placed["level_high"])
        open_still = f"What is not scored yet could make it level {low} to {high}." if low < high else ""
        lines = [line for line in (open_still, str(placed["reasons"])) if line]
        return {"head": f"Level {level}, {name}; {now}", "lines": lines, "level": level}


def _listed(row: Mapping[Any, Any]) -> set[str]:
    """The factors a task's row says do not apply."""
    said = row["not_applicable"]
    words = "" if pd.isna(said) else str(said)
    return {"_".join(word.casefold().split()) for word in words.replace(";", ",").split(",") if word.strip()}


def _scored(row: Mapping[Any, Any]) -> int:
    listed = _listed(row)
    return sum(factor in listed or not pd.isna(row[factor]) for factor in FACTORS)


def _rated(row: Mapping[Any, Any], shown: str) -> str:
    """What raters said of a factor, so that whoever settles it sees the range."""
    n = 0 if pd.isna(row["n"]) else int(row["n"])
    span = f", from {row['low']:g} to {row['high']:g}" if n and not pd.isna(row["low"]) else ""
    return f"{count(n, 'seat')} rated it{span}; it counts as {_said(shown)} ({row['basis']}). A choice here settles it."


def _said(value: str) -> str:
    return "no answer" if value == OPEN else "does not apply" if value == NOT_APPLICABLE else value
