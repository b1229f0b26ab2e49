"""The figures: their titles say what the tables say, they survive empty and odd tables, and stay small."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from drawings import EVIL, readouts, title

from playbook import tables
from playbook.report import figures, look


def functions() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "team": "a",
            "function": ["Strategy", "Reporting", "Chat"],
            "tasks": [2, 3, 1],
            "hours": [10.0, 30.0, 10.0],
            "current": [1.0, 2.0, None],
            "target": [1.2, 4.4, 5.0],
            "ready": [1.0, None, 3.0],
            "hours_level_1": [10.0, 0.0, 0.0],
            "hours_level_2": [0.0, 0.0, 0.0],
            "hours_level_3": [0.0, 9.0, 4.0],
            "hours_level_4": [0.0, 20.0, 0.0],
            "hours_level_5": [0.0, 0.0, 3.0],
            "hours_unknown": [0.0, 1.0, 3.0],
        }
    )


def shortlist(**more) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "team": "a",
            "workflow": ["Reports", "Launches", "Unrated"],
            "tasks": 3,
            "runs_per_month": [80.0, 2.0, 9.0],
            "hours_per_month": [40.0, 60.0, 5.0],
            "judgment": [1.5, 4.5, None],
            "rank": [1, 2, None],
            "chosen": [True, False, False],
            "reason": "why",
        }
    )
    return tables.check(tables.SHORTLIST, rows.assign(**more))


def placed() -> tuple[pd.DataFrame, pd.DataFrame]:
    tasks = pd.DataFrame(
        {"team": "a", "task_id": ["1", "2", "3"], "task": "Do", "workflow": "w", "current_level": [2, 2, None]}
    )
    levels = pd.DataFrame({"team": "a", "task_id": ["1", "2", "3"], "target_level": [4, 2, 5], "coverage": 1.0})
    return tables.check(tables.TASKS, tasks), tables.check(tables.PLACEMENTS, levels)


def roles() -> pd.DataFrame:
    rows = {"team": "a", "role": ["Editor"], "tasks": 4, "hours": 40.0, "hours_level_1": 10.0, "hours_level_4": 30.0}
    return tables.check(tables.ROLE_SHIFTS, pd.DataFrame(rows).assign(direction="changes"))


def gates() -> pd.DataFrame:
    rows = {
        "team": "a",
        "phase": pd.array([1, 1, 2], dtype="Int64"),
        "condition": ["x", "y", "z"],
        "text": ["One", "Two", "Three"],
        "status": ["met", "not met", "met"],
        "wanted": "1",
    }
    return tables.check(tables.GATE_RESULTS, pd.DataFrame(rows))


def schedule() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "phase": pd.array([1, 1, 2], dtype="Int64"),
            "title": ["Map", "Try", "Redesign"],
            "start": pd.to_datetime(["2026-11-02", "2026-11-10", "2026-12-02"]),
            "end": pd.to_datetime(["2026-11-09", "2026-12-01", "2026-12-31"]),
            "status": ["done", "under way", None],
        }
    )


RISKS = pd.DataFrame(
    {
        "title": ["Drift", "Keys", "Open"],
        "likelihood": [4, 3, None],
        "impact": [4, 4, None],
        "band": ["high", "high", None],
        "band_from": pd.array([12, 12, None], dtype="Int64"),
    }
)
MATURITY = pd.DataFrame({"dimension": ["Data", "Skills"], "score": [2.0, 3.0], "low": [1.5, None], "high": [2.5, None]})
BUDGET = pd.DataFrame(
    {
        "title": ["Agencies", "Tools", "Media", "Data"],
        "monthly": [60.0, 10.0, 30.0, None],
        "direction": ["falls", "grows", None, "grows"],
        "currency": ["EUR", "EUR", "EUR", None],
    }
)
SPLIT = pd.DataFrame(
    {
        "team": ["a"],
        "hours_human": [30.0],
        "hours_agents": [60.0],
        "hours_unknown": [10.0],
        "share_human": [1 / 3],
        "low": [0.3],
        "high": [0.4],
        "mark": [0.8],
        "counted": [9],
    }
)
CASES = pd.DataFrame({"duration_days": [1.0, 2.0, 3.0, 4.0, 100.0]})
ACTIVITIES = pd.DataFrame({"team": "a", "activity": ["Draft", "Check"], "events": [80, 20], "cases": [50, 20]})
PORTFOLIO = pd.DataFrame(
    {"team": ["a", "b"]} | {f"hours_level_{i}": [10.0, 0.0] for i in range(1, 6)} | {"hours_unknown": [0.0, 50.0]}
)
RATED = pd.DataFrame(
    {
        "team": "a",
        "task": ["Write", "Write", "Send"],
        "factor": ["judgment", "data_readiness", "judgment"],
        "value": [3.5, 2.0, None],
        "low": [2.0, 2.0, None],
        "high": [5.0, 2.0, None],
        "first_low": [1.0, 2.0, None],
        "first_high": [5.0, 3.0, None],
        "basis": ["mean of the last round", "settled by the raters", "settled by the raters"],
    }
)

DOUBTS = pd.DataFrame(
    {
        "team": "a",
        "task_id": ["1", "2", "3"],
        "task": ["Send the report", "Plan the year", "Unrated"],
        "target_level": pd.array([4, 1, None], dtype="Int64"),
        "low": pd.array([2, 1, None], dtype="Int64"),
        "high": pd.array([5, 1, None], dtype="Int64"),
        "holds": [0.5, 0.95, None],
        "survives": pd.array([False, True, None], dtype="boolean"),
        "survives_from": 0.8,
    }
)
SURVIVAL = pd.DataFrame(
    {
        "team": ["a", "b"],
        "tasks": [3, 5],
        "placed": [2, 0],
        "survive": [1, 0],
        "share": [0.5, None],
        "share_weights": [1.0, None],
        "share_missing": [1.0, None],
        "share_raters": [0.5, None],
        "survives_from": 0.8,
    }
)
MOVES = pd.DataFrame(
    {
        "team": "a",
        "kind": ["one factor", "ceiling", "several", "top", "not yet"],
        "factor": ["structure", "structure", "", "", ""],
    }
)

DRAWN = {
    "level_ranges": lambda: figures.level_ranges(DOUBTS),
    "level_survival": lambda: figures.level_survival(SURVIVAL),
    "level_moves": lambda: figures.level_moves(MOVES),
    "spectrum_heatmap": lambda: figures.spectrum_heatmap(functions()),
    "hours_at_stake": lambda: figures.hours_at_stake(functions()),
    "volume_judgment": lambda: figures.volume_judgment(shortlist()),
    "level_distribution": lambda: figures.level_distribution(*placed()),
    "case_durations": lambda: figures.case_durations(CASES),
    "activity_counts": lambda: figures.activity_counts(ACTIVITIES),
    "role_hours": lambda: figures.role_hours(roles()),
    "gate_strip": lambda: figures.gate_strip(gates()),
    "plan_gantt": lambda: figures.plan_gantt(schedule(), pd.Timestamp("2026-12-15")),
    "rater_ranges": lambda: figures.rater_ranges(RATED),
    "risk_matrix": lambda: figures.risk_matrix(RISKS),
    "maturity_dots": lambda: figures.maturity_dots(MATURITY),
    "pilot_ratio": lambda: figures.pilot_ratio(readouts()),
    "budget_shift": lambda: figures.budget_shift(BUDGET),
    "portfolio_levels": lambda: figures.portfolio_levels(PORTFOLIO),
    "time_split": lambda: figures.time_split(SPLIT),
}
EMPTY = {
    "level_ranges": DOUBTS,
    "level_survival": SURVIVAL,
    "level_moves": MOVES,
    "spectrum_heatmap": functions(),
    "hours_at_stake": functions(),
    "volume_judgment": shortlist(),
    "case_durations": tables.CASES.empty(),
    "activity_counts": tables.ACTIVITIES.empty(),
    "role_hours": roles(),
    "gate_strip": gates(),
    "plan_gantt": schedule(),
    "rater_ranges": RATED,
    "risk_matrix": RISKS,
    "maturity_dots": MATURITY,
    "pilot_ratio": readouts(),
    "budget_shift": BUDGET,
    "portfolio_levels": PORTFOLIO,
    "time_split": SPLIT,
}


def test_every_figure_is_tried_here_or_in_a_file_of_its_own():
    left = set(figures.__all__) - set(DRAWN)
    files = [path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)]
    tried = {name for name in left for path in files if f"{name}(" in path.read_text(encoding="utf-8")}
    assert left == tried


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_says_its_finding_and_n_and_stays_small(name):
    figure = DRAWN[name]()
    assert title(figure)
    assert "n = " in figure.layout.title.text or name == "portfolio_levels"
    assert len(figure.to_json()) < 8_000
    assert figure.data


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_table_gives_a_small_figure_that_says_what_is_needed(name):
    figure = getattr(figures, name)(EMPTY[name].head(0))
    assert not figure.data
    assert figure.layout.annotations[0].text.startswith("Not yet: needs ")
    assert figure.layout.height < 120


def test_no_tasks_give_no_level_distribution():
    figure = figures.level_distribution(tables.TASKS.empty(), tables.PLACEMENTS.empty())
    assert "needs tasks" in figure.layout.annotations[0].text


def test_the_spectrum_names_the_widest_gap():
    # gaps where both are known: Strategy 0.2, Reporting 2.4; at least half a level: Reporting alone
    figure = figures.spectrum_heatmap(functions())
    assert title(figure) == "1 of 2 functions could work at a higher level than today; the widest gap is in Reporting"
    assert figure.data[0].z[1][2] is None


def test_a_level_keeps_its_colour_in_every_figure():
    bars = [*figures.hours_at_stake(functions()).data, *figures.role_hours(roles()).data]
    bars += figures.level_distribution(*placed()).data
    for bar in bars:
        wanted = look.UNKNOWN_COLOUR if bar.name == "no level yet" else look.LEVEL_COLOURS[int(bar.name[0])]
        assert bar.marker.color == wanted


def test_hours_whose_tasks_have_no_level_yet_are_given_no_share():
    none = functions().assign(target=None, **dict.fromkeys((f"hours_level_{level}" for level in range(1, 6)), 0.0))
    assert title(figures.hours_at_stake(none)).endswith("none of them has a target level yet")


def test_the_share_that_could_reach_level_4_or_5_counts_tasks_wherever_it_is_said():
    # of 50 hours 4 have no level; of the other 46, 23 are in tasks at 4 or 5 = 50 %, 10 at 1 or 2 = 22 %
    rows = functions().assign(role=functions()["function"])
    said = "50 % of the 46 hours a month with a target level are in work that could reach level 4 or 5"
    assert title(figures.hours_at_stake(rows)) == (
        "50 hours a month are in the inventory; 50 % of the 46 with a target level are in work that could reach level 4 or 5"
    )
    assert title(figures.role_hours(rows)) == f"{said}; 22 % stay led by people"
    assert title(figures.portfolio_levels(rows)) == f"Across 1 team, {said}"


def test_hours_without_any_level_are_given_no_share():
    rows = roles().assign(hours_level_1=0.0, hours_level_4=0.0, hours_unknown=40.0)
    assert title(figures.role_hours(rows)) == "None of the roles' hours has a target level yet"


def test_rows_without_hours_are_not_drawn_as_nothing():
    frame = functions().assign(hours=[10.0, None, 0.0])
    assert list(figures.hours_at_stake(frame).data[0].y) == ["Strategy"]


def test_the_pilots_are_named_and_what_cannot_be_drawn_is_counted():
    figure = figures.volume_judgment(shortlist())
    assert title(figure) == "Proposed pilots: Reports"
    assert "1 workflow without volume or judgment not drawn" in figure.layout.title.text
    assert [trace.name for trace in figure.data] == ["other workflows", "proposed pilots"]


def test_no_candidate_is_said():
    assert title(figures.volume_judgment(shortlist(chosen=False))) == "No workflow is proposed as a pilot yet"


def test_the_median_of_the_cases_is_the_median():
    # 1 2 3 4 100: median 3; the 85th percentile lies 0.4 of the way from 4 to 100: 4 + 0.4 * 96 = 42.4
    assert title(figures.case_durations(CASES)) == (
        "Half of the pieces are through in 3 days; one in seven takes more than 42.4 days"
    )


def test_every_case_is_in_a_bar():
    days = pd.DataFrame({"duration_days": [i % 37 + 0.5 for i in range(500)] + [4000.0]})
    figure = figures.case_durations(days)
    assert sum(figure.data[0].y) == 501
    assert "1 case above" in figure.layout.title.text


def test_a_few_very_long_cases_do_not_flatten_the_rest():
    # median 2, 95th percentile far above 8 x 2: an hour to ten years on one axis, in bins that grow
    days = pd.DataFrame({"duration_days": [0.0] * 30 + [0.5, 1, 2, 3, 5, 8] * 20 + [900.0] * 15})
    figure = figures.case_durations(days)
    assert sum(figure.data[0].y) == 165
    assert figure.data[0].y[0] == 30
    assert figure.data[0].customdata[0] == "under an hour"
    assert list(figure.layout.xaxis.ticktext) == ["1 hour", "1 day", "1 week", "1 month", "1 year"]
    assert max(figure.data[0].y) < 0.5 * 165


def test_cases_that_all_take_no_time_are_drawn():
    assert sum(figures.case_durations(pd.DataFrame({"duration_days": [0.0, 0.0]})).data[0].y) == 2


def test_a_gate_is_open_when_all_its_conditions_are_met():
    assert title(figures.gate_strip(gates())) == "2 of 3 gate conditions met; 1 of 2 gates open"


def test_the_plan_counts_what_is_past_its_end():
    # on 15 December "Try" (ended 1 December, under way) is late, "Redesign" (to 31 December) is not
    assert title(DRAWN["plan_gantt"]()) == "1 of 3 activities done; 1 past the planned end"


def test_a_pilot_is_only_called_saved_when_its_verdict_says_so():
    assert title(figures.pilot_ratio(readouts())) == "Time saved is shown in Reports"
    nothing = readouts().assign(time_verdict="not shown")
    assert title(figures.pilot_ratio(nothing)) == "No pilot shows a difference in time yet"


def test_a_pilot_without_an_interval_is_drawn_without_one():
    alone = readouts().assign(ratio_low=None, ratio_high=None)
    assert all(value == 0 for trace in figures.pilot_ratio(alone).data for value in trace.error_x.array)


def test_risks_without_a_rating_are_counted_not_drawn():
    figure = figures.risk_matrix(RISKS)
    assert "1 risk not yet rated" in figure.layout.title.text


def test_a_risk_is_high_from_where_the_register_says():
    # 4 x 4 = 16 and 3 x 4 = 12; the band high begins at 12
    assert title(figures.risk_matrix(RISKS)) == (
        "2 of 2 risks stand high (likelihood times impact of 12 or more); the largest is Drift"
    )
    own = RISKS.assign(band=["red", "amber", None], band_from=[15, 8, None])
    assert title(figures.risk_matrix(own)).startswith("1 of 2 risks stands red (likelihood times impact of 15")


def test_money_in_two_currencies_is_not_added_up():
    figure = figures.budget_shift(BUDGET.assign(currency=["EUR", "USD", "EUR", None]))
    assert "one currency" in figure.layout.annotations[0].text


def test_the_budget_says_where_the_money_stands():
    # of 100 known: Agencies 60 falls, Tools 10 grows
    figure = figures.budget_shift(BUDGET)
    assert title(figure) == "60 % of 100 EUR a month are in lines the shift takes from, 10 % in lines it feeds"
    assert "1 line without a figure yet" in figure.layout.title.text


def test_the_split_of_hours_is_read_against_the_mark():
    # 30 of the 90 placed hours; the bar itself holds all 100
    figure = figures.time_split(SPLIT)
    assert title(figure).startswith("33 % of the placed hours are work AI cannot do; the mark of arrival is 80 %")
    assert [trace.x[0] for trace in figure.data] == [0.3, 0.6, 0.1]


def test_starting_values_of_the_register_are_not_passed_off_as_ratings():
    figure = figures.risk_matrix(RISKS.assign(rated=[True, False, False]))
    assert "1 of 2 rated by the team" in figure.layout.title.text.replace("<br>", " ")


def test_a_questionnaires_scale_is_said_on_its_axis():
    figure = figures.maturity_dots(MATURITY, "1 prompts to 5 systems")
    assert title(figure) == "Skills stands highest (3.0), Data lowest (2.0)"
    assert figure.layout.xaxis.title.text == "Score (1 prompts to 5 systems)"


def test_several_teams_are_told_apart_and_not_mixed():
    both = pd.concat([functions(), functions().assign(team="b")])
    names = [name for bar in figures.hours_at_stake(both).data[:1] for name in bar.y]
    assert len(set(names)) == 6
    assert all(name.startswith(("a: ", "b: ")) for name in names)


def test_two_names_that_shorten_alike_stay_two_bars():
    long = "A workflow with a name so long that nobody would read it to its end, number "
    frame = functions().assign(function=[f"{long}{i}" for i in range(3)])
    assert len(set(figures.hours_at_stake(frame).data[0].y)) == 3


def test_the_portfolio_keeps_teams_in_the_order_of_their_names():
    figure = figures.portfolio_levels(PORTFOLIO.iloc[::-1])
    assert list(figure.data[0].y) == ["a", "b"]
    assert "not a ranking" in figure.layout.title.text


def test_markup_in_names_never_reaches_a_label():
    drawn = [
        figures.spectrum_heatmap(functions().assign(function=EVIL)),
        figures.hours_at_stake(functions().assign(function=EVIL)),
        figures.volume_judgment(shortlist(workflow=[EVIL, EVIL + "2", EVIL + "3"])),
        figures.activity_counts(ACTIVITIES.assign(activity=EVIL)),
        figures.role_hours(roles().assign(role=EVIL)),
        figures.gate_strip(gates().assign(text=EVIL)),
        figures.plan_gantt(schedule().assign(title=EVIL)),
        figures.risk_matrix(RISKS.assign(title=EVIL)),
        figures.maturity_dots(MATURITY.assign(dimension=EVIL)),
        figures.pilot_ratio(readouts().assign(workflow=EVIL)),
        figures.budget_shift(BUDGET.assign(title=EVIL)),
        figures.portfolio_levels(PORTFOLIO.assign(team=EVIL)),
        figures.time_split(pd.concat([SPLIT, SPLIT]).assign(team=EVIL)),
    ]
    for figure in drawn:
        text = json.dumps(figure.to_plotly_json(), default=str)
        assert "<script" not in text
        assert "<a" not in text


def test_a_sure_level_is_a_full_dot_and_a_doubtful_one_a_ring():
    # of two levels one survives; the other's range is three levels wide
    figure = figures.level_ranges(DOUBTS)
    assert title(figure) == (
        "1 of 2 levels holds in at least 80 % of the draws; the other one could lie two levels or more apart"
    )
    assert [trace.name for trace in figure.data[1:]] == ["holds", "may change"]
    assert figure.data[2].marker.color == look.PAPER
    assert "1 task without a level not drawn" in figure.layout.title.text.replace("<br>", " ")


def test_the_largest_doubt_is_named():
    doubt = "most of the doubt is another person's ratings"
    assert title(figures.level_survival(SURVIVAL)) == f"1 of 2 levels holds in at least 80 % of the draws; {doubt}"


def test_a_level_that_holds_is_not_counted_among_those_that_may_lie_far_apart():
    # the one that holds also has a wide range, 1 to 5; of the other one the range is 3 levels
    wide = DOUBTS.assign(high=pd.array([5, 5, None], dtype="Int64"))
    assert title(figures.level_ranges(wide)).endswith("the other one could lie two levels or more apart")
    sure = wide.assign(survives=pd.array([True, True, None], dtype="boolean"))
    assert title(figures.level_ranges(sure)) == "2 of 2 levels hold in at least 80 % of the draws"


def test_what_moves_work_up_is_counted_by_factor():
    assert title(figures.level_moves(MOVES)) == "Structure stands most often between a task and its next level: 2 of 3"
