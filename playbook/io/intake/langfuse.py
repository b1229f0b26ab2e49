"""Observations as Langfuse exports them: JSON, JSON lines or CSV, from its pages, its API or its blob storage.

`traceId` and `trace_id` are the same name here. A GENERATION or EMBEDDING is a model call, a TOOL a tool call, an AGENT
and any other observation without a parent a run, the rest parts of one. How long it took is the end less the start: the
field `latency` has changed its unit. Times without a zone are UTC, as Langfuse writes them. Input, output, metadata,
status messages and names of prompts are never looked at, but for the kind of error a status message tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook.io.intake._sheet import is_blank
from playbook.io.intake._span_values import at, either, error_kind, in_utc, key
from playbook.io.intake._spans import ERROR, MODEL, OK, OTHER, RUN, TOOL, Spans, Told
from playbook.tables import RUN_SPANS

KINDS = {"GENERATION": MODEL, "EMBEDDING": MODEL, "TOOL": TOOL, "AGENT": RUN}
OTHER_UNITS = ("CHARACTERS", "MILLISECONDS", "SECONDS", "IMAGES", "REQUESTS")


class Langfuse(Spans):
    """Observations, each with the id of its trace and of the one it is part of."""

    def told(self, record: Mapping[str, Any]) -> Told:
        """One observation; usage and cost are read from the details where they are, else from the older fields."""
        level, parent, name = str(record.get("level") or ""), record.get("parentobservationid"), record.get("name")
        kind = KINDS.get(str(record.get("type")).upper(), RUN if is_blank(parent) else OTHER)
        failed = level.upper() == "ERROR"
        return Told(
            span=record.get("id"),
            trace=record.get("traceid"),
            parent=parent,
            kind=kind,
            agent=name if kind == RUN else None,
            tool=name if kind == TOOL else None,
            model=either(record.get("model"), record.get("providedmodelname")),
            start=in_utc(record.get("starttime")),
            end=in_utc(record.get("endtime")),
            status=ERROR if failed else OK,
            error=error_kind(record.get("statusmessage")) if failed else None,
            input_tokens=_tokens(record, "input", "prompt"),
            output_tokens=_tokens(record, "output", "completion"),
            cost=either(
                at(record.get("costdetails"), "total"), record.get("calculatedtotalcost"), record.get("totalcost")
            ),
            user=record.get("userid"),
        )


def _tokens(record: Mapping[str, Any], side: str, older: str) -> Any:
    """Tokens of one side: the parts of the details that begin with it together, or what older exports call them."""
    usage = record.get("usage")
    if str(at(usage, "unit")).upper() in OTHER_UNITS:
        return None
    details = record.get("usagedetails")
    parts = (
        [value for name, value in details.items() if key(name).startswith(side)] if isinstance(details, dict) else []
    )
    if parts and all(isinstance(value, int | float) and not isinstance(value, bool) for value in parts):
        return sum(parts)
    return either(
        *parts,
        at(details, f"{older}_tokens"),
        at(usage, side),
        at(usage, f"{older}Tokens"),
        record.get(f"{older}tokens"),
        record.get(f"{side}usage"),
    )


FORMATS = (
    Langfuse(
        "langfuse",
        "Langfuse observations export",
        RUN_SPANS,
        headers=("Langfuse observation",),
        needles=("traceId", "trace_id"),
        marks=("id", "traceId", "type", "startTime"),
        others=(
            (("id", "traceId", "dataType", "value"), "Langfuse scores, which tell of no run; export observations"),
            (("id", "sessionId", "timestamp"), "Langfuse traces, without what was run in them; export observations"),
        ),
    ),
)
