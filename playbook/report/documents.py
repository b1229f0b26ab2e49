"""Fills the Jinja and Markdown templates a client may replace: job descriptions, pod charters, agent playbooks.

A document on a page is a fold-out, so that a report can carry one for each role without drowning the reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2

from playbook.errors import ContentError
from playbook.io import content
from playbook.report import look, show

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def fill(template: str, facts: Mapping[str, Any], overrides: Path | None = None) -> str:
    """The Markdown of `templates/<template>` filled with `facts`; the engagement's own copy wins.

    Raises ContentError naming the line for a template that is no Jinja or asks for something it is not given.
    """
    path = content.find(f"templates/{template}", overrides)
    surroundings = jinja2.Environment(  # noqa: S701 - the result is Markdown; `show.markdown` escapes any HTML in it
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    try:
        return surroundings.from_string(path.read_text(encoding="utf-8")).render(**facts)
    except jinja2.TemplateSyntaxError as error:
        raise ContentError(str(path), [f"line {error.lineno}: {error.message}"]) from error
    except jinja2.UndefinedError as error:
        raise ContentError(str(path), [f"{error.message}; it may use {', '.join(sorted(facts))}"]) from error


def folded(titled: Mapping[str, str], empty: str) -> show.Piece:
    """Markdown documents by title, each behind its title; `empty` is said where there is none."""
    if not titled:
        return show.caveat(empty)
    parts = [
        f'<details class="pb-document"><summary>{look.escape(title)}</summary>{show.markdown(_lower(text))}</details>'
        for title, text in titled.items()
    ]
    return show.Piece(f'<div class="pb">{"".join(parts)}</div>', "\n\n".join(titled.values()))


def _lower(markdown: str) -> str:
    """Headings two levels down, so that a document's title does not stand beside the page's."""
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in markdown.splitlines())
