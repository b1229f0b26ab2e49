"""Traces in OpenTelemetry's JSON (OTLP), of which the spans that follow the GenAI conventions are read.

A file holds one document (`resourceSpans`, `scopeSpans`, `spans`) or one a line, as a collector's file exporter writes
them. An operation of `invoke_agent` or `invoke_workflow` is a run, one of `chat`, `generate_content`, `text_completion`
or `embeddings` a model call, `execute_tool` and `retrieval` a tool call. Newer and older names of provider and tokens
are read. Spans without a gen_ai attribute are passed over. The conventions have no attribute for cost; where an
instrumentation writes `gen_ai.usage.cost` or `operation.cost`, in US dollars, it is taken as reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from playbook.io.intake._span_values import at, either, error_kind, since_1970
from playbook.io.intake._spans import ERROR, MODEL, NOT_AN_AGENTS, OK, OTHER, RUN, TOOL, Spans, Told
from playbook.tables import RUN_SPANS

KINDS = {
    "invoke_agent": RUN,
    "invoke_workflow": RUN,
    "chat": MODEL,
    "generate_content": MODEL,
    "text_completion": MODEL,
    "embeddings": MODEL,
    "execute_tool": TOOL,
    "retrieval": TOOL,
}
TOLD_BY = (
    ("gen_ai.tool.name", TOOL),
    ("gen_ai.request.model", MODEL),
    ("gen_ai.response.model", MODEL),
    ("gen_ai.agent.name", RUN),
)
"""What a span without an operation's name is told by, the first that it has."""
USERS = ("user.id", "enduser.id", "user.email", "user.name", "user.full_name")
UNNAMED_SERVICE = "unknown_service"
NANOSECONDS = 10**9
FAILED = ("2", "STATUS_CODE_ERROR", "ERROR")


class OpenTelemetry(Spans):
    """Spans of OTLP/JSON, each told by its attributes and those of its resource."""

    def records(self, found: Any) -> list[Any] | None:
        """The spans of one document, each with its resource's attributes beside it."""
        resources = at(found, "resourceSpans")
        if not isinstance(resources, list):
            return None
        return [one for resource in resources for one in _spans_of(resource)]

    def told(self, record: Mapping[str, Any]) -> Told:
        """One span by its attributes; the names of attributes are compared as they are written."""
        said = _attributes(record.get("attributes"))
        parent = record.get("parentspanid")
        if not any(name.startswith("gen_ai.") for name in said):
            return Told(NOT_AN_AGENTS)
        failed = str(at(record.get("status"), "code")) in FAILED or "error.type" in said
        return Told(
            span=record.get("spanid"),
            trace=record.get("traceid"),
            parent=parent,
            kind=_kind(said),
            agent=said.get("gen_ai.agent.name") or (None if parent else _service(record)),
            tool=said.get("gen_ai.tool.name"),
            model=either(said.get("gen_ai.request.model"), said.get("gen_ai.response.model")),
            provider=either(said.get("gen_ai.provider.name"), said.get("gen_ai.system")),
            start=since_1970(record.get("starttimeunixnano"), NANOSECONDS),
            end=_ended(record.get("endtimeunixnano")),
            status=ERROR if failed else OK,
            error=error_kind(_message(record), kind=said.get("error.type")) if failed else None,
            input_tokens=either(said.get("gen_ai.usage.input_tokens"), said.get("gen_ai.usage.prompt_tokens")),
            output_tokens=either(said.get("gen_ai.usage.output_tokens"), said.get("gen_ai.usage.completion_tokens")),
            cost=either(said.get("gen_ai.usage.cost"), said.get("operation.cost")),
            user=either(*(said.get(name) for name in USERS)),
        )


def _spans_of(resource: Any) -> Iterator[Any]:
    """The spans of one resource; a part that is no object stands for a broken span, so that it is counted."""
    scopes = either(at(resource, "scopeSpans"), at(resource, "instrumentationLibrarySpans"), [])
    if not isinstance(resource, dict) or not isinstance(scopes, list):
        yield None
        return
    service = _attributes(at(resource, "resource", "attributes")).get("service.name")
    for scope in scopes:
        spans = at(scope, "spans")
        if not isinstance(spans, list):
            yield None
            continue
        yield from ({**one, "service": service} if isinstance(one, dict) else one for one in spans)


def _attributes(found: Any) -> dict[str, Any]:
    """A list of keys and values as one mapping; a value is the one cell of its typed wrapping."""
    pairs = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one.get("key")): _value(one.get("value")) for one in pairs}


def _value(found: Any) -> Any:
    """The value in its wrapping (`{"intValue": "12"}`); lists and maps hold texts and are not looked into."""
    inside = next(iter(found.values()), None) if isinstance(found, dict) else found
    return None if isinstance(inside, dict | list) else inside


def _kind(said: Mapping[str, Any]) -> str:
    operation = str(said.get("gen_ai.operation.name", ""))
    return KINDS.get(operation) or next((kind for name, kind in TOLD_BY if not operation and name in said), OTHER)


def _service(record: Mapping[str, Any]) -> Any:
    name = record.get("service")
    return None if str(name).startswith(UNNAMED_SERVICE) else name


def _ended(value: Any) -> Any:
    """A time of 0 is how the format writes none."""
    return None if str(value).strip("0") == "" else since_1970(value, NANOSECONDS)


def _message(record: Mapping[str, Any]) -> Any:
    """Where an error's type stands when no attribute names it: an exception among the events, or the status."""
    events = record.get("events")
    told = (
        [_attributes(at(one, "attributes")).get("exception.type") for one in events] if isinstance(events, list) else []
    )
    return either(*told, at(record.get("status"), "message"))


FORMATS = (
    OpenTelemetry(
        "opentelemetry",
        "OpenTelemetry trace export",
        RUN_SPANS,
        headers=("OpenTelemetry span",),
        needles=("resourceSpans", "resource_spans"),
        marks=("resourceSpans",),
        others=(
            (("resourceMetrics",), "OpenTelemetry metrics, which tell of no single run; export traces as OTLP/JSON"),
            (("resourceLogs",), "OpenTelemetry logs, which tell of no single run; export traces as OTLP/JSON"),
            (("traceID", "spans"), "traces as Jaeger writes them; export them as OTLP/JSON, with resourceSpans"),
            (
                ("traceId", "localEndpoint"),
                "traces as Zipkin writes them; export them as OTLP/JSON, with resourceSpans",
            ),
        ),
    ),
)
