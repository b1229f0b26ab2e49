"""A team's workbook goes out, is filled in and comes back; what was changed on both sides is shown, never overwritten."""

import contextlib
import datetime as dt
import itertools
import json
import shutil

import openpyxl
import pandas as pd
import pytest
from engagement import copy_of, make_workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from playbook.cli import app
from playbook.errors import IntakeError, ParameterError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import bring_in
from playbook.io.intake._exported import MEMORY, as_shown, mark_of
from playbook.io.pseudonyms import Pseudonyms
from playbook.io.workbook import SHEETS, team_workbook
from playbook.io.workspace import Workspace
from playbook.tables import FACTORS, TASKS

TASK_ROWS = [
    {"task_id": "draft", "task": "Draft the report", "workflow": "Reporting", "layer": "production",
     "runs_per_month": 4.333333333333333, "minutes_per_run": 20.0, "structure": 4.0, "not_applicable": "judgment, stakes",
     "note": "every\nMonday", "basis": "measured"},
    {"task_id": "send", "task": "=Send it", "workflow": "Reporting", "minutes_per_run": 5.0, "current_level": 2},
    {"task_id": "plan", "task": "Plan the week", "workflow": "Planning", "role": "lead"},
]  # fmt: skip
_numbers = itertools.count(1)


def fill(ws, team, tasks=TASK_ROWS):
    with ws.change() as change:
        change.put("teams", pd.DataFrame({"team": ["content", "growth"], "name": ["Content", "Growth"]}))
        change.put("tasks", pd.DataFrame([{"team": team, **row} for row in tasks]))
        pilot = {
            "pilot_id": "p1",
            "workflow": "Reporting",
            "level": 3,
            "start": dt.date(2026, 11, 3),
            "status": "running",
        }
        change.put("pilots", pd.DataFrame([{"team": team, **pilot}]))
        broke = {"breakage_id": "b1", "pilot_id": "p1", "day": dt.date(2026, 11, 9), "category": "tool"}
        broke |= {"severity": "minor", "what": "The export stopped", "minutes_lost": 15.0}
        change.put("breakages", pd.DataFrame([{"team": team, **broke}]))
        agreed = {"questionnaire": "maturity", "question": "iteration_new", "seat": 0, "score": 3}
        change.put("answers", pd.DataFrame([{"team": team, **agreed}, {"team": team, **agreed, "seat": 7, "score": 1}]))
    return ws


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A filled workspace and its workbook, which each test gets a copy of."""
    folder = tmp_path_factory.mktemp("roundtrip")
    filled = fill(make_workspace(folder / "engagement"), "content")
    return filled.folder, team_workbook(filled, folder / "team.xlsx", "Content")


@pytest.fixture
def ws(made_once, tmp_path):
    return copy_of(made_once[0], tmp_path / "engagement")


@pytest.fixture
def path(made_once, tmp_path):
    return shutil.copy(made_once[1], tmp_path / "team.xlsx")


def sheet_rows(path, sheet):
    page = openpyxl.load_workbook(path)[sheet]
    header, *rows = page.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def edit(path, sheet, cells, drop=(), add=()):
    """Change cells by (key in column A, header), drop rows by key, add rows; saved as people save it."""
    book = openpyxl.load_workbook(path)
    page = book[sheet]
    header = [cell.value for cell in page[1]]
    lines = {page.cell(line, 1).value: line for line in range(2, page.max_row + 1)}
    for (key, name), value in cells.items():
        page.cell(lines[key], header.index(name) + 1).value = value
    for row in add:
        line = page.max_row + 1
        for name, value in row.items():
            page.cell(line, header.index(name) + 1).value = value
    for line in sorted((lines[key] for key in drop), reverse=True):
        page.delete_rows(line)
    book.save(path)


def there(ws, table="tasks", key="task_id"):
    return ws.read(table, "content").set_index(key)


def write(ws, table, **cells):
    """What somebody else changes in the workspace meanwhile; the row is named by its key."""
    kept = ws.read(table, "content")
    name = next(name for name in cells if name.endswith("_id"))
    row = kept[kept[name] == cells[name]].assign(**cells)
    with ws.change(by="analyst") as change:
        change.put(table, row)


def counts(summary):
    assert summary.rows_read == summary.stored + summary.rejected + summary.duplicates
    for part in summary.parts:
        assert part.rows_read == part.stored + part.rejected + part.duplicates
    return summary.rows_read, summary.stored, summary.rejected, summary.duplicates


def bring(ws, path, **how):
    return bring_in(ws, path, team="content", **how)


# --- what goes out


def test_the_workbook_explains_itself_and_checks_what_is_typed(path):
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["How to fill it in", *SHEETS.values(), "What the ratings mean", MEMORY]
    assert book[MEMORY].sheet_state == "veryHidden"
    page = book["Tasks"]
    header = [cell.value for cell in page[1]]
    rules = {next(iter(rule.sqref.ranges)).min_col: rule for rule in page.data_validations.dataValidation}
    layer, level, basis, minutes, judgment = (
        rules[header.index(name) + 1] for name in ("layer", "current_level", "basis", "minutes_per_run", "judgment")
    )
    assert layer.formula1 == '"input,planning,production,QA,distribution,feedback"'
    assert (level.formula1, basis.formula1) == ('"1,2,3,4,5"', '"estimated,measured"')
    assert (minutes.type, minutes.formula1, minutes.formula2) == ("decimal", "0", "10080")
    assert "ISNUMBER" in judgment.formula1
    # the rules also hold in rows that are added
    assert next(iter(layer.sqref.ranges)).max_row > 900
    assert page.freeze_panes == "B2"
    assert page["A2"].fill.start_color.rgb == "FFE7E6E6"
    assert page["B2"].fill.start_color.rgb != "FFE7E6E6"
    guide = [cell for row in book["How to fill it in"].iter_rows(values_only=True) for cell in row if cell]
    assert "Workbook of the team content, Acme" in guide
    assert {"minutes_per_run", "hands-on minutes one run takes", "minutes from 0 to 10,080, or nothing"} <= set(guide)


def test_factors_that_do_not_apply_say_so_and_days_are_days(path):
    draft = next(row for row in sheet_rows(path, "Tasks") if row["task_id"] == "draft")
    assert [name for name in FACTORS if draft[name] == "n/a"] == ["judgment", "stakes"]
    assert sheet_rows(path, "Pilots")[0]["start"] == dt.datetime(2026, 11, 3)  # noqa: DTZ001 - a spreadsheet's day


def test_open_questions_stand_there_to_be_answered_and_single_seats_stay_at_home(path):
    rows = sheet_rows(path, "Answers")
    assert {row["seat"] for row in rows} == {0}
    assert [row["score"] for row in rows if row["question"] == "iteration_new"] == [3]
    assert len(rows) > 10
    assert all(row["question in words"] for row in rows)


def test_no_secret_address_or_formula_leaves_in_a_workbook(ws, tmp_path):
    write(ws, "tasks", task_id="plan", note="ask zoe.quill@example.org")
    path = team_workbook(ws, tmp_path / "t.xlsx", "content")
    book = openpyxl.load_workbook(path)
    cells = [cell for page in book for row in page.iter_rows() for cell in row if cell.value is not None]
    text = json.dumps([str(cell.value) for cell in cells])
    assert "example.org" not in text
    assert ws.pseudonym_key.hex() not in text
    assert mark_of(ws) in text
    assert not any(cell.data_type == "f" for cell in cells)
    assert "=Send it" in text
    # the address that stayed at home is no change of the file's
    assert counts(bring(ws, path))[1:3] == (0, 0)


# --- what comes back


def test_an_unchanged_workbook_changes_nothing_and_all_its_rows_are_duplicates(ws, path):
    before = ws.fingerprint(["tasks", "pilots", "breakages", "answers"])
    edit(path, "Tasks", {})
    summary = bring(ws, path)
    rows = len(TASK_ROWS) + 1 + 1 + len(sheet_rows(path, "Answers"))
    assert counts(summary) == (rows, 0, 0, rows)
    assert (summary.format, summary.conflicts) == ("workbook", ())
    assert ws.fingerprint(["tasks", "pilots", "breakages", "answers"]) == before
    assert set(ws.read("imports")["format"]) == {"tasks", "pilots", "breakages", "answers"}


def test_what_was_changed_in_the_file_is_stored_and_what_the_workspace_changed_meanwhile_stays(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 25, ("draft", "judgment"): 2, ("plan", "role"): None})
    edit(path, "Pilots", {("p1", "status"): "ended", ("p1", "end"): dt.date(2026, 11, 20)})
    edit(path, "What broke", {("b1", "fix"): "Asked for a new export"})
    edit(path, "Answers", {}, add=[])
    write(ws, "tasks", task_id="draft", runs_per_month=9.0)
    summary = bring(ws, path)
    assert summary.updated == summary.stored == 4
    assert counts(summary)[2] == 0
    draft = there(ws).loc["draft"]
    assert (draft["minutes_per_run"], draft["runs_per_month"], draft["judgment"]) == (25, 9, 2)
    assert draft["not_applicable"] == "stakes"
    assert pd.isna(there(ws).loc["plan", "role"])
    pilot = there(ws, "pilots", "pilot_id").loc["p1"]
    assert (pilot["status"], pilot["end"]) == ("ended", pd.Timestamp(2026, 11, 20))


def test_an_open_question_that_was_answered_is_stored_and_the_others_are_left(ws, path):
    book = openpyxl.load_workbook(path)
    page = book["Answers"]
    line = next(n for n in range(2, page.max_row) if page.cell(n, 5).value is None)
    page.cell(line, 5).value = 4
    question = page.cell(line, 2).value
    book.save(path)
    assert counts(bring(ws, path))[1:3] == (1, 0)
    answers = ws.read("answers", "content")
    assert answers.set_index(["question", "seat"])["score"].to_dict() == {
        ("iteration_new", 0): 3, ("iteration_new", 7): 1, (question, 0): 4,
    }  # fmt: skip


def test_a_cell_changed_on_both_sides_is_shown_with_all_three_values_and_nothing_is_overwritten(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 30, ("draft", "role"): "writer", ("send", "note"): "fine"})
    write(ws, "tasks", task_id="draft", minutes_per_run=25.0)
    summary = bring(ws, path)
    conflict = summary.conflicts[0]
    assert len(summary.conflicts) == 1
    assert (conflict.row, conflict.key, conflict.column) == (2, "draft", "minutes_per_run")
    assert (conflict.at_export, conflict.in_file, conflict.in_workspace) == ("20", "30", "25")
    assert counts(summary)[1:3] == (1, 1)
    lines = str(summary).splitlines()
    assert lines[1].startswith("1 cell was changed in the file and in the workspace since the export")
    assert lines[2] == (
        "  Tasks, row 2 (draft), minutes_per_run: 20 at the export, 30 in the file, 25 in the workspace now"
    )
    draft = there(ws).loc["draft"]
    assert draft["minutes_per_run"] == 25
    assert pd.isna(draft["role"])
    assert there(ws).loc["send", "note"] == "fine"


def test_a_conflict_goes_out_among_the_rejects_and_comes_back_settled(ws, path, tmp_path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 30, ("draft", "role"): "writer"})
    write(ws, "tasks", task_id="draft", minutes_per_run=25.0, note="others wrote this")
    bring(ws, path)
    out = rejects_workbook(ws, tmp_path / "rejects.xlsx", "content")
    (row,) = sheet_rows(out, "tasks content")
    filled = {name for name, value in row.items() if value is not None}
    # only what the file changed goes out, so that nothing it never touched can be carried over
    assert filled == {"task_id", "task", "workflow", "minutes_per_run", "role", "refused because", "refused from"}
    assert "30 in the file, 20 at the export; wanted 25, as the workspace has it now" in row["refused because"]
    book = openpyxl.load_workbook(out)
    page = book.active
    page.cell(2, [cell.value for cell in page[1]].index("minutes_per_run") + 1).value = 27
    book.save(out)
    assert bring(ws, out, update=True).updated == 1
    draft = there(ws).loc["draft"]
    assert (draft["minutes_per_run"], draft["role"], draft["note"]) == (27, "writer", "others wrote this")
    assert ws.read("rejects").empty


def test_with_update_the_file_wins_where_it_changed_something_and_only_there(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 30})
    write(ws, "tasks", task_id="draft", minutes_per_run=25.0, note="others wrote this")
    assert bring(ws, path).rejected == 1
    summary = bring(ws, path, update=True)
    assert (summary.updated, summary.rejected) == (1, 0)
    assert [conflict.file_won for conflict in summary.conflicts] == [True]
    assert "the file's value was stored" in str(summary)
    draft = there(ws).loc["draft"]
    assert (draft["minutes_per_run"], draft["note"]) == (30, "others wrote this")
    assert ws.read("rejects").empty


def test_the_same_change_on_both_sides_is_no_conflict(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 30})
    write(ws, "tasks", task_id="draft", minutes_per_run=30.0)
    assert counts(bring(ws, path))[1:3] == (0, 0)


def test_deleted_rows_are_said_and_stay_and_new_rows_are_added(ws, path):
    edit(path, "Tasks", {}, drop=["plan", "send"], add=[{"task": "Brief", "workflow": "Planning", "judgment": "n/a"}])
    summary = bring(ws, path)
    assert "2 rows are no longer in the sheet Tasks and stay in the workspace as they are: plan, send" in str(summary)
    assert (summary.stored, summary.updated) == (1, 0)
    assert set(there(ws)["task"]) == {"Draft the report", "=Send it", "Plan the week", "Brief"}


def test_a_row_removed_from_the_workspace_stays_removed_unless_the_file_changed_it(ws, path):
    with ws.change() as change:
        change.remove("tasks", pd.DataFrame({"team": ["content"] * 2, "task_id": ["plan", "send"]}))
    edit(path, "Tasks", {("send", "note"): "kept after all"})
    summary = bring(ws, path)
    assert list(there(ws).index) == ["draft"]
    assert "removed from the workspace since, stay removed: plan" in str(summary)
    assert [conflict.in_workspace for conflict in summary.conflicts] == ["nothing, as the row was removed"]
    assert bring(ws, path, update=True).stored == 1
    assert there(ws).loc["send", "note"] == "kept after all"


def test_a_new_row_whose_key_somebody_took_meanwhile_is_a_conflict(ws, path):
    edit(path, "Tasks", {}, add=[{"task_id": "brief", "task": "Brief", "workflow": "Planning", "minutes_per_run": 7}])
    with ws.change() as change:
        new = {"team": "content", "task_id": "brief", "task": "Brief", "workflow": "Planning", "minutes_per_run": 9.0}
        change.put("tasks", pd.DataFrame([new]))
    summary = bring(ws, path)
    assert [(c.column, c.at_export) for c in summary.conflicts] == [("minutes_per_run", "no such row")]
    assert there(ws).loc["brief", "minutes_per_run"] == 9


def test_a_bad_cell_refuses_its_row_and_names_the_sheet(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): "forty", ("draft", "role"): "writer"})
    write(ws, "tasks", task_id="draft", note="others wrote this")
    summary = bring(ws, path)
    assert summary.rejected == 1
    assert "row 2 of Tasks, minutes_per_run: 'forty'; wanted minutes from 0 to 10,080" in str(summary)
    record = json.loads(ws.read("rejects").iloc[0]["record"])
    assert "note" not in record
    assert (record["minutes_per_run"], record["role"]) == ("forty", "writer")


def test_a_cell_beside_the_table_refuses_its_row_in_words_that_fit_a_workbook(ws, path):
    book = openpyxl.load_workbook(path)
    book["Tasks"]["Z3"] = "stray"
    book.save(path)
    (fault,) = bring(ws, path).faults
    assert "empty what stands beside the table" in fault.wanted


def test_the_same_workbook_twice_adds_nothing(ws, path):
    edit(path, "Tasks", {("draft", "minutes_per_run"): 30})
    bring(ws, path)
    again = bring(ws, path)
    assert again.already is not None
    assert counts(again)[1:3] == (0, 0)


def test_a_workbook_of_another_workspace_or_team_is_refused(ws, path, tmp_path):
    other = fill(Workspace.create(tmp_path / "other", organisation="Acme", start=dt.date(2026, 11, 2)), "content")
    with pytest.raises(IntakeError, match="exported from another workspace, so nothing of it was read"):
        bring(other, path)
    with pytest.raises(IntakeError, match="workbook of team content, not of growth; import it with --team content"):
        bring_in(ws, path, team="growth")
    assert ws.read("imports").empty


def test_a_workbook_is_read_as_one_whatever_is_asked(ws, path):
    for how in ({"as_format": "tasks"}, {"mapping": {"role": "note"}}):
        with pytest.raises(ParameterError, match="leave out --as and --map"):
            bring(ws, path, **how)


def test_a_lost_column_an_unknown_one_and_a_damaged_memory_are_one_clear_error(ws, path, tmp_path):
    for name, change, match in (
        ("lost", lambda book: book["Tasks"].delete_cols(5), "the sheet Tasks has lost its column layer"),
        ("more", lambda book: book["Tasks"].__setitem__("S1", "mood"), "knows no column 'mood'"),
        ("memory", lambda book: book[MEMORY].__setitem__("B3", "{"), "hidden sheet _playbook was changed"),
        ("other", lambda book: book[MEMORY].__setitem__("A3", "nothing"), "hidden sheet _playbook was changed"),
        ("stamp", lambda book: book[MEMORY].delete_rows(2), "hidden sheet _playbook was changed"),
    ):
        book = openpyxl.load_workbook(path)
        change(book)
        book.save(tmp_path / f"{name}.xlsx")
        with pytest.raises(IntakeError, match=match):
            bring(ws, tmp_path / f"{name}.xlsx")


def test_a_sheet_that_is_gone_or_foreign_is_said(ws, path):
    book = openpyxl.load_workbook(path)
    del book["Pilots"]
    book.create_sheet("Scratch")["A1"] = "my own sums"
    book.save(path)
    said = str(bring(ws, path))
    assert "the sheet Pilots is gone or empty; its 1 exported row stays in the workspace" in said
    assert "sheets that are not the workbook's own were not read: Scratch" in said


def test_the_command_line_writes_and_reads_a_workbook_and_says_the_first_conflicts(ws, tmp_path):
    runner, place, file = CliRunner(), str(ws.folder), str(tmp_path / "w.xlsx")
    assert runner.invoke(app, ["workbook", file, "--team", "Content", "-w", place]).exit_code == 0
    edit(file, "Tasks", {(key, "note"): "mine" for key in ("draft", "send", "plan")} | {("plan", "role"): "x"})
    for key in ("draft", "send", "plan"):
        write(ws, "tasks", task_id=key, note="theirs")
    result = runner.invoke(app, ["import", file, "--team", "content", "-w", place])
    assert result.exit_code == 0
    assert "3 cells were changed in the file and in the workspace since the export" in result.output
    assert result.output.count(" in the workspace now\n") == 3


# --- laws

VALUES = {
    "note": st.none() | st.sampled_from(["a", "=1+1", "two\nlines", "_x0041_", "007", "TRUE", "é"]),
    "role": st.none() | st.sampled_from(["lead", "writer"]),
    "minutes_per_run": st.none() | st.floats(0, 10_080),
    "judgment": st.none() | st.sampled_from([1.0, 3.3333333333333335, 5.0]),
    "layer": st.none() | st.sampled_from(["QA", "input"]),
}
CHANGES = st.dictionaries(
    st.tuples(st.sampled_from([row["task_id"] for row in TASK_ROWS]), st.sampled_from(sorted(VALUES))),
    st.none(),
    max_size=6,
).flatmap(lambda cells: st.fixed_dictionaries({place: VALUES[place[1]] for place in cells}))


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """One workspace whose tasks many workbooks are made of."""
    folder = tmp_path_factory.mktemp("busy")
    return fill(Workspace.create(folder / "engagement", organisation="Example", start=dt.date(2026, 11, 1)), "content")


def plainly(ws):
    clean = Pseudonyms(ws.pseudonym_key)
    rows = ws.read("tasks", "content").to_dict(orient="records")
    return {row["task_id"]: as_shown(TASKS, row, clean) for row in rows}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=CHANGES, theirs=CHANGES, update=st.booleans())
def test_no_cell_the_workspace_changed_is_lost_without_a_word(busy, tmp_path_factory, mine, theirs, update):
    fill(busy, "content")
    path = team_workbook(busy, tmp_path_factory.getbasetemp() / f"law{next(_numbers)}.xlsx", "content")
    exported = plainly(busy)
    edit(path, "Tasks", mine)
    for (key, name), value in theirs.items():
        write(busy, "tasks", task_id=key, **{name: value})
    before = plainly(busy)
    summary = bring(busy, path, update=update)
    after = plainly(busy)
    counts(summary)
    conflicts = {(conflict.key, conflict.column): conflict.file_won for conflict in summary.conflicts}
    refused = {key for (key, _), won in conflicts.items() if not won}
    assert (update and not refused) or not any(conflicts.values())
    for key, row in after.items():
        for name, value in row.items():
            if value == before[key][name]:
                continue
            # a cell that moved was changed in the file, in a row that was not refused ...
            assert key not in refused
            assert (key, name) in mine or name == "not_applicable"
            # ... and if the workspace had changed it too, that was said
            assert before[key][name] == exported[key][name] or conflicts.get((key, name)) is True


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["Tasks", "Pilots", MEMORY]),
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 20), st.one_of(st.none(), st.text(max_size=8), st.integers())),
        max_size=4,
    ),
)
def test_no_damage_raises_anything_but_a_clear_error_or_loses_a_row(busy, tmp_path_factory, sheet, damage):
    fill(busy, "content")
    path = team_workbook(busy, tmp_path_factory.getbasetemp() / f"damage{next(_numbers)}.xlsx", "content")
    book = openpyxl.load_workbook(path)
    for line, place, value in damage:
        text = "".join(mark for mark in value if mark.isprintable()) if isinstance(value, str) else value
        book[sheet].cell(line, place).value = text
    book.save(path)
    with contextlib.suppress(PlaybookError):
        counts(bring(busy, path))
