"""How long a notebook may run and how much memory it may take; what is said when it does not keep to that."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from playbook.errors import ParameterError
from playbook.report.engine import NAME

SECONDS = 600.0
"""What a notebook may take when nobody says otherwise: the kit's own take about one second, so this only ends loops."""

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What each notebook of a batch may use; both are no part of what its result depends on.

    `seconds` is the time of one run of the whole notebook (None: for ever), `memory` the megabytes it may allocate beyond
    what a fresh kernel holds (None: what the machine has). Raises ParameterError for a limit that lets nothing run.
    """

    seconds: float | None = SECONDS
    memory: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("seconds", self.seconds), ("memory", self.memory)):
            if value is not None and not 0 < value < float("inf"):
                raise ParameterError(f"--{name}: found {value}; wanted a number above 0, or none for no limit")

    @property
    def bytes(self) -> int | None:
        """`memory` in bytes."""
        return None if self.memory is None else self.memory * MEGABYTE

    def out_of_time(self) -> str:
        """What is said of a notebook that ran too long."""
        return (
            f"TimeLimit: not finished after {self.seconds:g} seconds, the limit of each notebook; "
            "end the loop or the wait in it, or give it more time with --seconds"
        )

    def out_of_memory(self, said: str) -> str:
        """What is said of a notebook that wanted too much memory; `said` is the error it got."""
        return (
            f"MemoryLimit: more than {self.memory} MB wanted, the limit of each notebook ({said}); "
            "let it hold less at once, or give it more with --memory"
        )


def check(limits: Limits, engine: str | None) -> None:
    """Refuse a limit that nobody would keep. Raises ParameterError before anything runs."""
    if limits.memory is None:
        return
    if engine not in (None, NAME):
        raise ParameterError(
            f"--memory: papermill's engine {engine} limits no notebook's memory; leave out --memory or --engine"
        )
    if sys.platform != "linux":
        raise ParameterError(
            f"--memory: a notebook's memory is limited on Linux only, and this is {sys.platform}; leave it out"
        )
