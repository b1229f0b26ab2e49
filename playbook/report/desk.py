"""Where the rooms meet: one team's tables, what the rooms make of them, and the measures a gate asks for.

A notebook opens a desk in one cell. Each derived table is computed once, when a page first asks for it, from stored
tables and authored content only; a gate never reads a notebook's output.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

import playbook
from playbook import (
    assessments,
    budget,
    consensus,
    governance,
    kpis,
    pilots,
    plan,
    pods,
    roles,
    runs,
    spectrum,
    tables,
    workflows,
)
from playbook.errors import ParameterError
from playbook.report import documents, show

if TYPE_CHECKING:
    from os import PathLike

    from playbook.io.workspace import Workspace

SESSION = "JPY_SESSION_NAME"  # Jupyter's server sets it for the kernel of a notebook that is open in a browser


class Desk:
    """One team's work on a given day, or a whole organisation's when `team` is empty.

    `team` is the team's id, `name` what people call it, `today` the day the pages count to.
    """

    def __init__(self, workspace: Workspace, team: str, today: dt.date) -> None:
        self.workspace = workspace
        self.team = team
        self.today = today

    @classmethod
    def open(cls, place: str | PathLike[str] = "", team: str = "", today: str = "") -> Desk:
        """Open a workspace for one team: its id or name, or the workspace's first team when empty.

        `place` is a folder or database URL, empty for PLAYBOOK_WORKSPACE, else the folder this runs in or one above;
        `today` is a day as YYYY-MM-DD, empty for the machine's. Raises WorkspaceNotFoundError, and ParameterError for
        an unknown team, a day that is none or a workspace without teams.
        """
        desk = cls.everyone(place, today)
        teams = list(desk.workspace.teams()["team"])
        if not teams:
            raise ParameterError("this workspace has no team yet; `playbook team NAME` adds one")
        desk.team = desk.workspace.team(team) if team else teams[0]
        return desk

    @classmethod
    def everyone(cls, place: str | PathLike[str] = "", today: str = "") -> Desk:
        """Open a workspace for the organisation as a whole; tables then hold every team's rows."""
        try:
            day = dt.date.fromisoformat(today) if today else dt.datetime.now(tz=dt.UTC).date()
        except ValueError:
            raise ParameterError(f"today: {today!r}; wanted a day as YYYY-MM-DD, or nothing for this day") from None
        return cls(playbook.open_workspace(place), "", day)

    @cached_property
    def teams(self) -> pd.DataFrame:
        """The teams this desk covers (TEAMS)."""
        every = self.workspace.teams()
        return every[every["team"] == self.team] if self.team else every

    @property
    def name(self) -> str:
        """What people call the team; "All teams" for the organisation."""
        return str(self.teams["name"].iloc[0]) if self.team else "All teams"

    @property
    def by_hand(self) -> bool:
        """Whether a person sits at the notebook in JupyterLab, where widgets work; a batch shows the tables alone."""
        return SESSION in os.environ

    @property
    def start(self) -> dt.date:
        """Day 1: the team's own when it has one, else the workspace's."""
        own = self.teams["start"].dropna() if self.team else pd.Series(dtype="datetime64[us]")
        return own.iloc[0].date() if len(own) else self.workspace.start

    @property
    def names(self) -> dict[str, str]:
        """Each team's id and what people call it."""
        return dict(zip(self.teams["team"], self.teams["name"], strict=True))

    @property
    def ids(self) -> list[str]:
        """The ids of the teams this desk covers."""
        return list(self.teams["team"])

    def named(self, frame: pd.DataFrame, *, replace: bool = False) -> pd.DataFrame:
        """The frame with each team's `name` beside its id, or instead of the id (`replace`) where a figure shows it."""
        names = frame["team"].map(self.names)
        return frame.assign(team=names) if replace else frame.assign(name=names)

    def read(self, table: str) -> pd.DataFrame:
        """A stored table's rows of this desk's team, typed."""
        return self.workspace.read(table, team=self.team or None)

    def load(self, name: str) -> Any:
        """Authored content by name; the engagement folder's own copy wins."""
        return playbook.load(name, self.workspace.folder)

    def header(self, answers: str, phase: int | None = None) -> show.Piece:
        """The opening of a page: where the team is in the ninety days and the question the page answers."""
        return show.header(
            answers,
            organisation=self.workspace.organisation,
            team=self.name,
            phase=phase,
            start=self.start,
            today=self.today,
            made_up=self.workspace.made_up,
        )

    def says(self, sentences: list[str]) -> show.Piece:
        """The closing box of a page, with teams by the name people use; on one team's page the name goes without saying."""
        for team, name in self.names.items():
            opening = re.compile(rf"^(Team )?{re.escape(team)}([:,]) ")
            said = "" if self.team else rf"{name}\2 "
            sentences = [opening.sub(said, text) for text in sentences]
        return show.findings([text[:1].upper() + text[1:] for text in sentences])

    @cached_property
    def ratings(self) -> pd.DataFrame:
        """What each seat said of each factor, round by round (RATINGS)."""
        return self.read("ratings")

    @cached_property
    def overrulings(self) -> pd.DataFrame:
        """Where people do not follow the rule, with their reasons (OVERRULINGS)."""
        return self.read("overrulings")

    @cached_property
    def tasks(self) -> pd.DataFrame:
        """The inventory (TASKS), each factor as the raters settled it where they rated it, else as the sheet has it."""
        return consensus.settled(self.ratings, self.read("tasks"))

    @cached_property
    def rule_placements(self) -> pd.DataFrame:
        """Each task on the Collaboration Spectrum as the rule places it, whatever people decided (PLACEMENTS)."""
        return spectrum.place(self.tasks, self.load("spectrum"))

    @cached_property
    def placements(self) -> pd.DataFrame:
        """Each task on the Collaboration Spectrum, by the rule or as people decided otherwise (PLACEMENTS)."""
        return spectrum.as_decided(self.rule_placements, self.overrulings)

    @cached_property
    def decided(self) -> pd.DataFrame:
        """The rule's level of each task and, beside it, what people decided (the frame of `spectrum.decided`)."""
        rows = spectrum.decided(self.rule_placements, self.overrulings, self.load("spectrum").version)
        names = self.tasks[["team", "task_id", "task"]]
        return rows.merge(names, on=["team", "task_id"], how="left")

    @cached_property
    def rule_change(self) -> list[str]:
        """What the engagement's own rule changes against the kit's, in sentences; nothing where it follows the kit's."""
        kits, own = playbook.load("spectrum"), self.load("spectrum")
        return [] if kits == own else spectrum.compare(self.tasks, kits, own).findings()

    @cached_property
    def doubt(self) -> pd.DataFrame:
        """How sure each task's level is (the frame of `spectrum.doubt`, with the task's name)."""
        doubts = spectrum.doubt(self.tasks, self.load("spectrum"), self.ratings)
        return doubts.assign(task=self.tasks["task"])

    @cached_property
    def shortlist(self) -> pd.DataFrame:
        """Each workflow as a pilot candidate (SHORTLIST)."""
        return workflows.shortlist(self.tasks, self.placements, self.load("pilots"))

    @cached_property
    def discovery(self) -> workflows.Discovery:
        """What the imported event logs show."""
        return workflows.discover(self.read("events"), keywords=self.load("keywords"))

    @cached_property
    def readouts(self) -> pd.DataFrame:
        """What each pilot shows (PILOT_READOUTS)."""
        return pilots.readout(*self._pilot_tables, self.load("pilot_evidence"))

    def pilot_findings(self, name: str = "") -> list[str]:
        """What the pilots show and how their agents ran, in sentences: of one pilot by its id or its playbook's, or of all.

        Raises ParameterError for a pilot nobody knows.
        """
        frames, runs_of = list(self._pilot_tables), self.read("run_spans")
        if name:
            mine = frames[0][(frames[0]["pilot_id"] == name) | (frames[0]["playbook_id"] == name)]
            if mine.empty:
                known = ", ".join(frames[0]["pilot_id"]) or "none yet"
                raise ParameterError(f"there is no pilot {name!r} in {self.team}; there are: {known}")
            frames = [mine, *(frame[frame["pilot_id"].isin(mine["pilot_id"])] for frame in frames[1:])]
            runs_of = runs_of[runs_of["playbook_id"].isin(mine["playbook_id"].fillna(mine["pilot_id"]))]
        said = pilots.findings(frames[0], frames[1], frames[2], self.load("pilot_evidence"))
        if not name:
            return said + self.agent_findings
        return said + runs.findings(runs_of, self.read("approvals"), self.load("runs"))

    @cached_property
    def agent_figures(self) -> pd.DataFrame:
        """What the run logs say of each agent over all its weeks (the frame of `runs.figures`)."""
        return runs.figures(self.read("run_spans"), self.read("approvals"), self.load("runs"), by="all")

    @cached_property
    def agent_findings(self) -> list[str]:
        """What the run logs say of each agent, in sentences."""
        return runs.findings(self.read("run_spans"), self.read("approvals"), self.load("runs"))

    @cached_property
    def role_shifts(self) -> pd.DataFrame:
        """Each role's hours by target level and the change proposed (ROLE_SHIFTS)."""
        return roles.shifts(self.tasks, self.placements, self.load("roles"), self.read("role_proposals"))

    @cached_property
    def schedule(self) -> pd.DataFrame:
        """The ninety days with calendar dates and what is done (plan.SCHEDULE_COLUMNS)."""
        return plan.schedule(
            self.load("plan"), self.start, progress=self.read("progress"), today=self.today, teams=self.teams
        )

    @cached_property
    def pods(self) -> pd.DataFrame:
        """Each pod the work forms, seat by seat (the frame of `pods.propose`)."""
        return pods.propose(self.tasks, self.placements, self.read("pod_seats"), self.load("pods"), self.shortlist)

    @cached_property
    def risks(self) -> pd.DataFrame:
        """Each risk of the register with the team's rating (the frame of `governance.risks`)."""
        return governance.risks(self.load("risks"), self.read("risk_status"), self.ids)

    @cached_property
    def outlines(self) -> pd.DataFrame:
        """What each agent playbook must say (the frame of `governance.playbook_outlines`)."""
        registered, outline = self.read("agent_playbooks"), self.load("playbooks")
        return governance.playbook_outlines(self.shortlist, self.tasks, self.placements, registered, outline)

    @cached_property
    def levels_by_team(self) -> pd.DataFrame:
        """Each team's hours a month by target level: team, name, hours_level_1 to hours_level_5, hours_unknown."""
        hours = [name for name in self.role_shifts.columns if name.startswith("hours_")]
        return self.named(self.role_shifts.groupby("team", as_index=False)[hours].sum())

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Every room's measures of this desk's teams (MEASURES); an empty value is not measurable yet."""
        ids, rules, registered = self.ids, self.load("pods"), self.read("agent_playbooks")
        proposals, faults = (
            self.read("role_proposals"),
            pods.separation_faults(self.read("pod_seats"), registered, rules),
        )
        found = [
            tables.MEASURES.empty(),
            workflows.measures(self.tasks, self.placements, self.shortlist),
            spectrum.measures(self.placements),
            consensus.measures(self.ratings, self.tasks, ids),
            pilots.measures(*self._pilot_tables, self.load("pilot_evidence"), teams=ids),
            runs.measures(self.read("run_spans"), self.read("approvals"), self.load("runs"), teams=ids),
            roles.measures(self.role_shifts, self.load("roles"), proposals, teams=ids),
            pods.measures(self.pods, faults, rules, teams=ids),
            governance.measures(
                self.risks,
                registered,
                self.shortlist,
                self.read("pilots"),
                ids,
                reviews=self.read("reviews"),
                today=self.today,
            ),
            assessments.measures(self.read("answers"), self.load("maturity"), teams=ids),
            kpis.measures(self.load("kpis"), self.read("readings"), self.tasks, self.placements, teams=ids),
            budget.measures(self.read("budget_lines"), self.load("budget"), teams=ids),
            plan.measures(self.schedule),
        ]
        return tables.check(tables.MEASURES, pd.concat([frame.astype(object) for frame in found], ignore_index=True))

    @property
    def _pilot_tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self.read("pilots"), self.read("pilot_items"), self.read("breakages")

    @cached_property
    def gates(self) -> pd.DataFrame:
        """The gates of all phases (GATE_RESULTS)."""
        phases = [phase.number for phase in self.load("plan").phases]
        return pd.concat([self.gate(phase) for phase in phases], ignore_index=True)

    def job_descriptions(self) -> show.Piece:
        """A job description for each proposed role, as text for people to discuss and change."""
        proposed = self.role_shifts[self.role_shifts["new_role"].notna() & (self.role_shifts["team"] == self.team)]
        facts = {
            f"{row.role} to {row.new_role}": roles.job_description(
                self.load("roles"), self.role_shifts, self.team, str(row.role)
            )
            for row in proposed.itertuples()
        }
        return self._documents("roles/job_description.md", facts, "No role change is proposed yet.")

    def charters(self) -> show.Piece:
        """A charter for each pod in which somebody already sits."""
        seated = self.pods[self.pods["role"].notna() & (self.pods["team"] == self.team)]
        facts = {
            str(pod): pods.charter(self.pods, self.load("pods"), self.team, str(pod)) for pod in seated["pod"].unique()
        }
        return self._documents("pods/charter.md", facts, "Not yet: no pod has a filled seat.")

    def agent_documents(self) -> show.Piece:
        """An agent playbook for each workflow that is outlined, to be completed by the people who answer for it."""
        outlined = self.outlines[self.outlines["team"] == self.team]
        facts = {
            str(flow): governance.playbook_document(outlined, self.team, str(flow))
            for flow in outlined["workflow"].unique()
        }
        return self._documents("governance/agent_playbook.md", facts, "Not yet: no workflow is outlined.")

    def review_documents(self, review: pd.DataFrame, audits: pd.DataFrame) -> show.Piece:
        """The weekly review to print and fill in, and an audit sheet for each agent playbook.

        `review` is the frame of `governance.weekly_review`, `audits` that of `governance.audit_plan`.
        """
        agenda = {"team": self.name, "items": review[review["team"] == self.team].to_dict(orient="records")}
        sheets = {
            f"Audit sheet: {row.workflow}": governance.audit_sheet(audits, self.team, str(row.playbook_id))
            for row in audits[audits["team"] == self.team].itertuples()
        }
        filled = {"Weekly agent review": self._filled("governance/weekly_review.md", agenda)} | {
            title: self._filled("governance/audit_sheet.md", facts) for title, facts in sheets.items()
        }
        return documents.folded(filled, "")

    def _filled(self, template: str, facts: dict[str, Any]) -> str:
        return documents.fill(template, facts, self.workspace.folder)

    def _documents(self, template: str, facts: dict[str, dict[str, Any]], empty: str) -> show.Piece:
        return documents.folded({title: self._filled(template, each) for title, each in facts.items()}, empty)

    def gate(self, phase: int) -> pd.DataFrame:
        """The gate that closes a phase, condition by condition (GATE_RESULTS)."""
        return plan.gate(self.load("plan"), phase, self.measures, teams=self.ids)
