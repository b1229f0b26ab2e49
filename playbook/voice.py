"""Brand voice as rules a person can read and a check can apply: forbidden words, better words, counts, sentence length.

The rules are a client's own YAML. Nothing here scores a text or guesses who wrote it: each finding names a place, what
stood there and what is wanted instead. Three kinds of pattern, as prose linters have them: a phrase that may not stand
at all (existence), one that has a better word (substitution), one that may stand only so often (occurrence).
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pandas as pd
from pydantic import Field, field_validator

from playbook.tables import Authored, Sourced

Weight = Literal["must", "should"]
CHECKED = ("team", "piece", "place", "rule", "kind", "weight", "found", "wanted", "why")
SHOWN = 160  # characters of a long finding that are shown
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
_QUOTES, _APOSTROPHES, _HYPHENS = "\u201c\u201d\u201e\u00ab\u00bb", "\u2018\u2019\u02bc", "\u2010\u2011\u2212"
_TYPED = str.maketrans(
    {**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_QUOTES, '"'), **dict.fromkeys(_HYPHENS, "-")}
)
_JOINERS = {"\u00ad", "\u200c", "\u200d"}  # hyphenation, Persian and emoji need these
_STAR = "¤"  # stands in for a rule's * while the marks of Markdown are taken off
_ENDS = re.compile(r"[.!?…]+[\"')\]]*\s+")
_BULLET = re.compile(r"^\s*(?:[-*•]|#{1,6}|>)\s+")
_WORD = re.compile(r"\w[\w'-]*(?:[.,:/]\w+)*")


def _usable(phrases: Sequence[str]) -> list[str]:
    empty = [phrase for phrase in phrases if not plain_phrase(phrase).strip("* -")]
    if empty:
        raise ValueError(f"{empty[0]!r} would match anything; write the words it is about")
    return list(phrases)


class Pattern(Sourced):
    """What every rule has: an id, why it is there, and whether a text must or should keep it."""

    id: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    why: str
    weight: Weight = "must"
    exact_case: bool = False


class Existence(Pattern):
    """Phrases that may not stand in a text at all; `*` stands for any letters, or alone for any one word."""

    forbids: list[str] = Field(min_length=1)
    wanted: str

    _written = field_validator("forbids")(_usable)


class Substitution(Pattern):
    """Phrases with a better word: `instead_of` gives, for each phrase, what to write."""

    instead_of: dict[str, str] = Field(min_length=1)

    _written = field_validator("instead_of")(lambda pairs: dict(zip(_usable(list(pairs)), pairs.values(), strict=True)))


class Occurrence(Pattern):
    """Phrases that may stand at most so many times: in the piece, in a sentence, or in every hundred words."""

    counts: list[str] = Field(min_length=1)
    most: int = Field(ge=0, le=100)
    per: Literal["piece", "sentence", "100 words"]

    _written = field_validator("counts")(_usable)


class SentenceLength(Sourced):
    """The most words a sentence may have."""

    most: int = Field(ge=5, le=200)
    unit: Literal["words"]
    why: str
    weight: Weight = "should"


class Example(Authored):
    """One sentence as the brand would write it, beside one as it would not."""

    say: str
    not_this: str


class ClaimWords(Sourced):
    """Words that make a sentence a claim to be shown: whoever writes one of them needs a fact that says it too.

    `superlatives` also holds for every word ending in -est that is not among `not_superlatives`. `units` follow a
    number and `qualifiers` go before it: both belong to it, so that "up to 50 %" is another number than "50 %".
    """

    superlatives: tuple[str, ...]
    not_superlatives: tuple[str, ...]
    product_claims: tuple[str, ...]
    number_words: tuple[str, ...]
    units: tuple[str, ...]
    currencies: tuple[str, ...]
    qualifiers: tuple[str, ...]
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    negations: tuple[str, ...]


class VoiceGuide(Authored):
    """A brand guide: how the brand sounds, with examples, its forbidden patterns, and which words need a fact."""

    name: str
    sounds: list[str] = Field(min_length=1)
    examples: list[Example] = Field(default_factory=list)
    existence: list[Existence] = Field(default_factory=list)
    substitution: list[Substitution] = Field(default_factory=list)
    occurrence: list[Occurrence] = Field(default_factory=list)
    sentence_length: SentenceLength | None = None
    abbreviations: list[str] = Field(default_factory=list)
    claims: ClaimWords

    @field_validator("existence", "substitution", "occurrence")
    @classmethod
    def _own_ids(cls, rules: list[Pattern]) -> list[Pattern]:
        twice = {rule.id for rule in rules if sum(other.id == rule.id for other in rules) > 1}
        if twice:
            raise ValueError(f"two rules are called {', '.join(sorted(twice))}")
        return rules


@dataclass(frozen=True)
class Finding:
    """One thing to change: the place in the piece, the rule, what stood there and what is wanted.

    `weight` is must (the piece does not pass) or should (a person decides). `kind` is existence, substitution,
    occurrence, sentence length, alphabet or invisible; the claims check of drafts adds its own kinds.
    """

    place: str
    rule: str
    kind: str
    weight: Weight
    found: str
    wanted: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found!r}; wanted {self.wanted} ({self.why})"


def check(parts: Mapping[str, str], guide: VoiceGuide) -> list[Finding]:
    """What in a piece breaks the guide, in reading order within each rule; an empty list is a piece without findings.

    `parts` maps the name of each part ("title", "paragraph 2") to its text. Letters are compared without regard to
    case (unless the rule says so), markup, invisible characters and look-alike typography; words that mix two
    alphabets, which would hide from every rule, and characters that nobody sees are findings themselves.
    """
    places = [
        (f"{part}, sentence {number}", sentence)
        for part, text in parts.items()
        for number, sentence in enumerate(sentences(text, guide.abbreviations), start=1)
    ]
    found = [*_forbidden(places, guide), *_replaceable(places, guide), *_too_often(places, guide)]
    return [*found, *_too_long(places, guide), *_two_alphabets(places), *_unseen(parts)]


def check_pieces(pieces: pd.DataFrame, guide: VoiceGuide) -> pd.DataFrame:
    """The findings of many pieces: rows of team, piece (an id) and text in, one row a finding out.

    Columns: team, piece, place, rule, kind, weight, found, wanted, why; no rows for pieces without findings.
    Raises KeyError when a column is missing.
    """
    rows = [
        {"team": team, "piece": piece, **vars(finding)}
        for team, piece, text in pieces[["team", "piece", "text"]].itertuples(index=False)
        for finding in check({"text": text}, guide)
    ]
    return pd.DataFrame(rows, columns=list(CHECKED)).astype(dict.fromkeys(CHECKED, "str"))


def findings(checked: pd.DataFrame, pieces: int) -> list[str]:
    """What the table of `check_pieces` says of `pieces` checked pieces, as sentences with numbers."""
    if not pieces:
        return ["No piece has been checked against the brand guide yet."]
    broken = checked.loc[checked["weight"] == "must", ["team", "piece"]].drop_duplicates()
    said = [f"{len(broken)} of {pieces} checked pieces break a rule of the brand guide that must be kept."]
    often = checked.groupby("rule", sort=True).size().sort_values(ascending=False, kind="stable").head(3)
    if len(often):
        said.append(
            "Most often found: " + ", ".join(f"{str(rule).replace('_', ' ')} ({n})" for rule, n in often.items()) + "."
        )
    return said


def plain(text: str) -> str:
    """The text as the rules compare it: one form for each letter, no markup, no invisible characters, one space."""
    bare = re.sub(r"</?[A-Za-z][^>]*>", "", html.unescape(text))
    folded = unicodedata.normalize("NFKC", bare).translate(_TYPED)
    seen = "".join(" " if letter.isspace() else letter for letter in folded if _visible(letter))
    return " ".join(re.sub(r"[*_`~]+", "", seen).split())


def sentences(text: str, abbreviations: Iterable[str] = ()) -> list[str]:
    """The sentences of a text, each as `plain` has it; a line break ends one, a listed abbreviation does not."""
    short = {word.casefold() for word in abbreviations}
    return [sentence for line in text.splitlines() for sentence in _line(plain(_BULLET.sub("", line)), short)]


def words(text: str) -> list[str]:
    """The words of a text: letters and digits with what joins them, so "don't", "A/B" and "1,200" are one each."""
    return _WORD.findall(plain(text))


@lru_cache(maxsize=512)
def matcher(phrases: tuple[str, ...], *, exact_case: bool = False) -> re.Pattern[str]:
    """A pattern that finds any of the phrases as whole words in a `plain` text; hyphen and space count as equal."""
    longest = sorted((plain_phrase(phrase) for phrase in phrases), key=len, reverse=True)
    return re.compile(
        "|".join(_as_pattern(phrase) for phrase in longest) or r"(?!)", 0 if exact_case else re.IGNORECASE
    )


def plain_phrase(phrase: str) -> str:
    """A phrase of a rule as `plain` has texts, with its `*` kept."""
    return plain(phrase.replace("*", _STAR)).replace(_STAR, "*")


def _as_pattern(phrase: str) -> str:
    any_word = re.fullmatch(r"(.* )?\*( .*)?", phrase)
    letters = r"\w[\w'-]*" if any_word else r"[\w'-]*"
    body = re.sub(r"(?:\\-|\\ )+", "[ -]", re.escape(phrase)).replace(r"\*", letters)
    left = r"(?<!\w)" if phrase[0].isalnum() or phrase[0] == "*" else ""
    return left + body + (r"(?!\w)" if phrase[-1].isalnum() or phrase[-1] == "*" else "")


def _visible(letter: str) -> bool:
    return unicodedata.category(letter) not in {"Cf", "Cc", "Cs", "Co"} or letter.isspace()


def _line(line: str, short: set[str]) -> Iterator[str]:
    start = 0
    for end in _ENDS.finditer(line):
        before = line[start : end.start() + 1].split()
        if before and before[-1].casefold() in short:
            continue
        yield line[start : end.end()].strip()
        start = end.end()
    if line[start:].strip():
        yield line[start:].strip()


def _forbidden(places: Sequence[tuple[str, str]], guide: VoiceGuide) -> Iterator[Finding]:
    for rule in guide.existence:
        pattern = matcher(tuple(rule.forbids), exact_case=rule.exact_case)
        for place, sentence in places:
            for hit in pattern.finditer(sentence):
                yield Finding(place, rule.id, "existence", rule.weight, hit.group(), rule.wanted, rule.why)


def _replaceable(places: Sequence[tuple[str, str]], guide: VoiceGuide) -> Iterator[Finding]:
    for rule in guide.substitution:
        for phrase, better in rule.instead_of.items():
            pattern = matcher((phrase,), exact_case=rule.exact_case)
            for place, sentence in places:
                for hit in pattern.finditer(sentence):
                    yield Finding(
                        place, rule.id, "substitution", rule.weight, hit.group(), f'"{plain(better)}"', rule.why
                    )


def _too_often(places: Sequence[tuple[str, str]], guide: VoiceGuide) -> Iterator[Finding]:
    length = sum(len(words(sentence)) for _, sentence in places)
    for rule in guide.occurrence:
        pattern = matcher(tuple(rule.counts), exact_case=rule.exact_case)
        hits = [(place, hit.group()) for place, sentence in places for hit in pattern.finditer(sentence)]
        said = ", ".join(rule.counts)
        if rule.per == "sentence":
            counts = {place: sum(where == place for where, _ in hits) for place, _ in hits}
            over = [(place, n) for place, n in counts.items() if n > rule.most]
        else:
            most = rule.most if rule.per == "piece" else rule.most * max(1, math.ceil(length / 100))
            over = [(hits[most][0], len(hits))] if len(hits) > most else []
        for place, n in over:
            wanted = (
                f"at most {rule.most} in a {rule.per}"
                if rule.per != "100 words"
                else f"at most {rule.most} in 100 words"
            )
            yield Finding(place, rule.id, "occurrence", rule.weight, f"{said} {n} times", wanted, rule.why)


def _too_long(places: Sequence[tuple[str, str]], guide: VoiceGuide) -> Iterator[Finding]:
    rule = guide.sentence_length
    if rule is None:
        return
    for place, sentence in places:
        length = len(words(sentence))
        if length > rule.most:
            found = f"{length} words: {sentence[:SHOWN]}"
            yield Finding(
                place, "sentence_length", "sentence length", rule.weight, found, f"at most {rule.most} words", rule.why
            )


def _two_alphabets(places: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    why = "a letter that only looks right hides a word from search, from screen readers and from every rule"
    for place, sentence in places:
        for word in re.findall(r"[^\W\d_]+", sentence):
            if not word.isascii() and len({alphabet for letter in word if (alphabet := _alphabet(letter))}) > 1:
                yield Finding(place, "one_alphabet", "alphabet", "must", word, "a word written in one alphabet", why)


def _unseen(parts: Mapping[str, str]) -> Iterator[Finding]:
    why = "a reader does not see it, and a program that reads the text next does"
    for part, text in parts.items():
        hidden = sorted({letter for letter in text if not _visible(letter)} - _JOINERS)
        if hidden:
            names = ", ".join(f"U+{ord(letter):04X}" for letter in hidden[:5])
            yield Finding(
                part, "invisible_characters", "invisible", "must", names, "only characters that can be seen", why
            )


def _alphabet(letter: str) -> str:
    name = unicodedata.name(letter, "").split(" ")[0]
    return name if name in _ALPHABETS else ""
