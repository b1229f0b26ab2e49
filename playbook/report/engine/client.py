"""Papermill's notebook client on a warm kernel: its bookkeeping and nbclient's, without asyncio.

Outputs, display ids, widgets, errors and timing are handled by the parents' own code; what is new is how a request is
sent and its replies awaited. `execute_cell` and `_reply` follow nbclient's `async_execute_cell` and
`_async_poll_for_reply`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbclient.util import run_hook, run_sync
from papermill.clientwrap import PapermillNotebookClient

from playbook.report.engine import outputs
from playbook.report.engine.kernel_process import WarmProcess
from playbook.report.engine.wire import IOPUB, SHELL

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

AFTER_INTERRUPT = 2.0
"""Seconds an interrupted cell has to show its traceback."""


class WarmClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill carries no types
    """Executes a notebook cell by cell in one warm child; `memory` as in `WarmProcess`."""

    kc: WarmProcess | None

    def __init__(self, manager: Any, memory: int | None = None, **options: Any) -> None:
        super().__init__(manager, **options)
        self.memory = memory

    def execute(self, **_: Any) -> Any:
        """Execute every cell; the kernel's process is gone when this returns or raises."""
        self.reset_execution_trackers()
        with WarmProcess(self.memory) as kernel:
            self.kc = kernel
            try:
                self._notebook(kernel)
            finally:
                self.kc = None
        _hook(self.on_notebook_complete, notebook=self.nb)
        return self.nb

    def execute_cell(
        self, cell: Any, cell_index: int, execution_count: int | None = None, *, store_history: bool = True
    ) -> Any:
        """Execute one cell and take in its outputs. Raises CellExecutionError, CellTimeoutError, DeadKernelError."""
        _hook(self.on_cell_start, cell=cell, cell_index=cell_index)
        if not self._executes(cell):
            return cell
        if self.record_timing:
            cell["metadata"]["execution"] = {}
        _hook(self.on_cell_execute, cell=cell, cell_index=cell_index)
        request = self._request(cell, store_history=store_history)
        _hook(self.on_cell_complete, cell=cell, cell_index=cell_index)
        self.code_cells_executed += 1
        cell.outputs = []
        self.clear_before_next_output = False
        reply = self._reply(request, cell, cell_index)
        if execution_count:
            cell["execution_count"] = execution_count
        _hook(self.on_cell_executed, cell=cell, cell_index=cell_index, execute_reply=reply)
        if reply["content"]["status"] == "error":
            run_sync(self._check_raise_for_error)(cell, cell_index, reply)
        self.nb["cells"][cell_index] = cell
        return cell

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Take in one output, as nbclient does; the usual ones at less cost."""
        special = (
            display_id or self.clear_before_next_output or self.output_hook_stack[msg["parent_header"].get("msg_id")]
        )
        made = None if special else outputs.usual(msg)
        if made is None:
            return super().output(outs, msg, display_id, cell_index)
        outs.append(made)
        return made

    def _notebook(self, kernel: WarmProcess) -> None:
        _hook(self.on_notebook_start, notebook=self.nb)
        self.log.info("Executing notebook with kernel: %s", self.kernel_name)
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = self._language(kernel)
        self.set_widgets_metadata()

    def _language(self, kernel: WarmProcess) -> Any:
        message = kernel.session.msg("kernel_info_request")
        kernel.send(message)
        while True:
            kind, answer = _certain(kernel.receive())
            if kind == SHELL and _answers(answer, message["header"]["msg_id"]):
                return answer["content"]["language_info"]

    def _executes(self, cell: Any) -> bool:
        if cell.cell_type != "code" or not cell.source.strip():
            return False
        return self.skip_cells_with_tag not in cell.metadata.get("tags", [])

    def _request(self, cell: Any, *, store_history: bool) -> str:
        """Ask the kernel to execute a cell; returns the id its answers carry."""
        kernel = _certain(self.kc)
        tags = cell.metadata.get("tags", [])
        allowed = not self.force_raise_errors and (self.allow_errors or "raises-exception" in tags)
        content = {
            "code": cell.source,
            "silent": False,
            "store_history": store_history,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": not allowed,
        }
        message = kernel.session.msg("execute_request", content)
        kernel.send(message)
        return str(message["header"]["msg_id"])

    def _reply(self, request: str, cell: Any, cell_index: int) -> Any:
        """Take in outputs until the kernel has replied and is idle; the reply."""
        kernel = _certain(self.kc)
        seconds = self._get_timeout(cell)
        deadline = None if seconds is None else time.monotonic() + seconds
        reply, idle = None, False
        while reply is None or not idle:
            try:
                received = kernel.receive(deadline)
            except DeadKernelError:
                self.log.error("Kernel died while waiting for execute reply.")  # noqa: TRY400 - papermill's words
                raise
            if received is None:
                if reply is not None:
                    self._no_output_in_time(cell)
                    break
                reply = self._out_of_time(seconds, request, cell, cell_index)
                deadline = time.monotonic() + (self.iopub_timeout if reply else _certain(seconds))
                continue
            kind, message = received
            if not _answers(message, request):
                continue
            if kind == IOPUB:
                idle = self._shown(message, cell, cell_index)
            elif message["msg_type"] == "execute_reply":
                reply, deadline = message, time.monotonic() + self.iopub_timeout
                if self.record_timing:
                    cell["metadata"]["execution"]["shell.execute_reply"] = timestamp(message)
        return reply

    def _shown(self, message: Any, cell: Any, cell_index: int) -> bool:
        """Take in one output; True for the message that says the cell is finished."""
        try:
            self.process_message(message, cell, cell_index)
        except CellExecutionComplete:
            return True
        return False

    def _out_of_time(self, seconds: Any, request: str, cell: Any, cell_index: int) -> Any:
        """What nbclient does then: raise, or interrupt and go on, with a reply of the caller's or without."""
        self.log.error("Timeout waiting for execute reply (%is).", seconds)
        if not self.interrupt_on_timeout:
            self._interrupted(request, cell, cell_index)
            raise CellTimeoutError.error_from_timeout_and_cell("Cell execution timed out", seconds, cell)
        self.log.error("Interrupting kernel")
        _certain(self.kc).interrupt()
        return {"content": {**self.error_on_timeout, "status": "error"}} if self.error_on_timeout else None

    def _interrupted(self, request: str, cell: Any, cell_index: int) -> None:
        """End the cell as nbclient's shutdown does, and keep the traceback that says where it was."""
        kernel = _certain(self.kc)
        kernel.interrupt()
        until = time.monotonic() + AFTER_INTERRUPT
        try:
            while received := kernel.receive(until):
                kind, message = received
                if kind == IOPUB and _answers(message, request) and self._shown(message, cell, cell_index):
                    break
        except DeadKernelError:
            self.log.warning("Kernel died when interrupted.")

    def _no_output_in_time(self, cell: Any) -> None:
        if self.raise_on_iopub_timeout:
            text = "Timeout waiting for IOPub output"
            raise CellTimeoutError.error_from_timeout_and_cell(text, self.iopub_timeout, cell)
        self.log.warning("Timeout waiting for IOPub output")


def _hook(function: Callable[..., Any] | None, **arguments: Any) -> None:
    """Call one of nbclient's hooks; starting an event loop for none costs more than a cell."""
    if function is not None:
        run_sync(run_hook)(function, **arguments)


def _answers(message: Any, request: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == request)


def _certain(value: _T | None) -> _T:
    assert value is not None
    return value
