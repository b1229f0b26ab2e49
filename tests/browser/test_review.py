"""The review queue in a real JupyterLab: a question is read and rejected with a reason, and the workspace says so."""

import driving
import pytest
from test_pilot_commands import TODAY, changed, run

from playbook.io.workspace import Workspace

pytestmark = pytest.mark.browser

TEAM, ROLE, REASON = "content-and-search", "Senior Editor", "The holiday is not named"
CELL = """import playbook
from playbook.agents import review as door
from playbook.widgets.review import review_queue

queue = review_queue(playbook.open_workspace({place!r}), {team!r}, door=door)
queue"""


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    """A sample of its own, as a changed playbook would change the other tests' notebooks."""
    folder = tmp_path_factory.mktemp("review") / "engagement"
    driving.make_sample(folder)
    own = Workspace.open(folder)
    changed(own, "weekly-report", level=3)
    assert "waits for a person" in run("pilot", "run", "weekly-report", "--today", TODAY, "-w", folder).stdout
    return own


def test_a_question_is_read_and_rejected_with_a_reason(lab, page, run_all, ws):
    shown = page()
    notebook = lab.write("review.ipynb", CELL.format(place=str(ws.folder), team=TEAM))
    shown.goto(lab.address(notebook, "review"))
    run_all(shown)
    found = shown.locator('.pbr[aria-label^="Review queue"]')
    found.locator("[data-row]").click()
    found.locator("h4", has_text="weekly-report asks: may it use publish_report?").wait_for()
    # what an agent wrote is text here, also where it is a page
    assert found.locator(".pbr-text").input_value().startswith("<")
    assert found.locator(".pbr-told iframe, .pbr-diff script, .pbf-editor style").count() == 0
    assert not found.locator(".pbr-mine").is_visible()
    found.locator(".pbr-text").press("End")
    found.locator(".pbr-text").type("!")
    assert found.locator(".pbr-mine").is_visible()
    assert found.locator(".pbr-approve").inner_text() == "Approve the agent's version"

    found.locator(".pbr-role").select_option(ROLE)
    found.locator(".pbr-reject").click()
    found.locator(".pbf-alert", has_text="Not decided: ").wait_for()
    assert found.locator(".pbr-why").get_attribute("aria-invalid") == "true"
    assert found.locator(".pbr-mine").is_visible()  # what was typed is still there
    found.locator(".pbr-why").fill(REASON)
    found.locator(".pbr-reject").click()
    found.locator(".pbf-said", has_text=f"Rejected by {ROLE}.").wait_for()
    found.locator(".pbf-none", has_text="Nothing waits for a person.").wait_for()

    asked = ws.read("approvals", TEAM).iloc[0]
    assert (asked["status"], asked["reviewer_role"], asked["why"]) == ("rejected", ROLE, REASON)
