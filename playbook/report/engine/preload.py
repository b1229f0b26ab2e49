"""What the template holds: the kit's libraries, imported and nothing more.

Using some libraries before a fork hangs their children (polars, scikit-learn) or ends them (numba): only what is
listed here is imported, and only pure Python that was checked is warmed up. The user's files are never among it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import logging
import os
import pkgutil
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import playbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from os import PathLike

LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "numpy": ("numpy",),
    "pandas": ("pandas", "pandas.io.formats.style"),
    "plotly": ("plotly.graph_objects", "plotly.io"),
    "plotly.express": ("plotly.express",),
    "scipy": ("scipy.stats",),
    "sqlalchemy": ("sqlalchemy.dialects.sqlite",),
    "ipywidgets": ("ipywidgets",),
    "playbook": (
        "playbook.io.content",
        "playbook.io.workspace",
        "playbook.report.desk",
        "playbook.report.figures",
        "playbook.report.show",
        "scipy.optimize",  # the choice of pilots and their readout use it
    ),
}
"""What may be in the template, by the name a notebook imports it by."""

WANTED = "PLAYBOOK_PRELOAD"
"""The environment variable that names what the notebooks at hand import; without it, everything is loaded."""

NOT_ROOMS = ("__main__", "cli", "agents", "widgets", "workshop")
"""Modules of the kit that a notebook does not import in a batch."""

IMPORTED = re.compile(r"\b(?:import|from)\s+([a-z_]+)(\.[a-z_]+)?")

LATE = ("isoduration", "requests", "webcolors")
"""What nbformat's and papermill's own imports load and a batch of files never uses; loaded at first use instead."""

log = logging.getLogger("playbook.engine")


def libraries() -> None:
    """Import the libraries and rooms that are wanted, then warm up what is pure Python.

    One that cannot be imported is left to the notebooks that use it: they say so themselves.
    """
    names = os.environ.pop(WANTED, " ".join(LIBRARIES)).split()
    modules = [module for name in names for module in LIBRARIES[name]] + (rooms() if "playbook" in names else [])
    steps: dict[str, Callable[[], object]] = {
        module: functools.partial(importlib.import_module, module) for module in modules
    }
    if "playbook" in names:
        steps["the kit's content"] = read_content
    if {"playbook", "plotly"} & set(names):
        steps["the warm-up"] = warm_up
    for name, step in steps.items():
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a broken library must not take the others down
            log.warning("%s is not in the template: %s: %s", name, type(error).__name__, error)


def wanted(notebooks: Iterable[str | PathLike[str]]) -> str:
    """The libraries that these notebook files import, of those that may be in the template, for `WANTED`."""
    found: set[str] = set()
    for path in notebooks:
        for name, inner in IMPORTED.findall(Path(path).read_text(encoding="utf-8")):
            found |= {name, name + inner}
    return " ".join(name for name in LIBRARIES if name in found)


def rooms() -> list[str]:
    """The kit's modules by name: `playbook.spectrum`, `playbook.plan`."""
    found = (module.name for module in pkgutil.iter_modules(playbook.__path__))
    return [f"playbook.{name}" for name in found if name not in NOT_ROOMS]


def put_off() -> None:
    """Let `LATE` be loaded when somebody uses it: a third of the start would go into things no report needs."""
    for name in LATE:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            continue
        spec.loader = importlib.util.LazyLoader(spec.loader)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


@contextlib.contextmanager
def late_grammar() -> Iterator[None]:
    """Import jsonschema, on which nbformat stands, without the grammar of international addresses.

    Compiling it takes as long as all else together, and notebooks hold no such address; whoever checks one gets the
    real thing at that moment.
    """
    name = "rfc3987_syntax"
    if name in sys.modules or importlib.util.find_spec(name) is None:
        yield
        return
    late: Any = ModuleType(name)
    late.is_valid_syntax = lambda rule, text: importlib.import_module(name).is_valid_syntax(rule, text)
    sys.modules[name] = late
    try:
        yield
    finally:
        del sys.modules[name]


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is looked for while everything is loaded; what is left is set apart from every later search."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def read_content() -> None:
    """Read the content that comes with the kit and build what checks its tables; a file that is changed is read again.

    Every report needs most of it, and it takes as long as a third of a report. A client's own content is read by each.
    """
    from playbook.io import content  # noqa: PLC0415 - the rooms it stands on are loaded by now
    from playbook.tables import TABLES  # noqa: PLC0415

    for name in content.CONTENT:
        content.load(name)
    for table in TABLES.values():
        for adapter in table.adapters.values():
            adapter.rebuild()


def warm_up() -> None:
    """Draw a figure of each common kind and a styled table and forget them: pure Python, no thread, no state.

    Libraries load half their modules and fill their caches at first use; paid here, it is not paid by every report.
    """
    import numpy as np  # noqa: PLC0415 - after the shell exists
    import pandas as pd  # noqa: PLC0415
    import plotly.graph_objects as go  # noqa: PLC0415
    import plotly.io as pio  # noqa: PLC0415

    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2], "c": ["x", "y"]})
    numbers = np.array([1.0, 2.0])
    for template in ("plotly", "plotly_white"):
        bar = go.Bar(x=frame["c"], y=frame["a"], marker={"color": "#123456"}, error_y={"array": numbers}, text=["x"])
        line = go.Scatter(x=numbers, y=frame["b"], mode="lines+markers", line={"dash": "dot"}, hovertemplate="%{x}")
        figure = go.Figure([bar, line, go.Heatmap(z=[[1, 2], [3, 4]], x=["a", "b"], colorscale="Viridis")])
        figure.add_hline(y=1, line_dash="dot").add_annotation(text="t", x=1, y=1)
        figure.update_layout(
            title="t", template=template, barmode="stack", legend={"orientation": "h"}, margin={"l": 1}
        )
        figure.update_xaxes(title="x").update_yaxes(tickformat=".0%")
        pio.to_json(figure, validate=False)
        figure._ipython_display_()
    means = frame.groupby("c", sort=True)["a"].agg(["mean", "sum"]).sort_values("mean")
    styled = frame.style.format("{:.1f}", subset=["a"]).hide(axis="index").set_caption("t")
    for shown in (frame, frame["a"], frame.describe(), means, styled, styled.map(lambda _: "color: red")):
        getattr(shown, "_repr_html_", shown.__repr__)()
        repr(shown)


def kernel_path() -> list[str]:
    """`sys.path` as a kernel starts with: without the folder of the script that runs here."""
    script = str(Path(sys.argv[0]).resolve().parent) if sys.argv and sys.argv[0] not in ("", "-c", "-m") else None
    return [place for place in sys.path if place and place != script]


@contextlib.contextmanager
def without_debugger() -> Iterator[None]:
    """Import ipykernel without its debugger, which a batch cannot use and which opens sockets."""
    modules = cast("dict[str, Any]", sys.modules)
    had = "debugpy" in modules
    if not had:
        modules["debugpy"] = None
    try:
        import ipykernel.debugger  # noqa: PLC0415

        ipykernel.debugger._is_debugpy_available = False  # noqa: SLF001 - its own switch
        yield
    finally:
        if not had:
            del modules["debugpy"]
