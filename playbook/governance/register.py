"""The risk register: risks and failure modes with their signs, countermeasures and controls, and each team's rating."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

import pandas as pd
from pydantic import Field, model_validator

from playbook import tables
from playbook.errors import Fault, TableError
from playbook.tables import Authored, Sourced


class Control(Authored):
    """Something a team puts in place against a risk, and what shows that it is."""

    text: str
    evidence: str


class Risk(Sourced):
    """A risk or failure mode; likelihood 1 rare to 5 expected, impact 1 nuisance to 5 severe, until a team rates it."""

    id: str = Field(max_length=80)
    name: str
    kind: Literal["risk", "failure mode"]
    what: str
    signs: list[str] = Field(min_length=1)
    likelihood: int = Field(ge=1, le=5)
    impact: int = Field(ge=1, le=5)
    mitigation: str
    controls: list[Control] = Field(min_length=1)


class Band(Authored):
    """A name for scores from `from` upward; score = likelihood x impact, 1 to 25."""

    band: str
    start: int = Field(alias="from", ge=1, le=25)


class Reference(Sourced):
    """Where a list as a whole comes from."""


class Register(Authored):
    """The risk register a client may change: its risks, their starting ratings and the bands of the score."""

    rating_source: Reference
    bands: list[Band] = Field(min_length=1)
    bands_source: Reference
    risks: list[Risk] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Register:
        starts = [band.start for band in self.bands]
        if starts[0] != 1 or starts != sorted(set(starts)):
            raise ValueError(f"bands start at 1 and rise, found {starts}")
        if len(self.by_id) != len(self.risks):
            raise ValueError("two risks have the same id")
        return self

    @cached_property
    def by_id(self) -> dict[str, Risk]:
        """Every risk by its id."""
        return {risk.id: risk for risk in self.risks}

    def band_of(self, score: int) -> Band:
        """The band a score of 1 to 25 falls in."""
        return [band for band in self.bands if band.start <= score][-1]


def risks(register: Register, status: pd.DataFrame, teams: Iterable[str] = ()) -> pd.DataFrame:
    """One row a team and risk of the register, highest score first; teams are those of `status` and `teams`.

    Columns: team, risk, name, kind, what, signs, likelihood, impact, score (likelihood x impact, 1 to 25), band,
    band_from (the score it begins at), rated (False: the register's starting values stand in), owner_role, mitigation,
    controls (n), controls_done, control_list,
    evidence, checked_on, note, source. Raises TableError for a risk the register does not hold, or more controls in place
    than it lists.
    """
    own = _rated(register, status)
    rows = [
        _row(team, risk, own.get((team, risk.id)), register)
        for team in sorted({team for team, _ in own} | set(teams))
        for risk in register.risks
    ]
    frame = pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)
    return frame.sort_values(["team", "score"], ascending=[True, False], kind="stable", ignore_index=True)


def _rated(register: Register, status: pd.DataFrame) -> dict[tuple[str, str], dict[Any, Any]]:
    rows = tables.check(tables.RISK_STATUS, status)
    faults = []
    for label, name, done in zip(rows.index, rows["risk"], rows["controls_done"], strict=True):
        if name not in register.by_id:
            faults.append(Fault(label, "risk", repr(name), "one of " + ", ".join(register.by_id)))
        elif done > len(register.by_id[name].controls):
            most = len(register.by_id[name].controls)
            faults.append(Fault(label, "controls_done", str(done), f"at most {most}, the controls listed for {name}"))
    if faults:
        raise TableError(tables.RISK_STATUS.name, faults)
    records = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
    return {(row["team"], row["risk"]): row for row in records}


def _row(team: str, risk: Risk, own: dict[Any, Any] | None, register: Register) -> dict[str, Any]:
    likelihood, impact = (own["likelihood"], own["impact"]) if own else (risk.likelihood, risk.impact)
    band, said = register.band_of(likelihood * impact), own or {}
    return {
        "team": team,
        "risk": risk.id,
        "name": risk.name,
        "kind": risk.kind,
        "what": risk.what,
        "signs": "; ".join(risk.signs),
        "likelihood": likelihood,
        "impact": impact,
        "score": likelihood * impact,
        "band": band.band,
        "band_from": band.start,
        "rated": own is not None,
        "owner_role": said.get("owner_role"),
        "mitigation": risk.mitigation,
        "controls": len(risk.controls),
        "controls_done": said.get("controls_done", 0),
        "control_list": "; ".join(control.text for control in risk.controls),
        "evidence": "; ".join(control.evidence for control in risk.controls),
        "checked_on": said.get("checked_on"),
        "note": said.get("note"),
        "source": risk.source if own else f"{risk.source}; rating: {register.rating_source.source}",
    }


_WHOLE = ("likelihood", "impact", "score", "band_from", "controls", "controls_done")
_COLUMNS = [
    "team",
    "risk",
    "name",
    "kind",
    "what",
    "signs",
    "likelihood",
    "impact",
    "score",
    "band",
    "band_from",
    "rated",
    "owner_role",
    "mitigation",
    "controls",
    "controls_done",
    "control_list",
    "evidence",
    "checked_on",
    "note",
    "source",
]
TYPES: dict[str, Any] = dict.fromkeys(_COLUMNS, "str") | dict.fromkeys(_WHOLE, "Int64")
TYPES |= {"rated": "boolean", "checked_on": "datetime64[us]"}
