"""What the reports of marketing channels share: preambles and totals, periods, numbers in any notation, currencies.

A row of a report gives one row of `tables.CHANNEL_RESULTS` for each of its measures. Rates (CTR, open rate, CPM) are
never stored, as they follow from the measures. A cell without a value (empty or --) gives no row, which is not a zero.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import IntakeError
from playbook.io.intake._cells import day, moment
from playbook.io.intake._export import Bad, Export, Record
from playbook.io.intake._rules import plain
from playbook.io.intake._sheet import Sheet, is_blank, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._source import Source

START, END = "Start date", "End date"
MONEY = ("cost", "revenue")
# measures that need not be whole: an advertiser's model may split a conversion between channels
FRACTIONAL = (*MONEY, "conversions", "engagement_seconds", "key_events")
NOTHING = ("", "-", "--", "\u2014", "n/a")
SIGNS = {"€": "EUR", "£": "GBP"}  # a dollar sign is the mark of many currencies
DATE_FORMS = ("%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y")
IN_BRACKETS = re.compile(r"\s*\(([A-Z]{3})\)$")
COMMA_PROOF = re.compile(r"-?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})")
POINT_PROOF = re.compile(r"-?(\d*\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,})")
GROUPED_POINT, GROUPED_COMMA = re.compile(r"-?\d{1,3}(\.\d{3})+"), re.compile(r"-?\d{1,3}(,\d{3})+")
COMMA_NUMBER = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
POINT_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?")


@dataclass(frozen=True)
class Period:
    """The days a row counts: the first and how many."""

    start: dt.date
    days: int


@dataclass(frozen=True)
class ChannelReport(Export):
    """A channel's report with one row a campaign or channel.

    `named_by` are the headers whose cells together name the row, `measures` gives the metric of a header (brackets with
    a currency are passed over). `decimal` is the file's decimal mark, found before its numbers are read; empty: no
    number of the file shows which it is.
    """

    named_by: tuple[str, ...] = ()
    measures: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Find the decimal mark of the file, then read each row."""
        mark = decimal_mark(source.path, self._numbers(claim.sheet))
        # an English header and no other proof leaves 1,234 a thousand, except where commas cannot have split cells
        known = replace(self, decimal=mark or ("" if claim.sheet.delimiter == ";" else "."))
        reading = super(ChannelReport, known).read(claim, source, options)
        notes = [f"numbers were read with a decimal {'comma' if mark == ',' else 'point'}"] if mark == "," else []
        if reading.good["currency"].isna()[reading.good["metric"].isin(MONEY)].any():
            notes.append("the file does not say the currency of its amounts, so they are kept without one")
        return replace(reading, notes=(*notes, *reading.notes))

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One row for each measure the record has a value for."""
        name, when = self.name_of(record), self.period(record, options)
        for metric, (value, currency) in self.values(record).items():
            yield {
                "source": self.name,
                "name": name,
                "start": when.start,
                "days": when.days,
                "metric": metric,
                "value": value,
                "currency": currency if metric in MONEY else None,
            }

    def values(self, record: Record) -> dict[str, tuple[float, str | None]]:
        """The value and currency of each metric; the first filled column of a metric counts."""
        found: dict[str, tuple[float, str | None]] = {}
        for header in record.header:
            metric = self.metric_of(header)
            text = record.get(header) if metric and metric not in found else None
            if metric and text is not None and (value := self.number(header, text, metric)) is not None:
                found[metric] = value, self.currency(record, header, text)
        return found

    def metric_of(self, header: str) -> str | None:
        """The metric a header stands for, or None when its cells are not kept."""
        return self.measures.get(plain(IN_BRACKETS.sub("", header)))

    def is_text(self, header: str) -> bool:
        """What names a row is written in words."""
        return plain(header) in {plain(name) for name in self.named_by}

    def is_kept(self, header: str) -> bool:
        """Measures are kept with the currency in brackets behind their header too."""
        return self.metric_of(header) is not None or super().is_kept(header)

    def name_of(self, record: Record) -> str:
        """What the row is about: `campaign / ad set / ad`, as far as the report goes."""
        record.needed(self.named_by[0])
        return " / ".join(text for header in self.named_by if (text := record.get(header)))

    def period(self, record: Record, options: Options) -> Period:
        """The days of the row: its own day where the report is by day, else the report's period. Raises Bad."""
        told = record.get("Day") or record.get("Date")
        if told is not None:
            return Period(day_of("Day", told, options), 1)
        first, last = self.period_headers
        start, end = (day_of(header, record.needed(header), options) for header in (first, last))
        if end < start:
            raise Bad(last, str(end), f"a day from {start} on, when the period begins")
        return Period(start, (end - start).days + 1)

    @property
    def period_headers(self) -> tuple[str, str]:
        """The headers of the first and the last day of a row's period."""
        return START, END

    def currency(self, record: Record, header: str, text: str) -> str | None:
        """The currency in the header's brackets, in the row's own column, or of an unmistakable sign."""
        found = IN_BRACKETS.search(header)
        code = record.get("Currency code") or record.get("Currency")
        if found or (code and re.fullmatch("[A-Za-z]{3}", code)):
            return found[1] if found else str(code).upper()
        return next((code for sign, code in SIGNS.items() if sign in text), None)

    def number(self, header: str, text: str, metric: str) -> float | None:
        """The number in a cell, None where it holds none. Raises Bad for what is no number or could be two."""
        bare = _bare(text)
        if text.strip().casefold() in NOTHING:
            return None
        comma = COMMA_NUMBER.fullmatch(bare) if self.decimal in ("", ",") else None
        point = POINT_NUMBER.fullmatch(bare) if self.decimal in ("", ".") and any(map(str.isdigit, bare)) else None
        values = {float(bare.replace(".", "").replace(",", "."))} if comma else set[float]()
        values |= {float(bare.replace(",", ""))} if point else set()
        if len(values) != 1:
            wanted = "a number as 1234.56" + ("; this one could be a thousand or a fraction" if values else "")
            raise Bad(header, repr(text), wanted)
        value = values.pop()
        if metric not in MONEY and (value < 0 or (metric not in FRACTIONAL and not value.is_integer())):
            raise Bad(header, repr(text), f"a count: {metric} are whole and not negative")
        return value

    def _numbers(self, sheet: Sheet) -> Iterator[tuple[int, str, bool]]:
        metrics = {place: self.metric_of(header) for place, header in enumerate(sheet.header)}
        for row, cells in sheet.rows():
            for place, metric in metrics.items():
                if metric and place < len(cells) and isinstance(cells[place], str):
                    yield row, _bare(cells[place]), metric not in FRACTIONAL


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


def day_of(header: str, text: str, options: Options) -> dt.date:
    """A day as YYYY-MM-DD, 20260901 or September 1, 2026; day and month as numbers only in the order said. Raises Bad."""
    # a time behind the day, as mail tools write it, does not move the day
    for written in (_iso(text.strip()), re.split(r"[T,]?\s|T", text.strip(), maxsplit=1)[0]):
        if (read := day(written, dayfirst=options.clock.dayfirst)) is not None:
            return dt.date.fromisoformat(read)
    raise Bad(header, repr(text), moment(text, options.clock).wanted)


def is_day(text: str) -> bool:
    """Whether the text is one day, written in a way that can mean no other."""
    return day(_iso(text.strip()), dayfirst=None) is not None


def _iso(text: str) -> str:
    """A day as YYYY-MM-DD where it is written as 20260901 or with its month in words, else the text as it is."""
    if re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    for form in DATE_FORMS:
        try:
            return dt.datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return text


def with_period(sheet: Sheet, period: tuple[str, str] | None) -> Sheet:
    """The sheet with the report's period as two columns of their own, where its rows do not say theirs."""
    if period is None:
        return sheet
    return replace(
        sheet,
        header=(*sheet.header, START, END),
        cells=lambda: ((n, [*row, *period] if len(row) == len(sheet.header) else row) for n, row in sheet.cells()),
    )


def without_totals(sheet: Sheet) -> Sheet:
    """The sheet without the rows whose first filled cell says that they are a total."""
    return replace(sheet, cells=lambda: ((n, row) for n, row in sheet.cells() if not is_total(row)))


def is_total(row: Iterable[Any]) -> bool:
    """Whether a row sums others up: it begins with `Total:` or says grand total."""
    texts = [text_of(cell).casefold() for cell in row if not is_blank(cell) and not isinstance(cell, bool)]
    return bool(texts) and (texts[0].startswith("total:") or "grand total" in (texts[0], texts[-1]))


def _bare(text: str) -> str:
    """A number's cell without spaces, currency signs and codes around it."""
    bare = re.sub(r"[\s\u00a0\u202f'\u2019]", "", text)
    return re.sub(r"^(-?)(?:[A-Z]{3}|[$€£¥])?|(?:[A-Z]{3}|[$€£¥])$", r"\1", bare)
