"""Persons become pseudonyms before anything is kept: a keyed hash that no one can turn back without the secret."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

# bounded as mail addresses are, so that a long cell of garbage is read in time that grows with its length
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.UNICODE)
# as people write numbers to be called: with the country's +, an area in brackets, a leading 0 or as 555-010-9999; a day
# as YYYY-MM-DD is none
PHONE = re.compile(
    r"(?<![\w+.-])(?!\d{4}-\d\d-\d\d)"
    r"(?:\+\d[\d ()./-]{6,18}\d|\(\d{2,5}\) ?\d[\d -]{4,14}\d|0\d{2,4}[ /-]\d[\d -]{3,12}\d|\d{3}[ .-]\d{3}[ .-]\d{4})"
    r"(?![\w-])",
    re.ASCII,
)
WORD = re.compile(r"\w+", re.UNICODE)
LETTERS = re.compile(r"(?<!\w)[^\W\d_]{2,}(?:[ .'-]+[^\W\d_]{2,})*(?!\w)", re.UNICODE)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
UNSAID = "\u2026"
PSEUDONYM = re.compile(r"p_[0-9a-f]{16}")
KEY_BYTES = 64


class Pseudonyms:
    """Turns people's names and addresses into pseudonyms with the workspace's secret key.

    The same person, written in any case and with any spaces around, is always the same pseudonym in one workspace
    and another one in the next. A pseudonym given back (a corrected sheet) stays itself.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key if len(key) <= KEY_BYTES else hashlib.blake2b(key).digest()
        self._known: dict[str, str] = {}
        self._names: dict[tuple[str, ...], str] = {}
        self._others: dict[tuple[str, ...], str] = {}
        self._firsts: set[str] = set()
        self._longest = 1

    def of(self, person: object) -> str:
        """The pseudonym of one person: `p_` and 16 hexadecimal digits of a keyed BLAKE2b hash."""
        text = str(person)
        if text not in self._known:
            same = unicodedata.normalize("NFC", text).strip().casefold()
            if PSEUDONYM.fullmatch(same):
                return same
            digest = hashlib.blake2b(same.encode("utf-8", "replace"), key=self._key, digest_size=8)
            self._known[text] = f"p_{digest.hexdigest()}"
        return self._known[text]

    def meet(self, persons: Iterable[object]) -> None:
        """Remember names seen in a person column, so that `scrub` finds them in other columns of the file too."""
        for person in set(persons):
            words = tuple(word.casefold() for word in WORD.findall(unicodedata.normalize("NFC", str(person))))
            if words and not PSEUDONYM.fullmatch(str(person).strip()):
                self._names[words] = self.of(person)
                self._longest = max(self._longest, len(words))
                # Anna Maria Berg is also Anna Berg, and Berg, Anna; somebody who bears just that name stays themselves
                for spelling in ((words[0], words[-1]), (words[-1], words[0])) if len(words) > 1 else ():
                    self._others.setdefault(spelling, self.of(person))
                self._firsts |= {words[0], words[-1]}

    def scrub(self, text: str, *, single_words: bool = False) -> str:
        """The text with e-mail addresses, telephone numbers and the full names met so far replaced by pseudonyms.

        A full name is also found without its middle names and with its last name first. A name of one word ("Clerk", "System") may be ordinary language, so it is replaced only on request.
        """
        if "@" in text:
            text = EMAIL.sub(lambda found: self.of(found.group()), text)
        text = PHONE.sub(lambda found: self.of(re.sub(r"[^\d+]", "", found.group())), text)
        if self._firsts.isdisjoint(word.casefold() for word in WORD.findall(unicodedata.normalize("NFC", text))):
            return text
        # whole names first, so that a part of one name cannot hide another
        for names, shortest in ((self._names, 2), (self._others, 2), (self._names, 1))[: 3 if single_words else 2]:
            text = self._without_names(text, names, shortest)
        return text

    def _without_names(self, text: str, names: Mapping[tuple[str, ...], str], shortest: int) -> str:
        words = list(WORD.finditer(unicodedata.normalize("NFC", text))) if names else []
        if len(words) < shortest or not words:
            return text
        text, pieces, end, position = unicodedata.normalize("NFC", text), [], 0, 0
        while position < len(words):
            for size in range(min(self._longest, len(words) - position), shortest - 1, -1):
                run = words[position : position + size]
                name = names.get(tuple(word.group().casefold() for word in run))
                if name:
                    pieces += [text[end : run[0].start()], name]
                    end, position = run[-1].end(), position + size - 1
                    break
            position += 1
        return "".join([*pieces, text[end:]])


def measured_only(text: str, known: AbstractSet[str]) -> str:
    """What may be kept of a cell that should be a day, a number or a status: all but its unknown words.

    Such a cell is no place for words, so those it holds may be anything, a name as well. `known` are the words, in
    plain form, that days, durations and statuses are written with; others become an ellipsis.
    """

    def said(found: re.Match[str]) -> str:
        words = re.split(r"([ .'-]+)", found.group())
        if found.group().casefold() in known:
            return found.group()
        kept = (word if place % 2 or word.casefold() in known else UNSAID for place, word in enumerate(words))
        return re.sub(rf"{UNSAID}(?:[ .'-]+{UNSAID})+", UNSAID, "".join(kept))

    return LETTERS.sub(said, text)


def found_only(found: str, known: AbstractSet[str]) -> str:
    """What was found in such a cell as a fault says it: in quotation marks, or in a sentence of the reader's own."""
    if found[:1] in ("'", '"') and found[-1:] == found[:1]:
        return measured_only(found, known)
    return QUOTED.sub(lambda part: measured_only(part.group(), known), found)
