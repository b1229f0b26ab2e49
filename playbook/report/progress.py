"""How far a batch is: a bar with rate and time left on a terminal, a line a notebook in a log."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playbook.report.execute import Outcome


@contextmanager
def shown(stream: TextIO) -> Iterator[Callable[[Outcome, int, int], None]]:
    """A callback for `batch.run` that tells `stream` how far it is."""
    if stream.isatty():
        with _bar(stream) as tell:
            yield tell
    else:
        yield _lines(stream)


def _lines(stream: TextIO) -> Callable[[Outcome, int, int], None]:
    begun, skipped = time.monotonic(), 0

    def tell(outcome: Outcome, done: int, total: int) -> None:
        nonlocal skipped
        skipped += outcome.status == "unchanged"
        left = _left(time.monotonic() - begun, done - skipped, total - done)
        print(f"{done}/{total}  {outcome.seconds:5.1f} s  {outcome.sentence}{left}", file=stream, flush=True)

    return tell


def _left(seconds: float, ran: int, waiting: int) -> str:
    if not ran or not waiting:
        return ""
    return f"  ({60 * ran / seconds:.0f} a minute, about {waiting * seconds / ran:.0f} s left)"


@contextmanager
def _bar(stream: TextIO) -> Iterator[Callable[[Outcome, int, int], None]]:
    from rich import progress as parts  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.text import Text  # noqa: PLC0415

    class Rate(parts.ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(f"{60 * task.speed:.0f} a minute" if task.speed else "")

    console = Console(file=stream)
    said = parts.TextColumn("{task.description}", markup=False)
    columns = (parts.BarColumn(), parts.MofNCompleteColumn(), Rate(), parts.TimeRemainingColumn(), said)
    with parts.Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("starting", total=None)

        def tell(outcome: Outcome, done: int, total: int) -> None:
            if outcome.status == "failed":
                progress.console.print(outcome.sentence, style="red", markup=False, highlight=False)
            progress.update(bar, completed=done, total=total, description=outcome.job.title)

        yield tell
