"""What a forked child does: become a kernel's process, serve one notebook, end as a kernel's process ends."""

# mypy: allow-untyped-calls, disable-error-code="import-untyped"
from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import gc
import importlib.util
import itertools
import logging
import os
import resource
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ipykernel_launcher
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop

from playbook.report.engine import template
from playbook.report.engine.wire import QUIT, READ, Frame, Message, Unpacker

if TYPE_CHECKING:
    import socket

    from playbook.report.engine.template import Template

DIE_WITH_PARENT = 1
"""`PR_SET_PDEATHSIG`: the signal the machine's kernel sends when the parent is gone."""

CHOSEN_BY_SHELL = ("tqdm.auto", "tqdm.autonotebook")
"""Modules that choose a front end when first imported; the driver's choice is not a kernel's."""


def live(warm: Template, sock: socket.socket, bell: int, driver: int, memory: int | None) -> None:
    """Serve one notebook on the socket and end the process; never returns.

    `bell` is the descriptor that wakes the driver, `driver` the process to end with, `memory` the bytes the notebook may allocate (None: no limit).
    """
    code = 1
    try:
        _end_with(driver)
        _own_process(sorted((sock.fileno(), bell)))
        _clean_interpreter(warm)
        _kernel_streams(warm, sock, bell)
        if memory is not None:
            _limit(memory)
        asyncio.run(_serve(warm, sock))
        _leave()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # the last frame of this process; the driver reports a dead kernel
        logging.getLogger("playbook.engine").exception("the kernel's process failed")
    finally:
        os._exit(code)


def _end_with(driver: int) -> None:
    """Lead an own session, so that a signal to the driver's group stays there, and die when the driver does."""
    os.setsid()
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != driver:
        os._exit(1)


def _own_process(kept: list[int]) -> None:
    """Only the standard streams and these descriptors stay open; signals behave as in a process just started."""
    for below, above in itertools.pairwise([2, *kept, os.sysconf("SC_OPEN_MAX")]):
        os.closerange(below + 1, above)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    if nothing:
        os.close(nothing)
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _clean_interpreter(warm: Template) -> None:
    """Nothing of the driver is seen: its hooks, log handlers, loops, module, path and random numbers."""
    gc.freeze()
    atexit._clear()  # noqa: SLF001 - inherited hooks belong to the driver
    weakref.finalize._registry.clear()  # type: ignore[attr-defined]  # noqa: SLF001
    cast("dict[Any, Any]", getattr(sys.modules.get("multiprocessing.util"), "_finalizer_registry", {})).clear()
    for name in CHOSEN_BY_SHELL:
        sys.modules.pop(name, None)
    _unconfigured_logging(warm)
    asyncio.set_event_loop_policy(None)
    if importlib.util.find_spec("debugpy"):
        sys.breakpointhook = _no_breakpoint
    sys.modules["__main__"] = warm.main
    sys.path[:] = warm.path
    sys.argv = [ipykernel_launcher.__file__, *template.ARGUMENTS]
    # The last is set by ipykernel's debugger, which is not loaded.
    os.environ.update(warm.environment | {"JPY_PARENT_PID": str(os.getppid()), "PYDEVD_USE_FRAME_EVAL": "NO"})
    os.environ.pop("PYTHONEXECUTABLE", None)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # the old global generator is what a fork would repeat
    template.singletons(warm.app, present=True)


def _no_breakpoint(*_: Any, **__: Any) -> None:
    """What the debugger's hook does in a kernel that no debugger is connected to."""


def _unconfigured_logging(warm: Template) -> None:
    """Log as in a new process: what the driver configured (papermill's command line does) is not the notebook's."""
    own = {id(handler) for handler in warm.app.log.handlers}
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            logger.handlers = [item for item in logger.handlers if id(item) in own or _silent(item)]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger("papermill").setLevel(logging.NOTSET)
    logging.disable(logging.NOTSET)


def _silent(handler: logging.Handler) -> bool:
    """Libraries give themselves a handler that says nothing; that is no configuration."""
    return isinstance(handler, logging.NullHandler)


def _kernel_streams(warm: Template, sock: socket.socket, bell: int) -> None:
    """Output streams as ipykernel makes them, file descriptors captured too, on this child's socket."""
    app, kernel = warm.app, warm.app.kernel
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.__stdin__ = sys.stdin  # type: ignore[misc]  # it is the process's standard input
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    app.pipe.sock, app.pipe.bell = sock, bell
    app.session.session = os.urandom(16).hex()
    app.session.pid = os.getpid()
    IPKernelApp.init_crash_handler(app)
    app.configure_tornado_logger()
    IPKernelApp.init_io(app)
    kernel._stdout, kernel._stderr = sys.stdout, sys.stderr  # noqa: SLF001 - set by its constructor
    app.displayhook.get_execution_count = lambda: kernel.execution_count
    atexit.register(logging.shutdown)
    atexit.register(kernel.shell.atexit_operations)


def _limit(memory: int) -> None:
    """Allow `memory` bytes beyond what the fork holds; more is a MemoryError in the notebook."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    held = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + memory
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


async def _serve(warm: Template, sock: socket.socket) -> None:
    """Hand requests to the kernel as they come, until the driver says so or is gone."""
    kernel, loop = warm.app.kernel, asyncio.get_running_loop()
    kernel.io_loop = warm.app.io_loop = IOLoop.current()
    kernel._main_asyncio_lock, kernel._control_lock = asyncio.Lock(), asyncio.Lock()  # noqa: SLF001
    inbox: asyncio.Queue[Message | None] = asyncio.Queue()
    loop.add_reader(sock.fileno(), _reader(sock.fileno(), inbox))
    kernel._publish_status("starting", "shell")  # noqa: SLF001 - the last step of its start()
    running = set()
    while (message := await inbox.get()) and message.kind != QUIT:
        task = asyncio.ensure_future(kernel.answer([Frame(frame) for frame in message.frames]))
        running.add(task)
        task.add_done_callback(running.discard)
    loop.remove_reader(sock.fileno())


def _reader(descriptor: int, inbox: asyncio.Queue[Message | None]) -> Callable[[], None]:
    """Read what is there; an empty read means the driver is gone."""
    unpacker = Unpacker()

    def read() -> None:
        try:
            data = os.read(descriptor, READ)
        except ConnectionResetError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)
            inbox.put_nowait(None)
        for message in unpacker.feed(data):
            inbox.put_nowait(message)

    return read


def _leave() -> None:
    """The end of a Python process: wait for threads, run the notebook's exit hooks, flush."""
    with contextlib.suppress(KeyboardInterrupt):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
