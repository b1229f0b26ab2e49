"""The pages the testing agent writes: a plan, and a verdict on one page with its table beside it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from playbook.agents.testing.evidence import as_percent

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from playbook.agents.testing.counts import Results
    from playbook.agents.testing.planning import Plan
    from playbook.agents.testing.verdict import Verdict, VerdictRule

HEADS = {"winner": "a winner", "not yet": "not yet decided"}


def plan_page(test: str, plan: Plan) -> str:
    """The plan of a test that has not begun, in Markdown."""
    design = plan.design
    rows = [
        ("today's click rate", f"{design.baseline * 100:.2f} %"),
        ("smallest difference worth acting on", f"{as_percent(design.worth)} more clicks"),
        ("variants", f"{design.arms}"),
        ("sends a variant", f"{plan.each:,}"),
        ("sends in all", f"{plan.total:,}"),
        ("days", "not known without daily sends" if plan.days is None else f"{plan.days:,}"),
        ("is the list enough", {None: "size not given", True: "yes", False: "no"}[plan.enough]),
    ]
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join([f"# Plan of the test {test}", "", *plan.sentences(), "", *table, ""])


def verdict_table(results: Results, verdict: Verdict) -> pd.DataFrame:
    """One row a variant: counts, rates in percent and how it compares with the leader.

    Columns: variant, sends, planned_share and real_share (0 to 1), clicks, click_rate_percent, and where counted
    unsubscribes, complaints with their rates in percent; leader_times, leader_low, leader_high (the leader's clicks a send
    over this variant's), p.
    """
    sends = results.sends.sum(axis=0)
    batch = results.sends.sum(axis=1, keepdims=True)
    total = max(results.total, 1)
    table = pd.DataFrame({"variant": results.variants, "sends": sends})
    table["planned_share"] = (results.planned * batch).sum(axis=0) / total
    table["real_share"] = sends / total
    for name, rate in (("clicks", "click"), ("unsubscribes", "unsubscribe"), ("complaints", "complaint")):
        counted = results.count(name)
        if counted is not None:
            hits = counted.sum(axis=0)
            table[name] = hits
            table[f"{rate}_rate_percent"] = np.where(sends > 0, hits / np.maximum(sends, 1) * 100, np.nan)
    names = {"against": "variant", "times": "leader_times", "low": "leader_low", "high": "leader_high", "p": "p"}
    return table.merge(verdict.pairs[list(names)].rename(columns=names), on="variant", how="left")


def verdict_page(
    test: str, results: Results, verdict: Verdict, rule: VerdictRule, subjects: Mapping[str, str] | None = None
) -> str:
    """The verdict on one page of Markdown: the answer, why, the counts, the guardrails, what it cannot say."""
    lines = [
        f"# Test {test}: {HEADS.get(verdict.word, verdict.word)}",
        "",
        f"**{_answer(verdict)}** {verdict.reason}",
        "",
    ]
    lines += ["## Counts", "", *_counts(results, verdict), ""]
    if subjects:
        lines += ["Subject lines, as the export has them (text from outside):", ""]
        lines += [f"- {name}: {_harmless(subjects[name])}" for name in results.variants if name in subjects]
        lines.append("")
    lines += ["## Limits and split", "", *(f"- {reading.sentence()}" for reading in verdict.guards)]
    lines += [
        f"- {_split_said(verdict)}",
        "",
        "## What this says and what it does not",
        "",
        *_caveats(rule, results),
        "",
    ]
    return "\n".join(lines)


def _answer(verdict: Verdict) -> str:
    said = {
        "winner": f"{verdict.variant} is the winner.",
        "no clear winner": "No clear winner.",
        "stopped: guardrail": f"Stopped: variant {verdict.variant} is over a limit.",
        "stopped: sample ratio mismatch": "Stopped: the split is not the planned one.",
    }
    return said.get(verdict.word, "Not yet.")


def _counts(results: Results, verdict: Verdict) -> list[str]:
    table = verdict_table(results, verdict)
    lines = [
        "| variant | sends | clicks | click rate | leader's clicks a send, times this one's |",
        "|---|--:|--:|--:|---|",
    ]
    for row in table.to_dict(orient="records"):
        rate = "no sends yet" if row["sends"] == 0 else f"{row['click_rate_percent']:.2f} %"
        lines.append(f"| {row['variant']} | {row['sends']:,} | {row['clicks']:,} | {rate} | {_times(row, verdict)} |")
    return lines


def _times(row: Mapping[Hashable, Any], verdict: Verdict) -> str:
    if row["variant"] == verdict.leader:
        return "the leader so far" if verdict.word != "winner" else "the winner"
    times, low, high = (float(row[name]) for name in ("leader_times", "leader_low", "leader_high"))
    if math.isnan(low) or (low == 0 and math.isinf(high)):
        return "not known yet"
    middle = "" if math.isnan(times) or math.isinf(times) else f"{times:.2f}, "
    return f"{middle}{low:.2f} to {'any number' if math.isinf(high) else f'{high:.2f}'}"


def _split_said(verdict: Verdict) -> str:
    ratio = verdict.ratio
    if ratio.gap is None:
        return "Nothing was sent yet, so the split cannot be looked at."
    state = "off" if ratio.mismatch else "as planned, as far as chance allows"
    return f"Split: {ratio.gap:.2f} percentage points from the plan at most, over {ratio.sends:,} sends: {state}."


def _caveats(rule: VerdictRule, results: Results) -> list[str]:
    when = "however often it is looked at" if rule.judged == "any time" else "for one look at the planned end"
    error = f"a false winner has a chance of at most {as_percent(rule.alpha)} a test, over all {len(results.variants)} variants"
    return [
        f"- The ranges and the verdict hold {when}; {error}.",
        "- Batches are compared within themselves, so a good day helps no variant.",
        "- It speaks of these readers on these days, and of clicks, not of sales.",
        "- A split that follows the results saves clicks; it is no evidence and none was taken from it.",
    ]


def _harmless(text: str) -> str:
    """Text from outside as one line that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]()<>#!|~&])", r"\\\1", " ".join(text.split()))
