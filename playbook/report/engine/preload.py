"""What the template holds: the kit's libraries, imported and nothing more.

Using some libraries before a fork hangs their children (polars, scikit-learn) or ends them (numba): only what is
listed here is imported, and only pure Python that was checked is warmed up. The user's files are never among it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import playbook

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = (
    "numpy",
    "pandas",
    "pandas.io.formats.style",
    "plotly.express",
    "plotly.graph_objects",
    "plotly.io",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
    "ipywidgets",
    "playbook.io.content",
    "playbook.io.workspace",
    "playbook.report.desk",
    "playbook.report.figures",
    "playbook.report.show",
)

NOT_ROOMS = ("__main__", "cli", "agents", "workshop")
"""Modules of the kit that notebooks do not import."""

import os

TURNS = int(os.environ.get("TURNS", "0"))
"""The interpreter speeds up code that has run a few times; children inherit that."""

log = logging.getLogger("playbook.engine")


def libraries() -> None:
    """Import every library and every room, then warm up what is pure Python.

    One that cannot be imported is left to the notebooks that use it: they say so themselves.
    """
    steps = {name: functools.partial(importlib.import_module, name) for name in (*LIBRARIES, *rooms())}
    for name, step in (steps | {"the warm-up": warm_up}).items():
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a broken library must not take the others down
            log.warning("%s is not in the template: %s: %s", name, type(error).__name__, error)


def rooms() -> list[str]:
    """The kit's modules by name: `playbook.spectrum`, `playbook.plan`."""
    found = (module.name for module in pkgutil.iter_modules(playbook.__path__))
    return [f"playbook.{name}" for name in found if name not in NOT_ROOMS]


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
    for template in ("plotly", "plotly_white", "none", *TURNS * ("plotly_white",)):
        figure = go.Figure(
            [
                go.Bar(
                    x=frame["c"], y=frame["a"], marker={"color": "#123456"}, error_y={"array": numbers}, text=frame["c"]
                ),
                go.Scatter(x=numbers, y=frame["b"], mode="lines+markers", line={"dash": "dot"}, hovertemplate="%{x}"),
                go.Heatmap(z=[[1, 2], [3, 4]], x=["a", "b"], colorscale="Viridis"),
                go.Pie(values=[1, 2], labels=["a", "b"]),
                go.Table(header={"values": ["a"]}, cells={"values": [[1]]}),
            ]
        )
        figure.add_hline(y=1, line_dash="dot").add_annotation(text="t", x=1, y=1)
        figure.update_layout(
            title="t", template=template, barmode="stack", legend={"orientation": "h"}, margin={"l": 1}
        )
        figure.update_xaxes(title="x").update_yaxes(tickformat=".0%")
        pio.to_json(figure, validate=False)
        figure._ipython_display_()  # noqa: SLF001 - what a cell calls; the template's kernel has no listener
    styled = frame.style.format("{:.1f}", subset=["a"]).hide(axis="index").set_caption("t")
    for shown in (1 + TURNS) * (frame, frame["a"], frame.describe(), styled, styled.map(lambda _: "color: red")):
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
