"""The forms without a browser: what they ask, store, refuse and take back, and what a pasted sheet comes to."""

# ruff: noqa: RUF001 - right-to-left text is part of the input
import datetime as dt
import re
import shutil
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from engagement import with_teams

from playbook import pilots, tables, widgets
from playbook.errors import ConflictError, IntakeError, ParameterError, TableError, WorkspaceError
from playbook.io.workspace import Workspace
from playbook.report import look
from playbook.widgets import forms
from playbook.widgets._form_cells import field
from playbook.widgets._form_settings import SETTINGS

TODAY = dt.date(2026, 11, 22)
TASK = {"task": "Draft the newsletter", "workflow": "Newsletter", "role": "Editor", "minutes_per_run": "45"}
HEADER = "task\tworkflow\trole\truns per month\tminutes per run"


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms") / "engagement"
    return with_teams(Workspace.create(folder, organisation="Acme", start=dt.date(2026, 11, 2))).folder


@pytest.fixture
def ws(made_once, tmp_path):
    """A workspace of two teams, each test with its own copy."""
    return Workspace.open(shutil.copytree(made_once, tmp_path / "engagement"))


@pytest.fixture
def inventory(ws):
    return forms.inventory(ws, "content", today=TODAY)


@pytest.fixture
def stored(inventory, ws):
    """The inventory with one task in it, and its id in the form."""
    inventory.save(TASK, by="Content Lead")
    return inventory, inventory.rows[0]["id"]


def asked_by_browser(form, **message):
    """Send what the browser sends and return the form's answer."""
    said = []
    form.send = lambda content, buffers=None: said.append(content)
    form._hear(form, {"ask": 1, "by": "facilitator", **message}, None)
    assert len(said) == 1
    return said[0]


def names(form):
    return [field["name"] for field in form.fields]


# --- what a form asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTINGS)
def test_a_form_asks_every_column_of_its_table_but_the_team_made_keys_and_what_another_form_asks(ws, name):
    form = forms.RowForm(ws, "content", SETTINGS[name])
    left_out = {"team", *SETTINGS[name].made, *SETTINGS[name].elsewhere}
    assert names(form) == [column for column in tables.STORED[name].columns if column not in left_out]


def test_a_new_column_of_a_row_model_appears_by_itself_and_a_persons_column_never():
    class Longer(tables.DECISIONS.row):
        """A decision with more to say."""

        cost: float | None = tables.column("what it costs", unit="euro", ge=0, le=100, default=None)
        whom: str | None = tables.column("who it was", person=True, default=None)

    made = tables.Table("decisions", Longer, ("team", "decision_id"))
    asked = forms.RowForm._asked(SimpleNamespace(_table=made, _setting=SETTINGS["decisions"]))
    assert asked == ["day", "decision", "reason", "owner_role", "cost"]
    assert field(made.columns["cost"])["wanted"] == "euro from 0 to 100, or nothing"


def test_a_field_carries_meaning_unit_range_and_choices_of_its_column(inventory):
    fields = {field["name"]: field for field in inventory.fields}
    assert fields["minutes_per_run"]["wanted"] == "minutes from 0 to 10,080, or nothing"
    assert fields["minutes_per_run"]["kind"] == "number"
    assert fields["minutes_per_run"]["unit"] == "minutes"
    assert [choice["value"] for choice in fields["layer"]["choices"]] == list(tables.stored.LAYERS)
    assert fields["current_level"]["choices"][0] == {"value": "1", "label": "1 Human-led, AI-informed"}
    assert fields["basis"]["default"] == "estimated"
    assert fields["task"]["required"]


def test_roles_people_already_use_are_suggested_and_bind_nobody(stored):
    form, _ = stored
    fields = {field["name"]: field for field in form.fields}
    assert fields["role"]["suggestions"] == ["Editor"]
    form.save({**TASK, "task": "Send it", "role": "Somebody new"})
    assert "Somebody new" in {field["name"]: field for field in form.fields}["role"]["suggestions"]


# --- storing, history, undo ------------------------------------------------------------------------------------------


def test_a_saved_row_is_stored_at_once_with_the_role_that_did_it(stored, ws):
    rows = ws.read("tasks", "content")
    assert rows[["task", "workflow", "role", "minutes_per_run", "basis"]].to_numpy().tolist() == [
        ["Draft the newsletter", "Newsletter", "Editor", 45.0, "estimated"]
    ]
    last = ws.history("tasks", "content").iloc[-1]
    assert (last["by"], last["note"], last["action"]) == ("Content Lead", "task inventory", "insert")


def test_an_edit_changes_only_what_was_changed_and_an_unchanged_row_writes_no_history(stored, ws):
    form, row = stored
    form.save({**TASK, "minutes_per_run": "50"}, row)
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [50.0]
    before = len(ws.history("tasks", "content"))
    form.save({**TASK, "minutes_per_run": "50"}, row)
    assert len(ws.history("tasks", "content")) == before


def test_undo_takes_back_one_edit_after_the_other_and_history_keeps_all(stored, ws):
    form, row = stored
    form.save({"minutes_per_run": "50"}, row)
    form.save({"minutes_per_run": "60"}, row)
    for wanted in ([50.0], [45.0], []):
        form.undo()
        assert ws.read("tasks", "content")["minutes_per_run"].tolist() == wanted
    assert form.undoable == ""
    with pytest.raises(ParameterError, match="nothing of this session is left to undo"):
        form.undo()
    assert ws.history("tasks", "content")["action"].tolist() == ["insert"] + ["update"] * 4 + ["delete"]


def test_a_removed_row_comes_back_with_undo(stored, ws):
    form, row = stored
    form.remove(row)
    assert ws.read("tasks", "content").empty
    form.undo()
    assert ws.read("tasks", "content")["task"].tolist() == ["Draft the newsletter"]
    assert form.rows[0]["id"] == row


def test_what_somebody_else_changed_since_is_not_undone(stored, ws):
    form, row = stored
    form.save({"minutes_per_run": "50"}, row)
    other = forms.inventory(ws, "content", role="Brand Manager")
    other.save({"minutes_per_run": "70"}, row)
    with pytest.raises(ConflictError, match="by Brand Manager"):
        form.undo()
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [70.0]


def test_a_key_that_is_changed_moves_the_row_and_undo_moves_it_back(ws):
    form = forms.role_map(ws, "content")
    form.save({"role": "SEO Specialist", "new_role": "Search Editor", "status": "proposed"})
    form.save({"role": "SEO Manager"}, form.rows[0]["id"])
    assert ws.read("role_proposals", "content")["role"].tolist() == ["SEO Manager"]
    assert ws.read("role_proposals", "content")["new_role"].tolist() == ["Search Editor"]
    form.undo()
    assert ws.read("role_proposals", "content")["role"].tolist() == ["SEO Specialist"]


def test_ids_people_are_not_asked_for_are_made_even_when_two_add_at_once(ws):
    one, two = forms.decision_log(ws, "content", today=TODAY), forms.decision_log(ws, "content", today=TODAY)
    for form in (one, two):
        form.save({"day": "2026-11-20", "decision": f"Try it {id(form)}", "reason": "It is slow"})
    assert ws.read("decisions", "content")["decision_id"].tolist() == ["d1", "d2"]


def test_that_nothing_broke_is_an_entry_the_pilot_room_understands(ws):
    with ws.change() as change:
        change.put(
            "pilots", pd.DataFrame([{"team": "content", "pilot_id": "p1", "workflow": "Newsletter", "level": 3}])
        )
    form = forms.pilot_log(ws, "content", today=TODAY)
    fields = {field["name"]: field for field in form.fields}
    assert fields["pilot_id"]["choices"] == [{"value": "p1", "label": "p1: Newsletter"}]
    assert fields["day"]["default"] == "2026-11-22"
    preset = form.presets[0]
    assert preset["label"] == "Nothing broke"
    form.save({"pilot_id": "p1", "day": "2026-11-22", **preset["cells"]})
    rows = ws.read("breakages", "content")
    assert rows["breakage_id"].tolist() == ["b1"]
    assert pilots.broke(ws.read("pilots", "content"), rows).empty


def test_the_static_twin_is_the_stored_rows_as_a_table(stored):
    form, _ = stored
    assert form.static()["task"].tolist() == ["Draft the newsletter"]
    assert "team" not in form.static().columns


# --- two people at once ----------------------------------------------------------------------------------------------


def test_the_later_of_two_sees_both_values_and_nothing_is_overwritten(stored, ws):
    form, row = stored
    late = forms.inventory(ws, "content", role="Analyst")
    form.save({"minutes_per_run": "50"}, row, by="Brand Manager")
    with pytest.raises(ConflictError, match=r"minutes_per_run yours 70\.0, stored 50\.0 \(changed by Brand Manager"):
        late.save({"minutes_per_run": "70"}, row)
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [50.0]
    # the form now shows what is stored, so that the same answer given again is a choice
    assert late.rows[0]["cells"]["minutes_per_run"] == "50"
    late.save({"minutes_per_run": "70"}, row)
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [70.0]


def test_two_who_change_different_cells_of_a_row_keep_both(stored, ws):
    form, row = stored
    late = forms.inventory(ws, "content")
    form.save({"minutes_per_run": "50"}, row)
    late.save({"role": "Analyst"}, row)
    assert ws.read("tasks", "content")[["role", "minutes_per_run"]].to_numpy().tolist() == [["Analyst", 50.0]]


def test_a_row_removed_meanwhile_is_a_conflict_and_does_not_come_back_by_itself(stored, ws):
    form, row = stored
    late = forms.inventory(ws, "content")
    form.remove(row)
    with pytest.raises(ConflictError, match="removed"):
        late.save({"minutes_per_run": "70"}, row)
    assert ws.read("tasks", "content").empty


def test_adding_a_task_somebody_has_added_already_is_a_conflict(stored, ws):
    _, _ = stored
    late = forms.inventory(ws, "content")
    with pytest.raises(ConflictError, match=r"minutes_per_run yours 90\.0, stored 45\.0"):
        late.save({**TASK, "minutes_per_run": "90"})


def test_what_another_form_stored_is_shown_after_a_look(stored, ws):
    form, row = stored
    late = forms.inventory(ws, "content")
    form.save({"minutes_per_run": "50"}, row)
    assert late._watch.look()
    assert late.rows[0]["cells"]["minutes_per_run"] == "50"
    assert late.changed == 1
    assert not late._watch.look()


# --- what the browser is told ----------------------------------------------------------------------------------------


def test_every_bad_cell_is_named_with_what_was_found_and_wanted(inventory, ws):
    said = asked_by_browser(
        inventory,
        do="save",
        row=None,
        seen={},
        revision=None,
        cells={"task": "", "workflow": "N", "minutes_per_run": "abc"},
    )
    assert said["kind"] == "refused"
    assert {(fault["column"], fault["found"]) for fault in said["faults"]} == {
        ("task", "nothing"),
        ("minutes_per_run", "'abc'"),
    }
    assert said["faults"][0]["wanted"]
    assert ws.read("tasks", "content").empty


def test_one_field_is_checked_before_the_row_is_saved(inventory):
    bad = asked_by_browser(inventory, do="check", cells={"minutes_per_run": "20000"})
    assert bad["faults"][0]["wanted"] == "minutes from 0 to 10,080, or nothing"
    assert asked_by_browser(inventory, do="check", cells={"minutes_per_run": "20"})["ok"]


def test_a_conflict_reaches_the_browser_with_both_values_and_the_row_as_stored(stored, ws):
    form, row = stored
    late = forms.inventory(ws, "content")
    shown = late.rows[0]
    form.save({"minutes_per_run": "50"}, row)
    said = asked_by_browser(
        late, do="save", row=row, cells={"minutes_per_run": "70"}, seen=shown["cells"], revision=shown["revision"]
    )
    assert said["kind"] == "conflict"
    assert "yours 70.0, stored 50.0" in said["text"]
    assert said["now"]["cells"]["minutes_per_run"] == "50"
    new = asked_by_browser(late, do="save", row=None, cells={**TASK, "role": "x"}, seen={}, revision=None, once="a")
    assert (new["kind"], new["now"]["id"]) == ("conflict", row)
    assert late.rows[0]["cells"]["minutes_per_run"] == "50"


def test_a_row_sent_again_by_a_browser_that_heard_no_answer_is_stored_once(ws):
    form = forms.decision_log(ws, "content", today=TODAY)
    cells = {"day": "2026-11-20", "decision": "Start", "reason": "It is slow"}
    asked = {"do": "save", "row": None, "cells": cells, "seen": {}, "revision": None, "once": "k1"}
    assert asked_by_browser(form, **asked)["text"] == asked_by_browser(form, **asked)["text"]
    assert len(ws.read("decisions", "content")) == 1
    assert asked_by_browser(form, **{**asked, "cells": {**cells, "reason": "It helps"}})["ok"]
    assert ws.read("decisions", "content")["reason"].tolist() == ["It helps"]


def test_a_workspace_that_is_gone_is_said_and_trying_again_works(inventory, ws):
    database = ws.folder / "workspace.sqlite"
    away = database.rename(database.with_suffix(".away"))
    asked = {"do": "save", "row": None, "cells": TASK, "seen": {}, "revision": None}
    try:
        said = asked_by_browser(inventory, **asked)
        assert said["kind"] == "trouble"
        assert "is gone" in said["text"]
        with pytest.raises(WorkspaceError):
            inventory.save(TASK)
    finally:
        away.rename(database)
    assert asked_by_browser(inventory, **asked)["ok"]
    assert ws.read("tasks", "content")["task"].tolist() == ["Draft the newsletter"]


def test_a_role_that_is_no_line_is_refused(inventory):
    said = asked_by_browser(inventory, do="save", row=None, cells=TASK, seen={}, revision=None, by="two\nlines")
    assert said["kind"] == "refused"
    assert "wanted one line" in said["text"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("7,5", 7.5), ("7.5", 7.5), ("1.234,5", 1234.5), (" 90 ", 90.0), ("1e3", 1000.0), ("٣", 3.0)],
)
def test_a_decimal_comma_is_read_where_it_can_mean_nothing_else(inventory, ws, text, value):
    inventory.save({**TASK, "minutes_per_run": text})
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [value]


@pytest.mark.parametrize("text", ["1,234", "=1+1", "nan", "inf", "1_000", "-1", "10081", "½"])
def test_what_is_no_number_or_could_be_two_is_refused(inventory, text):
    with pytest.raises(TableError, match="wanted minutes from 0 to 10,080"):
        inventory.save({**TASK, "minutes_per_run": text})


@pytest.mark.parametrize("text", ["=1+1", "مراجعة النص", "Ship it 🚀", "a\tb", "line\nbreak", '"quoted"'])
def test_text_stays_the_text_it_is(inventory, ws, text):
    inventory.save({**TASK, "task": text})
    assert ws.read("tasks", "content")["task"].tolist() == [text]


def test_an_address_is_stored_as_a_pseudonym(inventory, ws):
    inventory.save({**TASK, "note": "ask anna@example.org"})
    assert "anna" not in ws.read("tasks", "content")["note"].iloc[0]
    assert not ws.history("tasks", "content")["after"].str.contains("anna").any()


# --- paste -----------------------------------------------------------------------------------------------------------


def sheet(*rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


def test_pasted_rows_are_stored_only_after_the_person_says_so(inventory, ws):
    found = inventory.paste(sheet("Draft\tNews\tEditor\t4\t45", "Send\tNews\tEditor\t4\t10"))
    assert found.says == "2 rows read: 2 new rows."
    assert ws.read("tasks", "content").empty
    assert inventory.store_pasted(by="Content Lead") == "Stored: 2 pasted rows."
    assert ws.read("tasks", "content")["task"].tolist() == ["Draft", "Send"]
    inventory.undo()
    assert ws.read("tasks", "content").empty


def test_each_bad_cell_of_a_paste_is_named_and_the_bad_rows_are_handed_back(inventory, ws):
    found = inventory.paste(
        sheet("Draft\tNews\tEditor\tfour\t45", "Send\tNews\tEditor\t4\t10", "Go\t\tEditor\t1\t99999")
    )
    assert {(fault.row, fault.column, fault.found) for fault in found.faults} == {
        (2, "runs_per_month", "'four'"),
        (4, "workflow", "nothing"),
        (4, "minutes_per_run", "'99999'"),
    }
    assert found.rest.splitlines() == [HEADER, "Draft\tNews\tEditor\tfour\t45", "Go\t\tEditor\t1\t99999"]
    inventory.store_pasted()
    assert ws.read("tasks", "content")["task"].tolist() == ["Send"]


def test_rows_stored_already_are_replaced_only_when_asked_and_keep_what_the_paste_leaves_out(stored, ws):
    form, row = stored
    form.save({"note": "keep me"}, row)
    text = sheet("Draft the newsletter\tNewsletter\tEditor\t4\t60")
    found = form.paste(text)
    assert found.says == "1 row read: 0 new rows, 1 row stored already with other values."
    with pytest.raises(ParameterError, match="none of the pasted rows"):
        form.store_pasted()
    form.store_pasted(replace=True)
    kept = ws.read("tasks", "content")
    assert kept[["minutes_per_run", "runs_per_month", "note"]].to_numpy().tolist() == [[60.0, 4.0, "keep me"]]
    assert form.paste(text).same == 1
    form.undo()
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [45.0]


def test_a_row_changed_between_check_and_store_is_not_overwritten(stored, ws):
    form, row = stored
    form.paste(sheet("Draft the newsletter\tNewsletter\tEditor\t4\t60"))
    forms.inventory(ws, "content").save({"minutes_per_run": "70"}, row)
    with pytest.raises(ConflictError, match=r"stored 70\.0"):
        form.store_pasted(replace=True)
    assert ws.read("tasks", "content")["minutes_per_run"].tolist() == [70.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing was pasted"),
        ("hello", "the first row must name the columns; found 'hello', wanted at least task, workflow"),
        ("name\tprocess\nDraft\tNews", "Missing: task"),
        (sheet("a\tb\tc\td\te\tf", header=HEADER + "\tcolour"), "knows no column 'colour'"),
        (sheet("a\tb\tc\td\te\tf", header=HEADER + "\ttask"), "the header 'task' stands in columns 1 and 6"),
        (sheet('"Draft\tNews\tEditor\t4\t45'), "quotation mark that is not closed"),
        ("{'a': 1}", "no table"),
        (HEADER, "a header and no rows"),
        ("task\tworkflow\nDraft\x00\tNews", "NUL"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_why_and_what_is_wanted(inventory, text, said):
    with pytest.raises(IntakeError) as refused:
        inventory.paste(text)
    assert said in str(refused.value)


def test_a_row_with_merged_cells_is_named_with_its_width(inventory):
    found = inventory.paste(sheet("Draft\tNews\tEditor", "Send\tNews\tEditor\t4\t10"))
    assert [(fault.row, fault.found) for fault in found.faults if fault.column == "(row)"] == [(2, "3 cells")]
    assert len(found.new) == 1


def test_decimal_commas_formulas_emoji_right_to_left_and_line_breaks_come_through_a_paste(inventory, ws):
    inventory.paste(sheet('=1+1\tNews\t"Editor ""in chief"""\t2,5\t45', '"مراجعة\nالنص"\t🚀 launch\tEditor\t4\t7,25'))
    inventory.store_pasted()
    rows = ws.read("tasks", "content").sort_values("minutes_per_run")
    assert rows[["task", "workflow", "role", "runs_per_month", "minutes_per_run"]].to_numpy().tolist() == [
        ["مراجعة\nالنص", "🚀 launch", "Editor", 4.0, 7.25],
        ["=1+1", "News", 'Editor "in chief"', 2.5, 45.0],
    ]


def test_half_a_character_does_not_break_a_paste(inventory):
    assert inventory.paste(sheet("Dr\ud83daft\tNews\tEditor\t4\t45")).rows_read == 1


def test_a_million_rows_are_refused_in_a_moment_and_take_no_memory(inventory):
    text = HEADER + "\n" + "Draft\tNews\tEditor\t4\t45\n" * 1_000_000
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(IntakeError, match=r"1,000,001 lines .* more than a paste may hold \(2,000 rows"):
        inventory.paste(text)
    took, (_, most) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 2
    assert most < 5_000_000


def test_a_paste_of_the_most_rows_is_checked_and_stored_while_people_wait(inventory, ws):
    text = sheet(*(f"Draft {n}\tNews\tEditor\t4\t45" for n in range(1_998)))
    begun = time.perf_counter()
    assert len(inventory.paste(text).new) == 1_998
    inventory.store_pasted()
    assert time.perf_counter() - begun < 15
    assert len(ws.read("tasks", "content")) == 1_998


def test_a_log_without_ids_can_be_pasted_and_gets_them(ws):
    form = forms.decision_log(ws, "content", today=TODAY)
    form.save({"day": "2026-11-20", "decision": "Start", "reason": "It is slow"})
    form.paste("day\tdecision\treason\n2026-11-21\tGo on\tIt helps\n2026-11-22\tStop\tIt is done\n")
    form.store_pasted()
    assert ws.read("decisions", "content")[["decision_id", "decision"]].to_numpy().tolist() == [
        ["d1", "Start"],
        ["d2", "Go on"],
        ["d3", "Stop"],
    ]


# --- the scorer ------------------------------------------------------------------------------------------------------

SCORES = {
    "structure": "5",
    "data_readiness": "4",
    "verifiability": "5",
    "judgment": "1",
    "stakes": "1",
    "relationship": "1",
    "exposure": "1",
}


@pytest.fixture
def score(stored, ws):
    form, _ = stored
    form.save({"task": "Report the figures", "workflow": "Reporting"})
    return forms.scorer(ws, "content", today=TODAY)


def test_the_scorer_begins_with_a_task_nobody_scored_and_shows_the_anchors_beside_each_choice(score):
    assert [item["title"] for item in score.items][:2] == ["Structure", "Data readiness"]
    assert len(score.items) == 7
    assert score.items[0]["choices"][4]["label"].startswith("Rules cover every step")
    assert "0 of 7 scored" in score.choices[0]["label"]
    assert score.verdict["head"].startswith("Not yet")


def test_each_choice_is_stored_at_once_and_the_level_follows(score, ws):
    for factor, value in SCORES.items():
        score.choose(factor, value)
    row = ws.read("tasks", "content").set_index("task_id").loc[score.picked]
    assert {factor: f"{row[factor]:g}" for factor in SCORES} == SCORES
    # all factors at their ends: every weighted point is 5, so the score is 5 and nothing caps it
    assert score.verdict["level"] == 5
    assert score.verdict["head"].startswith("Level 5, AI-autonomous")
    score.choose("stakes", "5")
    assert score.verdict["level"] < 5
    score.undo()
    assert score.verdict["level"] == 5


def test_a_factor_that_does_not_apply_is_listed_and_can_be_scored_again(score, ws):
    score.choose("exposure", "n/a")
    score.choose("structure", "n/a")
    rows = ws.read("tasks", "content").set_index("task_id")
    assert rows.loc[score.picked, "not_applicable"] == "structure, exposure"
    assert {item["id"]: item["value"] for item in score.items}["exposure"] == "n/a"
    score.choose("exposure", "2")
    rows = ws.read("tasks", "content").set_index("task_id")
    assert rows.loc[score.picked, ["not_applicable", "exposure"]].tolist() == ["structure", 2.0]
    score.choose("structure", "")
    assert pd.isna(ws.read("tasks", "content").set_index("task_id").loc[score.picked, "not_applicable"])


def test_two_who_score_one_factor_see_the_conflict_and_two_who_score_different_ones_keep_both(score, ws):
    late = forms.scorer(ws, "content", score.picked, today=TODAY)
    score.choose("structure", "4", by="Brand Manager")
    shown = late._item("structure")
    late.choose("stakes", "2")
    # the browser still shows structure as it was before anybody chose
    said = asked_by_browser(
        late, do="choose", item="structure", value="1", seen=shown["seen"], revision=shown["revision"]
    )
    assert said["kind"] == "conflict"
    assert "structure yours 1.0, stored 4.0" in said["text"]
    row = ws.read("tasks", "content").set_index("task_id").loc[score.picked]
    assert (row["structure"], row["stakes"]) == (4.0, 2.0)


def test_what_raters_rated_is_settled_for_them_and_their_own_ratings_stay(score, ws):
    rated = [
        {"team": "content", "task_id": score.picked, "factor": "stakes", "round": 2, "seat": seat, "value": value}
        for seat, value in ((1, 2.0), (2, 4.0))
    ]
    with ws.change() as change:
        change.put("ratings", pd.DataFrame(rated))
    score.refresh()
    stakes = score._item("stakes")
    assert stakes["value"] == "3"
    assert stakes["note"].startswith("2 seats rated it, from 2 to 4; it counts as 3 (mean of the last round)")
    score.choose("stakes", "4")
    kept = ws.read("ratings", "content").set_index("seat")["value"].to_dict()
    assert kept == {0: 4.0, 1: 2.0, 2: 4.0}
    assert pd.isna(ws.read("tasks", "content").set_index("task_id").loc[score.picked, "stakes"])
    assert score._item("stakes")["value"] == "4"
    score.undo()
    assert score._item("stakes")["value"] == "3"


def test_a_score_that_is_not_on_offer_and_a_task_that_is_not_there_are_refused(score, ws):
    with pytest.raises(ParameterError, match="'6' is no answer"):
        score.choose("stakes", "6")
    with pytest.raises(ParameterError, match="no task 'gone'"):
        forms.scorer(ws, "content", "gone")


def test_factors_no_rule_can_read_are_named_and_the_scorer_stays_open(score, ws):
    with ws.change() as change:
        row = change.read("tasks", "content").set_index("task_id", drop=False).loc[[score.picked]]
        change.put("tasks", row.assign(not_applicable="colour"))
    score.refresh()
    assert "wanted" in score.verdict["lines"][0]
    score.choose("exposure", "n/a")
    assert ws.read("tasks", "content").set_index("task_id").loc[score.picked, "not_applicable"] == "exposure"


def test_the_scorer_of_a_team_without_tasks_says_what_to_do(ws):
    form = forms.scorer(ws, "content")
    assert form.items == []
    assert "add them in the inventory first" in form.verdict["head"]
    assert form.static().empty


# --- questionnaires --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maturity", "skills"])
def test_every_question_of_a_questionnaire_is_asked_with_its_answers_in_words(ws, name):
    import playbook

    form = forms.assessment(ws, "content", name, today=TODAY)
    assert len(form.items) == len(playbook.load(name).questions)
    assert all(len(item["choices"]) == 5 for item in form.items)


def test_an_answer_its_evidence_and_not_applicable_are_stored_at_once(ws):
    form = forms.assessment(ws, "content", "skills", today=TODAY, role="Content Lead")
    first, second = form.items[0]["id"], form.items[1]["id"]
    form.choose(first, "4")
    form.note(first, "the prompt library")
    form.choose(second, "n/a")
    rows = ws.read("answers", "content").set_index("question")
    assert rows.loc[first, ["questionnaire", "seat", "score", "evidence"]].tolist() == [
        "skills",
        0,
        4,
        "the prompt library",
    ]
    assert bool(rows.loc[second, "not_applicable"])
    assert rows["day"].dt.date.tolist() == [TODAY, TODAY]
    assert form.verdict["head"] == f"1 of {len(form.items) - 1} questions answered, 1 does not apply"
    assert any("4.0 of 5" in line for line in form.verdict["lines"])
    assert ws.history("answers", "content").iloc[-1]["by"] == "Content Lead"
    form.undo()
    assert form._item(second)["value"] == ""


def test_a_seats_answers_are_its_own_and_never_in_the_static_twin(ws):
    seat = forms.assessment(ws, "content", "skills", seat=3, today=TODAY)
    seat.choose(seat.items[0]["id"], "5")
    agreed = forms.assessment(ws, "content", "skills", today=TODAY)
    assert agreed.items[0]["value"] == ""
    assert seat.static()["score"].isna().all()
    assert seat.verdict["lines"] == []
    with pytest.raises(ParameterError, match="seat is -1"):
        forms.assessment(ws, "content", "skills", seat=-1)


def test_two_who_answer_one_question_see_the_conflict(ws):
    one, two = (forms.assessment(ws, "content", "skills", today=TODAY) for _ in range(2))
    first = one.items[0]["id"]
    one.choose(first, "2", by="Brand Manager")
    with pytest.raises(ConflictError, match="score yours 4, stored 2"):
        two.choose(first, "4")
    assert two._item(first)["value"] == "2"
    two.choose(first, "4")
    assert ws.read("answers", "content")["score"].tolist() == [4]


def test_a_score_no_question_offers_leaves_the_form_open_to_be_put_right(ws):
    first, second = (item["id"] for item in forms.assessment(ws, "content", "skills").items[:2])
    common = {"team": "content", "questionnaire": "skills", "seat": 0}
    rows = [
        {**common, "question": first, "score": 7},
        {**common, "question": second, "score": 3, "not_applicable": True},
    ]
    with ws.change() as change:
        change.put("answers", pd.DataFrame(rows))
    form = forms.assessment(ws, "content", "skills", today=TODAY)
    assert form._item(first)["value"] == "7"
    assert form.static()["answer"].iloc[:2].tolist() == ["", "does not apply"]
    form.choose(first, "5")
    assert form.verdict["lines"] == ["Prompt engineering: 5.0 of 5 (1 of 2 answered)"]


def test_a_name_that_is_no_questionnaire_is_refused(ws):
    with pytest.raises(ParameterError, match="is no questionnaire"):
        forms.assessment(ws, "content", "kpis")


def test_an_unknown_team_is_refused_by_every_form(ws):
    makers = (forms.inventory, forms.role_map, forms.pod_seats, forms.pilot_log, forms.decision_log, forms.scorer)
    for make in makers:
        with pytest.raises(ParameterError, match="no team 'nobody'"):
            make(ws, "nobody")


def test_a_closed_form_stops_asking_the_workspace(ws):
    form = forms.pod_seats(ws, "content")
    form.close()
    assert not form._watch.running


def test_the_forms_level_colours_are_the_reports():
    sheet = (Path(widgets.__file__).parent / "forms.css").read_text(encoding="utf-8")
    found = dict(re.findall(r"\.pbf-l([1-5]) \{ background: (#\w{6}); color: #\w{6}; \}", sheet))
    assert {int(level): colour for level, colour in found.items()} == dict(look.LEVEL_COLOURS)
