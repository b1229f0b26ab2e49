"""The warm engine: papermill notebooks at the cost of a fork instead of a kernel start.

A template process holds a real IPython kernel and the kit's libraries, imported once; each notebook runs in a clean
child forked from it and comes out as papermill would have made it. Papermill loads this module on every start, so
nothing heavy is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess
    from os import PathLike

NAME = "playbook"
"""What papermill knows this engine by."""

PLAIN = "nbclient"
"""What papermill knows its own engine by."""


WORKER = "playbook-worker"


class WarmEngine:
    """Papermill's engine `playbook`: `papermill --engine playbook in.ipynb out.ipynb`.

    Not a subclass of papermill's `Engine`: papermill loads engines while it is itself half loaded.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a prepared notebook in a warm child, or by papermill's own engine where that is safer.

        Takes and returns what papermill's engines do. The log says why when papermill's own engine is used.
        """
        from playbook.report.engine import steps  # noqa: PLC0415 - papermill imports every engine on start

        return steps.execute(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel a notebook asks for; `name` wins."""
        from papermill.utils import nb_kernel_name  # noqa: PLC0415

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """The language a notebook is written in; `language` wins."""
        from papermill.utils import nb_language  # noqa: PLC0415

        return str(nb_language(nb, language))


def run(  # noqa: PLR0913 - what, where to, with what, and three limits
    source: str | PathLike[str],
    output: str | PathLike[str],
    parameters: dict[str, Any],
    *,
    cwd: str | None = None,
    engine: str | None = NAME,
    seconds: float | None = None,
    memory: int | None = None,
) -> Any:
    """Execute one notebook file as `papermill.execute_notebook` does, less what papermill does twice.

    `cwd` is the folder the notebook runs in, `engine` a papermill engine (None: `playbook`), `seconds` the time the
    whole notebook may take, `memory` the bytes it may allocate beyond what a fresh kernel holds. Paths are taken as
    they are, never as templates. Returns the executed notebook, which is also stored at `output`, whole, when a cell
    fails. Raises what papermill raises: PapermillExecutionError for a failed cell, nbclient's CellTimeoutError and
    DeadKernelError.
    """
    from playbook.report.engine import steps  # noqa: PLC0415 - see WarmEngine

    return steps.run(source, output, parameters, cwd=cwd, engine=engine or NAME, seconds=seconds, memory=memory)


def process(
    target: Callable[..., object], *arguments: Any, notebooks: Sequence[str | PathLike[str]] = (), name: str = WORKER
) -> BaseProcess:
    """A worker process that can fork warm kernels, calling `target(*arguments)`; not started yet.

    `notebooks` are the files to be run: the template then loads the libraries they import and no more.
    On Linux every such process is forked from one warm, single-threaded template, whatever threads the caller has; the
    template starts with the first of them and ends with the caller. Elsewhere processes start fresh.
    """
    from playbook.report.engine import nursery  # noqa: PLC0415 - see WarmEngine

    made: BaseProcess = nursery.process(target, *arguments, notebooks=notebooks, name=name)
    return made


def begin(notebooks: Sequence[str | PathLike[str]] = ()) -> None:
    """Start the template of `process` without waiting for it: it loads while the caller does something else."""
    from playbook.report.engine import nursery  # noqa: PLC0415 - see WarmEngine

    nursery.begin(notebooks)


__all__ = ["NAME", "PLAIN", "WarmEngine", "begin", "process", "run"]
