"""The workspace: the same promises on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from playbook import tables
from playbook.errors import (
    ConflictError,
    ParameterError,
    TableError,
    WorkspaceBusyError,
    WorkspaceError,
    WorkspaceExistsError,
    WorkspaceNotFoundError,
    WorkspaceVersionError,
)
from playbook.io.workspace import Workspace, schema, team_id_of
from playbook.io.workspace.engine import engine_for, writing
from playbook.io.workspace.place import find
from playbook.io.workspace.upgrade import MIGRATIONS, migrate
from playbook.tables.stored import MOST_ROWS

START = dt.date(2026, 11, 2)
FROZEN = Path(__file__).parent / "data" / "workspace_0001"


def teams(*names):
    return pd.DataFrame({"team": [team_id_of(name) for name in names], "name": list(names)})


def tasks(team="content", **minutes):
    ids = list(minutes) or ["t1"]
    return pd.DataFrame(
        {"team": team, "task_id": ids, "task": "Write", "workflow": "blog", "minutes_per_run": list(minutes.values())}
        if minutes
        else {"team": [team], "task_id": ids, "task": ["Write"], "workflow": ["blog"]}
    )


def events(rows, team="content", import_id="a1"):
    return pd.DataFrame(
        {
            "team": team,
            "import_id": import_id,
            "row": list(rows),
            "case": [f"c{row}" for row in rows],
            "activity": "published",
            "timestamp": pd.Timestamp("2026-10-05T09:00:00Z"),
        }
    )


def put(workspace, table, frame, **stamp):
    with workspace.change(**stamp) as change:
        return change.put(table, frame)


def child(code, *arguments, **options):
    """Start a Python of its own, as another kernel or batch would be."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": root}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        **options,
    )


def go(children):
    """Let children that wait for a line begin, all at once."""
    for waiting in children:
        waiting.stdin.write("\n")
        waiting.stdin.flush()


def rebuilt(folder):
    """The frozen workspace of version 0001 as the SQLite file it was dumped from."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as connection:
        connection.executescript((FROZEN / "workspace.sql").read_text(encoding="utf-8"))
    (folder / "workspace.toml").write_bytes((FROZEN / "workspace.toml").read_bytes())
    return folder


def everything(file):
    """Every row of every table of a SQLite file, as SQLite holds it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}


# --- making and opening


def test_a_new_workspace_says_whose_it_is_and_when_it_starts(workspace, tmp_path):
    again = Workspace.open(tmp_path / "engagement")
    assert (again.organisation, again.start, again.made_up) == ("Acme", START, False)
    assert again.folder == tmp_path / "engagement"
    assert (again.folder / "reports").is_dir()
    assert again.pseudonym_key == workspace.pseudonym_key
    assert len(again.pseudonym_key) == 32
    assert again.teams().empty


def test_a_workspace_opens_by_its_own_url(workspace):
    assert Workspace.open(workspace.url).organisation == "Acme"


def test_an_empty_place_means_this_folder_or_one_above(tmp_workspace, monkeypatch):
    monkeypatch.delenv("PLAYBOOK_WORKSPACE", raising=False)
    below = tmp_workspace.folder / "reports"
    monkeypatch.chdir(below)
    assert Workspace.open().folder == tmp_workspace.folder


def test_the_workspace_named_in_the_environment_wins_over_the_folder_and_the_call_over_both(tmp_path, monkeypatch):
    inside = Workspace.create(tmp_path / "inside", organisation="Inside", start=START)
    named = Workspace.create(tmp_path / "named", organisation="Named", start=START)
    monkeypatch.chdir(inside.folder / "reports")
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", str(named.folder))
    assert Workspace.open().organisation == "Named"
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", named.url)  # as for a workspace without a folder
    assert Workspace.open().organisation == "Named"
    assert Workspace.open(inside.folder).organisation == Workspace.open("..").organisation == "Inside"
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", "")
    assert Workspace.open().organisation == "Inside"


def test_a_workspace_named_in_the_environment_that_is_gone_is_not_replaced_by_another(tmp_workspace, monkeypatch):
    monkeypatch.chdir(tmp_workspace.folder)
    monkeypatch.setenv("PLAYBOOK_WORKSPACE", "nowhere")
    with pytest.raises(WorkspaceNotFoundError, match=r"nowhere \(named by PLAYBOOK_WORKSPACE\)"):
        Workspace.open()


def test_no_workspace_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.delenv("PLAYBOOK_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    for place in ("", tmp_path / "nowhere"):
        with pytest.raises(WorkspaceNotFoundError, match="playbook new"):
            Workspace.open(place)


def test_a_second_workspace_in_the_same_place_is_refused(workspace, database, tmp_path):
    put(workspace, "teams", teams("Content"))
    with pytest.raises(WorkspaceExistsError, match="already"):
        Workspace.create(workspace.folder, organisation="Other", start=START, database=database)
    if database:
        with pytest.raises(WorkspaceExistsError, match="in use already"):
            Workspace.create(tmp_path / "second", organisation="Other", start=START, database=database)
        assert not (tmp_path / "second").exists()
    assert list(Workspace.open(workspace.folder).teams()["team"]) == ["content"]


def test_nothing_is_left_when_a_workspace_cannot_be_made(tmp_path, monkeypatch, database):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("playbook.io.workspace.make.migrate", full)
    with pytest.raises(WorkspaceError, match="full"):
        Workspace.create(tmp_path / "a" / "b", organisation="Acme", start=START, database=database)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert Workspace.create(tmp_path / "a" / "b", organisation="Acme", start=START, database=database).teams().empty


def test_a_workspace_is_made_in_a_folder_that_holds_the_clients_own_files(tmp_path):
    (tmp_path / "templates").mkdir()
    Workspace.create(tmp_path, organisation="Acme", start=START)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "reports",
        "templates",
        "workspace.sqlite",
        "workspace.toml",
    ]


@pytest.mark.parametrize("database", ["mysql://host/db", "other.sqlite", "postgresql://h/db?schema=Robert'); --"])
def test_an_unusable_database_is_refused_in_one_sentence(tmp_path, database):
    with pytest.raises(ParameterError, match="wanted"):
        Workspace.create(tmp_path / "w", organisation="Acme", start=START, database=database)
    assert not (tmp_path / "w").exists()


def test_start_is_a_day_and_organisation_one_line(tmp_path):
    with pytest.raises(ParameterError, match="start"):
        Workspace.create(tmp_path / "w", organisation="Acme", start="2026-11-02")
    with pytest.raises(ParameterError, match="organisation"):
        Workspace.create(tmp_path / "w", organisation="Ac\nme", start=START)


@pytest.mark.postgres
def test_a_password_is_never_written_shown_or_kept_in_the_url(tmp_path, postgres_url):
    url = postgres_url.replace("playbook@", "playbook:s3cret@") + "?schema=secretive"
    made = Workspace.create(tmp_path / "w", organisation="Acme", start=START, database=url)
    said = (tmp_path / "w" / "workspace.toml").read_text()
    assert "s3cret" not in said + repr(made) + made.url + repr(vars(made)["_place"])
    assert Workspace.open(tmp_path / "w").organisation == "Acme"


def test_a_password_in_workspace_toml_is_refused(tmp_path):
    text = 'format = 1\norganisation = "A"\ndatabase = "postgresql://u:p@127.0.0.1/x?schema=y"\n'
    (tmp_path / "workspace.toml").write_text(text)
    with pytest.raises(WorkspaceError, match="PLAYBOOK_DATABASE_PASSWORD"):
        Workspace.open(tmp_path)


def test_the_password_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("PLAYBOOK_DATABASE_PASSWORD", "s3cret")
    pytest.importorskip("psycopg")
    engine = engine_for(find("postgresql://u@127.0.0.1:1/x?schema=y"))
    assert engine.url.password == "s3cret"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\n", "organisation is missing"),
        ('format = 1\norganisation = "A"\ndatabase = 3\n', "database is 3"),
        ('format = 1\norganisation = "A"\ndatabase = "x.sqlite"\nteam = "a"\n', "team is not a setting"),
        ("format = ", "cannot be read"),
    ],
)
def test_a_spoiled_workspace_toml_is_named(tmp_path, text, said):
    (tmp_path / "workspace.toml").write_text(text)
    with pytest.raises(WorkspaceError, match=said):
        Workspace.open(tmp_path)


@pytest.mark.postgres
def test_two_workspaces_share_a_postgresql_database(tmp_path, postgres_url):
    both = [
        Workspace.create(tmp_path / name, organisation=name, start=START, database=postgres_url)
        for name in ("Käse & Co", "株式会社")
    ]
    put(both[0], "teams", teams("Content"))
    assert both[1].teams().empty
    assert "schema=playbook_kase_co" in both[0].url
    assert both[0].pseudonym_key != both[1].pseudonym_key
    with pytest.raises(WorkspaceNotFoundError, match="schema=playbook_kase_co"):
        Workspace.open(postgres_url)


# --- rows in, rows out


def test_what_is_put_is_read_back_typed(workspace):
    put(workspace, "teams", teams("Content", "Social"))
    sheet = tasks(b="40", a=2.5)
    assert put(workspace, "tasks", sheet) == (2, 0, 0)
    read = workspace.read("tasks", team="Content")
    wanted = tables.check(tables.TASKS, sheet).sort_values("task_id").reset_index(drop=True)
    assert_frame_equal(read, wanted)
    assert workspace.read("tasks", team="social").empty
    assert_frame_equal(workspace.read("tasks", team="social"), tables.TASKS.empty(), check_index_type=False)
    assert workspace.read("tasks", revisions=True)["revision"].dtype == "Int64"


def test_put_counts_new_changed_and_equal_rows(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1, b=2))
    before = workspace.read("tasks", revisions=True).set_index("task_id")["revision"]
    assert put(workspace, "tasks", tasks(a=1, b=3, c=4)) == (1, 1, 1)
    after = workspace.read("tasks", revisions=True).set_index("task_id")["revision"]
    assert before["a"] == after["a"]
    assert before["b"] < after["b"] == after["c"]
    assert put(workspace, "tasks", tasks()[:0]) == (0, 0, 0)


def test_every_bad_cell_is_named_and_nothing_is_written(workspace):
    put(workspace, "teams", teams("Content"))
    with pytest.raises(TableError) as caught:
        put(workspace, "tasks", tasks(a="forty", b=-1, c=5))
    assert [fault.found for fault in caught.value.faults] == ["'forty'", "-1"]
    assert workspace.read("tasks").empty


def test_a_row_of_an_unknown_team_lists_the_teams(workspace):
    with pytest.raises(TableError, match="there is no team yet"):
        put(workspace, "tasks", tasks())
    put(workspace, "teams", teams("Content", "Social"))
    with pytest.raises(TableError, match="the teams are content, social"):
        put(workspace, "tasks", tasks(team="sales"))
    with workspace.change() as change:
        change.put("teams", teams("Sales"))
        change.put("tasks", tasks(team="sales"))
    assert len(workspace.read("tasks", team="sales")) == 1


def test_a_team_is_found_by_id_or_name_and_others_are_listed(workspace):
    put(workspace, "teams", teams("Content Studio", "Social"))
    assert workspace.team("content-studio") == workspace.team(" content STUDIO ") == "content-studio"
    with pytest.raises(ParameterError, match=r"content-studio \(Content Studio\), social \(Social\)"):
        workspace.team("sales")


def test_an_unknown_table_is_refused_with_the_nearest_one(workspace):
    with pytest.raises(ParameterError, match="did you mean tasks"):
        workspace.read("task")


def test_text_no_database_keeps_is_refused_on_both(workspace):
    put(workspace, "teams", teams("Content"))
    for text in ("a\x00b", "half \ud83d"):
        frame = tasks().assign(task=text)
        with pytest.raises(TableError):
            put(workspace, "tasks", frame)


def test_rows_come_back_in_the_same_order_from_both_databases(workspace):
    put(workspace, "teams", teams("Content"))
    ids = ["ö", "z", "Z", "a b", "a-b", "10", "9", "é"]
    put(workspace, "tasks", tasks(**dict.fromkeys(ids, 1)))
    assert list(workspace.read("tasks")["task_id"]) == sorted(ids)


# --- all or nothing, removal, history


def test_a_change_that_raises_keeps_nothing(workspace):
    put(workspace, "teams", teams("Content"))
    with pytest.raises(ZeroDivisionError), workspace.change() as change:  # noqa: PT012 - the block is the change
        change.put("tasks", tasks())
        raise ZeroDivisionError
    assert workspace.read("tasks").empty
    assert len(workspace.history("tasks")) == 0


def test_a_caught_failure_half_way_does_not_keep_the_half(workspace, monkeypatch):
    put(workspace, "teams", teams("Content"))
    monkeypatch.setattr("playbook.io.workspace.history.keep", lambda *_: 1 / 0)
    refused = pytest.raises(WorkspaceError, match="nothing of it was kept")
    with refused, workspace.change() as change, contextlib.suppress(ZeroDivisionError):
        change.put("tasks", tasks())
    assert workspace.read("tasks").empty


def test_removed_rows_are_gone_but_stay_in_history(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1, b=2))
    with workspace.change(by="pod lead", note="doubled") as change:
        assert change.remove("tasks", pd.DataFrame({"team": ["content"] * 2, "task_id": ["a", "nowhere"]})) == 1
    assert list(workspace.read("tasks")["task_id"]) == ["b"]
    last = workspace.history("tasks", team="content").iloc[-1]
    assert (last["action"], last["by"], last["note"]) == ("delete", "pod lead", "doubled")
    assert json.loads(last["before"])["minutes_per_run"] == 1.0
    assert pd.isna(last["after"])


def test_keys_that_cannot_be_keys_are_refused(workspace):
    with workspace.change() as change:
        with pytest.raises(TableError, match="task_id: missing"):
            change.remove("tasks", pd.DataFrame({"team": ["content"]}))
        keys = pd.DataFrame({"team": ["a"], "questionnaire": ["q"], "question": ["1"], "seat": ["x"]})
        with pytest.raises(TableError, match="seat"):
            change.remove("answers", keys)


def test_a_team_with_rows_is_not_removed(workspace):
    put(workspace, "teams", teams("Content", "Social"))
    put(workspace, "tasks", tasks())
    with pytest.raises(WorkspaceError, match="content still has rows in tasks"), workspace.change() as change:
        change.remove("teams", teams("Content", "Social"))
    assert len(workspace.teams()) == 2
    with workspace.change() as change:
        change.remove("teams", teams("Content"))
        change.remove("tasks", tasks())
    assert list(workspace.teams()["team"]) == ["social"]


def test_the_settings_a_workspace_is_opened_by_stay_usable(workspace):
    with pytest.raises(WorkspaceError, match="organisation"), workspace.change() as change:
        change.remove("settings", pd.DataFrame({"name": ["organisation"]}))
    with pytest.raises(TableError, match="day 1"):
        put(workspace, "settings", pd.DataFrame({"name": ["start"], "value": ["soon"]}))
    put(workspace, "settings", pd.DataFrame({"name": ["start"], "value": ["2027-01-04"]}))
    assert Workspace.open(workspace.folder).start == dt.date(2027, 1, 4)


def test_history_says_who_when_and_what_was_before(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1), by="facilitator")
    put(workspace, "tasks", tasks(a=2), by="workflow owner", note="timed it")
    put(workspace, "tasks", tasks(a=2), by="nobody changes anything")
    kept = workspace.history("tasks")
    assert list(kept["action"]) == ["insert", "update"]
    assert list(kept["by"]) == ["facilitator", "workflow owner"]
    last = kept.iloc[-1]
    assert json.loads(last["key"]) == {"team": "content", "task_id": "a"}
    assert (json.loads(last["before"])["minutes_per_run"], json.loads(last["after"])["minutes_per_run"]) == (1.0, 2.0)
    assert abs(last["at"] - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=5)
    assert str(kept["at"].dtype) == "datetime64[us, UTC]"
    assert len(workspace.history(team="content")) == 3


def test_an_append_keeps_stored_rows_and_writes_one_history_row(workspace):
    put(workspace, "teams", teams("Content"))
    assert put(workspace, "events", events(range(1, 1001))) == (1000, 0, 0)
    again = events(range(999, 1003)).assign(activity="edited")
    assert put(workspace, "events", again) == (2, 0, 2)
    read = workspace.read("events").set_index("row")["activity"]
    assert (read[999], read[1001]) == ("published", "edited")
    kept = workspace.history("events")
    assert list(kept["action"]) == ["append", "append"]
    assert list(kept["rows"]) == [1000, 2]
    assert json.loads(kept["key"][0]) == {"team": "content", "import_id": "a1", "part": 1}
    with workspace.change() as change:
        assert change.remove("events", workspace_rows := workspace.read("events")) == 1002
    assert len(workspace_rows) == 1002
    assert list(workspace.history("events")["rows"])[-1] == 1002


def test_a_blank_role_is_refused(workspace):
    with pytest.raises(ParameterError, match="by"), workspace.change(by=" "):
        pass


def test_the_pseudonym_key_is_in_no_table_history_or_text(workspace):
    shown = workspace.history().to_csv() + repr(workspace) + workspace.url
    shown += "".join(workspace.read(name).to_csv() for name in tables.STORED)
    assert workspace.pseudonym_key.hex() not in shown
    assert str(workspace.pseudonym_key) not in shown


# --- two people, one row


def test_a_row_changed_since_it_was_read_is_refused_with_both_values(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1, b=1))
    mine, theirs = workspace.read("tasks", revisions=True), workspace.read("tasks", revisions=True)
    put(workspace, "tasks", theirs.assign(minutes_per_run=[5.0, 1.0]), by="pod lead")
    with pytest.raises(ConflictError, match=r"minutes_per_run yours 7\.0, stored 5\.0 \(changed by pod lead") as caught:
        put(workspace, "tasks", mine.assign(minutes_per_run=[7.0, 9.0]))
    assert len(caught.value.conflicts) == 1
    assert list(workspace.read("tasks")["minutes_per_run"]) == [5.0, 1.0]
    assert put(workspace, "tasks", mine.iloc[[1]].assign(minutes_per_run=9.0)) == (0, 1, 0)


def test_a_new_row_and_a_removed_row_conflict_too(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1))
    read = workspace.read("tasks", revisions=True)
    with pytest.raises(ConflictError, match="yours 2"):
        put(workspace, "tasks", tasks(a=2).assign(revision=pd.NA))
    put(workspace, "tasks", tasks(a=3))
    with pytest.raises(ConflictError, match="task_id a"), workspace.change() as change:
        change.remove("tasks", read)
    with workspace.change() as change:
        change.remove("tasks", tasks(a=3))
    with pytest.raises(ConflictError, match="removed"):
        put(workspace, "tasks", read)
    put(workspace, "tasks", tasks(a=8))  # a row that came back is not the row that was read
    with pytest.raises(ConflictError, match="stored 8"):
        put(workspace, "tasks", read)


def test_two_people_who_write_the_same_do_not_conflict(workspace):
    put(workspace, "teams", teams("Content"))
    put(workspace, "tasks", tasks(a=1))
    read = workspace.read("tasks", revisions=True)
    put(workspace, "tasks", tasks(a=2))
    assert put(workspace, "tasks", read.assign(minutes_per_run=2.0)) == (0, 0, 1)


def test_a_revision_that_is_no_number_is_refused(workspace):
    put(workspace, "teams", teams("Content"))
    with pytest.raises(TableError, match="revision"):
        put(workspace, "tasks", tasks(a=1).assign(revision="newest"))


# --- fingerprints


def test_a_fingerprint_follows_the_content_and_nothing_else(workspace):
    put(workspace, "teams", teams("Content", "Social"))
    put(workspace, "tasks", tasks(a=1, b=2))
    first = workspace.fingerprint(["tasks", "teams"], "content")
    assert workspace.fingerprint(["teams", "tasks"], "content") == first
    put(workspace, "tasks", tasks(team="social", a=1))
    assert workspace.fingerprint(["tasks", "teams"], "content") == first
    put(workspace, "tasks", tasks(b=3))
    second = workspace.fingerprint(["tasks", "teams"], "content")
    assert second != first
    put(workspace, "tasks", tasks(b=2))
    assert workspace.fingerprint(["tasks", "teams"], "content") == first
    with workspace.change() as change:
        change.remove("tasks", tasks(a=1))
    assert workspace.fingerprint(["tasks", "teams"], "content") not in (first, second)


@pytest.mark.postgres
def test_a_fingerprint_is_the_same_on_both_databases_and_in_another_process(tmp_path, postgres_url):
    database = f"{postgres_url}?schema=fingerprint"
    sqlite = Workspace.create(tmp_path / "a", organisation="Acme", start=START)
    server = Workspace.create(tmp_path / "b", organisation="Acme", start=START, database=database)
    reading = pd.DataFrame(
        {"team": "größe", "kpi": ["ä", "Z", "a"], "start": "2026-10-01", "days": 31, "value": [-0.0, 1e-9, 1 / 3]}
    )
    for workspace, rows in ((sqlite, reading), (server, reading[::-1])):
        put(workspace, "teams", teams("Größe"))
        put(workspace, "events", events(range(3), team="größe").assign(row=[3, 1, 2]))
        put(workspace, "readings", rows)
    prints = {workspace.fingerprint(["events", "readings"], "größe") for workspace in (sqlite, server)}
    code = (
        "import sys; from playbook.io.workspace import Workspace;"
        "print(Workspace.open(sys.argv[1]).fingerprint(['readings', 'events'], 'größe'))"
    )
    prints |= {child(code, workspace.folder).communicate(timeout=60)[0].strip() for workspace in (sqlite, server)}
    assert len(prints) == 1


# --- any typed frame survives

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC))  # noqa: DTZ001
READINGS = st.lists(
    st.fixed_dictionaries(
        {
            "team": st.just("content"),
            "kpi": TEXT.filter(lambda text: text.strip()),
            "start": DAYS,
            "days": st.integers(1, 366),
            "value": NUMBERS,
            "low": st.none() | NUMBERS,
            "n": st.none() | st.integers(0, MOST_ROWS),
        }
    ),
    max_size=8,
    unique_by=lambda row: (row["kpi"].strip(), row["start"]),
)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "team": st.just("content"),
            "import_id": st.just("i"),
            "row": st.integers(1, MOST_ROWS),
            "case": TEXT.filter(lambda text: text.strip()),
            "activity": st.just("x"),
            "timestamp": MOMENTS,
            "resource": st.none() | st.just("p"),
        }
    ),
    max_size=8,
    unique_by=lambda row: row["row"],
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=READINGS, log=EVENTS)
def test_any_typed_frame_is_read_back_as_it_was_put(workspace, readings, log):
    with workspace.change() as change:
        change.put("teams", teams("Content"))
    for table, rows in ((tables.READINGS, readings), (tables.EVENTS, log)):
        frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(table.columns))
        typed = tables.check(table, frame)
        put(workspace, table.name, typed)
        wanted = typed.sort_values(list(table.key)).reset_index(drop=True)
        read = workspace.read(table.name)
        assert_frame_equal(read, wanted, check_index_type=False, check_exact=True)
        with workspace.change() as change:
            assert change.remove(table.name, read) == len(rows)


# --- what a team may be called


@pytest.mark.parametrize(
    ("name", "team"),
    [
        ("Content", "content"),
        ("  Größe  7 ", "größe-7"),
        ("e\u0301quipe", "équipe"),
        ("マーケ 部", "マーケ-部"),
        ("हिन्दी", "हिन्दी"),
        ("a_b-c", "a_b-c"),
    ],
)
def test_a_team_name_of_any_script_becomes_an_id(name, team):
    assert team_id_of(name) == team


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "../x",
        "a/b",
        "a\\b",
        "a;rm -rf",
        "$(x)",
        "`x`",
        "a\nb",
        "a\x00",
        "-x",
        "_x",
        ".",
        "x" * 64,
        "a.b",
        "a\u202eb",
        "a\u00a0b",
    ],
)
def test_a_team_name_with_anything_else_is_refused(name):
    with pytest.raises(ParameterError, match="wanted 1 to 63 letters"):
        team_id_of(name)


@given(st.text(max_size=70))
def test_every_accepted_team_name_makes_an_id_the_tables_accept(name):
    try:
        team = team_id_of(name)
    except ParameterError:
        return
    assert team_id_of(team) == team
    tables.check(tables.TEAMS, pd.DataFrame({"team": [team], "name": ["x"]}))
    assert Path(team).name == team


# --- many at once

# each waits a moment between changes, as people do: SQLite gives its lock to who asks first, not to who waits longest
WRITER = """
import sys, time, pandas as pd
from playbook.io.workspace import Workspace
place, who, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
workspace = Workspace.open(place)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    with workspace.change(by=who) as change:
        change.put("progress", pd.DataFrame({"team": ["content"], "activity": [f"{who}-{number}"], "status": ["done"]}))
    print(number, flush=True)
    time.sleep(0.005)
"""


@pytest.mark.slow
def test_two_processes_writing_two_hundred_changes_each_at_the_same_time_lose_none(workspace):
    put(workspace, "teams", teams("Content"))
    writers = [child(WRITER, workspace.folder, who, 200, stdin=subprocess.PIPE) for who in ("left", "right")]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    go(writers)  # only now: neither is still starting while the other writes
    for writer in writers:
        said, _ = writer.communicate(timeout=200)
        assert writer.returncode == 0
        assert said.split()[-1] == "199"
    kept = workspace.read("progress", revisions=True)
    assert len(kept) == kept["revision"].nunique() == 400
    history = workspace.history("progress")["by"]
    assert history.value_counts().to_dict() == {"left": 200, "right": 200}
    assert set(history[:200]) == {"left", "right"}, "they took turns: neither had ended before the other began"


def test_a_killed_writer_leaves_every_committed_change(workspace):
    put(workspace, "teams", teams("Content"))
    writer = child(WRITER, workspace.folder, "killed", 100_000, stdin=subprocess.PIPE)
    assert writer.stdout.readline() == "ready\n"
    go([writer])
    committed = [int(writer.stdout.readline()) for _ in range(25)]
    os.kill(writer.pid, signal.SIGKILL)
    committed += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait(timeout=30)
    writer.stdout.close()
    writer.stdin.close()
    again = Workspace.open(workspace.folder)
    kept = {int(activity.split("-")[1]) for activity in again.read("progress")["activity"]}
    assert kept >= set(committed)
    assert kept <= {*committed, committed[-1] + 1}  # the last commit may not have been reported any more
    assert len(again.history("progress")) == len(kept)
    assert (
        put(again, "progress", pd.DataFrame({"team": ["content"], "activity": ["after"], "status": ["done"]}))[0] == 1
    )


def test_a_process_forks_between_calls_and_both_go_on(workspace):
    put(workspace, "teams", teams("Content"))
    pid = os.fork()
    if pid == 0:
        try:
            put(workspace, "tasks", tasks(child=1))
        finally:
            os._exit(0)
    put(workspace, "tasks", tasks(parent=1))
    os.waitpid(pid, 0)
    assert set(workspace.read("tasks")["task_id"]) == {"child", "parent"}


def test_readers_do_not_wait_for_a_writer_and_see_no_half(workspace):
    put(workspace, "teams", teams("Content"))
    with workspace.change() as change:
        change.put("tasks", tasks(a=1))
        assert workspace.read("tasks").empty
        assert len(change.read("tasks", "content")) == 1
    assert len(workspace.read("tasks")) == 1


def test_a_writer_that_waits_too_long_is_told_so(workspace):
    put(workspace, "teams", teams("Content"))
    hasty = Workspace.open(workspace.folder, busy_seconds=0.2)
    with workspace.change() as change:
        change.put("tasks", tasks(a=1))
        with pytest.raises(WorkspaceBusyError, match="try again"):
            put(hasty, "tasks", tasks(b=1))
    assert put(hasty, "tasks", tasks(b=1)) == (1, 0, 0)


def test_a_waiting_writer_gets_its_turn(workspace):
    put(workspace, "teams", teams("Content"))
    done = []
    with workspace.change() as change:
        second = threading.Thread(target=lambda: done.append(put(workspace, "tasks", tasks(b=1))))
        second.start()
        change.put("tasks", tasks(a=1))
    second.join(timeout=60)
    assert done == [(1, 0, 0)]
    assert len(workspace.read("tasks")) == 2


# --- databases that are gone, spoiled, full


def test_a_deleted_file_is_said_to_be_gone_and_not_made_anew(tmp_workspace):
    file = tmp_workspace.folder / "workspace.sqlite"
    file.unlink()
    with pytest.raises(WorkspaceNotFoundError, match=r"workspace\.sqlite is gone"):
        tmp_workspace.teams()
    with pytest.raises(WorkspaceNotFoundError, match=r"workspace\.sqlite is gone"):
        Workspace.open(tmp_workspace.folder)
    assert not file.exists()


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_workspace):
    file = tmp_workspace.folder / "workspace.sqlite"
    file.write_bytes(b"no database" * 500)
    with pytest.raises(WorkspaceError, match=r"workspace\.sqlite.* is not a workspace's database"):
        Workspace.open(tmp_workspace.folder)
    assert file.read_bytes() == b"no database" * 500


def test_another_programs_database_is_not_touched(tmp_path):
    file = tmp_path / "workspace.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = file.read_bytes()
    with pytest.raises(WorkspaceError, match="no workspace"):
        Workspace.open(tmp_path)
    assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_file_can_be_read_and_says_that_it_cannot_be_written(tmp_workspace):
    (tmp_workspace.folder / "workspace.sqlite").chmod(0o400)
    with pytest.raises(WorkspaceError, match="permissions"):
        put(tmp_workspace, "teams", teams("Content"))


@pytest.mark.postgres
def test_a_server_that_does_not_answer_and_a_database_that_is_not_there(postgres_url):
    with pytest.raises(WorkspaceBusyError, match="does not answer"):
        Workspace.open("postgresql://playbook@127.0.0.1:1/postgres?schema=x")
    with pytest.raises(WorkspaceNotFoundError, match="nowhere"):
        Workspace.open(postgres_url.replace("/postgres", "/nowhere") + "?schema=x")
    with pytest.raises(WorkspaceNotFoundError, match="no workspace at"):
        Workspace.open(postgres_url + "?schema=x")


@pytest.mark.postgres
def test_a_connection_that_breaks_in_the_middle_of_a_change_keeps_nothing(tmp_path, postgres_url):
    workspace = Workspace.create(tmp_path, organisation="Acme", start=START, database=f"{postgres_url}?schema=broken")
    put(workspace, "teams", teams("Content"))
    server = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    refused = pytest.raises(WorkspaceBusyError, match="nothing of this change was kept")
    with refused, workspace.change() as change:
        change.put("tasks", tasks(a=1))
        with server.connect() as other:
            other.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 28738"
                )
            )
        change.put("tasks", tasks(b=1))
    server.dispose()
    assert workspace.read("tasks").empty
    assert put(workspace, "tasks", tasks(a=1)) == (1, 0, 0)


def test_a_full_disk_changes_nothing(tmp_workspace):
    put(tmp_workspace, "teams", teams("Content"))
    put(tmp_workspace, "tasks", tasks(a=1))

    # SQLite itself then refuses to grow the file, with the error a full disk gives
    def full(raw, _record):
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages + 2}")

    sa.event.listen(tmp_workspace._engine, "connect", full)
    with pytest.raises(WorkspaceError, match=r"disk .* is full; nothing was changed"):
        put(tmp_workspace, "events", events(range(1, 5001)))
    sa.event.remove(tmp_workspace._engine, "connect", full)
    assert tmp_workspace.read("events").empty
    assert len(tmp_workspace.read("tasks")) == 1
    assert put(tmp_workspace, "events", events(range(1, 5001))) == (5000, 0, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_really_full_disk_changes_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "playbook-test", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this machine mounts no small disk: {mounted.stderr.decode().strip()}")
    try:
        workspace = Workspace.create(disk / "w", organisation="Acme", start=START)
        put(workspace, "teams", teams("Content"))
        with pytest.raises(WorkspaceError, match=r"disk .* is full; nothing was changed"):
            put(workspace, "events", events(range(1, 50_001)))
        assert workspace.read("events").empty
        (disk / "filler").write_bytes(b"x" * (disk_left(disk) - 8192))
        with pytest.raises(WorkspaceError):
            Workspace.create(disk / "second", organisation="Acme", start=START)
        assert not (disk / "second").exists()
        (disk / "filler").unlink()
        assert put(workspace, "tasks", tasks(a=1)) == (1, 0, 0)
    finally:
        subprocess.run(["umount", disk], check=True)


def disk_left(folder):
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


# --- versions


def test_the_frozen_first_workspace_opens_with_nothing_lost(tmp_path):
    folder = rebuilt(tmp_path / "old")
    before = everything(folder / "workspace.sqlite")
    workspace = Workspace.open(folder)
    after = everything(folder / "workspace.sqlite")
    assert after.pop("alembic_version") == [{"version_num": schema.VERSION}]
    assert before.pop("alembic_version") == [{"version_num": "0001"}]
    # every row of before is there, each cell as it was; a newer version only adds columns
    for name, rows in before.items():
        assert [{column: row[column] for column in old} for old, row in zip(rows, after[name], strict=True)] == rows
    assert sum(len(rows) for rows in before.values()) == 40
    assert workspace.organisation == "Nordlicht Käse (made up)"
    assert workspace.made_up
    assert list(workspace.history()["rows"])[-8:-6] == [3, 1]
    assert workspace.history()["note"].isna().all()
    for name in tables.STORED:
        tables.check(tables.STORED[name], workspace.read(name))


def test_an_older_role_proposal_opens_without_a_day_of_consultation_and_takes_one(tmp_path):
    folder = rebuilt(tmp_path / "old")
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as connection, connection:
        (team,) = connection.execute("SELECT min(team) FROM teams").fetchone()
        connection.execute(
            "INSERT INTO role_proposals (team, role, new_role, status, revision) VALUES (?, 'Editor', 'QA editor', ?, 1)",
            (team, "agreed"),
        )
    workspace = Workspace.open(folder)
    old = workspace.read("role_proposals")
    assert len(old) == 1
    assert old["consulted_on"].isna().all()
    assert put(workspace, "role_proposals", old.assign(consulted_on="2026-11-12")) == (0, 1, 0)
    assert list(workspace.read("role_proposals")["consulted_on"]) == [pd.Timestamp("2026-11-12")]
    assert workspace.read("reviews").empty
    held = pd.DataFrame({"team": old["team"], "day": ["2026-11-06"], "escalations": [10**6]})
    assert put(workspace, "reviews", held) == (1, 0, 0)
    assert list(Workspace.open(workspace.folder).read("reviews")["escalations"]) == [10**6]


@pytest.mark.parametrize("version", schema.VERSIONS[:-1])
def test_a_workspace_of_any_older_version_is_brought_to_the_newest(tmp_path, version, database, monkeypatch):
    real = migrate
    with monkeypatch.context() as patch:
        patch.setattr("playbook.io.workspace.make.migrate", lambda connection: real(connection, version))
        patch.setattr("playbook.io.workspace.history.keep", lambda *_: None)  # 0001's history has no note
        Workspace.create(tmp_path / "w", organisation="Acme", start=START, database=database)
    workspace = Workspace.open(tmp_path / "w")
    put(workspace, "teams", teams("Content"))
    held = pd.DataFrame({"team": ["content"], "day": ["2026-11-06"]})
    proposal = pd.DataFrame(
        {"team": ["content"], "role": ["Editor"], "new_role": ["QA editor"], "consulted_on": ["2026-11-05"]}
    )
    assert put(workspace, "reviews", held) == put(workspace, "role_proposals", proposal) == (1, 0, 0)


def test_a_copy_of_an_older_workspace_is_kept_beside_it(tmp_path):
    folder = rebuilt(tmp_path / "old")
    before = everything(folder / "workspace.sqlite")
    Workspace.open(folder)
    copies = list(folder.glob("workspace.sqlite.version-0001-*.backup"))
    assert len(copies) == 1
    assert everything(copies[0]) == before
    Workspace.open(folder)
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("workspace.sqlite")) == [
        "workspace.toml"
    ]
    assert len(list(folder.glob("*.backup"))) == 1


def test_a_migration_that_fails_leaves_the_older_workspace(tmp_path, monkeypatch):
    folder = rebuilt(tmp_path / "old")
    before = everything(folder / "workspace.sqlite")

    def broken(connection):
        migrate(connection)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("playbook.io.workspace.upgrade.migrate", broken)
    with pytest.raises(WorkspaceError, match="full"):
        Workspace.open(folder)
    assert everything(folder / "workspace.sqlite") == before
    monkeypatch.undo()
    assert Workspace.open(folder).made_up


def test_two_processes_that_open_an_older_workspace_migrate_it_once(tmp_path):
    folder = rebuilt(tmp_path / "old")
    code = (
        "import sys; from playbook.io.workspace import Workspace; import alembic.command; print('ready', flush=True);"
        "sys.stdin.readline(); print(len(Workspace.open(sys.argv[1]).history()))"
    )
    openers = [child(code, folder, stdin=subprocess.PIPE) for _ in range(2)]
    for opener in openers:
        assert opener.stdout.readline() == "ready\n"
    go(openers)
    assert [opener.communicate(timeout=60)[0].strip() for opener in openers] == ["20"] * 2
    assert len(list(folder.glob("*.backup"))) == 1


def shape(engine):
    """What a database says of its tables: columns, keys, references and indexes."""
    look = sa.inspect(engine)
    said = {}
    for name in look.get_table_names():
        columns = {column["name"]: (str(column["type"]), column["nullable"]) for column in look.get_columns(name)}
        references = [(key["name"], key["referred_table"], key["options"]) for key in look.get_foreign_keys(name)]
        indexes = sorted((index["name"], tuple(index["column_names"])) for index in look.get_indexes(name))
        said[name] = (columns, look.get_pk_constraint(name), references, indexes)
    said.pop("alembic_version", None)
    return said


def test_the_migrated_database_is_the_one_the_data_dictionary_declares(workspace, tmp_path, database, request):
    if database is None:
        fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    else:
        url = request.getfixturevalue("postgres_url").replace("postgresql:", "postgresql+psycopg:")
        fresh = sa.create_engine(url, connect_args={"options": "-c search_path=declared"})
        with fresh.begin() as connection:
            connection.execute(sa.schema.CreateSchema("declared"))
    schema.METADATA.create_all(fresh)
    migrated, wanted = shape(workspace._engine), shape(fresh)
    fresh.dispose()
    for name in wanted:
        assert migrated[name] == wanted[name], name
    assert migrated.keys() == wanted.keys()


@pytest.mark.postgres
def test_an_older_workspace_on_postgresql_is_migrated_too(tmp_path, postgres_url, monkeypatch):
    real = migrate
    with monkeypatch.context() as patch:
        patch.setattr("playbook.io.workspace.make.migrate", lambda connection: real(connection, "0001"))
        patch.setattr("playbook.io.workspace.history.keep", lambda *_: None)  # 0001's history has no note
        Workspace.create(tmp_path, organisation="Acme", start=START, database=f"{postgres_url}?schema=older")
    workspace = Workspace.open(tmp_path)
    assert put(workspace, "teams", teams("Content"), note="after") == (1, 0, 0)
    assert list(workspace.history()["note"]) == ["after"]


def test_the_versions_the_kit_names_are_the_migrations_it_has():
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS))
    assert tuple(found.revision for found in reversed(list(script.walk_revisions()))) == schema.VERSIONS
    assert script.get_current_head() == schema.VERSION


def test_a_workspace_of_a_newer_kit_is_left_alone(workspace):
    with writing(workspace._engine, workspace._place) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(WorkspaceVersionError, match=r"version 0999.*install a newer transition-playbook"):
        Workspace.open(workspace.folder)


def test_a_workspace_toml_of_a_newer_kit_is_left_alone(tmp_workspace):
    file = tmp_workspace.folder / "workspace.toml"
    file.write_text(re.sub("format = 1", "format = 2", file.read_text()))
    with pytest.raises(WorkspaceVersionError, match="format 2"):
        Workspace.open(tmp_workspace.folder)


# --- size


@pytest.mark.slow
def test_forty_thousand_events_are_kept_in_seconds(workspace):
    put(workspace, "teams", teams("Content"))
    start = dt.datetime.now(dt.UTC)
    assert put(workspace, "events", events(range(1, 40_001))) == (40_000, 0, 0)
    assert dt.datetime.now(dt.UTC) - start < dt.timedelta(seconds=24)  # 2 s on a quiet machine
    assert len(workspace.read("events")) == 40_000
    assert len(workspace.history("events")) == 1


def test_what_a_put_says_can_be_handed_on():
    from playbook.io.workspace import Counts

    assert pickle.loads(pickle.dumps(Counts(1, 2, 3))) == (1, 2, 3)
