"""Every form in a real JupyterLab: typed, stored, still there after a reload and a run of all cells."""

# ruff: noqa: RUF001 - right-to-left text is part of the input
import datetime as dt
import json
import re

import pandas as pd
import pytest

pytestmark = pytest.mark.browser

TEAM = "content-and-search"
OPEN = f"""import playbook
from playbook.widgets import forms

ws = playbook.open_workspace()
team = "{TEAM}\""""
ROWS = ("inventory", "role_map", "pod_seats", "pilot_log", "decision_log")
CELLS = [f"{name} = forms.{name}(ws, team)\n{name}" for name in (*ROWS, "scorer")]
CELLS.append('assessment = forms.assessment(ws, team, "skills")\nassessment')
TASK = "cal-plan"  # of the sample, rated by nobody but the team
ROLE = "Content Lead"
STORED = re.compile("^Stored: ")


@pytest.fixture(scope="module")
def ws(lab):
    from playbook.io.workspace import Workspace

    return Workspace.open(lab.folder)


@pytest.fixture(scope="module")
def shown(lab, page, run_all):
    """All forms in one Lab page, one a cell, in one kernel."""
    made = page()
    made.goto(lab.address(lab.write("forms.ipynb", OPEN, *CELLS), "forms"))
    run_all(made)
    made.wait_for_function("() => document.querySelectorAll('.pbf').length === 7")
    return made


def form(shown, title):
    found = shown.locator(f'.pbf[aria-label^="{title}"]')
    found.scroll_into_view_if_needed()
    return found


def fill(found, **cells):
    for name, text in cells.items():
        field = found.locator(f'[data-field="{name}"]')
        if field.evaluate("node => node.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)


def save(found, said=STORED):
    found.locator(".pbf-save").click()
    found.locator(".pbf-said", has_text=said).wait_for()


def add(found, **cells):
    found.locator(".pbf-add").click()
    fill(found, **cells)
    found.locator(".pbf-role input").fill(ROLE)
    save(found)


def last(ws, table):
    return ws.history(table, TEAM).iloc[-1]


def at_end(ws, table):
    return json.loads(last(ws, table)["after"])


def test_a_task_is_added_with_a_bad_cell_named_first_and_undone(shown, ws):
    found = form(shown, "Task inventory")
    found.locator(".pbf-add").click()
    fill(found, task="Read the comments", workflow="Community", minutes_per_run="a while")
    found.locator(".pbf-role input").fill(ROLE)
    save(found, "Not stored: 1 field to correct: Minutes each time")
    fault = found.locator(".pbf-field", has=shown.locator('[data-field="minutes_per_run"]')).locator(".pbf-fault")
    assert fault.inner_text() == "Found 'a while'; wanted minutes from 0 to 10,080, or nothing"
    assert shown.evaluate("() => document.activeElement.dataset.field") == "minutes_per_run"
    fill(found, minutes_per_run="12,5")
    shown.keyboard.press("Control+Enter")
    found.locator(".pbf-said", has_text=STORED).wait_for()
    row = at_end(ws, "tasks")
    assert (row["task"], row["minutes_per_run"], last(ws, "tasks")["by"]) == ("Read the comments", 12.5, ROLE)
    found.locator(".pbf-undo").click()
    found.locator(".pbf-said", has_text="Undone: added task Read the comments").wait_for()
    assert "Read the comments" not in ws.read("tasks", TEAM)["task"].tolist()


def test_a_sheet_is_pasted_corrected_and_stored(shown, ws):
    found = form(shown, "Task inventory")
    found.locator(".pbf-paste").click()
    sheet = "task\tworkflow\tminutes per run\n=1+1\tPasted\t7,5\nمراجعة 🚀\tPasted\tmany\n"
    found.locator(".pbf-sheet textarea").fill(sheet)
    found.locator(".pbf-check").click()
    found.locator(".pbf-faults").wait_for()
    assert "3" in found.locator(".pbf-faults tbody tr").inner_text()
    assert "'many'" in found.locator(".pbf-faults tbody tr").inner_text()
    assert ws.read("tasks", TEAM)["workflow"].eq("Pasted").sum() == 0
    found.locator(".pbf-store").click()
    found.locator(".pbf-said", has_text="1 pasted row").wait_for()
    left = found.locator(".pbf-sheet textarea").input_value()
    assert left == "task\tworkflow\tminutes per run\nمراجعة 🚀\tPasted\tmany\n"
    found.locator(".pbf-sheet textarea").fill(left.replace("many", "9"))
    found.locator(".pbf-check").click()
    found.locator(".pbf-store", has_text="Store 1 row").click()
    found.locator(".pbf-sheet").wait_for(state="hidden")
    rows = ws.read("tasks", TEAM)
    assert sorted(rows.loc[rows["workflow"] == "Pasted", "task"]) == ["=1+1", "مراجعة 🚀"]


def test_a_line_break_in_a_one_line_field_nobody_touched_stays(shown, ws):
    row = {"team": TEAM, "task_id": "two-lines", "task": "First\nsecond", "workflow": "Pasted"}
    with ws.change() as change:
        change.put("tasks", pd.DataFrame([row]))
    found = form(shown, "Task inventory")
    found.locator('.pbf-list button[data-row*="two-lines"]').click()
    fill(found, note="read by both")
    save(found)
    assert (at_end(ws, "tasks")["task"], at_end(ws, "tasks")["note"]) == ("First\nsecond", "read by both")


def test_a_million_pasted_rows_are_refused_in_the_browser(shown):
    found = form(shown, "Task inventory")
    found.locator(".pbf-paste").click()
    found.locator(".pbf-sheet textarea").evaluate(
        """node => { const held = new DataTransfer();
        held.setData("text/plain", "task\\tworkflow\\n" + "Draft\\tNews\\n".repeat(1_000_000));
        node.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true })); }"""
    )
    found.locator(".pbf-found", has_text="more than a paste may hold").wait_for(timeout=3000)
    assert found.locator(".pbf-sheet textarea").input_value() == ""
    found.locator(".pbf-paste").click()


def test_who_saves_later_sees_both_values_and_chooses(shown, ws):
    found = form(shown, "Task inventory")
    task = ws.read("tasks", TEAM).iloc[0]
    found.locator(f'.pbf-list button[data-row*="{task["task_id"]}"]').click()
    fill(found, minutes_per_run="41")
    with ws.change(by="Brand Manager") as change:
        row = change.read("tasks", TEAM).iloc[:1].assign(minutes_per_run=43.0, note="checked with the agency")
        change.put("tasks", row)
    found.locator(".pbf-notice", has_text="what you typed is kept").wait_for()
    found.locator(".pbf-save").click()
    panel = found.locator(".pbf-conflict")
    panel.wait_for()
    assert "stored 43.0" in panel.inner_text()
    assert "Brand Manager" in panel.inner_text()
    assert found.locator(".pbf-mine").is_disabled()
    assert ws.read("tasks", TEAM).iloc[0]["minutes_per_run"] == 43
    panel.get_by_label("Mine: 41").check()
    found.locator(".pbf-mine").click()
    found.locator(".pbf-said", has_text=STORED).wait_for()
    now = ws.read("tasks", TEAM).iloc[0]
    assert (now["minutes_per_run"], now["note"]) == (41, "checked with the agency")


def test_the_database_gone_keeps_what_was_typed_and_trying_again_stores_it(shown, ws, lab):
    found = form(shown, "Decision log")
    found.locator(".pbf-add").click()
    fill(found, decision="Keep the tone of voice guide", reason="Everybody asks for it")
    database = lab.folder / "workspace.sqlite"
    away = database.rename(database.with_suffix(".away"))
    try:
        found.locator(".pbf-save").click()
        found.locator(".pbf-alert", has_text="Not stored. ").wait_for()
        assert found.locator('[data-field="decision"]').input_value() == "Keep the tone of voice guide"
    finally:
        away.rename(database)
    found.locator(".pbf-again").click()
    found.locator(".pbf-said", has_text=STORED).wait_for()
    row = at_end(ws, "decisions")
    assert row["decision"] == "Keep the tone of voice guide"


def test_a_proposal_a_seat_and_a_breakage_are_stored(shown, ws):
    add(form(shown, "Role map"), role="Link Builder", new_role="Partnerships Lead", status="in consultation")
    assert at_end(ws, "role_proposals")["status"] == "in consultation"
    add(form(shown, "Pod seats"), pod="Demand", workflow="Link building", seat="auditor", role="Brand Manager")
    assert at_end(ws, "pod_seats")["seat"] == "auditor"
    found = form(shown, "Pilot log")
    found.get_by_role("button", name="Nothing broke").click()
    pilot = found.locator('[data-field="pilot_id"]')
    pilot.select_option(index=1 if pilot.locator("option").first.get_attribute("value") == "" else 0)
    fill(found, day="2026-11-20")
    save(found)
    row = at_end(ws, "breakages")
    assert (row["what"], row["day"]) == ("nothing broke", "2026-11-20")


def test_scores_are_stored_as_they_are_chosen_and_the_level_follows(shown, ws):
    rated = set(ws.read("ratings", TEAM)["task_id"])
    assert TASK not in rated
    found = form(shown, "Scorer")
    found.locator(".pbf-pick select").select_option(TASK)
    found.locator(".pbf-said", has_text="scored").wait_for()
    before = found.locator(".pbf-verdict").inner_text()
    for factor, value, words in (
        ("relationship", "5", "5"),
        ("judgment", "5", "5"),
        ("exposure", "n/a", "does not apply"),
    ):
        found.locator(f'[data-item="{factor}"] input[value="{value}"]').check()
        found.locator(".pbf-said", has_text=f"Stored: {factor.capitalize()}: {words}").wait_for()
    row = at_end(ws, "tasks")
    assert (row["task_id"], row["relationship"], row["judgment"]) == (TASK, 5.0, 5.0)
    assert "exposure" in row["not_applicable"]
    assert found.locator(".pbf-verdict").inner_text() != before


def test_answers_and_their_evidence_are_stored_as_they_are_given(shown, ws):
    found = form(shown, "Skills")
    question = found.locator(".pbf-question").first
    question.locator('input[value="2"]').check()
    found.locator(".pbf-said", has_text=STORED).wait_for()
    question.locator("textarea").fill("three prompts in the wiki")
    question.locator("textarea").blur()
    found.locator(".pbf-said", has_text="evidence").wait_for()
    row = at_end(ws, "answers")
    assert (row["score"], row["evidence"], row["seat"]) == (2, "three prompts in the wiki", 0)
    assert row["day"] == f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}"


def test_what_another_notebook_answers_appears_by_itself(shown, ws):
    found = form(shown, "Skills")
    question = found.locator(".pbf-question").nth(1)
    name = question.get_attribute("data-item")
    row = {"team": TEAM, "questionnaire": "skills", "question": name, "seat": 0, "score": 5}
    with ws.change(by="Brand Manager") as change:
        change.put("answers", pd.DataFrame([row]))
    shown.wait_for_function(f"() => document.querySelector('[data-item={name}] input[value=\"5\"]').checked")


def test_every_field_has_a_name_and_tab_goes_through_them_in_order(shown):
    unnamed = shown.evaluate(
        """() => [...document.querySelectorAll(".pbf input, .pbf select, .pbf textarea")]
        .filter((node) => !node.labels?.length && !node.getAttribute("aria-label")).map((node) => node.outerHTML)"""
    )
    assert unnamed == []
    found = form(shown, "Decision log")
    found.locator(".pbf-add").click()
    passed = []
    for _ in range(5):
        passed.append(
            shown.evaluate("() => document.activeElement.dataset.field ?? document.activeElement.textContent")
        )
        shown.keyboard.press("Tab" if passed[-1] != "day" else "Control+Alt+End")
        if passed[-1] == "day":
            found.locator('[data-field="decision"]').focus()
    assert passed == ["day", "decision", "reason", "owner_role", "Save"]
    # Lab's own keys (d d deletes a cell) must not hear what is typed in a form
    cells = shown.locator(".jp-Notebook .jp-Cell").count()
    found.locator(".pbf-save").focus()
    shown.keyboard.type("ddbx")
    assert shown.locator(".jp-Notebook .jp-Cell").count() == cells
    found.locator(".pbf-cancel").click()


def test_after_a_reload_and_a_run_of_all_cells_everything_stored_is_there(shown, lab, run_all):
    shown.locator("button[data-command='docmanager:save'], jp-button[data-command='docmanager:save']").first.click()
    shown.wait_for_timeout(800)
    shown.reload()
    run_all(shown)
    all_is_there(shown)
    text = (lab.notebooks / "forms.ipynb").read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert "Partnerships Lead" not in text


def test_a_kernel_restart_loses_nothing_stored_and_keeps_what_is_typed(shown, lab, run_all):
    found = form(shown, "Decision log")
    found.locator(".pbf-add").click()
    fill(found, decision="Typed before the restart", reason="It stays in the field")
    lab.restart("forms.ipynb")
    shown.wait_for_timeout(1500)
    found.locator(".pbf-save").click()
    found.locator(".pbf-alert", has_text="run this form's cell again").wait_for()
    assert found.locator('[data-field="decision"]').input_value() == "Typed before the restart"
    shown.goto(lab.address(lab.write("again.ipynb", OPEN, *CELLS), "again"))
    run_all(shown)
    all_is_there(shown)


def all_is_there(shown):
    shown.wait_for_function(f"() => document.querySelectorAll('.pbf').length === {len(CELLS)}")
    wanted = {
        "Task inventory": "=1+1",
        "Role map": "Partnerships Lead",
        "Pod seats": "Link building",
        "Pilot log": "nothing broke",
        "Decision log": "Keep the tone of voice guide",
    }
    for title, text in wanted.items():
        form(shown, title).locator(".pbf-list", has_text=text).wait_for()
    scored = form(shown, "Scorer")
    scored.locator(".pbf-pick select").select_option(TASK)
    scored.locator('[data-item="relationship"] input[value="5"]:checked').wait_for()
    assert scored.locator('[data-item="exposure"] input[value="n/a"]').is_checked()
    question = form(shown, "Skills").locator(".pbf-question").first
    assert question.locator('input[value="2"]').is_checked()
    assert question.locator("textarea").input_value() == "three prompts in the wiki"
