"""The catalogue of KPIs as people write it, and the mark people's time is read against."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from playbook.tables import Authored, Sourced


class OldKpi(Authored):
    """The KPI a new one takes over from; readings under its id are shown beside the new one's."""

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    title: str
    unit: str


class Kpi(Sourced):
    """A KPI: what it means, its formula in words, its unit and what must be there to read it.

    `better` says which way is good; `neither` is for figures that only inform. `core` KPIs are those whose baseline
    the plan asks for. `replaces` is the old KPI it takes over from.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+$", max_length=80)
    title: str
    group: Literal["old to new", "operations", "flow", "quality", "experiments", "value"]
    definition: str
    formula: str
    unit: str
    better: Literal["higher", "lower", "neither"]
    needs: str
    core: bool = False
    replaces: OldKpi | None = None


class Arrival(Sourced):
    """How the source knows a team has arrived: the share (0 to 1) of people's time on work AI cannot do.

    `highest_human_level` is the highest Collaboration Spectrum level whose work counts as that.
    """

    human_share: float = Field(gt=0, lt=1)
    highest_human_level: int = Field(ge=1, le=4)
    meaning: str


class Catalogue(Authored):
    """Every KPI the kit knows, and the mark people's time is read against."""

    title: str
    note: str
    arrival: Arrival
    kpis: tuple[Kpi, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Catalogue:
        ids = [*self.ids(), *self.old_ids()]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"KPI ids used twice: {', '.join(twice)}")
        return self

    def ids(self) -> tuple[str, ...]:
        """Ids of the KPIs, in order."""
        return tuple(kpi.id for kpi in self.kpis)

    def old_ids(self) -> tuple[str, ...]:
        """Ids of the old KPIs they take over from."""
        return tuple(kpi.replaces.id for kpi in self.kpis if kpi.replaces)
