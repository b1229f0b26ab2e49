"""Exports of the tools a team works in: each becomes events of its work, persons as pseudonyms, texts left behind."""

import csv
import datetime as dt
import gzip
import io
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import yaml
from engagement import reconciles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from playbook.cli import app
from playbook.errors import ContentError, IntakeError, ParameterError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import FORMATS, bring_in
from playbook.io.intake._cells import Clock, instants, moment
from playbook.io.intake._mappings import FILE as MAPPINGS

FIXTURES = Path(__file__).parent / "fixtures" / "exports"
TOOLS = ("asana", "jira", "clickup", "monday", "trello", "xes")
# everyone invented for the fixtures, and words only their notes, comments and descriptions hold
PLANTED = (
    "Lindqvist", "Brandt", "Okafor", "Reyes", "Novotny", "Adeyemi", "Fontaine", "leafontaine7", "Weber", "Petrov",
    "Castillo", "Bo Lund", "Moreau", "Sato", "@example.com", "secret words", "private words", "Private words",
    "she knows", "has the keys", "send it to the list",
)  # fmt: skip


@pytest.fixture
def bring(ws, tmp_path):
    """Import a fixture by its name, or a text written as a file of that name."""

    def read(name, content=None, **how):
        path = FIXTURES / name
        if content is not None:
            path = tmp_path / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return bring_in(ws, path, team="content", **how)

    return read


def counts(summary):
    return summary.rows_read, summary.stored, summary.rejected, summary.duplicates


def told(ws):
    """Each event as case, activity, time and workflow, in the order of its file."""
    events = ws.read("events").sort_values(["row", "part"])
    return [(row.case, row.activity, row.timestamp.isoformat()[:16], row.workflow) for row in events.itertuples()]


def refused(ws):
    return {(row.row, row.column_name): row.found for row in ws.read("rejects").itertuples()}


def by_case(ws, case):
    events = ws.read("events")
    return events[events["case"] == case].sort_values("part")


def monday_book(path, *, bare=False):
    """A board as monday.com writes it: title, groups, a header a group, sub-items under another one, sums, comments."""
    items = ["Name", "Subitems", "Owner", "Status", "Label", "Label", "Checked", "Link", "Timeline - Start",
             "Timeline - End", "Item ID (auto generated)"]  # fmt: skip
    steps = ["Subitems", "Name", "Owner", "Status", "Date", "Item ID (auto generated)"]
    link = "Plan - https://board.example.com/9"
    rows = [
        ["Autumn campaign"],
        ["This month"],
        items,
        [
            "Newsletter",
            "Draft, Send",
            "Claire Moreau",
            "Done",
            "a, b",
            "c",
            "v",
            link,
            "2026-09-01",
            "2026-09-10",
            7001,
        ],
        steps,
        [None, "Draft", "Kenji Sato", "Done", "2026-09-04", 7002],
        [None, "Send", "Claire Moreau, Kenji Sato", "Working on it", "2026-09-10", 7003],
        ["Banner for Kenji Sato", None, None, "Done", None, None, None, None, None, None, 7004],
        [None, None, None, None, None, None, None, None, "2026-09-01", "2026-09-10", None],
        ["Next month"],
        items,
        ["Fair", None, "Claire Moreau", "Canceled", None, None, None, None, "2026-10-09", "2026-10-03", 7005],
    ]
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.active.title = "autumn campaign"
    if not bare:
        page = book.create_sheet("updates")
        for row in (["Autumn campaign"], ["Item ID", "Item Name", "Name", "Item ID (auto generated)", "Update Content"],
                    [7001, "Newsletter", "Claire Moreau", 1, "secret words"]):  # fmt: skip
            page.append(row)
    book.save(path)
    return path


# --- Asana --------------------------------------------------------------------------------------------------------


def test_an_asana_task_is_created_and_once_completed_is_work_done_under_its_name(bring, ws):
    summary = bring("asana.csv")
    # 1201 and 1202 are done, 1203 is open; 1204 was created on 30 February, 1205 completed before it was created
    assert counts(summary) == (5, 3, 2, 0)
    assert summary.format == "asana"
    assert told(ws)[:3] == [
        ("1201", "Task created", "2026-03-02T00:00", "Content desk"),
        ("1201", "Send the weekly newsletter", "2026-03-06T00:00", "Content desk"),
        ("1202", "Task created", "2026-03-09T00:00", "Content desk"),
    ]
    assert set(refused(ws)) == {(5, "Created At"), (6, "Completed At")}


def test_a_note_with_commas_and_line_breaks_is_one_cell_of_one_task_and_is_not_kept(bring, ws):
    assert "Notes" in next(note for note in bring("asana.csv").notes if note.startswith("not kept"))
    assert len(by_case(ws, "1201")) == 2


def test_an_open_asana_task_gives_its_creation_only(bring, ws):
    bring("asana.csv")
    assert by_case(ws, "1203")["activity"].tolist() == ["Task created"]


def test_a_start_after_the_completion_is_a_plan_and_no_begin(bring, ws):
    bring("asana.csv")
    assert by_case(ws, "1201")["begun"].tolist()[1] == pd.Timestamp("2026-03-05", tz="UTC")
    assert by_case(ws, "1202")["begun"].isna().all()


def test_rows_above_the_header_of_asanas_spreadsheet_are_passed_over(bring, ws):
    assert counts(bring("asana_spreadsheet.csv")) == (1, 1, 0, 0)
    assert [event[1] for event in told(ws)] == ["Task created", "Update price list"]


def test_an_id_that_a_spreadsheet_program_has_shortened_is_refused_and_not_taken_for_one_task(bring, ws, tmp_path):
    """Excel writes 1205678901234567 as 1.20568E+15 into a CSV and keeps 15 digits of it in a workbook."""
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    short = row.replace("1301", "1.20568E+15")
    assert counts(bring("excel.csv", f"{head}\n{short}\n{short}\n")) == (2, 0, 2, 0)
    assert "a spreadsheet program has shortened it" in ws.read("rejects")["wanted"].iloc[0]
    book = openpyxl.Workbook()
    book.active.append(head.split(","))
    book.active.append([1205678901234560, *row.split(",")[1:]])
    book.active.append([120567890123456, *row.split(",")[1:]])
    book.save(tmp_path / "excel.xlsx")
    assert counts(bring_in(ws, tmp_path / "excel.xlsx", team="content")) == (2, 1, 1, 0)


def test_days_that_a_spreadsheet_program_understood_in_part_are_refused_with_the_file(bring, ws, tmp_path):
    """Opened where the month comes first, 03/09/2026 becomes 9 March and 14/09/2026 stays a text."""
    book = openpyxl.Workbook()
    book.active.append(["case", "activity", "timestamp"])
    book.active.append(["1", "Draft", dt.date(2026, 3, 9)])
    book.active.append(["2", "Draft", "14/09/2026"])
    book.save(tmp_path / "log.xlsx")
    with pytest.raises(IntakeError, match="row 2 holds the day 2026-03-09T00:00:00 and row 3 the text 14/09/2026"):
        bring_in(ws, tmp_path / "log.xlsx", team="content")
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    task = row.split(",")
    book = openpyxl.Workbook()
    for cells in (head.split(","), [*task[:2], dt.date(2026, 3, 9), *task[3:]], ["1302", "14/09/2026", *task[2:]]):
        book.active.append(cells)
    book.save(tmp_path / "asana.xlsx")
    with pytest.raises(
        IntakeError, match="in column Created At, row 2 holds the day 2026-04-01 and row 3 the text 14/09/2026"
    ):
        bring_in(ws, tmp_path / "asana.xlsx", team="content")
    assert ws.read("events").empty


def test_a_file_as_long_as_asana_lets_it_be_is_said_to_be_perhaps_cut_off(bring):
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    rows = [row.replace("1301", str(number)) for number in range(2_000)]
    assert any("there may be more" in note for note in bring("a.csv", "\n".join([head, *rows])).notes)
    assert not any("there may be more" in note for note in bring("b.csv", "\n".join([head, *rows[1:]])).notes)


# --- Jira ---------------------------------------------------------------------------------------------------------


def test_a_jira_issue_is_created_by_its_reporter_and_resolved_by_its_assignee(bring, ws):
    summary = bring("jira.csv", timezone="Europe/Berlin")
    assert counts(summary) == (4, 3, 1, 0)
    # 12/Mar/24 9:41 in Berlin is 8:41 UTC in winter; 4:05 PM is 15:05 UTC
    assert told(ws)[:2] == [
        ("MKT-11", "Task created", "2024-03-12T08:41", "Marketing"),
        ("MKT-11", "Publish product page", "2024-03-14T15:05", "Marketing"),
    ]
    events = by_case(ws, "MKT-11")
    assert events["resource"].nunique() == 2


def test_jiras_seconds_become_minutes_and_words_in_their_place_are_refused(bring, ws):
    bring("jira.csv")
    # 5400 s / 60 = 90 min, on the event of the work and not on its creation
    assert by_case(ws, "MKT-11")["minutes"].fillna(0).tolist() == [0, 90]
    assert refused(ws) == {(5, "Time Spent"): "'90 minutes'"}


def test_an_issue_resolved_as_given_up_is_no_work_done(bring, ws):
    bring("jira.csv")
    assert by_case(ws, "MKT-12")["activity"].tolist() == ["Task created", "Task dropped"]


def test_an_unresolved_issue_was_only_created_and_midnight_is_twelve_am(bring, ws):
    bring("jira.csv")
    assert [event[1:3] for event in told(ws) if event[0] == "MKT-13"] == [("Task created", "2024-03-18T00:15")]


def test_headers_jira_repeats_do_not_stop_a_file_and_windows_line_ends_and_mark_neither(bring):
    data = (FIXTURES / "jira.csv").read_bytes()
    header = next(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert header.count("Labels") == 3
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    assert bring("jira.csv").format == "jira"


def test_a_jira_date_in_numbers_is_refused_until_its_order_is_said(bring, ws):
    summary = bring("jira_local_dates.csv")
    assert counts(summary) == (2, 0, 2, 0)
    assert "say whether the day comes first" in str(summary.faults[0])
    # the same bytes read another way: 6/3/2025 is 3 June where the month comes first
    assert bring("jira_local_dates.csv", dayfirst=False).stored == 2
    assert told(ws)[0][2] == "2025-06-03T16:14"
    assert ws.read("rejects").empty


def test_a_wrong_order_of_day_and_month_is_refused_where_no_such_month_exists(bring, ws):
    # with the day first 6/21/2025 would be the sixth day of a twenty-first month
    assert counts(bring("jira_local_dates.csv", dayfirst=True)) == (2, 1, 1, 0)
    assert set(refused(ws)) == {(3, "Created")}


# --- ClickUp ------------------------------------------------------------------------------------------------------


def test_clickups_epoch_milliseconds_are_instants_that_no_time_zone_changes(bring, ws):
    summary = bring("clickup.csv", timezone="Asia/Kolkata")
    assert counts(summary) == (4, 3, 1, 0)
    # 1758611500 s after 1970 is 2025-09-23 07:11:40 UTC
    assert told(ws)[0] == ("86aa1", "Launch video", "2025-09-23T07:11", "Video")
    assert any("dated by the task's creation" in note for note in summary.notes)


def test_seconds_where_clickup_writes_milliseconds_are_refused(bring, ws):
    bring("clickup.csv")
    assert refused(ws) == {(5, "Date Created"): "'1758618700'"}


def test_clickups_null_and_empty_brackets_are_empty_cells(bring, ws):
    bring("clickup.csv")
    events = ws.read("events")
    assert events.loc[events["activity"] == "Task dropped", "resource"].isna().all()
    assert not events.isin(["null", "[]"]).any().any()


def test_the_subtasks_of_a_clickup_task_are_steps_of_one_piece_of_work(bring, ws):
    bring("clickup.csv")
    assert ws.read("events")["case"].tolist() == ["86aa1"] * 3


def test_clickups_recorded_milliseconds_become_minutes(bring, ws):
    bring("clickup.csv")
    events = ws.read("events")
    # 5 400 000 ms / 60 000 = 90 min
    assert events.loc[events["activity"] == "Cut the video", "minutes"].tolist() == [90]


def test_a_clickup_export_with_a_date_of_completion_tells_creation_and_work(bring, ws):
    assert counts(bring("clickup_with_done.csv")) == (2, 2, 0, 0)
    assert by_case(ws, "86bb1")["activity"].tolist() == ["Task created", "Write case study"]
    assert by_case(ws, "86bb2")["activity"].tolist() == ["Task created"]
    assert by_case(ws, "86bb1")["begun"].notna().tolist() == [False, True]


def test_the_capitals_of_clickups_date_of_completion_do_not_matter(bring, ws):
    text = (FIXTURES / "clickup_with_done.csv").read_text(encoding="utf-8").replace("Date Done", "Date done")
    bring("done.csv", text.replace("Date Closed", "date closed"))
    # 1 758 797 100 000 ms are 25 September 2025, 10:45 UTC; the task was created two days before
    assert by_case(ws, "86bb1")["timestamp"].max() == pd.Timestamp("2025-09-25T10:45Z")


# --- monday.com ---------------------------------------------------------------------------------------------------


def test_a_monday_board_is_read_row_by_row_under_the_header_that_holds_there(ws, tmp_path):
    summary = bring_in(ws, monday_book(tmp_path / "board.xlsx"), team="content")
    # five items: one stands open, one is finished without any date; titles, groups, headers and sums are no rows
    assert counts(summary) == (4, 3, 1, 0)
    assert told(ws) == [
        ("7001", "Newsletter", "2026-09-10T00:00", "Autumn campaign"),
        ("7001", "Draft", "2026-09-04T00:00", "Autumn campaign"),
        ("7005", "Task dropped", "2026-10-03T00:00", "Autumn campaign"),
    ]
    assert set(refused(ws)) == {(8, "Finished")}


def test_mondays_planned_ends_are_taken_only_for_finished_items_and_said(ws, tmp_path):
    summary = bring_in(ws, monday_book(tmp_path / "board.xlsx"), team="content")
    assert "Send" not in set(ws.read("events")["activity"])
    assert any("dated by their planned end" in note for note in summary.notes)


def test_a_board_with_one_sheet_is_read_the_same_as_with_its_comments(ws, tmp_path):
    bring_in(ws, monday_book(tmp_path / "board.xlsx"), team="content")
    bare = bring_in(ws, monday_book(tmp_path / "bare.xlsx", bare=True), team="content")
    assert counts(bare) == (4, 0, 1, 3)


def test_a_boards_own_column_can_be_said_to_hold_the_people(ws, tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["Shop"],
        ["Name", "Designer", "Status", "Due date", "Item ID (auto generated)"],
        ["Banner", "Kenji Sato", "Done", "2026-09-04", 1],
    ):
        book.active.append(row)
    book.save(tmp_path / "shop.xlsx")
    bring_in(ws, tmp_path / "shop.xlsx", team="content", mapping={"Designer": "Person"})
    assert ws.read("events")["resource"].notna().all()


ITEMS = ["Name", "Subitems", "Owner", "Status", "Timeline - End", "Item ID (auto generated)"]


def board_of(path, *rows):
    book = openpyxl.Workbook()
    for row in (["Shop"], ITEMS, *rows):
        book.active.append(row)
    book.save(path)
    return path


def test_subitems_below_a_header_without_ids_are_steps_of_their_item(ws, tmp_path):
    path = board_of(
        tmp_path / "shop.xlsx",
        ["Newsletter", "Draft, Send", "Claire Moreau", "Done", "2026-09-10", 7001],
        ["Subitems", "Name", "Owner", "Status", "Date"],
        [None, "Draft", "Kenji Sato", "Done", "2026-09-04"],
        [None, "Send", "Claire Moreau", "Done", "2026-09-09"],
        ["Banner", None, "Kenji Sato", "Done", "2026-09-12", 7002],
    )
    assert counts(bring_in(ws, path, team="content")) == (4, 4, 0, 0)
    assert [(case, activity) for case, activity, _, _ in told(ws)] == [
        ("7001", "Newsletter"), ("7001", "Draft"), ("7001", "Send"), ("7002", "Banner"),
    ]  # fmt: skip


def test_an_item_or_subitem_without_a_name_is_refused_and_counted_while_sums_are_no_row(ws, tmp_path):
    path = board_of(
        tmp_path / "shop.xlsx",
        ["Newsletter", "Draft", "Claire Moreau", "Done", "2026-09-10", 7001],
        ["Subitems", "Name", "Owner", "Status", "Date", "Item ID (auto generated)"],
        [None, None, "Kenji Sato", "Done", "2026-09-04", 7002],
        [None, None, "Kenji Sato", "Done", "2026-09-05", None],
        ["Banner", None, "Kenji Sato", "Done", "2026-09-12", 7003],
        [None, None, "Kenji Sato", "Done", "2026-09-13", 7004],
        [None, None, None, None, "2026-09-13", None],
    )
    # rows 5 and 8 have ids and no names; 6 and 9 have neither
    assert counts(bring_in(ws, path, team="content")) == (4, 2, 2, 0)
    assert refused(ws) == {(5, "Name"): "nothing", (8, "Name"): "nothing"}


# --- Trello -------------------------------------------------------------------------------------------------------


def test_trellos_actions_are_an_event_log_of_cards_moving_through_lists(bring, ws):
    summary = bring("trello.json")
    assert counts(summary) == (4, 4, 0, 0)
    assert sorted((event[2], event[1]) for event in told(ws)) == [
        ("2026-03-02T08:00", "Ideas"),
        ("2026-03-03T09:00", "Writing"),
        ("2026-03-05T09:30", "Published"),
        ("2026-03-06T10:00", "Card archived"),
    ]
    assert {event[3] for event in told(ws)} == {"Social posts"}


def test_comments_and_renamings_on_a_card_are_passed_over_and_counted(bring):
    # 1 comment, 1 new description, 1 board made, and the 2 members who are only met
    assert any(note.startswith("5 rows tell of no work") for note in bring("trello.json").notes)


def test_a_board_without_actions_tells_when_each_card_was_made_and_where_it_lies(bring, ws):
    assert counts(bring("trello_cards_only.json")) == (2, 2, 0, 0)
    # the id begins with the second the card was made in: 2 March 2026, 8:00
    assert [event[1:3] for event in told(ws)][:2] == [
        ("Task created", "2026-03-02T08:00"),
        ("Published", "2026-03-05T09:30"),
    ]


def test_a_card_whose_id_is_no_time_is_refused(bring, ws):
    board = json.loads((FIXTURES / "trello_cards_only.json").read_text())
    board["cards"][0]["id"] = "not hexadecimal"
    assert bring("t.json", json.dumps(board)).rejected == 1
    assert [column for _, column in refused(ws)] == ["Card id"]


# --- XES ----------------------------------------------------------------------------------------------------------


def test_an_xes_start_becomes_the_begin_of_its_completion(bring, ws):
    summary = bring("xes.xes")
    # 6 events: a start that is part of its completion and a scheduling are no rows; one has no time
    assert counts(summary) == (4, 3, 1, 0)
    first = by_case(ws, "R-1").iloc[0]
    assert (first["activity"], first["workflow"]) == ("Write brief", "Campaign requests")
    assert (first["timestamp"] - first["begun"]) == pd.Timedelta(minutes=90)
    assert set(refused(ws)) == {(6, "XES timestamp")}


def test_a_start_that_was_never_completed_is_an_event_of_its_own(bring, ws):
    bring("xes.xes")
    assert by_case(ws, "R-2")[["activity"]].to_numpy().tolist() == [["Write brief"]]


def test_an_attribute_of_an_attribute_is_not_the_events_own(bring, ws):
    bring("xes.xes")
    assert "nested" not in set(ws.read("events")["activity"])


def test_a_packed_log_is_the_same_file_as_the_log_inside(bring):
    packed = gzip.compress((FIXTURES / "xes.xes").read_bytes())
    assert bring("xes.xes.gz", packed).stored == 3
    again = bring("xes.xes")
    assert again.already is not None
    assert counts(again) == (4, 0, 0, 4)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE log SYSTEM "http://tools.example.com/log.dtd">',
    ],
)
def test_an_xes_file_that_declares_entities_is_refused_unread(bring, declared):
    text = f'<?xml version="1.0"?>{declared}<log><trace><event/></trace></log>'
    with pytest.raises(IntakeError, match="declares a document type"):
        bring("bomb.xes", text)


def test_a_damaged_archive_and_broken_xml_are_refused_with_advice(bring):
    with pytest.raises(IntakeError, match="archive that is damaged"):
        bring("log.xes.gz", gzip.compress((FIXTURES / "xes.xes").read_bytes())[:200])
    with pytest.raises(IntakeError, match="no sound XML"):
        bring("log.xes", "<log><trace></log>")
    with pytest.raises(IntakeError, match="holds XML that no format reads"):
        bring("page.xes", "<html></html>")


def test_an_event_outside_any_trace_has_no_case_and_is_refused(bring, ws):
    text = '<log><event><string key="concept:name" value="Draft"/></event></log>'
    assert counts(bring("x.xes", text)) == (1, 0, 1, 0)
    assert set(refused(ws)) == {(1, "XES case")}


# --- any file, with a mapping -------------------------------------------------------------------------------------

SAID = {"Ticket": "case", "Step": "activity", "When": "timestamp", "Who": "resource"}


def test_json_lines_are_read_as_a_sheet_with_the_bad_lines_refused(bring, ws):
    summary = bring("generic.jsonl", mapping=SAID)
    assert (summary.format, *counts(summary)) == ("events", 5, 3, 2, 0)
    assert [event[:2] for event in told(ws)][:2] == [("71", "Draft"), ("71", "Review")]
    rows = {row for row, _ in refused(ws)}
    assert rows == {3, 4}
    assert refused(ws)[(3, "activity")] == "a list or an object"


def test_numbers_no_float_can_hold_stay_text_in_json_lines(bring, ws):
    line = '{"case": 12345678901234567890123, "activity": 1e999, "timestamp": "2026-05-04T09:00:00Z", "x": NaN}'
    assert bring("big.jsonl", line).stored == 1
    assert [event[:2] for event in told(ws)] == [("12345678901234567890123", "1e999")]


def test_a_mapping_said_once_is_kept_and_used_for_the_next_file_of_that_header(bring, ws):
    header = "Ticket,Step,When,Who\n"
    first = bring("may.csv", header + "1,Draft,2026-05-04T09:00:00Z,Ana Castillo\n", mapping=SAID)
    assert any(f"kept in {MAPPINGS}" in note for note in first.notes)
    second = bring("june.csv", header + "1,Review,2026-06-04T09:00:00Z,Bo Lund\n")
    assert (second.format, second.stored) == ("events", 1)
    assert "columns as said before" in str(second)
    assert "Ticket is case" in str(second)


def test_a_mapping_said_anew_replaces_the_kept_one(bring, ws):
    header = "Ticket,Step,Other,When\n"
    bring(
        "a.csv",
        header + "1,Draft,Plan,2026-05-04T09:00:00Z\n",
        mapping={"Ticket": "case", "Step": "activity", "When": "timestamp"},
    )
    bring(
        "b.csv",
        header + "1,Draft,Plan,2026-05-05T09:00:00Z\n",
        mapping={"Ticket": "case", "Other": "activity", "When": "timestamp"},
    )
    bring("c.csv", header + "1,Draft,Check,2026-05-06T09:00:00Z\n")
    assert [event[1] for event in sorted(told(ws), key=lambda event: event[2])] == ["Draft", "Plan", "Check"]
    assert len(yaml.safe_load((ws.folder / MAPPINGS).read_text(encoding="utf-8"))["mappings"]) == 1


def test_a_file_of_mappings_that_does_not_fit_is_named_and_nothing_is_guessed(bring, ws):
    (ws.folder / "intake").mkdir()
    (ws.folder / MAPPINGS).write_text("mappings: [{header: x, format: events, colums: {}}]\n")
    with pytest.raises(ContentError, match="colums"):
        bring("a.csv", "case,activity,timestamp\n1,Draft,2026-05-04T09:00:00Z\n")


def test_a_mapping_with_a_header_the_file_lacks_is_refused_and_not_kept(bring, ws):
    with pytest.raises(ParameterError, match="no column 'Tickt'"):
        bring("a.csv", "case,activity,timestamp\n1,a,2026-01-01\n", mapping={"Tickt": "resource"})
    assert not (ws.folder / MAPPINGS).exists()


@pytest.mark.parametrize("as_format", [None, "events"])
def test_a_mistyped_header_or_column_of_a_mapping_is_named_before_what_the_file_lacks(bring, ws, as_format):
    text, said = "Ticket,Step,When\n1,Draft,2026-05-04T09:00:00Z\n", {"Step": "activity", "When": "timestamp"}
    with pytest.raises(ParameterError, match=r"has no column 'Nope'; it has Ticket, Step, When"):
        bring("a.csv", text, mapping={**said, "Nope": "case"}, as_format=as_format)
    with pytest.raises(ParameterError, match="'casee' is no column of an event log: case, activity, timestamp"):
        bring("a.csv", text, mapping={**said, "Ticket": "casee"}, as_format=as_format)
    assert not (ws.folder / MAPPINGS).exists()


def test_a_tools_own_header_in_another_language_can_be_mapped_to_it(bring, ws):
    text = (FIXTURES / "asana.csv").read_text(encoding="utf-8").replace("Completed At", "Erledigt am")
    with pytest.raises(IntakeError, match="fits no format"):
        bring("de.csv", text)
    assert bring("de.csv", text, mapping={"Erledigt am": "Completed At"}).format == "asana"
    assert "Send the weekly newsletter" in set(ws.read("events")["activity"])
    assert bring("de2.csv", text.replace("1201", "1299")).format == "asana"


def test_the_command_line_takes_a_mapping_and_keeps_it(ws, tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("Ticket,a=b,When\n1,Draft,2026-05-04T09:00:00Z\n")
    words = ["import", str(file), "--team", "content", "--workspace", str(ws.folder)]
    said = ["--map", "Ticket=case", "--map", "a=b=activity", "--map", "When=timestamp"]
    done = CliRunner().invoke(app, [*words, *said])
    assert done.exit_code == 0, done.output
    assert told(ws)[0][:3] == ("1", "Draft", "2026-05-04T09:00")
    assert CliRunner().invoke(app, [*words, "--map", "Ticket"]).exit_code != 0


# --- what holds for every tool ------------------------------------------------------------------------------------


def fixture_of(name, folder):
    if name == "monday":
        return monday_book(folder / "board.xlsx")
    return next(FIXTURES.glob(f"{name}.*"))


@pytest.mark.parametrize("name", TOOLS)
def test_every_tools_file_reconciles_and_brought_again_adds_nothing(ws, tmp_path, name):
    file = fixture_of(name, tmp_path)
    first = bring_in(ws, file, team="content")
    assert first.format == name
    assert reconciles(first)
    assert first.stored
    again = bring_in(ws, file, team="content")
    assert counts(again) == (first.rows_read, 0, 0, first.rows_read)


@pytest.mark.parametrize("name", TOOLS)
def test_no_name_address_or_free_text_of_any_tool_is_kept_anywhere(ws, tmp_path, name):
    summary = bring_in(ws, fixture_of(name, tmp_path), team="content")
    rejects_workbook(ws, ws.folder / "reports" / "rejects.xlsx")
    sheet = openpyxl.load_workbook(ws.folder / "reports" / "rejects.xlsx")
    written = [str(cell) for page in sheet for row in page.iter_rows(values_only=True) for cell in row]
    kept = [path.read_bytes().decode("utf-8", "ignore") for path in ws.folder.rglob("*") if path.is_file()]
    for word in PLANTED:
        assert not any(word in text for text in (*written, *kept, str(summary))), word


@pytest.mark.parametrize("name", ["asana", "jira", "clickup", "monday", "xes"])
def test_what_a_tools_file_had_refused_comes_back_as_a_sheet_of_that_tool(ws, tmp_path, name):
    summary = bring_in(ws, fixture_of(name, tmp_path), team="content")
    sheet = rejects_workbook(ws, tmp_path / "rejects.xlsx")
    back = bring_in(ws, sheet, team="content")
    assert (back.format, back.rows_read) == (name, summary.rejected)


def test_a_corrected_row_is_stored_and_no_longer_listed(bring, ws, tmp_path):
    bring("asana.csv")
    path = rejects_workbook(ws, tmp_path / "rejects.xlsx")
    book = openpyxl.load_workbook(path)
    page = book.active
    header = [cell.value for cell in page[1]]
    page.cell(2, header.index("Created At") + 1).value = "2026-03-10"
    page.cell(3, header.index("Completed At") + 1).value = "2026-03-19"
    book.save(path)
    assert counts(bring_in(ws, path, team="content")) == (2, 2, 0, 0)
    assert ws.read("rejects").empty


def test_a_task_that_was_finished_since_the_last_export_adds_only_what_is_new(bring, ws):
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    still_open = row.replace("2026-04-01,2026-04-03", "2026-04-01,")
    assert counts(bring("april.csv", f"{head}\n{still_open}\n")) == (1, 1, 0, 0)
    assert counts(bring("may.csv", f"{head}\n{row}\n")) == (1, 1, 0, 0)
    assert [event[1] for event in sorted(told(ws), key=lambda event: event[2])] == ["Task created", "Update price list"]
    assert counts(bring("june.csv", f"{head}\n{row} \n")) == (1, 0, 0, 1)


def test_a_task_renamed_or_given_to_somebody_else_since_the_last_export_is_the_same_task(bring, ws):
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    bring("sep.csv", f"{head}\n{row}\n{row.replace('1301', '1302')}\n{row.replace('1301', '1303')}\n")
    changed = [
        row.replace("Update price list", "Update all price lists"),
        row.replace("1301", "1302").replace("Mara Lindqvist,mara.lindqvist@example.com", ","),
        row.replace("1301", "1303").replace("Mara", "Tove").replace("mara", "tove"),
        row.replace("1301", "1304"),
    ]
    # each task is created and finished: of eight events the new task's two are new
    assert counts(bring("oct.csv", "\n".join([head, *changed]) + "\n")) == (4, 1, 0, 3)
    assert len(ws.read("events")) == 8


def test_two_tasks_of_one_case_finished_on_one_day_both_count_in_a_later_export(bring, ws):
    """Sub-items are work of their item's case: the one that was there pairs with itself, the other is new."""
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    bring("sep.csv", f"{head}\n{row}\n")
    both = f"{head}\n{row}\n{row.replace('Update price list', 'Proofread it')}\n"
    assert counts(bring("oct.csv", both)) == (2, 1, 0, 1)


def test_a_tools_export_wins_over_the_task_sheet_and_the_event_log_it_also_fits(bring):
    """The header has a task sheet's and an event log's columns too; Asana's own say more."""
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    text = f"{head},task,workflow,case,activity,timestamp\n{row},a,b,c,d,2026-01-01\n"
    assert bring("both.csv", text).format == "asana"
    assert bring("both.csv", text, as_format="events").format == "events"


def test_a_row_of_another_width_is_refused_and_nothing_of_it_is_kept(bring, ws):
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    assert counts(bring("wide.csv", f"{head}\n{row},secret words\n")) == (1, 0, 1, 0)
    assert ws.read("rejects")["record"].tolist() == ["{}"]


def test_a_long_title_is_cut_and_a_long_case_is_refused(bring, ws):
    head, row = (FIXTURES / "asana_spreadsheet.csv").read_text().splitlines()[3:]
    long_title, long_id = row.replace("Update price list", "x" * 900), row.replace("1301", "9" * 400)
    assert counts(bring("long.csv", f"{head}\n{long_title}\n{long_id}\n")) == (2, 1, 1, 0)
    assert by_case(ws, "1301")["activity"].str.len().tolist() == [len("Task created"), 300]


@given(
    text=st.one_of(
        st.datetimes().map(lambda when: when.isoformat()),
        st.datetimes().map(lambda when: f"{when:%d/%b/%Y %I:%M %p}"),
        st.from_regex(r"[0-3]?\d[./-][0-3]?\d[./-](19|20)\d\d( \d{1,2}:[0-5]\d( [AP]M)?)?", fullmatch=True),
        st.from_regex(r"(19|20)\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d(Z|[+-]0\d:?[0-5]\d)?", fullmatch=True),
        st.text(max_size=12),
    ),
    zone=st.sampled_from([None, "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
    dayfirst=st.sampled_from([None, True, False]),
)
@settings(max_examples=75, deadline=None)
def test_one_cell_is_read_as_the_same_instant_as_in_a_column(text, zone, dayfirst):
    clock = Clock(zone, dayfirst)
    one, column = moment(text, clock), instants(pd.Series([text], dtype="str"), clock)
    assert (one.value is None) == bool(column.wanted)
    if one.value is not None:
        assert pd.Timestamp(one.value) == column.moments[0]
        assert one.without_zone == bool(column.without_zone)


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "null", "[]", "2026-03-02", "12/Mar/24 9:41 AM", "3/4/2026", "1758611500000", "9" * 20, "Done",
                     "a@example.com", "Anna Berg", '"', "=1+1", "-1", "1e400", "\x00", "2026-02-30", "[a, b]"]),
)  # fmt: skip
HEADERS = {
    "asana": FORMATS["asana"].wants(),
    "jira": (*FORMATS["jira"].wants(), "Labels", "Labels", "Custom field (Points)"),
    "clickup": FORMATS["clickup"].wants(),
    "monday": FORMATS["monday"].wants(),
    "trello": FORMATS["trello"].wants(),
    "xes": FORMATS["xes"].wants(),
}


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_under_a_tools_header_is_stored_refused_or_known(busy, tmp_path_factory, name, data):
    header = HEADERS[name]
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(header) - 1, max_size=len(header) + 1), max_size=5))
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path = tmp_path_factory.mktemp("thrown") / "file.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass") if data.draw(st.booleans()) else
                     text.getvalue().encode("utf-16", "replace"))  # fmt: skip
    try:
        summary = bring_in(busy, path, team="content", dayfirst=data.draw(st.sampled_from([None, True, False])))
    except PlaybookError:
        return
    assert summary.format == name
    assert reconciles(summary)
    assert summary.rows_read <= len(rows)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("2026-03-02T08:00:00Z")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["id", "name", "type", "date", "data", "card", "list", "listAfter", "old", "idMembers",
                             "memberCreator", "fullName", "dateLastActivity", "case", "activity", "timestamp"]),
            inner, max_size=5,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    document=st.one_of(
        st.fixed_dictionaries({"cards": st.lists(JSON, max_size=3), "lists": JSON, "actions": JSON, "members": JSON}),
        JSON,
    ),
    lines=st.booleans(),
    junk=st.binary(max_size=6),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_json_is_brought_only_a_playbook_error_comes_out(busy, tmp_path_factory, document, lines, junk):
    path = tmp_path_factory.mktemp("thrown") / "file.json"
    event = '{"case": 1, "activity": "a", "timestamp": "2026-01-01"}\n' if lines else ""
    path.write_bytes(event.encode() + json.dumps(document).encode() + junk)
    try:
        summary = bring_in(busy, path, team="content")
    except PlaybookError:
        return
    assert reconciles(summary)


@given(inside=st.text(alphabet="<>/=\"' &;ab\n", max_size=40), cut=st.integers(0, 400), place=st.integers(0, 1_800))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_becomes_of_an_xes_file_only_a_playbook_error_comes_out(busy, tmp_path_factory, inside, cut, place):
    whole = (FIXTURES / "xes.xes").read_text()
    path = tmp_path_factory.mktemp("thrown") / "file.xes"
    path.write_text(whole[:place] + inside + whole[place + cut :], encoding="utf-8")
    try:
        summary = bring_in(busy, path, team="content")
    except PlaybookError:
        return
    assert reconciles(summary)
