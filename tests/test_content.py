"""Authored content: every reference leads somewhere, every number says where it is from, every template can be filled."""

import datetime as dt
import itertools
import re
from pathlib import Path

import jinja2
import pytest
from jinja2 import meta
from pydantic import BaseModel

import playbook
from playbook import governance, kpis, pods, roles, spectrum, tables
from playbook.errors import ContentError
from playbook.io import content, sample
from playbook.plan.model import GATE_MEASURES
from playbook.report import documents
from playbook.report.desk import Desk
from playbook.tables import Sourced

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
TODAY = "2026-11-22"


def walk(model, where=(), above=()):
    """Every model below a piece of content with its path and the models above it."""
    yield model, where, above
    for name in type(model).model_fields:
        value = getattr(model, name)
        for item in value if isinstance(value, tuple | list) else [value]:
            if isinstance(item, BaseModel):
                yield from walk(item, (*where, name), (*above, model))


every = pytest.mark.parametrize("name", content.CONTENT)


@every
def test_what_has_a_source_says_it_and_when_it_was_read(name):
    for model, where, _ in walk(playbook.load(name)):
        if isinstance(model, Sourced):
            assert len(model.source.split()) >= 2, where
            assert dt.date(2026, 1, 1) <= model.date <= dt.date.fromisoformat(TODAY), where


SCALES = {("answer_sets", "answers", "score"), ("questions", "order")}
"""Numbers that are places on a scale or in an order, and so nobody's measurement."""


def sourced(where, field, model, above):
    """Whether a number is covered: by its own model, one above it, or `LIST_source` beside the list it stands in."""
    if any(isinstance(item, Sourced) for item in (model, *above)) or (*where, field) in SCALES:
        return True
    lists = [*where, field]
    owners = [*above, model]
    return any(
        isinstance(getattr(owner, candidate, None), Sourced)
        for owner in owners
        for part in lists
        for candidate in (f"{part}_source", "triggers_source" if part in ("always", "kinds") else "")
        if candidate
    )


@every
def test_every_number_says_where_it_is_from(name):
    text = content.find(content.CONTENT[name].file).read_text(encoding="utf-8")
    for model, where, above in walk(playbook.load(name)):
        for field in type(model).model_fields:
            value = getattr(model, field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            said_above = re.search(rf"# {field}: [^\n]*(\n#[^\n]*)*Source: [^\n]*\d{{4}}-\d\d-\d\d", text)
            assert sourced(where, field, model, above) or said_above, f"{'.'.join((*where, field))}: {value}"


@every
def test_numbers_carry_a_unit_or_a_meaning(name):
    for model, where, _ in walk(playbook.load(name)):
        names = set(type(model).model_fields)
        if "value" in names and isinstance(getattr(model, "value", None), float):
            assert names & {"unit", "operator", "meaning"}, f"{'.'.join(where)}: a bare value"


@every
def test_ids_are_unique_in_their_list_and_titles_are_words(name):
    lists = {}
    for model, where, above in walk(playbook.load(name)):
        identity = getattr(model, "id", None)
        if identity is not None and above:
            lists.setdefault((where, id(above[-1])), []).append(identity)
        for field in ("title", "name", "asks", "text", "meaning", "description"):
            said = getattr(model, field, "words")
            assert said is None or re.search(r"[^\W\d_]{2}", said), f"{'.'.join(where)}: {field} is {said!r}"
    for (where, _), ids in lists.items():
        assert len(ids) == len(set(ids)), f"{'.'.join(where)}: an id is there twice"


def test_the_plan_names_notebooks_measures_and_activities_that_exist():
    plan = playbook.load("plan")
    for activity in plan.activities:
        assert (ROOT / "notebooks" / activity.notebook).is_file(), activity.notebook
    assert {condition.measure for phase in plan.phases for condition in phase.gate} <= set(GATE_MEASURES)
    for phase in plan.phases:
        assert {activity.phase for activity in plan.activities} >= {phase.number}


def test_skills_named_by_roles_are_explained_and_questions_have_answers():
    role_map = playbook.load("roles")
    known = {skill.id if hasattr(skill, "id") else skill.skill for skill in role_map.skills}
    used = {
        skill
        for model, _, _ in walk(role_map)
        if not isinstance(model, roles.RoleMap)
        for skill in getattr(model, "skills", ())
        if isinstance(skill, str)
    }
    assert used
    assert used <= known, used - known
    for name in ("maturity", "skills"):
        form = playbook.load(name)
        sets = {item.id for item in form.answer_sets}
        dimensions = {item.id for item in form.dimensions}
        for question in form.questions:
            assert question.answers in sets
            assert question.dimension in dimensions


def test_every_kind_of_playbook_serves_a_function_of_the_spectrum():
    """It may list words people use beside these; a kind none of whose functions is known would never be met."""
    known = {
        tables.plain_name(word)
        for item in playbook.load("spectrum").functions
        for word in (item.function if hasattr(item, "function") else item.name, *item.synonyms)
    }
    for kind in playbook.load("playbooks").kinds:
        assert not kind.functions or {tables.plain_name(name) for name in kind.functions} & known, kind.kind


def test_playbook_triggers_use_metrics_of_the_catalogue_in_their_unit():
    outline = playbook.load("playbooks")
    units = {metric.metric: metric.unit for metric in outline.metrics}
    for trigger in [*outline.always, *(trigger for kind in outline.kinds for trigger in kind.triggers)]:
        assert units[trigger.metric] == trigger.unit


def test_the_samples_references_resolve():
    company = sample.company()
    known = {
        "risk_status": ("risk", {item.id for item in playbook.load("risks").risks}),
        "readings": ("kpi", {*playbook.load("kpis").ids(), *playbook.load("kpis").old_ids()}),
        "budget_lines": ("line", {item.id for item in playbook.load("budget").categories}),
        "progress": ("activity", {item.id for item in playbook.load("plan").activities}),
    }
    functions = {
        tables.plain_name(word)
        for item in playbook.load("spectrum").functions
        for word in (item.function if hasattr(item, "function") else item.name, *item.synonyms)
    }
    controls = {item.id: len(item.controls) for item in playbook.load("risks").risks}
    start = dt.date(2026, 10, 13)
    frames = sample.rows(company, start)
    for table, (column, ids) in known.items():
        assert set(frames[table][column]) <= ids, f"{table}: {set(frames[table][column]) - ids}"
    for form, answers in frames["answers"].groupby("questionnaire"):
        assert set(answers["question"]) <= {item.id for item in playbook.load(form).questions}, form
    for row in frames["risk_status"].itertuples():
        assert row.controls_done <= controls[row.risk]
    for team in company.teams:
        flows = {flow.workflow for flow in team.workflows}
        own_roles = {task.role for flow in team.workflows for task in flow.tasks}
        # a team may call some of its work something the catalogue does not know; most of it is in there
        called = [tables.plain_name(flow.function) in functions for flow in team.workflows]
        assert sum(called) > len(called) / 2, team.name
        assert {pilot.workflow for pilot in team.pilots} <= flows
        assert team.log is None or team.log.workflow in flows
        for pilot in team.pilots:
            assert set(pilot.roles.values()) <= own_roles
        for row in team.rows.get("agent_playbooks", []):
            assert row["workflow"] in flows
        for row in team.rows.get("role_proposals", []):
            assert row["role"] in own_roles
        pod_names = {
            outcome.pod if hasattr(outcome, "pod") else outcome.name for outcome in playbook.load("pods").outcomes
        }
        for row in team.rows.get("pod_seats", []):
            assert row["pod"] in pod_names
            assert row["workflow"] in flows
            assert row.get("role") is None or row["role"] in own_roles


# --- templates


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    place = tmp_path_factory.mktemp("templates") / "sample"
    sample.create(place, start=dt.date(2026, 10, 13))
    return Desk.open(place, "content-and-search", TODAY)


def facts(desk):
    """What each template of a document is filled with, from the sample."""
    registered, outline = desk.read("agent_playbooks"), desk.load("playbooks")
    audits = governance.audit_plan(desk.tasks, registered, outline)
    review = governance.weekly_review(outline, registered, desk.risks, audits, teams=desk.ids)
    role = desk.role_shifts.loc[desk.role_shifts["new_role"].notna(), "role"].iloc[0]
    pod = desk.pods.loc[desk.pods["role"].notna(), "pod"].iloc[0]
    return {
        "governance/agent_playbook.md": governance.playbook_document(
            desk.outlines, desk.team, str(desk.outlines["workflow"].iloc[0])
        ),
        "governance/audit_sheet.md": governance.audit_sheet(audits, desk.team, str(audits["playbook_id"].iloc[0])),
        "governance/weekly_review.md": {"team": desk.team, "items": review.to_dict(orient="records")},
        "pods/charter.md": pods.charter(desk.pods, desk.load("pods"), desk.team, str(pod)),
        "roles/job_description.md": roles.job_description(desk.load("roles"), desk.role_shifts, desk.team, str(role)),
    }


def with_fields(path):
    text = path.read_text(encoding="utf-8")
    return bool(meta.find_undeclared_variables(jinja2.Environment().parse(text)))


def test_every_template_with_fields_is_filled_by_something(desk):
    asking = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.md") if with_fields(path)}
    # those of the pilots are filled by agents, whose tests do it
    assert {name for name in asking if not name.startswith("pilots/")} == set(facts(desk))


def test_templates_are_filled_from_the_sample_without_a_gap(desk):
    for template, given in facts(desk).items():
        text = documents.fill(template, given)
        assert "{{" not in text
        assert "{%" not in text
        assert not re.search(r"\b(None|nan|NaT|<NA>)\b", text), template
        assert text.count("\n#") or text.startswith("#")
        assert not re.search(r"\n{4,}", text), f"{template}: a hole in the page"


def test_a_template_that_asks_for_what_it_is_not_given_says_so_and_what_it_may_use(tmp_path):
    mine = tmp_path / "templates" / "pods" / "charter.md"
    mine.parent.mkdir(parents=True)
    mine.write_text("# {{ pod }} for {{ nobody }}\n")
    with pytest.raises(playbook.ContentError, match=r"charter.md.*\n.*'nobody' is undefined; it may use pod, team"):
        documents.fill("pods/charter.md", {"team": "a", "pod": "b"}, tmp_path)
    mine.write_text("# {{ pod }\n")
    with pytest.raises(playbook.ContentError, match="line 1"):
        documents.fill("pods/charter.md", {"pod": "b"}, tmp_path)


def test_the_intake_pages_describe_the_columns_of_their_tables():
    for path in sorted((TEMPLATES / "intake").glob("*.md")):
        named = re.findall(r"^\| `(\w+)` \|", path.read_text(encoding="utf-8"), re.MULTILINE)
        table = getattr(tables, path.stem.upper())
        assert named, path.name
        assert set(named) <= set(table.columns), f"{path.name}: {set(named) - set(table.columns)}"


def test_the_use_limitation_notice_is_a_sentence():
    notice = (TEMPLATES / "report" / "notice.md").read_text(encoding="utf-8")
    assert len(notice.split()) > 15
    assert "{{" not in notice


def test_the_rooms_read_the_content_they_are_named_for():
    assert isinstance(playbook.load("spectrum"), spectrum.Model)
    assert isinstance(playbook.load("kpis"), kpis.Catalogue)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
            f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in itertools.pairwise("abcdefghi")
        ), "its aliases unfold to more than 100,000 values"),
        ("a: &a [*a]", "its aliases unfold to more than"),
        ("- &a0 [1]\n" + "".join(f"- &a{n} [*a{n - 1}]\n" for n in range(1, 5001)), "its aliases unfold to more than"),
        ("[" * 50_000 + "]" * 50_000, "lists stand in lists more than 100 levels deep"),
        ("- " * 50_000 + "1", "lists stand in lists more than 100 levels deep"),
        ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a: 1\na: 2", "the key 'a' is there twice"),
    ],
    ids=["aliases of aliases", "an alias in itself", "a chain of aliases", "deep", "deep without brackets", "a call", "a key twice"],
)  # fmt: skip
def test_a_file_made_to_fill_the_memory_or_to_mislead_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as refused:
        content.read(path, Sourced)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 1000
