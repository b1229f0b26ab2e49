"""Files in: every row of every file is stored, refused with a reason or known already, and no person is kept."""

import datetime as dt
import json
import re

import openpyxl
import pandas as pd
import pytest
from engagement import reconciles, with_teams
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import playbook
from playbook.errors import IntakeError, ParameterError, PlaybookError
from playbook.io.intake import FORMATS, SHEET_LIMIT, bring_in, load_rules
from playbook.io.intake._cells import Clock, day, instants, is_impossible, number
from playbook.io.intake._door import _recognise
from playbook.io.intake._settle import NUMBERED
from playbook.io.intake._source import open_source
from playbook.io.intake.tasks import task_id
from playbook.io.pseudonyms import Pseudonyms
from playbook.tables import STORED, WRITTEN_BY_AGENTS

TASKS = "task,workflow,minutes_per_run\nWrite report,Reporting,30\nPlan week,Planning,45\n"
EVENTS = "case,activity,timestamp,resource\nA,Draft,2026-01-05T10:00:00Z,anna\nA,Edit,2026-01-05T11:00:00Z,ben\n"


@pytest.fixture
def bring(ws, tmp_path):
    """Write a file and import it."""

    def write(content, name="file.csv", team="content", **how):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return bring_in(ws, path, team=team, **how)

    return write


def workbook(path, *sheets):
    """An XLSX file with one sheet for each list of rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for place, rows in enumerate(sheets):
        page = book.create_sheet(f"Sheet {place}")
        for row in rows:
            page.append(row)
    book.save(path)
    return book


def reasons(ws):
    return {(row.row, row.column_name): row.wanted for row in ws.read("rejects").itertuples()}


# --- real input ---------------------------------------------------------------------------------------------------


def test_the_real_event_log_keeps_every_row_and_refuses_those_with_an_impossible_date(workspace, shared_data):
    ws, log = with_teams(workspace), shared_data / "content_events" / "events.csv"
    raw = pd.read_csv(log, dtype=str, keep_default_na=False)
    impossible = raw.index[raw["publish_date"] == "2015-22-23"] + 2  # the header is row 1
    summary = bring_in(ws, log, team="content", as_format="events")
    # 3,478 rows, 17 of them under the publish date 2015-22-23
    assert (summary.rows_read, summary.stored, summary.rejected, summary.duplicates) == (3478, 3461, 17, 0)
    rejects = ws.read("rejects")
    assert list(rejects["row"].sort_values()) == list(impossible)
    assert set(rejects["column_name"]) == {"publish_date"}
    assert json.loads(rejects["record"].iloc[0])["publish_date"] == "2015-22-23"
    assert "row 1211, publish_date: '2015-22-23'; wanted a date that exists" in str(summary)
    events = ws.read("events")
    assert events["case"].nunique() == raw.drop(impossible - 2)["case_id"].nunique()
    assert events["resource"].str.fullmatch("p_[0-9a-f]{16}").all()
    assert events["resource"].nunique() == raw.drop(impossible - 2)["resource"].nunique()


def test_the_same_file_again_adds_nothing_whatever_it_is_called(bring, ws):
    first, second = bring(EVENTS, "a.csv"), bring(EVENTS, "b.csv")
    assert (first.stored, second.stored, second.duplicates) == (2, 0, 2)
    assert "imported before" in str(second)
    assert len(ws.read("events")) == 2
    assert len(ws.read("imports")) == 1


def test_the_same_file_for_another_team_is_another_import(bring, ws):
    bring(EVENTS)
    assert bring(EVENTS, team="Growth team").stored == 2
    assert set(ws.read("events")["team"]) == {"content", "growth"}


def test_a_log_exported_again_adds_only_its_new_events(bring):
    bring(EVENTS)
    later = bring(EVENTS + "A,Publish,2026-01-06T09:00:00Z,anna\n", "later.csv")
    assert (later.rows_read, later.stored, later.duplicates) == (3, 1, 2)


def log(activities, first_day=1):
    """Each activity once a day over twenty days, on one piece of work a day."""
    rows = [
        f"c{day},{activity},2026-01-{day:02d}T{9 + hour:02d}:00:00Z"
        for day in range(first_day, first_day + 20)
        for hour, activity in enumerate(activities)
    ]
    return "case,activity,timestamp\n" + "\n".join(rows) + "\n"


def test_an_event_log_becomes_tasks_with_measured_frequency(bring, ws):
    summary = bring(log(["Draft", "Edit"]))
    tasks = ws.read("tasks", team="content").set_index("task")
    assert set(tasks.index) == {"Draft", "Edit"}
    assert set(tasks["basis"]) == {"measured"}
    # 20 drafts between 1 January 9:00 and 20 January 10:00, 19.04 days of 30.44 a month: 20 / 19.04 x 30.44 = 31.97
    assert tasks.loc["Draft", "runs_per_month"] == pytest.approx(31.97, abs=0.05)
    assert summary.notes[-1] == "2 tasks measured from the log"


def test_a_later_log_measures_again_and_keeps_what_people_wrote(bring, ws):
    bring(log(["Draft", "Edit"]))
    with ws.change() as change:
        mine = change.read("tasks", "content")
        mine.loc[mine["task"] == "Draft", ["workflow", "structure"]] = ["Blog", 4.0]
        mine.loc[mine["task"] == "Edit", ["basis", "runs_per_month"]] = ["estimated", 7.0]
        change.put("tasks", mine)
    before = ws.read("tasks", team="content").set_index("task").loc["Draft", "runs_per_month"]
    summary = bring(log(["Draft", "Edit", "Draft", "Publish"], first_day=8), name="later.csv")
    tasks = ws.read("tasks", team="content").set_index("task")
    assert summary.notes[-1] == "1 task measured from the log, 1 measured again"
    assert (tasks.loc["Draft", "workflow"], tasks.loc["Draft", "structure"]) == ("Blog", 4.0)
    assert tasks.loc["Draft", "runs_per_month"] > before
    assert (tasks.loc["Edit", "basis"], tasks.loc["Edit", "runs_per_month"]) == ("estimated", 7.0)


LOG = "Ticket,Step,start_time,end,Spent,Project\n"
MEANS = {
    "Ticket": "case",
    "Step": "activity",
    "start_time": "begun",
    "end": "timestamp",
    "Spent": "minutes",
    "Project": "workflow",
}


def test_a_log_brings_when_work_was_begun_and_the_minutes_it_took(bring, ws):
    told = str(
        bring(
            LOG + "1,Draft,2026-05-04T09:00Z,2026-05-04T10:00Z,45,Blog\n"
            "1,Check,,2026-05-04T12:00Z,,\n"
            "1,Plan,2026-05-04T16:00Z,2026-05-04T15:00Z,7.5,Blog\n",
            mapping=MEANS,
        )
    )
    events = ws.read("events").set_index("activity")
    assert events["begun"].dropna().to_dict() == {"Draft": pd.Timestamp("2026-05-04T09:00Z")}
    assert events["minutes"].dropna().to_dict() == {"Draft": 45, "Plan": 7.5}
    assert events["workflow"].dropna().to_dict() == {"Draft": "Blog", "Plan": "Blog"}
    # the plan was begun after it ended
    assert "1 begins after the end of their event were left out" in told
    assert "begun from start_time" in told


def test_minutes_measured_in_a_log_are_the_minutes_of_its_tasks(bring, ws):
    rows = (f"{day},Draft,,2026-05-{day:02}T10:00Z,{45 if day % 2 else 15},Blog\n" for day in range(4, 14))
    bring(LOG + "".join(rows), mapping=MEANS)
    # five runs of 45 minutes and five of 15: (45 + 15) / 2 minutes a run
    assert ws.read("tasks")["minutes_per_run"].tolist() == [30]


@pytest.mark.parametrize(
    ("begun", "spent", "column"), [("noon", "1", "begun"), ("", "many", "minutes"), ("", "-1", "minutes"), ("", "1e9", "minutes"), ("", "nan", "minutes")]
)  # fmt: skip
def test_a_begin_or_minutes_that_cannot_be_read_refuse_the_row(bring, ws, begun, spent, column):
    summary = bring(
        LOG + f"1,Draft,{begun},2026-05-04T10:00Z,{spent},Blog\n1,Check,,2026-05-04T11:00Z,,\n", mapping=MEANS
    )
    assert (summary.stored, summary.rejected) == (1, 1)
    assert set(reasons(ws)) == {(2, column)}


def test_two_equal_events_of_one_log_are_two_events_and_stay_two(bring, ws):
    twice = EVENTS + "A,Edit,2026-01-05T11:00:00Z,ben\n"
    assert bring(twice).stored == 3
    assert bring(twice + "B,Draft,2026-01-07T11:00:00Z,ben\n", "later.csv").stored == 1
    assert len(ws.read("events")) == 4


def test_the_same_bytes_read_in_another_time_zone_are_not_stored_twice(bring, ws):
    log = "case,activity,timestamp\nA,Draft,2026-01-05T10:00:00\nB,Draft,5/1/2026\n"
    assert "1 timestamps carry no zone and were taken as UTC" in str(bring(log))
    again = bring(log, timezone="Europe/Berlin", dayfirst=True)
    # row 2 is stored already; row 3 was refused for its order and is midnight in Berlin, 23:00 UTC the day before
    assert (again.stored, again.duplicates) == (1, 1)
    assert list(ws.read("events").set_index("case").loc["B", ["timestamp"]]) == [pd.Timestamp("2026-01-04T23:00Z")]


def spent(when, minutes, step="Draft", begun=""):
    """A log of one step of ticket 1, when it ended and the minutes it took."""
    return LOG + f"1,{step},{begun},{when},{minutes},Blog\n"


def test_other_minutes_of_a_day_alone_are_other_work_and_of_a_time_of_day_the_same(bring, ws):
    zone = {"mapping": MEANS, "timezone": "Europe/Berlin"}
    bring(spent("2026-05-04", 45), **zone)
    assert bring(spent("2026-05-04", 30), **zone).stored == 1
    bring(spent("2026-05-04T10:00", 20), **zone)
    assert bring(spent("2026-05-04T10:00", 25), **zone).duplicates == 1
    # on the day 45 and 30 minutes; what ended at 10:00 took 20 when it was first told
    assert sorted(ws.read("events")["minutes"]) == [20, 30, 45]


def test_work_of_nobody_is_known_by_its_begin_and_end(bring, ws):
    bring(spent("2026-05-04T10:00Z", 20, begun="2026-05-04T09:00Z"), mapping=MEANS)
    assert bring(spent("2026-05-04T10:00Z", 25, begun="2026-05-04T09:00Z"), mapping=MEANS).duplicates == 1
    assert bring(spent("2026-05-04T10:00Z", 25, begun="2026-05-04T09:30Z"), mapping=MEANS).stored == 1
    # begun at 9:00 with 20 minutes, and begun at 9:30 with 25
    assert sorted(ws.read("events")["minutes"]) == [20, 25]


@pytest.mark.parametrize("resolved", ["12/Mar/26 12:00 PM", "12/Mar/26 12:00 AM", "12/Mar/26 4:05 PM"])
def test_time_booked_on_a_numbered_task_after_its_export_makes_no_second_task(bring, ws, resolved):
    issue = (
        "Summary,Issue key,Issue Type,Status,Created,Resolved,Time Spent\nPage,K-1,Task,Done,09/Mar/26 9:41 AM,{},{}\n"
    )
    bring(issue.format(resolved, 5400))
    assert bring(issue.format(resolved, 7200)).duplicates == 1
    # 5,400 seconds are 90 minutes
    assert ws.read("events")["minutes"].dropna().tolist() == [90]


def test_the_formats_whose_tasks_are_numbered_are_formats_of_event_logs():
    assert {FORMATS[name].table.name for name in NUMBERED} == {"events"}


LOCAL = "case,activity,timestamp\nA,Draft,2026-01-05T10:00:00\nB,Draft,2026-01-06T09:00:00Z\n"


def test_a_row_stored_with_other_times_is_told_of_and_replaced_only_with_update(bring, ws):
    bring(LOCAL)
    told = bring(LOCAL, timezone="Europe/Berlin")
    assert (told.stored, told.duplicates) == (0, 2)
    assert "1 row is stored with other times; import with --update to replace it" in str(told)
    assert ws.read("events").set_index("case").loc["A", "timestamp"] == pd.Timestamp("2026-01-05T10:00Z")
    changed = bring(LOCAL, timezone="Europe/Berlin", update=True)
    assert (changed.stored, changed.updated, changed.duplicates) == (1, 1, 1)
    assert "stored with other times" not in str(changed)
    # 10:00 in Berlin is 9:00 UTC in January; B says its own zone
    events = ws.read("events").set_index("case")["timestamp"].to_dict()
    assert events == {"A": pd.Timestamp("2026-01-05T09:00Z"), "B": pd.Timestamp("2026-01-06T09:00Z")}
    assert {"delete", "append"} <= set(ws.history("events")["action"])


def test_a_wrong_order_of_day_and_month_is_corrected_with_update_and_may_be_turned_back(bring, ws):
    log = "case,activity,timestamp\nA,Draft,3/4/2026\nB,Draft,5/6/2026\n"
    bring(log, dayfirst=False)
    assert "2 rows are stored with other times; import with --update to replace them" in str(bring(log, dayfirst=True))
    # 3/4 is 4 March with the month first and 3 April with the day first, 5/6 is 6 May or 5 June
    for dayfirst, days in ((True, ["04-03", "06-05"]), (False, ["03-04", "05-06"])) * 2:
        assert bring(log, dayfirst=dayfirst, update=True).updated == 2
        assert sorted(ws.read("events")["timestamp"].dt.strftime("%m-%d")) == days
    again = bring(log, dayfirst=False, update=True)
    assert (again.stored, again.duplicates, again.already is not None) == (0, 2, True)


def test_a_stored_row_that_cannot_be_read_another_way_is_no_refused_row(bring, ws):
    # on 25 October the hour from 2:00 to 3:00 comes twice in Berlin
    log = "case,activity,timestamp\nA,Draft,2026-10-25T02:30:00\nB,Draft,2026-13-25T02:30:00\n"
    bring(log)
    for update in (False, True):
        again = bring(log, timezone="Europe/Berlin", update=update)
        assert (again.stored, again.rejected, again.duplicates) == (0, 1, 1)
        assert "1 row cannot be read this way and stays as stored before" in str(again)
    # B has no month 13 and is refused once, however often it was read
    assert [*reasons(ws)] == [(3, "timestamp")]
    assert len(ws.read("events")) == 1


# --- the task sheet -----------------------------------------------------------------------------------------------


def test_headers_are_read_whatever_their_case_spaces_hyphens_and_synonyms(bring, ws):
    bring("TASK-NAME,Process,Times per month, Minutes per RUN \nWrite,Reporting,4,30\n")
    row = ws.read("tasks").iloc[0]
    assert (row["task"], row["workflow"], row["runs_per_month"], row["minutes_per_run"]) == (
        "Write",
        "Reporting",
        4,
        30,
    )


def test_a_missing_task_id_is_made_of_the_words_and_stays_the_same(bring, ws):
    bring(TASKS)
    assert list(ws.read("tasks")["task_id"]) == [task_id("Planning", "Plan week"), task_id("Reporting", "Write report")]
    assert (
        task_id("Reporting", "Write report")
        == task_id(" reporting", "WRITE  report")
        != task_id("Other", "Write report")
    )


def test_a_factor_that_does_not_apply_is_named_in_its_column(bring, ws):
    bring("task,workflow,stakes,relationship,judgment,not applicable\nWrite,Reporting,n/a,N.A.,3,exposure\n")
    row = ws.read("tasks").iloc[0]
    assert row["not_applicable"] == "stakes, relationship, exposure"
    assert pd.isna(row["stakes"])
    assert row["judgment"] == 3


def test_a_factor_nobody_knows_is_refused_by_name(bring, ws):
    assert bring("task,workflow,not applicable\nWrite,Reporting,difficulty\n").rejected == 1
    assert "names of factors" in reasons(ws)[2, "not_applicable"]


def test_every_bad_cell_of_a_row_is_named_at_once_and_the_good_rows_are_kept(bring, ws):
    summary = bring("task,workflow,minutes_per_run,judgment\nWrite,Reporting,forty,9\nPlan,Planning,20,2\n")
    assert (summary.stored, summary.rejected) == (1, 1)
    assert reasons(ws) == {
        (2, "minutes_per_run"): "minutes from 0 to 10,080, or nothing",
        (2, "judgment"): "points from 1 to 5, or nothing",
    }


def test_a_key_used_twice_in_a_file_refuses_the_later_row(bring, ws):
    summary = bring("task_id,task,workflow\nt1,Write,Reporting\nt1,Plan,Planning\n")
    assert (summary.stored, summary.rejected) == (1, 1)
    assert "row 2 has it already" in reasons(ws)[3, "team + task_id"]


def test_an_equal_task_is_a_duplicate_and_a_different_one_a_conflict_with_both_values(bring, ws):
    bring(TASKS)
    other = bring("task,workflow,minutes_per_run\nWrite report,Reporting,60\nPlan week,Planning,45\n", "b.csv")
    assert (other.stored, other.rejected, other.duplicates) == (0, 1, 1)
    assert "60.0" in str(other) or "60" in str(other)
    assert "the workspace has 30" in other.faults[0].found
    assert ws.read("tasks").set_index("task").loc["Write report", "minutes_per_run"] == 30


def test_update_lets_a_file_replace_values_and_an_empty_cell_erases_nothing(bring, ws):
    bring(TASKS)
    changed = bring("task,workflow,minutes_per_run,judgment\nWrite report,Reporting,,4\n", "b.csv", update=True)
    assert (changed.stored, changed.updated) == (1, 1)
    row = ws.read("tasks").set_index("task").loc["Write report"]
    assert (row["minutes_per_run"], row["judgment"]) == (30, 4)


def test_a_conflict_can_be_settled_by_importing_the_same_file_with_update(bring, ws):
    bring(TASKS)
    other = TASKS.replace("30", "60")
    assert bring(other, "b.csv").rejected == 1
    assert bring(other, "b.csv", update=True).updated == 1
    assert ws.read("tasks").set_index("task").loc["Write report", "minutes_per_run"] == 60


def test_a_team_column_must_agree_with_the_team_it_is_imported_for(bring, ws):
    summary = bring("team,task,workflow\ncontent,Write,Reporting\ngrowth,Plan,Planning\n")
    assert (summary.stored, summary.rejected) == (1, 1)
    assert "content" in reasons(ws)[3, "team"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pilots", "pilot_id,workflow,level,start\np1,Reporting,4,2026-11-03\n"),
        ("pilot_items", "pilot_id,item,arm,day,minutes,accepted\np1,i1,trial,2026-11-04,12.5,yes\n"),
        ("breakages", "breakage_id,pilot_id,day,category,severity,what\nb1,p1,2026-11-05,tool,minor,It stopped\n"),
        ("answers", "questionnaire,question,seat,score\nmaturity,q1,3,2\n"),
        ("readings", "kpi,start,days,value\nthroughput,2026-10-01,31,12\n"),
        ("budget_lines", "line,monthly,currency\ntools,1200,EUR\n"),
        ("progress", "activity,status\nmap-workflows,under way\n"),
        ("decisions", "decision_id,day,decision,reason\nd1,2026-11-02,Start,It is time\n"),
        ("reviews", "day,reviewer_role,agents,escalations\n2026-11-06,Content lead,2,1\n"),
        ("role_proposals", "role,new_role,status,consulted_on\nCopywriter,QA editor,agreed,2026-11-12\n"),
        ("pod_seats", "pod,workflow,seat,role\nPipeline,Reporting,auditor,Analyst\n"),
        ("agent_playbooks", "playbook_id,workflow,level,triggers\np1,Reporting,4,2\n"),
        ("risk_status", "risk,likelihood,impact,controls_done\nagent_dependency,2,3,1\n"),
    ],
)
def test_every_table_people_fill_in_is_recognised_by_its_header_and_read(bring, ws, name, text):
    summary = bring(text)
    assert (summary.format, summary.stored) == (name, 1), str(summary)
    assert len(ws.read(name)) == 1
    assert bring(text + "\n", "again.csv").duplicates == 1


@pytest.mark.parametrize("name", [name for name, kind in FORMATS.items() if kind.by_hand])
def test_a_sheet_of_each_format_is_recognised_by_its_own_columns_and_by_the_few_it_needs(name, tmp_path):
    rules = load_rules()
    for columns in (FORMATS[name].needs, FORMATS[name].wants()):
        path = tmp_path / f"{len(columns)}.csv"
        path.write_text(",".join(columns) + "\n" + ",".join("x" for _ in columns) + "\n", encoding="utf-8")
        claim = _recognise(open_source(path, None), rules, {}, None)
        assert claim.format.name == name
        assert set(claim.places) >= set(FORMATS[name].needs)


def test_a_date_alone_does_not_make_a_sheet_a_log_of_reviews(bring):
    with pytest.raises(IntakeError, match="it lacks"):
        bring("day,found\n2026-11-06,All well\n")


@pytest.mark.parametrize(
    "table",
    sorted(set(STORED) - {"settings", "teams", "events", "imports", "rejects", "channel_results"} - WRITTEN_BY_AGENTS),
)
def test_every_table_that_people_fill_can_be_brought_in_as_a_sheet(table):
    assert FORMATS[table].table is STORED[table]


# --- what a file may be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
def test_unicode_text_is_read_right(bring, ws, encoding):
    text = TASKS.replace("Write report", "Größe prüfen: ćwiczenie")
    mark = {"utf-16-le-bom": b"\xff\xfe", "utf-16-be-bom": b"\xfe\xff"}.get(encoding, b"")
    bring(mark + text.encode(encoding.removesuffix("-bom")))
    assert "Größe prüfen: ćwiczenie" in set(ws.read("tasks")["task"])


def test_another_encoding_is_refused_with_the_place_and_read_when_named(bring, ws):
    old = TASKS.replace("Write report", "Größe").encode("cp1252")
    # 't','a','s','k' ... the header is 30 characters with its line end, then G and r
    with pytest.raises(IntakeError, match=r"byte 32 \(0xf6\) is not UTF-8 text; .*cp1252"):
        bring(old)
    assert len(ws.read("imports")) == 0
    assert bring(old, encoding="cp1252").stored == 2
    assert "Größe" in set(ws.read("tasks")["task"])


def test_the_place_of_a_bad_byte_is_right_even_past_the_first_block(bring):
    filler = "ä" * 600_000
    with pytest.raises(IntakeError, match=r"byte 1200001 "):
        bring(b"x" + filler.encode() + b"\xff")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_seen_in_the_header(bring, delimiter):
    assert bring(TASKS.replace(",", delimiter)).stored == 2


def test_a_first_line_that_names_the_delimiter_is_obeyed(bring):
    assert bring("sep=|\n" + TASKS.replace(",", "|")).stored == 2


def test_decimal_commas_are_read_only_where_they_can_mean_one_thing(bring, ws):
    summary = bring("task;workflow;minutes per run\na;w;7,5\nb;w;1.234,5\nc;w;1,234\nd;w;2.500\ne;w;8\n")
    assert dict(ws.read("tasks")[["task", "minutes_per_run"]].to_numpy()) == {"a": 7.5, "b": 1234.5, "e": 8.0}
    assert (summary.rejected, {fault.row for fault in summary.faults}) == (2, {4, 5})
    assert bring('task,workflow,minutes per run\nf,w,"7,5"\n', "comma.csv").rejected == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        ("task,workflow\n", "a header and no rows"),
        ("case,activity,timestamp\n\n", "a header and no rows"),
        ("task,workflow,minuts_per_run\nWrite,R,3\n", r"no column 'minuts_per_run' \(did you mean minutes_per_run\?\)"),
        ("task,minutes_per_run\nWrite,3\n", "as task sheet it lacks workflow"),
        ("task,workflow,Task\nWrite,R,x\n", "'Task' stands in columns 1 and 3"),
        ("a,b\n1,2\n", "fits no format"),
        (b"task,workflow\nWri\x00te,R\n", "byte 17 is a NUL"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a picture"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel"),
        (b"PK\x03\x04 and then garbage", "not a workbook"),
        (bytes(range(128, 256)) * 20, "is not UTF-8 text"),
        ('task,workflow\n"Write,R\nPlan,P\n', "row 2 has a quotation mark"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_error_and_stores_nothing(bring, ws, content, said):
    with pytest.raises(IntakeError, match=said):
        bring(content)
    assert all(ws.read(table).empty for table in ("tasks", "events", "imports", "rejects"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a," * 3_000_000, "line 1 has 6,000,000 characters; at most 4,000,000"),
        ("task,workflow\n" + "a," * 3_000_000, "line 2 has 6,000,000 characters"),
        (",".join(f"c{number}" for number in range(16_385)) + "\n1\n", "has 16,385 columns; at most 16,384"),
    ],
)
def test_a_line_or_a_header_without_end_is_refused_before_it_fills_the_memory(ws, tmp_path, text, said):
    path = tmp_path / "endless.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IntakeError, match=re.escape(said)):
        bring_in(ws, path, team="content")


def test_a_folder_a_missing_file_and_an_unreadable_path_say_so(ws, tmp_path):
    with pytest.raises(IntakeError, match="is a folder"):
        bring_in(ws, tmp_path, team="content")
    with pytest.raises(IntakeError, match="there is no such file"):
        bring_in(ws, tmp_path / "none.csv", team="content")
    with pytest.raises(IntakeError, match="cannot be read"):
        bring_in(ws, "a\x00b.csv", team="content")
    with pytest.raises(IntakeError, match="a device or a pipe"):
        bring_in(ws, "/dev/null", team="content")


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(ws, tmp_path):
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(IntakeError, match=r"holds 200 MB; event logs may hold 150 MB\. Export a shorter period"):
        bring_in(ws, large, team="content")
    with large.open("wb") as file:
        file.write(TASKS.encode())
        file.write(b" " * SHEET_LIMIT)
    with pytest.raises(IntakeError, match="a task sheet may hold 50 MB"):
        bring_in(ws, large, team="content")


def test_an_unknown_team_or_format_lists_what_there_is(bring):
    with pytest.raises(PlaybookError, match="content"):
        bring(TASKS, team="../x")
    with pytest.raises(ParameterError, match=r"there are .*tasks"):
        bring(TASKS, as_format="word")
    with pytest.raises(IntakeError, match="as event log it lacks case"):
        bring(TASKS, as_format="events")


def test_a_header_that_fits_two_formats_is_refused_with_advice(bring):
    both = "activity,status,done on,evidence,kpi,start,days,value\nx,done,,,k,2026-01-01,3,4\n"
    with pytest.raises(IntakeError, match="could be read as readings, progress; say which with --as"):
        bring(both)


def test_rows_of_another_width_are_refused_and_blank_lines_only_count_in_the_row_number(bring, ws):
    summary = bring("task,workflow\nWrite,R\n\nPlan,P,extra\nAlone\nMeet,M,,\n")
    assert (summary.rows_read, summary.stored, summary.rejected) == (4, 2, 2)
    assert set(reasons(ws)) == {(4, "(row)"), (5, "(row)"), (5, "workflow"), (5, "task_id")}


def test_a_mapping_says_what_a_header_means_and_what_to_leave_out(bring):
    text = "What we do,Stream,Secret\nWrite,R,x\n"
    assert bring(text, mapping={"What we do": "task", "stream": "workflow", "Secret": ""}).stored == 1
    with pytest.raises(ParameterError, match="the file has no column 'Nope'"):
        bring(TASKS, mapping={"Nope": "task"})
    with pytest.raises(ParameterError, match="'colour' is no column"):
        bring(TASKS, mapping={"minutes_per_run": "colour"})


def test_an_apostrophe_our_own_csv_put_before_a_formula_comes_off_again(bring, ws):
    bring("task,workflow,note\nWrite,'=1+1,''-x\n")
    row = ws.read("tasks").iloc[0]
    assert (row["workflow"], row["note"]) == ("=1+1", "'-x")


# --- workbooks ----------------------------------------------------------------------------------------------------


def test_a_workbook_is_read_by_its_sheet_row_and_real_dates_are_dates(ws, tmp_path):
    path = tmp_path / "pilots.xlsx"
    rows = [["Pilot ID", "Workflow", "Level", "Start date"], ["p1", "Reporting", 4, dt.date(2026, 11, 3)]]
    workbook(path, [[], [], *rows, [], ["p2", "Reporting", 7, "2026-02-30"]], [["something else"], ["x"]])
    summary = bring_in(ws, path, team="content")
    assert (summary.format, summary.stored, summary.rejected) == ("pilots", 1, 1)
    assert ws.read("pilots").iloc[0]["start"] == pd.Timestamp("2026-11-03")
    # two empty rows, the header in row 3, p1 in row 4, an empty row, p2 in row 6
    assert set(reasons(ws)) == {(6, "level"), (6, "start")}


def test_formula_error_and_merged_cells_are_refused_by_name_and_the_other_rows_kept(ws, tmp_path):
    path = tmp_path / "tasks.xlsx"
    header = ["task", "workflow", "minutes per run"]
    book = workbook(path, [header, ["a", "w", "=1+1"], ["b", "w", 3], ["c", "w", 4], ["d", "w", "#N/A"], ["e", "w", 6]])
    book.active.merge_cells("B4:B5")
    book.save(path)
    summary = bring_in(ws, path, team="content")
    assert list(ws.read("tasks")["task"]) == ["b", "e"]
    assert (summary.rows_read, summary.rejected) == (5, 3)
    wanted = reasons(ws)
    assert wanted[2, "minutes_per_run"].startswith("its value: copy the cell")
    assert "unmerge" in wanted[4, "workflow"]
    assert "unmerge" in wanted[5, "workflow"]


def test_two_sheets_that_fit_are_a_doubt_that_is_refused(ws, tmp_path):
    path, rows = tmp_path / "two.xlsx", [["task", "workflow"], ["a", "w"]]
    workbook(path, rows, rows)
    with pytest.raises(IntakeError, match=r"tasks \(sheet Sheet 0\), tasks \(sheet Sheet 1\); keep one of the sheets"):
        bring_in(ws, path, team="content")


def test_a_merged_header_an_empty_workbook_and_a_far_stray_cell(ws, tmp_path):
    path = tmp_path / "t.xlsx"
    book = workbook(path, [["task", "workflow"], ["a", "w"]])
    book.active.merge_cells("A1:B1")
    book.save(path)
    with pytest.raises(IntakeError, match="merged cells A1:B1"):
        bring_in(ws, path, team="content")
    workbook(path, [])
    with pytest.raises(IntakeError, match="no sheet has a row"):
        bring_in(ws, path, team="content")
    book = workbook(path, [["task", "workflow"], ["a", "w"]])
    book.active.cell(200_000, 900).value = " "
    book.save(path)
    assert bring_in(ws, path, team="content").stored == 1


def test_an_event_log_in_a_workbook_takes_real_dates_as_utc_and_says_so(ws, tmp_path):
    path = tmp_path / "log.xlsx"
    when = pd.Timestamp("2026-01-05T10:30").to_pydatetime()
    workbook(path, [["Case ID", "Activity", "Date", "Owner"], [12, "Draft", when, "Anna"], ["B", "=A1", when, None]])
    summary = bring_in(ws, path, team="content")
    assert "taken as UTC" in str(summary)
    event = ws.read("events").iloc[0]
    assert (event["case"], event["timestamp"], event["row"]) == ("12", pd.Timestamp("2026-01-05T10:30Z"), 2)
    assert set(reasons(ws)) == {(3, "activity")}


# --- time ---------------------------------------------------------------------------------------------------------


def test_a_day_month_order_is_refused_as_ambiguous_unless_said(bring, ws):
    log = "case,activity,timestamp\nA,Draft,03/04/2026 9:41 PM\n"
    assert bring(log).rejected == 1
    assert "dayfirst" in reasons(ws)[2, "timestamp"]
    assert bring(log, dayfirst=True).stored == 1
    assert ws.read("events").iloc[0]["timestamp"] == pd.Timestamp("2026-04-03T21:41Z")


def test_local_times_are_placed_in_their_zone_and_the_changed_hour_is_refused():
    texts = pd.Series(["2026-07-01 12:00", "2026-03-29 02:30", "2026-10-25 02:30", "2026-10-25T02:30:00+01:00"])
    read = instants(texts, Clock(timezone="Europe/Berlin"))
    # Berlin is UTC+2 in July; 02:30 does not exist on 29 March and happens twice on 25 October
    assert list(read.moments.dropna()) == [pd.Timestamp("2026-07-01T10:00Z"), pd.Timestamp("2026-10-25T01:30Z")]
    assert set(read.wanted) == {1, 2}
    assert all("change of clocks" in wanted for wanted in read.wanted.values())


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00Z"),
        ("2026-01-05T10:00:00.123456+02:00", "2026-01-05T08:00:00.123456Z"),
        ("2026-01-05 10:00:00,5 -0730", "2026-01-05T17:30:00.5Z"),
        ("2026-01-05 10:00 UTC", "2026-01-05T10:00Z"),
        ("2026-01-05", "2026-01-05T00:00Z"),
    ],
)
def test_iso_instants_are_read_in_all_their_forms(text, iso):
    assert list(instants(pd.Series([text]), Clock()).moments) == [pd.Timestamp(iso)]


@pytest.mark.parametrize(
    "text", ["2015-22-23", "2026-02-29", "2026-01-05T25:00", "0001-01-01", "45000", "", "soon", "1/2/26"]
)
def test_what_is_no_instant_is_refused(text):
    assert instants(pd.Series([text]), Clock(dayfirst=True)).wanted


def test_an_impossible_date_is_one_no_order_of_day_and_month_makes_possible():
    assert is_impossible("2015-22-23")
    assert is_impossible("31/31/2020")
    assert not is_impossible("31/12/2020")
    assert not is_impossible("12/31/2020")
    assert not is_impossible("0000-00-00")  # how some databases write "no date"
    assert not is_impossible("3 weeks")


def test_a_number_is_never_taken_for_a_day():
    assert day("86400", dayfirst=True) is None
    assert day("2026-11-03T00:00:00", dayfirst=None) == "2026-11-03"
    assert day("2026-11-03T10:00:00", dayfirst=None) is None


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_written_with_a_point_is_read_back_where_commas_are_not_decimal_marks(value):
    assert number(repr(value), comma_is_decimal=False) == value


# --- persons ------------------------------------------------------------------------------------------------------


def test_the_same_person_is_the_same_pseudonym_in_one_workspace_and_another_elsewhere():
    mine, other = Pseudonyms(b"a" * 32), Pseudonyms(b"b" * 32)
    assert mine.of("Anna Kowalska ") == mine.of("ANNA KOWALSKA") != other.of("Anna Kowalska")
    assert mine.of(mine.of("Anna")) == mine.of("Anna")
    assert Pseudonyms(b"x" * 100).of("Anna").startswith("p_")


def test_names_and_addresses_are_found_inside_other_text():
    people = Pseudonyms(b"k" * 32)
    people.meet(["Anna Kowalska", "System"])
    name, mail = people.of("Anna Kowalska"), people.of("x.y@example.co.uk")
    assert people.scrub("Review by anna  kowalska, done") == f"Review by {name}, done"
    assert people.scrub("ask x.y@example.co.uk!") == f"ask {mail}!"
    assert people.scrub("System error") == "System error"
    assert people.scrub("System error", single_words=True) != "System error"


def stored_bytes(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".xlsx")


def test_no_name_or_address_of_an_event_log_reaches_the_database(ws, tmp_path):
    log = tmp_path / "zofia@example.com.csv"
    log.write_text(
        "case,activity,timestamp,resource,due date,message,assignee\n"
        "Profile of Zofia Kwiatkowska,Sent to zofia@example.com,2026-01-05T10:00Z,Zofia Kwiatkowska,,Hi from Zofia,Jan Nowak\n"
        "B,Draft,Zofia Kwiatkowska,zofia@example.com,zofia was here,whisper zofia,x\n"
        "zofia@example.com,Draft,2026-01-06T10:00Z,Zofia Kwiatkowska,2026-99-99,whisper zofia,x\n"
        "C,Draft,2026-01-06T10:00Z,Zofia Kwiatkowska,,message, with Zofia,extra\n",
        encoding="utf-8",
    )
    summary = bring_in(ws, log, team="content")
    assert (summary.stored, summary.rejected) == (1, 3)
    kept = stored_bytes(ws.folder).lower()
    for person in (b"zofia", b"kwiatkowska", b"nowak", b"example.com", b"whisper"):
        assert person not in kept, person
    assert ws.read("events").iloc[0]["case"].startswith("Profile of p_")


def test_no_address_of_a_sheet_reaches_the_database(ws, tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("task,workflow,layer,role,minutes per run,note\n" + ",".join(["zofia@example.com"] * 6) + "\n"
                     "Write to zofia@example.com,w,,,3,ask zofia@example.com\n")  # fmt: skip
    assert bring_in(ws, sheet, team="content").rejected == 1
    assert b"zofia" not in stored_bytes(ws.folder)
    assert ws.read("tasks").iloc[0]["task"].startswith("Write to p_")


# --- laws ---------------------------------------------------------------------------------------------------------

often = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
headers = st.sampled_from(
    ["case,activity,timestamp,resource,due", "task,workflow,minutes per run,stakes,start", "kpi;start;days;value;low"]
)
cells = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["2026-01-05", "2026-13-01", "03/04/2026", "7,5", "1e30", "n/a", "=1+1", "a@b.co", '"', "nan", "-1"]
    ),
)


def throw(workspace, folder, content, **how):
    path = folder / "thrown.csv"
    path.write_bytes(content)
    before = len(workspace.read("imports"))
    try:
        summary = bring_in(workspace, path, team="content", **how)
    except PlaybookError:
        assert len(workspace.read("imports")) == before
        return None
    assert reconciles(summary)
    assert str(summary)
    return summary


@often
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"task,workflow\n", b"case,activity,time\n"]),
)
def test_any_bytes_are_read_or_refused_in_words(busy, tmp_path, content, start):
    throw(busy, tmp_path, start + content)


@often
@given(
    headers,
    st.lists(st.lists(cells, min_size=4, max_size=6), min_size=1, max_size=6),
    st.sampled_from([None, True, False]),
)
def test_any_table_reconciles_and_its_rejects_are_the_rows_it_says(busy, tmp_path, header, rows, dayfirst):
    mark = ";" if ";" in header else ","
    text = header + "\n" + "".join(mark.join(row) + "\n" for row in rows)
    summary = throw(busy, tmp_path, text.encode("utf-8", "replace"), dayfirst=dayfirst)
    if summary is not None and summary.already is None:
        rejects = busy.read("rejects")
        assert rejects[rejects["import_id"] == summary.import_id]["row"].nunique() == summary.rejected


@often
@given(st.lists(st.tuples(*[cells] * 4), min_size=1, max_size=6))
def test_importing_twice_is_importing_once(busy, tmp_path, rows):
    text = "case;activity;timestamp;resource\n" + "".join(";".join(row) + "\n" for row in rows)
    first = throw(busy, tmp_path, text.encode("utf-8", "replace"))
    if first is not None:
        second = throw(busy, tmp_path, text.encode("utf-8", "replace"))
        assert (second.stored, second.duplicates) == (0, first.rows_read)


def test_a_long_log_takes_seconds_not_minutes(ws, tmp_path):
    lines = (
        f"c{n // 8},Step {n % 8},2026-{n % 12 + 1:02d}-05T10:{n % 60:02d}:00Z,user {n % 40},free text\n"
        for n in range(20_000)
    )
    log = tmp_path / "long.csv"
    log.write_text("case,activity,timestamp,user,message\n" + "".join(lines))
    start = dt.datetime.now(dt.UTC)
    assert bring_in(ws, log, team="content").stored == 20_000
    assert (dt.datetime.now(dt.UTC) - start).total_seconds() < 30  # about 1.5 s on an idle machine


def test_the_rules_refuse_a_synonym_that_means_two_columns(tmp_path):
    own = tmp_path / "assessments" / "intake" / "default.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(
        "synonyms: {tasks: {task: [job], workflow: [Job]}}\ndate_words: [date]\nnot_applicable: [n/a]\n"
        "done: [done]\ndropped: []\nboard_columns: {}\n"
    )
    with pytest.raises(playbook.ContentError, match="would mean both task and workflow"):
        load_rules(tmp_path)
    assert set(FORMATS) >= {"tasks", "events", "pilots", "readings"}
