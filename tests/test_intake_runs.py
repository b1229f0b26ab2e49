"""Run logs of agents that a team already has: OpenTelemetry, Langfuse and LangSmith."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from engagement import reconciles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook.errors import IntakeError, PlaybookError
from playbook.io.exports import rejects_workbook
from playbook.io.intake import FORMATS, bring_in
from playbook.io.intake._span_values import UNSAID, error_kind, in_utc, since_1970
from playbook.tables import RUN_SPANS, check

FIXTURES = Path(__file__).parent / "fixtures" / "exports"
TOOLS = ("opentelemetry", "langfuse", "langsmith")
# the person of the fixtures, and words only their prompts, answers and messages hold
PLANTED = ("ingrid", "solheim", "secret words", "dear all", "2201 4455", "intranet.example", "laptop-of", "traceback")
A_RUN = "5b8efff798038103d269b633813fc60c"


def spans(workspace, source):
    found = workspace.read("run_spans", team="content")
    return found[found["source"] == source].set_index("span")


def imported(workspace, folder, name, content, **how):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return bring_in(workspace, path, team="content", **how)


def otlp(*found, service="svc"):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(found)}]}]}


def span(number=1, **said):
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in said.items()]
    return {
        "traceId": A_RUN,
        "spanId": f"{number:016x}",
        "startTimeUnixNano": "1793606400000000000",
        "endTimeUnixNano": "1793606401000000000",
        "attributes": attributes,
    }


# --- what each tool's fields become ---------------------------------------------------------------------------------


def test_an_opentelemetry_trace_becomes_a_run_with_its_model_and_tool_calls(ws):
    summary = bring_in(ws, FIXTURES / "opentelemetry.json", team="content")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("opentelemetry", 7, 5, 2)
    found = spans(ws, "opentelemetry")
    run, chat, tool = (found.loc[f"eee19b7ec3c1b17{n}"] for n in (4, 5, 6))
    assert (run["kind"], run["agent"], run["trace"]) == ("run", "Newsletter drafter", A_RUN)
    assert run["end"] - run["start"] == pd.Timedelta(seconds=42.5)
    assert (chat["kind"], chat["model"], chat["provider"]) == ("model", "claude-sonnet-4", "anthropic")
    assert (chat["input_tokens"], chat["output_tokens"]) == (3100, 840)
    assert (chat["cost_usd"], chat["cost_source"]) == (0.0219, "reported")
    assert (chat["parent"], chat["start"]) == ("eee19b7ec3c1b174", pd.Timestamp("2026-11-02T08:00:02Z"))
    assert (tool["kind"], tool["tool"]) == ("tool", "search_brand_guide")
    assert "spans of other software (no gen_ai attribute) among those passed over: 1" in summary.notes


def test_older_names_of_tokens_and_provider_are_read_and_a_span_without_operation_is_told_by_its_attributes(ws):
    bring_in(ws, FIXTURES / "opentelemetry.json", team="content")
    chat = spans(ws, "opentelemetry").loc["aa01000000000002"]
    assert (chat["kind"], chat["provider"]) == ("model", "openai")
    assert (chat["input_tokens"], chat["output_tokens"]) == (512, 0)
    assert pd.isna(chat["cost_usd"])
    assert pd.isna(chat["cost_source"])


def test_a_run_without_an_agents_name_is_the_service_that_ran_it(ws):
    bring_in(ws, FIXTURES / "opentelemetry.json", team="content")
    assert spans(ws, "opentelemetry").loc["aa01000000000001", "agent"] == "ad-copy-service"


def test_json_lines_of_documents_are_the_same_spans_and_add_nothing_twice(ws):
    first = bring_in(ws, FIXTURES / "opentelemetry.json", team="content")
    second = bring_in(ws, FIXTURES / "opentelemetry.jsonl", team="content")
    assert (second.stored, second.duplicates, second.rejected) == (0, first.stored, first.rejected)


def test_a_langfuse_observation_is_told_by_its_type_and_time_is_end_less_start_whatever_latency_says(ws):
    summary = bring_in(ws, FIXTURES / "langfuse.json", team="content")
    assert (summary.rows_read, summary.stored, summary.rejected) == (7, 5, 2)
    found = spans(ws, "langfuse")
    root = "6f1d2c3b-0a4e-4c58-9d2e-7b8a9c0d1e0"
    run, generation, tool, event = (found.loc[f"{root}{n}"] for n in (1, 2, 3, 4))
    assert (run["kind"], run["agent"]) == ("run", "Social scheduler")
    # the fixture says latency 20 on one and 8500 on the other: seconds before, milliseconds after the change
    assert run["end"] - run["start"] == pd.Timedelta(seconds=20)
    assert generation["end"] - generation["start"] == pd.Timedelta(seconds=8.5)
    assert (generation["kind"], generation["model"], generation["cost_usd"]) == ("model", "gpt-4o", 0.0032)
    assert generation["input_tokens"] == 400 + 500  # what was read from the cache was sent as well
    assert generation["output_tokens"] == 120
    assert pd.isna(generation["agent"])
    assert (tool["kind"], tool["tool"], tool["status"]) == ("tool", "queue_post", "ok")  # a warning is no error
    assert (event["kind"], event["parent"]) == ("other", run.name)
    assert pd.isna(event["end"])


def test_langfuses_csv_has_other_names_of_the_same_fields_and_times_without_a_zone_are_utc(ws):
    summary = bring_in(ws, FIXTURES / "langfuse.csv", team="content", timezone="America/New_York")
    assert (summary.rows_read, summary.stored, summary.rejected) == (3, 2, 1)
    found = spans(ws, "langfuse")
    call = found.loc["6f1d2c3b-0a4e-4c58-9d2e-7b8a9c0d1e12"]
    assert call["start"] == pd.Timestamp("2026-11-06T07:00:01Z")
    assert (call["model"], call["input_tokens"], call["cost_usd"]) == ("gemini-2.0-flash", 700, 0.0011)
    assert (call["status"], call["error"]) == ("error", "rate limit")
    assert found.loc[call["parent"], "agent"] == "Ad copy agent"


def test_older_langfuse_fields_are_read_and_usage_in_other_units_is_no_tokens(ws, tmp_path):
    said = {"traceId": "a" * 32, "type": "GENERATION", "startTime": "2026-01-05T10:00:00Z"}
    one = {**said, "id": "1" * 16, "promptTokens": 7, "completionTokens": 2, "calculatedTotalCost": 0.5}
    two = {**said, "id": "2" * 16, "usage": {"promptTokens": 5, "completionTokens": 1}}
    three = {**said, "id": "3" * 16, "usage": {"input": 900, "output": 40, "unit": "CHARACTERS"}}
    imported(ws, tmp_path, "old.json", [one, two, three])
    found = spans(ws, "langfuse")
    assert found["input_tokens"].tolist()[:2] == [7, 5]
    assert found["output_tokens"].tolist()[:2] == [2, 1]
    assert found["cost_usd"].tolist()[0] == 0.5
    assert found[["input_tokens", "output_tokens"]].iloc[2].isna().all()


def test_langsmith_runs_keep_their_tree_and_a_chain_keeps_the_tokens_its_calls_repeat(ws):
    summary = bring_in(ws, FIXTURES / "langsmith.jsonl", team="content")
    assert (summary.format, summary.rows_read, summary.stored, summary.rejected) == ("langsmith", 6, 4, 2)
    found = spans(ws, "langsmith")
    run, call, tool, prompt = (found.loc[f"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c0{n}"] for n in (1, 2, 3, 4))
    assert (run["kind"], run["agent"], run["input_tokens"]) == ("run", "Report writer", 2200)
    assert (call["kind"], call["model"], call["provider"], call["cost_usd"]) == ("model", "gpt-4o", "openai", 0.0121)
    assert (tool["tool"], tool["status"], tool["error"]) == ("read_series", "error", "ToolException")
    # a time as a number is milliseconds since 1970: 1 794 204 060 s is 2026-11-09 06:01
    assert (prompt["kind"], prompt["parent"]) == ("other", run.name)
    assert prompt["start"] == pd.Timestamp("2026-11-09T06:01:00Z")


@pytest.mark.parametrize("wrapped", [lambda runs: runs, lambda runs: {"runs": runs}, lambda runs: {"data": runs}])
def test_runs_come_as_a_list_or_inside_an_answer_of_the_tools_api(ws, tmp_path, wrapped):
    lines = (FIXTURES / "langsmith.jsonl").read_text().splitlines()[:4]
    assert imported(ws, tmp_path, "runs.json", wrapped([json.loads(line) for line in lines])).stored == 4


def test_what_is_stored_fits_the_data_dictionary(ws):
    for name in ("opentelemetry.json", "langfuse.json", "langfuse.csv", "langsmith.jsonl"):
        bring_in(ws, FIXTURES / name, team="content")
    found = ws.read("run_spans")
    check(RUN_SPANS, found)
    assert set(found["source"]) == set(TOOLS)
    assert found["reviewer_role"].isna().all()  # no log tells who reviewed; a person's name is never made a role


# --- files of another kind -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"resourceMetrics": []}, "OpenTelemetry metrics"),
        ({"resourceLogs": []}, "OpenTelemetry logs"),
        ({"data": [{"traceID": "a", "spans": []}]}, "Jaeger"),
        ([{"traceId": "a", "id": "b", "localEndpoint": {}}], "Zipkin"),
        (
            [{"id": "a", "sessionId": None, "timestamp": "2026-01-05T10:00:00Z"}],
            "Langfuse traces, .*export observations",
        ),
        ([{"id": "a", "traceId": "b", "dataType": "NUMERIC", "value": 1}], "Langfuse scores"),
        ([{"id": "a", "name": "b", "run_count": 3}], "LangSmith projects"),
    ],
)
def test_another_export_of_the_same_tool_is_refused_with_what_it_is_and_what_to_export(ws, tmp_path, content, words):
    with pytest.raises(IntakeError, match=words):
        imported(ws, tmp_path, "f.json", content)
    assert ws.read("imports").empty


def test_a_trace_without_one_span_of_an_agent_is_refused_with_what_was_found(ws, tmp_path):
    with pytest.raises(IntakeError, match=r"holds 2 spans and none of an agent.*no gen_ai attribute"):
        imported(ws, tmp_path, "f.json", otlp(span(1, **{"http.method": "GET"}), span(2)))


def test_a_file_of_another_tool_is_not_read_as_the_one_named(ws):
    with pytest.raises(IntakeError, match=r"fits no format|no format reads"):
        bring_in(ws, FIXTURES / "langsmith.jsonl", team="content", as_format="langfuse")
    with pytest.raises(IntakeError, match="no format reads"):
        bring_in(ws, FIXTURES / "trello.json", team="content", as_format="opentelemetry")


def test_a_trace_without_spans_says_so(ws, tmp_path):
    with pytest.raises(IntakeError, match="no record"):
        imported(ws, tmp_path, "f.json", {"resourceSpans": []})


# --- broken spans ----------------------------------------------------------------------------------------------------


def test_a_broken_span_is_refused_with_the_reason_and_the_others_stay(ws):
    summary = bring_in(ws, FIXTURES / "opentelemetry.json", team="content")
    said = {(fault.row, fault.column): fault.wanted for fault in summary.faults}
    assert said == {(7, "End"): "a time after its beginning", (8, "OpenTelemetry span"): "a filled cell"}
    assert [fault.column for fault in bring_in(ws, FIXTURES / "langfuse.json", team="content").faults] == [
        "Cost in USD", "Trace id",
    ]  # fmt: skip
    lines = bring_in(ws, FIXTURES / "langsmith.jsonl", team="content")
    assert [(fault.row, fault.column) for fault in lines.faults] == [(5, "Input tokens"), (6, "LangSmith run")]


def test_spans_that_are_no_objects_or_have_no_cell_are_counted_and_refused(ws, tmp_path):
    document = otlp(span(1, **{"gen_ai.operation.name": "chat"}), None, [], 7)
    document["resourceSpans"] += [None, {"scopeSpans": [{"spans": "none"}]}]
    summary = imported(ws, tmp_path, "f.json", document)
    assert (summary.rows_read, summary.stored, summary.rejected) == (6, 1, 5)
    good = {"id": "1" * 16, "traceId": "2" * 32, "type": "SPAN", "startTime": "2026-01-05T10:00:00Z"}
    summary = imported(ws, tmp_path, "g.json", [good, {}, {"id": ""}])
    assert (summary.rows_read, summary.stored, summary.rejected) == (3, 1, 2)


def test_an_id_of_zeros_is_none_and_a_parent_of_zeros_means_the_root(ws, tmp_path):
    root = {**span(1, **{"gen_ai.operation.name": "chat"}), "parentSpanId": "0" * 16}
    summary = imported(ws, tmp_path, "f.json", otlp(root, span(0, **{"gen_ai.operation.name": "chat"})))
    assert (summary.stored, summary.faults[0].found) == (1, "only zeros")
    assert spans(ws, "opentelemetry")["parent"].isna().all()


def test_refused_spans_come_back_corrected(ws, tmp_path):
    bring_in(ws, FIXTURES / "langfuse.csv", team="content")
    book = rejects_workbook(ws, tmp_path / "rejects.xlsx", "content")
    assert "Langfuse observation" in pd.read_excel(book, sheet_name=0).columns
    page = pd.read_excel(book, sheet_name=0, dtype=str)
    page["Start"] = "2026-11-06 07:00:26"
    page.to_csv(tmp_path / "back.csv", index=False)
    back = bring_in(ws, tmp_path / "back.csv", team="content")
    assert (back.format, back.stored) == ("langfuse", 1)
    assert ws.read("rejects").empty
    assert spans(ws, "langfuse").loc["6f1d2c3b-0a4e-4c58-9d2e-7b8a9c0d1e13", "model"] == "gemini-2.0-flash"


def test_a_longer_export_of_the_same_log_adds_only_what_is_new(ws, tmp_path):
    chat = {"gen_ai.operation.name": "chat"}
    imported(ws, tmp_path, "one.json", otlp(span(1, **chat)))
    summary = imported(ws, tmp_path, "two.json", otlp(span(1, **chat), span(2, **chat)))
    assert (summary.stored, summary.duplicates) == (1, 1)


# --- persons and words -----------------------------------------------------------------------------------------------


def stored_bytes(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()


def test_no_prompt_answer_message_or_name_reaches_a_stored_byte(ws):
    for name in ("opentelemetry.json", "opentelemetry.jsonl", "langfuse.json", "langfuse.csv", "langsmith.jsonl"):
        text = (FIXTURES / name).read_text().lower()
        assert "solheim" in text
        assert "secret words" in text
        bring_in(ws, FIXTURES / name, team="content")
    kept = stored_bytes(ws.folder)
    assert [words for words in PLANTED if words.encode() in kept] == []


def test_a_person_planted_in_every_text_attribute_is_gone(ws, tmp_path):
    name, mail, phone = "Zelda Quixmoor", "zelda@quixmoor.example", "+49 4930 551234"
    said = f"{name}, {mail}, {phone}"
    texts = (
        "gen_ai.tool.name", "gen_ai.request.model", "gen_ai.provider.name", "gen_ai.agent.name", "gen_ai.agent.id",
        "gen_ai.agent.description", "gen_ai.conversation.id", "gen_ai.prompt", "gen_ai.completion", "error.type",
        "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.description", "gen_ai.system",
        "gen_ai.usage.input_tokens", "gen_ai.usage.cost", "user.name", "service.name", "gen_ai.tool.call.result",
    )  # fmt: skip
    planted = []
    for number, text in enumerate(texts, start=1):
        one = span(number, **{"gen_ai.operation.name": "chat", "user.id": name, text: said})
        planted.append({**one, "name": said, "status": {"code": 2, "message": said}, "traceState": said})
    for number, field in enumerate(("traceId", "spanId", "parentSpanId", "startTimeUnixNano", "kind"), start=50):
        planted.append({**span(number, **{"gen_ai.operation.name": "chat", "user.id": name}), field: said})
    document = otlp(*planted, service=said)
    assert imported(ws, tmp_path, "otlp.json", document).stored > 15
    for tool, user in (
        ("langfuse.json", {"userId": name}),
        ("langsmith.jsonl", {"extra": {"metadata": {"user_id": name}}}),
    ):
        text = (FIXTURES / tool).read_text()
        rows = json.loads(text)["data"] if tool == "langfuse.json" else [json.loads(t) for t in text.splitlines()[:4]]
        fields = [field for field in {**rows[0], **rows[1], **rows[2]} if field not in ("userId", "extra")]
        every = [
            {**row, **user, "id": f"{number:032x}", field: said}
            for number, (row, field) in enumerate((row, field) for row in rows[:3] for field in fields)
        ]
        assert imported(ws, tmp_path, f"{tool}.json", every).stored > 15
    kept = stored_bytes(ws.folder)
    assert [words for words in ("quixmoor", "zelda", "4930") if words.encode() in kept] == []
    assert b"p_" in kept


def test_an_agents_name_of_a_few_words_is_kept_without_the_persons_of_the_file(ws, tmp_path):
    said = {"gen_ai.operation.name": "invoke_agent", "user.id": "mira"}
    imported(
        ws, tmp_path, "f.json",
        otlp(span(1, **said, **{"gen_ai.agent.name": "Mira drafts the newsletter"}),
             span(2, **said, **{"gen_ai.agent.name": "one two three four five six seven eight nine"})),
    )  # fmt: skip
    names = spans(ws, "opentelemetry")["agent"]
    assert names.iloc[0].startswith("p_")
    assert names.iloc[0].endswith(" drafts the newsletter")
    assert pd.isna(names.iloc[1])


def test_ids_that_somebody_chose_are_pseudonyms_that_still_tell_runs_apart(ws):
    bring_in(ws, FIXTURES / "langfuse.json", team="content")
    found = spans(ws, "langfuse")
    chosen = found[found["trace"].str.startswith("p_")]
    assert len(chosen) == 1
    assert chosen.index[0] != chosen.iloc[0]["trace"]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Error code: 429 - Ben Lund has used up the quota", "rate limit"),
        ("openai.APITimeoutError('Request timed out for Ben')", "timeout"),
        ("KeyError: 'Ben Lund'", "KeyError"),
        ("my.module.AdCopyFailure(Ben Lund)", "AdCopyFailure"),
        ("Ben Lund was here", UNSAID),
        ("", UNSAID),
        (None, UNSAID),
        ({"who": "Ben Lund"}, UNSAID),
    ],
)
def test_of_an_error_only_its_kind_is_kept(message, kind):
    assert error_kind(message) == kind


def test_times_are_read_in_the_units_the_tools_write():
    assert since_1970("1793606400123456789", 10**9) == "2026-11-02T08:00:00.123457+00:00"
    assert since_1970("soon", 10**9) == "soon"
    assert since_1970("9" * 20, 1) == "9" * 20
    assert in_utc("2026-11-02 08:00:00.5") == "2026-11-02 08:00:00.5Z"
    assert in_utc("2026-11-02T08:00:00+02:00") == "2026-11-02T08:00:00+02:00"
    assert in_utc(None) is None


# --- laws ------------------------------------------------------------------------------------------------------------

SAMPLES = {
    "opentelemetry": ["spanId", "traceId", "parentSpanId", "attributes", "status", "events", "startTimeUnixNano",
                      "endTimeUnixNano", "resourceSpans", "scopeSpans", "spans", "resource", "key", "value", "code"],
    "langfuse": ["id", "traceId", "parentObservationId", "type", "name", "startTime", "endTime", "level", "usage",
                 "usageDetails", "costDetails", "statusMessage", "userId", "data", "input", "unit", "total"],
    "langsmith": ["id", "trace_id", "parent_run_id", "parent_run_ids", "run_type", "name", "start_time", "end_time",
                  "error", "extra", "metadata", "prompt_tokens", "total_cost", "runs", "status", "user_id"],
}  # fmt: skip
ATOM = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["2026-03-02T08:00:00Z", "1793606400000000000", "a" * 16, "chat", "GENERATION", "llm", "ERROR",
                     "gen_ai.operation.name", "Anna Berg", "a@example.com", "1e999", "\ud800", "\x00", "-1", 2, "0"]),
)  # fmt: skip
often = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def nested(name):
    keys = st.sampled_from(SAMPLES[name])
    return st.recursive(
        ATOM, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6))
    )


def required(name, inner):
    """Something near to a real record: its keys are there, and anything stands under them."""
    if name == "opentelemetry":
        pair = st.fixed_dictionaries({"key": st.sampled_from(["gen_ai.operation.name", "gen_ai.tool.name", "user.id", "x"]),
                                      "value": st.one_of(inner, st.fixed_dictionaries({"stringValue": ATOM}))})  # fmt: skip
        return st.fixed_dictionaries({"spanId": ATOM, "traceId": ATOM, "startTimeUnixNano": ATOM, "endTimeUnixNano": ATOM,
                                      "attributes": st.one_of(st.lists(pair, max_size=3), inner), "status": inner})  # fmt: skip
    keys = SAMPLES[name]
    marks = ("id", "traceId", "type", "startTime") if name == "langfuse" else ("id", "run_type", "start_time")
    return st.fixed_dictionaries(
        dict.fromkeys(marks, ATOM), optional={other: inner for other in keys if other not in marks}
    )


def held(name, line):
    """The records on a line: those of a list or of an answer that holds such a list if one is there, else itself."""
    answers = [line[key] for key in ("data", "runs", "observations") if isinstance(line, dict) and key in line]
    listed = next((answer for answer in answers if isinstance(answer, list)), line)
    return listed if isinstance(listed, list) and any(map(FORMATS[name].is_record, listed)) else [line]


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
@often
def test_any_records_are_stored_refused_or_passed_over_and_none_is_lost(busy, tmp_path_factory, name, data):
    inner = nested(name)
    records = data.draw(st.lists(st.one_of(required(name, inner), inner), min_size=1, max_size=5))
    whole = otlp(*records) if name == "opentelemetry" else records
    in_lines = data.draw(st.booleans())
    text = json.dumps(whole)
    if in_lines:
        text = "\n".join(json.dumps(otlp(one) if name == "opentelemetry" else one) for one in records)
    path = tmp_path_factory.mktemp("thrown") / "file.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    before = len(busy.read("imports"))
    try:
        summary = bring_in(busy, path, team="content", as_format=name)
    except PlaybookError:
        assert len(busy.read("imports")) == before
        return
    assert reconciles(summary)
    assert str(summary)
    passed = next((int(note.split()[0]) for note in summary.notes if "of no work" in note), 0)
    parts = [held(name, one) for one in records] if in_lines and name != "opentelemetry" else [records]
    count = sum(map(len, parts))
    assert summary.already is not None or summary.rows_read + passed == count


@pytest.mark.parametrize("name", TOOLS)
@given(st.data())
@often
def test_anything_at_all_in_json_is_read_or_refused_in_words(busy, tmp_path_factory, name, data):
    path = tmp_path_factory.mktemp("thrown") / "file.json"
    path.write_bytes(json.dumps(data.draw(nested(name))).encode("utf-8", "surrogatepass"))
    try:
        summary = bring_in(busy, path, team="content")
    except PlaybookError:
        return
    assert reconciles(summary)


HEADERS = {
    "opentelemetry": FORMATS["opentelemetry"].wants(),
    "langfuse": ("id", "trace_id", "parent_observation_id", "type", "name", "start_time", "end_time", "usage_details", "total_cost"),
    "langsmith": ("id", "trace_id", "run_type", "name", "start_time", "end_time", "error", "extra", "prompt_tokens"),
}  # fmt: skip
CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "null", "{}", '{"input": 3}', "[", "2026-03-02 08:00:00", "9" * 20, "a@example.com", '"', "=1+1",
                     "1e400", "llm", "model", "0", "f" * 16]),
)  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_table_under_a_tools_header_reconciles(busy, tmp_path_factory, name, data):
    header = HEADERS[name]
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(header) - 1, max_size=len(header) + 1), max_size=4))
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path = tmp_path_factory.mktemp("thrown") / "file.csv"
    path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    try:
        summary = bring_in(busy, path, team="content")
    except PlaybookError:
        return
    assert summary.format == name
    assert reconciles(summary)


def test_a_recorded_span_stays_as_it_was_first_told_even_when_the_file_is_to_win(bring, ws):
    bring("langsmith.jsonl")
    before = ws.read("run_spans")
    first = (FIXTURES / "langsmith.jsonl").read_text(encoding="utf-8")
    assert "gpt-4o-2024-08-06" in first
    summary = bring(first.replace("gpt-4o-2024-08-06", "gpt-4o-2025-01-01"), "later.jsonl", update=True)
    assert summary.stored == 0
    assert summary.rejected
    pd.testing.assert_frame_equal(ws.read("run_spans"), before)
