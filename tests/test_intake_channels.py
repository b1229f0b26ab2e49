"""Reports of marketing channels in: each measure of a campaign over its period, no rates, no totals, no persons."""

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest
from engagement import reconciles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook.errors import IntakeError, ParameterError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import FORMATS, bring_in
from playbook.io.intake._cells import Clock
from playbook.io.intake._channel import decimal_mark
from playbook.io.intake._periods import day_of
from playbook.io.intake._record import Bad

EXPORTS = Path(__file__).parent / "fixtures" / "exports"
GA4 = (
    "Session primary channel group (Default channel group),Sessions,Engaged sessions,Engagement rate,"
    "Average engagement time per session,Event count,Key events,Total revenue\n"
)
GOOGLE = "Campaign status,Campaign,Currency code,Conv. value,TrueView views,Impr.,Conversions,Clicks,Cost\n"
META = (
    "Reporting starts,Reporting ends,Campaign name,Results,Result indicator,Reach,Amount spent (USD),Impressions,"
    "Link clicks,Clicks (all)\n"
)
KLAVIYO = "Campaign Name,Send Time,Total Recipients,Revenue,Unique Opens,Unique Clicks,Bounces\n"
MAILCHIMP = "Campaign title,Delivered,Recipients,Opened,Total revenue\n"
SEPTEMBER = "# Start date: 20260901\n# End date: 20260930\n"
GOOGLE_TITLE = 'Campaign report\n"September 1, 2026 - September 30, 2026"\n'


def measured(ws, name):
    """The values of a campaign by metric."""
    results = ws.read("channel_results").query("name == @name")
    return dict(zip(results["metric"], results["value"], strict=True))


def reasons(ws):
    return {(row.row, row.column_name): row.wanted for row in ws.read("rejects").itertuples()}


# --- Google Analytics 4 -------------------------------------------------------------------------------------------


def test_a_channels_sessions_events_and_revenue_are_read_over_the_period_of_the_lines_above(bring, ws):
    summary = bring("ga4.csv")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("ga4", 4, 3, 1)
    # 1200 sessions of 42.5 seconds are 51,000 seconds; the rates in between are not stored
    assert measured(ws, "Organic Search") == {
        "sessions": 1200, "engaged_sessions": 780, "engagement_seconds": 51_000, "events": 7320, "key_events": 36,
        "revenue": 1840.5,
    }  # fmt: skip
    period = ws.read("channel_results").query("name == 'Organic Search'").iloc[0]
    # 1 to 30 September are 30 days
    assert (period["start"], period["days"], period["source"]) == (pd.Timestamp("2026-09-01"), 30, "ga4")


def test_tables_one_below_the_other_are_each_read_with_their_own_period(bring, ws):
    told = str(bring("ga4.csv"))
    other = ws.read("channel_results").query("name == 'google / organic'").iloc[0]
    assert (other["start"], other["days"]) == (pd.Timestamp("2026-08-01"), 31)
    assert (
        "another table of the file, of 1 row, was passed over; it begins with First user primary channel group" in told
    )


def test_a_row_without_a_channel_is_refused_where_it_stands_in_the_file(bring, ws):
    bring("ga4.csv")
    assert reasons(ws) == {(27, "Channel"): "a filled cell"}


def test_the_capitals_of_a_header_do_not_matter_and_a_grand_total_is_left_out(bring, ws):
    summary = bring(
        SEPTEMBER
        + GA4.replace("channel group)", "CHANNEL Group)")
        + "Email,10,5,0.5,1,9,1,2\nGrand total,10,5,0.5,1,9,1,2\n"
    )
    assert (summary.rows_read, summary.stored) == (1, 1)


def test_several_dimensions_name_a_row_together_and_a_date_gives_each_row_its_day(bring, ws):
    bring("# x\nSession source / medium,Country,Date,Sessions,Engaged sessions\ngoogle / cpc,Norway,20260905,7,3\n")
    only = ws.read("channel_results").iloc[0]
    assert (only["name"], only["start"], only["days"]) == ("google / cpc / Norway", pd.Timestamp("2026-09-05"), 1)


def test_a_campaign_whose_name_begins_with_a_number_sign_is_no_comment(bring, ws):
    bring(SEPTEMBER + GA4 + "#summer,10,5,0.5,1,9,1,2\n")
    assert measured(ws, "#summer")["sessions"] == 10


def test_a_report_that_says_no_period_is_refused_with_advice(bring):
    with pytest.raises(IntakeError, match="no line such as '# Start date"):
        bring(GA4 + "Email,10,5,0.5,1,9,1,2\n")


# --- Google Ads ---------------------------------------------------------------------------------------------------


def test_a_campaign_has_its_cost_and_what_it_brought_in_the_currency_of_its_row(bring, ws):
    summary = bring("google_ads.csv")
    assert (summary.format, summary.rows_read, summary.stored) == ("google_ads", 2, 2)
    assert measured(ws, "Brand search") == {
        "impressions": 12_345, "clicks": 1230, "conversions": 41.5, "cost": 1234.53, "revenue": 2592.52, "video_views": 0,
    }  # fmt: skip
    results = ws.read("channel_results").set_index(["name", "metric"])
    assert results.loc[("Brand search", "cost"), "currency"] == "EUR"
    assert pd.isna(results.loc[("Brand search", "clicks"), "currency"])


def test_total_rows_are_left_out_so_that_nothing_counts_twice(bring, ws):
    bring("google_ads.csv")
    results = ws.read("channel_results")
    assert set(results["name"]) == {"Brand search", "Video autumn"}
    # 1,234.53 + 100.00, as the total row of the file says
    assert results.query("metric == 'cost'")["value"].sum() == pytest.approx(1334.53)


def test_two_dashes_are_no_value_and_no_zero(bring, ws):
    bring("google_ads.csv")
    assert "conversions" not in measured(ws, "Video autumn")
    assert "reach" not in measured(ws, "Brand search")


def test_a_report_in_utf_16_with_tabs_says_the_same(bring, ws):
    bring("google_ads_utf16.csv")
    assert measured(ws, "Brand search")["cost"] == 1234.53
    assert set(ws.read("channel_results")["days"]) == {30}


def test_the_period_is_read_though_its_line_was_split_at_its_commas(bring, ws):
    bring("Campaign report\nSeptember 1, 2026 - October 15, 2026\n" + GOOGLE + "Enabled,A,EUR,1,2,3,4,5,6.50\n")
    # 30 days of September and 15 of October
    assert set(ws.read("channel_results")["days"]) == {45}


def test_a_report_over_all_time_is_refused_and_one_by_day_is_read(bring, ws):
    with pytest.raises(IntakeError, match="choose a period with dates"):
        bring("google_ads_all_time.csv")
    header = GOOGLE.replace("Campaign,", "Campaign,Day,")
    bring("Campaign report\nAll time\n" + header + "Enabled,A,2026-09-03,EUR,1,2,3,4,5,6.50\n")
    assert (ws.read("channel_results")["start"].unique(), ws.read("channel_results")["days"].unique()) == (
        pd.Timestamp("2026-09-03"), 1,
    )  # fmt: skip


def test_one_campaign_twice_for_the_same_days_is_refused_both_times_as_neither_is_known_to_be_the_whole(bring, ws):
    row = "Enabled,A,EUR,1,2,3,4,5,6.50\n"
    summary = bring(GOOGLE_TITLE + GOOGLE + row + row.replace("A", "B") + row)
    assert (summary.rows_read, summary.stored, summary.rejected) == (3, 1, 2)
    assert set(ws.read("channel_results")["name"]) == {"B"}
    found = {row.row: (row.column_name, row.found) for row in ws.read("rejects").itertuples()}
    # the header stands in row 3
    assert found == {
        4: ("Campaign", "the name and days of row 6 too"),
        6: ("Campaign", "the name and days of row 4 again"),
    }
    assert "without the breakdown that splits it" in reasons(ws)[(4, "Campaign")]


def test_the_same_report_later_is_known_and_a_corrected_value_needs_update(bring, ws):
    assert bring("google_ads.csv").stored == 2
    assert bring("google_ads_utf16.csv").duplicates == 2
    more = GOOGLE_TITLE + GOOGLE + 'Enabled,Brand search,EUR,"2,592.52",0,"12,345",41.5,"1,230",999.99\n'
    assert bring(more).rejected == 1
    assert bring(more, update=True).updated == 1
    assert measured(ws, "Brand search")["cost"] == 999.99


# --- numbers ------------------------------------------------------------------------------------------------------


def test_a_decimal_comma_is_seen_in_the_file_and_told(bring, ws):
    text = GOOGLE.replace(",", ";") + 'Enabled;A;EUR;"2.592,52";0;"12.345";"1,5";7;"1.000"\n'
    told = str(bring('Campaign report\n"September 1, 2026 - September 30, 2026"\n' + text))
    assert "decimal comma" in told
    # with a decimal comma, 12.345 are twelve thousand and 1.000 one thousand
    assert measured(ws, "A") == {
        "revenue": 2592.52, "video_views": 0, "impressions": 12_345, "conversions": 1.5, "clicks": 7, "cost": 1000,
    }  # fmt: skip


def test_both_decimal_marks_in_one_file_are_refused(bring):
    with pytest.raises(IntakeError, match=r"decimal comma.*decimal point"):
        bring(GOOGLE_TITLE + GOOGLE + 'Enabled,A,EUR,1,2,3,4,5,"6,50"\nEnabled,B,EUR,1,2,3,4,5,6.50\n')


def test_a_number_that_could_be_a_thousand_or_a_fraction_is_refused_where_nothing_shows_which(bring, ws):
    bring(GOOGLE_TITLE + GOOGLE.replace(",", ";") + "Enabled;A;EUR;1;2;3;4;5;1,234\n")
    assert "a thousand or a fraction" in reasons(ws)[(4, "Cost")]


@pytest.mark.parametrize(
    ("numbers", "mark"),
    [(["1,234.50"], "."), (["1.234,50"], ","), (["7,5"], ","), (["7.5"], "."), (["1,234"], ""), (["1,234,567"], "."), (["12"], "")],
)  # fmt: skip
def test_only_some_numbers_prove_a_decimal_mark(numbers, mark):
    assert decimal_mark(Path("x"), [(2, text, False) for text in numbers]) == mark


def test_a_grouped_count_proves_the_mark_too_as_counts_are_whole():
    assert decimal_mark(Path("x"), [(2, "1.234", True)]) == ","
    assert decimal_mark(Path("x"), [(2, "1,234", True)]) == "."


@pytest.mark.parametrize("cell", ["-5", "2.5", "many", "1e3"])
def test_a_count_that_is_no_whole_number_is_refused(bring, ws, cell):
    bring(GOOGLE_TITLE + GOOGLE + f"Enabled,A,EUR,1,2,{cell},4,5,6.50\n")
    assert set(reasons(ws)) == {(4, "Impr.")}


# --- Meta Ads -----------------------------------------------------------------------------------------------------


def test_metas_amounts_carry_the_currency_of_their_header_and_the_period_of_their_row(bring, ws):
    summary = bring("meta_ads.csv")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("meta_ads", 3, 2, 1)
    assert measured(ws, "Spring offer") == {
        "impressions": 13_500, "reach": 9000, "clicks": 310, "link_clicks": 240, "landing_page_views": 198,
        "cost": 101.2, "conversions": 12,
    }  # fmt: skip
    cost = ws.read("channel_results").query("metric == 'cost'").iloc[0]
    # 1 to 7 September are 7 days
    assert (cost["currency"], cost["start"], cost["days"]) == ("USD", pd.Timestamp("2026-09-01"), 7)


def test_results_are_conversions_only_where_the_indicator_says_so(bring, ws):
    told = str(bring("meta_ads.csv"))
    assert "conversions" not in measured(ws, "Page likes")
    assert "1 row with results of another kind" in told


def test_a_period_that_ends_before_it_begins_is_refused(bring, ws):
    bring("meta_ads.csv")
    assert reasons(ws)[(4, "Reporting ends")] == "a day from 2026-09-07 on, when the period begins"


def test_ads_of_one_campaign_are_told_apart_by_ad_set_and_ad(bring, ws):
    header = META.replace("Campaign name,", "Campaign name,Ad set name,Ad name,")
    row = "2026-09-01,2026-09-07,Spring,Norway,{},,,10,1.5,20,3,4\n"
    assert bring(header + row.format("Picture") + row.format("Video")).stored == 2
    assert measured(ws, "Spring / Norway / Video")["cost"] == 1.5


def test_the_measures_of_a_report_in_another_language_are_mapped_with_their_currency(bring, ws):
    text = (
        "Berichtsstart,Berichtsende,Kampagnenname,Impressionen,Reichweite,Ausgegebener Betrag (EUR)\n"
        "2026-11-01,2026-11-07,Herbst,1000,900,55.5\n2026-11-01,2026-11-07,Winter,many,80,5.5\n"
    )
    means = {
        "Berichtsstart": "Reporting starts",
        "Berichtsende": "Reporting ends",
        "Kampagnenname": "Campaign name",
        "Impressionen": "Impressions",
        "Reichweite": "Reach",
        "Ausgegebener Betrag (EUR)": "Amount spent (EUR)",
    }
    summary = bring(text, mapping=means)
    assert (summary.format, summary.stored, summary.rejected) == ("meta_ads", 1, 1)
    results = ws.read("channel_results").set_index("metric")
    assert results["value"].to_dict() == {"impressions": 1000, "reach": 900, "cost": 55.5}
    assert results["currency"].dropna().to_dict() == {"cost": "EUR"}
    assert json.loads(ws.read("rejects").iloc[0]["record"])["Amount spent (EUR)"] == "5.5"
    with pytest.raises(ParameterError, match=r"'Spent' is no column of .*: .*Amount spent"):
        bring(text, as_format="meta_ads", mapping=means | {"Reichweite": "Spent"})


def test_a_meta_report_by_day_counts_each_day(bring, ws):
    header = META.replace("Campaign name,", "Campaign name,Day,")
    bring(header + "2026-09-01,2026-09-07,Spring,2026-09-03,,,10,1.5,20,3,4\n")
    assert set(ws.read("channel_results")["days"]) == {1}


def test_a_report_in_another_language_is_refused_with_advice(bring):
    foreign = "Berichtsstart,Berichtsende,Kampagnenname,Impressionen\n2026-09-01,2026-09-07,Herbst,10\n"
    with pytest.raises(IntakeError, match="as Meta Ads Manager report in English it lacks Reporting starts"):
        bring(foreign, as_format="meta_ads")


def test_a_column_that_was_renamed_is_read_by_a_mapping(bring, ws):
    header = META.replace("Campaign name", "Kampagnenname")
    bring(header + "2026-09-01,2026-09-07,Herbst,,,10,1.5,20,3,4\n", mapping={"Kampagnenname": "Campaign name"})
    assert measured(ws, "Herbst")["cost"] == 1.5


# --- Klaviyo and Mailchimp ----------------------------------------------------------------------------------------


def test_a_klaviyo_campaign_counts_from_the_day_it_was_sent(bring, ws):
    summary = bring("klaviyo.csv")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("klaviyo", 2, 1, 1)
    assert measured(ws, "Spring | shipping free") == {
        "recipients": 1200, "deliveries": 1190, "bounces": 10, "opens": 830, "unique_opens": 580, "clicks": 92,
        "unique_clicks": 77, "unsubscribes": 4, "complaints": 1, "orders": 23, "revenue": 1222.91,
    }  # fmt: skip
    only = ws.read("channel_results").iloc[0]
    assert (only["start"], only["days"]) == (pd.Timestamp("2026-04-06"), 1)
    assert "without one" in str(summary)


def test_a_day_in_an_order_nobody_said_is_refused(bring, ws):
    bring("klaviyo.csv")
    # 06.04.2026 could be 6 April or 4 June
    assert "dayfirst" in reasons(ws)[(3, "Send Time")]
    assert bring("klaviyo.csv", dayfirst=True).rejected == 0


def test_mailchimps_audience_export_is_refused_as_a_list_of_persons_and_nothing_of_it_is_kept(bring, ws):
    for how in ({}, {"as_format": "mailchimp"}):
        with pytest.raises(IntakeError, match="list of persons"):
            bring("mailchimp_audience.csv", **how)
    assert ws.read("imports").empty
    assert ws.read("rejects").empty


def test_a_mailchimp_report_is_read_by_the_names_of_its_metrics(bring, ws):
    summary = bring("mailchimp.csv")
    assert summary.format == "mailchimp"
    assert measured(ws, "Autumn news") == {
        "recipients": 2400, "deliveries": 2350, "unique_opens": 750, "opens": 1020, "unique_clicks": 94, "clicks": 130,
        "bounces": 50, "unsubscribes": 6, "complaints": 1, "orders": 8, "revenue": 412.4,
    }  # fmt: skip
    assert ws.read("channel_results").query("metric == 'revenue'")["currency"].tolist() == ["EUR"]


def test_the_field_names_of_mailchimps_interface_are_read_too(bring, ws):
    header = "campaign_title,send_time,emails_sent,opens.unique_opens,opens.opens_total,abuse_reports,unsubscribed\n"
    bring(header + "News,2026-10-05T08:30:00+00:00,100,40,55,0,2\n")
    assert measured(ws, "News") == {
        "recipients": 100, "unique_opens": 40, "opens": 55, "complaints": 0, "unsubscribes": 2,
    }  # fmt: skip


def test_a_mail_address_in_a_campaigns_name_is_not_kept(bring, ws):
    bring(KLAVIYO + "Reply to rosa.ferrant@example.com,2026-04-06,10,1,2,3,0\n")
    assert not ws.read("channel_results")["name"].str.contains("rosa").any()
    stored = b"".join(path.read_bytes() for path in ws.folder.rglob("*") if path.is_file())
    assert b"rosa.ferrant" not in stored


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-09-01", "2026-09-01"), ("20260901", "2026-09-01"), ("September 1, 2026", "2026-09-01"), ("Sep 1, 2026", "2026-09-01"), ("1 September 2026", "2026-09-01"),
     ("2026-04-06T00:00:00", "2026-04-06"), ("Sep 1, 2026, 12:00 AM", "2026-09-01")],
)  # fmt: skip
def test_days_are_read_as_the_channels_write_them(text, day):
    assert day_of("Day", text, SimpleNamespace(clock=Clock())) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    "text", ["03/04/2026", "2026-02-30", "yesterday", "20261399", "2026091", "", "2026-09-01 10:00"]
)
def test_what_is_no_one_day_is_refused(text):
    with pytest.raises(Bad):
        day_of("Day", text, SimpleNamespace(clock=Clock()))


@pytest.mark.parametrize(
    ("content", "header", "cell"), [("ga4.csv", "Channel", "Direct"), ("meta_ads.csv", "Reporting ends", "2026-09-09"),
     ("klaviyo.csv", "Send Time", "2026-04-06")],
)  # fmt: skip
def test_a_refused_row_is_corrected_in_the_workbook_and_comes_back(bring, ws, content, header, cell):
    assert bring(content).rejected == 1
    path = rejects_workbook(ws, ws.folder / "rejects.xlsx")
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    page.cell(2, [found.value for found in page[1]].index(header) + 1, cell)
    book.save(path)
    assert bring_in(ws, path, team="content").stored == 1
    assert ws.read("rejects").empty


# --- laws ---------------------------------------------------------------------------------------------------------

often = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
cells = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["2026-09-01", "03/04/2026", "1,234", "1.234", "7,5", " --", "-3", "€5", "EUR", "a@b.co", '"', "nan", "9" * 400, "Total: x"]),
)  # fmt: skip
tops = st.sampled_from(
    [("ga4", SEPTEMBER + GA4), ("ga4", GA4), ("google_ads", GOOGLE_TITLE + GOOGLE), ("google_ads", GOOGLE), ("meta_ads", META),
     ("klaviyo", KLAVIYO), ("mailchimp", MAILCHIMP)]
)  # fmt: skip


@often
@given(
    tops, st.lists(st.lists(cells, min_size=4, max_size=10), min_size=1, max_size=4), st.sampled_from([",", ";", "\t"])
)
def test_whatever_stands_under_a_reports_header_is_read_or_refused_in_words(busy, tmp_path, top, rows, mark):
    name, header = top
    width = header.splitlines()[-1].count(",") + 1
    text = header.replace(",", mark) + "\n".join(mark.join((row + [""] * width)[:width]) for row in rows)
    path = tmp_path / "thrown.csv"
    path.write_bytes(text.encode("utf-8", "replace"))
    before = len(busy.read("imports"))
    try:
        summary = bring_in(busy, path, team="content")
    except PlaybookError:
        assert len(busy.read("imports")) == before
        return
    assert reconciles(summary)
    assert summary.format == name
    if summary.already is None:
        rejects = busy.read("rejects")
        assert rejects[rejects["import_id"] == summary.import_id]["row"].nunique() == summary.rejected


@given(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)), st.sampled_from(["en", "de", "plain", "fr"]))
def test_an_amount_is_read_back_in_every_notation(value, notation):
    english = f"{value:,.2f}"
    german = english.replace(",", "_").replace(".", ",").replace("_", ".")
    text = {"en": english, "de": german, "plain": f"{value:.2f}", "fr": german.replace(".", "\u202f")}[notation]
    kind = FORMATS["google_ads"]
    mark = decimal_mark(Path("x"), [(2, text.replace("\u202f", ""), False)])
    read = type(kind)(**{**vars(kind), "decimal": mark}).number("Cost", text, "cost")
    assert read == pytest.approx(value, abs=0.001)
