"""A desk for every team there may be: the pages of the sample, of a team without a row, and of nobody at all."""

import ast
import datetime as dt
import json
import re
import shutil
import warnings
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

import playbook
from playbook.errors import ParameterError
from playbook.io import content, sample
from playbook.io.workspace import Workspace
from playbook.plan.model import GATE_MEASURES
from playbook.report.desk import Desk

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
PATHS = sorted(NOTEBOOKS.rglob("[!.]*.ipynb"))
START, TODAY = dt.date(2026, 10, 13), "2026-11-22"
SAMPLE = ["brand-and-community", "content-and-search", "demand-generation"]
POOR = ["nothing", "one-task", "unrated", "unsized"]
"""Teams with little: no row at all, one bare task, tasks nobody rated, tasks nobody counted."""


def tasks(team, count, **facts):
    return [
        {"team": team, "task_id": f"t{n}", "task": f"Do {n}", "workflow": f"flow {n % 2}", **facts}
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The sample with four poor teams added, and a workspace without a team."""
    root = tmp_path_factory.mktemp("desks")
    workspace = sample.create(root / "sample", start=START)
    rated = dict.fromkeys(("structure", "data_readiness", "verifiability"), 5.0) | {"judgment": 1.0, "stakes": 1.0}
    with workspace.change() as change:
        change.put("teams", pd.DataFrame([{"team": team, "name": team.replace("-", " ")} for team in POOR]))
        change.put("tasks", pd.DataFrame(tasks("one-task", 1)))
        sized = {"runs_per_month": 4.0, "minutes_per_run": 30.0, "role": "Analyst", "function": "Reporting"}
        change.put("tasks", pd.DataFrame(tasks("unrated", 4, **sized)))
        change.put("tasks", pd.DataFrame(tasks("unsized", 4, layer="production", current_level=2, **rated)))
    Workspace.create(root / "nobody", organisation="Nobody Ltd", start=START)
    return root


@pytest.fixture(scope="module")
def desk(places):
    """The desk of a team; one for all tests, as none of them changes the sample and its tables are computed once."""
    return cache(lambda team: Desk.open(places / "sample", team, TODAY))


def shown(value):
    """What a reader sees of a cell's last value, built as a kernel would build it."""
    if hasattr(value, "to_plotly_json"):
        return value.to_json()
    return value._repr_html_() if hasattr(value, "_repr_html_") else repr(value)


def walk(path, **given):
    """Run a notebook's cells here: yields each cell's source and what it shows."""
    space = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        *body, last = ast.parse(source).body
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body, []), path.name, "exec"), space)
            yield source, shown(eval(compile(ast.Expression(last.value), path.name, "eval"), space))
        else:
            exec(compile(ast.Module([*body, last], []), path.name, "exec"), space)
        if "parameters" in cell["metadata"].get("tags", []):
            space.update(given)


def everything(path, **given):
    """What a page shows, cell by cell; a warning is a fault, as it would stand in the report."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return list(walk(path, **given))


PAGES = [path for path in PATHS if path.parent.name != "portfolio"]
PORTFOLIO = [path for path in PATHS if path.parent.name == "portfolio"]
LEFTOVER = re.compile(r"(?<!\w)(nan|NaN|NaT|None|inf|&lt;NA&gt;|<NA>)(?!\w)")


@pytest.fixture(scope="module")
def page(places, desk):
    """What a page shows of a team; all pages of a team read one desk, so that its tables are computed once."""

    @cache
    def made(path, team):
        asked = {"workspace": str(places / "sample"), "team": team, "today": TODAY}
        shared = {tuple(asked.values()): desk(team)}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Desk, "open", lambda *place: shared[place])
            return everything(path, **asked)

    return made


@pytest.mark.slow
@pytest.mark.parametrize("team", [*SAMPLE, *POOR])
def test_every_page_can_be_made_for_every_team(page, team):
    for path in PAGES:
        pieces = page(path, team)
        assert sum("pb-findings" in piece for _, piece in pieces) >= 1
        for source, piece in pieces:
            words = re.sub(r"<style.*?</style>|<[^>]+>", " ", piece, flags=re.DOTALL)
            if not source.lstrip().startswith("figures.") and "\nfigures." not in source:
                assert not LEFTOVER.search(words), f"{path.name}: {source}: {LEFTOVER.search(words)}"


@pytest.mark.parametrize("path", PORTFOLIO, ids=lambda path: path.stem)
@pytest.mark.parametrize("place", ["sample", "nobody"])
def test_the_portfolio_can_be_made_with_and_without_teams(places, path, place):
    assert everything(path, workspace=str(places / place), today=TODAY)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name[:6]}-{path.stem}")
def test_a_team_without_a_row_reads_not_yet_and_no_invented_figure(page, path):
    pieces = page(path, "nothing")
    closing = [piece for _, piece in pieces if "pb-findings" in piece][-1]
    words = re.sub(r"<[^>]+>", " ", closing)
    assert re.search(
        r"not yet|no .* yet|[Nn]othing|not known|[Nn]o |not started|0 of|unrated|starting value|is on day", words
    ), words
    assert "nan" not in words


def test_a_desk_belongs_to_one_team(desk):
    content = desk("Content and Search")
    assert (content.team, content.name, content.ids) == (
        "content-and-search",
        "Content and Search",
        ["content-and-search"],
    )
    for name in ("tasks", "placements", "shortlist", "readouts", "role_shifts", "pods", "risks", "measures", "gates"):
        assert set(getattr(content, name)["team"]) == {"content-and-search"}, name


def test_no_team_given_is_the_first_and_an_unknown_one_lists_them(places, desk):
    assert desk("").team == "brand-and-community"
    with pytest.raises(ParameterError, match="demand-generation"):
        desk("demnd")
    with pytest.raises(ParameterError, match="playbook team NAME"):
        Desk.open(places / "nobody")
    with pytest.raises(ParameterError, match=r"today: '22.11.2026'; wanted a day as YYYY-MM-DD"):
        Desk.open(places / "sample", "", "22.11.2026")


def test_the_workspace_may_come_from_the_environment(places, monkeypatch):
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", str(places / "sample"))
    assert Desk.everyone().workspace.made_up


def test_a_teams_own_first_day_wins_over_the_organisations(tmp_path):
    workspace = Workspace.create(tmp_path / "w", organisation="Acme", start=START)
    with workspace.change() as change:
        change.put(
            "teams",
            pd.DataFrame([{"team": "a", "name": "A", "start": dt.date(2026, 11, 2)}, {"team": "b", "name": "B"}]),
        )
    assert Desk.open(tmp_path / "w", "a").start == dt.date(2026, 11, 2)
    assert Desk.open(tmp_path / "w", "b").start == START
    assert Desk.everyone(tmp_path / "w").start == START


@pytest.mark.parametrize("team", [*SAMPLE, *POOR])
def test_every_measure_a_gate_asks_for_is_computed_by_a_room(desk, team):
    measures = desk(team).measures
    conditions = [condition for phase in playbook.load("plan").phases for condition in phase.gate]
    asked = {condition.measure for condition in conditions} | {item.of for item in conditions if item.of}
    assert asked <= set(GATE_MEASURES)
    computed = set(measures["measure"])
    if team in SAMPLE:
        assert set(GATE_MEASURES) <= computed
    assert asked <= computed or team == "nothing", asked - computed
    unknown = measures[measures["value"].isna()]
    assert (unknown["needs"].str.len() > 3).all(), "what cannot be measured yet says what it needs"
    assert measures.loc[measures["value"].notna(), "evidence"].str.len().gt(3).all()


def test_a_gate_by_hand(desk):
    # Content and Search: the inventory written in the sample has 23 tasks, all with a level, runs, minutes and ratings
    content = desk("content-and-search")
    measures = content.measures.set_index("measure")["value"]
    company = next(team for team in sample.company().teams if team.team == content.team)
    written = [task for flow in company.workflows for task in flow.tasks]
    assert measures["tasks_mapped"] == len(written)
    assert measures["workflows_mapped"] == len(company.workflows)
    hours = sum(task.runs * task.minutes / 60 for task in written)
    assert measures["hours_at_stake"] == pytest.approx(hours)
    at_two = sum(task.level == 2 for task in written)
    assert measures["stuck_at_two_share"] == pytest.approx(at_two / len(written))
    assert measures["share_with_current_level"] == 1
    assert measures["rated_coverage"] == 1

    results = content.gate(1)
    conditions = playbook.load("plan").phase(1).gate
    assert list(results["condition"]) == [condition.id for condition in conditions]
    compare = {"at least": float.__ge__, "at most": float.__le__, "is known": lambda *_: True}
    for condition, row in zip(conditions, results.itertuples(), strict=True):
        value = measures[condition.measure]
        wanted = measures[condition.of] if condition.of else condition.value
        if pd.isna(value) or (condition.of and pd.isna(wanted)):
            assert row.status == "not yet measurable"
        else:
            met = compare[condition.operator](float(value), float(wanted or 0))
            assert row.status == ("met" if met else "not met"), row


def test_a_gate_of_a_team_without_a_row_is_not_open_and_says_what_is_missing(desk):
    nothing = desk("nothing")
    for phase in (1, 2, 3):
        results = nothing.gate(phase)
        assert len(results)
        assert not (results["status"] == "met").all()
        unknown = results[results["status"] == "not yet measurable"]
        assert unknown["evidence"].str.startswith("No figure yet: ").all()


def test_the_organisations_gates_are_each_teams_own(places, desk):
    everyone = Desk.everyone(places / "sample", TODAY)
    for team in SAMPLE:
        alone = desk(team).gate(1).drop(columns="team").reset_index(drop=True)
        among = everyone.gate(1)
        part = among[among["team"] == team].drop(columns="team").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone)


def test_the_documents_of_a_page_are_filled_for_each_sample_team(desk):
    for team in SAMPLE:
        for piece in (desk(team).job_descriptions(), desk(team).charters(), desk(team).agent_documents()):
            assert "{{" not in piece.markup
            assert "{%" not in piece.markup
            assert piece.text.strip()


def test_sentences_on_one_teams_page_do_not_repeat_its_name(desk):
    said = desk("nothing").says(["Team nothing: no task yet.", "nothing: 3 pilots"]).text
    assert said == "What this says\n- No task yet.\n- 3 pilots"


def test_a_team_that_changed_the_rule_reads_on_its_page_what_that_changes(places, tmp_path):
    place = tmp_path / "own"
    shutil.copytree(places / "sample", place)
    assert Desk.open(place, "content-and-search", TODAY).rule_change == []
    own = place / "assessments" / "spectrum" / "default.yaml"
    own.parent.mkdir(parents=True)
    kits = content.find("assessments/spectrum/default.yaml").read_text(encoding="utf-8")
    assert "{level: 5, score_from: 4.2" in kits
    own.write_text(kits.replace("{level: 5, score_from: 4.2", "{level: 5, score_from: 4.9"), encoding="utf-8")
    said = Desk.open(place, "content-and-search", TODAY).rule_change
    assert said[0].startswith("Between two rules that both call themselves version")
    assert "tasks placed again" in said[1]
