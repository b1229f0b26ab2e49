"""Binds executed notebooks into one self-contained report, writes the index over teams.

A report opens from a disk without a network: style, plotly and data are inside, and a content security policy in the
page forbids the browser to fetch anything or to run any script but the page's own.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playbook.errors import ParameterError, RunError
from playbook.report import cells, drawing, look, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from jinja2 import Template

MADE_UP = "Made-up sample: the organisation, its people and every number are invented"
FOOTER = "This file opens without a network and holds everything it shows."
FACTS: Mapping[str, str] = {
    "organisation": "Organisation",
    "team": "Team",
    "phase": "Phase",
    "dates": "Dates",
    "made_on": "Made on",
    "kit": "Kit version",
}


def prepare() -> None:
    """Load what every page needs (templates, the Markdown parser, plotly's script); the first would take it for itself."""
    _policy([drawing.plotly_js(), look.asset("boot.js")])
    bind([], title="")


def bind(  # noqa: PLR0913 - the facts of a report, each by name
    notebooks: Sequence[Mapping[str, Any]],
    *,
    title: str,
    subtitle: str = "",
    facts: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
    show_code: bool = False,
    overrides: str | PathLike[str] | None = None,
) -> str:
    """Executed notebooks, in order, as one HTML document.

    `facts` may hold organisation, team, phase, dates, made_on, kit and the flag made_up (a banner on screen, a line
    on each printed page); other keys are shown under their own name; empty ones are left out. `names` are the
    notebooks' file names where their metadata does not say them: links between notebooks become links in the report.
    `show_code` keeps each cell's code, folded. `overrides` is the engagement folder whose notice wins over the kit's.
    Cells tagged remove-cell, hide-input and remove-output are obeyed. A failed cell is marked where it stands and
    listed on top. Raises ContentError when the notice is nowhere.
    """
    facts = dict(facts or {})
    files = [_file_name(notebook, i, names) for i, notebook in enumerate(notebooks)]
    pages: dict[str, str] = {}
    binder = cells.Binder(pages, show_code=show_code, used={"report"})
    for name in files:
        pages[f"{name}.ipynb"] = binder.unique(name)
    anchors = list(pages.values()) if len(pages) == len(files) else [binder.unique(name) for name in files]
    sections = [binder.section(notebook, anchor) for notebook, anchor in zip(notebooks, anchors, strict=True)]
    scripts = [drawing.plotly_js(), look.asset("boot.js")] if binder.figures else []
    return _template("page.html").render(
        **_frame(title, subtitle, facts, scripts, overrides),
        failures=[
            (section.anchor, _words(section, name), _markup(said))
            for section, name in zip(sections, files, strict=True)
            for said in section.failures
        ],
        sections=[_shown(section, name) for section, name in zip(sections, files, strict=True)],
    )


def _file_name(notebook: Mapping[str, Any], i: int, names: Sequence[str]) -> str:
    metadata = notebook.get("metadata") or {}
    said = names[i] if i < len(names) else (metadata.get("papermill") or {}).get("input_path") or f"page {i + 1}"
    return str(said).replace("\\", "/").rpartition("/")[2].removesuffix(".ipynb")


def _words(section: cells.Section, name: str) -> Any:
    return _markup(section.title) if section.title else name.replace("_", " ")


def _shown(section: cells.Section, name: str) -> dict[str, Any]:
    title = _words(section, name)
    opening = [] if section.title else [_markup(f"<h2>{look.escape(title)}</h2>")]
    return {
        "anchor": section.anchor,
        "title": title,
        "failures": section.failures,
        "contents": [(_markup(words), anchor) for depth, words, anchor in section.headings if depth == 3],
        "body": [*opening, *(_markup(part) for part in section.parts)],
    }


def index(  # noqa: PLR0913 - the facts of the page, each by name
    rows: Iterable[Mapping[str, Any]],
    *,
    title: str,
    subtitle: str = "",
    facts: Mapping[str, Any] | None = None,
    headlines: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    portfolio: str = "",
    overrides: str | PathLike[str] | None = None,
) -> str:
    """The page over all teams and phases: a card a team, its phases with status, gate and link.

    A row is one team and phase: `team` (id), `phase` (1 to 3, or any words), `status` (report ready, failed, not run), and
    where known `name` (the team's), `note`, `link` (a path beside the index), `gates_met` and `gates_total`
    (conditions of the phase's gate), `error`. Teams stand in the order given: it is no ranking. `headlines[team]`
    holds (label, value) pairs as words. `portfolio` links the report over all teams.
    Raises ParameterError for a link that is not a path beside the index.
    """
    teams: dict[str, dict[str, Any]] = {}
    for row in rows:
        team = str(row["team"])
        card = teams.setdefault(
            team, {"phases": [], "headline": [_figure(*pair) for pair in (headlines or {}).get(team, ())]}
        )
        card["name"] = row.get("name") or card.get("name") or team
        card["note"] = row.get("note") or card.get("note") or ""
        card["phases"].append(_phase(row))
    return _template("index.html").render(
        **_frame(title, subtitle, dict(facts or {}), [], overrides),
        teams=list(teams.values()),
        portfolio=_beside(portfolio),
    )


def _phase(row: Mapping[str, Any]) -> dict[str, Any]:
    met, total = row.get("gates_met"), row.get("gates_total")
    gate = "" if not total else f"Gate: {int(met or 0)} of {look.count(int(total), 'condition')} met"
    return {
        "name": _phase_words(row.get("phase")),
        "status": _markup(look.status_chip(str(row.get("status", "not run")))),
        "link": _beside(str(row.get("link") or "")),
        "gate": gate,
        "pips": [i < int(met or 0) for i in range(int(total))] if total else [],
        "error": row.get("error") or "",
    }


def _figure(label: str, words: str) -> tuple[str, str, str]:
    """A headline as its label, the number shown large and the words after it; without a number only words."""
    number, _, rest = words.partition(" ")
    return (label, number, rest) if any(c.isdigit() for c in number) else (label, "", words)


def _phase_words(phase: Any) -> str:
    known = {str(i): f"{i} {name}" for i, name in enumerate(show.PHASES, start=1)}
    return known.get(str(phase), str(phase))


def _beside(link: str) -> str:
    if link:
        show.next_step("", link)
    return link


def _frame(
    title: str,
    subtitle: str,
    facts: dict[str, Any],
    scripts: Sequence[str],
    overrides: str | PathLike[str] | None,
) -> dict[str, Any]:
    """What reports and the index share: head, running header, facts, notice, footer, scripts."""
    made_up = MADE_UP if facts.pop("made_up", False) else ""
    said = {key: _said(value) for key, value in facts.items() if not look.missing(value)}
    running = " · ".join(said[key] for key in ("organisation", "team", "phase") if key in said)
    style = "".join([look.asset("pieces.css"), look.level_css(), look.asset("report.css"), _running(running, made_up)])
    kicker = said.get("organisation", "") if said.get("organisation") != title else ""
    return {
        "policy": _policy(scripts),
        "window": " · ".join(part for part in (title, said.get("team"), said.get("organisation")) if part),
        "style": _markup(style),
        "made_up": made_up,
        "kicker": kicker,
        "title": title,
        "subtitle": subtitle,
        "facts": [
            (FACTS.get(key) or key.replace("_", " ").capitalize(), value)
            for key, value in said.items()
            if value not in (kicker, title)
        ],
        "notice": _markup(show.markdown(show.notice_text(overrides))),
        "footer": FOOTER if not made_up else f"{MADE_UP}. {FOOTER}",
        "scripts": [_script(script) for script in scripts],
    }


def _said(value: Any) -> str:
    return look.day(value) if isinstance(value, dt.date) else str(value)


def _running(words: str, made_up: str) -> str:
    """What stands on every printed page; the browser's print puts it into the page margin."""
    font = 'font:8.5pt "Segoe UI",Arial,"Liberation Sans",sans-serif'
    boxes = [f"@top-left{{content:{_css_text(words)};{font};color:{look.QUIET}}}"]
    if made_up:
        boxes.append(f"@bottom-left{{content:{_css_text(made_up)};{font};font-weight:700;color:#7A4200}}")
    return f"@page{{{''.join(boxes)}}}"


def _css_text(words: str) -> str:
    """Words as a CSS string that nothing in them can close: all but plain letters and digits as codes.

    A space too: one after a code would be read as the code's end.
    """
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):06x}" for c in words) + '"'


def _policy(scripts: Sequence[str]) -> str:
    allowed = " ".join(f"'sha256-{_hash(script)}'" for script in scripts) or "'none'"
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


@cache
def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - paid for only where a page is written

    loader = FunctionLoader(look.asset)  # a page and the index fill the same frame.html
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template(name)


def _markup(text: str) -> Any:
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return Markup(text)  # noqa: S704 - only what this door itself has written or cleaned


@cache
def _script(text: str) -> Any:
    """Kept, as plotly's five megabytes would be copied for every report of a batch."""
    return _markup(text)


def write(path: str | PathLike[str], html: str) -> Path:
    """Write a page whole or not at all: aside first, then renamed over `path`. Raises RunError when it cannot."""
    target = Path(path)
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(html)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise RunError(f"{target}: not written ({error.strerror}); free the place and run again") from error
    return target


__all__ = ["ParameterError", "bind", "index", "prepare", "write"]
