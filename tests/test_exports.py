"""Files out: sheets to fill in and to correct come back in, and no cell of them runs as a formula."""

import csv
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook.errors import ParameterError, RunError
from playbook.io import content, exports
from playbook.io.exports import BY_HAND, blank_sheet, guarded, guide, rejects_workbook, table_csv, task_sheet
from playbook.io.intake import FORMATS, bring_in
from playbook.io.intake._source import _without_guard
from playbook.tables import FACTORS

HYPERLINK = '=HYPERLINK("http://example.invalid","x")'


@dataclass
class Factor:
    name: str
    title: str
    meaning: str
    anchors: dict[int, str]


@dataclass
class Model:
    factors: tuple[Factor, ...]


MODEL = Model(tuple(Factor(name, name.title(), f"How much {name}.", {1: "none", 5: "all"}) for name in FACTORS))


@pytest.fixture
def ws(tmp_workspace):
    with tmp_workspace.change() as change:
        change.put("teams", pd.DataFrame({"team": ["content", "growth"], "name": ["Content", "Growth"]}))
    return tmp_workspace


def bring(ws, path, text=None, team="content", **how):
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return bring_in(ws, path, team=team, **how)


def refuse_some(ws, folder):
    bring(ws, folder / "t.csv", "task,workflow,minutes per run,note\nWrite,R,forty,-1\nPlan,P,20,x\nMeet,M,-3,@me\n")


def rows_of(path, sheet=0):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path).worksheets[sheet].iter_rows()]


def edit(path, changes):
    book = openpyxl.load_workbook(path)
    for place, value in changes.items():
        book.worksheets[0][place] = value
    book.save(path)


def test_refused_rows_come_out_are_corrected_and_come_back_in(ws, tmp_path):
    refuse_some(ws, tmp_path)
    path = rejects_workbook(ws, tmp_path / "correct.xlsx", "content")
    header, first, second = rows_of(path)
    assert header[-2:] == ["refused because", "refused from"]
    assert first[header.index("task")] == "Write"
    assert first[-2] == "minutes_per_run: 'forty'; wanted minutes from 0 to 10,080, or nothing"
    assert second[header.index("minutes_per_run")] == "-3"
    column = chr(ord("A") + header.index("minutes_per_run"))
    edit(path, {f"{column}2": 40})

    summary = bring(ws, path)
    assert (summary.format, summary.stored, summary.rejected) == ("tasks", 1, 1)
    assert set(ws.read("tasks")["task"]) == {"Plan", "Write"}
    # the corrected row is gone from what is to be corrected, the other stands there once, under its new import
    assert list(ws.read("rejects")["row"]) == [3]
    assert len(rows_of(rejects_workbook(ws, tmp_path / "again.xlsx"))) == 2
    assert set(ws.read("imports")["rejected"]) == {2, 1}


def test_a_refused_event_is_corrected_without_losing_its_pseudonym(ws, tmp_path):
    log = "case,activity,timestamp,resource,publish date\nA,Draft,2026-01-05T10:00Z,Anna K,2015-22-23\nB,Draft,soon,Ben L,\n"
    bring(ws, tmp_path / "log.csv", log)
    path = rejects_workbook(ws, tmp_path / "correct.xlsx", "content")
    header = rows_of(path)[0]
    assert header[:4] == ["case", "activity", "timestamp", "resource"]
    assert header[-3:] == ["publish date", "refused because", "refused from"]
    days = chr(ord("A") + header.index("publish date"))
    edit(path, {f"{days}2": "2015-12-23", "C3": "2026-01-06T10:00:00Z"})
    assert bring(ws, path).stored == 2
    assert ws.read("rejects").empty
    again = bring(ws, tmp_path / "later.csv", "case,activity,timestamp,resource\nA,Draft,2026-01-05T10:00Z,ANNA K\n")
    assert again.duplicates == 1


def test_each_team_and_format_has_its_own_sheet_and_no_refused_row_says_so(ws, tmp_path):
    path = tmp_path / "correct.xlsx"
    none = rejects_workbook(ws, tmp_path / "none.xlsx")
    assert rows_of(none) == [["No row is refused: there is nothing to correct."]]
    refuse_some(ws, tmp_path)
    bring(ws, tmp_path / "g.csv", "task,workflow,layer\nWrite,R,nowhere\n", team="growth")
    bring(ws, tmp_path / "e.csv", "case,activity,timestamp\nA,Draft,soon\n")
    rejects_workbook(ws, path)
    assert openpyxl.load_workbook(path).sheetnames == ["events content", "tasks content", "tasks growth"]
    growth = rejects_workbook(ws, tmp_path / "growth.xlsx", "growth")
    assert openpyxl.load_workbook(growth).sheetnames == ["tasks growth"]


def test_no_exported_cell_is_a_formula_a_link_or_a_number_in_disguise(ws, tmp_path):
    note = HYPERLINK.replace('"', '""')
    bring(ws, tmp_path / "t.csv", f'task,workflow,layer,note\n+1,@SUM(A1),nowhere,"{note}"\n-2+3,http://x.y,none,007\n')
    path = rejects_workbook(ws, tmp_path / "correct.xlsx")
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row if cell.value]
    assert {HYPERLINK, "@SUM(A1)", "+1", "-2+3", "http://x.y", "007"} <= {cell.value for cell in cells}
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)


def test_csv_guards_formulas_and_the_importer_takes_the_guard_off(ws, tmp_path):
    frame = pd.DataFrame(
        {
            "task": ["=1+1", "'=x", "-5", "it's"],
            "workflow": [HYPERLINK, "+a", "@b", "c"],
            "minutes_per_run": [1.5, -0.0, 2, 3],
        }
    )
    path = table_csv(frame, tmp_path / "out.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.reader(file))
    assert written[1] == ["'=1+1", f"'{HYPERLINK}", "1.5"]
    assert bring(ws, path).stored == 4
    back = ws.read("tasks").sort_values("minutes_per_run")
    assert dict(zip(back["task"], back["workflow"], strict=True)) == dict(
        zip(frame["task"], frame["workflow"], strict=True)
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=12).flatmap(lambda text: st.sampled_from([text, "=" + text, "'" + text, "'=" + text, "\t" + text]))
)
def test_guarding_loses_nothing_and_leaves_nothing_that_runs(text):
    safe = guarded(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert _without_guard(safe) == text


def test_the_task_sheet_is_checked_while_it_is_filled_and_comes_back_in(ws, tmp_path):
    path = task_sheet(tmp_path / "tasks.xlsx", MODEL)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Task sheet", "How to fill it in", "What the ratings mean"]
    page = book.worksheets[0]
    header = [cell.value for cell in page[1]]
    assert header == list(FORMATS["tasks"].wants())
    rules = {next(iter(rule.sqref.ranges)).min_col: rule for rule in page.data_validations.dataValidation}
    judgment, layer, minutes = (rules[header.index(name) + 1] for name in ("judgment", "layer", "minutes_per_run"))
    assert judgment.type == "custom"
    assert '"n/a"' in judgment.formula1
    assert judgment.prompt == "How much judgment. 1: none 5: all"
    assert layer.formula1 == '"input,planning,production,QA,distribution,feedback"'
    assert (minutes.formula1, minutes.formula2) == ("0", "10080")
    assert [cell.value for cell in book.worksheets[2][2]][:4] == [
        "structure",
        "Structure",
        "How much structure.",
        "none",
    ]

    for name, value in {
        "task": "Write",
        "workflow": "R",
        "judgment": "n/a",
        "layer": "QA",
        "runs_per_month": 4,
    }.items():
        page.cell(2, header.index(name) + 1).value = value
    book.save(path)
    assert bring(ws, path).stored == 1
    assert ws.read("tasks").iloc[0]["not_applicable"] == "judgment"


def test_an_empty_task_sheet_is_refused_as_having_no_rows(ws, tmp_path):
    with pytest.raises(Exception, match="a header and no rows"):
        bring(ws, task_sheet(tmp_path / "tasks.xlsx", MODEL))


def test_the_kits_own_factors_stand_in_the_task_sheet(tmp_path):
    rows = rows_of(task_sheet(tmp_path / "tasks.xlsx"), 2)
    assert {row[0] for row in rows[1:]} == set(FACTORS)
    assert all(all(row) for row in rows)


@pytest.mark.parametrize("name", BY_HAND)
def test_every_format_people_fill_in_has_an_empty_sheet_and_a_guide_generated_from_the_data_dictionary(name, tmp_path):
    assert rows_of(blank_sheet(tmp_path / "s.xlsx", name))[0] == list(FORMATS[name].wants())
    assert content.find(f"templates/intake/{name}.md").read_text(encoding="utf-8") == guide(name)


def test_no_guide_is_left_of_a_format_that_is_gone():
    folder = Path(content.root()) / "templates" / "intake"
    assert {path.stem for path in folder.glob("*.md")} == set(BY_HAND)


def test_an_unknown_format_lists_what_there_is(tmp_path):
    with pytest.raises(ParameterError, match=r"there are .*tasks"):
        blank_sheet(tmp_path / "s.xlsx", "word")


def test_a_tools_export_has_no_empty_sheet_and_the_error_says_what_to_do(tmp_path):
    with pytest.raises(ParameterError, match=r"Jira issue export is written by the tool.*export it there.*tasks"):
        blank_sheet(tmp_path / "s.xlsx", "jira")
    assert not (tmp_path / "s.xlsx").exists()


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    table_csv(pd.DataFrame({"a": [1]}), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "guarded", full)
    with pytest.raises(RunError, match="No space left on device"):
        table_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RunError, match="could not be written"):
        table_csv(pd.DataFrame({"a": [2]}), tmp_path)


def test_typed_cells_are_written_as_people_write_them(tmp_path):
    frame = pd.DataFrame(
        {"day": [pd.Timestamp("2026-11-03")], "n": pd.array([3], dtype="Int64"), "none": [None], "yes": [True]}
    )
    path = table_csv(frame, tmp_path / "out.csv")
    assert path.read_text(encoding="utf-8-sig").splitlines()[1] == "2026-11-03,3,,True"


def test_a_record_of_any_size_fits_the_rejects_table(ws, tmp_path):
    text = 'ä\\"' * 20_000
    bring(ws, tmp_path / "t.csv", 'task,workflow,note\n"' + text.replace('"', '""') + '",w,x\n')
    record = json.loads(ws.read("rejects").iloc[0]["record"])
    assert record["task"].startswith('ä\\"ä')
    assert dt.datetime.now(dt.UTC) - ws.read("imports").iloc[0]["at"] < dt.timedelta(minutes=5)
