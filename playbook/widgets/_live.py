"""Notices what others change in the workspace while a widget is on a screen.

A widget must see another notebook's change within a second, must not keep the kernel from its cells, and must not
be kept alive by being watched.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import weakref
from typing import TYPE_CHECKING

from playbook.errors import PlaybookError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from playbook.io.workspace import Workspace

EVERY_SECONDS = 0.4


class Watch:
    """Calls `on_change()` soon after the named tables of a team were changed by anybody, this kernel included.

    `tables` are names of stored tables, `team` a team's id or None for all teams. Asks for the tables' fingerprint every
    `every` seconds: one small query a table, in a worker thread, while `on_change` runs in the kernel's own thread
    between two cells. Holds `on_change` weakly where it is a method, so a widget that is let go stops being watched.
    `on_trouble(error)` hears of a workspace that does not answer, once when that begins and, with None, once when it
    ends. Where no event loop runs (a script, a batch) nothing is asked until `look` is called.
    """

    def __init__(  # noqa: PLR0913 - each names one fact of what is watched
        self,
        workspace: Workspace,
        tables: Iterable[str],
        team: str | None,
        on_change: Callable[[], None],
        *,
        on_trouble: Callable[[PlaybookError | None], None] | None = None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._tables = tuple(tables)
        self._team = team
        self._on_change = _weakly(on_change)
        self._on_trouble = _weakly(on_trouble) if on_trouble else None
        self._every = every
        self._task: asyncio.Task[None] | None = None
        self._troubled = False
        self._forgot = 0
        # taken before the widget reads its tables, so that no change falls between the two
        first = self._answer()
        self._seen = first if isinstance(first, str) else None
        self.start()

    @property
    def running(self) -> bool:
        """Whether the workspace is being asked."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin to ask, or go on after `stop`; does nothing where no event loop runs."""
        if self.running:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._task = loop.create_task(_ask(weakref.ref(self), self._every))

    def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop it ran in is closed already
                self._task.cancel()
            self._task = None

    def look(self) -> bool:
        """Ask once, now; whether something had changed since the last time."""
        return self._compare(self._answer())

    def forget(self) -> None:
        """Call `on_change` at the next look whatever has changed; for a widget that has just written itself.

        Without it a widget's own change, taken back by somebody else before the next look, would go unnoticed.
        """
        self._seen = None
        self._forgot += 1

    def _answer(self) -> str | PlaybookError:
        try:
            return self._workspace.fingerprint(self._tables, self._team)
        except PlaybookError as error:
            return error

    def _compare(self, now: str | PlaybookError) -> bool:
        if isinstance(now, PlaybookError):
            if not self._troubled:
                self._trouble(now)
            return False
        if self._troubled:
            self._trouble(None)
        before, self._seen = self._seen, now
        moved = before != now
        call = self._on_change()
        if moved and call is not None:
            call()
        return moved

    def _trouble(self, error: PlaybookError | None) -> None:
        self._troubled = error is not None
        call = self._on_trouble() if self._on_trouble else None
        if call is not None:
            call(error)

    def alive(self) -> bool:
        """Whether whoever is to be told is still there."""
        return self._on_change() is not None


async def _ask(watched: weakref.ref[Watch], every: float) -> None:
    """Ask again and again until the watch, or the widget it tells, is gone."""
    while True:
        watch = watched()
        if watch is None or not watch.alive():
            return
        forgot = watch._forgot  # noqa: SLF001 - the loop is the watch's own
        now = await asyncio.to_thread(watch._answer)  # noqa: SLF001
        # an answer from before the widget's own change says nothing about it
        if watch._forgot == forgot:  # noqa: SLF001
            watch._compare(now)  # noqa: SLF001
        del watch
        await asyncio.sleep(every)


def _weakly(call: Callable[..., None]) -> Callable[[], Callable[..., None] | None]:
    return weakref.WeakMethod(call) if inspect.ismethod(call) else lambda: call
