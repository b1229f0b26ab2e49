"""The run log: whoever changes, adds or takes away a line is found out, and a crash is not taken for tampering."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import NOON

from playbook.agents.log import Log, LogError, MemoryLines, open_log
from playbook.agents.records import MemoryRecords


def a_log(entries=4, records=None, lines=None):
    log = Log(records or MemoryRecords(), "weekly-report", lines or MemoryLines(), lambda: NOON)
    for number in range(entries):
        with log.records.change("") as change:
            log.append(change, event="step", number=number)
    return log


def test_a_log_as_it_was_written_has_no_fault_and_is_read_back():
    log = a_log()
    check = log.verify()
    assert (check.entries, check.recovered, check.faults) == (4, 0, ())
    assert [entry["number"] for entry in log.entries()] == [0, 1, 2, 3]


def test_a_changed_inserted_dropped_or_swapped_line_is_found_with_its_place():
    log = a_log()
    first, second, third, fourth = log.lines.text().splitlines(keepends=True)
    for lines, place in (
        ([first, second.replace(b'"number":1', b'"number":7'), third, fourth], "entry 2 was changed"),
        ([first, first, second, third, fourth], "entry 2 does not follow"),
        ([first, third, fourth], "entry 2 does not follow"),
        ([first, third, second, fourth], "entry 2 does not follow"),
        ([first, b"{}\n", second, third, fourth], "entry 2"),
        ([first, second.replace(b'{"', b'{ "', 1), third, fourth], "entry 2"),
        ([first, second], "it has 2 entries, and 4 were written"),
        ([], "it has 0 entries, and 4 were written"),
    ):
        log.lines.kept = b"".join(lines)
        assert place in " ".join(log.verify().faults), lines


@given(st.data())
def test_any_changed_byte_is_found(data):
    log = a_log(3)
    text = log.lines.text()
    place = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != text[place]))
    log.lines.kept = text[:place] + bytes([byte]) + text[place + 1 :]
    assert log.verify().faults


@given(st.integers(0, 10**4))
def test_any_truncation_is_found(size):
    log = a_log(3)
    log.lines.kept = log.lines.text()[: size % len(log.lines.text())]
    assert log.verify().faults


def test_a_line_written_before_its_anchor_is_recovered_after_a_crash():
    records, lines = MemoryRecords(), MemoryLines()
    log = a_log(2, records, lines)

    def dies_between_the_line_and_its_anchor():
        with records.change("") as change:
            log.append(change, event="step", number=2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies_between_the_line_and_its_anchor()
    again = Log(records, "weekly-report", lines, lambda: NOON)
    assert (again.verify().recovered, again.verify().faults) == (1, ())
    with records.change("") as change:
        again.append(change, event="step", number=3)
    assert [entry["number"] for entry in again.entries()] == [0, 1, 2, 3]
    assert again.verify().recovered == 0


def test_a_torn_last_line_past_the_anchor_is_cut_off():
    log = a_log(2)
    log.lines.kept += b'{"seq":3,"at":"2026'
    assert log.verify().faults == ()
    with log.records.change("") as change:
        log.append(change, event="step", number=2)
    assert [entry["number"] for entry in log.entries()] == [0, 1, 2]


def test_nobody_without_the_workspaces_secret_can_write_a_line_that_looks_recovered():
    log = a_log(2)
    forger = Log(MemoryRecords(key=b"a guess"), "weekly-report", MemoryLines(log.lines.text()), lambda: NOON)
    forger._seen = log.verify()
    with forger.records.change("") as change:
        forger.append(change, event="step", number=2)
    log.lines.kept = forger.lines.text()
    assert log.verify().faults == ("entry 3 was changed",)


def test_the_log_of_another_agent_is_no_replacement():
    records = MemoryRecords()
    mine, other = a_log(2, records), Log(records, "other", MemoryLines(), lambda: NOON)
    mine_text = mine.lines.text()
    with records.change("") as change:
        other.append(change, event="step", number=0)
    other.lines.kept = mine_text.splitlines(keepends=True)[0]
    assert other.verify().faults


def test_no_line_is_added_to_a_log_that_was_tampered_with(tmp_path):
    records = MemoryRecords()
    log = a_log(0, records, open_log(records, tmp_path, "weekly-report").lines)
    with records.change("") as change:
        log.append(change, event="step", number=0)
    log.lines.path.write_bytes(log.lines.text().replace(b'"number":0', b'"number":10'))
    with (
        pytest.raises(LogError, match="the run log of weekly-report is not what was written"),
        records.change("") as change,
    ):
        log.append(change, event="step", number=1)
    old = log.set_aside("the analyst edited it by mistake", "Editor")
    (entry,) = log.entries()
    assert (entry["event"], entry["before"], entry["by_role"]) == ("set aside", old, "Editor")
    assert json.loads(log.lines.text())["seq"] == 1
