"""The spectrum board's Python side: what a drop stores, refuses and takes back, and who hears of it; no browser."""

import asyncio
import datetime as dt
import gc
import json
import re
import weakref
from pathlib import Path

import pandas as pd
import pytest
from engagement import copy_of, make_workspace, with_teams

import playbook
from playbook import spectrum
from playbook.report import figures, look
from playbook.tables import FACTORS
from playbook.widgets import Watch, _cards, board, live

DAY = dt.date(2026, 11, 22)
WHY = "The client wants a person on it"
CSS = (Path(playbook.__file__).parent / "widgets" / "board.css").read_text(encoding="utf-8")


def ratings(points):
    return dict(zip(FACTORS, points, strict=True))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three tasks of the team content: one for agents, one for people, one nobody can place."""
    workspace = with_teams(make_workspace(tmp_path_factory.mktemp("made") / "engagement"))
    common = {"team": "content", "workflow": "Report", "role": "Analyst"}
    rows = [
        common | {"task_id": "a", "task": "Build tables", "function": "Reporting", "runs_per_month": 4.0, "minutes_per_run": 90.0} | ratings([5, 5, 5, 1, 1, 1, 1]),
        common | {"task_id": "b", "task": "Decide the story", "function": "Creative direction", "runs_per_month": 2.0, "minutes_per_run": 60.0} | ratings([1, 1, 1, 5, 5, 5, 5]),
        common | {"task_id": "c", "task": "Something new"},
    ]  # fmt: skip
    with workspace.change() as change:
        change.put("tasks", pd.DataFrame(rows))
    return workspace.folder


@pytest.fixture
def team(made, tmp_path):
    return copy_of(made, tmp_path / "engagement")


@pytest.fixture
def shown(team):
    return board(team, "Content", today=DAY)


def sent(shown, monkeypatch):
    """What the board sends to the browser from now on."""
    out = []
    monkeypatch.setattr(shown, "send", lambda content, **_: out.append(content))
    return out


def ask(shown, **message):
    base = {"do": "decide", "ask": "1", "level": None, "reason": WHY, "by": "Analyst", "seen": None, "rule": 5}
    shown._hear(shown, base | message, [])


def kept(ws, task="a"):
    rows = ws.read("overrulings", "content")
    return rows[rows["task_id"] == task].to_dict("records")


def test_a_card_shows_the_task_its_hours_and_both_levels_of_the_rule(shown):
    first = shown.cards[0]
    # 4 runs x 90 minutes / 60 = 6 hours a month
    assert (first["task"], first["role"], first["hours"]) == ("Build tables", "Analyst", 6.0)
    assert (first["rule"], first["ready"]) == (5, 5)
    assert first["reasons"].startswith("Level 5")
    assert [card["rule"] for card in shown.cards] == [5, 1, None]
    assert shown.cards[2]["hours"] is None
    assert json.dumps([shown.cards, shown.decisions, shown.levels, shown.functions])


def test_another_level_is_stored_in_the_same_breath_with_reason_role_day_and_version(shown, team):
    said = shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    assert said == "Build tables: level 3. Stored."
    (row,) = kept(team)
    assert (row["decision"], row["level"], row["reason"], row["decided_by"]) == ("level", 3, WHY, "Analyst")
    assert row["day"].date() == DAY
    assert row["model"] == playbook.load("spectrum").version
    assert shown.decisions["a"]["column"] == 3
    assert shown.placements()["target_level"].tolist()[:2] == [3, 1]
    assert shown.changed == 1


def test_the_level_of_the_rule_removes_the_decision_against_it(shown, team):
    shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    assert shown.decide("a", "level", 5) == "Build tables: follows the rule. Stored."
    assert kept(team) == []
    assert shown.decisions == {}
    assert shown.decide("a", "follow") == "Build tables: unchanged."
    assert team.history("overrulings")["action"].tolist() == ["insert", "delete"]


def test_keep_human_lies_where_people_decide_and_not_yet_in_the_tray(shown):
    shown.decide("a", "keep human", reason=WHY, decided_by="Analyst")
    shown.decide("b", "not yet", reason=WHY, decided_by="Analyst")
    assert shown.decisions["a"]["column"] == 2
    assert shown.decisions["b"]["column"] == _cards.TRAY


def test_a_card_in_the_tray_can_be_given_a_level(shown, team):
    shown.decide("c", "level", 2, reason=WHY, decided_by="Analyst")
    assert shown.decisions["c"]["column"] == 2
    assert kept(team, "c")[0]["level"] == 2


@pytest.mark.parametrize(
    ("reason", "role", "said"),
    [
        ("too short", "Analyst", "reason: wanted a reason of 10 to 1000 characters"),
        ("x" * 1001, "Analyst", "reason: wanted a reason of 10 to 1000 characters"),
        (WHY, "", "decided_by: wanted"),
    ],
)
def test_a_decision_without_a_proper_reason_or_role_is_refused_and_nothing_stored(
    shown, team, monkeypatch, reason, role, said
):
    out = sent(shown, monkeypatch)
    ask(shown, task="a", decision="level", level=3, reason=reason, by=role)
    assert out[0]["ok"] is False
    assert out[0]["kind"] == "refused"
    assert said in out[0]["text"]
    assert kept(team) == []
    assert shown.changed == 0


def test_words_of_any_script_and_formulas_are_kept_as_they_were_written(shown, team):
    for reason in (
        "=HYPERLINK(1) is what they pasted",
        "لأن العميل يريد إنسانا يراجع النص",
        "🙂 because people like people",
    ):
        shown.decide("a", "level", 3, reason=reason, decided_by="Analyst")
        assert kept(team)[0]["reason"] == reason


def test_an_address_in_a_reason_is_stored_nowhere(shown, team):
    shown.decide("a", "level", 3, reason=f"{WHY}; ask jane.doe@example.com", decided_by="Analyst")
    (stored,) = team.read("overrulings")["reason"]
    assert stored.startswith(f"{WHY}; ask p_")
    kept = [path.read_bytes() for path in team.folder.rglob("*") if path.is_file()]
    assert not any(b"jane.doe" in data for data in kept)


def test_undo_goes_back_step_by_step_and_history_keeps_all(shown, team):
    shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    shown.decide("a", "level", 4, reason=WHY, decided_by="Editor")
    assert shown.undoable == "Build tables: level 4"
    assert shown.undo() == "Undone: Build tables: level 4. Now: level 3."
    assert kept(team)[0]["level"] == 3
    assert shown.undo() == "Undone: Build tables: level 3. Now: follows the rule."
    assert (kept(team), shown.undoable) == ([], "")
    with pytest.raises(playbook.ParameterError, match="nothing of this session"):
        shown.undo()
    assert team.history("overrulings")["action"].tolist() == ["insert", "update", "update", "delete"]


def test_undo_never_overwrites_what_somebody_else_decided_since(shown, team):
    other = board(team, "content", today=DAY)
    shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    other.refresh()
    other.decide("a", "level", 2, reason="Legal wants to see it", decided_by="Counsel")
    with pytest.raises(playbook.ConflictError, match="changed by Counsel"):
        shown.undo()
    assert kept(team)[0]["level"] == 2
    assert shown.undoable == ""


def test_the_later_of_two_is_told_both_values_and_may_then_decide(shown, team, monkeypatch):
    board(team, "content", today=DAY).decide("a", "level", 2, reason="Legal wants to see it", decided_by="Counsel")
    out = sent(shown, monkeypatch)
    ask(shown, task="a", decision="level", level=4)
    assert out[0]["kind"] == "conflict"
    assert "level yours 4, stored 2" in out[0]["text"]
    assert "Legal wants to see it" in out[0]["text"]
    assert kept(team)[0]["level"] == 2
    # the conflict has brought the board up to date, so a second look can store
    ask(shown, task="a", decision="level", level=4, seen=shown.decisions["a"]["revision"])
    assert out[1]["ok"]
    assert kept(team)[0]["level"] == 4


def test_a_decision_on_a_rule_that_moved_meanwhile_is_not_taken_for_another(shown, monkeypatch):
    out = sent(shown, monkeypatch)
    ask(shown, task="a", decision="follow", rule=4)
    assert "has changed meanwhile" in out[0]["text"]


def test_a_task_that_is_gone_is_named(shown):
    with pytest.raises(playbook.ParameterError, match="'zz' is not on the board of Content"):
        shown.decide("zz", "follow")


def test_the_database_gone_is_said_and_the_same_question_works_when_it_is_back(shown, team, monkeypatch):
    out, file = sent(shown, monkeypatch), team.folder / "workspace.sqlite"
    away = file.rename(file.with_suffix(".away"))
    ask(shown, task="a", decision="level", level=3)
    assert out[0]["kind"] == "trouble"
    assert "is gone" in out[0]["text"]
    assert shown.decisions == {}
    away.rename(file)
    ask(shown, task="a", decision="level", level=3)
    assert out[1]["ok"]
    assert kept(team)[0]["level"] == 3


def test_new_ratings_move_the_card_and_unchanged_tables_move_nothing(shown, team):
    shown.refresh()
    assert shown.changed == 0
    with team.change() as change:
        change.put("tasks", team.read("tasks", "content").assign(judgment=5.0))
    shown.refresh()
    assert shown.changed == 1
    assert shown.cards[0]["rule"] < 5


def test_two_boards_on_one_workspace_see_each_other_within_a_second(team):
    async def both():
        mine, theirs = board(team, "content", today=DAY), board(team, "content", today=DAY)
        mine.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if theirs.decisions:
                break
        found = theirs.decisions
        mine.close()
        theirs.close()
        return found

    assert asyncio.run(both())["a"]["column"] == 3


def test_a_decision_taken_back_by_somebody_else_at_once_is_noticed(team):
    async def taken_back():
        shown = board(team, "content", today=DAY)
        shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
        with team.change(by="Counsel") as change:
            change.remove("overrulings", team.read("overrulings", "content"))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not shown.decisions:
                break
        shown.close()
        return shown.decisions

    assert asyncio.run(taken_back()) == {}


def test_a_watch_says_trouble_once_and_when_it_ends(team):
    async def watched():
        heard, changes = [], []
        watch = Watch(team, ["tasks"], "content", lambda: changes.append(1), on_trouble=heard.append, every=0.02)
        file = team.folder / "workspace.sqlite"
        away = file.rename(file.with_suffix(".away"))
        await asyncio.sleep(0.3)
        away.rename(file)
        await asyncio.sleep(0.3)
        watch.stop()
        return heard, changes

    heard, changes = asyncio.run(watched())
    assert [type(one).__name__ for one in heard] == ["WorkspaceNotFoundError", "NoneType"]
    assert changes == []


def test_a_watch_looks_only_when_asked_where_no_loop_runs(team):
    changes = []
    watch = Watch(team, ["tasks"], "content", lambda: changes.append(1))
    assert not watch.running
    assert not watch.look()
    with team.change() as change:
        change.put("tasks", team.read("tasks", "content").assign(note="seen"))
    assert watch.look()
    assert changes == [1]


def test_watching_keeps_nobody_alive(team):
    class Form:
        def __init__(self):
            self.watch = Watch(team, ["tasks"], "content", self.hear, every=0.02)

        def hear(self):
            pass

    async def forgotten():
        form = Form()
        task, gone = form.watch._task, weakref.ref(form)
        del form
        gc.collect()
        await asyncio.sleep(0.3)
        return gone() is None, task.done()

    assert asyncio.run(forgotten()) == (True, True)


def test_a_board_nobody_looks_at_stops_watching_and_begins_again_when_shown(team):
    async def seen():
        shown = board(team, "content", today=DAY)
        states = [shown._watch.running]
        for do, view in (("shown", "1"), ("shown", "2"), ("gone", "1"), ("gone", "2"), ("shown", "3")):
            shown._hear(shown, {"do": do, "view": view}, [])
            states.append(shown._watch.running)
        shown.close()
        return [*states, shown._watch.running]

    assert asyncio.run(seen()) == [True, True, True, True, False, True, False]


def test_a_chart_follows_and_is_plain_data(shown):
    chart = live(figures.level_distribution, shown)
    before = chart.figure
    shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    assert chart.figure != before
    assert sorted(chart.figure) == ["data", "layout"]
    assert json.dumps(chart.figure)
    chart.close()
    last = chart.figure
    shown.undo()
    assert chart.figure == last


def test_a_chart_that_cannot_be_drawn_says_so_and_the_decision_stands(shown, team, monkeypatch):
    chart = live(lambda _tasks, placed: figures.level_distribution(placed, placed), shown)
    assert "cannot be drawn" in chart.wrong
    out = sent(shown, monkeypatch)
    ask(shown, task="a", decision="level", level=3)
    assert out[0]["ok"]
    assert kept(team)[0]["level"] == 3


def test_a_chart_that_could_not_be_drawn_once_is_drawn_again(shown):
    fails = [KeyError("hours"), None]

    def now_and_then(tasks, placed):
        if fault := fails.pop(0):
            raise fault
        return figures.level_distribution(tasks, placed)

    chart = live(now_and_then, shown)
    assert (chart.figure, "KeyError" in chart.wrong) == ({}, True)
    shown.decide("a", "level", 3, reason=WHY, decided_by="Analyst")
    assert (bool(chart.figure["data"]), chart.wrong) == (True, "")


def test_the_browser_gets_plotly_from_the_kernel_and_no_notebook_keeps_it(shown, monkeypatch):
    chart, out = live(figures.level_distribution, shown), []
    monkeypatch.setattr(chart, "send", lambda said, buffers: out.append((said, buffers)))
    chart._hear(chart, {"do": "library"}, [])
    assert out[0][0] == {"sent": "plotly"}
    assert b"plotly.js v" in out[0][1][0][:100]
    assert sum(len(json.dumps(value)) for name, value in chart.get_state().items() if name != "layout") < 50_000


def test_the_static_twin_says_the_same_as_the_board(shown):
    shown.decide("a", "keep human", reason=WHY, decided_by="Analyst")
    table = shown.static()
    assert table["level"].tolist()[:2] == [2, 1]
    assert pd.isna(table["level"][2])
    assert table["decision"].tolist() == ["keep human", "follows the rule", "follows the rule"]
    assert table.loc[0, ["task", "hours", "rule_level"]].tolist() == ["Build tables", 6.0, 5]


def test_a_team_without_tasks_has_an_empty_board(team):
    empty = board(team, "growth", today=DAY)
    assert (empty.cards, empty.decisions) == ([], {})
    assert empty.static().empty
    assert empty.placements().empty


def test_an_unknown_team_is_refused_with_the_teams_there_are(team):
    with pytest.raises(playbook.ParameterError, match="the teams are content"):
        board(team, "sales")


def test_the_place_of_a_card_is_what_the_room_says(shown, team):
    shown.decide("a", "level", 2, reason=WHY, decided_by="Analyst")
    rows = spectrum.as_decided(shown._placed, team.read("overrulings", "content"))
    assert shown.placements()["target_level"].equals(rows["target_level"])


def test_the_boards_level_colours_are_the_reports():
    found = dict(re.findall(r"\.pbb-l([1-5]) \{ background: (#\w{6}); color: (?:#\w{6}); \}", CSS))
    assert {int(level): colour for level, colour in found.items()} == dict(look.LEVEL_COLOURS)


def test_letters_on_a_functions_colour_can_be_read():
    def light(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    pairs = re.findall(r"\.pbb-f\d, \.pbb-edge\d \{ --f: (#\w{6}); --fi: (#\w{6}); \}", CSS)
    assert len(pairs) == _cards.COLOURS
    for ground, ink in pairs:
        high, low = sorted((light(ground), light(ink)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (ground, ink)


def test_each_function_gets_letters_of_its_own():
    names = [
        "Content production",
        "Crisis communication",
        "Creative direction",
        "Reporting",
        None,
        "SEO",
        "Search",
        "X",
    ]
    letters = [row["letters"] for row in _cards.functions(names)]
    assert len(set(letters)) == len(letters) == 7


def test_nothing_the_board_ships_is_loaded_from_elsewhere():
    js = (Path(playbook.__file__).parent / "widgets" / "board.js").read_text(encoding="utf-8")
    assert "://" not in js + CSS
    assert not re.search(r"@import|\bimport\s*\(|innerHTML", js + CSS)
