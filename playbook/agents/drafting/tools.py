"""What the drafting agent may use: reading its material, asking the model, keeping a draft, putting it into the outbox."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from pydantic import Field

from playbook import voice
from playbook.agents.drafting import facts as sheets
from playbook.agents.drafting import model as models
from playbook.agents.drafting.settings import ModelAccess
from playbook.agents.pipeline import HANDED_OVER
from playbook.agents.tools import PRIVATE, UNTRUSTED, Arguments, Bench, Output, Tool
from playbook.errors import ContentError, ParameterError
from playbook.io import content

if TYPE_CHECKING:
    from playbook.agents.drafting.model import Answer

GUIDE = "assessments/voice/default.yaml"
LONGEST_NOTE = 100_000  # characters of one file that are read: a model's context and a reader's patience are shorter
FILL_IN = {"content": "templates/pilots/drafting/content.md", "email": "templates/pilots/drafting/email.md"}


class ReadMaterial(Arguments):
    """Which facts sheet, brand guide, instructions and fill-in template to read; the kit's own where a file is empty."""

    facts: str
    brand_guide: str = ""
    instructions: str
    fill_in: str


class ReadNotes(Arguments):
    """Which files with text from outside to read."""

    files: list[str] = Field(min_length=1, max_length=10)


class AskModel(Arguments):
    """What to ask which model."""

    access: ModelAccess
    instructions: str
    material: str
    private_may_leave: bool = False


class FillTemplate(Arguments):
    """What is known already, for a person to write the rest."""

    template: str
    known: dict[str, Any]


class KeepDraft(Arguments):
    """A draft to keep: the page a person reads, its data where a model wrote it, and what was checked."""

    name: str
    page: str
    data: dict[str, Any] | None = None
    checks: list[dict[str, Any]]


class ReleaseDraft(Arguments):
    """A checked draft to put into the outbox: its text, where to, and the artifact it comes from."""

    to: str
    text: str
    artifact_id: str


def read_material(bench: Bench, asked: ReadMaterial) -> Output:
    """The facts with the hash of their file, the brand guide, the instructions and the fill-in template.

    Raises ContentError or TableError where one of the files does not fit, ParameterError where it is not there.
    """
    data = bench.read_file(asked.facts)
    facts = sheets.read_facts(asked.facts, data)
    return Output(
        {
            "facts": [fact.plain() for fact in facts],
            "sha256": sheets.fingerprint(data),
            "guide": _guide(bench, asked.brand_guide).model_dump(mode="json"),
            "instructions": _own_or_kit(bench, asked.instructions),
            "fill_in": _own_or_kit(bench, asked.fill_in),
        }
    )


def read_notes(bench: Bench, asked: ReadNotes) -> Output:
    """The text of files from outside; it is untrusted, whatever it says."""
    return Output([{"file": name, "text": _text(name, bench.read_file(name))} for name in asked.files])


def ask_model(bench: Bench, asked: AskModel) -> Output:
    """The model's draft or the reason there is none, with every request, the tokens, the seconds and the cost.

    Private material goes to no model outside unless the policy says so. One span of kind `model` is written to the run
    spans; the cost is from the policy's price table or unknown.
    """
    if PRIVATE in bench.desk.labels and not asked.private_may_leave:
        why = "the material is private and may not leave to a model; set private_may_leave, or hand over less"
        return Output(_told(asked.access, models.Answer(None, why)), frozenset({UNTRUSTED}))
    started = dt.datetime.now(dt.UTC)
    answer = models.ask(asked.access, asked.instructions, asked.material)
    told = _told(asked.access, answer)
    _write_span(bench, asked.access, told, started)
    return Output(told, frozenset({UNTRUSTED}))


def fill_template(_bench: Bench, asked: FillTemplate) -> Output:
    """The fill-in template with what is known: gaps for a person to fill, and no invented word.

    Raises ContentError when the template asks for something that is not there.
    """
    return Output(rendered("the fill-in template", asked.template, asked.known))


def keep_draft(bench: Bench, asked: KeepDraft) -> Output:
    """The artifacts' ids: `page` (Markdown for a reader) and, where a model wrote, `data` (JSON for the next agent)."""
    kept = {"page": bench.keep(asked.name, ".md", asked.page.encode(), asked.checks)}
    if asked.data is not None:
        text = json.dumps(asked.data, ensure_ascii=False, indent=1, sort_keys=True)
        kept["data"] = bench.keep(f"{asked.name} data", ".json", text.encode(), asked.checks)
    return Output(kept)


def release_draft(bench: Bench, asked: ReleaseDraft) -> Output:
    """Write a draft's text into the outbox; the same text to the same place again changes nothing.

    Raises ParameterError when another text is there already: what was released is not overwritten.
    """
    path = bench.path_in(asked.to)
    data = asked.text.encode()
    if path.is_file() and path.read_bytes() != data:
        raise ParameterError(f"{asked.to} is there already with another text; move it away or choose another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    half.write_bytes(data)
    half.replace(path)
    return Output({"to": asked.to, "sha256": sheets.fingerprint(data)})


def rendered(name: str, template: str, known: dict[str, Any]) -> str:
    """A template filled in. Raises ContentError saying what it asks for that is not known."""
    import jinja2  # noqa: PLC0415 - paid for only where a draft is made
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    surroundings = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    try:
        return surroundings.from_string(template).render(**known)
    except jinja2.TemplateError as error:
        raise ContentError(name, [" ".join(str(error).split())]) from error


def _guide(bench: Bench, file: str) -> voice.VoiceGuide:
    if not file:
        return content.read(content.find(GUIDE, bench.folder), voice.VoiceGuide)
    bench.read_file(file)  # its labels come along when an agent wrote it
    return content.read(bench.path_in(file), voice.VoiceGuide)


def _own_or_kit(bench: Bench, relative: str) -> str:
    if bench.path_in(relative).is_file():
        return _text(relative, bench.read_file(relative))
    return content.find(relative).read_text(encoding="utf-8")


def _text(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContentError(name, [f"byte {error.start} is not UTF-8; wanted a text file"]) from error
    if len(text) > LONGEST_NOTE:
        raise ContentError(name, [f"holds {len(text):,} characters; wanted at most {LONGEST_NOTE:,}"])
    return text


def _told(access: ModelAccess, answer: Answer) -> dict[str, Any]:
    tries = [one.plain() for one in answer.tries]
    paid = models.cost(access, tries)
    return {
        "draft": answer.draft.model_dump(mode="json") if answer.draft else None,
        "why": answer.why,
        "tries": tries,
        "seconds": round(sum(one.seconds for one in answer.tries), 3),
        "model": access.model,
        "cost": paid,
        "currency": access.prices.currency if access.prices and paid is not None else None,
        "cost_source": "unknown" if paid is None else "price list",
    }


def _write_span(bench: Bench, access: ModelAccess, told: dict[str, Any], started: dt.datetime) -> None:
    counted = [one for one in told["tries"] if one["input_tokens"] is not None and one["output_tokens"] is not None]
    in_dollars = told["cost"] if told["currency"] == "USD" else None
    row = {
        "source": "playbook",
        "span": f"{bench.key}-model"[:120],
        "trace": bench.run_id,
        "kind": "model",
        "agent": "drafting",
        "playbook_id": bench.playbook_id,
        "start": started,
        "end": dt.datetime.now(dt.UTC),
        "status": "ok" if told["draft"] else "error",
        "error": told["why"][:1000] or None,
        "model": access.model,
        "provider": access.model.split(":", 1)[0] if not access.url else "OpenAI-compatible",
        "input_tokens": sum(one["input_tokens"] for one in counted) if counted else None,
        "output_tokens": sum(one["output_tokens"] for one in counted) if counted else None,
        "cost_usd": in_dollars,
        "cost_source": "price list" if in_dollars is not None else None,
        "tainted": UNTRUSTED in bench.desk.labels,
    }
    with bench.desk.records.change("a model was asked for a draft") as change:
        change.put("run_spans", [row])


def _most(asked: AskModel) -> float:
    return models.most_it_can_cost(asked.access, len(asked.instructions) + len(asked.material))


TOOLS = (
    Tool("read_material", "read", ReadMaterial, read_material),
    Tool("read_notes", "read", ReadNotes, read_notes, labels=frozenset({UNTRUSTED})),
    HANDED_OVER,
    Tool("ask_model", "draft", AskModel, ask_model, labels=frozenset({UNTRUSTED}), amount=_most),
    Tool("fill_template", "draft", FillTemplate, fill_template),
    Tool("keep_draft", "draft", KeepDraft, keep_draft),
    Tool("release_draft", "effect", ReleaseDraft, release_draft, idempotent=True),
)
