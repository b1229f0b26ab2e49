"""The reporting agent's figures: reading, gaps, unusual days, breaks, contributions, key figures of the week."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from playbook.agents.reporting import analysis, anomalies, breaks, contributions, holiday, kpis
from playbook.agents.reporting import series as kept
from playbook.agents.reporting.settings import Settings
from playbook.errors import IntakeError, ParameterError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
TODAY = dt.date(2026, 11, 23)  # a Monday: the week reported is 16 to 22 November


def given_settings(**more):
    base = {
        "input": {"file": "x.csv", "columns": {"day": "date", "name": "channel", "sessions": "visits"}},
        "measures": [{"measure": "sessions", "title": "Visits", "unit": "visits"}],
    }
    return Settings.model_validate(base | more)


def made(days=70, names=("Direct", "Email", "Search"), last=dt.date(2026, 11, 22), level=1000.0, noise=0.04, seed=1):
    """A calm, weekly source: a row a day and name."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(end=last, periods=days)
    shape = np.array([1.0, 1.05, 1.0, 1.0, 0.95, 0.6, 0.55])
    rows = [
        (day, name, round(level * (i + 1) * shape[day.day_of_week] * math.exp(rng.normal(0, noise))))
        for i, name in enumerate(names)
        for day in index
    ]
    return pd.DataFrame(rows, columns=["date", "channel", "visits"])


def read(frame, told=None):
    told = told or given_settings()
    return kept.read_csv(frame.to_csv(index=False).encode(), told)


def find(frame, told=None, today=TODAY):
    told = told or given_settings()
    return analysis.analyse(read(frame, told), told, today)


# reading


def test_the_week_reported_is_the_last_one_that_is_over():
    week = kept.week_of(dt.date(2026, 11, 22), "sunday")  # Sunday itself is not over
    assert (week.first, week.last) == (pd.Timestamp("2026-11-09"), pd.Timestamp("2026-11-15"))
    assert kept.week_of(dt.date(2026, 11, 23), "sunday").last == pd.Timestamp("2026-11-22")
    assert kept.week_of(dt.date(2026, 11, 23), "saturday").last == pd.Timestamp("2026-11-21")


def test_a_row_written_twice_counts_once_and_is_told():
    frame = made(days=14)
    doubled = pd.concat([frame, frame.iloc[[0]]])
    series = read(doubled)
    assert len(series.frame) == len(frame)
    assert series.notes == ("1 row that stood in the file twice counted once",)


def test_two_figures_for_one_day_and_name_are_refused_with_their_row():
    frame = made(days=14)
    frame.loc[len(frame)] = [frame["date"].iloc[0], "Direct", 5]
    with pytest.raises(IntakeError, match=r"row 44: 'Direct' on 2026-11-09 is there twice with different figures"):
        read(frame)


def test_parts_of_a_name_are_added_when_the_settings_say_so():
    told = given_settings(input={"file": "x", "columns": {"day": "d", "name": "n", "sessions": "v"}, "several": "add"})
    series = kept.read_csv(b"d,n,v\n2026-11-01,a,1\n2026-11-01,a,2\n", told)
    assert series.frame["sessions"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1,234,567", ".", 1234567.0),
        ("1.234,5", ",", 1234.5),
        ("12.5", ".", 12.5),
        ("-3", ".", -3.0),
        ("1,234.5", ".", 1234.5),
    ],
)
def test_numbers_are_read_in_the_files_own_notation(cell, decimal, value):
    told = given_settings(input={"file": "x", "columns": {"day": "d", "sessions": "v"}, "decimal": decimal})
    series = kept.read_csv(f'd;v\n2026-11-01;"{cell}"\n'.encode(), told)
    assert series.frame["sessions"].tolist() == [value]


@pytest.mark.parametrize("cell", ["forty", "inf", "1e308", "1,2,3", "12a"])
def test_a_cell_that_is_no_number_is_refused_with_its_row(cell):
    told = given_settings(input={"file": "x", "columns": {"day": "d", "sessions": "v"}})
    with pytest.raises(IntakeError, match="row 2, v"):
        kept.read_csv(f'd;v\n2026-11-01;"{cell}"\n'.encode(), told)


def test_a_moment_is_put_on_the_day_of_the_sources_time_zone():
    # 03:00 UTC on the 2nd is 22:00 on the 1st in New York
    told = given_settings(
        input={"file": "x", "columns": {"day": "d", "sessions": "v"}, "time_zone": "America/New_York"}
    )
    series = kept.read_csv(b"d,v\n2026-11-02T03:00:00+00:00,7\n", told)
    assert series.frame["day"].tolist() == [pd.Timestamp("2026-11-01")]


def test_a_missing_column_names_those_there_are():
    with pytest.raises(IntakeError, match="no column 'visits'; it has 'date', 'channel', 'clicks'"):
        kept.read_csv(b"date,channel,clicks\n", given_settings())


def test_a_source_with_nothing_for_the_week_says_what_is_wanted():
    with pytest.raises(IntakeError, match="figures up to 2026-10-01; the report of 2026-11-16 to 2026-11-22"):
        find(made(days=30, last=dt.date(2026, 10, 1)))


def test_amounts_in_several_currencies_are_never_added():
    told = given_settings(input={"results": "meta_ads"}, measures=[{"measure": "cost", "title": "Cost", "unit": "EUR"}])
    row = {
        "team": "t",
        "source": "meta_ads",
        "start": "2026-11-20",
        "days": 1,
        "metric": "cost",
        "value": 5.0,
        "import_id": "i",
    }
    rows = pd.DataFrame([row | {"name": "a", "currency": "EUR"}, row | {"name": "b", "currency": "USD"}])
    with pytest.raises(IntakeError, match="cost is in EUR and USD"):
        kept.read_results(rows, told)
    series = kept.read_results(rows.iloc[:1], told)
    assert series.frame["cost"].tolist() == [5.0]


# gaps


def test_a_gap_is_told_and_never_reported_as_a_fall():
    frame = made()
    gone = frame[(frame["channel"] != "Search") | (frame["date"] < "2026-11-19")]
    found = find(gone)
    # Search lacks 19 to 22 November
    assert found.metrics()["missing_days"] == 4
    assert found.metrics()["unexplained_change"] is None
    assert found.kpis["state"].tolist() == [kpis.GAP]
    assert found.kpis[["change", "percent"]].isna().all(axis=None)
    assert found.totals == {}
    together = found.week.of(found.judged[found.judged["name"] == analysis.WHOLE])
    assert together["flag"].eq("").all()


def test_a_name_that_never_reported_regularly_has_no_gaps():
    frame = made()
    rare = (frame["channel"] == "Email") & (frame["date"].dt.day % 2 == 0)
    found = find(frame[~rare])
    assert found.gaps.empty
    assert found.regular == ("Direct", "Search")


def test_one_measure_missing_is_a_gap_of_that_measure_alone():
    told = given_settings(
        input={"file": "x", "columns": {"day": "date", "name": "channel", "sessions": "visits", "orders": "orders"}},
        measures=[{"measure": m, "title": m, "unit": "n"} for m in ("sessions", "orders")],
    )
    frame = made().assign(orders=10.0)
    frame.loc[(frame["channel"] == "Email") & (frame["date"] == "2026-11-20"), "orders"] = np.nan
    found = find(frame, told)
    assert found.gaps[["name", "measure"]].to_numpy().tolist() == [["Email", "orders"]]
    assert found.kpis.set_index("figure")["state"].to_dict()["orders"] == kpis.GAP
    assert list(found.totals) == ["sessions"]


# public holidays


def test_days_beside_a_holiday_and_between_two_are_no_ordinary_days():
    kinds = holiday.kinds(pd.date_range("2026-12-14", "2027-01-05"), "GB")["kind"]
    near = [f"{day:%m-%d}" for day, kind in kinds.items() if kind == holiday.NEAR]
    named = [f"{day:%m-%d}" for day, kind in kinds.items() if kind == holiday.HOLIDAY]
    # Christmas on a Friday: Thursday before it, the weekend, the days up to New Year's Day, and after it
    assert "12-25" in named
    assert "01-01" in named
    assert {"12-24", "12-26", "12-27", "12-29", "12-31", "01-02", "01-03", "01-04"} <= {*near, *named}
    assert "12-22" not in near
    assert "01-05" not in near


def test_without_a_country_no_day_is_a_holiday():
    assert (holiday.kinds(pd.date_range("2026-12-20", periods=10), "")["kind"] == "").all()


def test_an_unknown_country_is_refused():
    with pytest.raises(ParameterError, match="'XX' are not known"):
        holiday.kinds(pd.date_range("2026-12-20", periods=2), "XX")


def test_a_holiday_week_is_compared_on_its_like_days():
    frame = made(last=dt.date(2026, 11, 29), noise=0.0)
    frame.loc[frame["date"] == "2026-11-26", "visits"] //= 3  # Thanksgiving
    found = find(frame, given_settings(country="US"), dt.date(2026, 11, 30))
    row = found.kpis.iloc[0]
    assert row["state"] == kpis.HOLIDAYS
    assert row["percent"] < -10
    assert row["alike"] == pytest.approx(0.0)
    assert row["days_alike"] == 6
    assert found.metrics()["unexplained_change"] == pytest.approx(0.0)
    assert found.unusual.empty


# unusual days


def test_nothing_is_judged_before_four_weeks_are_known():
    judged = anomalies.judge(made(days=29, names=("a",)).set_index("date")["visits"])
    assert judged["state"].tolist() == [anomalies.TOO_EARLY] * 28 + [anomalies.JUDGED]


def test_a_day_is_judged_by_the_days_before_it_alone():
    values = made(names=("a",)).set_index("date")["visits"]
    later = values.copy()
    later.iloc[60:] *= 7
    pd.testing.assert_frame_equal(anomalies.judge(values).head(60), anomalies.judge(later).head(60))


def test_one_wild_day_does_not_spoil_the_next():
    values = made(names=("a",)).set_index("date")["visits"].astype(float)
    wild = values.copy()
    wild.iloc[60] *= 20
    before, after = anomalies.judge(values), anomalies.judge(wild)
    assert after["flag"].iloc[60] == "high"
    assert after["flag"].iloc[61:].eq("").all()
    assert after["expected"].iloc[61] == pytest.approx(before["expected"].iloc[61], rel=0.1)


def test_limits_widen_with_the_days_that_taught_nothing():
    # a week without figures: variance 1 + 7 a² + g (2a + g) = 1 + 7 x 0.0225 + 0.2 x 0.5 = 1.2575 times that of one step
    rng = np.random.default_rng(4)
    values = pd.Series(rng.normal(0, 10, 70), index=pd.date_range("2026-09-01", periods=70))
    assert (values < 0).any()  # judged as they are, not as roots, so that widths compare
    values.iloc[60:] = np.nan
    judged = anomalies.judge(values)
    assert judged["flag"].eq("").all()
    width = judged["high"] - judged["low"]
    assert width.iloc[67] / width.iloc[60] == pytest.approx(math.sqrt(1.2575))


def test_a_new_level_is_learnt_within_days():
    values = made(names=("a",), noise=0.03).set_index("date")["visits"].astype(float)
    values.iloc[60:] *= 1.6
    judged = anomalies.judge(values)
    assert judged["flag"].iloc[60] == "high"
    assert judged["flag"].iloc[64:].eq("").all()
    assert judged["expected"].iloc[66] == pytest.approx(values.iloc[66], rel=0.15)


def test_a_rise_beside_a_holiday_is_measured_against_the_rise_before_it():
    values = made(names=("a",), noise=0.02).set_index("date")["visits"].astype(float)
    kinds = pd.Series(holiday.ORDINARY, index=values.index)
    kinds.iloc[[40, 50]] = holiday.NEAR
    values.iloc[40] *= 1.3
    values.iloc[50] *= 1.5  # further than the only one known, by less than as much again
    judged = anomalies.judge(values, kinds)
    assert judged["flag"].iloc[[40, 50]].tolist() == ["high", ""]


def test_the_scale_is_that_of_the_errors_the_limits_are_made_for():
    # on average the clipped square of an error with these tails is 1, so the scale neither creeps up nor down
    errors = stats.t(anomalies.FREEDOM)
    mean = errors.expect(lambda t: min(anomalies.CONSISTENT * t**2, anomalies.CLIPPED), -200, 200, limit=500)
    assert mean == pytest.approx(1, abs=2e-3)


def test_a_missing_day_is_no_zero_and_teaches_nothing():
    values = made(names=("a",)).set_index("date")["visits"].astype(float)
    holed = values.copy()
    holed.iloc[60] = np.nan
    judged = anomalies.judge(holed)
    assert (judged["state"].iloc[60], judged["flag"].iloc[60]) == (anomalies.MISSING, "")
    assert judged["flag"].iloc[61:].eq("").all()


def test_calm_series_keep_to_the_budget_and_six_sd_spikes_are_found():
    rng = np.random.default_rng(7)
    flagged = judged = hits = tried = 0
    for seed in range(12):
        values = made(days=119, names=("a",), noise=0.06, seed=seed).set_index("date")["visits"].astype(float)
        rows = anomalies.judge(values)
        known = rows[rows["state"] == anomalies.JUDGED]
        flagged, judged = flagged + int((known["flag"] != "").sum()), judged + len(known)
        errors = (known["value"] / known["expected"]).map(math.log)
        for place in rng.choice(known.index[known["flag"] == ""], 8, replace=False):
            spiked = values.copy()
            spiked.iloc[place] *= math.exp(rng.choice([-6, 6]) * errors.std())
            hits, tried = hits + int(anomalies.judge(spiked)["flag"].iloc[place] != ""), tried + 1
    assert flagged / judged <= 0.01
    assert hits / tried >= 0.95


def test_counts_close_to_none_are_not_flagged_for_being_small():
    rng = np.random.default_rng(3)
    values = pd.Series(rng.poisson(1.5, 120), index=pd.date_range("2026-07-01", periods=120))
    judged = anomalies.judge(values)
    assert (judged["flag"] != "").sum() <= 3


def test_real_visits_keep_to_the_budget():
    file = SHARED / "web_analytics" / "daily_visits_by_agency.csv"
    if not file.exists():
        pytest.skip("the shared data are not beside the repository")
    visits = pd.read_csv(file, parse_dates=["date"]).pivot_table(index="date", columns="agency", values="visits")
    kinds = holiday.kinds(visits.index, "US")["kind"]
    rows = pd.concat([anomalies.judge(visits[name], kinds) for name in visits])
    judged = rows[rows["state"].isin([anomalies.JUDGED, anomalies.HOLIDAY])]
    assert len(judged) > 900
    assert (judged["flag"] != "").mean() <= 0.01


# structural breaks


def test_a_renamed_tag_is_a_break_with_its_partner():
    frame = made()
    renamed = (frame["channel"] == "Search") & (frame["date"] >= "2026-11-18")
    frame.loc[renamed, "channel"] = "search_new"
    found = find(frame)
    rows = found.breaks.set_index("name")
    assert rows["kind"].to_dict() == {"Search": breaks.MISSES, "search_new": breaks.APPEARED}
    assert rows["partner"].to_dict() == {"Search": "search_new", "search_new": "Search"}
    assert rows.loc["Search", "since"] == pd.Timestamp("2026-11-18")
    assert found.metrics()["structural_breaks"] == 2


def test_a_channel_that_counts_none_for_two_days_has_stopped():
    frame = made()
    frame.loc[(frame["channel"] == "Email") & (frame["date"] >= "2026-11-21"), "visits"] = 0
    row = find(frame).breaks.iloc[0]
    assert (row["name"], row["kind"], row["days"], row["after"]) == ("Email", breaks.STOPPED, 2, 0.0)


def test_a_known_cause_quietens_the_trigger_and_is_told():
    frame = made()
    frame.loc[(frame["channel"] == "Email") & (frame["date"] >= "2026-11-20"), "visits"] *= 4
    cause = {"first": "2026-11-20", "last": "2026-11-22", "what": "Autumn mailing", "names": ["Email"]}
    loud, quiet = find(frame), find(frame, given_settings(causes=[cause]))
    assert loud.metrics()["structural_breaks"] == 1
    assert loud.breaks["kind"].tolist() == [breaks.LEVEL]
    assert quiet.metrics()["structural_breaks"] == 0
    assert quiet.breaks["cause"].tolist() == ["Autumn mailing"]


def test_a_calm_source_has_no_break():
    assert find(made()).breaks.empty


# contributions


def test_mix_and_rate_by_hand():
    # before: a 100 sessions 10 orders, b 100 and 2: K0 = 12/200 = 6 %; after: a 50 and 5, b 150 and 6: K1 = 11/200
    # a: w .5 to .25, q .1 both: rate 0, mix -.25 (.1 - .0575) = -.010625
    # b: w .5 to .75, q .02 to .04: rate .02 x .625 = .0125, mix .25 (.03 - .0575) = -.006875; sum -.005 = K1 - K0
    split = contributions.of_ratio(
        pd.Series({"a": 10, "b": 2}),
        pd.Series({"a": 100, "b": 100}),
        pd.Series({"a": 5, "b": 6}),
        pd.Series({"a": 50, "b": 150}),
    ).set_index("name")
    assert split.loc["a", ["mix", "rate"]].tolist() == pytest.approx([-0.010625, 0.0])
    assert split.loc["b", ["mix", "rate"]].tolist() == pytest.approx([-0.006875, 0.0125])
    assert contributions.ratio_change(split) == pytest.approx(-0.005, abs=1e-12)


def test_a_name_that_appears_is_all_mix():
    split = contributions.of_ratio(
        pd.Series({"a": 10}), pd.Series({"a": 100}), pd.Series({"a": 10, "b": 30}), pd.Series({"a": 100, "b": 100})
    ).set_index("name")
    assert split.loc["b", "rate"] == 0
    assert split.loc["b", "state"] == contributions.NEW
    assert contributions.ratio_change(split) == pytest.approx(0.1)


def test_without_a_bottom_there_is_no_ratio():
    none = pd.Series(dtype=float)
    assert contributions.of_ratio(none, none, pd.Series({"a": 1}), pd.Series({"a": 2})).empty
    assert math.isnan(contributions.ratio_change(contributions.of_ratio(none, none, none, none)))


amounts = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e6).map(lambda x: round(x, 3)), max_size=6)


@settings(max_examples=50, deadline=None)
@given(amounts, amounts, amounts, amounts)
def test_the_parts_of_a_ratio_always_add_up(t0, b0, t1, b1):
    # a ratio near a bottom of nothing is as large as it likes: judged against the largest number in play
    frames = [pd.Series(part, dtype=float) for part in (t0, b0, t1, b1)]
    split = contributions.of_ratio(*frames)
    if sum(b0.values()) == 0 or sum(b1.values()) == 0:
        assert split.empty
        return
    before, after = sum(t0.values()) / sum(b0.values()), sum(t1.values()) / sum(b1.values())
    size = max(1.0, split[["mix", "rate", "outside"]].abs().max(axis=None), abs(before), abs(after))
    assert contributions.ratio_change(split) == pytest.approx(after - before, abs=1e-9 * size)


@settings(max_examples=50, deadline=None)
@given(amounts, amounts)
def test_the_parts_of_a_total_always_add_up(before, after):
    split = contributions.of_total(pd.Series(before, dtype=float), pd.Series(after, dtype=float))
    assert math.fsum(split["change"]) == pytest.approx(sum(after.values()) - sum(before.values()), abs=1e-9 * 1e7)


# key figures


def test_the_usual_range_needs_six_changes_between_ordinary_weeks():
    assert find(made(days=55)).kpis["state"].tolist() == [kpis.NO_PAST]
    row = find(made(days=70)).kpis.iloc[0]
    assert row["state"] == kpis.INSIDE
    assert row["low"] < row["this"] < row["high"]
    assert row["weeks"] == 8


def test_the_usual_range_by_hand():
    # six changes of exactly +10 % and -10 % in turn on the log scale: s = .1 sqrt(6/5), t(5, 97.5 %) = 2.5706
    low, high = kpis._range(1000.0, [0.1, -0.1] * 3, 0.95)
    reach = 2.5705818 * 0.1 * math.sqrt(6 / 5) * math.sqrt(1 + 1 / 6)
    assert (low, high) == (pytest.approx(1000 * math.exp(-reach)), pytest.approx(1000 * math.exp(reach)))


def test_a_ratio_is_the_sum_of_tops_over_the_sum_of_bottoms():
    told = given_settings(
        input={"file": "x", "columns": {"day": "date", "name": "channel", "sessions": "visits", "orders": "orders"}},
        measures=[{"measure": m, "title": m, "unit": "n"} for m in ("sessions", "orders")],
        ratios=[{"ratio": "rate", "title": "Rate", "top": "orders", "bottom": "sessions", "times": 100, "unit": "%"}],
    )
    frame = made(noise=0.0)
    frame["orders"] = (frame["visits"] * 0.02).where(frame["channel"] != "Email", frame["visits"] * 0.05)
    found = find(frame, told)
    # Direct 1, Email 2, Search 3 parts of the visits: (.02 + 2 x .05 + 3 x .02) / 6 = 3 %
    assert found.kpis.set_index("figure").loc["rate", "this"] == pytest.approx(3.0)


def test_the_difference_to_the_sources_own_total_is_measured():
    told = given_settings(
        input={"file": "x", "columns": {"day": "date", "name": "channel", "sessions": "visits"}, "total": "Total"}
    )
    frame = made()
    whole = frame.groupby("date", as_index=False)["visits"].sum().assign(channel="Total")
    whole["visits"] *= 1.02
    found = find(pd.concat([frame, whole]), told)
    # ours is 1/1.02 of the source's: 1.96 % less
    assert found.metrics()["figure_difference"] == pytest.approx(100 * (1 - 1 / 1.02))
    assert "Total" not in set(found.series.frame["name"])


def test_rows_counted_once_show_as_a_difference_to_the_file():
    frame = made()
    doubled = pd.concat([frame, frame[(frame["date"] == "2026-11-20") & (frame["channel"] == "Search")]])
    assert find(doubled).metrics()["figure_difference"] > 0


def test_input_age_counts_from_the_end_of_the_newest_day():
    assert find(made()).metrics()["input_age"] == 0
    assert find(made(), today=dt.date(2026, 11, 25)).metrics()["input_age"] == 48


def test_weekly_figures_are_reported_by_the_sources_own_weeks():
    told = given_settings(
        input={
            "file": "x",
            "columns": {"day": "w"},
            "days": 7,
            "wide": [{"column": "tv", "name": "TV", "measure": "sessions"}],
        }
    )
    weeks = pd.date_range("2026-07-07", periods=20, freq="7D")  # Tuesdays
    frame = pd.DataFrame({"w": weeks.strftime("%Y-%m-%d"), "tv": np.linspace(100, 119, 20)})
    found = find(frame, told, today=dt.date(2026, 11, 24))
    assert found.week.first == pd.Timestamp("2026-11-17")
    assert found.kpis["this"].tolist() == [119.0]
