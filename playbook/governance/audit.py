"""Audit samples: how many pieces of agents' work people check so that a bad week is not missed."""

from __future__ import annotations

import math

import pandas as pd

from playbook import tables
from playbook.errors import ParameterError
from playbook.governance.outline import PlaybookOutline

TIE = 1e-9
WEEKS_A_MONTH = 52 / 12


def audit_sample(items: int | None, defect_rate: float = 0.05, confidence: float = 0.95) -> int:
    """The smallest sample of a lot of `items` that holds a defect with `confidence` if at least `defect_rate` are defective.

    Unlimited lot (`items` None): n = ceil(ln(1 - confidence) / ln(1 - defect_rate)), 59 for 5 % and 95 %. Finite lot,
    with D = ceil(items x defect_rate) defects: the least n whose chance to hold none, C(items - D, n) / C(items, n)
    (hypergeometric), is at most 1 - confidence. 0 for an empty lot, never more than the lot. A sample without a defect
    does not show that there is none. Raises ParameterError for a rate or confidence not between 0 and 1, or items below 0.
    """
    for name, value in (("defect_rate", defect_rate), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ParameterError(f"{name} is {value}; wanted a share above 0 and below 1, 0.05 for 5 %")
    if items is not None and items < 0:
        raise ParameterError(
            f"items is {items}; wanted the number of pieces in the lot, 0 or more, or None for no limit"
        )
    allowed = math.log1p(-confidence) + TIE
    if items is None:
        return math.ceil(allowed / math.log1p(-defect_rate) - TIE)
    if items == 0:
        return 0
    return _least(items, math.ceil(items * defect_rate - TIE), allowed)


def _least(items: int, defects: int, allowed: float) -> int:
    """Bisection over n: the chance to miss every defect falls as n grows, and is 0 once n exceeds the good pieces."""
    low, high = 1, items - defects + 1
    while low < high:
        middle = (low + high) // 2
        if _log_missed(items, defects, middle) <= allowed:
            high = middle
        else:
            low = middle + 1
    return low


def _log_missed(items: int, defects: int, n: int) -> float:
    good = items - defects
    if n > good:
        return -math.inf
    kept = math.lgamma(good + 1) - math.lgamma(good - n + 1)
    return kept - math.lgamma(items + 1) + math.lgamma(items - n + 1)


def audit_plan(tasks: pd.DataFrame, registered: pd.DataFrame, outline: PlaybookOutline) -> pd.DataFrame:
    """One row a team and agent playbook that is not retired: how many of the week's pieces the auditor checks.

    Columns: team, playbook_id, workflow, level, auditor_role, items (a week: the workflow's most frequent task x 12 / 52,
    since every piece passes each task once; empty while no frequency is known), sample (for the outline's defect rate
    and confidence; of an unlimited lot while items are unknown), said.
    """
    work = tables.check(tables.TASKS, tasks)
    rates = outline.audit
    rows = []
    register = tables.check(tables.AGENT_PLAYBOOKS, registered)
    runs = (
        work["runs_per_month"].groupby([work["team"], work["workflow"].map(tables.plain_name)]).max().dropna().to_dict()
    )
    for row in register[register["status"].ne("retired")].itertuples():
        most = runs.get((row.team, tables.plain_name(str(row.workflow))))
        items = None if most is None else math.ceil(most / WEEKS_A_MONTH - TIE)
        sample = audit_sample(items, rates.defect_rate.value, rates.confidence.value)
        lot = "a week of unknown size" if items is None else f"{tables.count(items, 'piece')} a week"
        said = (
            f"check {sample} of {lot}: with {tables.percent(rates.confidence.value)} confidence this shows a defect if "
            f"{tables.percent(rates.defect_rate.value)} or more are defective; rotate over channels and content types"
        )
        rows.append((row.team, row.playbook_id, row.workflow, row.level, row.auditor_role, items, sample, said))
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


TYPES = {
    "team": "str",
    "playbook_id": "str",
    "workflow": "str",
    "level": "Int64",
    "auditor_role": "str",
    "items": "Int64",
    "sample": "Int64",
    "said": "str",
}
