"""The figures of the choice of pilots say their finding, survive odd tables and stay small."""

import re

import numpy as np
import pandas as pd
import pytest

import playbook
from playbook import spectrum, workflows
from playbook.report import figures
from playbook.tables import FACTORS, TASKS, check

RULE = playbook.load("pilots")
EVIL = "<script>alert(1)</script>"


def title(figure):
    text = figure.layout.title.text.split("<br><span")[0].replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r" +", " ", re.sub(r"<[^>]+>", " ", text)).strip()


def tasks(names, **more):
    cells = {"team": "t", "task": "Do", "minutes_per_run": 30.0} | dict(
        zip(FACTORS, (5, 5, 5, 1, 1, 1, 1), strict=True)
    )
    rows = [
        cells | {"task_id": str(n), "workflow": name, "runs_per_month": 60.0 - 10 * n} for n, name in enumerate(names)
    ]
    return check(TASKS, pd.DataFrame(rows).assign(**more))


def robust(names=("Reports", "Tests", "Posts", "Lists"), **more):
    sheet = tasks(names, **more)
    shortlist = workflows.shortlist(sheet, spectrum.place(sheet, playbook.load("spectrum")), RULE)
    return workflows.robustness(shortlist, workflows.criteria(sheet, RULE), RULE)


def shown(names=("Reports", "Tests"), **more):
    found = workflows.criteria(tasks(names, **more), RULE)
    return workflows.proof(found, found, RULE, least_items=10, acceptance_margin=0.1, rubric_margin=0.5)


DRAWN = {
    "pilot_criteria": lambda: figures.pilot_criteria(robust()),
    "pilot_robustness": lambda: figures.pilot_robustness(robust()),
    "pilot_proof": lambda: figures.pilot_proof(shown()),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_says_its_finding_and_n_and_stays_small(name):
    figure = DRAWN[name]()
    assert title(figure)
    assert "n = " in figure.layout.title.text
    assert len(figure.to_json()) < 8_000


@pytest.mark.parametrize("name", DRAWN)
def test_an_empty_table_gives_a_small_figure_that_says_what_is_needed(name):
    empty = (shown() if name == "pilot_proof" else robust()).head(0)
    figure = getattr(figures, name)(empty)
    assert not figure.data
    assert figure.layout.annotations[0].text.startswith("Not yet: needs ")


def test_the_weakest_point_of_each_proposed_pilot_is_the_title():
    # 30, 25 and 20 hours in 60, 50 and 40 runs: the volume is the lowest of five
    found = title(figures.pilot_criteria(robust()))
    assert (
        found
        == "Where each proposed pilot is weakest: Reports in volume (64), Tests in volume (60) and Posts in volume (55)"
    )
    assert list(figures.pilot_criteria(robust()).data[0].y) == ["✓ Reports", "✓ Tests", "✓ Posts", "Lists"]


def test_the_share_of_weightings_stands_at_the_end_of_its_bar_and_is_never_rounded_up_to_all():
    frame = robust()
    figure = figures.pilot_robustness(frame)
    assert title(figure) == "3 of 3 proposed pilots stay in the top three in at least 80 % of weightings"
    assert [text.split() for text in figure.data[2].text] == [["100", "%"]] * 3 + [["0", "%"]]
    almost = figures.pilot_robustness(frame.assign(top=[0.9999, 0.9, 0.5, 0.0001], first=0.0))
    assert [text.split()[0] for text in almost.data[2].text] == ["99", "90", "50", "1"]
    assert title(figures.pilot_robustness(robust(("Reports",)))).startswith("Only 1 workflow can be chosen from")
    assert title(figures.pilot_robustness(frame.assign(chosen=False))) == "No workflow is proposed as a pilot yet"


def test_a_rival_that_often_comes_first_is_named():
    frame = robust().assign(top=[0.9, 0.9, 0.4, 0.8], first=0.1)
    assert title(figures.pilot_robustness(frame)).endswith("; Lists could take a place")


def test_a_claim_within_the_trial_is_filled_and_a_later_one_open():
    frame = shown(runs_per_month=[100.0, 4.0])
    figure = figures.pilot_proof(frame)
    # 98 pieces in 30 days show both; 3 show neither of 13 and 42
    assert title(figure) == "In 30 days 1 of 2 pilots can show time saved and 1 can show quality kept"
    assert [dots.marker.color[1] for dots in figure.data] == ["#FFFFFF", "#FFFFFF"]
    assert figure.data[0].text == ("4 days", "15 weeks")
    rare = figures.pilot_proof(shown(("a",), runs_per_month=0.1))
    assert rare.data[0].text == ("over 5 years",)
    assert "none of 1 pilot" in title(rare)


def test_names_from_data_carry_no_markup_and_unknown_criteria_say_so():
    for figure in (
        figures.pilot_criteria(robust((EVIL, "b"))),
        figures.pilot_robustness(robust((EVIL, "b"))),
        figures.pilot_proof(shown((EVIL,))),
    ):
        assert "<script" not in figure.to_json()
    frame = robust().assign(safety=np.nan)
    assert "not yet" in figures.pilot_criteria(frame).data[1].text
