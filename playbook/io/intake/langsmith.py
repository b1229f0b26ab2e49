"""Runs as LangSmith exports them: JSON, JSON lines or CSV with a run a record.

A run of type `llm` or `embedding` is a model call, one of `tool` or `retriever` a tool call, any other without a parent
the run of an agent, the rest parts of one. Model and provider are those of the run's metadata. A chain repeats the
tokens and costs of the calls inside it, so these are summed over model calls only. Times without a zone are UTC, as
LangSmith writes them. Inputs, outputs, events, tags and the text of an error are never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook.io.intake._sheet import is_blank
from playbook.io.intake._span_values import at, either, error_kind, in_utc
from playbook.io.intake._spans import ERROR, MODEL, OK, OTHER, RUN, TOOL, Spans, Told
from playbook.tables import RUN_SPANS

KINDS = {"llm": MODEL, "embedding": MODEL, "tool": TOOL, "retriever": TOOL}


class LangSmith(Spans):
    """Runs, each with the id of its trace and of the run it is part of."""

    def told(self, record: Mapping[str, Any]) -> Told:
        """One run; what its metadata says of the model counts before what it was called with."""
        extra, parent, name = record.get("extra"), _parent(record), record.get("name")
        metadata = either(at(extra, "metadata"), record.get("metadata"))
        called = at(extra, "invocation_params")
        kind = KINDS.get(str(record.get("runtype")).lower(), RUN if is_blank(parent) else OTHER)
        failed = not is_blank(record.get("error")) or str(record.get("status")).lower() == "error"
        return Told(
            span=record.get("id"),
            trace=either(record.get("traceid"), record.get("id") if is_blank(parent) else None),
            parent=parent,
            kind=kind,
            agent=either(at(metadata, "lc_agent_name"), name) if kind == RUN else None,
            tool=name if kind == TOOL else None,
            model=either(at(metadata, "ls_model_name"), at(called, "model"), at(called, "model_name")),
            provider=at(metadata, "ls_provider"),
            start=in_utc(record.get("starttime")),
            end=in_utc(record.get("endtime")),
            status=ERROR if failed else OK,
            error=error_kind(record.get("error")) if failed else None,
            input_tokens=record.get("prompttokens"),
            output_tokens=record.get("completiontokens"),
            cost=record.get("totalcost"),
            user=either(at(metadata, "user_id"), at(metadata, "user"), at(metadata, "user_email")),
        )


def _parent(record: Mapping[str, Any]) -> Any:
    """The run it is directly part of: said alone, or the last of all above it."""
    above = record.get("parentrunids")
    return either(record.get("parentrunid"), above[-1] if isinstance(above, list) and above else None)


FORMATS = (
    LangSmith(
        "langsmith",
        "LangSmith run export",
        RUN_SPANS,
        headers=("LangSmith run",),
        needles=("run_type", "runType"),
        marks=("id", "run_type", "start_time"),
        others=((("id", "run_count", "name"), "LangSmith projects, without their runs; export the runs"),),
    ),
)
