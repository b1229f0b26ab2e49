"""What an event log shows of the work, beside hand counts and a plain-pandas reference on a real log."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook import tables
from playbook.errors import ParameterError, TableError
from playbook.workflows import Keywords, discover, discovery_findings, merged, merges

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "content_events" / "events.csv"
START = pd.Timestamp("2026-09-01T09:00:00Z")


def log(*events, team="content"):
    """Events as (case, activity, minutes after the start, person)."""
    rows = [
        {"team": team, "import_id": "i", "row": number, "case": case, "activity": activity}
        | {"timestamp": START + pd.Timedelta(minutes=minutes), "resource": person}
        for number, (case, activity, minutes, person) in enumerate(events, start=2)
    ]
    return tables.check(tables.EVENTS, pd.DataFrame(rows))


def drafts(people, gap=10.0):
    """Each of `people` starts a piece of work and writes it `gap` minutes later, an hour after the one before."""
    return log(
        *(
            event
            for i in range(people)
            for event in ((f"c{i}", "Start", 60 * i, f"p{i}"), (f"c{i}", "Write", 60 * i + gap, f"p{i}"))
        )
    )


def activity(found, name):
    return found.activities.set_index("activity").loc[name]


def test_each_step_is_counted_inside_its_case():
    found = discover(
        log(("a", "Draft", 0, None), ("b", "Draft", 1, None), ("a", "Edit", 2, None), ("b", "Edit", 3, None),
            ("a", "Edit", 4, None), ("c", "Draft", 5, None))
    )  # fmt: skip
    # a: Draft Edit Edit; b: Draft Edit; c: Draft.
    counted = found.arcs[["team", "source", "target", "count"]]
    assert counted.to_numpy().tolist() == [["content", "Draft", "Edit", 2], ["content", "Edit", "Edit", 1]]
    assert found.variants["variant"].tolist() == ["Draft", "Draft → Edit", "Draft → Edit → Edit"]
    assert found.variants["cumulative"].tolist() == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert found.cases["events"].tolist() == [3, 2, 1]
    # a lasts 4 minutes.
    assert found.cases["duration_days"].iloc[0] == pytest.approx(4 / 1440)


def test_events_at_the_same_moment_keep_the_order_of_their_rows():
    tied = log(("a", "Second", 0, None), ("a", "First", 0, None))
    assert discover(tied).arcs[["source", "target"]].to_numpy().tolist() == [["Second", "First"]]
    tied["row"] = [3, 2]
    assert discover(tied).arcs[["source", "target"]].to_numpy().tolist() == [["First", "Second"]]


def test_minutes_are_counted_since_the_same_persons_event_before():
    found = discover(drafts(people=6))
    # Six people wrote ten minutes after their start; a start has no event of the same person before it.
    assert activity(found, "Write")[["median_minutes", "low_minutes", "high_minutes"]].tolist() == [10, 10, 10]
    assert activity(found, "Write")["timed"] == 6
    assert activity(found, "Start")["timed"] == 0
    assert "No run could be timed" in activity(found, "Start")["note"]
    assert "estimates" in activity(found, "Write")["note"]


def test_a_pause_of_thirty_minutes_still_counts_and_a_longer_one_does_not():
    assert activity(discover(drafts(people=6, gap=30)), "Write")["median_minutes"] == 30
    assert activity(discover(drafts(people=6, gap=30.5)), "Write")["timed"] == 0
    assert activity(discover(drafts(people=6, gap=30.5), session_minutes=45), "Write")["timed"] == 6


def test_what_a_person_logs_at_one_moment_shares_the_time_before_it():
    rows = [
        event
        for i in range(6)
        for event in (
            (f"a{i}", "Start", 60 * i, f"p{i}"),
            (f"a{i}", "Write", 60 * i + 12, f"p{i}"),
            (f"b{i}", "Write", 60 * i + 12, f"p{i}"),
        )
    ]
    # Twelve minutes for two pieces of work: six each.
    assert activity(discover(log(*rows)), "Write")["median_minutes"] == 6


def test_people_and_times_of_four_people_are_kept_back():
    found = discover(drafts(people=4))
    write = activity(found, "Write")
    assert write[["people", "median_minutes"]].isna().all()
    assert write["events"] == 4
    assert "fewer than five people" in write["note"]
    assert found.tasks["minutes_per_run"].isna().all()


def test_times_are_kept_back_when_fewer_than_five_people_are_behind_the_timed_runs():
    quick = [e for i in range(6) for e in (("a", "Write", 500 + i, "p0"),)]
    slow = [(f"s{i}", "Write", 60 * i, f"q{i}") for i in range(6)]
    write = activity(discover(log(*quick, *slow)), "Write")
    assert write["people"] == 7
    assert pd.isna(write["median_minutes"])
    assert "behind the runs" in write["note"]


def test_one_small_activity_takes_the_next_smallest_with_it():
    people = [("Edit", 9), ("Check", 6), ("Move", 2)]
    rows = [(f"{name}{i}", name, 100 * i, f"{name}{i}") for name, count in people for i in range(count)]
    found = discover(log(*rows))
    assert [activity(found, name)["people"] for name in ("Edit", "Check", "Move")] == [9, pd.NA, pd.NA]
    assert "worked out from the rest" in activity(found, "Check")["note"]


def test_a_log_that_names_nobody_is_timed_inside_its_cases():
    rows = [event for i in range(6) for event in ((f"c{i}", "Start", i, None), (f"c{i}", "Write", i + 8, None))]
    write = activity(discover(log(*rows)), "Write")
    assert (write["median_minutes"], write["timed"]) == (8, 6)
    assert pd.isna(write["people"])
    assert "same case" in write["note"]


def test_five_timed_runs_have_a_median_but_suggest_no_minutes_for_the_task():
    found = discover(drafts(people=5))
    assert activity(found, "Write")["median_minutes"] == 10
    assert pd.isna(activity(found, "Write")["low_minutes"])
    assert found.tasks["minutes_per_run"].isna().all()


def test_runs_a_month_come_from_the_span_of_the_log():
    # 3 events over 30.44 days: 3 a month.
    month = 30.44 * 1440
    found = discover(log(("a", "Send", 0, None), ("b", "Send", 10, None), ("c", "Send", month, None)))
    assert activity(found, "Send")["runs_per_month"] == pytest.approx(3)
    assert found.tasks["runs_per_month"].tolist() == pytest.approx([3])


def test_a_log_of_under_two_weeks_has_no_monthly_frequency_yet():
    found = discover(log(("a", "Send", 0, None), ("b", "Send", 13.9 * 1440, None)))
    assert pd.isna(activity(found, "Send")["runs_per_month"])
    assert "under 14 days" in activity(found, "Send")["note"]


def test_teams_are_never_mixed():
    one, two = drafts(people=6), drafts(people=6).assign(team="demand")
    both = discover(pd.concat([one, two], ignore_index=True))
    for whole, part in zip(both, discover(one), strict=True):
        pd.testing.assert_frame_equal(whole[whole["team"] == "content"].reset_index(drop=True), part)
    assert all(said.startswith(("content: ", "demand: ")) for said in discovery_findings(both))


def test_tasks_fit_the_inventory_and_their_ids_tell_look_alikes_apart():
    found = discover(
        log(("a", "Draft added", 0, None), ("a", "draft-added", 1, None), ("a", "***", 2, None), ("a", "x" * 90, 3, None)),
        workflow="Posts",
    )  # fmt: skip
    checked = tables.check(tables.TASKS, found.tasks)
    assert checked["task_id"].is_unique
    assert checked["workflow"].eq("Posts").all()
    assert checked["basis"].eq("measured").all()


def test_an_empty_log_gives_empty_typed_tables():
    found = discover(tables.EVENTS.empty())
    full = discover(drafts(people=6))
    for empty, typed in zip(found, full, strict=True):
        assert empty.empty
        assert empty.dtypes.to_dict() == typed.dtypes.to_dict()
    assert discovery_findings(found) == [
        "No event log has been read yet, so how the work actually runs is not yet known."
    ]


def test_a_log_without_a_case_column_or_a_time_is_refused_by_name():
    with pytest.raises(TableError, match="case: missing"):
        discover(drafts(people=1).drop(columns="case"))
    broken = drafts(people=1)
    broken.loc[1, "timestamp"] = pd.NaT
    with pytest.raises(TableError, match="row 1, timestamp"):
        discover(broken)


def recorded(*events):
    """Events as (case, activity, begun, done, recorded minutes, person, workflow), times in minutes after the start."""
    rows = log(*((case, activity, done, person) for case, activity, _, done, _, person, _ in events))
    begun = [None if at is None else START + pd.Timedelta(minutes=at) for _, _, at, *_ in events]
    return rows.assign(
        begun=pd.Series(begun, rows.index, dtype="datetime64[us, UTC]"),
        minutes=[minutes for *_, minutes, _, _ in events],
        workflow=[workflow for *_, workflow in events],
    )


def test_minutes_a_tool_recorded_are_used_before_any_estimate_and_said_to_be_measured():
    # Recorded minutes first, then begun to done, each by six people; nothing is estimated.
    events = [(f"c{i}", "Write", 100 * i, 100 * i + 20, 12.0 if i % 2 else None, f"p{i}", None) for i in range(6)]
    write = activity(discover(recorded(*events)), "Write")
    # three of 12 and three of 20 minutes: median (12 + 20) / 2
    assert (write["median_minutes"], write["timed"], write["basis"]) == (16, 6, "measured")
    assert "as the tool recorded" in write["note"]


def test_a_span_longer_than_a_working_day_is_not_taken_for_work_but_ends_the_waiting():
    events = [
        event
        for i in range(6)
        for event in (
            (f"c{i}", "Brief", None, 10_000 * i, None, f"p{i}", None),
            (f"c{i}", "Write", 10_000 * i + 60, 10_000 * i + 60 + 481, None, f"q{i}", None),
        )
    ]
    write = activity(discover(recorded(*events)), "Write")
    assert write["timed"] == 0
    assert pd.isna(write["basis"])
    # begun 60 minutes after the brief was done
    assert (write["waiting_minutes"], write["waits"]) == (60, 6)


def test_waiting_ends_with_the_event_where_its_begin_is_said_to_come_later():
    events = [
        event
        for i in range(6)
        for event in (
            (f"c{i}", "Brief", None, 10_000 * i, None, f"p{i}", None),
            (f"c{i}", "Edit", 10_000 * i + 4000, 10_000 * i + 60, None, f"q{i}", None),
        )
    ]
    found = discover(recorded(*events))
    # done 60 minutes after the brief; begun 4,000 minutes after it is a plan
    assert activity(found, "Edit")["waiting_minutes"] == 60 == found.arcs["waiting_minutes"].item()


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_person_is_nobody(blank):
    rows = drafts(people=6)
    rows["resource"] = rows["resource"].astype(object).replace({"p4": blank, "p5": blank})
    write = activity(discover(rows), "Write")
    # p0 to p3, and two cells in which nobody stands
    assert write[["people", "median_minutes", "waiting_minutes"]].isna().all()
    rows["resource"] = pd.Series(blank, rows.index, dtype=object)
    assert "same case" in activity(discover(rows), "Write")["note"]


def test_some_recorded_and_some_estimated_times_are_told_apart():
    events = [
        event
        for i in range(6)
        for event in (
            (f"c{i}", "Start", None, 60 * i, None, f"p{i}", None),
            (f"c{i}", "Write", None, 60 * i + 10, 4.0 if i < 2 else None, f"p{i}", None),
        )
    ]
    write = activity(discover(recorded(*events)), "Write")
    assert write["basis"] == "mixed"
    assert write["note"].startswith("2 of 6 times were recorded by the tool; the others are estimates")


def test_waiting_is_the_time_between_events_less_the_work_before_the_later_one():
    found = discover(drafts(people=6, gap=10))
    # Each Write came 10 minutes after its Start and all 10 count as work: nobody waited.
    assert activity(found, "Write")["waiting_minutes"] == 0
    longer = discover(drafts(people=6, gap=50))
    # After a pause of 50 minutes the work is not known, so all of it counts as waiting.
    assert activity(longer, "Write")[["waiting_minutes", "low_waiting", "high_waiting"]].tolist() == [50, 50, 50]
    assert longer.arcs["waiting_minutes"].tolist() == [50]


def test_what_comes_again_in_a_case_is_rework():
    found = discover(
        log(("a", "Draft", 0, None), ("a", "Edit", 1, None), ("a", "Draft", 2, None), ("a", "Draft", 3, None),
            ("b", "Draft", 4, None))
    )  # fmt: skip
    assert activity(found, "Draft")[["repeats", "cases"]].tolist() == [2, 2]
    assert found.cases.set_index("case")["repeats"].to_dict() == {"a": 2, "b": 0}
    assert found.flow[["repeats", "reworked"]].to_numpy().tolist() == [[2, 1]]


def handed(people, activity="Edit"):
    """Each piece goes from one person's Draft to another's `activity`; five drafters and `people` others."""
    return [
        event
        for i in range(10)
        for event in ((f"c{i}", "Draft", 900 * i, f"d{i % 5}"), (f"c{i}", activity, 900 * i + 60, f"e{i % people}"))
    ]


def test_a_handover_is_counted_when_another_person_takes_over():
    found = discover(log(*handed(people=5)))
    assert activity(found, "Edit")["handovers"] == 10
    assert activity(found, "Draft")["handovers"] == 0
    assert found.flow["handovers"].tolist() == [10]
    alone = discover(log(*((case, name, at, "d" + case) for case, name, at, _ in handed(people=5))))
    assert activity(alone, "Edit")["handovers"] == 0


def test_handovers_to_fewer_than_five_people_are_kept_back_and_cannot_be_worked_out():
    found = discover(log(*handed(people=4)))
    edit = activity(found, "Edit")
    assert edit[["handovers", "people", "waiting_minutes"]].isna().all()
    assert found.arcs["waiting_minutes"].isna().all()
    # two kinds of work are taken over, one by four people: the other is kept back with it
    two = handed(people=4) + [(f"x{case}", name, at, who) for case, name, at, who in handed(people=6, activity="Check")]
    both = discover(log(*two))
    assert both.activities.set_index("activity").loc[["Edit", "Check"], "handovers"].isna().all()


def test_a_log_that_names_nobody_has_no_handovers_rather_than_none():
    found = discover(log(*((case, name, at, None) for case, name, at, _ in handed(people=5))))
    assert activity(found, "Edit")[["handovers"]].isna().all()
    assert found.flow["handovers"].isna().all()


def briefed(people, *later):
    """Each of `people` briefs, drafts after 20 minutes, and the next one reviews after 40; events of `later` beside them."""
    return log(
        *(
            event
            for i in range(people)
            for event in (
                (f"c{i}", "Brief", 1440 * i, f"p{i}"),
                (f"c{i}", "Draft", 1440 * i + 20, f"p{i}"),
                (f"c{i}", "Review", 1440 * i + 40, f"p{(i + 1) % people}"),
            )
        ),
        *later,
    )


def test_waiting_kept_back_of_a_step_is_not_shown_of_the_activity_it_leads_to():
    found = discover(briefed(6, ("c0", "Brief", 177, "p0")))
    # one person waited 137 minutes, from 40 to 177, and nobody else waits before a Brief
    back = found.arcs.set_index(["source", "target"]).loc[("Review", "Brief")]
    assert back["count"] == 1
    assert pd.isna(back["waiting_minutes"])
    assert activity(found, "Brief")["waits"] == 1
    assert pd.isna(activity(found, "Brief")["waiting_minutes"])
    assert "Waiting is not shown" in activity(found, "Brief")["note"]
    assert activity(found, "Review")["waiting_minutes"] == 20


@pytest.mark.parametrize(("people", "shown"), [(7, False), (8, True)])
def test_one_wait_of_a_step_kept_back_is_not_the_end_of_the_interval_shown(people, shown):
    found = discover(briefed(people, ("c0", "Review", 177, "p0")))
    # the longest wait is p0's alone, 137 minutes: of 8 waits the interval goes up to the longest, of 9 to the one before,
    # as P(Binomial(9, 1/2) <= 1) = 10/512 is under 2.5 % and P(Binomial(8, 1/2) <= 1) = 9/256 is not
    ends = activity(found, "Review")[["low_waiting", "high_waiting"]].tolist()
    assert ends == ([20, 20] if shown else pytest.approx([np.nan, np.nan], nan_ok=True))


def test_efficiency_is_kept_back_where_few_people_are_behind_the_minutes_it_rests_on():
    alone = [e for i in range(8) for e in ((f"a{i}", "Brief", 9000 + 600 * i, "p0"), (f"a{i}", "Edit", 9012 + 600 * i, "p0"),
                                           (f"a{i}", "Edit", 9060 + 600 * i, "p0"))]  # fmt: skip
    six = [(f"c{i}", "Brief", 600 * i, f"p{i}") for i in range(6)]
    row = discover(log(*six, *alone)).flow.iloc[0]
    # 12 of 60 minutes, 20 %, would be p0's alone
    assert row[["efficiency", "low_efficiency", "measured", "timed", "basis"]].isna().all()
    assert row["people"] == 6
    assert row["note"].startswith("Efficiency is kept back")
    # and so it would where others have touched these cases, but p0's are the only known minutes
    others = [(case, name, at, f"p{int(case[1:]) % 6}" if name == "Brief" and case[0] == "a" else who)
              for case, name, at, who in alone]  # fmt: skip
    assert pd.isna(discover(log(*six, *others)).flow["efficiency"].item())
    # six people's own pieces are shown
    assert discover(drafts(people=6)).flow["efficiency"].item() == 1


def in_two_workflows(also=()):
    """Eight people take over all of a2 in X and b2 in Y; two of them three times a1, three of them seven times b1."""
    pairs = [("X", f"a0 p{i}", f"a2 p{(i + 1) % 8}") for i in range(8)]
    pairs += [("Y", f"b0 p{i}", f"b2 p{(i + 1) % 8}") for i in range(8)]
    pairs += [(w, f"{k}0 p{i}", f"{k}1 p{i}") for i in range(8) for w, k in (("X", "a"), ("Y", "b"))]
    pairs += [("X", "a0 p5", f"a1 p{i % 2}") for i in range(3)] + [("Y", "b0 p5", f"b1 p{i % 3}") for i in range(7)]
    return recorded(
        *(
            (f"c{number}", *step.split()[:1], None, 600 * number + at, None, step.split()[1], workflow)
            for number, (workflow, *both) in enumerate([*pairs, *also])
            for at, step in zip((0, 10), both, strict=True)
        )
    )


def test_handovers_of_a_few_cannot_be_worked_out_from_those_of_their_workflow():
    found = discover(in_two_workflows())
    shown = found.activities.set_index("activity")["handovers"]
    assert shown[["a2", "b2"]].tolist() == [8, 8]
    assert shown[["a1", "b1"]].isna().all()
    # X had 11 handovers and Y 15: less the 8 shown they would leave the 3 of two people and the 7 of three
    assert found.flow["handovers"].isna().all()
    assert found.flow["people"].tolist() == [8, 8]
    assert found.flow["note"].str.contains("Handovers are kept back").all()


def test_workflows_that_share_what_is_taken_over_tell_only_the_sum_of_the_few():
    few = [("X", "a0 p5", f"a1 p{i}") for i in range(2, 5)]
    shared = [(w, f"s0 p{i}", f"s1 p{(i + 1) % 8}") for i in range(8) for w in "XY"]
    # a1 is taken over by p0 to p4, b1 by p0 to p2; Y alone would leave the 7 of b1, X the 6 of five people
    apart = discover(in_two_workflows(few)).flow.set_index("workflow")["handovers"]
    assert apart["X"] == 8 + 3 + 3
    assert pd.isna(apart["Y"])
    # where s1 is taken over in both, its 16 are not told by workflow: only the 13 of a1 and b1 together are left
    found = discover(in_two_workflows([*few, *shared]))
    assert found.activities.set_index("activity")["handovers"][["a1", "b1"]].isna().all()
    assert found.flow.set_index("workflow")["handovers"].to_dict() == {"X": 8 + 3 + 3 + 8, "Y": 8 + 7 + 8}


def test_a_workflow_has_no_handovers_to_show_where_all_of_them_are_of_a_few():
    found = discover(log(*handed(people=4)))
    assert activity(found, "Edit")[["handovers"]].isna().all()
    assert found.flow["handovers"].isna().all()


def test_flow_efficiency_is_active_over_elapsed_minutes_a_case():
    # begun at 0, worked 30 minutes; begun again at 90, worked 10: 40 of 100 minutes
    events = [
        event
        for i in range(6)
        for event in (
            (f"c{i}", "Write", 1000 * i, 1000 * i + 30, None, f"p{i}", "Blog"),
            (f"c{i}", "Check", 1000 * i + 90, 1000 * i + 100, None, f"q{i}", "Blog"),
        )
    ]
    found = discover(recorded(*events))
    row = found.flow.iloc[0]
    assert (row["workflow"], row["measured"], row["basis"]) == ("Blog", 6, "measured")
    assert row[["efficiency", "low_efficiency", "high_efficiency"]].tolist() == pytest.approx([0.4, 0.4, 0.4])
    assert any("Flow efficiency" in said and "40 %" in said for said in discovery_findings(found))


def test_a_case_belongs_to_the_workflow_it_last_stood_in_and_a_task_to_its_commonest():
    events = [
        ("a", "Write", None, 0, None, None, "Ideas"),
        ("a", "Write", None, 10, None, None, "Blog"),
        ("a", "Send", None, 20, None, None, None),
        ("b", "Write", None, 30, None, None, "Blog"),
        ("c", "Send", None, 40, None, None, None),
    ]
    found = discover(recorded(*events), workflow="Posts")
    assert found.cases["workflow"].fillna("-").tolist() == ["Blog", "Blog", "-"]
    assert found.flow[["workflow", "cases"]].to_numpy().tolist() == [["Blog", 2], ["Posts", 1]]
    assert found.tasks.set_index("task")["workflow"].to_dict() == {"Write": "Blog", "Send": "Posts"}


def test_the_fewest_paths_that_cover_four_fifths_of_the_cases():
    # paths of 7, 2 and 1 of ten cases: the first two cover nine
    paths = ["AB"] * 7 + ["AC"] * 2 + ["A"]
    found = discover(
        log(*((f"c{i}", step, 10 * i + at, None) for i, path in enumerate(paths) for at, step in enumerate(path)))
    )
    assert found.flow[["paths", "common_paths"]].to_numpy().tolist() == [[3, 2]]


def test_names_that_seem_to_mean_one_activity_are_shown_and_merged_only_when_approved():
    events = log(("a", "Draft added", 0, None), ("b", "Draft added", 1, None), ("a", "draft-added", 2, None),
                 ("a", "Review post 12", 3, None), ("a", "Review posts", 4, None), ("a", "Send", 5, None))  # fmt: skip
    found = discover(events)
    proposed = merges(found.activities)
    assert proposed[["activity", "merged_into"]].to_numpy().tolist() == [
        ["draft-added", "Draft added"],
        ["Review posts", "Review post 12"],
    ]
    assert "other case" in proposed["why"][0]
    assert "plurals" in proposed["why"][1]
    assert len(found.activities) == 5
    again = discover(merged(events, proposed.iloc[:1]))
    assert activity(again, "Draft added")["events"] == 3
    assert len(again.activities) == 4
    with pytest.raises(ParameterError, match="would go into two names"):
        merged(events, pd.concat([proposed, proposed.assign(merged_into="Send")]))
    assert merges(tables.ACTIVITIES.empty()).empty


def test_keywords_suggest_function_and_layer_and_leave_the_rest_unmatched():
    table = Keywords(
        version="t",
        functions={"Email sequences": ("email*", "newsletter"), "Reporting": ("email report*",)},
        layers={"QA": ("review*",), "distribution": ("sen*",)},
    )
    assert table.function("E-mails drafted") == "Email sequences"
    assert table.function("Write e-mail report") == "Reporting"
    assert table.function("Newsletters") is None
    assert (table.layer("Reviewed & sent"), table.layer("Nonsense")) == ("QA", None)
    tasks = discover(log(("a", "Newsletter sent", 0, None), ("a", "Zzz", 1, None)), keywords=table).tasks
    assert tasks.set_index("task")["function"].fillna("-").to_dict() == {
        "Newsletter sent": "Email sequences",
        "Zzz": "-",
    }
    with pytest.raises(ValueError, match="would mean both"):
        Keywords(version="t", functions={"A": ("x",), "B": ("X",)}, layers={})


steps = st.tuples(
    st.sampled_from("abc"), st.sampled_from(["Draft", "Edit", "Send"]), st.integers(0, 90), st.sampled_from("pqrstu")
)


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_every_event_is_accounted_for_whatever_the_order_of_the_rows(events, random):
    whole = log(*events)
    found = discover(whole)
    assert found.activities["events"].sum() == len(events) == found.cases["events"].sum()
    assert found.arcs["count"].sum() == len(events) - len(found.cases)
    assert found.variants["cases"].sum() == len(found.cases)
    assert tables.check(tables.ACTIVITIES, found.activities)["timed"].le(found.activities["events"]).all()
    order = list(range(len(events)))
    random.shuffle(order)
    for first, second in zip(found, discover(whole.iloc[order]), strict=True):
        pd.testing.assert_frame_equal(first, second)


@pytest.fixture(scope="module")
def real():
    if not REAL.exists():
        pytest.skip(f"the shared content log is not there: {REAL.name}")
    raw = pd.read_csv(REAL).rename(columns={"case_id": "case", "timestamp_utc": "timestamp"})
    raw["timestamp"] = pd.to_datetime(raw["timestamp"], utc=True)
    events = raw[["case", "activity", "timestamp", "resource"]].assign(
        team="content", import_id="i", row=range(2, len(raw) + 2)
    )
    return raw, tables.check(tables.EVENTS, events)


def test_the_content_teams_log_gives_the_numbers_plain_pandas_gives(real):
    raw, events = real
    found = discover(events)
    ordered = raw.sort_values(["case", "timestamp"], kind="stable")
    follows = ordered.assign(then=ordered.groupby("case")["activity"].shift(-1)).dropna(subset=["then"])
    expected_arcs = follows.groupby(["activity", "then"]).size().to_dict()
    times = raw.groupby("case")["timestamp"]
    duration = (times.max() - times.min()) / pd.Timedelta(days=1)

    assert found.activities["events"].sum() == len(raw)
    assert len(found.cases) == raw["case"].nunique() == 475
    assert found.activities.set_index("activity")["events"].to_dict() == raw["activity"].value_counts().to_dict()
    assert found.arcs.set_index(["source", "target"])["count"].to_dict() == expected_arcs
    assert found.cases.set_index("case")["duration_days"].median() == pytest.approx(duration.median())
    assert len(found.variants) == ordered.groupby("case")["activity"].agg(tuple).nunique()


def test_the_content_teams_minutes_agree_with_a_loop_over_each_person(real):
    _, events = real
    edited = []
    for _, mine in events.groupby("resource"):
        before = None
        for moment, now in mine.groupby("timestamp"):
            minutes = (moment - before).total_seconds() / 60 if before is not None else np.inf
            if minutes <= 30:
                edited += [minutes / len(now)] * int((now["activity"] == "Edited").sum())
            before = moment
    row = activity(discover(events), "Edited")
    assert row["timed"] == len(edited)
    assert row["median_minutes"] == pytest.approx(np.median(edited))


def test_findings_on_the_content_teams_log_carry_numbers_and_doubt(real):
    said = discovery_findings(discover(real[1]))
    assert said[0].startswith("475 pieces of work from 2014-09-25 to 2025-02-07, median 23.3 days")
    assert "95 % interval" in said[0]
    assert any("estimates" in sentence for sentence in said)


def test_a_hundred_thousand_events_take_under_three_seconds_of_computing():
    rng, n = np.random.default_rng(1), 100_000
    events = pd.DataFrame(
        {
            "team": rng.choice(["a", "b"], n),
            "import_id": "i",
            "row": np.arange(n),
            "case": rng.integers(0, 12_000, n).astype(str),
            "activity": rng.choice(list("ABCDEFGHIJ"), n),
            "timestamp": START + pd.to_timedelta(rng.integers(0, 90 * 86_400, n), unit="s"),
            "resource": rng.integers(0, 40, n).astype(str),
        }
    )
    began = time.process_time()
    found = discover(events)
    assert time.process_time() - began < 3
    assert found.activities["events"].sum() == n
