"""What counts as accepted, and how much a share must say before it is shown."""

from __future__ import annotations

from pydantic import Field

from playbook.tables import Authored, Sourced


class Share(Sourced):
    """A threshold from 0 to 1, with what it means and where it is from."""

    value: float = Field(ge=0, le=1)
    unit: str
    meaning: str


class RunRule(Authored):
    """The rule by which runs are counted: the largest edit that is minor, the widest interval a shown share may have."""

    minor_edit: Share
    widest_interval: Share
