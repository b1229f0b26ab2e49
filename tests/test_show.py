"""The pieces of a page: what a reader sees of tables, levels, findings, and what untrusted text may not do."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pandas as pd
import pytest

import playbook
from playbook import tables
from playbook.errors import ParameterError
from playbook.report import look, show

EVIL = "<script>alert('x')</script>\"'&<img src=x onerror=alert(1)>"


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def cells(piece: show.Piece) -> list[list[str]]:
    body = piece.markup.partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", body)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows]


def titles(piece: show.Piece) -> list[str]:
    head = piece.markup.partition("<thead>")[2].partition("</thead>")[0]
    return [re.sub(r"<[^>]+>", "|", cell) for cell in re.findall(r"<th[^>]*>(.*?)</th>", head)]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_text_on_a_level_colour_reads(level):
    assert contrast(look.level_ink(level), look.LEVEL_COLOURS[level]) >= 4.5


@pytest.mark.parametrize("colour", [look.INK, look.QUIET, look.ACCENT, *look.STATUS_COLOURS.values()])
def test_text_colours_read_on_paper(colour):
    assert contrast(colour, look.PAPER) >= 4.5


def test_level_colours_darken_from_people_to_system_so_that_a_grey_print_keeps_their_order():
    steps = [luminance(look.LEVEL_COLOURS[level]) for level in range(1, 6)]
    assert steps == sorted(steps, reverse=True)
    assert min(a / b for a, b in itertools.pairwise(steps)) > 1.2


def test_level_names_are_those_of_the_authored_spectrum():
    authored = {level.number: level.name.split(",")[0] for level in playbook.load("spectrum").levels}
    assert authored == look.LEVEL_NAMES


def test_a_level_is_shown_with_number_and_name():
    frame = pd.DataFrame({"task_id": ["a", "b"], "target_level": pd.array([4, None], dtype="Int64")})
    shown = show.table(frame)
    assert cells(shown) == [["a", "4 AI-led"], ["b", "not yet"]]
    assert 'class="pb-chip pb-l4"' in shown.markup


def test_a_mean_level_shows_one_decimal_and_the_nearest_level_name():
    frame = pd.DataFrame({"function": ["Reporting", "SEO"], "target": [3.5, 2.0]})
    # 3.5 lies half way and goes up, as level_of says: floor(3.5 + 0.5) = 4
    assert cells(show.table(frame)) == [["Reporting", "3.5 AI-led"], ["SEO", "2.0 Human-directed"]]


def test_titles_units_and_meanings_come_from_the_data_dictionary():
    frame = tables.check(
        tables.TASKS,
        pd.DataFrame({"team": "a", "task_id": ["1"], "task": ["Post"], "workflow": ["Social"], "minutes_per_run": [5]}),
    )
    shown = show.table(frame, ["task", "runs_per_month", "minutes_per_run", "judgment"])
    assert titles(shown) == ["Task", "Runs a month", "Minutes a run", "Judgment|points|"]
    assert 'title="how often it is done"' in shown.markup
    assert titles(show.table(frame, ["judgment"], units=False)) == ["Judgment"]


def test_a_column_means_what_it_means_in_the_table_most_like_the_frame():
    frame = tables.check(
        tables.PLACEMENTS, pd.DataFrame({"team": "a", "task_id": ["1"], "score": [2.5], "coverage": [0.8]})
    )
    assert tables.PLACEMENTS.columns["score"].meaning in show.table(frame, legend=True).markup


def test_shares_are_percentages_and_numbers_of_a_column_share_their_decimals():
    frame = pd.DataFrame({"workflow": ["a", "b"], "coverage": [0.5, 0.126], "median_minutes": [3.25, 12.0]})
    # 0.126 = 12.6 % -> 13 %; 3.25 beside 12 -> one decimal each, half to even as Python rounds: 3.2
    assert cells(show.table(frame)) == [["a", "50\u00a0%", "3.2"], ["b", "13\u00a0%", "12.0"]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (-0.2, "\u22120.20"), (-0.0001, "0.00"), (250.6, "251"), (9.96, "10.0"), (3.0, "3")],
)
def test_a_number_reads_well(value, shown):
    assert look.number(value) == shown


def test_a_share_just_short_of_all_is_not_rounded_to_all():
    assert look.percent(0.996) == "99.6\u00a0%"
    assert look.percent(1.0) == "100\u00a0%"


def test_a_status_has_symbol_word_and_colour():
    shown = show.table(pd.DataFrame({"status": ["met", "not yet measurable"]}))
    assert cells(shown) == [["✓ met"], ["○ not yet measurable"]]
    assert "pb-good" in shown.markup


def test_every_status_of_the_data_dictionary_is_known():
    columns = [col for table in tables.TABLES.values() for col in table.columns.values()]
    words = {word for col in columns if col.name.endswith(("status", "verdict")) for word in col.choices}
    assert words <= set(look.STATUS_KINDS)


def test_the_team_column_is_left_out_for_one_team_and_kept_for_several():
    frame = pd.DataFrame({"team": ["a", "b"], "workflow": ["x", "y"]})
    assert titles(show.table(frame)) == ["Team", "Workflow"]
    assert titles(show.table(frame.head(1))) == ["Workflow"]


def test_more_rows_than_shown_are_counted_in_words():
    shown = show.table(pd.DataFrame({"workflow": [f"w{i}" for i in range(1234)]}), rows=4)
    assert len(cells(shown)) == 4
    assert "and 1,230 more." in shown.markup


def test_an_empty_table_says_so():
    shown = show.table(tables.TASKS.empty(), caption="The inventory", empty="No task yet.")
    assert "The inventory: No task yet." in shown.markup
    assert "<table" not in shown.markup


def test_an_unknown_column_is_refused_by_name():
    with pytest.raises(ParameterError, match="hours: not in this table; it has task"):
        show.table(pd.DataFrame({"task": ["x"]}), ["hours"])


def test_headers_carry_their_scope_and_the_table_its_caption():
    shown = show.table(pd.DataFrame({"rank": [1], "workflow": ["Reports"]}), caption="Pilots").markup
    assert shown.count('<th scope="col"') == 2
    assert '<th scope="row">Reports</th>' in shown
    assert "<caption>Pilots</caption>" in shown


def test_untrusted_text_is_escaped_everywhere():
    frame = pd.DataFrame({"task": [EVIL], EVIL: [EVIL]})
    pieces = [
        show.table(frame, caption=EVIL, note=EVIL),
        show.header(EVIL, organisation=EVIL, team=EVIL),
        show.findings([EVIL], title=EVIL),
        show.caveat(EVIL),
        show.next_step(EVIL, "20.ipynb"),
        show.table(pd.DataFrame({"task": [[EVIL]]}), {"task": EVIL}),
        show.table(frame.head(0), caption=EVIL),
    ]
    for piece in pieces:
        assert "<script" not in piece.markup
        assert "<img" not in piece.markup
        assert "&lt;script&gt;" in piece.markup


@pytest.mark.parametrize("link", ["https://x.org", "javascript:alert(1)", " //x.org/a", "DATA:text/html,x", "\\\\x\\y"])
def test_a_next_step_leads_to_a_file_beside_the_page_only(link):
    with pytest.raises(ParameterError, match="beside this page"):
        show.next_step("on", link)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (dt.date(2026, 11, 1), "starts 2 Nov 2026"),
        (dt.date(2026, 11, 2), "day 1 of 90"),
        (dt.date(2027, 1, 30), "day 90 of 90"),
        (dt.date(2027, 1, 31), "day 91, after the 90 days"),
    ],
)
def test_the_header_says_which_day_of_the_ninety_it_is(today, words):
    # day 1 is the start itself; 2 Nov + 89 days = 30 Jan
    assert words in show.header("Why?", start=dt.date(2026, 11, 2), today=today).markup


def test_the_phase_bar_fills_thirty_days_a_phase():
    shown = show.header("Why?", phase=2, start=dt.date(2026, 11, 2), today=dt.date(2026, 12, 16)).markup
    shown = shown.replace(show.style(), "")
    # 2 Nov to 16 Dec is day 45: phase 1 full, (45 - 30) / 30 = 50 % of phase 2, none of phase 3
    assert re.findall(r"width:(\d+)%", shown) == ["100", "50", "0"]
    assert shown.count('aria-current="step"') == 1


def test_a_phase_outside_the_three_is_refused():
    with pytest.raises(ParameterError, match="wanted 1, 2 or 3"):
        show.header("Why?", phase=4)


def test_a_made_up_workspace_is_labelled_on_every_page():
    assert "Made-up sample" in show.header("Why?", made_up=True).markup
    assert "Made-up" not in show.header("Why?").markup.replace(show.style(), "")


def test_no_findings_are_said_rather_than_left_blank():
    assert "Nothing can be said yet" in show.findings([]).markup


def test_the_engagements_own_notice_wins(tmp_path):
    own = tmp_path / "templates" / "report" / "notice.md"
    own.parent.mkdir(parents=True)
    own.write_text("Agreed with the <b>works council</b>.", encoding="utf-8")
    assert "Agreed with the &lt;b&gt;works council&lt;/b&gt;." in show.notice(tmp_path).markup
    assert "individual's employment" in show.notice().text


def test_every_piece_has_a_plain_text_for_readers_without_html():
    frame = pd.DataFrame({"workflow": ["x", "y"]})
    assert repr(show.table(frame, caption="Workflows")) == "Workflows: 2 rows"
    assert repr(show.findings(["One thing."])) == "What this says\n- One thing."


def test_a_table_that_asks_for_more_than_a_page_is_wide_is_set_smaller():
    few = pd.DataFrame({"task": ["Post"], "target_level": [4.0]})
    many = few.assign(**{f"w{i}": ["a text long enough to be broken over several lines"] for i in range(5)})
    # 6 + 9 letter heights fit in 60; five long columns more, 15 + 5 * 15 = 90, do not
    assert "pb-dense" not in show.table(few).markup
    assert "pb-table pb-many pb-dense" in show.table(many).markup


def test_a_rare_rate_is_not_shown_as_none():
    # beside 12.5 one decimal would do; 0.02 and 0.0004 keep their first digit, and a rounding error is none
    frame = pd.DataFrame({"name": list("abcd"), "rate": [12.5, 0.02, 0.0004, 1e-17]})
    assert [row[1] for row in cells(show.table(frame))] == ["12.5", "0.02", "0.0004", "0.0"]


def test_a_note_all_rows_share_is_said_once_under_the_caption():
    frame = pd.DataFrame({"name": list("abcdefgh"), "note": ["one currency only"] * 8})
    piece = show.table(frame, caption="Money")
    assert "Note" not in "".join(titles(piece))
    assert "<small>One currency only.</small>" in piece.markup


def test_a_shared_note_names_the_few_rows_it_does_not_hold_for():
    frame = pd.DataFrame({"name": list("abcdefgh"), "note": ["kept back"] * 7 + [""]})
    assert "Kept back (all but h)." in show.table(frame).markup


@pytest.mark.parametrize("notes", [["x", "y", "x"], ["x", "", ""], ["", "", ""]])
def test_notes_that_differ_or_hold_for_few_rows_stay_a_column(notes):
    assert "Note" in "".join(titles(show.table(pd.DataFrame({"name": list("abc"), "note": notes}))))


def test_half_a_run_a_month_is_not_shown_as_none():
    frame = pd.DataFrame({"task": ["a", "b"], "runs_per_month": [0.5, 260.0]})
    html = show.table(frame, ["task", "runs_per_month"], caption="Runs")._repr_html_()
    assert ">0.5<" in html
    assert ">260<" in html


def test_what_is_to_be_typed_stands_as_code_in_what_a_page_says():
    said = show.findings(["Write `playbook sheet <x>` first"])
    assert "Write <code>playbook sheet &lt;x&gt;</code> first" in said.markup
    assert said.text.endswith("- Write `playbook sheet <x>` first")
