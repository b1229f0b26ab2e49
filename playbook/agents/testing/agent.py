"""The testing agent's work: read every running test, judge it, report, then stop it or split its next batch."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playbook.agents.registry import Agent
from playbook.agents.runtime import Job, Rejected, Step
from playbook.agents.testing.allocation import split
from playbook.agents.testing.counts import Results, of_json
from playbook.agents.testing.evidence import as_percent
from playbook.agents.testing.guardrails import unwatched
from playbook.agents.testing.planning import Design, plan
from playbook.agents.testing.settings import Settings
from playbook.agents.testing.tools import TOOLS
from playbook.agents.testing.verdict import Verdict, judge
from playbook.tables import count

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from playbook.agents.registry import Work

Row = dict[str, Any]


@dataclass(frozen=True)
class _Running:
    """A test that runs: its line of the register, its counts, what it was planned for, its verdict, its report."""

    row: Row
    counts: Row
    results: Results
    planned: int
    verdict: Verdict
    artifact: str

    @property
    def test(self) -> str:
        return str(self.row["test"])


def work(job: Job) -> Work:
    """Read the register, plan what has not begun, judge and report what runs, then act: stops first, then splits.

    Subject lines are read last, after every effect: a run that carries text from outside should act no more.
    """
    settings: Settings = job.settings
    inputs = settings.inputs or f"inputs/{job.policy.playbook}"
    arguments = {"folder": inputs, "file": settings.register_file, "stops": settings.stops}
    rows: list[Row] = yield Step("read the register", "read_register", arguments)
    waiting = [row for row in rows if not row["begun"] and not row["stopped"]]
    for row in waiting:
        yield Step(f"plan {row['test']}", "plan_test", _planned_arguments(row, settings))
    running: list[_Running] = []
    for row in rows:
        if row["begun"] and not row["stopped"]:
            running.append((yield from _judged(row, settings, inputs)))  # noqa: PERF401 - a comprehension cannot yield
    ended = [test for test in running if test.verdict.final]
    split_now = [test for test in running if not test.verdict.final and test.row["next_sends"]]
    steps = [_stop(test, settings, job.today) for test in ended] + [
        _split(test, settings, job.today) for test in split_now
    ]
    rejected = []
    for step in steps:
        try:
            yield step
        except Rejected:  # one test's answer is none for the others
            rejected.append(step.name)
    if settings.show_subjects:
        for test in running:
            yield from _with_subjects(test, settings, inputs)
    return _outcome(rows, waiting, running, [step.name for step in steps if step.name not in rejected], rejected)


def metrics(results: Results, verdict: Verdict, settings: Settings, today: dt.date) -> dict[str, float | None]:
    """What the policy's triggers may compare, in the catalogue's units; None where it cannot be measured.

    Rates are those of the worst variant over the test so far; `…_at_least` the lowest rate its counts allow. Age is
    counted from the end of the last day of the export, and not known when it numbers its batches.
    """
    wanted = {rule.counts for rule in settings.verdict.guardrails}
    missing = unwatched(results, settings.verdict.guardrails)
    found: dict[str, float | None] = {
        "sample_ratio_gap": verdict.ratio.gap,
        "missing_inputs": 100 * len(missing) / len(wanted) if wanted else 0.0,
        "input_age": _age(results.batches[-1], today),
    }
    for counts, metric in (("unsubscribes", "unsubscribe_rate"), ("complaints", "complaint_rate")):
        readings = [reading for reading in verdict.guards if reading.counts == counts and reading.rate is not None]
        found[metric] = max((reading.rate or 0.0 for reading in readings), default=None)
        found[f"{metric}_at_least"] = max((reading.at_least or 0.0 for reading in readings), default=None)
    return found


def _planned_arguments(row: Row, settings: Settings) -> dict[str, Any]:
    rule = settings.verdict
    return {
        "test": row["test"],
        "baseline": row["baseline"],
        "worth": rule.worth,
        "arms": row["variants"] or 2,
        "power": settings.power,
        "alpha": rule.alpha,
        "judged": rule.judged,
        "audience": row["audience"],
        "daily": row["daily"],
    }


def _judged(row: Row, settings: Settings, inputs: str) -> Generator[Step, Any, _Running]:
    """Read one test, judge it and draft its report."""
    test = row["test"]
    counts: Row = yield Step(f"read {test}", "read_results", {"folder": inputs, "test": test})
    results = of_json(counts)
    planned = row["planned_sends"] or _planned(row, settings, max(2, len(results.variants)))
    verdict = judge(results, planned, settings.verdict)
    told: Row = yield Step(f"report {test}", "report_verdict", _report(test, counts, planned, settings))
    return _Running(row, counts, results, planned, verdict, told["artifact"])


def _planned(row: Row, settings: Settings, arms: int) -> int:
    arguments = _planned_arguments(row, settings) | {"arms": arms}
    return plan(Design(**{name: value for name, value in arguments.items() if name != "test"})).total


def _report(
    test: str, counts: Row, planned: int, settings: Settings, subjects: Mapping[str, str] | None = None
) -> dict[str, Any]:
    rule = settings.verdict.model_dump(mode="json")
    return {"test": test, "results": counts, "planned": planned, "rule": rule, "subjects": dict(subjects or {})}


def _stop(test: _Running, settings: Settings, today: dt.date) -> Step:
    verdict = test.verdict
    arguments = {
        "test": test.test,
        "folder": settings.stops,
        "verdict": verdict.word,
        "variant": verdict.variant,
        "why": verdict.reason[:4000],
        "day": today.isoformat(),
        "sends": verdict.sends,
    }
    measured = metrics(test.results, verdict, settings, today)
    return Step(f"stop {test.test}", "stop_test", arguments, measured, test.artifact)


def _split(test: _Running, settings: Settings, today: dt.date) -> Step:
    """The next batch, never more than the plan has left."""
    results = test.results
    batch = len(results.batches) + 1
    sends = min(test.row["next_sends"], test.planned - results.total)
    made = split(results, sends, settings.allocation, seed=zlib.crc32(f"{test.test}:{batch}".encode()))
    shares = zip(made.variants, made.sends.tolist(), strict=True)
    arguments = {
        "test": test.test,
        "batch": batch,
        "folder": settings.splits,
        "sends": sends,
        "split": [{"variant": name, "sends": size} for name, size in shares],
        "why": _why(made.exploring, made.remaining, made.leader, settings),
    }
    measured = metrics(results, test.verdict, settings, today)
    return Step(f"split {test.test} batch {batch}", "allocate", arguments, measured, test.artifact)


def _why(exploring: bool, remaining: float, leader: str, settings: Settings) -> str:  # noqa: FBT001
    rule = settings.allocation
    if not rule.follow:
        return "An equal split, as the settings say."
    lost = f"choosing {leader} now would lose less than {as_percent(remaining)} of its clicks in {as_percent(rule.sure)} of draws"
    if exploring:
        return f"In proportion to each variant's chance to be best; {lost}, and exploring goes on down to {as_percent(rule.loss)}."
    return f"Everything to {leader}: {lost}, so there is nothing left to explore for. This is no verdict on {leader}."


def _with_subjects(test: _Running, settings: Settings, inputs: str) -> Generator[Step, Any, None]:
    name = test.test
    subjects: dict[str, str] = yield Step(f"subjects {name}", "read_subjects", {"folder": inputs, "test": name})
    if subjects:
        arguments = _report(name, test.counts, test.planned, settings, subjects)
        yield Step(f"report {name} with subjects", "report_verdict", arguments)


def _age(batch: str, today: dt.date) -> float | None:
    try:
        day = dt.date.fromisoformat(batch)
    except ValueError:
        return None
    return max(0.0, ((today - day).days - 1) * 24.0)


def _outcome(rows: list[Row], waiting: list[Row], running: list[_Running], done: list[str], rejected: list[str]) -> str:
    if not rows:
        return "The register lists no test; nothing was done."
    said = [f"{test.test}: {test.verdict.word}" for test in running]
    parts = [f"{count(len(running), 'test')} read" + (f" ({'; '.join(said)})" if said else "")]
    splits = sum(name.startswith("split ") for name in done)
    parts.append(f"{count(splits, 'batch', 'batches')} split" if splits else "no batch split")
    if rejected:
        parts.append(f"not done, as a person rejected it: {'; '.join(rejected)}")
    if waiting:
        parts.append(f"{count(len(waiting), 'plan')} drafted")
    ended = sum(bool(row["stopped"]) for row in rows)
    if ended:
        parts.append(f"{count(ended, 'test')} had ended before")
    return ", ".join(parts) + "."


AGENT = Agent("testing", Settings, TOOLS, work)
