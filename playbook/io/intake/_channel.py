"""What the reports of marketing channels share: preambles and totals, periods, numbers in any notation, currencies.

A row of a report gives one row of `tables.CHANNEL_RESULTS` for each of its measures. Rates (CTR, open rate, CPM) are
never stored, as they follow from the measures. A cell without a value (empty or --) gives no row, which is not a zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from playbook.errors import Fault, IntakeError
from playbook.io.intake._amounts import bare, currencies, decimal_mark, unproved
from playbook.io.intake._currencies import WORDS
from playbook.io.intake._export import Export
from playbook.io.intake._how import How
from playbook.io.intake._periods import Period, between, day_of, told_period
from playbook.io.intake._record import Bad, Record
from playbook.io.intake._rules import Rules, plain
from playbook.io.intake._sheet import Sheet, is_blank, text_of
from playbook.io.pseudonyms import UNSAID

if TYPE_CHECKING:
    from pathlib import Path

    from playbook.io.intake._format import Claim, Options, Reading
    from playbook.io.intake._source import Source

START, END = "Start date", "End date"
MONEY = ("cost", "revenue")
# measures that need not be whole: an advertiser's model may split a conversion between channels
FRACTIONAL = (*MONEY, "conversions", "engagement_seconds", "key_events")
NOTHING = ("", "-", "--", "\u2014", "n/a")
ONCE = (
    "each name once for the same days: export the report without the breakdown that splits it, or give two campaigns "
    "of the same name different ones"
)
BRACKETS = re.compile(r"\s*\(.*\)$")
IN_BRACKETS = re.compile(r"\s*\(([A-Z]{3})\)$")
COMMA_NUMBER = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
POINT_NUMBER = re.compile(r"-?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?")


@dataclass
class Told:
    """The rows of a report met so far by name and period, and those met again, each with the row of the same."""

    first: dict[tuple[str, Period], int] = field(default_factory=dict)
    again: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ChannelReport(Export):
    """A channel's report with one row a campaign or channel.

    `named_by` are the headers whose cells together name the row, `measures` gives the metric of a header (brackets with
    a currency are passed over). `splits` are headers of what a row can be only a part by (a device, an age): the kit
    keeps a campaign as a whole, so a file that fills one is refused. `decimal` is the file's decimal mark, found before
    its numbers are read (empty: no number of the file shows which it is), and `told` what was met in the file.
    """

    named_by: tuple[str, ...] = ()
    measures: Mapping[str, str] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    decimal: str = ""
    told: Told = field(default_factory=Told, compare=False)

    def read(self, claim: Claim, source: Source, options: Options) -> Reading:
        """Find the decimal mark of the file, read each row, then refuse the rows that another row repeats.

        Raises IntakeError for a report whose rows are parts of what is kept as a whole.
        """
        self._refuse_split(source.path, claim.sheet)
        numbers = list(self._numbers(claim.sheet))
        # of rows that come back corrected the file they come from has shown it
        mark = options.known.decimal or decimal_mark(source.path, numbers)
        # an English header and no other proof leaves 1,234 a thousand, except where commas cannot have split cells
        unshown = options.known.decimal == "" or claim.sheet.delimiter in (";", "\t")
        known = replace(self, decimal=mark or ("" if unshown else "."), told=Told())
        reading = known.without_repeated(super(ChannelReport, known).read(claim, source, options))
        notes = ["numbers were read with a decimal comma"] if mark == "," else []
        notes += unproved(numbers) if known.decimal and not mark else []
        if reading.good["currency"].isna()[reading.good["metric"].isin(MONEY)].any():
            notes.append("the file does not say the currency of its amounts, so they are kept without one")
        how = How.of(options.clock, decimal=known.decimal)
        return replace(reading, notes=(*notes, *reading.notes), how=how)

    def rows_of(self, record: Record, options: Options) -> Iterator[dict[str, Any]]:
        """One row for each measure the record has a value for. Raises Bad for a name met before in the same period."""
        name, when = self.name_of(record), self.period(record, options)
        try:
            values = self.values(record)
        except Bad:
            self._once(record, name, when)
            raise
        if values:
            self._once(record, name, when)
        for metric, (value, currency) in values.items():
            yield {
                "source": self.name,
                "name": name,
                "start": when.start,
                "days": when.days,
                "metric": metric,
                "value": value,
                "currency": currency if metric in MONEY else None,
            }

    def _once(self, record: Record, name: str, when: Period) -> None:
        first = self.told.first.setdefault((name, when), record.number)
        if first != record.number:
            self.told.again.setdefault(first, record.number)
            raise Bad(self.named_by[0], f"the name and days of row {first} again", ONCE)

    def values(self, record: Record) -> dict[str, tuple[float, str | None]]:
        """The value and currency of each metric; the first filled column of a metric counts."""
        found: dict[str, tuple[float, str | None]] = {}
        for header in record.header:
            metric = self.metric_of(header)
            text = record.get(header) if metric and metric not in found else None
            if metric and text is not None and (value := self.value(record, header, text, metric)) is not None:
                found[metric] = value, self.currency(record, header, text) if metric in MONEY else None
        return found

    def without_repeated(self, reading: Reading) -> Reading:
        """The reading without the first of rows that name the same: which of them is the whole cannot be told."""
        again = self.told.again
        kept = ~reading.good.index.isin(list(again))
        faults = [
            Fault(row, self.named_by[0], f"the name and days of row {other} too", ONCE) for row, other in again.items()
        ]
        return replace(reading, good=reading.good[kept], given=reading.given[kept], faults=(*reading.faults, *faults))

    def metric_of(self, header: str) -> str | None:
        """The metric a header stands for, or None when its cells are not kept."""
        return self.measures.get(plain(IN_BRACKETS.sub("", header)))

    def mappable(self) -> tuple[str, ...]:
        """The report's own columns and its measures."""
        return tuple(dict.fromkeys((*self.wants(), *(name.capitalize() for name in self.measures))))

    def knows(self, column: str) -> bool:
        """A measure may carry its currency: Amount spent (EUR)."""
        return super().knows(column) or self.metric_of(column) is not None

    def is_text(self, header: str) -> bool:
        """What names a row is written in words."""
        return plain(header) in {plain(name) for name in self.named_by}

    def words(self, rules: Rules) -> AbstractSet[str]:
        """Currencies too may be kept of a cell that is no text."""
        return rules.known_words | WORDS

    def is_kept(self, header: str) -> bool:
        """Measures are kept with the currency in brackets behind their header too."""
        return self.metric_of(header) is not None or super().is_kept(header)

    def name_of(self, record: Record) -> str:
        """What the row is about: `campaign / ad set / ad`, as far as the report goes."""
        record.needed(self.named_by[0])
        return " / ".join(text for header in self.named_by if (text := record.get(header)))

    def period(self, record: Record, options: Options) -> Period:
        """The days of the row: those it names itself, as far as the report's own period goes, else that. Raises Bad."""
        first, last = self.period_headers
        told = told_period(record, options)
        if told is not None and not (record.get(first) and record.get(last)):
            if told[1].days > 1:
                record.assume("counted for all days of the week, month or year they name, as the file says no period")
            return told[1]
        start, end = (day_of(header, record.needed(header), options) for header in (first, last))
        if end < start:
            raise Bad(last, str(end), f"a day from {start} on, when the period begins")
        whole = between(start, end)
        if told is None:
            return whole
        header, own = told
        if (days := own.within(whole)) is None:
            raise Bad(header, f"{own.start} to {own.end}", f"days within the report's own, {start} to {end}")
        return days

    @property
    def period_headers(self) -> tuple[str, str]:
        """The headers of the first and the last day of a row's period."""
        return START, END

    def currency(self, record: Record, header: str, text: str) -> str | None:
        """The currency in the header's brackets, in the row's own column, or beside the amount. Raises Bad for two."""
        found = IN_BRACKETS.search(header)
        code = record.get("Currency code") or record.get("Currency")
        said = {found[1]} if found else {code.upper()} if code and re.fullmatch("[A-Za-z]{3}", code) else set[str]()
        if code and not found and UNSAID in code:
            raise Bad("Currency code", repr(code), "the code of the amount's currency, such as EUR")
        beside = currencies(text)
        if not {code.casefold() for code in beside} <= WORDS:
            raise Bad(header, repr(text), "an amount with its currency by its code, as 1234.56 EUR")
        if len(said | beside) > 1:
            wanted = f"an amount in {said.pop()}, as the file says" if said else "an amount in one currency"
            raise Bad(header, repr(text), wanted)
        return next(iter(said | beside), None)

    def value(self, record: Record, header: str, text: str, metric: str) -> float | None:
        """The number of a cell; one that a workbook holds as a number is written in no notation."""
        figure = record.figure(header)
        return self.number(header, text, metric) if figure is None else self._counted(header, text, metric, figure)

    def number(self, header: str, text: str, metric: str) -> float | None:
        """The number in a cell, None where it holds none. Raises Bad for what is no number or could be two."""
        if _says_nothing(text):
            return None
        told = bare(text)
        comma = COMMA_NUMBER.fullmatch(told) if self.decimal in ("", ",") else None
        point = POINT_NUMBER.fullmatch(told) if self.decimal in ("", ".") and any(map(str.isdigit, told)) else None
        values = {float(told.replace(".", "").replace(",", "."))} if comma else set[float]()
        values |= {float(told.replace(",", ""))} if point else set()
        if len(values) != 1:
            example = "1234,56" if self.decimal == "," else "1234.56"
            wanted = f"a number as {example}" + ("; this one could be a thousand or a fraction" if values else "")
            raise Bad(header, repr(text), wanted)
        return self._counted(header, text, metric, values.pop())

    def _counted(self, header: str, text: str, metric: str, value: float) -> float:
        if metric not in MONEY and (value < 0 or (metric not in FRACTIONAL and not value.is_integer())):
            raise Bad(header, repr(text), f"a count: {metric} are whole and not negative")
        return value

    def _numbers(self, sheet: Sheet) -> Iterator[tuple[int, str, bool]]:
        metrics = {place: self.metric_of(header) for place, header in enumerate(sheet.header)}
        for row, cells in sheet.rows():
            if self.sums_up(cells, sheet) or self.width_fault(row, cells, sheet):
                continue
            for place, metric in metrics.items():
                if metric and place < len(cells) and isinstance(cells[place], str):
                    yield row, bare(cells[place]), metric not in FRACTIONAL

    def _refuse_split(self, path: Path, sheet: Sheet) -> None:
        """Raise IntakeError when a column the rows are split by is filled."""
        splits = {plain(name) for name in self.splits}
        at = {place: name for place, name in enumerate(sheet.header) if plain(BRACKETS.sub("", name)) in splits}
        for row, cells in sheet.rows() if at else ():
            filled = {place for place in at if place < len(cells) and not _says_nothing(cells[place])}
            if filled and not self.sums_up(cells, sheet):
                named = " and ".join(at[place] for place in sorted(filled))
                raise IntakeError(
                    f"{path}: the report is split by {named} (row {row}), so that a row is only a part of its "
                    f"{self.named_by[0].casefold().removesuffix(' name')}, which is kept here as a whole; export the "
                    "report again without that segment or breakdown"
                )


def with_period(sheet: Sheet, period: tuple[str, str] | None) -> Sheet:
    """The sheet with the report's period as two columns of their own, where its rows do not say theirs."""
    if period is None:
        return sheet
    return replace(
        sheet,
        header=(*sheet.header, START, END),
        cells=lambda: ((n, [*row, *period] if len(row) == len(sheet.header) else row) for n, row in sheet.cells()),
    )


def _says_nothing(cell: Any) -> bool:
    return is_blank(cell) or (isinstance(cell, str) and cell.strip().casefold() in NOTHING)


def says_grand_total(cells: Iterable[Any]) -> bool:
    """Whether a row sums others up: its first or last filled cell says grand total."""
    texts = [text_of(cell).casefold() for cell in cells if not is_blank(cell) and not isinstance(cell, bool)]
    return bool(texts) and "grand total" in (texts[0], texts[-1])
