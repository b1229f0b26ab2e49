"""Time tools and calendars in: an entry is an event with its minutes, and no person of it is kept."""

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from engagement import reconciles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook.errors import IntakeError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import bring_in
from playbook.io.intake._record import Bad
from playbook.io.intake._recurrence import instances, length, stamp
from playbook.io.intake._timesheet import kind_of, minutes_of, time_of_day
from playbook.io.intake._zones import Zones, known_zone, windows_zones

EXPORTS = Path(__file__).parent / "fixtures" / "exports"
TOGGL = "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags\n"
CLOCKIFY = (
    "Project,Client,Description,Task,User,Group,Email,Tags,Billable,Start Date,Start Time,End Date,End Time,"
    "Duration (h),Duration (decimal),Billable Rate (USD),Billable Amount (USD)\n"
)
HARVEST = "Date,Client,Project,Project Code,Task,Notes,Hours,Billable?,First Name,Last Name,Currency\n"


def utc(text):
    return pd.Timestamp(text, tz="UTC")


def everything(ws):
    return b"".join(path.read_bytes() for path in ws.folder.rglob("*") if path.is_file()).lower()


# --- Toggl Track --------------------------------------------------------------------------------------------------


def test_a_toggl_entry_is_an_event_with_its_begin_end_minutes_project_and_person(bring, ws):
    summary = bring("toggl.csv")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("toggl", 5, 4, 1)
    first = ws.read("events").iloc[0]
    assert (first["case"], first["activity"], first["workflow"]) == (
        "Fjord Foods / Spring campaign", "Copywriting", "Spring campaign",
    )  # fmt: skip
    assert (first["begun"], first["timestamp"]) == (utc("2026-03-02 09:00"), utc("2026-03-02 10:30"))
    # 01:30:00 is 1 x 60 + 30 minutes
    assert first["minutes"] == 90
    assert first["resource"].startswith("p_")


def test_an_entry_over_midnight_ends_on_the_next_day(bring, ws):
    bring("toggl.csv")
    late = ws.read("events").iloc[1]
    # 23:30 to 00:45 is 30 + 45 minutes
    assert (late["begun"], late["timestamp"], late["minutes"]) == (
        utc("2026-03-02 23:30"), utc("2026-03-03 00:45"), 75,
    )  # fmt: skip


def test_without_a_task_the_kind_of_the_description_is_the_activity_and_without_both_the_project(bring, ws):
    bring("toggl.csv")
    assert ws.read("events")["activity"].tolist() == ["Copywriting", "Report", "Newsletter", "Spring campaign"]


def test_an_entry_without_a_project_is_its_own_piece_of_work(bring, ws):
    bring("toggl.csv")
    alone = ws.read("events").iloc[2]
    assert (alone["case"], pd.isna(alone["workflow"])) == ("Newsletter", True)


def test_an_end_before_the_begin_is_refused_with_both_said(bring, ws):
    bring("toggl.csv")
    reject = ws.read("rejects").iloc[0]
    assert (reject["row"], reject["column_name"]) == (6, "End time")
    assert "before the start" in reject["found"]


def test_no_name_or_address_of_a_time_tool_reaches_the_workspace_even_inside_a_description(bring, ws):
    bring("toggl.csv")
    bring("harvest.csv")
    bring(
        TOGGL + "Mira Solberg,mira@x.example,,,,Mira Solberg calls jon@x.example,No,2026-03-02,09:00,2026-03-02,10:00,"
        "01:00:00,\n"
    )
    stored = everything(ws)
    for person in (b"solberg", b"vasquez", b"lindqvist", b"osei", b"kowalczyk", b"@x.example"):
        assert person not in stored
    assert ws.read("events")["activity"].str.match(r"p_\w{16} calls p_\w{16}").any()


def test_what_a_person_costs_is_never_kept(bring, ws):
    summary = bring("clockify.csv")
    assert "Billable Rate (EUR)" in str(summary)
    assert b"157,50" not in everything(ws)


def test_an_entry_that_names_no_work_is_refused(bring, ws):
    bring(TOGGL + "Ann Bee,a@x.example,,,,,No,2026-03-02,09:00,2026-03-02,10:00,01:00:00,\n")
    assert ws.read("rejects")["wanted"].str.contains("a task, a description or a project").all()


def test_times_without_a_zone_are_taken_in_the_zone_said_and_else_in_utc_which_is_told(bring, ws):
    row = "Ann Bee,a@x.example,,Blog,Write,,No,2026-07-02,09:00:00,2026-07-02,10:00:00,01:00:00,\n"
    assert "taken as UTC, as no time zone was given" in str(bring(TOGGL + row))
    bring(TOGGL + row.replace("Ann Bee", "Bea Cee"), timezone="Europe/Berlin")
    # Berlin is two hours ahead of UTC in July
    assert set(ws.read("events")["begun"]) == {utc("2026-07-02 09:00"), utc("2026-07-02 07:00")}


def test_an_hour_the_change_of_clocks_repeats_is_refused(bring, ws):
    row = "Ann Bee,a@x.example,,Blog,Write,,No,2026-10-25,02:30:00,2026-10-25,04:00:00,01:30:00,\n"
    assert bring(TOGGL + row, timezone="Europe/Berlin").rejected == 1
    assert "change of clocks" in ws.read("rejects").iloc[0]["wanted"]
    # written with its offset it is one instant: 2:30 in winter time is 1:30 in UTC, an hour and a half before 4:00
    assert bring(TOGGL + row.replace("02:30:00", "02:30:00+01:00"), timezone="Europe/Berlin").stored == 1
    assert ws.read("events")["begun"].tolist() == [utc("2026-10-25 01:30")]


# --- Clockify -----------------------------------------------------------------------------------------------------


def test_a_day_beyond_twelve_shows_the_order_of_the_whole_file_and_the_summary_says_so(bring, ws):
    summary = bring("clockify.csv")
    assert "the day comes first in dates, as row 3 shows (13/03/2026)" in str(summary)
    # 02/03/2026 is therefore 2 March, and 9:15 AM to 11:00 AM takes 105 minutes
    first = ws.read("events").iloc[0]
    assert (first["begun"], first["minutes"]) == (utc("2026-03-02 09:15"), 105)


def test_a_month_that_comes_first_is_shown_the_same_way(bring, ws):
    row = "Webinar,N,Slides,,Ann Bee,,a@x.example,,Yes,{0},14:00,{0},15:30,01:30:00,1.50,9.00,9.00\n"
    assert "the month comes first in dates, as row 3 shows" in str(
        bring(CLOCKIFY + row.format("02/03/2026") + row.format("02/27/2026"))
    )
    assert ws.read("events")["begun"].min() == utc("2026-02-03 14:00")


def test_dates_that_could_be_two_days_are_refused_with_advice_unless_the_order_is_said(bring, ws):
    with pytest.raises(IntakeError, match=r"02/03/2026 in row 2 could be two days.*dayfirst"):
        bring("clockify_ambiguous.csv")
    assert ws.read("imports").empty
    assert bring("clockify_ambiguous.csv", dayfirst=True).stored == 2
    assert ws.read("events")["begun"].min() == utc("2026-03-02 14:00")


def test_dates_in_both_orders_are_refused_by_naming_one_of_each(bring):
    row = "Webinar,N,Slides,,Ann Bee,,a@x.example,,Yes,{0},14:00,{0},15:00,01:00:00,1.00,9.00,9.00\n"
    with pytest.raises(IntakeError, match="27/02/2026 in row 2 and 02/27/2026 in row 3"):
        bring(CLOCKIFY + row.format("27/02/2026") + row.format("02/27/2026"))


def test_a_duration_that_does_not_fit_its_times_is_refused_and_rounding_is_not(bring, ws):
    """A workbook holds an hour and a half as 0.0625 of a day, which read as hours would be 3.75 minutes."""
    entry = "Web,,Draft,,Mara,,,,No,2026-03-02,09:00,2026-03-02,10:30,{},,,\n"
    text = CLOCKIFY + "".join(map(entry.format, ("0.0625", "01:31", "01:30")))
    summary = bring(text)
    assert (summary.rejected, sorted(ws.read("events")["minutes"])) == (1, [90, 91])
    assert "the times of the entry, which last 90 minutes" in ws.read("rejects")["wanted"].iloc[0]


def test_hours_with_a_decimal_comma_stand_in_where_the_clock_duration_is_empty(bring, ws):
    bring("clockify.csv")
    # 0,5 hours are 30 minutes; noon to half past in 12-hour times
    second = ws.read("events").iloc[1]
    assert (second["minutes"], second["begun"]) == (30, utc("2026-03-13 12:00"))


def test_a_time_no_clock_shows_is_refused(bring, ws):
    bring("clockify.csv")
    reject = ws.read("rejects").iloc[0]
    assert (reject["row"], reject["column_name"], reject["found"]) == (4, "Start time", "'25:00'")


@pytest.mark.parametrize(
    ("text", "hour"),
    [("9:41 AM", dt.time(9, 41)), ("12:00 AM", dt.time(0, 0)), ("12:05 pm", dt.time(12, 5)), ("11:59:30 PM", dt.time(23, 59, 30)),
     ("00:00", dt.time(0, 0)), ("23:59:59", dt.time(23, 59, 59)), ("13:00 PM", None), ("24:00", None), ("9", None), ("9:60", None)],
)  # fmt: skip
def test_times_are_read_in_12_and_in_24_hours(text, hour):
    assert time_of_day(text) == hour


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("01:30:00", 90), ("0:20", 20), ("00:00:30", 0.5), ("1.75", 105), ("7,5", 450), ("30:00:00", 1800), ("0", 0)],
)
def test_durations_are_clock_times_or_hours(text, minutes):
    assert minutes_of("Duration", text, comma="," in text) == minutes


@pytest.mark.parametrize("text", ["-1", "1:75:00", "eight", "1,234", "", "nan", "inf"])
def test_what_is_no_duration_is_refused(text):
    for comma in (False, True):
        with pytest.raises(Bad):
            minutes_of("Duration", text, comma=comma)


@pytest.mark.parametrize(
    ("told", "kind"),
    [("Report: March figures", "Report"), ("Slides - second draft", "Slides"), ("Newsletter #12", "Newsletter"),
     ("Follow-up mail", "Follow-up mail"), ("(untitled)", "(untitled)"), ("Landing page (v2)", "Landing page")],
)  # fmt: skip
def test_the_kind_of_a_description_is_what_stands_before_its_particulars(told, kind):
    assert kind_of(told) == kind


# --- Harvest ------------------------------------------------------------------------------------------------------


def test_a_harvest_entry_has_its_day_and_hours_and_no_begin(bring, ws):
    summary = bring("harvest.csv")
    assert "only the hours worked are known" in str(summary)
    events = ws.read("events")
    # 7,5 hours are 450 minutes and 0,25 hours 15, on the days 26 and 27 January
    assert events["minutes"].tolist() == [450, 15]
    assert events["timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["2026-01-26", "2026-01-27"]
    assert events["begun"].isna().all()
    assert summary.rejected == 1


def test_harvests_two_name_columns_are_one_person(bring, ws):
    bring("harvest.csv")
    bring(TOGGL + "Petra Osei,p@x.example,,Blog,Write,,No,2026-07-02,09:00,2026-07-02,10:00,01:00:00,\n")
    assert len(set(ws.read("events")["resource"])) == 1


def test_an_american_harvest_file_is_read_by_what_its_dates_show(bring, ws):
    bring(HARVEST + "01/26/2026,Hall,Film,F,Edit,,1.5,Yes,Ann,Bee,US Dollar - USD\n")
    assert ws.read("events").iloc[0]["minutes"] == 90


# --- Calendar -----------------------------------------------------------------------------------------------------


def meeting(*lines, start="DTSTART:20260310T130000Z", end="DTEND:20260310T133000Z", stamped="20260501T080000Z"):
    """A calendar with one entry of these lines."""
    body = [start, end, f"DTSTAMP:{stamped}", "UID:u1@google.com", "SUMMARY:Planning", *lines]
    return "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *filter(None, body), "END:VEVENT", "END:VCALENDAR", ""])


def test_a_weekly_meeting_is_an_event_each_time_it_took_place(bring, ws):
    summary = bring("calendar.ics")
    assert (summary.format, summary.rows_read, summary.stored) == ("calendar", 3, 3)
    weekly = ws.read("events").query("row == 1")
    # Mondays 9:30 in Berlin from 2 March to 20 April without 16 March (moved), 23 March (cancelled), 6 April (EXDATE);
    # from 29 March on Berlin is two hours ahead of UTC
    assert weekly["begun"].tolist() == [
        utc("2026-03-02 08:30"), utc("2026-03-09 08:30"), utc("2026-03-30 07:30"), utc("2026-04-13 07:30"),
        utc("2026-04-20 07:30"),
    ]  # fmt: skip
    assert weekly["part"].tolist() == [1, 2, 3, 4, 5]
    assert set(weekly["minutes"]) == {45}


def test_a_moved_meeting_counts_when_it_was_held(bring, ws):
    bring("calendar.ics")
    moved = ws.read("events").query("row == 2").iloc[0]
    assert (moved["begun"], moved["minutes"], moved["activity"]) == (utc("2026-03-17 13:00"), 60, "Campaign status")


def test_cancelled_all_day_and_later_entries_are_left_out_with_a_count(bring):
    told = str(bring("calendar.ics"))
    assert "2 rows of cancelled entries" in told
    assert "1 row of all-day entries" in told
    assert "1 row of entries outside the days counted" in told
    assert "2026-03-02 to 2026-05-01" in told


def test_of_the_people_of_a_calendar_only_their_number_is_told(bring, ws):
    told = str(bring("calendar.ics"))
    # two people and a room in the first entry, one in the fourth: rooms are not people
    assert "invitations: 3, in 2 of the entries" in told
    stored = everything(ws)
    for planted in (b"lindholm", b"okafor", b"fjord.example", b"555-0142", b"kitchen", b"secret agenda"):
        assert planted not in stored
    title = ws.read("events").query("row == 4")["activity"].iloc[0]
    assert "Ben" not in title
    assert "Ana" not in title
    assert title.endswith("feedback on the spring campaign and a title so long that it is folded")


def test_the_same_calendar_exported_again_later_adds_only_the_new_meetings(bring, ws):
    weekly = "RRULE:FREQ=WEEKLY"
    assert bring(meeting(weekly, stamped="20260320T000000Z")).stored == 1
    again = bring(meeting(weekly, stamped="20260331T000000Z"))
    # 10 and 17 March came before; 24 March is new in the record that tells of all three
    assert (again.stored, again.duplicates, len(ws.read("events"))) == (1, 0, 3)
    assert bring(meeting(weekly, "TRANSP:OPAQUE", stamped="20260331T000000Z")).duplicates == 1


def test_a_meeting_repeated_for_ever_is_counted_for_two_years_at_most(bring, ws):
    text = meeting("RRULE:FREQ=DAILY", start="DTSTART:20200101T090000Z", end="DTEND:20200101T091500Z")
    assert "2024-05-01 to 2026-05-01" in str(bring(text))
    # 730 days back from 1 May 2026 08:00: the first meeting counted is that of 1 May 2024, 9:00
    assert len(ws.read("events")) == 730


def test_a_line_folded_inside_a_character_is_put_together_first(bring, ws):
    text = meeting("DESCRIPTION:x").replace("SUMMARY:Planning", "SUMMARY:Ü")
    broken = text.encode().replace("Ü".encode(), b"\xc3\r\n \x9c")
    path = ws.folder / "folded.ics"
    path.write_bytes(broken)
    bring_in(ws, path, team="content")
    assert ws.read("events").iloc[0]["activity"] == "Ü"


def test_times_without_a_zone_are_in_the_calendars_own_zone_or_in_the_one_said(bring, ws):
    text = meeting(start="DTSTART:20260710T130000", end="DTEND:20260710T133000", stamped="20260801T080000Z")
    named = text.replace("BEGIN:VEVENT", "X-WR-TIMEZONE:Europe/Berlin\r\nBEGIN:VEVENT")
    assert "taken as Europe/Berlin" in str(bring(named))
    assert "taken as UTC, as the calendar names none" in str(bring(text))
    assert "taken as Asia/Tokyo" in str(bring(named + "\r\n", timezone="Asia/Tokyo"))
    # 13:00 is 11:00 UTC in Berlin in July and 4:00 UTC in Tokyo
    assert {f"{begun:%H:%M}" for begun in ws.read("events")["begun"]} == {"11:00", "13:00", "04:00"}


def zoned(name, *above):
    """A calendar of one meeting from 9:00 to 9:30 on 10 March 2026 in this zone, with these lines above it."""
    text = meeting(start=f"DTSTART;TZID={name}:20260310T090000", end=f"DTEND;TZID={name}:20260310T093000")
    return text.replace("BEGIN:VEVENT", "\r\n".join([*above, "BEGIN:VEVENT"]))


CUSTOM = (
    "BEGIN:VTIMEZONE", "TZID:Customized Time Zone", "BEGIN:STANDARD", "DTSTART:16010101T030000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "TZOFFSETFROM:+0500", "TZOFFSETTO:+0400", "END:STANDARD",
    "BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "TZOFFSETFROM:+0400",
    "TZOFFSETTO:+0500", "END:DAYLIGHT", "END:VTIMEZONE",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hour"),
    # on 10 March Berlin is an hour ahead of UTC and New York, whose summer time began on the 8th, four behind
    [("W. Europe Standard Time", "08:00"), ("Eastern Standard Time", "13:00"), ("eastern standard time", "13:00")],
)  # fmt: skip
@pytest.mark.parametrize("said", [None, "Europe/Berlin", "Asia/Tokyo"])
def test_windows_names_of_zones_are_known_and_no_other_zone_said_replaces_them(bring, ws, name, hour, said):
    bring(zoned(name), timezone=said)
    assert f"{ws.read('events')['begun'].iloc[0]:%H:%M}" == hour


def test_every_windows_zone_is_a_zone_there_is():
    assert len(windows_zones()) == 139
    assert all(known_zone(zone) for zone in windows_zones().values())


def test_a_zone_the_file_describes_is_used_in_winter_and_in_summer_whatever_is_said(bring, ws):
    text = zoned("Customized Time Zone", *CUSTOM)
    bring(text, timezone="Europe/Berlin")
    bring(text.replace("202603", "202604"))
    # four hours ahead of UTC on 10 March, five on 10 April
    assert sorted(f"{begun:%H:%M}" for begun in ws.read("events")["begun"]) == ["04:00", "05:00"]


@pytest.mark.parametrize(
    "broken",
    [("TZOFFSETTO:+0400", "TZOFFSETTO:+9900"), ("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "FREQ=SECONDLY"), ("TZOFFSETFROM:+0500", "X:1"),
     ("DTSTART:16010101T030000", "DTSTART:1601"), ("BYMONTH=10", "BYMONTH=99")],
)  # fmt: skip
def test_a_description_of_a_zone_that_cannot_be_read_leaves_the_zone_unknown(bring, ws, broken):
    bring(zoned("Customized Time Zone", *CUSTOM).replace(*broken))
    assert ws.read("rejects")["found"].tolist() == ["the time zone Customized Time Zone"] * len(ws.read("rejects"))
    assert len(ws.read("rejects")) == 1


def test_a_zone_nobody_knows_is_refused_by_its_name_even_where_a_zone_is_said_for_times_without_one(bring, ws):
    bring(zoned("Head office time"), timezone="Europe/Berlin")
    reject = ws.read("rejects").iloc[0]
    assert (reject["column_name"], reject["found"]) == ("DTSTART", "the time zone Head office time")
    assert "VTIMEZONE" in reject["wanted"]


def test_a_person_in_the_name_of_a_zone_is_not_told(bring, ws):
    text = zoned("Zone of Ann Bee").replace("END:VEVENT", "ATTENDEE;CN=Ann Bee:mailto:ann@x.example\r\nEND:VEVENT")
    bring(text)
    assert ws.read("rejects").iloc[0]["found"].startswith("the time zone Zone of p_")
    bring(zoned("Zone of ann@x.example"))
    assert b"ann@x.example" not in everything(ws)


def test_an_entry_with_a_time_that_ends_on_a_day_is_refused_in_words(bring, ws):
    bring(meeting(end="DTEND;VALUE=DATE:20260310"))
    reject = ws.read("rejects").iloc[0]
    assert (reject["column_name"], reject["found"]) == ("DTEND", "20260310, a day alone")


def test_a_duration_stands_in_for_an_end_and_an_end_before_the_begin_is_refused(bring, ws):
    bring(meeting("DURATION:PT1H30M", end=""))
    assert ws.read("events").iloc[0]["minutes"] == 90
    bring(meeting(end="DTEND:20260310T123000Z"))
    assert ws.read("rejects").iloc[0]["column_name"] == "DTEND"


def test_a_change_of_all_later_meetings_is_refused_rather_than_miscounted(bring, ws):
    bring(meeting("RECURRENCE-ID;RANGE=THISANDFUTURE:20260310T130000Z"))
    assert ws.read("rejects").iloc[0]["column_name"] == "RECURRENCE-ID"


def test_a_calendar_without_entries_or_with_none_that_took_place_says_so(bring):
    with pytest.raises(IntakeError, match="without entries"):
        bring("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", name="empty.ics")
    with pytest.raises(IntakeError, match="no entry that has taken place"):
        bring(meeting(stamped="20260101T000000Z"))


BERLIN = stamp("DTSTART", "TZID=Europe/Berlin:20260302T093000", None, Zones())
FAR = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;COUNT=3", ["2026-03-02", "2026-03-03", "2026-03-04"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", ["2026-03-02", "2026-03-16", "2026-03-30"]),
        # 2 March is a Monday, so the first start counts though the rule asks for Tuesdays
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", ["2026-03-02", "2026-03-03", "2026-03-10"]),
        # the first Monday of March, April and May 2026
        ("FREQ=MONTHLY;BYDAY=1MO;COUNT=3", ["2026-03-02", "2026-04-06", "2026-05-04"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2", ["2026-03-02", "2026-03-31"]),
        ("FREQ=YEARLY;COUNT=2", ["2026-03-02", "2027-03-02"]),
        ("FREQ=DAILY;UNTIL=20260303", ["2026-03-02", "2026-03-03"]),
        # 8:29 UTC is a minute before 9:30 in Berlin
        ("FREQ=DAILY;UNTIL=20260303T082900Z", ["2026-03-02"]),
        # no February has a 30th: nothing but the first start, and found out at once
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", ["2026-03-02"]),
    ],
)
def test_repetitions_follow_their_rule(rule, days):
    assert [f"{found.local:%Y-%m-%d}" for found in instances(BERLIN, rule, FAR)] == days


def test_repetitions_keep_their_local_time_over_a_change_of_clocks():
    found = [begun.moment for begun in instances(BERLIN, "FREQ=MONTHLY;COUNT=2", FAR)]
    # 9:30 in Berlin is 8:30 UTC in winter and 7:30 UTC in summer
    assert [f"{moment:%H:%M}" for moment in found] == ["08:30", "07:30"]


@pytest.mark.parametrize(
    "rule", ["", "FREQ=SECONDLY", "FREQ=HOURLY", "BYDAY=MO", "FREQ=DAILY;INTERVAL=0", "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;FREQ=DAILY"]
)  # fmt: skip
def test_what_is_no_rule_of_days_or_more_is_refused(rule):
    with pytest.raises(Bad):
        list(instances(BERLIN, rule, FAR))


def test_a_length_is_read_in_all_its_units():
    # 1 week and 1 day are 8 days; 1 h 30 min 10 s
    assert length("DURATION", "P1W1DT1H30M10S") == dt.timedelta(days=8, hours=1, minutes=30, seconds=10)
    with pytest.raises(Bad):
        length("DURATION", "P")


# --- the same work in a later export --------------------------------------------------------------------------------


def booked(*entries):
    """A Harvest report of one person's hours on one task of one day: the notes and hours of each entry."""
    rows = (f"2026-09-02,Hall,Film,F,Edit,{notes},{hours},Yes,Ann,Bee,USD\n" for notes, hours in entries)
    return HARVEST + "".join(rows)


def tracked(*entries, project="Blog"):
    """A Toggl report of one person's entries of 2 September: begin, end and duration of each."""
    rows = (
        f"Ann Bee,a@x.example,,{project},Write,,No,2026-09-02,{a},2026-09-02,{b},{lasts},\n" for a, b, lasts in entries
    )
    return TOGGL + "".join(rows)


def test_hours_booked_later_on_the_same_day_are_stored_and_the_known_ones_are_not_again(bring, ws):
    bring(booked(("Cut", 3)))
    evening = bring(booked(("Sound fix", 1.5), ("Cut", 3)))
    assert (evening.stored, evening.duplicates) == (1, 1)
    # 3 h are 180 minutes and came before, 1.5 h are 90 and are new
    assert sorted(ws.read("events")["minutes"]) == [90, 180]


def test_other_hours_of_the_same_task_and_day_in_a_second_report_are_other_work(bring, ws):
    bring(booked(("Cut", 3)))
    assert bring(booked(("Rework", 2)).replace("Yes", "No")).stored == 1
    # 180 minutes billed and 120 not billed
    assert ws.read("events")["minutes"].sum() == 300


def test_of_equal_bookings_only_those_beyond_the_known_ones_are_new(bring, ws):
    bring(booked(("Cut", 3), ("Cut", 3)))
    later = bring(booked(("Cut", 3), ("Cut", 1), ("Cut", 3), ("Cut", 3)))
    assert (later.stored, later.duplicates) == (2, 2)
    # 3 + 3 h were known; of three times 3 h one is new, and so is the 1 h: 3 + 3 + 3 + 1 = 10 h
    assert ws.read("events")["minutes"].sum() == 600


def test_meetings_of_one_name_in_two_calendars_are_two_unless_they_begin_and_end_alike(bring, ws):
    long = meeting(start="DTSTART:20260310T070000Z", end="DTEND:20260310T090000Z")
    short = meeting(start="DTSTART:20260310T080000Z", end="DTEND:20260310T090000Z").replace("u1@", "u2@")
    assert (bring(long).stored, bring(short).stored) == (1, 1)
    # 7 to 9 are 120 minutes, 8 to 9 are 60
    assert sorted(ws.read("events")["minutes"]) == [60, 120]
    assert bring(short.replace("u2@", "u3@")).duplicates == 1


@pytest.mark.parametrize(
    "later", [("09:00", "10:30", "01:31:00"), ("08:55", "10:30", "01:35:00")], ids=["longer", "begun earlier"]
)
def test_an_entry_changed_in_the_time_tool_after_its_export_is_not_counted_twice(bring, ws, later):
    bring(tracked(("09:00", "10:30", "01:30:00")))
    again = bring(tracked(later, ("11:00", "12:00", "01:00:00")))
    assert (again.stored, again.duplicates) == (1, 1)
    # the entry that ended at 10:30 stays at 90 minutes, the one of 11 to 12 adds 60
    assert sorted(ws.read("events")["minutes"]) == [60, 90]


def test_an_entry_that_ends_at_noon_is_no_day_alone(bring, ws):
    bring(tracked(("11:00", "12:00", "01:00:00")), timezone="Europe/Oslo")
    assert bring(tracked(("11:00", "12:00", "00:59:00")), timezone="Europe/Oslo").duplicates == 1
    assert ws.read("events")["minutes"].tolist() == [60]


# --- corrections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "corrected", "person"),
    [
        ("toggl.csv", {"End time": "16:00:00"}, True),
        ("clockify.csv", {"Start Time": "12:00 PM"}, True),
        ("harvest.csv", {"Hours": "3"}, True),
        (meeting("ATTENDEE;CN=Ann Bee:mailto:ann@x.example", end="DTEND:20260309T130000Z"), {"DTEND": "20260310T140000Z"}, False),
    ],
)  # fmt: skip
def test_a_refused_entry_is_corrected_in_the_workbook_and_comes_back(bring, ws, content, corrected, person):
    assert bring(content).rejected == 1
    path = rejects_workbook(ws, ws.folder / "rejects.xlsx")
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    places = {cell.value: cell.column for cell in page[1]}
    for header, cell in corrected.items():
        page.cell(2, places[header], cell)
    book.save(path)
    summary = bring_in(ws, path, team="content")
    assert (summary.stored, len(ws.read("rejects"))) == (1, 0)
    assert ws.read("events").query("import_id == @summary.import_id")["resource"].notna().all() == person


def test_the_person_of_a_corrected_harvest_row_is_the_one_of_the_report(bring, ws):
    rows = "27.01.2026,Hall,Film,F,{},,{},Yes,Dan,Kowal,USD\n"
    bring(HARVEST + rows.format("Edit", "2") + rows.format("Sound", "two"))
    path = rejects_workbook(ws, ws.folder / "rejects.xlsx")
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    page.cell(2, [cell.value for cell in page[1]].index("Hours") + 1, "3")
    book.save(path)
    bring_in(ws, path, team="content")
    events = ws.read("events")
    assert (len(events), len(set(events["resource"]))) == (2, 1)


# --- laws ---------------------------------------------------------------------------------------------------------

often = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
cells = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["2026-03-02", "02/03/2026", "13/03/2026", "2026-13-01", "09:00", "9:15 PM", "01:00:00", "7,5", "-1", "a@b.co", '"', "nan", "0"]
    ),
)  # fmt: skip


def throw(workspace, path, content, **how):
    path.write_bytes(content)
    before = len(workspace.read("imports"))
    try:
        summary = bring_in(workspace, path, team="content", **how)
    except PlaybookError:
        assert len(workspace.read("imports")) == before
        return
    assert reconciles(summary)
    rejects = workspace.read("rejects")
    if summary.already is None:
        assert rejects[rejects["import_id"] == summary.import_id]["row"].nunique() == summary.rejected


@often
@given(
    st.sampled_from([TOGGL, CLOCKIFY, HARVEST]),
    st.lists(st.lists(cells, min_size=11, max_size=18), min_size=1, max_size=4),
    st.sampled_from([None, True, False]),
)
def test_whatever_stands_under_a_time_tools_header_is_read_or_refused_in_words(busy, tmp_path, header, rows, dayfirst):
    width = header.count(",") + 1
    lines = [",".join((row + [""] * width)[: width + (len(row) == 18)]) for row in rows]
    throw(busy, tmp_path / "thrown.csv", (header + "\n".join(lines)).encode("utf-8", "replace"), dayfirst=dayfirst)


names = st.sampled_from(
    ["DTSTART", "DTEND", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID", "DURATION", "UID", "SUMMARY", "ATTENDEE"]
)
values = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["20260310T130000Z", "20260310", "20261399", "19000101T000000", "99991231T235959Z", "FREQ=DAILY;UNTIL=99991231",
         "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=WEEKLY;BYSETPOS=-1", "PT1H", "a@b.co"]
    ),
)  # fmt: skip
parameters = st.sampled_from(
    ["", ";TZID=Europe/Berlin", ";TZID=", ";VALUE=DATE", ";CN=Ann Bee", ";RANGE=THISANDFUTURE", ';X="a;b']
)


@often
@given(st.lists(st.tuples(names, parameters, values), max_size=6), st.sampled_from([None, "Europe/Berlin"]))
def test_whatever_stands_in_a_calendar_is_read_or_refused_in_words(busy, tmp_path, lines, zone):
    text = meeting(*(f"{name}{said}:{value}" for name, said, value in lines))
    throw(busy, tmp_path / "thrown.ics", text.encode("utf-8", "replace"), timezone=zone)


@often
@given(st.integers(0, 4000), st.integers(0, 86_000), st.integers(60, 40_000))
def test_minutes_and_begin_and_end_of_an_entry_agree_with_what_was_written(busy, tmp_path, day, second, lasts):
    begun = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day, seconds=second)
    ended = begun + dt.timedelta(seconds=lasts)
    times = f"{begun:%Y-%m-%d},{begun:%H:%M:%S},{ended:%Y-%m-%d},{ended:%H:%M:%S}"
    path = tmp_path / "one.csv"
    path.write_text(TOGGL + f"Ann Bee,a@x.example,,Blog {day} {second} {lasts},Write,,No,{times},,\n")
    summary = bring_in(busy, path, team="content")
    if summary.already is None:
        event = busy.read("events").query("import_id == @summary.import_id").iloc[0]
        assert event["minutes"] == round(lasts / 60, 2)
        assert (event["timestamp"] - event["begun"]).total_seconds() == lasts
