"""A chain of agents: what one made and kept is what the next works from, and its labels come along.

Nothing but artifacts goes from agent to agent, so that no instruction can pass as a message: the next agent reads a
stored file by its name, its run carries the file's labels from then on, and the guard of that agent decides by them.
This module holds the chain, the tool that reads what was handed over, and the small agent that ends the sample chain:
it plans a test of a checked draft's titles.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from playbook.agents import playbook as playbooks
from playbook.agents import registry
from playbook.agents.approvals import folder_of
from playbook.agents.records import Cells, WorkspaceRecords
from playbook.agents.registry import Agent
from playbook.agents.runtime import Escalate, Job, RunResult, Step, run
from playbook.agents.tools import PRIVATE, UNTRUSTED, Arguments, Bench, Output, Tool
from playbook.errors import ContentError, ParameterError
from playbook.tables import Authored, Sourced

if TYPE_CHECKING:
    from playbook.agents.playbook import Policy
    from playbook.agents.records import Records
    from playbook.agents.registry import Work
    from playbook.io.workspace import Workspace

LONGEST_HANDED = 200_000  # characters: more than that is a table, and tables are read from the workspace
PLAYBOOK = r"^[a-z0-9][a-z0-9-]{0,49}$"


class Takes(Authored):
    """What an agent works from: the newest artifact of this name that agents made under that playbook."""

    playbook: str = Field(pattern=PLAYBOOK)
    artifact: str = Field(min_length=1, max_length=120)
    good_for_days: int = Field(default=7, ge=1, le=366, description="days after which it is too old to work from")


class Chain(Sourced):
    """Playbooks that run one after the other, each when the one before has ended well."""

    chain: str = Field(pattern=PLAYBOOK)
    purpose: str = Field(min_length=3, max_length=300)
    playbooks: list[str] = Field(min_length=2, max_length=10)


@dataclass(frozen=True)
class ChainResult:
    """How a chain ended: the runs so far by playbook, the playbook it stopped at (empty: none), and why in words."""

    runs: dict[str, RunResult]
    stopped_at: str
    outcome: str


class ReadHanded(Arguments):
    """Which playbook's artifact to read, and how old it may be."""

    playbook: str
    artifact: str
    good_for_days: int = Field(ge=1, le=366)


def read_handed(bench: Bench, asked: ReadHanded) -> Output:
    """The newest artifact of that name as text, with its id, its labels and its checks; the run carries its labels.

    Raises ParameterError when there is none, when it is too old or too long, or when its file was changed since.
    """
    made = [
        row
        for row in bench.desk.records.rows("artifacts")
        if (row["playbook_id"], row["name"]) == (asked.playbook, asked.artifact)
    ]
    if not made:
        raise ParameterError(f"{asked.playbook} has kept no artifact called {asked.artifact!r} yet; run it first")
    row = max(made, key=lambda one: int(one["version"]))
    # Artifacts are stamped in UTC, and a run may be for an earlier day: nothing is handed over from tomorrow.
    made_on = min(row["made"].date(), bench.today)
    days = (bench.today - made_on).days
    if days > asked.good_for_days:
        raise ParameterError(
            f"the newest {asked.artifact!r} of {asked.playbook} is {days} days old; wanted at most {asked.good_for_days}: "
            "run that playbook again"
        )
    try:
        text = bench.artifact(row["artifact_id"]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParameterError(
            f"artifact {row['artifact_id']} ({asked.artifact}) is no text; wanted text or JSON"
        ) from error
    if len(text) > LONGEST_HANDED:
        raise ParameterError(
            f"artifact {row['artifact_id']} holds {len(text):,} characters; wanted at most {LONGEST_HANDED:,}"
        )
    return Output(
        {
            "artifact_id": row["artifact_id"],
            "name": row["name"],
            "playbook_id": row["playbook_id"],
            "text": text,
            "labels": sorted(label.strip() for label in (row["labels"] or "").split(",") if label.strip()),
            "checks": json.loads(row["checks"] or "[]"),
            "made": f"{made_on:%Y-%m-%d}",
        }
    )


HANDED_OVER = Tool("read_handed_over", "read", ReadHanded, read_handed)


def run_chain(  # noqa: PLR0913 - the last three are for tests and simulations
    workspace: Workspace,
    chain: Chain,
    *,
    team: str,
    today: dt.date,
    again: bool = False,
    policies: Mapping[str, Policy] | None = None,
    agents: Mapping[str, Agent] | None = None,
    records: Records | None = None,
) -> ChainResult:
    """Run a chain for a team and day as far as it goes; call it again after a person has decided, and it goes on.

    A playbook that ended well on this day is not run again (unless `again`); the first that waits, hands back, stops or
    fails is where the chain stops, and nothing after it runs. `policies`, `agents` and `records` replace the
    engagement's `playbooks/<id>/policy.yaml`, the kit's agents and the workspace's tables. Raises ContentError for a
    policy that does not fit, or when labels of one agent meet a way out of another where no person looks.
    """
    folder = Path(folder_of(workspace))
    known = dict(policies or {}) or {
        name: playbooks.load_policy(folder / "playbooks" / name) for name in chain.playbooks
    }
    serving = {
        name: (agents or {}).get(known[name].agent) or registry.find(known[name].agent) for name in chain.playbooks
    }
    if faults := chain_faults([(known[name], serving[name]) for name in chain.playbooks]):
        raise ContentError(f"chain {chain.chain}", faults)
    kept = records or WorkspaceRecords(workspace, team)
    runs: dict[str, RunResult] = {}
    for name in chain.playbooks:
        before = None if again else _ended_well(kept, known[name], today)
        runs[name] = before or run(
            workspace, known[name], team=team, today=today, resume=not again, agent=serving[name], records=records
        )
        if runs[name].status != "ok":
            return ChainResult(runs, name, f"{name} is {_said(runs[name])}; nothing after it was run.")
    return ChainResult(runs, "", f"All {len(runs)} playbooks of {chain.chain} ended well.")


def chain_faults(links: Sequence[tuple[Policy, Agent]]) -> list[str]:
    """The rule of three over a whole chain: private data, text from outside and a way out, wherever each of them is.

    A chain hands labels on, so an agent with a way out at level 4 or 5 is refused when the agents up to it read both.
    """
    faults: list[str] = []
    labels: set[str] = set()
    for policy, agent in links:
        used = [tool for use in policy.tools if (tool := agent.tool(use.tool))]
        labels |= {label for tool in used for label in tool.labels}
        out = [tool.name for tool in used if tool.kind == "effect" and tool.outward]
        if policy.level >= 4 and out and {PRIVATE, UNTRUSTED} <= labels:
            faults.append(
                f"{policy.playbook}: level {policy.level} has a way out ({', '.join(out)}) after agents before it have read "
                "private data and text from outside; set it to level 3, where a person passes every effect"
            )
    return faults


def _ended_well(records: Records, policy: Policy, today: dt.date) -> RunResult | None:
    """The day's newest run under this version of the playbook when it ended ok; None when there is none."""
    first = f"{policy.playbook}-{today}-"
    heads = [row for row in records.rows("agent_steps") if row["step"] == "run" and row["run_id"].startswith(first)]
    heads = [row for row in heads if row["playbook_id"] == policy.playbook]
    newest = max(heads, key=lambda row: int(row["run_id"].rpartition("-")[2]), default=None)
    if newest is None or newest["status"] != "done" or newest["playbook_hash"] != policy.hash:
        return None
    ended: Cells = json.loads(newest["result"] or "{}")
    if ended.get("status") != "ok":
        return None
    made = [row["artifact_id"] for row in records.rows("artifacts") if row["run_id"] == newest["run_id"]]
    return RunResult(newest["run_id"], "ok", str(ended.get("outcome", "")), (), tuple(made))


def _said(result: RunResult) -> str:
    words = {"waiting": "waiting for a person", "escalated": "handed back to people", "error": "broken off"}
    return f"{words.get(result.status, result.status)}: {result.outcome.rstrip('.')}"


class TitleTest(Authored):
    """What the planning of a title test needs to know; see `testing.planning.Design` for the numbers."""

    takes: Takes
    test: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")
    baseline: float = Field(gt=0, lt=1, description="share of recipients who click today, 0 to 1")
    worth: float = Field(default=0.1, gt=0, description="smallest relative difference worth acting on; 0.1 a tenth")
    power: float = Field(default=0.8, ge=0.5, lt=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    audience: int | None = Field(default=None, ge=0, description="people on the list")
    daily: int | None = Field(default=None, ge=1, description="sends a day")
    outbox: str = "outbox"


class PlanTitles(Arguments):
    """The titles to test and the design of the test."""

    test: str
    titles: list[str] = Field(min_length=1)
    design: dict[str, Any]


class HandOver(Arguments):
    """A planned test to put into the outbox as a CSV of variants."""

    to: str
    test: str
    titles: list[str] = Field(min_length=2)
    sends_each: int = Field(ge=1)


def plan_titles(bench: Bench, asked: PlanTitles) -> Output:
    """Keep the plan of a title test as an artifact; returns its id, the sends of each title and whether the list is enough."""
    from playbook.agents.drafting.text import escaped  # noqa: PLC0415 - drafting reads with this module's tool
    from playbook.agents.testing.pages import plan_page  # noqa: PLC0415 - scipy
    from playbook.agents.testing.planning import Design, plan  # noqa: PLC0415

    made = plan(Design(**asked.design, arms=len(asked.titles), judged="any time"))
    page = plan_page(asked.test, made) + "\n## Titles\n\n"
    page += "".join(f"{number}. {escaped(title)}\n" for number, title in enumerate(asked.titles, start=1))
    page += "\nThe titles were written by a language model and have passed the checks of the drafting agent.\n"
    kept = bench.keep(f"plan {asked.test}", ".md", page.encode(), [{"check": "the draft had passed", "passed": True}])
    return Output({"artifact": kept, "each": made.each, "total": made.total, "enough": made.enough})


def hand_over_test(bench: Bench, asked: HandOver) -> Output:
    """Write the variants of a test into the outbox; the same test to the same place again changes nothing.

    Raises ParameterError when another test lies there already.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["test", "variant", "title", "sends"])
    # a title that a spreadsheet would take for a formula is kept as text by the apostrophe
    shown = ["'" + title if title[:1] in "=+-@\t\r" else title for title in asked.titles]
    writer.writerows([asked.test, f"v{number}", title, asked.sends_each] for number, title in enumerate(shown, start=1))
    path, data = bench.path_in(asked.to), text.getvalue().encode()
    if path.is_file() and path.read_bytes() != data:
        raise ParameterError(f"{asked.to} is there already with another test; move it away or choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_bytes(data)
    half.replace(path)
    return Output({"to": asked.to})


def _plan_titles(job: Job) -> Work:
    settings: TitleTest = job.settings
    handed = yield Step("read what was handed over", "read_handed_over", settings.takes.model_dump())
    titles = _titles(handed)
    design = settings.model_dump(include={"baseline", "worth", "power", "alpha", "audience", "daily"})
    made = yield Step("plan the test", "plan_titles", {"test": settings.test, "titles": titles, "design": design})
    if len(titles) < 2:
        return f"One title is no test; the plan (artifact {made['artifact']}) says what two would take."
    if made["enough"] is False:
        raise Escalate(f"The list is too small for this test; see the plan (artifact {made['artifact']}).")
    to = f"{settings.outbox}/{settings.test}-{job.run_id}.csv"
    arguments = {"to": to, "test": settings.test, "titles": titles, "sends_each": made["each"]}
    yield Step("hand the test over", "hand_over_test", arguments, artifact_id=made["artifact"])
    return f"A test of {len(titles)} titles with {made['total']:,} sends in all was handed over to {to}."


def _titles(handed: dict[str, Any]) -> list[str]:
    """The titles of a draft that passed every check; Escalate otherwise."""
    checks = handed["checks"]
    if not checks or not all(one.get("passed") for one in checks):
        raise Escalate(f"The draft {handed['artifact_id']} has not passed its checks; no test is planned from it.")
    try:
        titles = [str(line["text"]) for line in json.loads(handed["text"])["draft"]["titles"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Escalate(
            f"The artifact {handed['artifact_id']} holds no draft with titles; no test is planned."
        ) from error
    return list(dict.fromkeys(titles))


AGENT = Agent(
    "title-test",
    TitleTest,
    (
        HANDED_OVER,
        Tool("plan_titles", "draft", PlanTitles, plan_titles),
        Tool("hand_over_test", "effect", HandOver, hand_over_test, idempotent=True),
    ),
    _plan_titles,
)
