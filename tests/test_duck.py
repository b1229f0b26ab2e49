"""Event logs of any size give what the small path gives: on the shared logs, on made-up ones, and on broken ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("duckdb")

from playbook import tables, workflows
from playbook.errors import IntakeError, ParameterError, PlaybookError
from playbook.io import content, intake
from playbook.io.intake import _duck

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
LOGS = {
    "content_events/events.csv": {"case": "case_id", "timestamp": "timestamp_utc"},
    "event_logs/simod_Insurance_Claims_train.csv": {"case": "case_id", "timestamp": "end_time", "begun": "start_time"},
    "event_logs/simod_LoanApp_simplified_train.csv.gz": {"case": "case_id", "timestamp": "end_time", "begun": "start_time"},
    "event_logs/simod_PurchasingExample.csv.gz": {"case": "case_id", "timestamp": "end_time", "begun": "start_time"},
}  # fmt: skip


def same(found, wanted):
    """Every frame equal to the last bit; a frame of the small path has no `reading` beside it."""
    for name in workflows.Discovery._fields:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(wanted, name), check_exact=True, obj=name)


def reference(path, columns, team="log"):
    """The log as plain pandas reads it, as tables.EVENTS."""
    raw = pd.read_csv(path, dtype=str)
    events = raw.rename(columns={header: column for column, header in columns.items()})
    events = events.assign(team=team, import_id="i", row=range(2, len(raw) + 2))
    for name in ("timestamp", "begun"):
        if name in columns:
            events[name] = pd.to_datetime(events[name], utc=True, format="ISO8601").dt.as_unit("us")
    return events[[name for name in tables.EVENTS.columns if name in events.columns]]


def written(tmp_path, text, name="log.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("name", LOGS)
def test_a_shared_log_gives_exactly_what_plain_pandas_and_the_small_path_give(name):
    path, columns = SHARED / name, LOGS[name]
    if not path.exists():
        pytest.skip(f"the shared log is not there: {name}")
    events = reference(path, columns)
    if "publish_date" in pd.read_csv(path, nrows=1):
        # one row dates its own work by 2015-22-23, a day no calendar has: both doors refuse it
        events = events[pd.read_csv(path)["publish_date"] != "2015-22-23"]
    found = intake.discover(path, mapping={header: column for column, header in columns.items()})
    same(found, workflows.discover(events))
    assert found.reading.used == len(events)
    assert found.reading.rows_read == found.reading.used + found.reading.refused


@pytest.mark.parametrize("name", LOGS)
def test_the_four_plain_questions_agree_with_a_reference_that_shares_no_code(name):
    path, columns = SHARED / name, LOGS[name]
    if not path.exists():
        pytest.skip(f"the shared log is not there: {name}")
    found = intake.discover(path, mapping={header: column for column, header in columns.items()} | {"publish_date": ""}
                            if "content" in name else {header: column for column, header in columns.items()})  # fmt: skip
    log = reference(path, columns)
    if "content" in name:
        log = log[pd.read_csv(path)["publish_date"] != "2015-22-23"]
    log = log.sort_values(["case", "timestamp", "row"])
    by_case = log.groupby("case")
    then = by_case["activity"].shift(-1)
    arcs = log.assign(then=then).dropna(subset=["then"]).groupby(["activity", "then"]).size().to_dict()
    days = (by_case["timestamp"].max() - by_case["timestamp"].min()) / pd.Timedelta(days=1)
    assert found.activities.set_index("activity")["events"].to_dict() == log["activity"].value_counts().to_dict()
    assert found.arcs.set_index(["source", "target"])["count"].to_dict() == arcs
    assert found.cases.set_index("case")["duration_days"].to_dict() == pytest.approx(days.to_dict())
    assert sorted(found.variants["cases"]) == sorted(by_case["activity"].agg(tuple).value_counts())


moments = st.integers(0, 5_000)
steps = st.tuples(
    st.sampled_from(["a", "b", "c", "Post, 1", 'say "x"', "ä\nb"]),
    st.sampled_from(["Draft", "Edit", "Send", "draft "]),
    moments,
    st.sampled_from(["p", "q", "R ", "r", "Ann Lee", "", " ", "s", "t"]),
    st.sampled_from(["", "Blog", "Mail"]),
    st.sampled_from(["", "0", "12.5", "700"]),
    st.sampled_from([None, 3, 600, 40_000, -90_000]),  # the last one begins a day after its end
)


# how times are written, and what has to be said about them: DuckDB reads the first, the kit's own reader the others
WRITTEN = (
    (pd.Timestamp.isoformat, {}),
    (lambda at: at.strftime("%d.%m.%Y %H:%M:%S"), {"dayfirst": True}),
    (lambda at: at.tz_convert("Asia/Tokyo").strftime("%Y-%m-%d %H:%M:%S"), {"timezone": "Asia/Tokyo"}),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=1, max_size=40), st.booleans(), st.integers(1, 7), st.sampled_from(WRITTEN))
def test_any_log_gives_the_same_tables_by_both_ways(tmp_path, events, in_order, stretch, written_as):
    write, said = written_as
    events = sorted(events, key=lambda event: event[2]) if in_order else events
    start = pd.Timestamp("2026-03-01T08:00:00Z")
    frame = pd.DataFrame(
        [
            {"case": case, "activity": activity, "timestamp": start + pd.Timedelta(seconds=20 * at), "resource": person}
            | {"workflow": workflow, "minutes": minutes}
            | {"begun": pd.NaT if back is None else start + pd.Timedelta(seconds=20 * at - back)}
            for case, activity, at, person, workflow, minutes, back in events
        ]
    )
    path = tmp_path / "made.csv"
    times = {name: ["" if pd.isna(at) else write(at) for at in frame[name]] for name in ("timestamp", "begun")}
    frame.assign(**times).to_csv(path, index=False)
    # spaces around words and the case of a name do not tell them apart
    small = frame.assign(team="log", import_id="i", row=range(2, len(frame) + 2))
    for name in ("case", "activity"):
        small[name] = small[name].str.strip()
    for name in ("resource", "workflow"):
        small[name] = small[name].str.strip().mask(small[name] == "")
    small["resource"] = small["resource"].str.casefold()
    small["minutes"] = pd.to_numeric(small["minutes"])
    small["begun"] = pd.to_datetime(small["begun"], utc=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_duck, "STRETCH", stretch)
        found = intake.discover(path, **said)
    same(found, workflows.discover(small))
    assert str(found.reading).startswith(f"made.csv: {len(frame)} rows = {len(frame)} used + 0 refused")


HEADER = "case,activity,timestamp,resource\n"


@pytest.mark.parametrize("blank", ["", " ", "\t "])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_blank_person_is_nobody_whatever_the_file(tmp_path, blank, suffix):
    import duckdb

    people = ["A Lee", "B Kay", "C Dow", "D Poe", blank, blank]
    start = pd.Timestamp("2026-03-02T08:00:00Z")
    frame = pd.DataFrame(
        [
            {"case": f"c{i}", "activity": name, "timestamp": start + pd.Timedelta(days=i, minutes=at)}
            | {"resource": people[i % 6]}
            for i in range(12)
            for name, at in (("Brief", 0), ("Draft", 10))
        ]
    )
    path = str(tmp_path / f"log.{suffix}")
    duckdb.sql(f"COPY (SELECT * FROM frame) TO '{path}'")
    found = intake.discover(path)
    same(found, workflows.discover(frame.assign(team="log")))
    # four people, and cells in which nobody stands
    assert found.activities[["people", "median_minutes", "waiting_minutes"]].isna().all(axis=None)


def test_a_begin_after_the_end_is_a_plan_and_no_begin(tmp_path):
    rows = "c1,Brief,2026-03-02T09:00:00Z,\nc1,Edit,2026-03-02T10:00:00Z,2026-03-05T09:00:00Z\n"
    found = intake.discover(written(tmp_path, "case,activity,timestamp,begun\n" + rows))
    # an hour after the brief, too long for an estimate, and not the three days to the plan
    assert found.arcs["waiting_minutes"].tolist() == [60]


def test_what_cannot_be_used_is_refused_with_its_row_and_the_rows_add_up(tmp_path):
    path = written(
        tmp_path,
        HEADER
        + "a,Draft,2026-01-05T10:00:00Z,p\n"  # row 2
        + ",Edit,2026-01-05T11:00:00Z,p\n"
        + "a,Edit,yesterday,p\n"
        + "a,Edit\n"  # row 5
        + "a,,2026-01-05T12:00:00Z,p\n"
        + "a,Send,2026-01-05T24:00:00Z,p\n"
        + "a,Send,2026-01-05T13:00:00Z,\n"
        + "b,Send,1026-01-05T13:00:00Z,q\n",
    )
    found = intake.discover(path)
    assert found.activities["events"].sum() == 2 == found.reading.used
    assert (found.reading.rows_read, found.reading.refused) == (8, 6)
    bad = {(fault.row, fault.column) for fault in found.reading.faults}
    assert bad == {
        (3, "case"), (4, "timestamp"), (5, "(row)"), (6, "activity"), (7, "timestamp"), (9, "timestamp")
    }  # fmt: skip
    assert next(fault.found for fault in found.reading.faults if fault.row == 4) == "'yesterday'"


def test_names_and_addresses_are_in_nothing_that_comes_out(tmp_path):
    path = written(
        tmp_path,
        HEADER
        + "Post for kim.passa@mail.example,Draft,2026-01-05T10:00:00Z,Kim Passa\n"
        + "Call Kim Passa,Assigned to Kim Passa,2026-01-05T11:00:00Z,Kim Passa\n"
        + "a,Draft,Kim Passa,Kim Passa\n",
    )
    found = intake.discover(path, pseudonym_key=b"k")
    said = " ".join([*(frame.to_csv() for frame in found), str(found.reading), repr(found.reading)])
    assert "passa" not in said.casefold()
    again = intake.discover(path, pseudonym_key=b"k")
    assert again.cases["case"].tolist() == found.cases["case"].tolist()
    assert found.reading.used == 2


def test_more_than_one_file_is_one_log_and_an_overlap_counts_once(tmp_path):
    rows = [f"c{n % 3},Step {n % 4},2026-01-{n + 1:02d}T10:00:00Z,p{n % 2}" for n in range(20)]
    whole = written(tmp_path, HEADER + "\n".join([*rows, rows[-1]]) + "\n", "whole.csv")
    # the second export repeats five events of the first; an event twice in one file is two events
    written(tmp_path, HEADER + "\n".join(rows[:12]) + "\n", "part1.csv")
    written(tmp_path, HEADER + "\n".join([*rows[7:], rows[-1]]) + "\n", "part2.csv")
    found = intake.discover(str(tmp_path / "part*.csv"))
    same(found, intake.discover(whole))
    assert (found.reading.rows_read, found.reading.used, found.reading.repeated) == (26, 21, 5)


def test_the_same_log_as_parquet_gzip_utf16_and_semicolons_gives_the_same(tmp_path):
    import duckdb

    text = HEADER + "".join(f"c{n % 3},Schritt {n % 4} ä,2026-01-{n + 1:02d}T10:00:00Z,p{n % 2}\n" for n in range(20))
    plain = intake.discover(written(tmp_path, text))
    same(intake.discover(written(tmp_path, gzip.compress(text.encode()), "log.csv.gz")), plain)
    same(intake.discover(written(tmp_path, text.encode("utf-16"), "wide.csv")), plain)
    same(intake.discover(written(tmp_path, b"\xef\xbb\xbf" + text.replace(",", ";").encode(), "semi.csv")), plain)
    same(intake.discover(written(tmp_path, "sep=,\n" + text, "sep.csv")), plain)
    made = str(tmp_path / "log.parquet")
    duckdb.sql(f"COPY (SELECT * REPLACE (timestamp::TIMESTAMP AS timestamp) FROM '{tmp_path / 'log.csv'}') TO '{made}'")
    same(intake.discover(made), plain)


def test_times_without_a_zone_and_days_in_another_order_are_read_as_small_files_are(tmp_path):
    text = HEADER + "a,Draft,2026-03-28 10:00:00,p\na,Edit,2026-03-29 02:30:00,p\na,Send,30/03/2026 10:00,p\n"
    path = written(tmp_path, text)
    berlin = intake.discover(path, timezone="Europe/Berlin", dayfirst=True)
    # 02:30 does not exist on the night the clocks go forward
    assert berlin.reading.refused == 1
    # 10:00 winter time is 9 UTC, 10:00 summer time is 8 UTC: 47 hours
    assert berlin.cases["duration_days"].tolist() == [47 / 24]
    unsaid = intake.discover(path)
    assert unsaid.reading.used == 2
    assert "taken as UTC" in str(unsaid.reading)


@pytest.mark.parametrize("said", [{"timezone": "Europe/Oslo"}, {"dayfirst": True}])
def test_a_time_only_the_kits_reader_knows_stands_for_one_event_a_row(tmp_path, said):
    path = written(tmp_path, HEADER + "A,x,05.01.2026 10:00,p\nA,y,06.01.2026 10:00,p\nB,x,05.01.2026 10:00,q\n")
    found = intake.discover(path, **{"dayfirst": True, **said})
    # three rows, two of them of x at one moment
    assert (found.reading.rows_read, found.reading.used, found.reading.repeated) == (3, 3, 0)
    assert dict(zip(found.activities["activity"], found.activities["events"], strict=True)) == {"x": 2, "y": 1}


@pytest.mark.parametrize("name", LOGS)
def test_a_shared_log_in_another_zone_has_the_same_events(name):
    path, columns = SHARED / name, LOGS[name]
    if not path.exists():
        pytest.skip(f"the shared log is not there: {name}")
    mapping = {header: column for column, header in columns.items()}
    here, there = (intake.discover(path, mapping=mapping, timezone=zone) for zone in (None, "Europe/Oslo"))
    assert here.activities["events"].tolist() == there.activities["events"].tolist()
    assert here.variants["cases"].tolist() == there.variants["cases"].tolist()


def test_files_of_one_name_in_two_folders_are_two_files(tmp_path):
    for month in ("09", "10"):
        (tmp_path / month).mkdir()
        text = HEADER + f"A,x,2026-{month}-05T10:00:00Z,p\n"
        (tmp_path / month / "export.csv").write_text(text, encoding="utf-16")
    found = intake.discover(str(tmp_path / "*" / "export.csv"))
    assert (found.reading.used, found.reading.repeated) == (2, 0)


@pytest.mark.parametrize("after", ["", 'z,"Step",2026-01-01T10:00:00Z,p\n'])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows_in_silence(tmp_path, after):
    rows = "".join(f"c{number},Step,2026-01-01T10:00:00Z,p\n" for number in range(3000))
    path = written(tmp_path, HEADER + 'a,"say hi,2026-01-01T10:00:00Z,p\n' + rows + after)
    with pytest.raises(IntakeError, match=r"line 2 has a quotation mark that is not closed or not doubled"):
        intake.discover(path)


def test_a_line_that_is_no_utf8_is_said_to_be_that_and_a_column_may_have_no_name(tmp_path):
    path = written(tmp_path, b"case,activity,timestamp,\na,Caf\xe9,2026-01-05,\na,Send,2026-01-05,\na,Send\n")
    read = intake.discover(path).reading
    assert (read.rows_read, read.used, read.refused) == (3, 1, 2)
    assert [(fault.row, fault.found) for fault in read.faults] == [
        (2, "text that is not UTF-8; save the file as 'CSV UTF-8'"), (4, "fewer cells than the header")
    ]  # fmt: skip


def test_a_little_memory_is_enough_and_the_folder_is_left_empty(tmp_path):
    rows = "".join(f"case {n % 5000},Step {n % 9},2026-01-01T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z,p{n % 7}\n"
                   for n in range(60_000))  # fmt: skip
    path = written(tmp_path, HEADER + rows)
    spill = tmp_path / "spill"
    spill.mkdir()
    found = intake.discover(path, memory_limit="40MB", temp_folder=spill, threads=1)
    same(found, intake.discover(path))
    assert list(spill.iterdir()) == []


def test_suggestions_come_from_the_keyword_table_and_what_matches_nothing_stays_empty(tmp_path):
    path = written(tmp_path, HEADER + "a,Newsletter sent,2026-01-05T10:00:00Z,p\na,Zzz,2026-01-06T10:00:00Z,p\n")
    tasks = intake.discover(path, keywords=content.load("keywords")).tasks.set_index("task")
    assert tasks.loc["Newsletter sent", ["function", "layer"]].tolist() == ["Email sequences", "distribution"]
    assert tasks.loc["Zzz", ["function", "layer"]].isna().all()


def test_a_file_that_is_no_event_log_or_a_wrong_setting_is_one_clear_error(tmp_path):
    path = written(tmp_path, "case,what\n1,2\n")
    with pytest.raises(IntakeError, match="lacks activity, timestamp"):
        intake.discover(path)
    with pytest.raises(IntakeError, match="no such file"):
        intake.discover(tmp_path / "none.csv")
    with pytest.raises(IntakeError, match="no such file"):
        intake.discover(str(tmp_path / "none*.csv"))
    with pytest.raises(IntakeError, match="empty"):
        intake.discover(written(tmp_path, "", "empty.csv"))
    good = written(tmp_path, HEADER + "a,Draft,2026-01-05T10:00:00Z,p\n", "good.csv")
    with pytest.raises(ParameterError, match="no column 'x'"):
        intake.discover(good, mapping={"x": "case"})
    with pytest.raises(ParameterError, match="memory_limit"):
        intake.discover(good, memory_limit="a lot")


def test_a_log_of_which_no_row_can_be_used_gives_empty_typed_tables(tmp_path):
    found = intake.discover(written(tmp_path, HEADER + "a,Draft,soon,p\n"))
    same(found, workflows.discover(tables.EVENTS.empty()))
    assert found.reading.refused == 1
    assert intake.discover(written(tmp_path, HEADER)).reading.rows_read == 0
    assert intake.discover(written(tmp_path, HEADER + "a,,2026-01-05,p\n,,,\n")).reading.refused == 1


def test_wholly_empty_rows_are_no_rows_and_the_others_keep_their_numbers(tmp_path):
    good = "a,Draft,2026-01-05T10:00:00Z,p,\n"
    header = "case,activity,timestamp,resource,note\n"
    path = written(tmp_path, header + good + ",,,,\n , ,,,\n,,,,left alone\n" + good + ",Edit,,p,\n" + ",,,,\n" * 150)
    read = intake.discover(path).reading
    # six rows hold something: two good ones, one with nothing but a note, one without a case and a time
    assert (read.rows_read, read.used, read.refused) == (4, 2, 2)
    assert {(fault.row, fault.column) for fault in read.faults} == {
        (5, "case"), (5, "activity"), (5, "timestamp"), (7, "case"), (7, "timestamp")
    }  # fmt: skip
    again = written(tmp_path, header + ",,,,\n" + good, "again.csv")
    both = intake.discover([path, again]).reading
    assert (both.rows_read, both.used, both.refused, both.repeated) == (5, 2, 2, 1)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet='a,"\n\r;0-: TZ', max_size=120).map(str.encode)), st.booleans()
)
def test_whatever_the_bytes_the_rows_add_up_or_the_error_is_the_kits(tmp_path, noise, with_header):
    path = written(tmp_path, HEADER.encode() * with_header + noise, "noise.csv")
    try:
        reading = intake.discover(path).reading
    except PlaybookError:
        return
    assert reading.rows_read == reading.used + reading.refused + reading.repeated


def test_a_telephone_number_or_a_turned_name_in_a_case_is_no_more_kept_than_on_the_small_path(tmp_path):
    log = tmp_path / "log.csv"
    rows = ["case,activity,timestamp,resource"]
    for number, case in enumerate(["call 0171 5550123", "Berg, Anna asks", "plain 12345678"]):
        rows += [f'"{case}",Step {step},2026-10-0{step + 1}T0{number}:00:00Z,Anna Berg' for step in range(3)]
    log.write_text("\n".join(rows) + "\n")
    said = " ".join(intake.discover(log).cases["case"])
    assert "5550123" not in said
    assert "Berg" not in said
    assert "plain 12345678" in said


def test_a_long_reading_draws_no_progress_bar_into_the_page_it_runs_in(tmp_path):
    with _duck._bench("100MB", tmp_path / "spill", 1) as con:
        assert con.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_what_goes_wrong_in_the_middle_of_a_reading_is_said_as_any_other_fault(tmp_path):
    late = "SELECT CASE WHEN i > 200000 THEN error('the disk is gone') ELSE 1 END AS odd, 'c' AS said FROM range(300000) r(i)"
    said = "cannot be read: Invalid Input Error: the disk is gone"
    with pytest.raises(IntakeError, match=said), _duck._bench("100MB", tmp_path / "spill", 1) as con:
        list(_duck.passing._batches(con, late))


def test_no_room_or_no_place_for_temporary_files_is_one_message(tmp_path):
    full = r"cannot be kept in .* \(No space left on device\); make room there or name another temp_folder"
    with pytest.raises(IntakeError, match=full), _duck._scratch(tmp_path), Path("/dev/full").open("r+b", 0) as file:
        _duck._shelf(file)(np.arange(3))
    log = written(tmp_path, HEADER + "c1,Step,2026-01-01T00:00:00Z,p1\n")
    with pytest.raises(IntakeError, match=r"cannot be kept in .*nowhere \(No such file or directory\)"):
        intake.discover(log, temp_folder=tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == [log.name]


def test_temporary_numbers_that_somebody_cut_short_are_not_taken_for_numbers(tmp_path):
    with (tmp_path / "shelf").open("w+b", 0) as file:
        read = _duck._shelf(file)(np.arange(1000))
        assert read(10, 13).tolist() == [10, 11, 12]
        file.truncate(4000)
        with pytest.raises(IntakeError, match="cut short"):
            read(0, 1000)


def in_pieces(batches, size):
    for numbers, begins, text in batches:
        for at in range(0, len(numbers["h"]), size):
            some = {name: column[at : at + size] for name, column in numbers.items()}
            yield _duck.passing.Batch(some, begins[at : at + size + 1], text)


def test_rows_in_order_are_never_stored_and_give_what_stored_rows_give(tmp_path, monkeypatch):
    # words the first rows do not have, a row without a case, one without a time, one long before there were tools
    rows = [f"c{n % 40},Step {n % 9},2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z,p{n % 7}" for n in range(900)]
    rows += [
        '"Böse, ""Karte""",Neu,2026-01-02T00:00:00Z,Zoë',
        ",Neu,2026-01-02T00:01:00Z,p1",
        "c1,,2026-01-02T00:02:00Z,",
    ]
    rows += ["c1,Neu,,p1", "c1,Neu,2026-01-02T00:03:00Z,Yan", "c1,Neu,2026-01-02T00:03:00Z,", "c1,too,few"]
    path = written(tmp_path, HEADER + "\n".join(rows) + "\n")
    monkeypatch.setattr(_duck.rows, "SAMPLE", 50)
    # few rows at a time, and few cases remembered
    whole = _duck.passing._batches
    monkeypatch.setattr(_duck.passing, "_batches", lambda *asked: in_pieces(whole(*asked), 100))
    monkeypatch.setattr(_duck.passing, "REMEMBERED", 16)
    monkeypatch.setattr(_duck.passing, "STEP", 7)
    straight = intake.discover(path, pseudonym_key=b"k")
    stored = []
    keep = _duck.rows.Rows._store
    monkeypatch.setattr(_duck.rows.Rows, "_pass", lambda rows: None)
    monkeypatch.setattr(_duck.rows.Rows, "_store", lambda rows: (stored.append(rows), keep(rows)))
    same(straight, intake.discover(path, pseudonym_key=b"k"))
    assert stored
    assert straight.reading == intake.discover(path, pseudonym_key=b"k").reading
    assert (straight.reading.used, straight.reading.refused) == (903, 4)
    assert {fault.row for fault in straight.reading.faults} == {903, 904, 905, 908}


def test_cases_that_come_back_after_long_are_not_remembered_text_by_text(tmp_path, monkeypatch):
    # 60 cases in turn, 16 remembered: every row would bring its text again
    rows = [f"c{n % 60},Step {n % 9},2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z,p{n % 7}" for n in range(900)]
    path = written(tmp_path, HEADER + "\n".join(rows) + "\n")
    wanted = intake.discover(path, pseudonym_key=b"k")
    stored, keep = [], _duck.rows.Rows._store
    monkeypatch.setattr(_duck.rows.Rows, "_store", lambda rows: (stored.append(rows), keep(rows)))
    monkeypatch.setattr(_duck.passing, "REMEMBERED", 16)
    monkeypatch.setattr(_duck.passing, "STEP", 7)
    same(intake.discover(path, pseudonym_key=b"k"), wanted)
    assert not stored
    monkeypatch.setattr(_duck.passing, "MANY", 100)
    same(intake.discover(path, pseudonym_key=b"k"), wanted)
    assert stored


def test_cases_that_share_a_number_are_told_apart_by_another(tmp_path, monkeypatch):
    rows = [
        f"{'ab'[n // 2100]}{n % 10},Step {n % 9},2026-01-01T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z,p{n % 7}"
        for n in range(4_200)
    ]
    path = written(tmp_path, HEADER + "\n".join(rows) + "\n")
    wanted = intake.discover(path)
    assert len(wanted.cases) == 20
    honest = _duck.rows.Rows.hashed
    monkeypatch.setattr(_duck.rows.Rows, "_pass", lambda rows: None)
    monkeypatch.setattr(
        _duck.rows.Rows,
        "hashed",
        lambda rows, column: honest(rows, column) if rows.salt else f"hash(right({column}, 1))",
    )
    same(intake.discover(path), wanted)
