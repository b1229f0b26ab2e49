"""Persons become pseudonyms before anything is kept: a keyed hash that no one can turn back without the secret."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# bounded as mail addresses are, so that a long cell of garbage is read in time that grows with its length
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.UNICODE)
WORD = re.compile(r"\w+", re.UNICODE)
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

    def scrub(self, text: str, *, single_words: bool = False) -> str:
        """The text with e-mail addresses and the full names met so far replaced by pseudonyms.

        A name of one word ("Clerk", "System") may be ordinary language, so it is replaced only on request.
        """
        if "@" in text:
            text = EMAIL.sub(lambda found: self.of(found.group()), text)
        if not self._names:
            return text
        return self._without_names(text, 1 if single_words else 2)

    def _without_names(self, text: str, shortest: int) -> str:
        words = list(WORD.finditer(unicodedata.normalize("NFC", text)))
        if len(words) < shortest:
            return text
        text, pieces, end, position = unicodedata.normalize("NFC", text), [], 0, 0
        while position < len(words):
            for size in range(min(self._longest, len(words) - position), shortest - 1, -1):
                run = words[position : position + size]
                name = self._names.get(tuple(word.group().casefold() for word in run))
                if name:
                    pieces += [text[end : run[0].start()], name]
                    end, position = run[-1].end(), position + size - 1
                    break
            position += 1
        return "".join([*pieces, text[end:]])
