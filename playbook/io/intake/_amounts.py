"""Amounts and counts as reports write them: a file's decimal mark, and the currency beside a number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from playbook.errors import IntakeError

if TYPE_CHECKING:
    from pathlib import Path


# signs that stand for one currency alone; a bare $, ¥ or kr is the mark of many
SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "SG$": "SGD", "S$": "SGD", "NT$": "TWD", "MX$": "MXN", "R$": "BRL", "CN¥": "CNY", "JP¥": "JPY",
}  # fmt: skip
UNSURE = ("$", "¥")
MARK = "|".join(("[A-Z]{3}(?![$¥])", *(re.escape(sign) for sign in (*SIGNS, *UNSURE))))
AMOUNT = re.compile(rf"(?P<sign>[+-]?)(?P<before>{MARK})?(?P<number>[+-]?[^A-Z$€£¥₹]*?)(?P<after>{MARK})?")
COMMA_PROOF = re.compile(r"-?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})")
POINT_PROOF = re.compile(r"-?(\d*\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,})")
GROUPED_POINT, GROUPED_COMMA = re.compile(r"-?\d{1,3}(\.\d{3})+"), re.compile(r"-?\d{1,3}(,\d{3})+")
GROUPED = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")
SPACES = re.compile(r"[\s\u00a0\u202f'\u2019]")


def bare(text: str) -> str:
    """A number's cell without spaces, currency signs and codes around it."""
    tight = SPACES.sub("", text)
    found = AMOUNT.fullmatch(tight)
    return f"{found['sign']}{found['number']}" if found else tight


def currencies(text: str) -> set[str]:
    """The currencies a cell names by code or by a sign that stands for one alone."""
    found = AMOUNT.fullmatch(SPACES.sub("", text))
    marks = {found["before"], found["after"]} if found else set()
    return {SIGNS.get(mark, mark) for mark in marks if mark and mark not in UNSURE}


def decimal_mark(path: Path, numbers: Iterable[tuple[int, str, bool]]) -> str:
    """The decimal mark the numbers prove, empty when none does; a count is whole, so its marks group thousands.

    `numbers` are row, text and whether it is a count. Raises IntakeError when both marks are proved.
    """
    proof: dict[str, tuple[int, str]] = {}
    for row, text, is_count in numbers:
        if COMMA_PROOF.fullmatch(text) or (is_count and GROUPED_POINT.fullmatch(text)):
            proof.setdefault(",", (row, text))
        elif POINT_PROOF.fullmatch(text) or (is_count and GROUPED_COMMA.fullmatch(text)):
            proof.setdefault(".", (row, text))
    if len(proof) == 2:
        (row, text), (other, said) = proof[","], proof["."]
        raise IntakeError(
            f"{path}: {text} in row {row} has a decimal comma and {said} in row {other} a decimal point; "
            "export the report again in one language"
        )
    return next(iter(proof), "")


def unproved(numbers: Iterable[tuple[int, str, bool]]) -> list[str]:
    """A note of the first number that would be another one with the other decimal mark, where none is proved."""
    found = next((number for number in numbers if GROUPED.fullmatch(number[1])), None)
    if found is None:
        return []
    return [f"{found[1]} in row {found[0]} was read with a decimal point, as no number of the file shows its mark"]
