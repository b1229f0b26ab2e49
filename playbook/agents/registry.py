"""Finds the kit's agents: every module or package beside this one that has `AGENT`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import playbook.agents as home
from playbook.errors import ParameterError

if TYPE_CHECKING:
    from playbook.agents.runtime import Job, Step
    from playbook.agents.tools import Tool
    from playbook.tables import Authored

Work = Generator["Step", Any, str]


@dataclass(frozen=True)
class Agent:
    """An agent of the kit.

    `work(job)` yields steps and is sent each tool's value back, from the ledger when the run is resumed, so it must be
    deterministic given settings, today and those values; it returns the outcome in one sentence. Raising
    `runtime.Escalate` hands the work back to people. `settings` checks the policy's settings.
    """

    name: str
    settings: type[Authored]
    tools: tuple[Tool, ...]
    work: Callable[[Job], Work]

    def tool(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        return next((tool for tool in self.tools if tool.name == name), None)


def find(name: str) -> Agent:
    """The agent of that name; ParameterError lists those there are."""
    modules = sorted((module.name for module in pkgutil.iter_modules(home.__path__)), key=lambda found: found != name)
    known = []
    for module in modules:
        agent = getattr(importlib.import_module(f"{home.__name__}.{module}"), "AGENT", None)
        if isinstance(agent, Agent):
            if agent.name == name:
                return agent
            known.append(agent.name)
    raise ParameterError(f"there is no agent {name!r}; there are: {', '.join(sorted(known)) or 'none'}")


def every() -> dict[str, Agent]:
    """Every agent of the kit by name."""
    modules = (
        importlib.import_module(f"{home.__name__}.{found.name}") for found in pkgutil.iter_modules(home.__path__)
    )
    agents = (getattr(module, "AGENT", None) for module in modules)
    return {agent.name: agent for agent in agents if isinstance(agent, Agent)}
