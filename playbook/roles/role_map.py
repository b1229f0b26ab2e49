"""The role map as data: which role changes how, which roles compress or appear, and the rules around it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, model_validator

from playbook import tables
from playbook.tables import Authored, Sourced, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = {"hours": "hours a month", "runs": "runs a month", "workflows": "workflows"}
Direction = Literal["compresses", "changes", "stays human-led", "not yet known"]


class Skill(Authored):
    """A skill worth learning: why it matters and a first exercise on the team's own work."""

    id: str
    name: str
    why: str
    learn: str


class RoleChange(Sourced):
    """A change proposed for a role or a family of roles; `leverage_level` is 1 human-led to 5 autonomous."""

    id: str
    new_role: str = Field(max_length=120)
    leverage_level: Literal[1, 2, 3, 4, 5]
    old_focus: str = Field(max_length=500)
    new_focus: str = Field(max_length=500)
    stops: list[str] = Field(min_length=1)
    starts: list[str] = Field(min_length=1)
    keeps: list[str] = Field(min_length=1)
    skills: list[str] = Field(min_length=1)


class MappedRole(RoleChange):
    """A role the framework remaps by name; `synonyms` are other titles for the same work."""

    role: str
    synonyms: list[str]


class Family(RoleChange):
    """A family of roles that compresses; a title is in it by name, or by one of `title_words` in it."""

    family: str
    titles: list[str]
    title_words: list[str]


class Where(Authored):
    """A condition on one column of the inventory; exactly one of the three bounds is given."""

    column: Literal["target_level", "ready_level", "layer", *tables.FACTORS]  # type: ignore[valid-type]
    at_least: float | None = None
    at_most: float | None = None
    any_of: list[str] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Where:
        if sum(bound is not None for bound in (self.at_least, self.at_most, self.any_of)) != 1:
            raise ValueError("give exactly one of at_least, at_most, any_of")
        return self


class Trigger(Sourced):
    """When a new role is worth proposing: `count` of the tasks that meet every `where` reaches `at_least` `unit`.

    `layers_at_least` counts a workflow only when the tasks that meet the conditions span that many layers.
    """

    count: Literal["hours", "runs", "workflows"]
    where: list[Where] = Field(min_length=1)
    layers_at_least: int = Field(default=1, ge=1, le=len(tables.LAYERS))
    at_least: float = Field(gt=0)
    unit: str
    why: str

    @model_validator(mode="after")
    def _unit_of_its_count(self) -> Trigger:
        if self.unit != UNITS[self.count]:
            raise ValueError(f"counting {self.count} gives {UNITS[self.count]}, not {self.unit}")
        return self


class EmergingRole(Sourced):
    """A role that appears once enough work runs beside agents; any one trigger suggests it."""

    id: str
    role: str
    duty: str
    skills: list[str] = Field(min_length=1)
    triggers: list[Trigger] = Field(min_length=1)


class Threshold(Sourced):
    """One number with its unit."""

    value: float
    unit: str


class DirectionRule(Sourced):
    """The hours point in `direction` when at least this share of the known ones is at one of `levels`."""

    direction: Direction
    levels: list[int] = Field(min_length=1)
    share_at_least: float = Field(gt=0, le=1)
    unit: str
    why: str


class Directions(Authored):
    """What hours by level suggest for a role: the first rule that holds, read from the top."""

    known_share_at_least: Threshold
    rules: list[DirectionRule]
    otherwise: Direction


class CommonSkills(Sourced):
    """Skills everyone needs whose role has work from `from_level` upward."""

    from_level: Literal[1, 2, 3, 4, 5]
    skills: list[str]
    why: str


class GateCondition(Authored):
    """One condition of the consultation gate that stands before every role change."""

    check: Literal["accountable", "appeal", "reskilling", "consultation"]
    text: str


class ProposalRules(Authored):
    """Which statuses are a decision, which of them change nothing, and the gate before a change."""

    decided: list[str]
    no_change: list[str]
    gate: list[GateCondition] = Field(min_length=1)


class Match(NamedTuple):
    """What the map says of a title; `change` is None for a title that already is one of the new roles."""

    new_role: str
    leverage_level: int | None
    old_focus: str
    new_focus: str
    change: RoleChange | None


class RoleMap(Authored):
    """The role remapping playbook: who changes how, which roles compress, which appear, and the rules around it."""

    principles: list[str]
    ignored_words: list[str]
    roles: list[MappedRole] = Field(min_length=1)
    compressing: list[Family]
    emerging: list[EmergingRole]
    common_skills: CommonSkills
    skills: list[Skill] = Field(min_length=1)
    directions: Directions
    proposals: ProposalRules

    @model_validator(mode="after")
    def _holds_together(self) -> RoleMap:
        faults = [*self._unknown_skills(), *self._titles_twice()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _unknown_skills(self) -> Iterator[str]:
        asked = [change.skills for change in (*self.roles, *self.compressing)]
        asked += [self.common_skills.skills, *(role.skills for role in self.emerging)]
        named = {skill for skills in asked for skill in skills}
        for skill in sorted(named - self.skill.keys()):
            yield f"skill {skill} is used but not described under skills"

    def _titles_twice(self) -> Iterator[str]:
        seen: dict[str, str] = {}
        for change, title in self._titles():
            if seen.setdefault(self._key(title), change.id) != change.id:
                yield f"the title {title} is in {seen[self._key(title)]} and in {change.id}; keep it in one"

    def _titles(self) -> Iterator[tuple[RoleChange, str]]:
        for role in self.roles:
            yield from ((role, title) for title in (role.role, *role.synonyms))
        for family in self.compressing:
            yield from ((family, title) for title in family.titles)

    def _key(self, title: str) -> str:
        words = [word for word in plain_name(title).split() if word not in self.ignored_words]
        return " ".join(words) or plain_name(title)

    @cached_property
    def skill(self) -> dict[str, Skill]:
        """Every skill by its id."""
        return {skill.id: skill for skill in self.skills}

    @cached_property
    def _by_title(self) -> dict[str, Match]:
        already = [Match(role.role, None, "", role.duty, None) for role in self.emerging]
        already += [Match(c.new_role, c.leverage_level, "", c.new_focus, None) for c in self.roles]
        known = {self._key(match.new_role): match for match in already}
        return known | {self._key(title): _match(change) for change, title in self._titles()}

    def match(self, title: str) -> Match | None:
        """What the map says of a role's title: by name or synonym, then by a family's word; None when it has nothing."""
        key = self._key(title)
        if key in self._by_title:
            return self._by_title[key]
        families = (family for family in self.compressing if set(family.title_words) & set(key.split()))
        return next((_match(family) for family in families), None)

    def change_to(self, role: str, new_role: str) -> RoleChange | None:
        """The change from `role` to `new_role` as the map describes it; any other way to that new role; else None."""
        match = self.match(role)
        ways = [match.change] if match and match.change else []
        ways += [*self.roles, *self.compressing]
        return next((way for way in ways if self._key(way.new_role) == self._key(new_role)), None)


def _match(change: RoleChange) -> Match:
    return Match(change.new_role, change.leverage_level, change.old_focus, change.new_focus, change)
