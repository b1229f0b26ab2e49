"""A draft: its title lines and parts, each with the claims it makes and the facts they cite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from playbook.voice import Finding

Role = Literal["heading", "paragraph", "bullet", "call to action"]
MARKS = {"heading": "## ", "paragraph": "", "bullet": "- ", "call to action": ""}
MADE_BY_MODEL = "Draft by a language model. Not checked by a person yet."
NOT_PASSED = "This draft does not pass its checks."


class Written(BaseModel):
    """The base of what a model answers with: unknown keys refused, never changed in place."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(Written):
    """A stretch of the text, word for word, and the ids of the facts that show it; no ids: it is unsupported."""

    text: str = Field(description="the claim, copied word for word from the text it stands in")
    facts: list[str] = Field(description="ids of facts from the sheet that say so; empty when none does")


class Line(Written):
    """A title or a subject line with its claims."""

    text: str
    claims: list[Claim]


class Part(Written):
    """One part of the body with its claims."""

    role: Role
    text: str
    claims: list[Claim]


class Draft(Written):
    """A draft as a model returns it: several titles (subject lines of an e-mail) to choose from, and the body."""

    titles: list[Line]
    parts: list[Part]

    def places(self) -> Iterator[tuple[str, str, list[Claim]]]:
        """Every text of the draft with the name of its place and its claims."""
        for number, line in enumerate(self.titles, start=1):
            yield f"title {number}", line.text, line.claims
        for number, part in enumerate(self.parts, start=1):
            yield f"part {number}", part.text, part.claims

    def texts(self) -> dict[str, str]:
        """The texts by the name of their place."""
        return {place: text for place, text, _ in self.places()}


def as_markdown(draft: Draft, findings: Iterable[Finding], *, passed: bool, model: str) -> str:
    """The draft for a reviewer: says who wrote it, marks every unsupported claim in place, lists every finding.

    The draft's own text is escaped, so that it cannot bring markup, links or pictures into the reviewer's page.
    """
    said = list(findings)
    unsupported = {(one.place.split(", ")[0], one.found) for one in said if one.rule == "claims"}
    lines = [f"> {MADE_BY_MODEL} Model: {escaped(model)}.", *([] if passed else [f"> **{NOT_PASSED}**"]), ""]
    lines += [f"{n}. {_marked(f'title {n}', line.text, unsupported)}" for n, line in enumerate(draft.titles, start=1)]
    for number, part in enumerate(draft.parts, start=1):
        lines += ["", MARKS[part.role] + _marked(f"part {number}", part.text, unsupported)]
    lines += ["", "---", "", "Facts cited: " + (", ".join(sorted(cited(draft))) or "none") + ".", ""]
    lines += [
        f"- {one.weight}: {escaped(one.place)}: {escaped(one.found)}; wanted {escaped(one.wanted)}. {escaped(one.why)}"
        for one in said
    ]
    return "\n".join(lines) + "\n"


def as_text(draft: Draft) -> str:
    """The draft's own text as plain Markdown, titles first: what is released, nothing of the checks in it."""
    lines = [f"# {' '.join(draft.titles[0].text.split())}", ""] if draft.titles else []
    lines += [f"(or: {' '.join(line.text.split())})" for line in draft.titles[1:]]
    for part in draft.parts:
        lines += ["", MARKS[part.role] + " ".join(part.text.split())]
    return "\n".join(lines) + "\n"


def cited(draft: Draft) -> set[str]:
    """The ids of every fact the draft cites."""
    return {fact for _, _, claims in draft.places() for claim in claims for fact in claim.facts}


def escaped(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()#+!|~" else letter for letter in flat)


def _marked(place: str, text: str, unsupported: set[tuple[str, str]]) -> str:
    shown = escaped(text)
    for where, found in sorted(unsupported, key=lambda pair: -len(pair[1])):
        if where == place and escaped(found) in shown:
            shown = shown.replace(escaped(found), f"{escaped(found)} **(unsupported)**", 1)
    return shown
