"""Refused rows out and back in: after only the bad cell is put right, a row is what the good file would have stored."""

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from engagement import make_workspace, reconciles
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook.errors import IntakeError, ParameterError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import FORMATS, bring_in
from playbook.io.intake._how import How
from playbook.io.intake._rules import plain
from playbook.io.workbook import team_workbook
from playbook.tables import STORED

FIXTURES = Path(__file__).parent / "fixtures" / "exports"
TABLES = sorted(set(STORED) - {"settings", "teams", "imports", "rejects"})
ADS = 'Campaign report\n"September 1, 2026 - September 30, 2026"\nCampaign status,Campaign,Currency code,Impr.,Clicks,Cost\n'
TOGGL = "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration\n"


@pytest.fixture
def ws(tmp_path):
    return make_workspace(tmp_path / "engagement", "content", "growth")


@pytest.fixture
def bring(ws, tmp_path):
    def bring(text, name="file.csv", team="content", **how):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return bring_in(ws, path, team=team, **how)

    return bring


@pytest.fixture
def out(ws, tmp_path):
    """The workbook of refused rows, each time under a name of its own."""
    numbers = iter(range(100))
    return lambda team=None: rejects_workbook(ws, tmp_path / f"rejects{next(numbers)}.xlsx", team)


def rows_of(path, sheet=0):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path).worksheets[sheet].iter_rows()]


def cell_of(path, header, row=2, sheet=0):
    rows = rows_of(path, sheet)
    return rows[row - 1][rows[0].index(header)]


def put_right(path, header, value, row=2, sheet=0):
    """Write one cell, named by its header as people read it."""
    book = openpyxl.load_workbook(path)
    page = book[sheet] if isinstance(sheet, str) else book.worksheets[sheet]
    headers = [plain(str(cell.value)) for cell in page[1]]
    page.cell(row, headers.index(plain(header)) + 1).value = value
    book.save(path)
    return path


def held(ws):
    """What a workspace says in all of its tables, but for which row of which import brought it.

    Tasks measured from events are left out: they say which of them the log began with.
    """
    found = {}
    for name in TABLES if ws.read("events").empty else ["events"]:
        rows = ws.read(name).drop(columns=["import_id", "row"], errors="ignore")
        if len(rows):
            found[name] = sorted(map(str, rows.astype(object).where(rows.notna(), None).to_numpy().tolist()))
    return found


# --- valid cells are kept -----------------------------------------------------------------------------------------


def test_a_row_whose_one_bad_cell_is_put_right_comes_back_with_all_its_other_cells(bring, out, ws):
    head = "task_id,task,workflow,layer,minutes_per_run,basis,structure\n"
    assert bring(head + "t1,Write,News,production,forty,measured,4\n").rejected == 1
    path = out()
    assert (cell_of(path, "layer"), cell_of(path, "basis")) == ("production", "measured")
    assert bring_in(ws, put_right(path, "minutes_per_run", 40), team="content").stored == 1
    task = ws.read("tasks").iloc[0]
    assert (task["layer"], task["basis"], task["structure"], task["minutes_per_run"]) == (
        "production",
        "measured",
        4,
        40,
    )


# every table people fill in, with a cell in each column whose words are set: choices, factors, yes and no, days
WHOLE = {
    "tasks": {"task_id": "t1", "task": "Write", "workflow": "News", "layer": "qa", "current_level": "3", "basis": "Measured",
              "not_applicable": "judgment, data readiness", "minutes_per_run": "7.5"},
    "ratings": {"task_id": "t1", "factor": "Data readiness", "round": "1", "seat": "2", "value": "3", "day": "3 March 2026"},
    "overrulings": {"task_id": "t1", "decision": "Keep human", "reason": "It is a promise we made", "decided_by": "Lead",
                    "day": "2026-11-03"},
    "pilots": {"pilot_id": "p1", "workflow": "News", "level": "4", "status": "running", "start": "2026-11-03",
               "design": "before and after"},
    "pilot_items": {"pilot_id": "p1", "item": "i1", "arm": "trial", "day": "2026-11-04", "minutes": "12.5", "accepted": "yes",
                    "comparison": "off", "quality": "4"},
    "breakages": {"breakage_id": "b1", "pilot_id": "p1", "day": "2026-11-05", "category": "handover", "severity": "critical",
                  "what": "It stopped", "minutes_lost": "5"},
    "answers": {"questionnaire": "m", "question": "q1", "seat": "3", "not_applicable": "true", "day": "2026-11-05"},
    "readings": {"kpi": "throughput", "start": "2026-10-01", "days": "31", "value": "12"},
    "budget_lines": {"line": "tools", "monthly": "1200", "currency": "SEK"},
    "progress": {"activity": "map-workflows", "status": "under way", "done_on": "2026-11-05"},
    "decisions": {"decision_id": "d1", "day": "2026-11-02", "decision": "Start", "reason": "It is time"},
    "reviews": {"day": "2026-11-06", "reviewer_role": "Content lead", "agents": "2", "escalations": "1"},
    "role_proposals": {"role": "Copywriter", "new_role": "QA editor", "status": "in consultation", "consulted_on": "2026-11-12"},
    "pod_seats": {"pod": "Pipeline", "workflow": "News", "seat": "automation engineer", "role": "Analyst"},
    "agent_playbooks": {"playbook_id": "p1", "workflow": "News", "level": "4", "triggers": "2"},
    "risk_status": {"risk": "agent_dependency", "likelihood": "2", "impact": "3", "controls_done": "1"},
    "events": {"case": "A", "activity": "Draft", "timestamp": "2026-01-05 10:00", "resource": "Ann Bee"},
}  # fmt: skip


def test_every_sheet_people_fill_in_is_tried_below():
    assert set(WHOLE) == {name for name, kind in FORMATS.items() if kind.by_hand}


def table_text(lines, delimiter):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    return text.getvalue()


class Made:
    """A file of one format, made of copies of one good row that differ in one cell, so that each is a row of its own."""

    def __init__(self, name, lines, own, *, head=0, delimiter=",", **how):
        self.name, self.lines, self.head, self.delimiter, self.how = name, lines, head, delimiter, how
        self.header, self.sample = lines[head], lines[head + 1]
        self.own = self.header.index(own)

    def text(self, broken):
        """`broken` gives for each row what stands in it and where; a row without is as good as the sample."""
        rows = []
        for number, cell in enumerate(broken, start=1):
            row = list(self.sample)
            day = f"2026-01-{number:02d}" if number < 32 else f"2026-03-{number - 31:02d}"
            row[self.own] = day if self.sample[self.own].startswith("20") else f"{row[self.own]}{number}"
            if cell is not None:
                row[cell[0]] = cell[1]
            rows.append(row)
        return table_text([*self.lines[: self.head + 1], *rows], self.delimiter)

    def rows(self, count):
        """The copies as they are where nothing is broken."""
        return list(csv.reader(io.StringIO(self.text([None] * count), newline=""), delimiter=self.delimiter))[-count:]


def of_tool(name, own, *, head=0, delimiter=",", **how):
    rows = csv.reader(io.StringIO((FIXTURES / f"{name}.csv").read_text("utf-8-sig"), newline=""), delimiter=delimiter)
    return Made(name, list(rows), own, head=head, delimiter=delimiter, **how)


OWN = {"tasks": "task_id", "ratings": "task_id", "overrulings": "task_id", "pilots": "pilot_id", "pilot_items": "item",
       "breakages": "breakage_id", "answers": "question", "readings": "kpi", "budget_lines": "line", "progress": "activity",
       "decisions": "decision_id", "reviews": "day", "role_proposals": "role", "pod_seats": "workflow",
       "agent_playbooks": "playbook_id", "risk_status": "risk", "events": "case"}  # fmt: skip
FILES = [
    *(Made(name, [list(cells), list(cells.values())], OWN[name], timezone="Asia/Tokyo") for name, cells in WHOLE.items()),
    of_tool("asana", "Task ID", timezone="America/New_York"),
    of_tool("jira", "Issue key", timezone="America/New_York"),
    of_tool("clickup", "Task ID"),
    of_tool("toggl", "Project", timezone="America/New_York"),
    of_tool("clockify", "Project", timezone="America/New_York", dayfirst=True),
    of_tool("harvest", "Project", delimiter=";", timezone="Pacific/Auckland"),
    of_tool("ga4", "Session primary channel group (Default Channel Group)", head=9),
    of_tool("google_ads", "Campaign", head=2),
    of_tool("meta_ads", "Campaign name"),
    of_tool("klaviyo", "Campaign Name", dayfirst=True),
    of_tool("mailchimp", "Campaign title"),
    of_tool("langfuse", "id"),
]  # fmt: skip
BAD = ("2026-22-23", "x12", "forty")


def bad_cells(made, folder):
    """For each column a cell that refuses its row; a column whose cells are words has none."""
    tried = [(column, bad) for column in range(len(made.header)) for bad in BAD]
    ws = make_workspace(folder / "tried", "content")
    path = folder / "tried.csv"
    path.write_text(made.text(tried), encoding="utf-8")
    summary = bring_in(ws, path, team="content", as_format=made.name, **made.how)
    first = made.head + 2
    numbers = sorted({int(fault.row) - first for fault in summary.faults})
    return list({tried[number][0]: tried[number] for number in numbers}.values())


def as_typed(text):
    """What a spreadsheet program makes of a text that is typed into it."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return dt.datetime.fromisoformat(text)
    return dt.time.fromisoformat(text) if re.fullmatch(r"\d\d:\d\d:\d\d", text) else text


@pytest.mark.parametrize("typed", [False, True], ids=["as text", "as typed"])
@pytest.mark.parametrize("made", FILES, ids=lambda made: made.name)
def test_with_only_their_bad_cells_put_right_rows_are_what_the_good_file_would_have_stored(ws, tmp_path, made, typed):
    broken = bad_cells(made, tmp_path)
    count = len(broken) + 1
    path = tmp_path / "broken.csv"
    path.write_text(made.text([*broken, None]), encoding="utf-8")
    assert bring_in(ws, path, team="content", as_format=made.name, **made.how).rejected == len(broken) > 0
    sheet = rejects_workbook(ws, tmp_path / "rejects.xlsx")

    # untouched they are refused again, however often they come back
    assert bring_in(ws, sheet).stored == 0
    header, *lines = rows_of(sheet)
    assert len(lines) == len(broken)
    for line, cells in enumerate(lines, start=2):
        number = int(cells[header.index("refused from")].rpartition(":")[2]) - made.head - 2
        column, bad = broken[number]
        right = made.rows(count)[number][column]
        put_right(sheet, header[cells.index(bad)], as_typed(right) if typed else right, line)
    assert reconciles(bring_in(ws, sheet))

    good = make_workspace(tmp_path / "good", "content")
    path.write_text(made.text([None] * count), encoding="utf-8")
    bring_in(good, path, team="content", as_format=made.name, **made.how)
    assert held(ws) == held(good)
    assert ws.read("rejects").empty


def replaced(name, good, bad):
    """A file of a tool as its fixture is, and with one place of it broken."""
    data = (FIXTURES / name).read_text("utf-8")
    assert data.count(good) == 1
    return data, data.replace(good, bad)


@pytest.mark.parametrize(
    ("name", "good", "bad", "header", "right"),
    [
        ("trello.json", '"date": "2026-03-06T10:00:00.000Z"', '"date": "soon"', "Date", "2026-03-06T10:00:00.000Z"),
        ("xes.xes", "2026-02-03T11:00:00.000+01:00", "2026-02-30T11:00:00.000+01:00", "XES timestamp",
         "2026-02-03T11:00:00.000+01:00"),
        ("opentelemetry.json", '"startTimeUnixNano": "1793692801000000000"', '"startTimeUnixNano": "later"', "Start",
         "2026-11-03T08:00:01+00:00"),
        ("langsmith.jsonl", '"start_time": "2026-11-09T06:00:41"', '"start_time": "soon"', "Start", "2026-11-09T06:00:41"),
        ("calendar.ics", "DTEND;TZID=Europe/Berlin:20260317T150000", "DTEND;TZID=Europe/Berlin:20260317T130000", "DTEND",
         "TZID=Europe/Berlin:20260317T150000"),
    ],
)  # fmt: skip
def test_so_is_a_row_of_a_file_that_is_no_table(ws, tmp_path, name, good, bad, header, right):
    whole, broken = replaced(name, good, bad)
    how = {} if name == "calendar.ics" else {"timezone": "America/New_York"}
    (tmp_path / name).write_text(whole, encoding="utf-8")
    other = make_workspace(tmp_path / "good", "content")
    before = bring_in(other, tmp_path / name, team="content", **how)
    (tmp_path / name).write_text(broken, encoding="utf-8")
    assert bring_in(ws, tmp_path / name, team="content", **how).rejected == before.rejected + 1
    path = rejects_workbook(ws, tmp_path / "rejects.xlsx")
    fresh = {(r.row, r.column_name) for r in ws.read("rejects").itertuples()}
    fresh -= {(r.row, r.column_name) for r in other.read("rejects").itertuples()}
    ((number, column),) = fresh
    assert column == header, column
    line = 2 + [str(row[-1]).rpartition(":")[2] for row in rows_of(path)[1:]].index(str(number))
    assert reconciles(bring_in(ws, put_right(path, header, right, line)))
    assert held(ws) == held(other)
    assert len(ws.read("rejects")) == len(other.read("rejects"))


def board(path, end):
    """A board of monday.com with two finished items, the second with this planned end."""
    book = openpyxl.Workbook()
    for row in (
        ["Autumn campaign"],
        ["This month"],
        ["Name", "Person", "Status", "Timeline - Start", "Timeline - End", "Item ID (auto generated)"],
        ["Newsletter", "Claire Moreau", "Done", "2026-09-01", "2026-09-10", 7001],
        ["Fair", "Kenji Sato", "Done", "2026-09-02", end, 7002],
    ):
        book.active.append(row)
    book.save(path)
    return path


def test_so_is_an_item_of_a_board(ws, tmp_path):
    good = make_workspace(tmp_path / "good", "content")
    bring_in(good, board(tmp_path / "good.xlsx", "2026-09-11"), team="content")
    assert bring_in(ws, board(tmp_path / "bad.xlsx", "2026-09-31"), team="content").rejected == 1
    path = rejects_workbook(ws, tmp_path / "rejects.xlsx")
    assert bring_in(ws, put_right(path, "Planned end", "2026-09-11")).stored == 1
    assert held(ws) == held(good)


def test_a_dropped_issue_whose_time_spent_is_put_right_is_still_dropped(bring, out, ws):
    """Jira's resolution Won't Do, which an apostrophe takes apart, says that the work was given up."""
    head = "Summary,Issue key,Issue Type,Status,Created,Resolved,Resolution,Time Spent\n"
    row = "Write press note,M-1,Task,Done,12/Mar/24 9:41 AM,14/Mar/24 4:05 PM,Won't Do,an hour\n"
    assert bring(head + row).rejected == 1
    assert bring_in(ws, put_right(out(), "Time Spent", 3600)).stored == 1
    assert set(ws.read("events")["activity"]) == {"Task created", "Task dropped"}


def test_words_that_were_not_kept_are_named_beside_the_reason(bring, out):
    head = "Campaign status,Campaign,Impr.,Clicks,Cost,Day\n"
    bring(head + "Waiting for Mira,A,10,x12,5,2026-09-01\nEnabled,B,10,x12,5,2026-09-01\n")
    path = out()
    assert cell_of(path, "Campaign status").endswith("\u2026")
    assert "The words of Campaign status were not kept" in cell_of(path, "refused because")
    assert "not kept" not in cell_of(path, "refused because", row=3)


# --- a row is read as its file was --------------------------------------------------------------------------------


def amounts(ws):
    results = ws.read("channel_results")
    return {(row["name"], row.metric): (row.value, row.currency) for _, row in results.iterrows()}


def test_an_amount_with_a_decimal_comma_keeps_its_thousands_when_its_row_comes_back(bring, out, ws):
    """1.234 beside 99,50 is one thousand two hundred and thirty-four."""
    summary = bring(ADS + 'Enabled,A,EUR,"12.345",12,"99,50"\nEnabled,B,EUR,900,x12,"1.234"\n')
    assert (summary.stored, summary.rejected) == (1, 1)
    path = out()
    assert cell_of(path, "read with") == "a decimal comma"
    back = bring_in(ws, put_right(path, "Clicks", "12"), team="content")
    assert amounts(ws)["B", "cost"] == (1234, "EUR")
    assert "read as the file they come from: a decimal comma" in back.notes


@pytest.mark.parametrize(("cell", "value"), [(1.234, 1.234), (1234, 1234), ("1.234", 1234), ("1.234,5", 1234.5)])
def test_a_number_typed_into_the_sheet_is_the_number_whatever_mark_its_file_has(bring, out, ws, cell, value):
    bring(ADS + 'Enabled,A,EUR,10,12,"99,50"\nEnabled,B,EUR,900,12,many\n')
    bring_in(ws, put_right(out(), "Cost", cell))
    assert amounts(ws)["B", "cost"] == (value, "EUR")


def test_an_amount_no_number_of_its_file_made_plain_is_refused_again(bring, out, ws):
    """In a file split at semicolons 1.234 may be a fraction or a thousand; in the workbook it may be so still."""
    rows = "Campaign status;Campaign;Impr.;Clicks;Cost;Day\nEnabled;A;10;12;1.234;2026-09-01\n"
    assert bring(rows).rejected == 1
    path = out()
    assert cell_of(path, "read with") == "no number of their file shows its decimal mark"
    assert bring_in(ws, path).rejected == 1
    assert bring_in(ws, put_right(path, "Cost", "1234,00")).stored == 1
    assert amounts(ws)["A", "cost"][0] == 1234


def test_a_task_sheet_with_decimal_commas_keeps_them(bring, out, ws):
    rows = "task;workflow;layer;minutes per run;runs per month\nWrite;R;QA;7,5;1\nPlan;R;nowhere;12,5;1\n"
    assert bring(rows).rejected == 1
    assert bring_in(ws, put_right(out(), "layer", "QA")).stored == 1
    assert sorted(ws.read("tasks")["minutes_per_run"]) == [7.5, 12.5]


ENTRIES = (
    "Ann Bee,a@b.co,,News,,Write,No,2026-03-02,09:00:00,2026-03-02,10:00:00,01:00:00\n"
    "Ann Bee,a@b.co,,News,,Edit,No,2026-03-03,09:00:00,2026-03-03,10:61:00,01:00:00\n"
)


def test_a_corrected_entry_is_in_the_time_zone_its_file_was_read_with(bring, out, ws):
    """09:00 in New York is 14:00 UTC in winter."""
    bring(TOGGL + ENTRIES, timezone="America/New_York")
    path = out()
    assert cell_of(path, "read with") == "America/New_York for times without a zone"
    bring_in(ws, put_right(path, "End time", "10:00:00"), team="content")
    begun = ws.read("events").set_index("activity")["begun"]
    assert begun["Edit"] == pd.Timestamp("2026-03-03T14:00Z")


def test_a_time_zone_said_now_wins_and_the_summary_says_so(bring, out, ws):
    bring(TOGGL + ENTRIES, timezone="America/New_York")
    back = bring_in(ws, put_right(out(), "End time", "10:00:00"), timezone="Europe/Oslo")
    assert ws.read("events").set_index("activity")["begun"]["Edit"] == pd.Timestamp("2026-03-03T08:00Z")
    assert any(
        "taken as Europe/Oslo, as said now; their file was read with America/New_York" in note for note in back.notes
    )


def test_the_order_of_day_and_month_its_file_proved_holds_for_a_corrected_row(bring, out, ws):
    """13/03 in the first row shows that the day comes first, so 04/03 in the second is 4 March."""
    rows = ENTRIES.replace("2026-03-02", "13/03/2026").replace("2026-03-03", "04/03/2026")
    bring(TOGGL + rows)
    path = out()
    assert cell_of(path, "read with") == "the day first in dates"
    bring_in(ws, put_right(path, "End time", "10:00:00"))
    assert ws.read("events").set_index("activity")["begun"]["Edit"] == pd.Timestamp("2026-03-04T09:00Z")


def test_another_order_said_now_wins_with_a_note(bring, out, ws):
    bring(TOGGL + ENTRIES.replace("2026-03-02", "13/03/2026").replace("2026-03-03", "04/03/2026"))
    back = bring_in(ws, put_right(out(), "End time", "10:00:00"), dayfirst=False)
    assert ws.read("events").set_index("activity")["begun"]["Edit"] == pd.Timestamp("2026-04-03T09:00Z")
    assert any(
        "with the month first, as said now; their file was read with the day first" in note for note in back.notes
    )


@pytest.mark.parametrize("code", ["SEK", "jpy", "ZAR", "INR"])
def test_any_currency_of_a_refused_row_is_kept(bring, out, ws, code):
    bring(ADS + f"Enabled,A,{code},10,x12,99.50\n")
    path = out()
    assert cell_of(path, "Currency code") == code
    back = bring_in(ws, put_right(path, "Clicks", 12), team="content")
    assert amounts(ws)["A", "cost"] == (99.5, code.upper())
    assert not any("currency" in note for note in back.notes)


def test_a_currency_an_older_version_did_not_keep_has_to_be_written_again(bring, out, ws):
    bring(ADS + "Enabled,A,SEK,10,x12,99.50\n")
    path = put_right(put_right(out(), "Clicks", 12), "Currency code", "\u2026")
    assert bring_in(ws, path).rejected == 1
    assert bring_in(ws, put_right(path, "Currency code", "SEK")).stored == 1
    assert amounts(ws)["A", "cost"] == (99.5, "SEK")


def test_an_amount_with_its_currency_beside_it_is_kept(bring, out, ws):
    bring(ADS.replace(",Currency code", "") + "Enabled,A,10,x12,US$ 99.50\n")
    assert cell_of(out(), "Cost") == "US$ 99.50"
    bring_in(ws, put_right(out(), "Clicks", 12))
    assert amounts(ws)["A", "cost"] == (99.5, "USD")


def meeting(number, stamp, more):
    return f"BEGIN:VEVENT\nUID:{number}\nDTSTAMP:{stamp}\nDTSTART:20260302T090000Z\nSUMMARY:Meeting {number}\n{more}\nEND:VEVENT\n"


def test_a_corrected_meeting_is_counted_until_the_day_of_its_file(bring, out, ws):
    """The calendar was written on 23 March; the entry itself was changed last on 3 March, when it had met once."""
    weekly = "DTEND:20260302T080000Z\nRRULE:FREQ=WEEKLY"
    text = meeting(1, "20260323T120000Z", "DTEND:20260302T100000Z") + meeting(2, "20260303T120000Z", weekly)
    assert bring(f"BEGIN:VCALENDAR\n{text}END:VCALENDAR\n", "c.ics").rejected == 1
    path = out()
    assert cell_of(path, "read with") == "meetings counted until 2026-03-23 12:00 UTC"
    bring_in(ws, put_right(path, "DTEND", "20260302T100000Z"))
    # 2, 9, 16 and 23 March
    assert list(ws.read("events")["activity"]).count("Meeting 2") == 4


def test_rows_of_files_that_were_read_otherwise_stand_in_sheets_of_their_own(bring, out, ws):
    bring(ADS + 'Enabled,A,EUR,10,x12,"99,50"\n')
    bring(ADS + "Enabled,B,EUR,10,x12,99.50\n", "other.csv")
    path = out()
    assert openpyxl.load_workbook(path).sheetnames == ["google_ads content", "google_ads content 2"]
    put_right(put_right(path, "Clicks", 1), "Clicks", 2, sheet=1)
    assert bring_in(ws, path).stored == 2
    assert (amounts(ws)["A", "cost"], amounts(ws)["B", "cost"]) == ((99.5, "EUR"), (99.5, "EUR"))


def test_an_import_of_an_older_version_knows_nothing_of_how_and_its_rows_still_come_back(bring, out, ws):
    bring(ADS + "Enabled,A,EUR,10,x12,99.50\n")
    with ws.change() as change:
        rows = change.read("imports")
        change.remove("imports", rows)
        change.put("imports", rows.assign(how=None))
    path = out()
    assert "read with" not in rows_of(path)[0]
    assert bring_in(ws, put_right(path, "Clicks", 1)).stored == 1


def test_how_a_file_was_read_survives_being_kept(bring, ws):
    assert How.from_text("") == How()
    assert How().as_text() is None
    calendar = f"BEGIN:VCALENDAR\n{meeting(1, '20260323T120000Z', 'DTEND:20260302T100000Z')}END:VCALENDAR\n"
    bring(calendar, "c.ics", timezone="Europe/Oslo", dayfirst=True)
    kept = How.from_text(ws.read("imports")["how"].iloc[0])
    assert (kept.timezone, kept.dayfirst, kept.until) == ("Europe/Oslo", True, pd.Timestamp("2026-03-23T12:00Z"))
    assert How.from_text(kept.as_text()) == kept


# --- one workbook, one command ------------------------------------------------------------------------------------


def refuse_three(bring):
    bring("task,workflow,layer\nWrite,R,nowhere\n")
    bring("task,workflow,layer\nWrite,R,nowhere\n", team="growth")
    bring("case,activity,timestamp\nA,Draft,soon\nB,Draft,later\n", timezone="Europe/Oslo")


def put_three_right(path):
    put_right(path, "layer", "QA", sheet="tasks content")
    put_right(path, "layer", "input", sheet="tasks growth")
    return put_right(path, "timestamp", "2026-01-02T10:00", sheet="events content")


def test_a_workbook_of_several_teams_and_formats_comes_back_as_a_whole(bring, out, ws):
    refuse_three(bring)
    summary = bring_in(ws, put_three_right(out()))
    # of four rows the one that was not corrected is refused again
    assert (summary.rows_read, summary.stored, summary.rejected, summary.duplicates) == (4, 3, 1, 0)
    assert [(part.sheet, part.team, part.format, part.stored, part.rejected) for part in summary.parts] == [
        ("events content", "content", "events", 1, 1),
        ("tasks content", "content", "tasks", 1, 0),
        ("tasks growth", "growth", "tasks", 1, 0),
    ]
    assert all(reconciles(part) for part in summary.parts)
    assert str(summary).count(" rows = ") == 4
    tasks = ws.read("tasks").set_index(["team", "task"])["layer"]
    assert (tasks["content", "Write"], tasks["growth", "Write"]) == ("QA", "input")
    assert list(ws.read("events")["timestamp"]) == [pd.Timestamp("2026-01-02T09:00Z")]
    assert len(ws.read("rejects")) == 1


def test_the_same_workbook_again_adds_nothing_and_a_later_correction_in_it_does(bring, out, ws):
    refuse_three(bring)
    path = put_three_right(out())
    bring_in(ws, path)
    again = bring_in(ws, path)
    assert (again.stored, again.duplicates, again.already is not None) == (0, 4, True)
    assert len(ws.read("rejects")) == 1
    later = bring_in(ws, put_right(path, "timestamp", "2026-01-02T11:00", row=3, sheet="events content"))
    assert (later.rows_read, later.stored, later.duplicates) == (4, 1, 3)
    assert ws.read("rejects").empty
    assert len(ws.read("events")) == 2


def test_a_team_or_format_said_chooses_among_the_sheets_and_the_rest_is_named(bring, out, ws):
    refuse_three(bring)
    path = put_three_right(out())
    growth = bring_in(ws, path, team="growth")
    assert (growth.format, growth.team, growth.stored) == ("tasks", "growth", 1)
    assert "not read, as not chosen: 2 of events of team content" in growth.notes
    assert set(ws.read("tasks")["team"]) == {"growth"}
    events = bring_in(ws, path, as_format="events")
    assert (events.format, events.stored, events.rejected) == ("events", 1, 1)
    rest = bring_in(ws, path)
    assert (rest.stored, rest.duplicates) == (1, 3)
    with pytest.raises(ParameterError, match=r"refused rows of .* none of what was chosen"):
        bring_in(ws, path, as_format="jira")
    with pytest.raises(ParameterError, match="is not a format"):
        bring_in(ws, path, as_format="word")
    with pytest.raises(ParameterError, match="leave out --map"):
        bring_in(ws, path, mapping={"case": "case"})


def test_corrected_rows_of_one_team_never_become_those_of_another(bring, out, ws):
    bring("task,workflow,layer\nWrite,R,nowhere\n")
    with pytest.raises(ParameterError, match="tasks of team content"):
        bring_in(ws, put_right(out(), "layer", "QA"), team="growth")
    assert ws.read("tasks").empty


def test_any_other_file_needs_its_team(ws, tmp_path):
    (tmp_path / "t.csv").write_text("task,workflow\nWrite,R\n")
    with pytest.raises(ParameterError, match="say whose it is with --team"):
        bring_in(ws, tmp_path / "t.csv")


def test_a_sheet_of_refused_rows_saved_as_csv_comes_back_too(bring, out, ws, tmp_path):
    bring(TOGGL + ENTRIES, timezone="America/New_York")
    pd.read_excel(put_right(out(), "End time", "10:00:00"), dtype=str).to_csv(tmp_path / "back.csv", index=False)
    back = bring_in(ws, tmp_path / "back.csv")
    assert (back.format, back.stored) == ("toggl", 1)
    assert ws.read("events").set_index("activity")["begun"]["Edit"] == pd.Timestamp("2026-03-03T14:00Z")


def test_a_workbook_of_refused_rows_is_never_overwritten(bring, ws, tmp_path):
    bring("task,workflow,layer\nWrite,R,nowhere\n")
    path = put_right(rejects_workbook(ws, tmp_path / "rejects.xlsx"), "layer", "QA")
    with pytest.raises(ParameterError, match="may hold corrections"):
        rejects_workbook(ws, path)
    assert cell_of(path, "layer") == "QA"


def test_a_row_of_another_workspace_is_refused(bring, out, ws, tmp_path):
    bring("task,workflow,layer\nWrite,R,nowhere\n")
    other = make_workspace(tmp_path / "other", "content")
    with pytest.raises(IntakeError, match="row 2 was refused from no import this workspace knows"):
        bring_in(other, put_right(out(), "layer", "QA"), team="content")
    assert other.read("tasks").empty


def test_a_row_that_was_added_belongs_to_the_others_of_its_sheet(bring, out, ws):
    bring("task,workflow,layer\nWrite,R,nowhere\n")
    path = put_right(put_right(out(), "layer", "QA"), "task", "Plan", row=3)
    assert bring_in(ws, put_right(path, "workflow", "R", row=3)).stored == 2


def test_a_row_of_which_nothing_was_kept_stays_refused_until_it_is_written_anew(bring, out, ws):
    """A delimiter in a text moved the cells behind it, so that none is kept: they could hold anything."""
    bring("task,workflow,note\nWrite, edit,News,hello\nPlan,R,\n")
    path = out()
    assert "None of its cells was kept" in cell_of(path, "refused because")
    with pytest.raises(IntakeError, match="no refused row is filled in"):
        bring_in(ws, path)
    assert len(ws.read("rejects")) == 1
    put_right(put_right(path, "task", "Write, edit"), "workflow", "News")
    assert bring_in(ws, path).stored == 1
    assert ws.read("rejects").empty


def test_a_row_of_another_team_stays_refused_until_its_team_is_put_right(bring, out, ws):
    bring("team,task,workflow\ngrowth,Write,R\n")
    path = out()
    assert bring_in(ws, path).rejected == 1
    assert bring_in(ws, put_right(path, "team", None)).stored == 1


def test_a_log_without_a_column_of_persons_names_nobody(bring, out, ws):
    bring("case,activity,timestamp\nA,Draft,2026-01-05T10:00Z\nB,Draft,soon\n")
    bring_in(ws, put_right(out(), "timestamp", "2026-01-06T10:00Z"))
    assert list(ws.read("events")["resource"].isna()) == [True, True]


def test_of_two_same_events_of_a_file_the_one_that_was_refused_counts_when_it_comes_back(bring, out, ws):
    """Two edits in one second of one file both count, though one of the rows held an impossible date."""
    row = "A,Edit,2026-01-05T10:00Z,Ann,"
    bring(f"case,activity,timestamp,resource,due date\n{row}2026-01-09\n{row}2026-22-23\n")
    path = put_right(out(), "due date", "2026-01-09")
    assert bring_in(ws, path).stored == 1
    assert len(ws.read("events")) == 2
    assert bring_in(ws, put_right(path, "due date", "2026-01-10")).stored == 0
    assert len(ws.read("events")) == 2


# --- a team's own workbook ----------------------------------------------------------------------------------------


@pytest.fixture
def book(ws, tmp_path):
    """The team's workbook, in which one cell of its only task was made a word."""
    with ws.change() as change:
        task = {"team": "content", "task_id": "t1", "task": "Write", "workflow": "News", "layer": "production"}
        change.put("tasks", pd.DataFrame([{**task, "basis": "measured", "minutes_per_run": 30.0}]))
    path = team_workbook(ws, tmp_path / "team.xlsx", "content")
    put_right(path, "minutes_per_run", "forty", sheet="Tasks")
    assert bring_in(ws, path, team="content").rejected == 1
    return path


def test_a_bad_cell_of_a_teams_workbook_is_put_right_alone(book, out, ws):
    back = bring_in(ws, put_right(out(), "minutes_per_run", 40), team="content")
    assert (back.stored, back.updated, back.rejected) == (1, 1, 0)
    task = ws.read("tasks").iloc[0]
    assert (task["minutes_per_run"], task["layer"], task["basis"]) == (40, "production", "measured")
    assert ws.read("rejects").empty


def test_what_others_changed_since_the_export_is_still_shown_and_not_overwritten(book, out, ws):
    with ws.change() as change:
        change.put("tasks", change.read("tasks").assign(minutes_per_run=35.0, role="Editor"))
    path = put_right(out(), "minutes_per_run", 40)
    assert bring_in(ws, path).rejected == 1
    assert "where the workspace has 35" in ws.read("rejects")["found"].iloc[0]
    assert bring_in(ws, path, update=True).stored == 1
    task = ws.read("tasks").iloc[0]
    assert (task["minutes_per_run"], task["role"]) == (40, "Editor")


def test_what_is_remembered_of_a_row_is_no_column_of_the_sheet(book, out, ws):
    bring_in(ws, out())
    assert "(at export)" in json.loads(ws.read("rejects")["record"].iloc[0])
    assert not any(str(title).startswith("(") for title in rows_of(out())[0])


# --- encodings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["rot13", "base64", "hex", "zlib", "idna", "undefined", "punycode", "unicode_escape", "raw_unicode_escape", "a\0b",
             "\ud800", "", "no such", "x" * 5000]
)  # fmt: skip
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["unmarked", "marked"])
def test_what_is_no_encoding_of_a_file_is_one_error_that_says_what_is_wanted(ws, tmp_path, name, mark):
    (tmp_path / "t.csv").write_bytes(mark + b"task,workflow\nWrite,R\n")
    with pytest.raises(ParameterError, match=r"encoding: found .*; wanted the name of a text encoding, such as cp1252"):
        bring_in(ws, tmp_path / "t.csv", team="content", encoding=name)
    assert ws.read("imports").empty


@pytest.mark.parametrize(
    "name", ["cp1252", "latin-1", "CP437", "utf-8-sig", "mac_roman", "shift_jis", "utf-16-le", "cp500"]
)
def test_a_text_in_a_named_encoding_is_read(ws, tmp_path, name):
    (tmp_path / "t.csv").write_bytes("task,workflow\nWrite,R\n".encode(name))
    assert bring_in(ws, tmp_path / "t.csv", team="content", encoding=name).stored == 1


def test_every_encoding_there_is_reads_a_file_or_is_refused_in_the_kits_own_words(ws, tmp_path):
    from encodings.aliases import aliases

    (tmp_path / "t.csv").write_bytes(bytes(range(1, 256)) * 3)
    for name in sorted({*aliases, *aliases.values()}):
        with pytest.raises(PlaybookError):
            bring_in(ws, tmp_path / "t.csv", team="content", encoding=name)


# --- laws ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A workspace with refused rows of three formats, and their sheets as people may save them."""
    folder = tmp_path_factory.mktemp("busy")
    ws = make_workspace(folder / "engagement", "content", "growth")
    for number, (text, how) in enumerate(
        [
            ("task,workflow,layer\nWrite,R,nowhere\nPlan,R,none\n", {}),
            (ADS + 'Enabled,A,EUR,"12.345",x12,"99,50"\nEnabled,B,EUR,900,x12,"1.234"\n', {}),
            (TOGGL + ENTRIES.replace("10:00:00", "10:99:00"), {"timezone": "America/New_York"}),
        ]
    ):
        (folder / f"{number}.csv").write_text(text)
        bring_in(ws, folder / f"{number}.csv", team="content", **how)
    pages = pd.read_excel(rejects_workbook(ws, folder / "rejects.xlsx"), sheet_name=None, dtype=str)
    return ws, folder, [[list(page.columns), *page.fillna("").to_numpy().tolist()] for page in pages.values()]


edits = st.tuples(
    st.integers(0, 3),
    st.integers(0, 40),
    st.one_of(
        st.text(max_size=8), st.sampled_from(["12", "1,5", "2026-01-02", "refused from", "0" * 32 + ":2", "", "\u2026"])
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.lists(edits, max_size=6), st.sampled_from([None, "content", "growth"]), st.booleans())
def test_whatever_is_written_into_a_sheet_of_refused_rows_it_reconciles_or_is_refused_in_the_kits_words(
    busy, which, changes, team, update
):
    ws, folder, pages = busy
    lines = [list(line) for line in pages[which]]
    for row, column, text in changes:
        lines[row % len(lines)][column % len(lines[0])] = text
    path = folder / "edited.csv"
    path.write_text(table_text(lines, ","), encoding="utf-8", errors="replace", newline="")
    before = len(ws.read("imports"))
    try:
        summary = bring_in(ws, path, team=team, update=update)
    except PlaybookError:
        assert len(ws.read("imports")) == before
        return
    assert reconciles(summary)
    kept = ws.read("rejects")
    if summary.already is None:
        assert kept[kept["import_id"] == summary.import_id]["row"].nunique() == summary.rejected
