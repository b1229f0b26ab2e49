"""The main job on real input, through the command line: an event log in, a phase report out, its numbers recomputed."""

import csv
import datetime as dt
import itertools
import json
import re
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from playbook.cli import app
from playbook.io.workspace import Workspace
from playbook.report.desk import Desk

pytestmark = pytest.mark.slow
IMPOSSIBLE = "2015-22-23"
SESSION = 30 * 60
"""The rule the report states: a pause of at most 30 minutes counts as work."""


def playbook(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "playbook", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=280,
        check=False,
    )


def again(*words):
    """A later command, in this process: what it says, once the three of the issue have shown that they start alone."""
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def log(shared_data):
    return shared_data / "content_events" / "events.csv"


@pytest.fixture(scope="module")
def told(log, tmp_path_factory):
    """What the three commands of the issue say, run in a folder of their own: new, import, run."""
    place = tmp_path_factory.mktemp("real")
    shutil.copy(log, place / "events.csv")
    said = {
        "new": playbook("new", "w", "--team", "content", cwd=place),
        "import": playbook("import", "events.csv", "--as", "events", "--team", "content", "-w", "w", cwd=place),
        "run": playbook("run", "1", "-w", "w", cwd=place),
    }
    for name, done in said.items():
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
    return place / "w", {name: done.stdout for name, done in said.items()}


@pytest.fixture(scope="module")
def raw(log):
    """The file as it is, each row with its number as a spreadsheet shows it."""
    with log.open(encoding="utf-8", newline="") as file:
        return [row | {"row": number} for number, row in enumerate(csv.DictReader(file), start=2)]


@pytest.fixture(scope="module")
def good(raw):
    return [
        row | {"at": dt.datetime.fromisoformat(row["timestamp_utc"])}
        for row in raw
        if row["publish_date"] != IMPOSSIBLE
    ]


class _Tables(HTMLParser):
    """Every table of a page as rows of cell texts, by its caption; text outside tables as one string."""

    def __init__(self):
        super().__init__()
        self.tables, self.words = {}, []
        self.row = self.cell = self.caption = None
        self.rows = []

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "caption":
            self.cell = []
        elif tag == "tr":
            self.row = []
        elif tag in ("td", "th"):
            self.cell = []

    def handle_endtag(self, tag):
        if tag == "caption":
            self.caption, self.cell = " ".join("".join(self.cell).split()), None
        elif tag in ("td", "th") and self.row is not None:
            self.row.append(" ".join("".join(self.cell or []).split()))
            self.cell = None
        elif tag == "tr" and self.row:
            self.rows.append(self.row)
        elif tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        (self.words if self.cell is None else self.cell).append(data)


@pytest.fixture(scope="module")
def report(told):
    html = (told[0] / "reports" / "content" / "phase1_audit_and_experiment.html").read_text(encoding="utf-8")
    page = _Tables()
    page.feed(re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL))
    return page.tables, " ".join(" ".join(page.words).split())


def number(text):
    return float(text.replace(",", ""))


def test_the_impossible_date_is_rejected_with_its_row_and_kept(told, raw):
    workspace = Workspace.open(told[0])
    bad = [row for row in raw if row["publish_date"] == IMPOSSIBLE]
    rejects = workspace.read("rejects", "content")
    assert sorted(rejects["row"]) == [row["row"] for row in bad]
    assert set(rejects["found"].str.strip("'")) == {IMPOSSIBLE}
    assert f"{len(raw)} rows = {len(raw) - len(bad)} stored + {len(bad)} rejected + 0 duplicates" in told[1]["import"]
    kept = [json.loads(record) for record in rejects.sort_values("row")["record"]]
    for record, row in zip(kept, bad, strict=True):
        assert record["publish_date"] == IMPOSSIBLE
        assert {row["case_id"], row["activity"]} <= set(record.values()), record
        assert row["resource"] not in record.values()
    shown = again("rejects", "-w", told[0])
    assert shown.endswith(f"{len(bad)} rejected rows\n")
    assert f"row {bad[0]['row']}, publish_date: '{IMPOSSIBLE}'" in shown


def test_every_row_of_the_file_is_accounted_for_in_the_report(report, raw, good):
    head, *rows = report[0]["Files read"]
    (row,) = rows
    found = dict(zip(head, row, strict=True))
    assert found["File"] == "events.csv"
    numbers = [number(cell) for cell in row if re.fullmatch(r"[\d,]+", cell)]
    assert numbers == [len(raw), len(good), len(raw) - len(good), 0]


def test_cases_and_their_median_duration_are_those_of_the_file(report, good):
    times = defaultdict(list)
    for row in good:
        times[row["case_id"]].append(row["at"])
    days = [(max(at) - min(at)).total_seconds() / 86_400 for at in times.values()]
    first, last = min(map(min, times.values())), max(map(max, times.values()))
    single = sum(len(at) == 1 for at in times.values())
    assert (
        f"{len(times):,} pieces of work from {first:%Y-%m-%d} to {last:%Y-%m-%d}, "
        f"median {statistics.median(days):.1f} days from first to last event"
    ) in report[1]
    assert f"{single} of them left a single event" in report[1]


def test_events_cases_and_frequency_of_each_activity_are_those_of_the_file(report, good):
    months = (max(row["at"] for row in good) - min(row["at"] for row in good)).total_seconds() / 86_400 / 30.44
    events, cases = defaultdict(int), defaultdict(set)
    for row in good:
        events[row["activity"]] += 1
        cases[row["activity"]].add(row["case_id"])
    shown = {row[0]: row for row in report[0]["Activities in the log"][1:]}
    assert set(shown) == set(events)
    assert sum(number(row[1]) for row in shown.values()) == len(good)
    for activity, row in shown.items():
        assert (number(row[1]), number(row[2])) == (events[activity], len(cases[activity])), activity
        assert number(row[3]) == pytest.approx(events[activity] / months, abs=0.051), activity


def active_minutes(good):
    """Minutes of each event by the stated rule, by hand: a person's pause up to 30 minutes, shared by what it ends in."""
    moments = defaultdict(lambda: defaultdict(list))
    for row in good:
        moments[row["resource"]][row["at"]].append(row["activity"])
    minutes, people = defaultdict(list), defaultdict(set)
    for person, by_time in moments.items():
        times = sorted(by_time)
        for before, now in itertools.pairwise(times):
            pause = (now - before).total_seconds()
            for activity in by_time[now] if pause <= SESSION else []:
                minutes[activity].append(pause / 60 / len(by_time[now]))
                people[activity].add(person)
    return minutes, people


def test_active_minutes_are_the_medians_of_the_stated_rule_and_small_groups_are_kept_back(report, good):
    minutes, people = active_minutes(good)
    head, *rows = report[0]["Activities in the log"]
    timed = next(place for place, title in enumerate(head) if title.startswith("Timed"))
    for row in rows:
        activity = row[0]
        assert number(row[timed]) == len(minutes[activity]), activity
        if len(people[activity]) < 5:
            assert not any(re.search(r"\d", cell) for cell in row[4:7]), activity
            continue
        assert number(row[4]) == pytest.approx(statistics.median(minutes[activity]), abs=0.051), activity
        assert number(row[5]) <= number(row[4]) <= number(row[6]), activity


def test_what_most_often_follows_what_is_counted_in_the_file(report, good):
    cases = defaultdict(list)
    for row in good:
        cases[row["case_id"]].append((row["at"], row["row"], row["activity"]))
    arcs, paths = defaultdict(int), defaultdict(int)
    for events in cases.values():
        steps = [activity for *_, activity in sorted(events)]
        paths[tuple(steps)] += 1
        for pair in itertools.pairwise(steps):
            arcs[pair] += 1
    (source, target), count = max(arcs.items(), key=lambda item: item[1])
    assert f"{source} followed by {target}: {count:,} of {sum(arcs.values()):,} steps" in report[1]
    assert f"of {len(paths)} paths through the work" in report[1]
    assert f"was taken by {max(paths.values())} of {len(cases)}" in report[1]


def test_no_person_message_or_commit_of_the_file_is_in_any_stored_byte(told, raw):
    persons = {row["resource"].encode() for row in raw}
    commits = {row["commit"].encode() for row in raw}
    # short messages such as "Merge" may be part of the kit's own words, and some are no more than a case's own id
    cases = "\n".join({row["case_id"] for row in raw})
    messages = {row["message"].encode() for row in raw if len(row["message"]) >= 25 and row["message"] not in cases}
    assert len(persons) > 100
    assert len(messages) > 1000
    for path in told[0].rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            words = set(re.findall(rb"person_\d+|\b[0-9a-f]{10}\b", held))
            assert not words & persons, path
            assert not words & commits, path
            assert not [message for message in messages if message in held], path


def test_the_report_opens_alone_and_says_not_yet_where_nothing_is_known(report, told):
    html = (told[0] / "reports" / "content" / "phase1_audit_and_experiment.html").read_text(encoding="utf-8")
    markup = re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href|action|srcset)\s*=\s*["']?(?:https?:)?//|@import|url\(\s*["']?http""", markup)
    assert not re.search(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["']?(?!data:)[^"'#\s>]""", html)
    assert "Not yet" in report[1]
    assert str(told[0]) not in html
    index = (told[0] / "reports" / "index.html").read_text(encoding="utf-8")
    assert 'href="content/phase1_audit_and_experiment.html"' in index


def test_the_same_file_again_stores_nothing_twice(told, good):
    file = told[0].parent / "events.csv"
    assert "imported before" in again("import", file, "--as", "events", "--team", "content", "-w", told[0])
    assert len(Workspace.open(told[0]).read("events")) == len(good)


def test_an_event_log_becomes_tasks_with_measured_frequency_and_times(told, good):
    desk = Desk.open(told[0], "content", "2026-11-22")
    measured = desk.tasks[desk.tasks["basis"] == "measured"]
    assert set(measured["task"]) >= {row["activity"] for row in good}
    assert measured["runs_per_month"].notna().any()
