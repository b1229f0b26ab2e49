"""Every claim must be shown: a number, date, superlative or promise in a draft has to stand in a fact the draft cites.

The check compares written forms and understands nothing: it shows that the cited fact holds the same number with the
same unit and qualifier, the same superlative, the same promise, and denies as often. That the sentence means what the
fact means is for the person who reads the draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from playbook import voice

if TYPE_CHECKING:
    import datetime as dt

    from playbook.agents.drafting.facts import Fact
    from playbook.agents.drafting.text import Claim, Draft

RULE = "claims"
WHY = "a claim nobody can show is a complaint waiting to happen"
_EDGES = "\"'()[]{}.,;:!?…*_"
_LINK = re.compile(
    r"\b[a-z][a-z0-9+.-]*:/?/?\S+|\bwww\.\S+|\S+@\S+|(?<!\w)@\w+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b(?:/\S*)?",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<[A-Za-z!/?]|!?\[[^\]]*\]\s*[(\[:]|\{\{|\{%|```|&#|&[a-z]+;", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"]{8,})\"")
MOST_FACTS = 3
_NEAR = 3  # words of a qualifier at most: "no more than"


@dataclass(frozen=True)
class Item:
    """Something in a text that needs a fact: what kind, the words, the form that is compared, and where it stands."""

    kind: str
    text: str
    form: str
    start: int
    end: int


@dataclass(frozen=True)
class Terms:
    """What the check goes by: the guide's words for claims, names of products, addresses allowed, how long facts last."""

    words: voice.ClaimWords
    products: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    good_for_days: int = 365


def check_claims(
    draft: Draft, facts: Sequence[Fact], terms: Terms, *, today: dt.date, signed_off: bool = True
) -> list[voice.Finding]:
    """Every claim of the draft that its cited facts do not show, place by place; empty when all are shown.

    `facts` are those that may be cited; with `signed_off` false none counts. Findings have the rule `claims` and the
    kind number, date, superlative, product claim, named product, quotation, link, markup, claim (cites nothing, an
    unknown or an old fact, denies otherwise, or stands nowhere in the text) or facts sheet. All are must: a draft with
    any of them does not pass.
    """
    known = {fact.fact_id: fact for fact in facts} if signed_off else {}
    found = [] if signed_off else [_unsigned()]
    for place, text, claims in draft.places():
        shown = voice.plain(text)
        spans = [(claim, span) for claim in claims for span in _spans(voice.plain(claim.text), shown)]
        found += _bad_claims((place, shown), claims, known, terms, today)
        found += _denied_outside(place, shown, [span for _, span in spans], terms.words)
        for item in spot(text, terms):
            cited = {
                fact_id: known[fact_id]
                for claim, (start, end) in spans
                if start <= item.start and item.end <= end
                for fact_id in claim.facts
                if fact_id in known
            }
            if not _shown(item, list(cited.values()), terms):
                found.append(_unshown(place, item, list(cited)))
    return found


def spot(text: str, terms: Terms) -> list[Item]:
    """Everything in a text that needs a fact, in reading order: what `check_claims` looks for."""
    shown, words = voice.plain(text), terms.words
    found = [*_links(shown), *_markup(text), *_dates(shown, words)]
    taken = [(item.start, item.end) for item in found if item.kind != "markup"]
    found += [item for item in _numbers(shown, words) if not _within((item.start, item.end), taken)]
    found += _phrases("number", words.number_words, shown)
    harmless = [hit.span() for hit in voice.matcher(words.not_superlatives).finditer(shown)]
    found += [
        item
        for item in _phrases("superlative", (*words.superlatives, "*est"), shown)
        if not any(start <= item.start < end for start, end in harmless)
    ]
    found += _phrases("product claim", words.product_claims, shown)
    found += [Item("quotation", hit.group(), hit.group(1).casefold(), *hit.span()) for hit in _QUOTED.finditer(shown)]
    found += _named(shown, terms)
    return sorted(set(found), key=lambda item: (item.start, item.end, item.kind))


def _bad_claims(
    where: tuple[str, str], claims: Sequence[Claim], known: Mapping[str, Fact], terms: Terms, today: dt.date
) -> Iterator[voice.Finding]:
    place, shown = where
    for claim in claims:
        text = voice.plain(claim.text)
        cited = [known[fact_id] for fact_id in claim.facts if fact_id in known]
        unknown = [fact_id for fact_id in claim.facts if fact_id not in known]
        old = [fact for fact in cited if not 0 <= (today - fact.date).days <= terms.good_for_days]
        if not _spans(text, shown):
            yield _claim(
                place, text, "the words as they stand in the text", "a claim that stands nowhere shows nothing"
            )
        if len(voice.sentences(text)) > 1 or len(claim.facts) > MOST_FACTS:
            wanted = f"one sentence a claim, with at most {MOST_FACTS} facts"
            yield _claim(place, text, wanted, "a claim over everything shows nothing")
        if not claim.facts:
            yield _claim(place, text, "a fact of the sheet that says so, or another sentence", WHY)
        for fact_id in unknown:
            yield _claim(place, text, f"a fact of the sheet; there is no {fact_id!r} that counts", WHY)
        for fact in old:
            wanted = f"a fact read in the last {terms.good_for_days} days; {fact.fact_id} is of {fact.date}"
            yield _claim(place, text, wanted, "what was true then may not be now")
        denials = sum(len(_denials(voice.plain(fact.statement), terms.words)) for fact in cited)
        if cited and len(_denials(text, terms.words)) != denials:
            yield _claim(place, text, f"a sentence that denies what {cited[0].fact_id} denies and no more", WHY)


def _claim(place: str, text: str, wanted: str, why: str) -> voice.Finding:
    return voice.Finding(place, RULE, "claim", "must", text[: voice.SHOWN], wanted, why)


def _unsigned() -> voice.Finding:
    return voice.Finding(
        "facts sheet",
        RULE,
        "facts sheet",
        "must",
        "not the sheet a person signed off",
        "the hash of the sheet in the policy (facts: sha256), written by the role that read it",
        "a row anyone could add is no fact",
    )


def _unshown(place: str, item: Item, cited: Sequence[str]) -> voice.Finding:
    if item.kind == "markup":
        wanted = "plain text: the page around it brings the form"
    elif item.kind == "link":
        wanted = "an address that the policy lists under links"
    elif cited:
        wanted = f"a fact that says the same; {', '.join(cited)} does not"
    else:
        wanted = "a claim around it that cites a fact of the sheet"
    return voice.Finding(place, RULE, item.kind, "must", item.text[: voice.SHOWN], wanted, WHY)


def _shown(item: Item, evidence: Sequence[Fact], terms: Terms) -> bool:
    if item.kind == "markup":
        return False
    if item.kind == "link":
        return item.form in {link.casefold().strip("/") for link in terms.links}
    if item.kind == "named product":
        return bool(evidence)
    if item.kind == "quotation":
        return any(item.form in voice.plain(fact.statement).casefold() for fact in evidence)
    return any((item.kind, item.form) in _forms(fact.statement, terms) for fact in evidence)


@lru_cache(maxsize=2048)
def _forms(statement: str, terms: Terms) -> frozenset[tuple[str, str]]:
    return frozenset((item.kind, item.form) for item in spot(statement, terms))


def _links(shown: str) -> Iterator[Item]:
    for hit in _LINK.finditer(shown):
        text = hit.group().rstrip(_EDGES)
        yield Item("link", text, text.casefold().strip("/"), hit.start(), hit.start() + len(text))


def _markup(text: str) -> Iterator[Item]:
    for hit in _MARKUP.finditer(text):
        yield Item("markup", hit.group(), hit.group(), *hit.span())


def _dates(shown: str, words: voice.ClaimWords) -> Iterator[Item]:
    month = "|".join(sorted(words.months, key=len, reverse=True))
    day = r"\d{1,2}(?:st|nd|rd|th)?"
    dated = rf"\b(?:{day} (?:of )?)?(?:{month})\b\.?(?: {day}\b,?)?(?: \d{{4}}\b)?"
    for hit in re.finditer(dated, shown):
        text = hit.group().rstrip(".,")
        yield Item("date", text, text.casefold(), hit.start(), hit.start() + len(text))
    yield from _phrases("date", words.weekdays, shown)


def _numbers(shown: str, words: voice.ClaimWords) -> Iterator[Item]:
    tokens = [(hit.group(), *hit.span()) for hit in re.finditer(r"\S+", shown)]
    units = frozenset(_unit(unit) for unit in words.units)
    for at, (token, token_start, token_end) in enumerate(tokens):
        core = token.strip(_EDGES)
        if not any(letter.isdigit() for letter in core):
            continue
        first = token_start + token.index(core)
        form, end = core.casefold(), first + len(core)
        if end == token_end:
            form, end = _with_unit(form, end, tokens[at + 1 : at + 3], units)
        form, start, at_first = _with_currency(form, first, tokens, at, words)
        form, start = _with_qualifier(form, start, tokens[max(0, at_first - _NEAR) : at_first], words)
        yield Item("number", shown[start:end], form, start, end)


def _with_unit(
    form: str, end: int, following: Sequence[tuple[str, int, int]], units: frozenset[str]
) -> tuple[str, int]:
    for count in (2, 1):
        said = [token.strip(_EDGES) for token, _, _ in following[:count]]
        unit = _unit(" ".join(said))
        if len(said) == count and unit in units:
            sign = "" if unit in "%‰" else " "
            return f"{form}{sign}{unit}", following[count - 1][1] + len(following[count - 1][0].rstrip(_EDGES))
    return form, end


def _with_currency(
    form: str, start: int, tokens: Sequence[tuple[str, int, int]], at: int, words: voice.ClaimWords
) -> tuple[str, int, int]:
    known = {currency.casefold() for currency in words.currencies}
    before = tokens[at - 1][0].lstrip(_EDGES).casefold() if at else ""
    if before not in known:
        return form, start, at
    sign = "" if len(before) == 1 else " "
    return f"{before}{sign}{form}", tokens[at - 1][1], at - 1


def _with_qualifier(
    form: str, start: int, before: Sequence[tuple[str, int, int]], words: voice.ClaimWords
) -> tuple[str, int]:
    known = {qualifier.casefold() for qualifier in words.qualifiers}
    for count in range(len(before), 0, -1):
        said = " ".join(token for token, _, _ in before[-count:]).casefold().lstrip(_EDGES)
        if said in known:
            return f"{said} {form}", before[-count][1]
    return form, start


def _unit(word: str) -> str:
    bare = word.casefold()
    return bare[:-1] if len(bare) > 3 and bare.endswith("s") else bare


def _phrases(kind: str, phrases: tuple[str, ...], shown: str) -> Iterator[Item]:
    for hit in voice.matcher(phrases).finditer(shown):
        yield Item(kind, hit.group(), hit.group().casefold().replace("-", " "), *hit.span())


def _named(shown: str, terms: Terms) -> Iterator[Item]:
    for hit in voice.matcher(terms.products).finditer(shown) if terms.products else ():
        ending = re.search(r"[.!?…]", shown[hit.end() :])
        if ending is None or ending.group() != "?":
            yield Item("named product", hit.group(), hit.group().casefold(), *hit.span())


def _denials(shown: str, words: voice.ClaimWords) -> list[tuple[int, int]]:
    return [hit.span() for hit in voice.matcher(words.negations).finditer(shown)]


def _denied_outside(
    place: str, shown: str, spans: Sequence[tuple[int, int]], words: voice.ClaimWords
) -> Iterator[voice.Finding]:
    for start, end in _denials(shown, words):
        first = max((shown.rfind(mark, 0, start) for mark in ".!?…"), default=-1)
        last = min((at for mark in ".!?…" if (at := shown.find(mark, end)) >= 0), default=len(shown))
        beside = any(first < a and b <= last + 1 for a, b in spans)
        if beside and not _within((start, end), spans):
            wanted = "the whole sentence as the claim: beside it the word turns what the fact says"
            yield _claim(place, shown[start:end], wanted, WHY)


def _spans(claim: str, shown: str) -> list[tuple[int, int]]:
    return [hit.span() for hit in re.finditer(re.escape(claim), shown)] if claim else []


def _within(span: tuple[int, int], spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in spans)
