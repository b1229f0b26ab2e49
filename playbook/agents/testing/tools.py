"""The testing agent's tools: three read, two draft, two act; each effect is one small file, written once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from playbook.agents.testing import pages, register
from playbook.agents.testing.counts import of_json, read_counts, to_json
from playbook.agents.testing.planning import Design, plan
from playbook.agents.testing.verdict import VerdictRule, judge
from playbook.agents.tools import UNTRUSTED, Arguments, Bench, Output, Tool
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

TestId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
Folder = Annotated[str, Field(min_length=1, max_length=300)]


class ReadRegister(Arguments):
    """The folder of the inputs, the register in it, and the folder where stops are noted."""

    folder: Folder
    file: Folder
    stops: Folder


class ReadTest(Arguments):
    """One test's export."""

    folder: Folder
    test: TestId


class PlanTest(Arguments):
    """A test that has not begun; see `planning.Design`."""

    test: TestId
    baseline: float = Field(gt=0, lt=1)
    worth: float = Field(gt=0)
    arms: int = Field(ge=2, le=100)
    power: float = Field(ge=0.5, lt=1)
    alpha: float = Field(gt=0, lt=0.5)
    judged: Literal["any time", "planned end"]
    audience: int | None = Field(default=None, ge=0)
    daily: int | None = Field(default=None, ge=1)


class ReportVerdict(Arguments):
    """A test's counts as `read_results` gave them, what it was planned for, and the rule it is judged by."""

    test: TestId
    results: dict[str, Any]
    planned: int = Field(ge=0)
    rule: VerdictRule
    subjects: dict[Name, str] = Field(default_factory=dict)


class Share(Arguments):
    """What one variant gets of a batch."""

    variant: Name
    sends: int = Field(ge=0)


class Allocate(Arguments):
    """The next batch of a test: its number, the sends of each variant and in all, and where the file goes."""

    test: TestId
    batch: int = Field(ge=1)
    folder: Folder
    sends: int = Field(ge=0)
    split: list[Share] = Field(min_length=1)
    why: str = Field(max_length=2000)


class StopTest(Arguments):
    """The end of a test: its verdict, the variant it names, why, on which day, after how many sends."""

    test: TestId
    folder: Folder
    verdict: Literal["winner", "no clear winner", "stopped: guardrail", "stopped: sample ratio mismatch"]
    variant: Name | None
    why: str = Field(max_length=4000)
    day: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    sends: int = Field(ge=0)


def read_register(bench: Bench, arguments: ReadRegister) -> Output:
    """Every test of the register, with `begun` (there is an export) and `stopped` (it has ended)."""
    rows = register.read_register(bench.read_file(f"{arguments.folder}/{arguments.file}"), arguments.file)
    for row in rows:
        row["begun"] = bench.path_in(f"{arguments.folder}/{row['test']}.csv").is_file()
        row["stopped"] = bench.path_in(f"{arguments.stops}/{row['test']}.json").is_file()
    return Output(rows)


def read_results(bench: Bench, arguments: ReadTest) -> Output:
    """A test's counts. Numbers and variant ids of a fixed form alone: no text from outside gets into the run here."""
    file = f"{arguments.test}.csv"
    return Output(to_json(read_counts(bench.read_file(f"{arguments.folder}/{file}"), file)))


def read_subjects(bench: Bench, arguments: ReadTest) -> Output:
    """The subject lines of a test's variants: text from outside."""
    file = f"{arguments.test}.csv"
    return Output(register.read_subjects(bench.read_file(f"{arguments.folder}/{file}"), file))


def plan_test(bench: Bench, arguments: PlanTest) -> Output:
    """Draft the plan of a test; returns the artifact and the sends in all."""
    made = plan(Design(**arguments.model_dump(exclude={"test"})))
    page = pages.plan_page(arguments.test, made)
    artifact = bench.keep(f"plan {arguments.test}", ".md", page.encode())
    return Output({"artifact": artifact, "sends": made.total, "enough": made.enough})


def report_verdict(bench: Bench, arguments: ReportVerdict) -> Output:
    """Draft the verdict on one page, with its table as CSV; returns both artifacts and the word."""
    results = of_json(arguments.results)
    verdict = judge(results, arguments.planned, arguments.rule)
    page = pages.verdict_page(arguments.test, results, verdict, arguments.rule, arguments.subjects)
    checks = [
        {"check": "split as planned", "passed": not verdict.ratio.mismatch},
        {"check": "no guardrail exceeded", "passed": not any(reading.exceeded for reading in verdict.guards)},
    ]
    name = f"verdict {arguments.test}" + (" with subject lines" if arguments.subjects else "")
    table = pages.verdict_table(results, verdict).to_csv(index=False, lineterminator="\n")
    return Output(
        {
            "artifact": bench.keep(name, ".md", page.encode(), checks),
            "table": bench.keep(f"{name} table", ".csv", table.encode()),
            "verdict": verdict.word,
        }
    )


def allocate(bench: Bench, arguments: Allocate) -> Output:
    """Write the split of a test's next batch, where the sending tool picks it up."""
    if sum(share.sends for share in arguments.split) != arguments.sends:
        raise ParameterError(f"the split of {arguments.test} does not add up to {arguments.sends} sends")
    lines = ["variant,sends", *(f"{share.variant},{share.sends}" for share in arguments.split)]
    path = bench.path_in(f"{arguments.folder}/{arguments.test}-batch-{arguments.batch}.csv")
    return Output({"file": _write_once(path, "\n".join(lines).encode() + b"\n", bench)})


def stop_test(bench: Bench, arguments: StopTest) -> Output:
    """Note that a test has ended; while the file is there no batch of it is split any more."""
    note = arguments.model_dump(exclude={"folder"})
    data = json.dumps(note, indent=1, ensure_ascii=False).encode() + b"\n"
    path = bench.path_in(f"{arguments.folder}/{arguments.test}.json")
    return Output({"file": _write_once(path, data, bench)})


def _write_once(path: Path, data: bytes, bench: Bench) -> str:
    """Write a file that nobody has written otherwise; the same bytes again are the same effect."""
    said = path.relative_to(bench.folder.resolve()).as_posix()
    if path.is_file():
        if path.read_bytes() == data:
            return said
        raise ParameterError(
            f"{said} is there already and says something else; if it has not been acted on, remove it and run again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.half")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    return said


TOOLS = (
    Tool("read_register", "read", ReadRegister, read_register),
    Tool("read_results", "read", ReadTest, read_results),
    Tool("read_subjects", "read", ReadTest, read_subjects, labels=frozenset({UNTRUSTED})),
    Tool("plan_test", "draft", PlanTest, plan_test),
    Tool("report_verdict", "draft", ReportVerdict, report_verdict),
    Tool("allocate", "effect", Allocate, allocate, idempotent=True),
    Tool("stop_test", "effect", StopTest, stop_test, idempotent=True, brake=True),
)
