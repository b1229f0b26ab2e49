"""Reports as people really export them: days with their hour, segments, amounts with a currency, totals, added tables."""

import datetime as dt
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest

from playbook.errors import IntakeError
from playbook.io.intake import bring_in
from playbook.io.intake._cells import Clock
from playbook.io.intake._periods import SPANS, day_sent
from playbook.io.intake._record import Bad

GOOGLE = "Campaign status,Campaign,Currency code,Impr.,Clicks,Conversions,Cost\n"
META = "Reporting starts,Reporting ends,Campaign name,Reach,Amount spent (USD),Impressions,Clicks (all)\n"
KLAVIYO = "Campaign Name,Send Time,Total Recipients,Unique Opens,Unique Clicks\n"
MAILCHIMP = "Campaign title,Send time,Recipients,Opened\n"
TOGGL = "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags\n"
HARVEST = "Date,Client,Project,Task,Hours,First Name,Last Name\n"
GA4 = "Session primary channel group (Default channel group),Sessions,Engaged sessions,Key events,Total revenue\n"
SEPTEMBER = "# Start date: 20260901\n# End date: 20260930\n"


def ads(period, *rows, header=GOOGLE):
    """A Google Ads report of these days."""
    return f'Campaign report\n"{period}"\n' + header + "".join(f"{row}\n" for row in rows)


def refusals(ws):
    return {(row.row, row.column_name): (row.found, row.wanted) for row in ws.read("rejects").itertuples()}


def stretches(ws, metric="impressions"):
    """First day, number of days and value of each row of a metric, in the order of time."""
    results = ws.read("channel_results").query("metric == @metric").sort_values("start")
    return [(f"{row.start:%Y-%m-%d}", row.days, row.value) for row in results.itertuples()]


# --- days that carry a time ---------------------------------------------------------------------------------------


def test_a_mail_sent_at_an_hour_counts_on_its_day_however_the_hour_is_written(bring, ws):
    rows = 'A,2026-09-01,10,5,1\nB,"Sep 3, 2026, 9:00 AM",10,5,1\nC,"Mar 04, 2026 09:00 am",10,5,1\nD,2026-09-05 23:30,10,5,1\n'
    assert bring(KLAVIYO + rows).stored == 4
    days = ws.read("channel_results").groupby("name")["start"].first().dt.strftime("%Y-%m-%d").to_dict()
    assert days == {"A": "2026-09-01", "B": "2026-09-03", "C": "2026-03-04", "D": "2026-09-05"}


def test_a_day_counted_as_its_offset_has_it_is_told_unless_a_zone_is_said(bring):
    text = KLAVIYO + "A,2026-10-05T22:30:00+00:00,10,5,1\n"
    assert "counted on the day written there" in str(bring(text))
    assert "counted on the day written there" not in str(bring(text, timezone="Europe/Berlin"))
    assert "counted on the day written there" not in str(bring(KLAVIYO + "A,2026-10-05,10,5,1\n"))


def test_a_mailchimp_campaign_sent_at_an_hour_is_read(bring, ws):
    assert bring(MAILCHIMP + 'News,"Mar 04, 2026 09:00 am",100,40\n').stored == 1
    assert ws.read("channel_results")["start"].unique() == pd.Timestamp("2026-03-04")


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        # 22:30 in UTC is half past midnight of the next day in Berlin, in summer
        ("2026-10-05T22:30:00+00:00", "Europe/Berlin", "2026-10-06"),
        ("2026-10-05T22:30:00+00:00", None, "2026-10-05"),
        ("2026-10-05T23:30:00-05:00", None, "2026-10-05"),
        # a time without an offset is the account's own and keeps its day
        ("2026-10-05 23:30:00", "Asia/Tokyo", "2026-10-05"),
        # an hour the change of clocks repeats is of one day all the same
        ("2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25"),
        ("20261005", None, "2026-10-05"),
    ],
)
def test_the_day_something_was_sent_is_that_of_the_zone_said(text, zone, day):
    assert day_sent("Send Time", text, SimpleNamespace(clock=Clock(zone))) == dt.date.fromisoformat(day)


def test_a_day_with_an_hour_in_an_ads_report_is_refused_by_its_row_and_the_others_are_kept(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Day,")
    one, other = "Enabled,A,2026-09-01,EUR,10,5,1,6.50", 'Enabled,A,"Sep 3, 2026, 9:00 AM",EUR,10,5,1,6.50'
    summary = bring(ads("September 1, 2026 - September 30, 2026", one, other, header=header))
    assert (summary.rows_read, summary.stored, summary.rejected) == (2, 1, 1)
    assert refusals(ws)[(5, "Day")] == ("'Sep 3, 2026, 9:00 AM'", "a day alone, without a time, as YYYY-MM-DD")


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (TOGGL + "Ann Bee,a@x.example,,Blog,Write,,No,2026-01-05 09:00,09:00,2026-01-05,10:00,01:00:00,\n", "Start date"),
        (HARVEST + "2026-01-05 10:30,Hall,Film,Edit,2,Ann,Bee\n", "Date"),
    ],
)  # fmt: skip
def test_a_time_in_a_time_tools_day_is_refused_by_its_row(bring, ws, content, column):
    assert bring(content).rejected == 1
    assert refusals(ws)[(2, column)][1] == "a day alone, without a time, as YYYY-MM-DD"


@pytest.mark.parametrize(("hour", "stored"), [(0, 1), (10, 0)])
def test_a_workbooks_midnight_is_a_day_and_another_hour_is_refused(ws, tmp_path, hour, stored):
    book = openpyxl.Workbook()
    for row in (
        HARVEST.strip().split(","),
        [pd.Timestamp(2026, 1, 5, hour, 30 * bool(hour)).to_pydatetime(), "Hall", "Film", "Edit", 2, "Ann", "Bee"],
    ):
        book.active.append(row)
    book.save(tmp_path / "harvest.xlsx")
    summary = bring_in(ws, tmp_path / "harvest.xlsx", team="content")
    assert (summary.stored, summary.rejected) == (stored, 1 - stored)


def test_nothing_is_refused_without_saying_what_is_wanted():
    assert Bad("Day", "'x'", "").wanted
    assert Bad("Day", "'x'", " ").wanted.strip()


# --- segments -----------------------------------------------------------------------------------------------------


def test_a_report_by_month_gives_each_month_its_own_days(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Month,")
    rows = "Enabled,A,2026-09-01,EUR,10,5,1,6.50", "Enabled,A,2026-10-01,EUR,30,5,1,6.50"
    bring(ads("September 1, 2026 - October 31, 2026", *rows, header=header))
    # 30 days of September and 31 of October
    assert stretches(ws) == [("2026-09-01", 30, 10), ("2026-10-01", 31, 30)]


def test_a_month_or_a_week_counts_only_as_far_as_the_report_goes(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Week,")
    rows = "Enabled,A,2026-09-07,EUR,10,5,1,6.50", "Enabled,A,2026-09-14,EUR,30,5,1,6.50"
    bring(ads("September 10, 2026 - September 16, 2026", *rows, header=header))
    # of the week from Monday 7 to Sunday 13 the report counts the 10th to the 13th, of the next the 14th to the 16th
    assert stretches(ws) == [("2026-09-10", 4, 10), ("2026-09-14", 3, 30)]


def test_one_week_of_a_month_is_seven_days_and_not_the_month(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Week,")
    bring(ads("September 1, 2026 - September 30, 2026", "Enabled,A,2026-09-07,EUR,10,5,1,6.50", header=header))
    assert stretches(ws) == [("2026-09-07", 7, 10)]


def test_weeks_of_a_report_that_names_no_days_are_taken_whole_and_told(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Week,")
    told = str(bring(ads("All time", "Enabled,A,2026-09-07,EUR,10,5,1,6.50", header=header)))
    assert stretches(ws) == [("2026-09-07", 7, 10)]
    assert "1 row counted for all days of the week" in told


def test_a_month_outside_the_report_is_refused(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Month,")
    bring(ads("September 1, 2026 - September 30, 2026", "Enabled,A,2026-11-01,EUR,10,5,1,6.50", header=header))
    assert refusals(ws)[(4, "Month")][1] == "days within the report's own, 2026-09-01 to 2026-09-30"


@pytest.mark.parametrize(
    ("header", "text", "first", "days"),
    [
        ("Month", "Sep 2026", "2026-09-01", 30), ("Month", "September 2026", "2026-09-01", 30), ("Month", "2026-02", "2026-02-01", 28),
        ("Month", "02/2024", "2024-02-01", 29), ("Month", "2026-09-01", "2026-09-01", 30), ("Year month", "202612", "2026-12-01", 31),
        # July to September have 31 + 31 + 30 days
        ("Quarter", "Q3 2026", "2026-07-01", 92), ("Quarter", "2026-Q3", "2026-07-01", 92), ("Quarter", "2026-08-15", "2026-07-01", 92),
        ("Year", "2026", "2026-01-01", 365), ("Year", "2024-01-01", "2024-01-01", 366),
        ("Week", "2026-09-07 - 2026-09-13", "2026-09-07", 7), ("Week", "Week of Sep 7, 2026", "2026-09-07", 7),
        ("Day", "20260907", "2026-09-07", 1), ("Date", "Sep 7, 2026", "2026-09-07", 1),
    ],
)  # fmt: skip
def test_stretches_of_time_are_read_as_the_tools_write_them(header, text, first, days):
    read = SPANS[header](header, text, SimpleNamespace(clock=Clock()))
    assert (read.start, read.days) == (dt.date.fromisoformat(first), days)


@pytest.mark.parametrize(
    ("header", "text"),
    [("Month", "09"), ("Month", "September"), ("Month", "2026-13"), ("Month", "0001-01"), ("Quarter", "Q5 2026"), ("Year", "26"),
     ("Year", "9999"), ("Week", "36"), ("Week", "2026-09-07 - 2026-09-30"), ("Week", "2026-09-13 - 2026-09-07"), ("Day", "03/04/2026")],
)  # fmt: skip
def test_what_is_no_one_stretch_of_time_is_refused_with_what_is_wanted(header, text):
    with pytest.raises(Bad) as refused:
        SPANS[header](header, text, SimpleNamespace(clock=Clock()))
    assert refused.value.wanted


def test_a_report_of_days_split_by_device_is_refused_in_one_sentence(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Day,Device,")
    rows = "Enabled,A,2026-09-01,Mobile phones,EUR,10,5,1,6.50", "Enabled,A,2026-09-01,Computers,EUR,30,5,1,6.50"
    with pytest.raises(IntakeError, match=r"split by Device \(row 4\).*a part of its campaign.*without that segment"):
        bring(ads("September 1, 2026 - September 30, 2026", *rows, header=header))
    assert ws.read("imports").empty


@pytest.mark.parametrize("split", ["Age", "Gender", "Placement", "Time of day (viewer's time zone)"])
def test_a_meta_report_broken_down_is_refused(bring, split):
    with pytest.raises(IntakeError, match="the report is split by"):
        bring(META.replace("Reach", f"{split},Reach") + "2026-09-01,2026-09-30,Spring,18-24,10,1.5,20,3\n")


def test_a_column_of_a_breakdown_that_no_row_fills_is_no_breakdown(bring):
    assert bring(META.replace("Reach", "Age,Reach") + "2026-09-01,2026-09-30,Spring,,10,1.5,20,3\n").stored == 1


def test_a_breakdown_nobody_listed_is_seen_by_the_campaign_that_repeats(bring, ws):
    rows = "2026-09-01,2026-09-30,Spring,a,10,1.5,20,3\n2026-09-01,2026-09-30,Spring,b,30,1.5,40,3\n"
    summary = bring(META.replace("Reach", "Star sign,Reach") + rows)
    assert (summary.stored, summary.rejected, len(ws.read("channel_results"))) == (0, 2, 0)
    assert refusals(ws)[(3, "Campaign name")][0] == "the name and days of row 2 again"


def test_a_campaign_that_repeats_far_below_in_a_long_report_is_refused_too(bring, ws):
    header = GOOGLE.replace("Campaign,", "Campaign,Day,")
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(6000)]
    rows = [f"Enabled,A,{day},EUR,10,5,1,6.50" for day in (*days, days[0])]
    # four measures a row are more rows of the table than are checked at once
    summary = bring(ads("All time", *rows, header=header))
    assert (summary.rows_read, summary.stored, summary.rejected) == (6001, 5999, 2)


def test_a_row_that_repeats_one_already_refused_is_refused_too(bring, ws):
    rows = "Enabled,A,EUR,many,5,1,6.50", "Enabled,A,EUR,30,5,1,6.50"
    summary = bring(ads("September 1, 2026 - September 30, 2026", *rows))
    assert (summary.rows_read, summary.stored, summary.rejected) == (2, 0, 2)


# --- amounts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value", "currency"),
    [("1,234.50 USD", 1234.5, "USD"), ("USD 5.00", 5, "USD"), ("US$5.00", 5, "USD"), ("-US$5.00", -5, "USD"), ("CA$5.00", 5, "CAD"),
     ("A$5.00", 5, "AUD"), ("€5.00", 5, "EUR"), ("5.00 €", 5, "EUR"), ("$5.00 USD", 5, "USD"), ("R$5.00", 5, "BRL"), ("CHF 5.00", 5, "CHF")],
)  # fmt: skip
def test_an_amount_keeps_the_currency_written_beside_it(bring, ws, cell, value, currency):
    header, row = GOOGLE.replace("Currency code,", ""), f'Enabled,A,10,5,1,"{cell}"'
    told = str(bring(ads("September 1, 2026 - September 30, 2026", row, header=header)))
    cost = ws.read("channel_results").query("metric == 'cost'").iloc[0]
    assert (cost["value"], cost["currency"]) == (value, currency)
    assert "does not say the currency" not in told


def test_a_bare_dollar_is_the_mark_of_many_currencies_and_stays_unsaid(bring, ws):
    header = GOOGLE.replace("Currency code,", "")
    told = str(bring(ads("September 1, 2026 - September 30, 2026", "Enabled,A,10,5,1,$5.00", header=header)))
    assert ws.read("channel_results").query("metric == 'cost'")["currency"].isna().all()
    assert "does not say the currency" in told


@pytest.mark.parametrize("cell", ["USD 5.00", "US$5.00", "£5.00"])
def test_an_amount_in_another_currency_than_its_row_says_is_refused(bring, ws, cell):
    bring(ads("September 1, 2026 - September 30, 2026", f"Enabled,A,EUR,10,5,1,{cell}"))
    assert refusals(ws)[(4, "Cost")] == (f"'{cell}'", "an amount in EUR, as the file says")


@pytest.mark.parametrize("cell", ["ABC 5.00", "EUR 5.00 USD", "XX$5.00"])
def test_a_code_that_is_no_currency_or_two_of_them_are_refused(bring, ws, cell):
    header = GOOGLE.replace("Currency code,", "")
    bring(ads("September 1, 2026 - September 30, 2026", f"Enabled,A,10,5,1,{cell}", header=header))
    assert set(refusals(ws)) == {(4, "Cost")}


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_grouped_number_is_refused_where_commas_cannot_split_cells_and_nothing_shows_the_mark(bring, ws, mark):
    text = ads("September 1, 2026 - September 30, 2026", header=GOOGLE.replace(",", mark))
    bring(text + mark.join(["Enabled", "A", "EUR", "10", "5", "1", "1,234"]) + "\n")
    assert "a thousand or a fraction" in refusals(ws)[(4, "Cost")][1]


def test_where_commas_split_cells_a_grouped_number_is_a_thousand_and_the_summary_says_so(bring, ws):
    told = str(bring(ads("September 1, 2026 - September 30, 2026", 'Enabled,A,EUR,10,5,1,"1,234"')))
    assert ws.read("channel_results").query("metric == 'cost'")["value"].tolist() == [1234]
    assert "1,234 in row 4 was read with a decimal point" in told


def test_a_workbooks_own_number_is_no_text_that_could_mean_two(ws, tmp_path):
    book = openpyxl.Workbook()
    for row in (META.strip().split(","), ["2026-09-01", "2026-09-30", "Spring", 10, 1.234, "7,5", 3]):
        book.active.append(row)
    # a text in a workbook shows a decimal comma, and 1.234 stays what the workbook holds
    book.active.cell(2, 6, 20)
    book.active.append(["2026-09-01", "2026-09-30", "Autumn", 10, "7,5", 20, 3])
    book.save(tmp_path / "meta.xlsx")
    bring_in(ws, tmp_path / "meta.xlsx", team="content")
    costs = ws.read("channel_results").query("metric == 'cost'").set_index("name")["value"]
    assert costs.to_dict() == {"Spring": 1.234, "Autumn": 7.5}


def test_one_harvest_file_has_one_decimal_mark(bring, ws):
    header = HARVEST.replace(",", ";")
    rows = "26.01.2026;Hall;Film;Edit;7,5;Ann;Bee\n26.01.2026;Hall;Film;Cut;{};Ann;Bee\n"
    bring(header + rows.format("1.234"))
    # beside 7,5 hours, 1.234 would be a thousand hours and more: not 74 minutes
    assert ws.read("events")["minutes"].tolist() == [450]
    assert "a thousand or a fraction" in refusals(ws)[(3, "Hours")][1]
    with pytest.raises(IntakeError, match=r"7,5 in row 2 has a decimal comma and 1\.5 in row 3 a decimal point"):
        bring(header + rows.format("1.5"))


# --- totals and tables ----------------------------------------------------------------------------------------------


def test_rows_of_totals_are_passed_over_and_counted(bring):
    total = "Total: Campaigns, --,EUR,10,5,1,6.50"
    told = str(bring(ads("September 1, 2026 - September 30, 2026", "Enabled,A,EUR,10,5,1,6.50", total)))
    assert "1 row tells of no work (totals, spacers and the like) and was passed over" in told
    told = str(bring(SEPTEMBER + GA4 + "Email,10,5,1,2\nGrand total,10,5,1,2\n"))
    assert "1 row tells of no work (totals, spacers and the like) and was passed over" in told


def test_a_campaign_may_be_called_total(bring, ws):
    bring(SEPTEMBER + GA4 + "Total: x,10,5,1,2\n")
    header = GOOGLE.replace("Campaign status,Campaign", "Campaign,Campaign status")
    rows = "Total: rebrand,Enabled,EUR,10,5,1,6.50", "Total: Campaigns, --,EUR,10,5,1,6.50"
    bring(ads("September 1, 2026 - September 30, 2026", *rows, header=header))
    assert set(ws.read("channel_results")["name"]) == {"Total: x", "Total: rebrand"}


def test_a_second_table_below_an_empty_line_is_named_and_not_read_as_rows_of_the_first(bring, ws):
    more = "\nFirst user channel,New users\nOrganic,900\nEmail,30\n"
    summary = bring(SEPTEMBER + GA4 + "Email,10,5,1,2\n" + more)
    assert (summary.rows_read, summary.stored) == (1, 1)
    assert "another table of the file, of 2 rows, was passed over; it begins with First user channel, New users" in str(
        summary
    )


def test_a_second_table_as_wide_as_the_first_does_not_pass_for_it(bring, ws):
    more = "\nFirst user channel,New users,Engaged sessions,Key events,Total revenue\nOrganic,900,1,1,1\n"
    summary = bring(SEPTEMBER + GA4 + "Email,10,5,1,2\n" + more)
    assert (summary.stored, set(ws.read("channel_results")["name"])) == (1, {"Email"})


def test_rows_of_another_width_are_told_with_their_own_number_of_cells(bring, ws):
    # the period makes two columns more, which no row of the file has
    bring(SEPTEMBER + GA4 + "Email,10,5,1,2\nFirst user channel,New users\nOrganic,900,1\n")
    found = [row.found for row in ws.read("rejects").sort_values("row").itertuples()]
    assert found == ["2 cells, the header of its table has 5", "3 cells, the header of its table has 5"]
