"""Whose doing a change is: a total split by name, and a ratio split into mix (who grew) and rate (who got better).

The parts of a split always add up to the change itself, whatever names appear or vanish.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

TOTAL_COLUMNS = ["name", "before", "after", "change", "state"]
RATIO_COLUMNS = ["name", "share_before", "share_after", "rate_before", "rate_after"]
PART_COLUMNS = ["mix", "rate", "outside", "total", "state"]
BOTH, NEW, GONE = "", "new", "gone"


def of_total(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    """The change of a total by name, the largest first; `before` and `after` hold a value a name, none is nothing.

    Columns: name, before, after, change (their difference), state (`new`, `gone` or empty). The changes sum to the
    change of the total.
    """
    names = sorted({str(name) for name in [*before.index, *after.index]})
    old, new = _by_name(before, names), _by_name(after, names)
    frame = pd.DataFrame({"name": names, "before": old.to_numpy(), "after": new.to_numpy()})
    frame["change"] = frame["after"] - frame["before"]
    frame["state"] = _states(old.to_numpy(), new.to_numpy())
    return _largest_first(frame, "change")[TOTAL_COLUMNS]


def of_ratio(
    top_before: pd.Series, bottom_before: pd.Series, top_after: pd.Series, bottom_after: pd.Series, times: float = 1.0
) -> pd.DataFrame:
    """The change of a ratio K = sum(top)/sum(bottom) by name, split into mix and rate, the largest first.

    With w a name's share of the bottom and q its own ratio, 0 before and 1 after:
    rate = (q1 - q0)(w0 + w1)/2 and mix = (w1 - w0)((q0 + q1)/2 - (K0 + K1)/2); they sum to K1 - K0 over the names.
    A name with no bottom in one of the weeks had no rate of its own there: all of its part is mix. `outside` is what
    tops without any bottom add (a conversion without a session). `times` multiplies ratios and parts (100 for a %).

    Columns: name, share_before, share_after (of 1), rate_before, rate_after (empty without a bottom), mix, rate,
    outside, total (their sum), state. Without a bottom in one of the weeks there is no ratio and the frame is empty.
    """
    given = [top_before, bottom_before, top_after, bottom_after]
    names = sorted({str(name) for part in given for name in part.index})
    t0, b0, t1, b1 = (_by_name(part, names).to_numpy() for part in given)
    whole0, whole1 = math.fsum(b0), math.fsum(b1)
    if whole0 == 0 or whole1 == 0:
        return pd.DataFrame(columns=[*RATIO_COLUMNS, *PART_COLUMNS])
    middle = (math.fsum(t0) / whole0 + math.fsum(t1) / whole1) / 2
    w0, w1 = b0 / whole0, b1 / whole1
    with np.errstate(divide="ignore", invalid="ignore"):
        q0, q1 = np.where(b0 != 0, t0 / b0, np.nan), np.where(b1 != 0, t1 / b1, np.nan)
    # a rate that does not exist is put equal to the other week's: it then changes nothing but the mix
    known0, known1 = (np.nan_to_num(np.where(np.isnan(a), b, a)) for a, b in ((q0, q1), (q1, q0)))
    frame = pd.DataFrame({"name": names, "share_before": w0, "share_after": w1})
    frame["rate_before"], frame["rate_after"] = q0 * times, q1 * times
    frame["mix"] = (w1 - w0) * ((known0 + known1) / 2 - middle) * times
    frame["rate"] = (known1 - known0) * (w0 + w1) / 2 * times
    frame["outside"] = (np.where(b1 == 0, t1 / whole1, 0.0) - np.where(b0 == 0, t0 / whole0, 0.0)) * times
    frame["total"] = frame["mix"] + frame["rate"] + frame["outside"]
    frame["state"] = _states(b0, b1)
    return _largest_first(frame, "total")[[*RATIO_COLUMNS, *PART_COLUMNS]]


def ratio_change(parts: pd.DataFrame) -> float:
    """The change of the ratio that the parts of `of_ratio` add up to; NaN without any."""
    return math.nan if parts.empty else math.fsum(parts["total"])


def _by_name(values: pd.Series, names: list[str]) -> pd.Series:
    plain = values.astype("float64").fillna(0.0)
    plain.index = plain.index.map(str)
    return plain.groupby(level=0).sum().reindex(names, fill_value=0.0)


def _states(before: np.ndarray, after: np.ndarray) -> list[str]:
    return [
        NEW if old == 0 and new != 0 else GONE if old != 0 and new == 0 else BOTH
        for old, new in zip(before, after, strict=True)
    ]


def _largest_first(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    order = frame[column].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)
