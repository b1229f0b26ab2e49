"""A chart beside a widget, brought up to date in place whenever the widget has moved."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from playbook.widgets._asking import Asking, files

if TYPE_CHECKING:
    from collections.abc import Callable


def live(figure: Callable[[Any, Any], Any], widget: Asking) -> Chart:
    """A chart that follows a widget, drawn again whenever the widget's `changed` moves.

    `figure` takes the tables the widget's `tasks` and `placements` return and gives a plotly Figure. A figure that cannot be
    made is said in the chart's place, never in the way of what was stored.
    """
    return Chart(figure, widget)


class Chart(anywidget.AnyWidget):
    """A plotly figure as plain data, never a FigureWidget, which would put megabytes into every saved notebook.

    The browser asks for plotly's script once a page and gets it as a message, which no notebook keeps.
    """

    _esm = files("chart.js")

    figure = traitlets.Dict(help="data and layout as plotly.js takes them").tag(sync=True)
    wrong = traitlets.Unicode(help="why there is no figure; empty: there is one").tag(sync=True)

    def __init__(self, figure: Callable[[Any, Any], Any], widget: Asking) -> None:
        self._figure, self._widget = figure, widget
        super().__init__(**self._drawn())
        self.on_msg(self._hear)
        widget.observe(self._follow, names="changed")

    def _follow(self, _change: object) -> None:
        if self.comm is None:  # closed, as by a cell that was run again
            return
        with self.hold_sync():
            for name, value in self._drawn().items():
                setattr(self, name, value)

    def _drawn(self) -> dict[str, Any]:
        try:
            made = json.loads(self._figure(self._widget.tasks(), self._widget.placements()).to_json())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a chart, the decision it follows stands
            return {
                "wrong": f"The chart cannot be drawn ({type(error).__name__}: {error}). What was decided is stored."
            }
        return {"figure": {name: made[name] for name in ("data", "layout")}, "wrong": ""}

    def _hear(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        if message["do"] == "library":
            script = resources.files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
            self.send({"sent": "plotly"}, buffers=[script])
