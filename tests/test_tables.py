import contextlib
import datetime as dt

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from playbook import tables
from playbook.errors import TableError
from playbook.tables import base

ONE_TASK = {"team": "content", "task_id": "a", "task": "Draft a post", "workflow": "Blog"}


def sheet(*rows, start=2):
    """Rows as a reader hands them over: labelled by their row number in the file."""
    return pd.DataFrame(list(rows), index=range(start, start + len(rows)))


def test_a_good_table_comes_back_typed_with_every_column_in_order():
    typed = tables.check(tables.TASKS, sheet({**ONE_TASK, "minutes_per_run": "45", "current_level": 2.0}))
    assert list(typed.columns) == list(tables.TASKS.columns)
    assert typed.loc[2, "minutes_per_run"] == 45.0
    assert typed["current_level"].dtype == "Int64"
    assert typed.loc[2, "basis"] == "estimated"
    assert pd.isna(typed.loc[2, "structure"])


def test_every_bad_cell_is_named_by_row_column_found_and_wanted_at_once():
    with pytest.raises(TableError) as caught:
        tables.check(
            tables.TASKS,
            sheet(
                {**ONE_TASK, "minutes_per_run": "forty", "structure": 6},
                {**ONE_TASK, "task_id": "b", "workflow": "", "layer": "middle"},
            ),
        )
    assert [str(fault) for fault in caught.value.faults] == [
        "row 2, minutes_per_run: 'forty'; wanted minutes from 0 to 10,080, or nothing",
        "row 2, structure: 6; wanted points from 1 to 5, or nothing",
        "row 3, workflow: nothing; wanted text of at most 120 characters",
        "row 3, layer: 'middle'; wanted one of input, planning, production, QA, distribution, feedback, or nothing",
    ]


def test_good_rows_are_kept_beside_bad_ones_and_keep_their_row_numbers():
    good, faults = tables.sift(
        tables.TASKS, sheet(ONE_TASK, {**ONE_TASK, "task_id": "b", "stakes": 0}, {**ONE_TASK, "task_id": "c"})
    )
    assert list(good.index) == [2, 4]
    assert [fault.row for fault in faults] == [3]


def test_a_repeated_key_is_a_fault_of_the_later_row_and_names_the_first():
    good, faults = tables.sift(tables.TASKS, sheet(ONE_TASK, {**ONE_TASK, "task": "Another"}))
    assert list(good["task"]) == ["Draft a post"]
    assert str(faults[0]) == "row 3, team + task_id: 'content / a'; wanted a key not used before; row 2 has it already"


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(TableError, match="did you mean minutes_per_run"):
        tables.check(tables.TASKS, sheet({**ONE_TASK, "minutes_a_run": 3}))


def test_a_missing_column_is_refused_with_what_it_means():
    with pytest.raises(TableError, match="column workflow: missing; wanted a column of text"):
        tables.check(tables.TASKS, sheet({"team": "content", "task_id": "a", "task": "Draft"}))


@pytest.mark.parametrize("cell", ["qa", " QA ", "Qa"])
def test_a_choice_may_be_written_in_any_case(cell):
    assert tables.check(tables.TASKS, sheet({**ONE_TASK, "layer": cell})).loc[2, "layer"] == "QA"


@pytest.mark.parametrize("cell", ["3", 3, 3.0, " 3 "])
def test_a_level_may_come_as_a_sheet_writes_numbers(cell):
    assert tables.check(tables.TASKS, sheet({**ONE_TASK, "current_level": cell})).loc[2, "current_level"] == 3


@pytest.mark.parametrize("cell", [2.5, "2.5", 6, 0, True, "two"])
def test_half_a_level_is_no_level(cell):
    with pytest.raises(TableError, match="row 2, current_level"):
        tables.check(tables.TASKS, sheet({**ONE_TASK, "current_level": cell}))


@pytest.mark.parametrize("cell", [float("inf"), "inf", "1e999"])
def test_an_infinite_number_is_refused(cell):
    with pytest.raises(TableError, match="row 2, minutes_per_run"):
        tables.check(tables.TASKS, sheet({**ONE_TASK, "minutes_per_run": cell}))


def test_an_empty_frame_with_the_right_columns_is_a_good_table():
    assert tables.check(tables.TASKS, pd.DataFrame(columns=list(ONE_TASK))).empty


def test_a_number_in_a_text_column_is_read_as_its_text():
    assert tables.check(tables.TASKS, sheet({**ONE_TASK, "task_id": 101})).loc[2, "task_id"] == "101"


def test_dates_and_times_keep_their_meaning():
    row = {"team": "t", "activity": "x", "status": "done", "done_on": dt.date(2026, 11, 2)}
    assert tables.check(tables.PROGRESS, sheet(row)).loc[2, "done_on"] == pd.Timestamp("2026-11-02")
    event = {
        "team": "t",
        "import_id": "i",
        "row": 2,
        "case": "c",
        "activity": "a",
        "timestamp": "2026-11-02T10:00:00+02:00",
    }
    assert tables.check(tables.EVENTS, sheet(event)).loc[2, "timestamp"] == pd.Timestamp("2026-11-02T08:00:00Z")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "team": st.sampled_from(["a", "b", "", "../x"]),
                "task_id": st.text(max_size=5),
                "task": st.one_of(st.none(), st.text(max_size=20)),
                "workflow": st.text(max_size=5),
                "minutes_per_run": st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=4)),
                "current_level": st.one_of(st.none(), st.integers(-1, 7), st.text(max_size=2)),
            }
        ),
        max_size=8,
    )
)
@settings(deadline=None, max_examples=50)
def test_every_row_is_either_kept_or_has_a_fault_whatever_the_cells_hold(rows):
    frame = sheet(*rows) if rows else pd.DataFrame(columns=[*ONE_TASK, "minutes_per_run", "current_level"])
    good, faults = tables.sift(tables.TASKS, frame)
    assert set(good.index) | {fault.row for fault in faults} == set(frame.index)
    assert not set(good.index) & {fault.row for fault in faults}
    tables.check(tables.TASKS, good)


def by_row(table, frame):
    """What each row of the frame is by its row model alone: the model's values, or the columns it refuses."""
    for label, record in zip(frame.index, frame.astype(object).to_dict(orient="records"), strict=True):
        given = {name: cell for name, cell in record.items() if not (pd.isna(cell) or cell == "")}
        missing = {name for name, column in table.columns.items() if column.required and name not in given}
        days = {name for name, cell in given.items() if isinstance(cell, pd.Timestamp)}
        try:
            row = table.row(
                **dict.fromkeys(missing), **{**given, **{name: given[name].to_pydatetime() for name in days}}
            )
        except ValidationError as error:
            yield label, {str(item["loc"][0]) for item in error.errors()}
        else:
            yield label, row.model_dump()


MIXED = {
    "events": {
        "team": st.sampled_from(["a", "größe", "../x", "", None]),
        "import_id": st.sampled_from(["i", "x" * 65]),
        "row": st.integers(-1, 3) | st.sampled_from([10**12, 10**12 + 1, 2**62]),
        "case": st.sampled_from(["c", "d", None]),
        "activity": st.just("edited"),
        "timestamp": st.none() | st.datetimes(timezones=st.just(dt.UTC)),
        "resource": st.sampled_from(["p", "", None]),
    },
    "readings": {
        "team": st.just("a"),
        "kpi": st.sampled_from(["k", "l"]),
        "start": st.none() | st.datetimes().filter(lambda at: at.year < 9999) | st.dates().map(str),
        "days": st.integers(0, 367) | st.none(),
        "value": st.floats() | st.none(),
        "low": st.floats() | st.none(),
        "n": st.integers(-1, 10) | st.none(),
    },
    "pilot_items": {
        "team": st.just("a"),
        "pilot_id": st.just("p"),
        "item": st.sampled_from(["1", "2", "3", "4"]),
        "arm": st.sampled_from(["baseline", "trial", "other"]),
        "day": st.none() | st.dates().map(pd.Timestamp),
        "minutes": st.floats(-1, 20_000) | st.none(),
        "review_minutes": st.floats(0, 100) | st.none(),
        "accepted": st.booleans() | st.none(),
    },
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("few", [-1, 100])  # -1: whole columns are looked at even in the shortest table
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), typed=st.booleans())
def test_a_column_checked_in_one_call_means_what_its_row_model_says(monkeypatch, name, few, data, typed):
    monkeypatch.setattr(base, "FEW", few)
    table = tables.TABLES[name]
    rows = data.draw(st.lists(st.fixed_dictionaries(MIXED[name]), min_size=1, max_size=6))
    frame = pd.DataFrame(rows, index=range(2, 2 + len(rows)), dtype=object)
    if typed:  # as a workspace hands columns over, where they can be typed so
        for column in frame.columns:
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                frame[column] = frame[column].astype(table.columns[column].dtype)
    good, faults = tables.sift(table, frame)
    key = " + ".join(table.key)
    bad = {label: {fault.column for fault in faults if fault.row == label} - {key} for label in frame.index}
    for label, said in by_row(table, frame):
        if isinstance(said, set):
            assert bad[label] == said
        elif label in good.index:
            assert not bad[label]
            wanted = pd.DataFrame([said]).astype({c: table.columns[c].dtype for c in said})
            assert_frame_equal(good.loc[[label]].reset_index(drop=True), wanted)
        else:  # the row model takes it; only its key stood before
            assert any(fault.row == label and fault.column == key for fault in faults)
    assert [fault.row for fault in faults if fault.column != key] == sorted(
        fault.row for fault in faults if fault.column != key
    )
    assert_frame_equal(tables.check(table, good), good)


@pytest.mark.parametrize("few", [-1, 100])
def test_columns_typed_already_are_held_to_the_same_limits(monkeypatch, few):
    monkeypatch.setattr(base, "FEW", few)
    good = tables.check(tables.TASKS, sheet({**ONE_TASK, "minutes_per_run": 45.0, "current_level": 3}))
    for column, cell in (("minutes_per_run", 10_081.0), ("minutes_per_run", float("inf")), ("current_level", 6)):
        spoilt = good.assign(**{column: pd.Series([cell], index=good.index, dtype=good[column].dtype)})
        with pytest.raises(TableError, match=f"row 2, {column}"):
            tables.check(tables.TASKS, spoilt)
    inexact = tables.PROGRESS.empty()
    inexact.loc[0] = ["t", "x", "done", pd.Timestamp("2026-11-02T09:30"), None]
    with pytest.raises(TableError, match="row 0, done_on"):
        tables.check(tables.PROGRESS, inexact.astype(tables.PROGRESS.empty().dtypes))


def test_no_row_model_has_a_rule_over_several_columns():
    # `sift` validates column by column; a rule over a whole row would never be asked
    for table in tables.TABLES.values():
        decorators = table.row.__pydantic_decorators__
        assert not decorators.model_validators, table.name
        assert not decorators.field_validators, table.name
        assert not decorators.validators, table.name
        assert not decorators.root_validators, table.name


@pytest.mark.parametrize("table", tables.TABLES.values(), ids=lambda table: table.name)
def test_every_column_says_what_it_means_and_numbers_say_their_unit(table):
    for name, col in table.columns.items():
        assert col.meaning, f"{table.name}.{name} has no meaning"
        if col.kind in (int, float) and not col.choices and name not in ("value", "low", "high"):
            assert col.unit, f"{table.name}.{name} has no unit"
    assert set(table.key) <= set(table.columns)
    assert table.meaning.endswith(".")


def test_a_share_in_a_sentence_is_whole_unless_close_to_none_or_all():
    said = [tables.percent(share) for share in (0, 0.004, 0.74, 0.996, 1)]
    assert said == ["0 %", "0.4 %", "74 %", "99.6 %", "100 %"]


def test_one_is_counted_in_the_singular():
    said = [
        tables.count(0, "task"),
        tables.count(1, "task"),
        tables.count(1200.4, "hour"),
        tables.count(2, "is", "are"),
    ]
    assert said == ["0 tasks", "1 task", "1,200 hours", "2 are"]
