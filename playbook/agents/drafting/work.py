"""How a draft comes about: read, ask, check, keep; only what passes every check is put before a person to release."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from playbook import voice
from playbook.agents.drafting import claims
from playbook.agents.drafting import facts as sheets
from playbook.agents.drafting.settings import DraftingSettings
from playbook.agents.drafting.text import Draft, as_markdown, as_text, escaped
from playbook.agents.drafting.tools import FILL_IN, rendered
from playbook.agents.runtime import Escalate, Step
from playbook.agents.tools import UNTRUSTED

if TYPE_CHECKING:
    import datetime as dt

    from playbook.agents.runtime import Job

Work = Generator[Step, Any, str]
HANDED = "handed-over."  # before the id of a fact that another agent's artifact brings
NOT_WRITTEN = "No text was written; a person fills in the template"


def work(job: Job) -> Work:
    """Draft under the policy's settings: the outcome in a sentence, or Escalate with the reason."""
    settings: DraftingSettings = job.settings
    _same_currency(job)
    material = yield Step(
        "read the material",
        "read_material",
        {
            "facts": settings.facts.file,
            "brand_guide": settings.brand_guide,
            "instructions": settings.instructions,
            "fill_in": settings.fill_in or FILL_IN[settings.kind],
        },
    )
    if settings.notes:
        material["notes"] = yield Step("read the notes", "read_notes", {"files": settings.notes})
    if settings.takes:
        handed = yield Step("read what was handed over", "read_handed_over", settings.takes.model_dump())
        material["handed"] = handed
        material["facts"] = [*material["facts"], *_facts_of(handed)]
    if settings.model is None:
        page = yield from _fill_in(settings, material, "no language model is set up")
        raise Escalate(f"{NOT_WRITTEN}, because no language model is set up (artifact {page}).")
    answer = yield Step("ask the model", "ask_model", _question(settings, material))
    if answer["draft"] is None:
        page = yield from _fill_in(settings, material, answer["why"])
        raise Escalate(f"{_upper(answer['why'])}. {NOT_WRITTEN} (artifact {page}).")
    return (yield from _judge(job, settings, material, answer))


def _judge(job: Job, settings: DraftingSettings, material: dict[str, Any], answer: dict[str, Any]) -> Work:
    draft = Draft.model_validate(answer["draft"])
    found = look_over(draft, settings, material, today=job.today)
    musts = [one for one in found if one.weight == "must"]
    unsupported = sum(one.rule == claims.RULE for one in musts)
    kept = yield Step(
        "keep the draft",
        "keep_draft",
        {
            "name": settings.name,
            "page": as_markdown(draft, found, passed=not musts, model=answer["model"]),
            "data": _data(draft, found, settings, material, answer),
            "checks": checks_of(found, answer),
        },
    )
    if musts:
        raise Escalate(
            f"The draft does not pass: {unsupported} unsupported claims and {len(musts) - unsupported} broken rules of the "
            f"brand guide, the first in {musts[0].place}: {musts[0].found!r}. See artifact {kept['page']}."
        )
    yield Step(
        "release the draft",
        "release_draft",
        {
            "to": f"{settings.outbox}/{settings.name.replace(' ', '-')}-{job.run_id}.md",
            "text": as_text(draft),
            "artifact_id": kept["page"],
        },
        metrics={"unsupported_claims": float(unsupported), "forbidden_patterns": float(len(musts) - unsupported)},
        artifact_id=kept["page"],
    )
    return f"A draft with {len(draft.titles)} titles passed every check and was released ({_price(answer)})."


def look_over(
    draft: Draft, settings: DraftingSettings, material: dict[str, Any], *, today: dt.date
) -> list[voice.Finding]:
    """Everything the claims check and the brand guide find in a draft, and whether it is a whole draft at all."""
    guide = voice.VoiceGuide.model_validate(material["guide"])
    terms = claims.Terms(guide.claims, tuple(settings.products), tuple(settings.links), settings.facts.good_for_days)
    signed = bool(settings.facts.sha256) and settings.facts.sha256 == material["sha256"]
    facts = sheets.of_plain(material["facts"])
    shown = claims.check_claims(draft, facts, terms, today=today, signed_off=signed)
    return [*_whole(draft, settings), *shown, *voice.check(draft.texts(), guide)]


def checks_of(found: Sequence[voice.Finding], answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What was checked, for the artifact: claims, voice and shape, each with its findings; then what the model took."""
    said: list[dict[str, Any]] = []
    for name, mine in (
        ("claims are shown by cited facts", [one for one in found if one.rule == claims.RULE]),
        ("brand guide", [one for one in found if one.rule not in {claims.RULE, "whole_draft"}]),
        ("it is a whole draft", [one for one in found if one.rule == "whole_draft"]),
    ):
        musts = sum(one.weight == "must" for one in mine)
        said.append(
            {"check": name, "passed": not musts, "must": musts, "should": len(mine) - musts}
            | {"findings": [str(one) for one in mine[:20]]}
        )
    keys = ("model", "seconds", "cost", "currency", "cost_source")
    return [
        *said,
        {"check": "a model answered", "passed": True, "tries": len(answer["tries"])} | {k: answer[k] for k in keys},
    ]


def _whole(draft: Draft, settings: DraftingSettings) -> list[voice.Finding]:
    length = sum(len(voice.words(text)) for text in draft.texts().values())
    empty = [place for place, text in draft.texts().items() if not voice.plain(text)]
    wrong = [
        (len(draft.titles) != settings.titles, f"{len(draft.titles)} titles", f"{settings.titles} titles"),
        (not draft.parts, "no body", "a body"),
        (bool(empty), f"nothing in {', '.join(empty)}", "text in every part"),
        (length > settings.longest, f"{length} words", f"at most {settings.longest} words"),
    ]
    why = "a piece that is not whole is no draft"
    return [
        voice.Finding("the draft", "whole_draft", "shape", "must", found, wanted, why)
        for bad, found, wanted in wrong
        if bad
    ]


def _question(settings: DraftingSettings, material: dict[str, Any]) -> dict[str, Any]:
    assert settings.model is not None
    known = {"settings": settings.model_dump(mode="json"), "guide": material["guide"]}
    handed = material.get("handed")
    given = {
        "brief": settings.brief,
        "audience": settings.audience,
        "facts": material["facts"],
        "notes": material.get("notes", []),
        "handed over by another agent": {"name": handed["name"], "text": handed["text"]} if handed else None,
    }
    return {
        "access": settings.model.model_dump(mode="json"),
        "instructions": rendered(settings.instructions, material["instructions"], known),
        "material": json.dumps(given, ensure_ascii=False, indent=1),
        "private_may_leave": settings.private_may_leave,
    }


def _fill_in(settings: DraftingSettings, material: dict[str, Any], why: str) -> Work:
    known = {
        "settings": settings.model_dump(mode="json"),
        "facts": [{name: escaped(cell) for name, cell in fact.items()} for fact in material["facts"]],
        "guide": material["guide"],
        "why": why,
    }
    page = yield Step("fill in the template", "fill_template", {"template": material["fill_in"], "known": known})
    checks = [{"check": "a draft was written", "passed": False, "findings": [why]}]
    kept = yield Step(
        "keep the template", "keep_draft", {"name": f"{settings.name} to fill in", "page": page, "checks": checks}
    )
    return str(kept["page"])


def _facts_of(handed: dict[str, Any]) -> list[dict[str, str]]:
    """The facts another agent's artifact brings: its `facts`, or the sentences of a report's narrative.

    They count because the kit's own agents hold each number against a table cell before they keep one. None count when
    the artifact is untrusted, failed a check, or is of another form.
    """
    if UNTRUSTED in handed["labels"] or not handed["checks"] or not all(one.get("passed") for one in handed["checks"]):
        return []
    try:
        said = json.loads(handed["text"])
        if isinstance(said, list):
            named = {"source": handed["name"], "date": handed["made"]}
            rows = [{"fact_id": f"{n}", "statement": str(one["text"]), **named} for n, one in enumerate(said, start=1)]
        else:
            rows = list(said["facts"])
        facts = sheets.of_plain([{**row, "fact_id": HANDED + str(row["fact_id"])} for row in rows])
    except (ValueError, KeyError, TypeError):
        return []
    return [fact.plain() for fact in facts]


def _data(
    draft: Draft,
    found: Sequence[voice.Finding],
    settings: DraftingSettings,
    material: dict[str, Any],
    answer: dict[str, Any],
) -> dict[str, Any]:
    return {
        "kind": settings.kind,
        "written_by": "language model",
        "model": answer["model"],
        "passed": not any(one.weight == "must" for one in found),
        "draft": draft.model_dump(mode="json"),
        "findings": [vars(one) for one in found],
        "facts_sha256": material["sha256"],
        "tries": answer["tries"],
        "seconds": answer["seconds"],
        "cost": answer["cost"],
        "currency": answer["currency"],
        "cost_source": answer["cost_source"],
    }


def _same_currency(job: Job) -> None:
    model = job.settings.model
    if model and model.prices and model.prices.currency != job.policy.caps.currency:
        raise Escalate(
            f"The price table is in {model.prices.currency} and the caps are in {job.policy.caps.currency}: "
            "no cap could hold. Write both in one currency."
        )


def _price(answer: dict[str, Any]) -> str:
    cost = "cost unknown" if answer["cost"] is None else f"{answer['cost']:.4f} {answer['currency']} by the price list"
    return f"{answer['model']}, {answer['seconds']:.1f} s, {cost}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
