"""The names of people and accounts, and where a text holds them: joined, turned, alone, in any case and accent.

A name is met once and then found in every text that is asked about:

1. the whole name, also without its middle names and with its last name first, whatever stands between its words: Anna
   Berg is in `berg, anna`, `Anna_Berg`, `anna-berg`, `AnnaBerg` and `annaberg`;
2. each of its words standing alone. A word that is an ordinary one too (Mark, May, Page) is found where it is written as
   a name is: with a capital letter inside a sentence, or at its beginning before 's, a comma, a colon, a dash, a slash
   or nothing more; in lower case, at the beginning before other words and before a number it stays ("mark as done", "May
   newsletter", "Page 3");
3. of an address the words before the @, as those of a name.

Not found are words that are nobody's name (`ordinary` in assessments/intake/names.yaml: Team, Clerk, Content), numbers,
single letters, words of two letters in another case than they were met in, and the words of a numbered account standing
alone (`AML Investigator-000001`). A word ends at a space, a mark or _, where a capital letter follows a small one, and
before the digits at its end; names in Chinese, Japanese and Korean are found inside other words.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import model_validator

from playbook.tables import Authored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PSEUDONYM = re.compile(r"p_[0-9a-f]{16}")
# a pseudonym is no word: its letters may spell somebody
WORD = re.compile(rf"{PSEUDONYM.pattern}(?![^\W_])|[^\W_]+")
# the words and pieces of most texts, found fast
PLAIN_WORD = re.compile(r"[a-z0-9]+")
PLAIN_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
MAY_BREAK = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]|[A-Za-z][0-9]")
ENDS_IN_DIGITS = re.compile(r"([^\W\d_]+)(\d+)")
# what is written without spaces between words
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
NO_SENTENCE_YET = " \t\"'([{<*>#-\u201c\u2018\u2022\u2013\u2014"
INITIAL = re.compile(r"(?<!\w)\w\.$")
AFTER_A_NAME = re.compile(r"\s*(?:['\u2019]s\b|[:,/&+]|[.!?]?\s*$|\.\w{2,5}$)|\s+[-\u2013\u2014]\s")
NUMBER = re.compile(r"[\s.#-]*\d")
UNACCENTED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i", "ħ": "h"}
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
WRITTEN_OUT = re.compile(r"(?<=[^\Waeiou\d_])([aou])e(?=[^\Waeiou\d_])")
LONGEST = 120  # characters of a spelling
SHORT = 2  # letters a word may have by chance
SHORT_WITH_DIGITS = 3
LEAST_JOINED = 6  # letters; two words joined to fewer are too often another word
ACCOUNT_DIGITS = 3  # of the number of an account, 000001; Anna 2 is the second Anna


class NameWords(Authored):
    """What the words that names are made of mean standing alone.

    `ordinary` are nobody's name; `also_names` are names and ordinary words, told apart by how they are written;
    `nobody` is what stands, alone, in a person column where there is no person.
    """

    ordinary: tuple[str, ...]
    also_names: tuple[str, ...]
    nobody: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_meaning_a_word(self) -> Self:
        if both := self.nobodys & self.doubtful:
            raise ValueError(f"listed as ordinary and as also_names: {', '.join(sorted(both))}; keep one")
        return self

    @cached_property
    def nobodys(self) -> frozenset[str]:
        """The ordinary words without case and accents."""
        return frozenset(map(folded, self.ordinary))

    @cached_property
    def empty(self) -> frozenset[str]:
        """The cells that name nobody, without case and accents."""
        return frozenset(map(folded, self.nobody))

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """The words that are also names, without case and accents."""
        return frozenset(map(folded, self.also_names))


class Where(IntEnum):
    """Where a spelling is a name, the surest first: of two people's spellings the surer one stands for its person."""

    AS_THE_WHOLE_NAME = 0
    ANYWHERE = 1
    WRITTEN_AS_A_NAME = 2
    WRITTEN_THE_SAME = 3


class Piece(NamedTuple):
    """A piece of a word of a text: where it stands, its letters folded, and with what a name that stands here begins."""

    start: int
    end: int
    said: str
    begins: tuple[str, ...]


class Spelling(NamedTuple):
    """One way to spell a name: its letters without what joins its words, and with what it begins in a text."""

    said: str
    begins: frozenset[str]


class Names:
    """The names met so far, each with the pseudonym that stands for it; `replaced` takes them out of a text.

    `of` gives the pseudonym of a single word, which may be the name of several people and so stands for none of them.
    `beginnings` are the words and pieces of words, folded, with which all spellings begin that are looked for unasked.
    """

    def __init__(self, of: Callable[[str], str], words: NameWords) -> None:
        self._of, self._words = of, words
        self._elsewhere = words.nobodys | words.doubtful
        self._spellings: dict[str, tuple[Where, str]] = {}
        self._on_request: dict[str, str] = {}
        self._written: set[str] = set()
        self._words_met: set[str] = set()
        self._longest = 0
        self.beginnings: set[str] = set()
        self._all_beginnings: set[str] = set()

    def meet(self, name: str, pseudonym: str, *, is_address: bool = False) -> None:
        """Remember a name with what stands for it; of an address only what stands before its @ is given."""
        parts = [word for word in WORD.findall(name) if not PSEUDONYM.fullmatch(word)]
        # 1. the whole name; one of a single word may be ordinary language, which is looked for on request
        if len(parts) > 1:
            self._add_whole(parts, Where.AS_THE_WHOLE_NAME, pseudonym)
        elif parts and not is_address:
            self._written.add(parts[0])
            for spelling in self._spelled(parts):
                self._on_request.setdefault(spelling.said, pseudonym)
                self._all_beginnings |= spelling.begins
                self._longest = min(max(self._longest, len(spelling.said)), LONGEST)
        # 2. the same without titles, without middle names, and turned
        own = [
            part for part in parts if len(part) > 1 and not part.isdigit() and folded(part) not in self._words.nobodys
        ]
        if len(own) > 1:
            for turned in {tuple(own), (own[0], own[-1]), (own[-1], own[0])} - {tuple(parts)}:
                self._add_whole(turned, Where.ANYWHERE, pseudonym)
        # 3. its words
        if not any(part.isdigit() and len(part) >= ACCOUNT_DIGITS for part in parts):
            for part in own:
                cut = [part[start:end] for start, end in _cuts(part)]
                for word in {part, *(cut if not UNSPACED.search(part) else ())} - self._words_met:
                    self._words_met.add(word)
                    self._add_word(word)

    def may_hold(self, text: str, *, single_words: bool = False) -> bool:
        """Whether anything in the text begins as a name does: a quick answer that misses no name."""
        begin = self._all_beginnings if single_words else self.beginnings
        if not text.isascii():
            return any(not begin.isdisjoint(piece.begins) for piece in pieces(text))
        if not begin.isdisjoint(PLAIN_WORD.findall(text.lower())):
            return True
        return bool(MAY_BREAK.search(text)) and not begin.isdisjoint(map(str.lower, PLAIN_PIECE.findall(text)))

    def replaced(self, text: str, *, single_words: bool = False) -> str:
        """The text with each name replaced; with `single_words` also names of one word that may be ordinary language."""
        begin = self._all_beginnings if single_words else self.beginnings
        found, kept, end, at = list(pieces(text)), list[str](), 0, 0
        while at < len(found):
            size, pseudonym = 0, ""
            if not begin.isdisjoint(found[at].begins):
                size, pseudonym = self._name_at(text, found, at, single_words=single_words)
            if size:
                start, stop = found[at].start, found[at + size - 1].end
                # letters that stood without a space beside the name would make the pseudonym another one
                apart = "_" if text[start - 1 : start].isalnum() else "", "_" if text[stop : stop + 1].isalnum() else ""
                kept += [text[end:start], apart[0], pseudonym, apart[1]]
                end = stop
            at += size or 1
        return "".join([*kept, text[end:]])

    def _name_at(self, text: str, found: Sequence[Piece], at: int, *, single_words: bool) -> tuple[int, str]:
        """Of how many pieces the longest name is that begins here, and what stands for it."""
        best, said = (0, ""), ""
        for size, piece in enumerate(found[at : at + self._longest], start=1):
            said += piece.said
            if len(said) > self._longest:
                break
            where, pseudonym = self._spellings.get(said, (None, ""))
            if where is not None and self._is_name(text, found[at].start, piece.end, where):
                best = size, pseudonym
            elif single_words and said in self._on_request:
                best = size, self._on_request[said]
        return best

    def _is_name(self, text: str, start: int, end: int, where: Where) -> bool:
        is_written_so = text[start:end] in self._written
        if where is not Where.WRITTEN_AS_A_NAME:
            return is_written_so or where is not Where.WRITTEN_THE_SAME
        is_alone = text.strip() == text[start:end]
        return (is_alone and is_written_so) or (text[start].isupper() and _stands_as_a_name(text, start, end))

    def _add_whole(self, parts: Sequence[str], where: Where, pseudonym: str) -> None:
        if any(mark.isalpha() for part in parts for mark in part):
            for spelling in self._spelled(parts):
                self._add(spelling, where, pseudonym)

    def _add_word(self, word: str) -> None:
        plain, is_unspaced = folded(word), UNSPACED.search(word) is not None
        if len(word) == 1 or word.isdigit() or plain in self._words.nobodys:
            return
        where = Where.ANYWHERE
        if plain in self._words.doubtful:
            where = Where.WRITTEN_AS_A_NAME
        elif not is_unspaced and len(word) <= (SHORT if word.isalpha() else SHORT_WITH_DIGITS):
            where = Where.WRITTEN_THE_SAME
            self._written.add(word)
        pseudonym = self._of(plain)
        for spelling in self._spelled([word]):
            if spelling.said == plain or spelling.said not in self._elsewhere:
                self._add(spelling, where, pseudonym)

    def _add(self, spelling: Spelling, where: Where, pseudonym: str) -> None:
        if len(spelling.said) > LONGEST:
            return
        known = self._spellings.get(spelling.said)
        if known is None or where < known[0]:
            self._spellings[spelling.said] = where, pseudonym
        self._longest = max(self._longest, len(spelling.said))
        self.beginnings |= spelling.begins
        self._all_beginnings |= spelling.begins

    def _spelled(self, parts: Sequence[str]) -> Iterator[Spelling]:
        """The parts as they are, with umlauts as two letters, and with those two as one: Müller, Mueller, Muller."""
        first, cut = parts[0], [part[start:end] for part in parts for start, end in _cuts(part)]
        known = set[str]()
        for spell in SPELLINGS:
            told = [spell(piece) for piece in cut]
            said = "".join(told)
            if said not in known:
                known.add(said)
                is_joined = len(said) >= LEAST_JOINED and said not in self._elsewhere
                yield Spelling(said, frozenset([told[0], spell(first), *([said] if is_joined else [])]))


@lru_cache(maxsize=100_000)
def folded(word: str) -> str:
    """The word without case and accents: Łukasz is lukasz, José is jose."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFKD", word.casefold().translate(UNACCENTED))
    return unicodedata.normalize("NFC", "".join(mark for mark in apart if not unicodedata.combining(mark)))


SPELLINGS: tuple[Callable[[str], str], ...] = (
    folded,
    lambda word: folded(word.casefold().translate(UMLAUTS)),
    lambda word: WRITTEN_OUT.sub(r"\1", folded(word)),
)


def pieces(text: str) -> Iterator[Piece]:
    """The words of a text in pieces, but for pseudonyms; digits at a word's end begin nothing."""
    for word in WORD.finditer(text):
        said, first = word.group(), word.start()
        if PSEUDONYM.fullmatch(said):
            continue
        for start, end in _cuts(said):
            piece = folded(said[start:end])
            begins = (piece, folded(said)) if not start else () if piece.isdigit() else (piece,)
            yield Piece(first + start, first + end, piece, begins)


def _cuts(word: str) -> list[tuple[int, int]]:
    """Where a word is put together: AnnaBerg2 is Anna, Berg and 2; an id with digits inside is one piece."""
    if word.isascii() and not MAY_BREAK.search(word):
        return [(0, len(word))]
    numbered = ENDS_IN_DIGITS.fullmatch(word)
    letters = numbered[1] if numbered else word
    inside = [0]
    if letters.isalpha():
        inside += [place for place in range(1, len(letters)) if _begins_anew(letters, place)]
    ends = [*inside[1:], len(letters), *([len(word)] if numbered else [])]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _begins_anew(letters: str, place: int) -> bool:
    before, here = letters[place - 1], letters[place]
    if UNSPACED.match(before) or UNSPACED.match(here):
        return True
    return here.isupper() and (before.islower() or (before.isupper() and letters[place + 1 : place + 2].islower()))


def _stands_as_a_name(text: str, start: int, end: int) -> bool:
    """Whether a capital letter here is a name's: not the one a sentence begins with, and no number follows."""
    before = text[:start].rstrip(NO_SENTENCE_YET)
    is_beginning = not before or before[-1] in "!?\n" or (before[-1] == "." and not INITIAL.search(before))
    return bool(AFTER_A_NAME.match(text, end)) if is_beginning else not NUMBER.match(text, end)
