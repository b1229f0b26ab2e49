"""The report as files: one HTML page without scripts, the same as Markdown, and every table as CSV."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from playbook.agents.reporting import charts, compose, narrative, sheets, tabulate
from playbook.agents.reporting.analysis import WHOLE
from playbook.agents.reporting.settings import Measure
from playbook.agents.reporting.tabulate import BREAKS, CHANGES, DAYS, FACTS, GAPS, KPIS, RATIOS, TOTAL, UNUSUAL
from playbook.errors import PlaybookError
from playbook.io import content
from playbook.report import look, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from playbook.agents.reporting.analysis import Analysis
    from playbook.agents.reporting.compose import Story
    from playbook.agents.reporting.narrative import Sentence, Wording
    from playbook.agents.reporting.sheets import Cell, Sheet, Sheets

HOME = "templates/pilots/reporting"
FOOTER = "Every number in the sentences is a cell of a table on this page; the check that holds them against each other passed."
MARKED = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Report:
    """A finished report: its files by name, the sentences on it and what the checks found (none: it may go out)."""

    files: dict[str, bytes]
    story: Story
    sheets: Sheets
    faults: tuple[str, ...]

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What was checked, for the artifact's row."""
        return [{"check": "every number of the text is a table's cell", "passed": not self.faults}]


def write(
    found: Analysis,
    *,
    organisation: str = "",
    team: str = "",
    made_up: bool = False,
    overrides: str | PathLike[str] | None = None,
) -> Report:
    """Make the report's files from what was found; nothing is written to disk.

    `overrides` is the engagement folder whose sentences, template and notice win over the kit's. Raises ContentError
    when one of them is nowhere or does not fit.
    """
    made = tabulate.tabulate(found)
    wording = content.read(content.find(f"{HOME}/sentences.yaml", overrides), narrative.Wording)
    story = compose.compose(found, made, wording)
    titles = _titles(found, made, wording)
    faults = narrative.trace([*story.sentences, *titles.values()], made)
    facts = _facts(found, team)
    banner = _banner(found, made_up=made_up)
    files = {
        "report.html": _html(found, made, story, titles, facts, organisation, banner, overrides).encode(),
        "report.md": _markdown(found, made, story, facts, organisation, banner).encode(),
        "narrative.json": _json(story).encode(),
    }
    for sheet in made.values():
        files[f"{sheet.name.replace('_', '-')}.csv"] = _csv(sheet).encode()
    return Report(files, story, made, tuple(faults))


def refuse_faults(report: Report) -> None:
    """Raise PlaybookError naming each number of the text that is no table's cell."""
    if report.faults:
        raise PlaybookError(
            f"the report is not made: {len(report.faults)} of its statements cannot be traced to a table.\n  "
            + "\n  ".join(report.faults[:10])
        )


def _banner(found: Analysis, *, made_up: bool) -> str:
    made = "Made-up sample: the organisation, its people and every number are invented" if made_up else ""
    return ". ".join(part for part in (found.settings.note, made) if part)


def _facts(found: Analysis, team: str) -> list[tuple[str, str]]:
    facts = [("Team", team), ("For", found.settings.readers), ("Made on", look.day(found.today))]
    return [(name, value) for name, value in facts if value]


def _period(found: Analysis) -> str:
    return f"Week from {look.day(found.week.first)} to {look.day(found.week.last)}"


def _titles(found: Analysis, made: Sheets, wording: Wording) -> dict[str, Sentence]:
    """The title of each chart, a sentence whose numbers are cells."""
    titles = {}
    for measure in found.settings.measures:
        key = measure.measure
        first = made[UNUSUAL].rows if UNUSUAL in made else {}
        hit = next(
            (
                row
                for row, cells in first.items()
                if _is_whole(cells["name"]) and cells["measure"].text == measure.title
            ),
            "",
        )
        pattern = "title_weeks" if found.series.step == 7 else "title_days_unusual" if hit else "title_days"
        told = {"k": (KPIS, key), "f": (FACTS, "all")} | ({"u": (UNUSUAL, hit)} if hit else {})
        titles[f"{DAYS}_{key}"] = narrative.say(wording, pattern, made, **told)
        name = f"{CHANGES}_{key}"
        if name in made and len(made[name].rows) > 2:
            row = next(iter(made[name].rows))
            titles[name] = narrative.say(wording, "title_changes", made, k=(KPIS, key), n=(name, row))
    return titles


def _is_whole(cell: Cell) -> bool:
    return cell.text == WHOLE and not cell.quoted


def _html(  # noqa: PLR0913, PLR0917 - private; one argument a part of the page
    found: Analysis,
    made: Sheets,
    story: Story,
    titles: dict[str, Sentence],
    facts: list[tuple[str, str]],
    organisation: str,
    banner: str,
    overrides: str | PathLike[str] | None,
) -> str:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - paid for only where a page is written
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    template = content.find(f"{HOME}/report.html", overrides).read_text(encoding="utf-8")
    own = content.find(f"{HOME}/report.css", overrides).read_text(encoding="utf-8")
    linked = _Links(made)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

    def shown(sentences: Iterable[Sentence]) -> list[Markup]:
        return [Markup(linked.sentence(sentence)) for sentence in sentences]  # noqa: S704 - escaped there

    alerts = [sentence for sentence in story.unusual if _is_alert(sentence)]
    running = f"@page{{@bottom-left{{content:{_css(banner or _period(found))};font:8.5pt Arial,sans-serif}}}}"
    return environment.from_string(template).render(
        title=found.settings.title,
        period=_period(found),
        style=Markup("".join([look.asset("pieces.css"), look.asset("report.css"), own, running])),  # noqa: S704 - ours
        banner=banner,
        organisation=organisation,
        facts=facts,
        alerts=shown(alerts),
        opening=shown(story.opening),
        changes=shown(story.changes),
        unusual=shown(sentence for sentence in story.unusual if sentence not in alerts),
        limits=shown(story.limits),
        blocks=list(_blocks(found, made, titles, linked, Markup)),
        basis=Markup(linked.table(_without_all(made[FACTS]))),  # noqa: S704 - escaped there
        notes="; ".join(found.series.notes),
        notice=Markup(show.markdown(show.notice_text(overrides))),  # noqa: S704 - written by the kit or the client
        footer=FOOTER,
    )


def _is_alert(sentence: Sentence) -> bool:
    return any(place.sheet in (BREAKS, GAPS) or place.column == "missing_days" for place in sentence.references)


def _without_all(sheet: Sheet) -> Sheet:
    rows = {key: row for key, row in sheet.rows.items() if key != "all"}
    return sheets.Sheet(sheet.name, sheet.title, sheet.columns, rows)


def _blocks(
    found: Analysis, made: Sheets, titles: dict[str, Sentence], linked: _Links, markup: type[Any]
) -> Iterator[dict[str, Any]]:
    """The sections of charts and tables: key figures, each measure, ratios, what is unusual."""

    def tables(*names: str) -> list[Any]:
        return [markup(linked.table(made[name])) for name in names if name in made]

    yield {"title": "Key figures", "figures": [], "tables": tables(KPIS)}
    for measure in found.settings.measures:
        names = (f"{DAYS}_{measure.measure}", f"{CHANGES}_{measure.measure}")
        figures = [
            {"title": markup(linked.sentence(titles[name])), "note": note, "svg": markup(svg)}
            for name in names
            if name in titles and (note_svg := _figure(found, made, measure, name)) and (svg := note_svg[1])
            for note in [note_svg[0]]
        ]
        yield {"title": measure.title, "figures": figures, "tables": tables(*names)}
    ratios = [name for name in made if name.startswith(f"{RATIOS}_")]
    if ratios:
        yield {"title": "Where the ratios moved", "figures": [], "tables": tables(*ratios)}
    odd = [name for name in (GAPS, BREAKS, UNUSUAL) if name in made]
    if odd:
        yield {"title": "What needs a look", "figures": [], "tables": tables(*odd)}


def _figure(found: Analysis, made: Sheets, measure: Measure, name: str) -> tuple[str, str]:
    """A chart's note and its SVG; empty where there is nothing to draw."""
    if name.startswith(DAYS):
        here = found.judged[found.judged["measure"] == measure.measure]
        whole = here[here["name"] == WHOLE] if (here["name"] == WHOLE).any() else here
        if len(set(whole["name"])) != 1:
            return "", ""
        note = f"In {measure.unit}. Line: what was counted; an open line is a gap. Grey: the limits, from the past alone. Shaded: the week. Ring: outside the limits. Triangle: a public holiday."
        return note, charts.by_day(whole, found.kinds, found.week, label=f"{measure.title}. {note}")
    rows = {key: row for key, row in made[name].rows.items() if key != TOTAL}
    label = f"{measure.title}: change by {found.settings.name_title}, the numbers stand in the table below"
    bars = charts.bars(
        [row["name"].text for row in rows.values()],
        [float(row["change"].value or 0.0) for row in rows.values()],
        [row["change"].text for row in rows.values()],
        label=label,
    )
    return f"Change of {measure.unit} against the week before, by {found.settings.name_title}.", bars


class _Links:
    """Sentences whose cells lead to the table, and the tables they lead to."""

    def __init__(self, made: Sheets) -> None:
        self.anchors = {
            (sheet.name, row, column): f"c{i}-{j}-{k}"
            for i, sheet in enumerate(made.values())
            for j, row in enumerate(sheet.rows)
            for k, column in enumerate(sheet.columns)
        }

    def sentence(self, sentence: Sentence) -> str:
        parts, done = [], 0
        for place in sentence.references:
            said = look.escape(sentence.text[place.start : place.end])
            kind = "cell name" if said.startswith("“") else "cell"
            anchor = self.anchors.get((place.sheet, place.row, place.column))
            if place.row == "all":
                anchor = self.anchors.get((FACTS, place.column, "value"))
            number = any(c.isdigit() for c in said) or said.startswith("“")
            linked = f'<a class="{kind}" href="#{anchor}">{said}</a>' if anchor and number else said
            parts += [look.escape(sentence.text[done : place.start]), linked]
            done = place.end
        return "".join([*parts, look.escape(sentence.text[done:])])

    def table(self, sheet: Sheet) -> str:
        columns = [key for key in sheet.columns if key not in sheet.hidden]
        numeric = {
            key for key in columns if any(isinstance(row[key].value, int | float) for row in sheet.rows.values())
        }
        if sheet.name == FACTS:
            numeric = set()
        head = "".join(
            f'<th scope="col"{_numeric(key in numeric)}>{look.escape(sheet.columns[key])}</th>' for key in columns
        )
        lines = [
            f"<tr{_sum(key)}>{''.join(self._cell(sheet, key, column, columns, numeric) for column in columns)}</tr>"
            for key in sheet.rows
        ]
        note = f"<small>{look.escape(sheet.note)}</small>" if sheet.note else ""
        dense = " pb-dense" if len(columns) > 7 or sheet.name == FACTS else ""
        return (
            f'<div class="pb"><div class="pb-scroll" role="region" aria-label="{look.escape(sheet.title)}" tabindex="0">'
            f'<table class="pb-table{dense}"><caption>{look.escape(sheet.title)}{note}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div></div>"
        )

    def _cell(self, sheet: Sheet, row: str, column: str, columns: list[str], numeric: set[str]) -> str:
        anchor = self.anchors[sheet.name, row, column]
        tag = "th" if column == columns[0] else "td"
        scope = ' scope="row"' if tag == "th" else ""
        return f'<{tag}{scope} id="{anchor}"{_numeric(column in numeric)}>{_in_table(sheet, row, column)}</{tag}>'


def _in_table(sheet: Sheet, row: str, column: str) -> str:
    """A cell as its table shows it: a percentage keeps its sign, other units stand in the heading."""
    cell = sheet.rows[row][column]
    return look.escape(
        f"{cell.text}\N{NO-BREAK SPACE}%" if cell.unit == "%" else cell.said if _needs_unit(sheet, cell) else cell.text
    )


def _needs_unit(sheet: Sheet, cell: Cell) -> bool:
    return (
        not cell.quoted
        and cell.unit in ("day", "days", "week", "weeks", "hours")
        and sheet.name in (BREAKS, GAPS, FACTS)
    )


def _numeric(yes: bool) -> str:  # noqa: FBT001
    return ' class="pb-n"' if yes else ""


def _sum(key: str) -> str:
    return ' class="pb-sum"' if key == TOTAL else ""


def _css(words: str) -> str:
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):06x}" for c in words) + '"'


def _markdown(  # noqa: PLR0913, PLR0917 - private; one argument a part of the page
    found: Analysis, made: Sheets, story: Story, facts: list[tuple[str, str]], organisation: str, banner: str
) -> str:
    lines = [f"# {_plain(found.settings.title)}", "", _period(found), ""]
    lines += [f"**{_plain(banner)}**", ""] if banner else []
    lines += [f"{name}: {_plain(value)}  " for name, value in [("Organisation", organisation), *facts] if value]
    for title, sentences in (
        ("What the week says", [*story.opening, *story.changes, *story.unusual]),
        ("What these figures cannot say", story.limits),
    ):
        lines += ["", f"## {title}", "", *(f"- {_plain(sentence.text)}" for sentence in sentences)]
    for sheet in made.values():
        shown = _without_all(sheet) if sheet.name == FACTS else sheet
        columns = [key for key in shown.columns if key not in shown.hidden]
        lines += ["", f"## {_plain(shown.title)}", ""]
        lines += [f"{_plain(shown.note)}", ""] if shown.note else []
        lines.append("| " + " | ".join(_plain(shown.columns[key]) for key in columns) + " |")
        lines.append("|" + "---|" * len(columns))
        lines += ["| " + " | ".join(_plain(row[key].said) for key in columns) + " |" for row in shown.rows.values()]
    lines += ["", FOOTER, ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text that means itself in Markdown: names come from outside."""
    return MARKED.sub(r"\\\1", text)


def _json(story: Story) -> str:
    said = [
        {"text": sentence.text, "cells": [asdict(place) for place in sentence.references]}
        for sentence in story.sentences
    ]
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _csv(sheet: Sheet) -> str:
    frame = (_without_all(sheet) if sheet.name == FACTS else sheet).frame()
    safe = frame.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell)
    return str(safe.to_csv(index=False, lineterminator="\n"))
