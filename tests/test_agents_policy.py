"""An agent playbook: the policy the runtime obeys and the document people read say the same, or it is not loaded."""

from __future__ import annotations

import pytest
import yaml
from stand_ins import Anything, World, policy

from playbook import ContentError, ParameterError
from playbook.agents import playbook, registry
from playbook.agents.playbook import check_arguments, load_policy, write_skill
from playbook.agents.registry import Agent

AGENT = Agent("stand-in", Anything, World().tools(), lambda job: iter(()))
AGENTS = {"stand-in": AGENT}
OLD = [{"when": "input_age > 24 hours", "reason": "yesterday's data would be told as today's"}]


def written(folder, rules):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(yaml.safe_dump(rules.model_dump(mode="json")), encoding="utf-8")
    return folder


def refused(folder, rules):
    with pytest.raises(ContentError) as error:
        load_policy(written(folder, rules), agents=AGENTS)
    return str(error.value)


def test_a_playbook_is_read_from_its_folder_or_its_file(tmp_path):
    rules = policy(triggers=OLD)
    written(tmp_path, rules)
    assert load_policy(tmp_path, agents=AGENTS) == load_policy(tmp_path / "policy.yaml", agents=AGENTS) == rules


def test_every_word_of_the_policy_is_part_of_its_version():
    assert policy().hash == policy().hash
    assert (
        len({policy().hash, policy(level=5).hash, policy(rollback="Other.").hash, policy(settings={"text": "x"}).hash})
        == 4
    )


def test_private_data_text_from_outside_and_a_way_out_never_meet_above_level_3(tmp_path):
    use = ["customers", "fetch", "send"]
    for level in (4, 5):
        said = refused(tmp_path, policy(level=level, use=use))
        assert "joins private data (customers), text from outside (fetch) and a way out (send)" in said
    assert load_policy(written(tmp_path, policy(level=3, use=use)), agents=AGENTS)
    for use in (["customers", "fetch", "publish"], ["customers", "send"], ["fetch", "send"]):
        assert load_policy(written(tmp_path, policy(level=5, use=use)), agents=AGENTS)


def test_unknown_tools_arguments_metrics_and_settings_are_all_named_at_once(tmp_path):
    rules = policy(
        use=["hack", {"tool": "send", "limits": {"subject": {"max": 1}}}],
        triggers=[{"when": "complaint_rate > 1", "reason": "x"}],
        settings={"colour": "red"},
    )
    said = refused(tmp_path, rules)
    for part in (
        "hack is not a tool",
        "send has no argument subject",
        "complaint_rate is a percentage",
        "settings: colour",
    ):
        assert part in said


def test_no_role_audits_the_agent_it_operates():
    with pytest.raises(ValueError, match="both operates and audits"):
        policy(operator_role="Data Analyst", auditor_role="data  analyst")


def test_levels_that_are_peoples_work_run_no_agent():
    with pytest.raises(ValueError, match="Input should be 3, 4 or 5"):
        policy(level=2)


def test_the_document_is_written_from_the_policy_and_is_an_agent_skill(tmp_path):
    rules = policy(triggers=OLD)
    text = write_skill(written(tmp_path, rules), rules).read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["name"] == "weekly-report"
    assert set(head) == {"name", "description"}  # an effect tool is never listed as allowed there
    assert "- `input_age > 24 hours`: yesterday's data would be told as today's" in text
    assert load_policy(tmp_path, agents=AGENTS) == rules


def test_a_document_whose_triggers_differ_from_the_policys_is_refused_until_it_is_written_again(tmp_path):
    write_skill(written(tmp_path, policy()), policy())
    skill = tmp_path / "SKILL.md"
    skill.write_text(skill.read_text(encoding="utf-8").replace("_To write: three", "Ours: three"), encoding="utf-8")
    assert "SKILL.md and policy.yaml differ on the triggers" in refused(tmp_path, policy(triggers=OLD))
    write_skill(tmp_path, policy(triggers=OLD))
    assert load_policy(tmp_path, agents=AGENTS)
    assert "Ours: three" in skill.read_text(encoding="utf-8")  # what people wrote stays


def test_a_document_without_the_section_is_refused_and_gets_it(tmp_path):
    written(tmp_path, policy(triggers=OLD))
    (tmp_path / "SKILL.md").write_text("# Mine\n", encoding="utf-8")
    assert "differ on the triggers" in refused(tmp_path, policy(triggers=OLD))
    assert write_skill(tmp_path, policy(triggers=OLD)).read_text(encoding="utf-8").startswith("# Mine\n")
    assert load_policy(tmp_path, agents=AGENTS)


def limited(arguments, tool="send", **limits):
    rules = policy(use=[{"tool": tool, "limits": limits}])
    found = AGENT.tool(tool)
    assert found is not None
    return check_arguments(rules, found, arguments)


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        ({"one_of": ["list"]}, ["list"], ["lists", "", "LIST"]),
        (
            {"under": "published"},
            ["published/a.html", "published/x/b"],
            ["publish", "/published/a", "published/../a", "..", ""],
        ),
    ],
)
def test_limits_on_text_hold(limit, good, bad):
    assert all(limited({"to": text, "text": ""}, to=limit) for text in good)
    for text in bad:
        with pytest.raises(ParameterError, match=r"^send: to "):
            limited({"to": text, "text": ""}, to=limit)


def test_limits_on_numbers_hold_and_infinity_is_no_number():
    limit = {"min": 1, "max": 50}
    assert limited({"to": "a", "amount": 50}, "pay", amount=limit)
    for amount in (0.99, 50.01, float("nan"), float("inf"), None, "many"):
        with pytest.raises(ParameterError, match="amount"):
            limited({"to": "a", "amount": amount}, "pay", amount=limit)


def test_arguments_nobody_declared_are_refused():
    with pytest.raises(ParameterError, match="bcc"):
        limited({"to": "a", "text": "b", "bcc": "c"})


def test_the_kits_agents_are_found_by_name_and_an_unknown_one_lists_them():
    agents = registry.every()
    assert all(registry.find(name) is agent for name, agent in agents.items())
    with pytest.raises(ParameterError, match="there is no agent 'none'"):
        registry.find("none")


def test_a_clients_own_metrics_count_in_its_engagement(tmp_path):
    own = tmp_path / "assessments" / "playbooks" / "default.yaml"
    own.parent.mkdir(parents=True)
    text = playbook.content.find("assessments/playbooks/default.yaml").read_text(encoding="utf-8")
    own.write_text(
        text.replace("metrics:\n", "metrics:\n  - {metric: stock, unit: pieces, meaning: pieces in stock}\n")
    )
    rules = policy(triggers=[{"when": "stock < 10 pieces", "reason": "nothing left to sell"}])
    assert load_policy(written(tmp_path / "playbooks" / "weekly-report", rules), agents=AGENTS) == rules
    assert "no metric 'stock'" in refused(tmp_path / "elsewhere", rules)
