"""A playbook kit: from AI-augmented to AI-native marketing in ninety days.

The shelf holds few names: `load` reads a piece of authored content as its model, `open_workspace` opens a team's
engagement, and every error a public function can raise. Rooms are modules: `playbook.spectrum`, `playbook.workflows`.
Heavy libraries are imported at the moment of use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playbook.errors import (
    ConflictError,
    ContentError,
    Fault,
    IntakeError,
    ParameterError,
    PlaybookError,
    RunError,
    TableError,
    WorkspaceBusyError,
    WorkspaceError,
    WorkspaceExistsError,
    WorkspaceNotFoundError,
    WorkspaceVersionError,
)

if TYPE_CHECKING:
    from os import PathLike

    from playbook.io.workspace import Workspace

__version__ = "0.1.0"


def load(name: str, overrides: str | PathLike[str] | None = None) -> Any:
    """Read a piece of authored content by name (`"spectrum"`, `"kpis"`) as its strict model.

    A file at the same relative path under `overrides` (an engagement folder) wins over the kit's own.
    Raises ContentError naming every place in the file that does not fit.
    """
    from playbook.io import content  # noqa: PLC0415 - reading YAML is not paid for by `import playbook`

    return content.load(name, overrides)


def open_workspace(place: str | PathLike[str] = "") -> Workspace:
    """Open a workspace by folder or database URL; empty means the folder this runs in or one above it.

    Raises WorkspaceNotFoundError when there is none, WorkspaceVersionError when a newer kit wrote it.
    """
    from playbook.io.workspace import Workspace  # noqa: PLC0415 - the database library is heavy

    return Workspace.open(place)


__all__ = [
    "ConflictError",
    "ContentError",
    "Fault",
    "IntakeError",
    "ParameterError",
    "PlaybookError",
    "RunError",
    "TableError",
    "WorkspaceBusyError",
    "WorkspaceError",
    "WorkspaceExistsError",
    "WorkspaceNotFoundError",
    "WorkspaceVersionError",
    "__version__",
    "load",
    "open_workspace",
]
