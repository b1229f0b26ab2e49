"""An agent playbook: `policy.yaml`, which the runtime obeys, and `SKILL.md`, which people read; they say the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError, model_validator

from playbook.agents import registry, triggers
from playbook.agents.tools import PRIVATE, UNTRUSTED, Tool, digest
from playbook.errors import ContentError, ParameterError
from playbook.io import content
from playbook.tables import Authored, Sourced, plain_name

if TYPE_CHECKING:
    from os import PathLike

    from playbook.agents.registry import Agent
    from playbook.agents.tools import Arguments

POLICY_FILE = "policy.yaml"
SKILL_FILE = "SKILL.md"
SKILL_TEMPLATE = "templates/pilots/SKILL.md"
TRIGGERS_TITLE = "## When it hands back"

Text = Field(min_length=1, max_length=1000)
Role = Field(min_length=1, max_length=120)


class Limit(Authored):
    """What one argument may be: at most `max`, at least `min`, one of `one_of`, a path inside the folder `under`."""

    max: float | None = None
    min: float | None = None
    one_of: list[str | int | float] | None = None
    under: str | None = None

    def broken(self, value: Any) -> str:
        """What is wrong with a value, in words; empty when nothing is. Each item of a list is looked at."""
        if isinstance(value, list):
            return next((said for item in value if (said := self.broken(item))), "")
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if self.max is not None and not number <= self.max:
            return f"is {value!r}; at most {self.max:g} is allowed"
        if self.min is not None and not number >= self.min:
            return f"is {value!r}; at least {self.min:g} is allowed"
        if self.one_of is not None and value not in self.one_of:
            return f"is {value!r}; allowed: {', '.join(map(str, self.one_of))}"
        if self.under is not None and not _is_under(value, self.under):
            return f"is {value!r}; wanted a place inside {self.under}"
        return ""


class ToolUse(Authored):
    """A tool the agent may use, with limits on its arguments."""

    tool: str
    limits: dict[str, Limit] = Field(default_factory=dict)


class Trigger(Authored):
    """When the agent hands back to people, and why."""

    when: str = Text
    reason: str = Text


class Caps(Authored):
    """What no approval raises: tool calls and seconds of work a run, and money a run and a UTC day over all runs."""

    calls: int = Field(ge=1, le=100_000)
    seconds: float = Field(gt=0, le=86_400)
    spend_a_run: float = Field(ge=0, le=10**9)
    spend_a_day: float = Field(ge=0, le=10**9)
    currency: str = Field(pattern="^[A-Z]{3}$")


class Waiting(Authored):
    """How long an approval is good for, in hours from the question."""

    good_for_hours: float = Field(gt=0, le=24 * 366)


class Policy(Sourced):
    """What an agent may do: the level, the tools, the triggers, the caps and who answers for it.

    Level 3: people pass every effect. Level 4: it acts inside its bounds and queues exceptions. Level 5: it acts alone
    inside its bounds and hands exceptions to its owner. Levels 1 and 2 are people's work and run no agent.
    """

    playbook: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")
    agent: str
    workflow: str = Field(min_length=1, max_length=120)
    level: Literal[3, 4, 5]
    owner_role: str = Role
    deputy_role: str = Role
    operator_role: str = Role
    auditor_role: str = Role
    tools: list[ToolUse] = Field(min_length=1)
    triggers: list[Trigger]
    caps: Caps
    approvals: Waiting
    rollback: str = Text
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keeps_duties_apart(self) -> Policy:
        if plain_name(self.operator_role) == plain_name(self.auditor_role):
            raise ValueError(f"{self.auditor_role} both operates and audits; no role audits its own agent")
        named = [use.tool for use in self.tools]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"tools listed twice: {', '.join(twice)}")
        return self

    @cached_property
    def hash(self) -> str:
        """The version of the playbook: a hash of everything the policy says."""
        return digest(self.model_dump(mode="json"))

    def allowed(self, tool: str) -> ToolUse | None:
        """How a tool may be used; None when it may not."""
        return next((use for use in self.tools if use.tool == tool), None)

    def is_operator(self, role: str) -> bool:
        """Whether a role operates this agent, however it is spelt."""
        return plain_name(role) == plain_name(self.operator_role)


def load_policy(
    place: str | PathLike[str],
    *,
    overrides: str | PathLike[str] | None = None,
    agents: Mapping[str, Agent] | None = None,
) -> Policy:
    """Read a playbook (its folder, or its `policy.yaml`) and check it against its agent, its metrics and its SKILL.md.

    `overrides` is the engagement folder whose own metric catalogue counts; for a playbook in `playbooks/<id>/` of an
    engagement it need not be said. `agents` replaces the kit's. Raises ContentError naming everything to correct.
    """
    path = Path(place)
    path = path / POLICY_FILE if path.is_dir() else path
    if not path.is_file():
        raise ContentError(str(path), ["no such file; an agent playbook is a folder with policy.yaml and SKILL.md"])
    policy = content.read(path, Policy)
    home = path.resolve().parent
    if overrides is None and home.parent.name == "playbooks":
        overrides = home.parent.parent
    agent = (agents or {}).get(policy.agent) or _known_agent(path, policy.agent)
    faults = faults_of(policy, agent, units(overrides))
    skill = home / SKILL_FILE
    if skill.is_file() and triggers_section(skill.read_text(encoding="utf-8")) != _triggers_text(policy):
        faults.append(
            f"{SKILL_FILE} and {POLICY_FILE} differ on the triggers; write the document again from the policy"
        )
    if faults:
        raise ContentError(str(path), faults)
    return policy


def units(overrides: str | PathLike[str] | None = None) -> dict[str, str]:
    """The unit of every metric a trigger may compare, from the catalogue `playbooks`."""
    return {metric.metric: metric.unit for metric in content.load("playbooks", overrides).metrics}


def conditions(policy: Policy, known: Mapping[str, str]) -> list[tuple[triggers.Condition, str]]:
    """The policy's triggers, read, each with its reason. Raises ValueError for one that cannot be read."""
    return [(triggers.parse(trigger.when, known), trigger.reason) for trigger in policy.triggers]


def faults_of(policy: Policy, agent: Agent, known: Mapping[str, str]) -> list[str]:
    """Everything in a policy that its agent, the catalogue of metrics or the rule of three forbids."""
    faults = []
    for use in policy.tools:
        tool = agent.tool(use.tool)
        if tool is None:
            there = ", ".join(tool.name for tool in agent.tools)
            faults.append(f"tools: {use.tool} is not a tool of the agent {agent.name}; there are {there}")
            continue
        strange = sorted(set(use.limits) - set(tool.arguments.model_fields))
        faults += [f"tools: {use.tool} has no argument {name} to limit" for name in strange]
    for trigger in policy.triggers:
        try:
            triggers.parse(trigger.when, known)
        except ValueError as error:
            faults.append(f"triggers: {error}")
    try:
        agent.settings.model_validate(policy.settings)
    except ValidationError as error:
        faults += [f"settings: {_place(dict(item))}" for item in error.errors(include_url=False)]
    return faults + _joined(policy, agent)


def _joined(policy: Policy, agent: Agent) -> list[str]:
    """The rule of three: private data, text from outside and a way out never meet where no person looks."""
    used = [tool for use in policy.tools if (tool := agent.tool(use.tool))]
    private, untrusted = ([tool.name for tool in used if label in tool.labels] for label in (PRIVATE, UNTRUSTED))
    outward = [tool.name for tool in used if tool.kind == "effect" and tool.outward]
    if policy.level < 4 or not (private and untrusted and outward):
        return []
    said = (
        f"tools: level {policy.level} joins private data ({', '.join(private)}), text from outside "
        f"({', '.join(untrusted)}) and a way out ({', '.join(outward)}): a text could send the data away; take one of "
        "them out, or set level 3, where a person passes every effect"
    )
    return [said]


def check_arguments(policy: Policy, tool: Tool, arguments: Any) -> Arguments:
    """The arguments as the tool's model, inside the policy's limits. Raises ParameterError naming every fault."""
    use = policy.allowed(tool.name)
    if use is None:
        raise ParameterError(f"{tool.name} is not on the allow-list of {policy.playbook}")
    try:
        checked = tool.arguments.model_validate(arguments)
    except ValidationError as error:
        said = "; ".join(_place(dict(item)) for item in error.errors(include_url=False))
        raise ParameterError(f"{tool.name}: {said}") from error
    cells = checked.model_dump(mode="json")
    broken = [f"{name} {said}" for name, limit in use.limits.items() if (said := limit.broken(cells[name]))]
    if broken:
        raise ParameterError(f"{tool.name}: {'; '.join(broken)}")
    return checked


def write_skill(folder: str | PathLike[str], policy: Policy, *, overrides: str | PathLike[str] | None = None) -> Path:
    """Write `SKILL.md` beside the policy, or bring its triggers up to date and leave what people wrote in it.

    Returns its path.
    """
    path = Path(folder) / SKILL_FILE
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        before = triggers_section(text)
        if before is None:
            text = f"{text.rstrip()}\n\n{_triggers_text(policy)}\n"
        else:
            text = text.replace(before, _triggers_text(policy), 1)
    else:
        text = _from_template(policy, overrides)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def triggers_section(text: str) -> str | None:
    """The section of a SKILL.md that says when the agent hands back, with its title; None when it has none."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip() == TRIGGERS_TITLE]
    if not starts:
        return None
    rest = lines[starts[0] + 1 :]
    length = next((number for number, line in enumerate(rest) if line.startswith("#")), len(rest))
    return "\n".join([lines[starts[0]], *rest[:length]]).strip()


def _triggers_text(policy: Policy) -> str:
    lines = [f"- `{' '.join(trigger.when.split())}`: {' '.join(trigger.reason.split())}" for trigger in policy.triggers]
    return "\n".join(
        [TRIGGERS_TITLE, "", *lines, "- A metric named here that is missing or is no number hands back too."]
    )


def _from_template(policy: Policy, overrides: str | PathLike[str] | None) -> str:
    import jinja2  # noqa: PLC0415 - paid for only where a document is written

    source = content.find(SKILL_TEMPLATE, overrides).read_text(encoding="utf-8")
    surroundings = jinja2.Environment(  # noqa: S701 - the result is Markdown that people edit, no page
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return surroundings.from_string(source).render(policy=policy, triggers=_triggers_text(policy))


def _known_agent(path: Path, name: str) -> Agent:
    try:
        return registry.find(name)
    except ParameterError as error:
        raise ContentError(str(path), [f"agent: {error}"]) from error


def _is_under(value: Any, folder: str) -> bool:
    path = PurePosixPath(str(value).replace("\\", "/"))
    plain = isinstance(value, str) and bool(value.strip()) and not path.is_absolute() and ".." not in path.parts
    return plain and path.is_relative_to(PurePosixPath(folder))


def _place(item: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"]) or "the whole"
    return f"{where}: {item['msg']}; found {str(item['input'])[:120]!r}"
