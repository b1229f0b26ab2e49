"""Where a cluster keeps its reports: a folder or bucket, named by a path or an fsspec URL, that all its machines see.

A file there is whole or absent: in a folder it is written beside its place and renamed, elsewhere put in one piece.
What a put leaves when it is cut off is no JSON, so a batch takes it for not done.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playbook.errors import ParameterError, PlaybookError, RunError
from playbook.report.execute import beside, clear_partials, writable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from playbook.report.execute import Outcome
    from playbook.report.jobs import Job

PACKAGES = {"distributed": "dask.distributed", "fsspec": "fsspec"}
AT_ONCE = 32
PROBE = ".reports-go-here.partial"


def library(name: str) -> Any:
    """A library of the extra `dask`. Raises ParameterError that says what to install when it is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ParameterError(
            f"a cluster needs {PACKAGES[name]}, which is not installed here; pip install transition-playbook[dask]"
        ) from error


class Store:
    """Files by their path relative to `url`, a folder's path or an fsspec URL such as `s3://bucket/reports`.

    Credentials come from the environment or fsspec's own configuration. Raises ParameterError for a URL that no
    installed library opens.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") or url
        self.folder = _folder(self.url)
        self._files: Any
        self._files, self._root = (None, "") if self.folder else _filesystem(self.url)

    def at(self, relative: str) -> str:
        """The address of a file, for people."""
        return f"{self.folder or self.url}/{relative}"

    def read(self, relative: str) -> bytes | None:
        """A file's bytes; None when it is not there."""
        return next(iter(self.read_all([relative]).values()), None)

    def read_all(self, relatives: Sequence[str]) -> dict[str, bytes]:
        """The bytes of those files that are there, fetched side by side where the library can."""
        if self.folder:
            return {name: (self.folder / name).read_bytes() for name in relatives if (self.folder / name).is_file()}
        by_path = {f"{self._root}/{name}": name for name in relatives}
        found = self._files.cat(list(by_path), on_error="return") if by_path else {}
        for content in found.values():
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
        return {by_path[path]: content for path, content in found.items() if isinstance(content, bytes)}

    def write(self, relative: str, content: bytes) -> None:
        """Store a file, replacing the one before. Raises OSError, or what the URL's library raises."""
        if self.folder:
            return _replace(self.folder / relative, content)
        path = f"{self._root}/{relative}"
        try:
            self._files.pipe_file(path, content)
        except FileNotFoundError:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, content)
        return None

    def has(self, relative: str) -> bool:
        """Whether the file is there."""
        return (
            (self.folder / relative).is_file() if self.folder else bool(self._files.exists(f"{self._root}/{relative}"))
        )

    def prepare(self) -> None:
        """Make the folder, clear what killed writers left, and try whether a file can be written.

        Raises RunError when not.
        """
        try:
            if self.folder:
                self.folder.mkdir(parents=True, exist_ok=True)
                clear_partials(self.folder)
                writable(self.folder)
            else:
                self.write(PROBE, b"reports go here")
                self._files.rm_file(f"{self._root}/{PROBE}")
        except Exception as error:
            raise RunError(f"{self.url}: reports cannot be written there ({said(error)}); nothing was run") from error


class Mirror:
    """The reports folder on this machine, and the store that holds the same reports for all machines.

    Without a `url` the folder is the store and there is nothing to do.
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.store = Store(url or str(folder))
        self.same = self.store.folder is not None and self.store.folder.resolve() == folder.resolve()

    def name(self, path: Path) -> str:
        """A report's path in the store."""
        return path.relative_to(self.folder).as_posix()

    def prepare(self) -> None:
        """Find out before anything runs whether the store can be written. Raises RunError when not."""
        if not self.same:
            self.store.prepare()

    def match(self, jobs: Sequence[Job]) -> None:
        """Bring what is done in one of the two places to the other, so that no job that is done anywhere runs again."""
        if self.same:
            return
        with _reached(self.store.url):
            for at in range(0, len(jobs), AT_ONCE):
                some = jobs[at : at + AT_ONCE]
                there = self.store.read_all([self.name(job.output) for job in some])
                for job in some:
                    self._match(job, there.get(self.name(job.output), b""))

    def _match(self, job: Job, there: bytes) -> None:
        here = job.output.read_bytes() if job.output.is_file() else b""
        if done(there, job.key) and not done(here, job.key):
            _replace(job.output, there)
        elif done(here, job.key) and not done(there, job.key):
            self.store.write(self.name(job.output), here)

    def fetch(self, path: Path) -> None:
        """Bring a file from the store. Raises RunError when it is not there."""
        if self.same and path.is_file():
            return
        with _reached(self.store.url):
            content = self.store.read(self.name(path))
        if content is None:
            raise RunError(
                f"a worker stored {self.store.at(self.name(path))} and it is not there for this machine; "
                "give --reports-to a folder or bucket that every machine of the cluster sees"
            )
        _replace(path, content)

    def put(self, path: Path) -> None:
        """Bring a file to the store. Raises RunError when it cannot be written."""
        if not self.same:
            with _reached(self.store.url):
                self.store.write(self.name(path), path.read_bytes())

    def kept(self, outcomes: Generator[Outcome]) -> Generator[Outcome]:
        """The outcomes of a batch on this machine, each executed notebook brought to the store first."""
        with contextlib.closing(outcomes):
            for outcome in outcomes:
                if outcome.status != "unwritable":
                    self.put(outcome.job.output)
                yield outcome

    def complete(self, paths: Iterable[Path]) -> None:
        """Bring those files to the store that it does not have."""
        for path in paths if not self.same else ():
            with _reached(self.store.url):
                there = self.store.has(self.name(path))
            if not there and path.is_file():
                self.put(path)


def facts(content: bytes) -> dict[str, Any]:
    """What an executed notebook says of itself; empty for anything else."""
    try:
        return dict(json.loads(content)["metadata"]["playbook"])
    except (ValueError, KeyError, TypeError):
        return {}


def done(content: bytes, key: str) -> bool:
    """Whether this is the finished notebook of the job with this key."""
    found = facts(content) if content else {}
    return found.get("status") == "done" and found.get("key") == key


def said(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def _reached(url: str) -> Iterator[None]:
    """Whatever a bucket's library raises, as the kit's own error."""
    try:
        yield
    except PlaybookError:
        raise
    except Exception as error:
        raise RunError(
            f"{url}: {said(error)}; reports there are not complete. What was finished is kept, and the next run "
            "does the rest"
        ) from error


def _folder(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url.removeprefix("file://"))
    return None if "://" in url else Path(url).expanduser().absolute()


def _filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system that opens a URL, and the path in it."""
    core = library("fsspec").core
    try:
        files, root = core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ParameterError(
            f"--reports-to {url}: {said(error)}; wanted a folder or a URL that fsspec opens"
        ) from error
    return files, str(root).rstrip("/")


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = beside(path)
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
