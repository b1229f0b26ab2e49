"""Where a dot's name goes, so that names do not run over each other or over other dots."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LETTER, LINE, GAP = 6.6, 15.0, 8.0
"""Pixels: the mean width of a letter and the height of a line at 12 px, and the room between dot and name."""


class Box(NamedTuple):
    """A rectangle in pixels, `left` < `right` and `top` < `bottom`."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share any area."""
        apart = (
            self.right <= other.left or other.right <= self.left or self.bottom <= other.top or other.bottom <= self.top
        )
        return not apart


def text_positions(
    dots: Sequence[tuple[float, float, float]], names: Sequence[str], *, width: float, height: float
) -> list[str]:
    """A plotly text position for each name, empty where every side is taken; earlier names have the first choice.

    `dots` holds x, y (pixels from the top left) and radius of each dot within a plot of `width` by `height` pixels.
    """
    taken = [Box(x - r, y - r, x + r, y + r) for x, y, r in dots]
    found: list[str] = []
    for (x, y, radius), name in zip(dots, names, strict=True):
        sides = _sides(x, y, radius + GAP, len(name) * LETTER)
        own = Box(x - radius, y - radius, x + radius, y + radius)
        free = next(
            (
                (side, box)
                for side, box in sides.items()
                if box.left >= -2 * LINE
                and box.right <= width
                and box.top >= -LINE
                and box.bottom <= height + LINE
                and not any(box.meets(other) for other in taken if other != own)
            ),
            None,
        )
        found.append(free[0] if free else "")
        if free:
            taken.append(free[1])
    return found


def _sides(x: float, y: float, away: float, wide: float) -> dict[str, Box]:
    half = LINE / 2
    return {
        "middle right": Box(x + away, y - half, x + away + wide, y + half),
        "middle left": Box(x - away - wide, y - half, x - away, y + half),
        "top center": Box(x - wide / 2, y - away - LINE, x + wide / 2, y - away),
        "bottom center": Box(x - wide / 2, y + away, x + wide / 2, y + away + LINE),
    }
