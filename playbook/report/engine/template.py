"""The warm kernel: a real IPython kernel built once, without a socket or a thread, so that forking it is safe.

It is ipykernel's own application less its ZeroMQ sockets, heartbeat, threads and signal handlers. In a child its
messages go over a pair of sockets instead (`child`). The methods overridden here are internals of ipykernel: `fitness`
refuses versions for which the equality suite has not been run.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from traitlets import Any as AnyTrait

from playbook.report.engine import preload
from playbook.report.engine.wire import IOPUB, SHELL, Channel, Pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

preload.put_off()
with preload.late_grammar(), preload.without_debugger():
    from ipykernel.displayhook import ZMQDisplayHook
    from ipykernel.iostream import BackgroundSocket, IOPubThread
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    from playbook.report.engine.session import PrivateSession

ARGUMENTS = ("-f", "warm-kernel.json", "--HistoryManager.hist_file=:memory:")
"""The kernel's command line as nbclient writes it; nothing reads the connection file."""


PATIENCE, MOMENT = 200, 0.0005
"""How often, and how many seconds, a cell's end waits for output that is still in a pipe."""


@dataclass(frozen=True)
class Template:
    """What a child is made of: the application with its kernel, its `pipe`, and how a kernel's process looks.

    `main` is the notebook's module, `path` its `sys.path`, `environment` what a kernel adds to the environment,
    `threads` the operating system's threads that libraries started on import.
    """

    app: WarmApp
    main: ModuleType
    path: tuple[str, ...]
    environment: dict[str, str]
    threads: int


_built: list[Template] = []


def built() -> Template | None:
    """The template of this process, if there is one."""
    return _built[0] if _built else None


def build() -> Template:
    """Build the kernel in this process and import the kit's libraries; once, with one thread.

    The process itself is left as it was: its streams, environment, search path, main module and singletons.
    """
    if _built:
        return _built[0]
    with preload.uncollected(), _unchanged_process() as before:
        app = WarmApp.instance()
        sys.path[:] = preload.kernel_path()
        app.initialize(list(ARGUMENTS))
        main = sys.modules["__main__"]
        # Libraries choose defaults by get_ipython(), which is a builtin only while a cell runs.
        shell: Any = app.shell
        with shell.builtin_trap:
            preload.libraries()
        added = {name: value for name, value in os.environ.items() if before.get(name) != value}
        path = tuple(sys.path)
    singletons(app, present=False)
    _built.append(Template(app, main, path, added, native_threads()))
    return _built[0]


def singletons(app: WarmApp, *, present: bool) -> None:
    """Let `get_ipython()` and its like find the warm kernel in a child, and nothing in the process it is built in."""
    for thing in (app, app.kernel, app.shell):
        kind: Any = type(thing)
        for ancestor in kind._walk_mro():  # noqa: SLF001 - what SingletonConfigurable.instance() does
            ancestor._instance = thing if present else None  # noqa: SLF001


def native_threads() -> int:
    """The operating system's threads in this process, Python's and those of compiled libraries."""
    return len(list(Path("/proc/self/task").iterdir()))


@contextlib.contextmanager
def _unchanged_process() -> Iterator[dict[str, str]]:
    """Put back what building a kernel changes in its process; yields the environment before."""
    environment, path = dict(os.environ), list(sys.path)
    streams = sys.stdout, sys.stderr, sys.displayhook, sys.excepthook
    main, interrupt = sys.modules["__main__"], signal.getsignal(signal.SIGINT)
    try:
        yield environment
    finally:
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
        sys.stdout, sys.stderr, sys.displayhook, sys.excepthook = streams
        sys.modules["__main__"] = main
        if signal.getsignal(signal.SIGINT) is not interrupt:
            signal.signal(signal.SIGINT, interrupt)


class Timer:
    """The one thing an output stream asks of its thread's event loop: call me a little later."""

    def call_later(self, delay: float, function: Callable[..., object], *args: object) -> None:
        """Call after `delay` seconds, from a thread that ends with the process."""
        timer = threading.Timer(delay, function, args)
        timer.daemon = True
        timer.start()


class DirectIOPub(IOPubThread):
    """ipykernel's output thread without the thread: what is published is sent at once by whoever publishes."""

    def __init__(self, channel: Channel, session: PrivateSession) -> None:
        self.socket = channel
        self.session = session
        # streams flush through `schedule` when there is a thread that is not theirs
        self.thread: Any = SimpleNamespace(is_alive=lambda: True, ident=None)
        self.io_loop: Any = Timer()
        self.background_socket = BackgroundSocket(self)

    def schedule(self, f: Callable[[], object]) -> None:
        """Call at once; what goes wrong is said and stays here, as it stays in the thread."""
        try:
            f()
        except Exception as error:  # noqa: BLE001 - a half character cannot be sent; the cell must still be answered
            logging.getLogger("tornado.general").error("Output is lost that cannot be sent: %s", error)  # noqa: TRY400

    def send_multipart(self, msg: list[Any], *_: Any, **__: Any) -> None:
        """Send at once."""
        self.socket.send_multipart(msg)

    def stop(self) -> None:
        """There is no thread to stop."""


class WarmKernel(IPythonKernel):
    """ipykernel's kernel, served over one channel, one request at a time."""

    shell_stream = AnyTrait()
    control_stream = AnyTrait()
    debugpy_stream = AnyTrait(None)
    _supports_kernel_subshells = False
    pipe: Pipe
    # ipykernel waits here for a thread that sends; what is published in this process has been sent
    _execute_sleep = 0.0

    async def do_execute(self, *arguments: Any, **options: Any) -> Any:
        """As ipykernel's; what a cell's programs wrote to the descriptors is taken in before the cell is over."""
        reply = await super().do_execute(*arguments, **options)
        streams: tuple[Any, ...] = (sys.stdout, sys.stderr)
        watched = [stream._fid for stream in streams if getattr(stream, "_fid", None)]  # noqa: SLF001
        for _ in range(PATIENCE):
            if not watched or not select.select(watched, (), (), 0)[0]:
                break
            time.sleep(MOMENT)  # noqa: ASYNC251 - the threads that read need the processor, not the loop
        return reply

    async def answer(self, request: list[Any]) -> None:
        """Handle one request from its frames to its last message, and wake the driver once for all of them."""
        try:
            await self.shell_main(None, request)
        finally:
            self.pipe.ring()

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """Nothing is queued behind a failed cell: the driver sends one request at a time."""


class WarmApp(IPKernelApp):
    """ipykernel's application less what must not exist before a fork."""

    pipe: Pipe

    def init_sockets(self) -> None:
        """One pipe in place of five sockets."""
        self.pipe = Pipe()
        self.session = PrivateSession()
        self.iopub_thread = DirectIOPub(Channel(self.pipe, IOPUB), self.session)
        self.iopub_socket = self.iopub_thread.background_socket
        self.shell_socket = Channel(self.pipe, SHELL)

    def init_io(self) -> None:
        """Only the display hook; streams are made in the child."""
        self.displayhook = ZMQDisplayHook(self.session, self.iopub_socket)

    def init_kernel(self) -> None:
        """The kernel, on the pipe."""
        kernel = WarmKernel.instance(
            parent=self,
            session=self.session,
            shell_stream=self.shell_socket,
            control_stream=None,
            iopub_thread=self.iopub_thread,
            iopub_socket=self.iopub_socket,
            stdin_socket=None,
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )
        kernel.pipe = self.pipe
        kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.main_thread())
        self.kernel = kernel
        self.displayhook.get_execution_count = lambda: kernel.execution_count

    def own_files(self) -> list[str]:
        """The person's own IPython configuration and start-up files that a kernel would read."""
        profile: Any = self.profile_dir
        start_up = Path(profile.startup_dir)
        scripts = [str(path) for path in sorted(start_up.iterdir()) if path.suffix in (".py", ".ipy")]
        python = [os.environ["PYTHONSTARTUP"]] if os.environ.get("PYTHONSTARTUP") else []
        return [*map(str, self.loaded_config_files), *scripts, *python]

    def init_connection_file(self) -> None:
        """No port, no file."""

    def write_connection_file(self, **_: Any) -> None:
        """No port, no file."""

    def log_connection_info(self) -> None:
        """Nobody connects."""

    def init_poller(self) -> None:
        """The machine's kernel ends the child with its driver (`child`)."""

    def init_heartbeat(self) -> None:
        """The driver watches the process itself."""

    def init_crash_handler(self) -> None:
        """Set in the child."""

    def init_signal(self) -> None:
        """Set in the child."""

    def init_code(self) -> None:
        """A kernel's last step; a person's own files are never run in the template (`fitness` looks at them)."""
        if not self.own_files():
            super().init_code()


# Configuration is looked up, and shown by get_ipython().config, under the name of the class.
WarmApp.__name__ = IPKernelApp.__name__
WarmKernel.__name__ = IPythonKernel.__name__
