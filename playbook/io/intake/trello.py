"""Trello's board export (JSON): its actions are an event log.

An action that puts a card on a list (created, copied, moved) becomes an event: the activity is the list's name, the
case the card's id, the time the action's, the workflow the board, the resource the member who did it. A card archived
or marked complete becomes an event under those words. Comments, renamings, checklists and other actions are passed over.
A board whose export has no such action gives two events a card: "Task created" at the time its id holds, and the
list it lies on at its last activity, by the first member on it. Names, texts and comments of cards are never
kept.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playbook.io.intake._export import Export
from playbook.io.intake._format import Options
from playbook.io.intake._json import document
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._sheet import Sheet
from playbook.io.intake._source import Source
from playbook.io.intake._tickets import created, in_order
from playbook.tables import EVENTS

HEADER = ("Trello action", "Step", "Card id", "Date", "Member", "Username", "Board")
ARRIVALS = ("createCard", "copyCard", "convertToCardFromCheckItem", "moveCardToBoard", "emailCard")
CARD, MEMBER = "card", "member"
ARCHIVED, COMPLETE = "Card archived", "Card marked complete"
# a card's id begins with the second it was made in, as eight hexadecimal digits
CARD_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True)
class Trello(Export):
    """A board, as a sheet with a row an action, or a row a card where no action tells of a step."""

    def sheets_from(self, source: Source) -> tuple[Sheet, ...]:
        """The board's rows; a file that is no JSON may still be a sheet of them that came back corrected."""
        if source.shape != "JSON":
            return source.sheets
        board = document(source.text)
        is_board = isinstance(board, dict) and isinstance(board.get("cards"), list) and "lists" in board
        return (_sheet(board),) if is_board else ()

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """The step an action tells, or a card's creation and where it lies."""
        action, step = record.get("Trello action"), record.get("Step")
        if step is None or action == MEMBER:
            return
        told: dict[str, Any] = {"case": record.needed("Card id"), "workflow": record.get("Board")}
        when = record.moment("Date", options)
        if when is None:
            raise Bad("Date", "nothing", "when it happened")
        if action == CARD:
            made = _made(told["case"])
            in_order(made, when, "Date", earlier="the card's creation")
            yield from created(told, made)
        person = record.get("Member") or record.get("Username")
        yield {**told, "activity": step, "timestamp": when, "resource": person}


def _made(card: str) -> dt.datetime:
    if not CARD_ID.fullmatch(card):
        raise Bad("Card id", repr(card), "24 hexadecimal digits, of which the first eight are a time")
    return dt.datetime.fromtimestamp(int(card[:8], 16), dt.UTC)


def _sheet(board: Mapping[str, Any]) -> Sheet:
    """The board as rows: its members first, who are only met and never kept, then its actions or its cards."""
    title, people = _text(board, "name"), {_text(one, "id"): one for one in _items(board, "members")}
    steps = [[_text(one, "type"), _step(one), *_where_and_who(one), title] for one in _items(board, "actions")]
    if not any(row[1] for row in steps):
        lists = {_text(one, "id"): _text(one, "name") for one in _items(board, "lists")}
        steps = [
            [CARD, lists.get(_text(one, "idList")), *_card(one), *_on(one, people), title]
            for one in _items(board, "cards")
        ]
    members = [[MEMBER, None, None, None, *_names(one), None] for one in people.values()]
    return Sheet("", HEADER, "", lambda: enumerate([*members, *steps], start=1))


def _step(action: Mapping[str, Any]) -> str | None:
    """What an action did to a card, in words of the board; None where it was no step of the work."""
    kind = _text(action, "type")
    if kind in ARRIVALS:
        return _text(action, "data", "list", "name")
    if kind != "updateCard":
        return None
    if _at(action, "data", "listAfter") is not None:
        return _text(action, "data", "listAfter", "name")
    for name, words in (("closed", ARCHIVED), ("dueComplete", COMPLETE)):
        if _at(action, "data", "old", name) is False and _at(action, "data", "card", name) is True:
            return words
    return None


def _where_and_who(action: Mapping[str, Any]) -> list[str | None]:
    return [_text(action, "data", "card", "id"), _text(action, "date"), *_names(_at(action, "memberCreator"))]


def _card(card: Mapping[str, Any]) -> list[str | None]:
    return [_text(card, "id"), _text(card, "dateLastActivity")]


def _on(card: Mapping[str, Any], people: Mapping[str | None, Any]) -> list[str | None]:
    ids = card.get("idMembers")
    first = ids[0] if isinstance(ids, list) and ids else None
    return _names(people.get(first) if isinstance(first, str) else None)


def _names(member: Any) -> list[str | None]:
    return [_text(member, "fullName"), _text(member, "username")]


def _items(board: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = board.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _at(found: Any, *names: str) -> Any:
    """What lies at the end of these names, None where one of them is not there."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(found: Any, *names: str) -> str | None:
    value = _at(found, *names)
    return value if isinstance(value, str) and value.strip() else None


FORMATS = (
    Trello(
        "trello",
        "Trello board export",
        EVENTS,
        headers=HEADER,
        persons=("Member", "Username"),
        texts=("Trello action", "Step", "Card id", "Board"),
    ),
)
