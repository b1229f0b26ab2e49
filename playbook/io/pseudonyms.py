"""Persons become pseudonyms before anything is kept: a keyed hash that no one can turn back without the secret."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING

from playbook.io import content
from playbook.io.names import PSEUDONYM, Names, folded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from playbook.io.names import NameWords

# the sign itself, as addresses of pages write it, and in full width
AT = re.compile("@|%40|\uff20")
# bounded as mail addresses are, so that a long cell of garbage is read in time that grows with its length
EMAIL = re.compile(
    rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}(?:{AT.pattern})[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}}", re.UNICODE
)
# as people write numbers to be called: with the country's + or 00, an area in brackets, a leading 0, in one piece too, or
# as 555-010-9999, with the country's 1 before it; a day as YYYY-MM-DD is none, nor is an id that begins with several zeros
PHONE = re.compile(
    r"(?<![\w+.-])(?!\d{4}-\d\d-\d\d)"
    r"(?:\+\d[\d ()./-]{6,18}\d|\(\d{2,5}\) ?\d[\d -]{4,14}\d|0\d{2,4}[ /-]\d[\d -]{3,12}\d"
    r"|(?:1[ .-])?\d{3}[ .-]\d{3}[ .-]\d{4}|0[1-9]\d{8,10}|00[1-9]\d{9,12})"
    r"(?![\w-])",
    re.ASCII,
)
LETTERS = re.compile(r"(?<!\w)[^\W\d_]{2,}(?:[ .'-]+[^\W\d_]{2,})*(?!\w)", re.UNICODE)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
UNSAID = "\u2026"
# a cell that names several people
LISTED = re.compile(r"[,;|\n]")
KEY_BYTES = 64


class Pseudonyms:
    """Turns people's names and addresses into pseudonyms with the workspace's secret key.

    The same person, written in any case and with any spaces around, is always the same pseudonym in one workspace
    and another one in the next. A pseudonym given back (a corrected sheet) stays itself. `words` say which words of a
    name are ordinary ones; without them the kit's own list is read.
    """

    def __init__(self, key: bytes, words: NameWords | None = None) -> None:
        self._key = key if len(key) <= KEY_BYTES else hashlib.blake2b(key).digest()
        self._known: dict[str, str] = {}
        self._own_words = words

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

    def person(self, cell: str) -> str | None:
        """The pseudonym of whoever a cell of a person column names; None where it names nobody."""
        return None if folded(cell.strip()) in self._words.empty else self.of(cell)

    def meet(self, persons: Iterable[object]) -> None:
        """Remember names seen in a person column, so that `scrub` finds them in other columns of the file too."""
        # in one order, as a spelling that two people share stands for the first of them
        for person in sorted({str(person) for person in persons}):
            if PSEUDONYM.fullmatch(person.strip().casefold()):
                continue
            text = unicodedata.normalize("NFC", person)
            addresses = EMAIL.findall(text) if AT.search(text) else []
            name = EMAIL.sub(" ", text) if addresses else text
            self._names.meet(name, self.of(person))
            for listed in LISTED.split(name) if LISTED.search(name) else ():
                self._names.meet(listed, self.of(listed))
            for address in addresses:
                self._names.meet(AT.split(address)[0], self._of_address(address), is_address=True)

    @property
    def beginnings(self) -> AbstractSet[str]:
        """Words and pieces of words, without case and accents: without one of them `scrub` finds no name in a text."""
        return self._names.beginnings

    def scrub(self, text: str, *, single_words: bool = False) -> str:
        """The text with e-mail addresses, telephone numbers and the names met so far replaced by pseudonyms.

        How a name and its single words are found is said in `playbook.io.names`. A name that is one ordinary word
        ("Clerk", "System") is replaced only on request.
        """
        if AT.search(text):
            text = EMAIL.sub(lambda found: self._of_address(found.group()), text)
        text = PHONE.sub(lambda found: self.of(re.sub(r"[^\d+]", "", found.group())), text)
        composed = text if text.isascii() else unicodedata.normalize("NFC", text)
        if not self._names.may_hold(composed, single_words=single_words):
            return text
        clean = self._names.replaced(composed, single_words=single_words)
        return text if clean == composed else clean

    def _of_address(self, address: str) -> str:
        return self.of(AT.sub("@", address))

    @cached_property
    def _names(self) -> Names:
        return Names(self.of, self._words)

    @cached_property
    def _words(self) -> NameWords:
        return self._own_words or content.load("names")


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
