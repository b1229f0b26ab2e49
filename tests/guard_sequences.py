"""Random sequences of runs, reviews, switches, crashes and changes of playbooks, against an oracle that keeps its own books.

The oracle looks at every effect at the moment it happens and knows nothing of the guard: who approved what, which run has
read what, what was spent on the day, what is switched off.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from stand_ins import Bay, policy

from playbook.agents.approvals import Reviews
from playbook.agents.ledger import is_unfinished, settle
from playbook.agents.log import Log, MemoryLines
from playbook.agents.records import MemoryRecords, switch
from playbook.agents.runtime import Rejected, Step
from playbook.agents.tools import canonical
from playbook.errors import ParameterError

SIDES = {
    "private-side": ["customers", "open", "make", "publish", "publish_artifact", "send", "delete"],
    "outside-side": ["fetch", "open", "make", "publish", "publish_artifact", "send"],
}
CAPS = {"calls": 5, "seconds": 10**4, "spend_a_run": 50, "spend_a_day": 80, "currency": "USD"}
PAY = {"tool": "pay", "limits": {"amount": {"max": 40}, "to": {"one_of": ["agency", "printer"]}}}
TRIGGERS = [{"when": "failed_runs > 3 runs", "reason": "something is broken"}]
OUTWARD = {"send", "pay", "publish_artifact"}
OPERATOR = "Analyst"
COUNTS = {"sequences": 0, "actions": 0, "runs": 0, "crashes": 0, "effects": 0, "approved": 0, "refused reviews": 0}


def folder() -> Path:
    """One folder for all sequences of a process, in memory where the system has such a place."""
    return _folder_of(os.getpid())


@cache
def _folder_of(_process: int) -> Path:
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="guard-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


class Crash(BaseException):
    """Stands for kill -9."""


class Fatal(MemoryRecords):
    """Records, and lines of a log, that may crash before, inside and after a change."""

    left = 0

    def passed(self):
        self.left -= 1
        if self.left == 0:
            raise Crash

    @contextmanager
    def change(self, note):
        self.passed()
        with super().change(note) as change:
            yield change
            self.passed()
        self.passed()


class FatalLines(MemoryLines):
    records: Fatal

    def add(self, line):
        if self.records.left == 1:
            super().add(line[:-7])  # torn
        self.records.passed()
        super().add(line)
        self.records.passed()


class Oracle:
    """What happened, as the world saw it."""

    def __init__(self, machine):
        self.m = machine
        self.labels, self.artifacts = {}, {}  # of runs, of artifacts
        self.grants, self.paid_keys = [], set()
        self.begun, self.spent = set(), []

    def before(self, tool, bench, arguments):
        m, rules = self.m, self.m.rules[bench.playbook_id]
        arguments = {name: value for name, value in arguments.items() if name != "content"}
        mine = self.labels.setdefault(bench.run_id, set())
        if tool == "publish_artifact":
            mine |= self.artifacts[arguments["artifact_id"]]
        assert not m.off & {"*", bench.playbook_id}, "an effect while the agent was switched off"
        assert rules.allowed(tool), "an effect that is not on the allow-list"
        self._money(tool, bench, arguments)
        again = (bench.key, tool) in self.begun
        idempotent = tool.startswith("publish")
        bad = m.plans[bench.run_id]["metrics"][m.at] != 0
        needs = rules.level == 3 or "untrusted" in mine or bad or (tool in OUTWARD and "private" in mine)
        needs |= again and not idempotent
        if needs and not (again and idempotent and bench.key in self.paid_keys):
            self._use_a_grant(rules, tool, bench, arguments)
            self.paid_keys.add(bench.key)
        self.begun.add((bench.key, tool))
        COUNTS["effects"] += 1
        m.records.passed()

    def _money(self, tool, bench, arguments):
        if tool == "pay":
            assert arguments["amount"] <= 40, "a payment outside its limits"
            assert arguments["to"] in ("agency", "printer"), "a payment to somebody else"
            self.spent.append((bench.playbook_id, bench.run_id, self.m.bay.clock.at.date(), arguments["amount"]))
        today = [
            amount
            for book, _, day, amount in self.spent
            if (book, day) == (bench.playbook_id, self.m.bay.clock.at.date())
        ]
        run = [amount for _, run, _, amount in self.spent if run == bench.run_id]
        assert max(sum(today) / 80, sum(run) / 50) <= 1, "more was spent than the caps allow"

    def _use_a_grant(self, rules, tool, bench, arguments):
        wanted = (rules.hash, tool, canonical(arguments), bench.run_id)
        for grant in self.grants:
            if grant["for"] == wanted and not grant["used"] and self.m.bay.clock.at < grant["until"]:
                grant["used"] = True
                COUNTS["approved"] += 1
                return
        raise AssertionError(f"nobody approved {tool} {arguments}")

    def after(self, tool, bench, made):
        mine = self.labels.setdefault(bench.run_id, set())
        mine |= {"fetch": {"untrusted"}, "customers": {"private"}}.get(tool, set())
        if tool == "make":
            self.artifacts[made] = set(mine)
        self.m.records.passed()


WORDS = [
    "read",
    "open",
    "make",
    "publish",
    "publish_artifact",
    "send",
    "pay",
    "pay",
    "send",
    "delete",
    "publish",
    "publish",
    "make",
    "open",
    "fetch",
    "no such tool",
]


def planned(seed):
    """A plan of steps; drawn from one number, since plans drawn piece by piece come out mostly empty."""
    dice = random.Random(seed)
    return [
        (dice.choice(WORDS), dice.randrange(10), dice.choice([0, 0, 0, 0, 0, 0, 5, None]))
        for _ in range(dice.randint(1, 6))
    ]


PLAN = st.integers(0, 2**40).map(planned)
CRASH = st.one_of(st.just(0), st.just(0), st.integers(1, 45))


class Sequences(RuleBasedStateMachine):
    """One team with two agents, one that reads private data and one that reads the outside."""

    def __init__(self):
        super().__init__()
        self.records = Fatal()
        self.bay = Bay(folder(), records=self.records)
        self.oracle = Oracle(self)
        self.bay.world.before, self.bay.world.after = self.oracle.before, self.oracle.after
        self.rules, self.plans, self.lines, self.off = {}, {}, {}, set()
        self.at = 0
        COUNTS["sequences"] += 1

    @initialize(levels=st.tuples(st.sampled_from([3, 4, 5]), st.sampled_from([3, 4, 5])))
    def begin(self, levels):
        for side, level in zip(SIDES, levels, strict=True):
            self.lines[side] = FatalLines()
            self.lines[side].records = self.records
            self._rules(side, level)

    def _rules(self, side, level):
        use = [*SIDES[side], PAY]
        hours = {"good_for_hours": 30}
        self.rules[side] = policy(playbook=side, level=level, use=use, caps=CAPS, triggers=TRIGGERS, approvals=hours)
        self._fresh_log(side)

    def _fresh_log(self, side):
        self.bay.logs[side] = Log(self.records, side, self.lines[side], self.bay.clock)

    def _work(self, drawn):
        def work(job):
            known = sorted(self.oracle.artifacts) or ["none"]
            planned = {
                "steps": [
                    self._step(job.policy.playbook, number, tool, pick, metric, known)
                    for number, (tool, pick, metric) in enumerate(drawn)
                ],
                "metrics": [metric for _, _, metric in drawn],
            }
            for number, step in enumerate(self.plans.setdefault(job.run_id, planned)["steps"]):
                self.at = number
                try:
                    yield step
                    if step.tool == "open":
                        self.oracle.labels.setdefault(job.run_id, set()).update(
                            self.oracle.artifacts[step.arguments["artifact_id"]]
                        )
                except Rejected:
                    continue
            return "All done."

        return work

    def _step(self, side, number, tool, pick, metric, known):
        tool = {"read": SIDES[side][0], "delete": "delete" if pick == 0 else "send"}.get(tool, tool)
        tool = "make" if known == ["none"] and tool in ("open", "publish_artifact") else tool
        which = known[pick % len(known)]
        arguments = {
            "customers": {},
            "fetch": {},
            "make": {"name": f"thing {pick}", "text": f"{number} {pick}"},
            "open": {"artifact_id": which},
            "publish_artifact": {"artifact_id": which},
            "delete": {"text": f"row {pick}"},
            "pay": {
                "to": "attacker" if pick == 7 else "agency",
                "amount": [10, 25, 40, 41, -5, 30, 5, 8, 20, 35][pick],
            },
        }.get(tool, {"to": f"page {pick}", "text": which})
        return Step(f"{number} {tool}", tool, arguments, {"failed_runs": metric})

    @rule(side=st.sampled_from(list(SIDES)), drawn=PLAN, resume=st.booleans(), crash=CRASH)
    def run_agent(self, side, drawn, resume, crash):
        self._act()
        COUNTS["runs"] += 1
        self.records.left = crash
        try:
            end = self.bay.run(self.rules[side], self._work(drawn), resume=resume)
            assert end.status in ("ok", "waiting", "escalated", "stopped", "error")
            assert bool(end.waiting) <= (end.status in ("waiting", "escalated"))
        except Crash:
            COUNTS["crashes"] += 1
            self._fresh_log(side)
        self.records.left = 0

    @rule(
        side=st.sampled_from(list(SIDES)),
        pick=st.integers(0, 2**30),
        answer=st.sampled_from(["approved", "approved", "approved", "edited", "rejected"]),
        role=st.sampled_from(["Editor", "Editor", "Head of marketing", OPERATOR, "ANALYST"]),
        crash=CRASH,
    )
    def review_and_run_again(self, side, pick, answer, role, crash):
        self._act()
        self._review(side, pick, answer, role)
        self.run_agent(side=side, drawn=planned(pick), resume=True, crash=crash)

    def _review(self, side, pick, answer, role):
        rules = self.rules[side]
        desk = Reviews(self.records, rules, self.bay.agent(lambda job: None), self.bay.log(side), self.bay.clock)
        rows = self.records.rows("approvals") if pick % 8 == 3 else desk.waiting()
        if not rows:
            return
        row = rows[-1 - pick % len(rows)]
        arguments = None
        if answer == "edited":
            arguments = (
                {"to": "printer", "amount": 12.0} if row["tool"] == "pay" else {"to": "page 9", "text": "edited"}
            )
        try:
            decided = desk.decide(row["approval_id"], answer, role, "because", arguments)
        except ParameterError:
            COUNTS["refused reviews"] += 1
            return
        assert role not in (OPERATOR, "ANALYST"), "the operator decided on their own agent"
        if answer != "rejected":
            wanted = (rules.hash, row["tool"], decided["arguments"], row["run_id"])
            self.oracle.grants.append({"for": wanted, "used": False, "until": row["expires"]})

    @rule(side=st.sampled_from(list(SIDES)))
    def see_what_happened(self, side):
        self._act()
        for row in self.records.rows("agent_steps"):
            if row["playbook_id"] == side and is_unfinished(row):
                done = {(row["key"], row["tool"])}
                happened = done <= self.oracle.begun
                known = {"happened": happened, "by_role": "Editor"}
                settle(self.records, self.bay.log(side), self.rules[side], row["run_id"], row["step"], **known)

    @rule(which=st.sampled_from([*SIDES, "*"]), stopped=st.sampled_from([True, False, False, False]))
    def turn_the_switch(self, which, stopped):
        self._act()
        switch(self.records, which, stopped=stopped, reason="a look", by_role="Editor", now=self.bay.clock())
        (self.off.add if stopped else self.off.discard)(which)

    @rule(hours=st.sampled_from([1, 13, 31]))
    def time_passes(self, hours):
        self._act()
        self.bay.clock.forward(hours=hours)

    @rule(side=st.sampled_from(list(SIDES)), level=st.sampled_from([3, 4, 5]))
    def change_the_playbook(self, side, level):
        self._act()
        self._rules(side, level)

    def _act(self):
        COUNTS["actions"] += 1

    @invariant()
    def the_logs_hold(self):
        assert not any(Log(self.records, side, lines).verify().faults for side, lines in self.lines.items())

    @invariant()
    def every_artifact_carries_what_went_into_it(self):
        for row in self.records.rows("artifacts"):
            assert self.oracle.artifacts.get(row["artifact_id"], set()) <= set((row["labels"] or "").split(", "))

    @invariant()
    def no_approval_is_used_twice_or_by_its_operator(self):
        rows = self.records.rows("approvals")
        assert not any(row["reviewer_role"] in (OPERATOR, "ANALYST") for row in rows)
        used = sum(row["status"] == "used" for row in rows)
        assert sum(grant["used"] for grant in self.oracle.grants) <= used <= len(self.oracle.grants)
