"""Lines of CSV to columns of plain text, whatever the dialect: each physical line is a record.

Dates become ISO, numbers get a decimal point, codes lose the `.0` of spreadsheets. What fits no
rule stays as it came, for the loader's SQL to refuse. Columns are checked and rewritten in bulk.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.feeds import Feed
from warehouse.loading.csv_header import ContractError, Header, read_header
from warehouse.settings import WarehouseError

DateOrder = Literal["ymd", "dmy", "mdy"]

_DATED = ("date", "timestamp")
_NUMBERS = ("integer", "money", "price")
_BATCH_LINES = 50_000

# The library's own limit of 128 kB would refuse a long description as a badly quoted one.
csv.field_size_limit(1 << 30)

_DAY_AND_MONTH = (
    r"^(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})/(?P<year>[0-9]{4})"
    r"(?:[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second_of_minute>[0-9]{2}))?)?$"
)
_PLAIN_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_DIGITS_AND_MARKS = re.compile(r"([+-]?)([0-9]+(?:[.,'’ \u00a0\u2009\u202f][0-9]+)+|[0-9]+)")
_BLANK_OR_APOSTROPHE = "['’ \u00a0\u2009\u202f]"
_BLANKS = " \t\u00a0\u2009\u202f"


@dataclass(frozen=True)
class Refused:
    """A line that is not one record of its file: its number, why, and its exact text."""

    line: int
    reason: str  # wrong_column_count, unclosed_quote or bad_quote
    raw: str


@dataclass(frozen=True)
class Dialect:
    """How one file is written: its columns, their delimiter, the order within its dates."""

    header: Header
    date_order: DateOrder

    def __str__(self) -> str:
        names = ", ".join(field.name for field in self.header.fields)
        return f"{self.header.delimiter} {self.date_order}: {names}"


def read_dialect(
    header_line: str, lines: Iterator[str], feed: Feed, date_order: str | None = None
) -> Dialect:
    """Find the dialect of a file from its header and all the lines below it.

    `date_order` (dmy or mdy) says how to read dates such as 03/04/2024 where the file has no
    date that fits one order only; it never overrules such a date. A feed without dates reads no
    line; another reads all, since the last may contradict the first. Raises ContractError when
    the header is not the feed's, when dates contradict each other and when nothing decides.
    """
    if date_order not in (None, "dmy", "mdy"):
        raise WarehouseError(f"KSCM_DATES is '{date_order}': set it to dmy or mdy.")
    header = read_header(header_line, feed)
    columns = [n for n, field in enumerate(header.fields) if field.kind in _DATED]
    if not columns:
        return Dialect(header, "ymd")
    found: dict[str, str] = {}  # what was met first of: dmy, mdy, either, same
    slashed = (line for line in lines if "/" in line)  # all that can decide
    while batch := list(islice(slashed, _BATCH_LINES)):
        split, _, _ = _split_lines(batch, header)
        for n in columns:
            for text in pc.unique(split[n]).to_pylist():
                found.setdefault(_order_of(text.strip(_BLANKS)), text)
        if "dmy" in found and "mdy" in found:
            raise ContractError(
                f"dates contradict each other: '{found['dmy']}' has its day first, "
                f"'{found['mdy']}' its month; write all dates of the file in one order."
            )
    if "dmy" in found:
        return Dialect(header, "dmy")
    if "mdy" in found:
        return Dialect(header, "mdy")
    if "either" in found and not date_order:
        raise ContractError(
            f"'{found['either']}' may be day/month or month/day, and no date of the file decides: "
            "set KSCM_DATES=dmy or KSCM_DATES=mdy."
        )
    if date_order == "mdy" and ("either" in found or "same" in found):
        return Dialect(header, "mdy")
    return Dialect(header, "dmy" if "either" in found or "same" in found else "ymd")


def parse_lines(
    numbers: Sequence[int], lines: Sequence[str], dialect: Dialect, feed: Feed
) -> tuple[pa.Table, list[Refused]]:
    """Parse physical lines, given with their numbers, into one row of text for each record.

    The table holds `line` (int64), `raw` (the exact line) and `<field>_text` for every field of
    the feed in its order, null where the file has nothing. Each line is either in the table or
    among the refused, both in the order of `lines`. The lines of one call must hold less than 2 GB.
    """
    split, kept, refused = _split_lines(lines, dialect.header)
    given = dict(zip((field.name for field in dialect.header.fields), split, strict=True))
    columns = {
        "line": pa.array(numbers, pa.int64()).take(kept),
        "raw": pa.array(lines, pa.string()).take(kept),
    }
    for field in feed.fields:
        column = given.get(field.name)
        if column is None:
            column = pa.nulls(len(kept), pa.string())
        else:
            column = _rewrite(column, field.kind, dialect.date_order)
        columns[f"{field.name}_text"] = column
    return pa.table(columns), [Refused(numbers[n], reason, lines[n]) for n, reason in refused]


def _split_lines(
    lines: Sequence[str], header: Header
) -> tuple[list[Any], pa.Array, list[tuple[int, str]]]:
    """Split lines into columns; give the positions of those that fit, and of the others why not."""
    width = len(header.fields)
    quoted = [n for n, line in enumerate(lines) if '"' in line]
    plain = _positions_without(quoted, len(lines))
    texts = pa.array(lines, pa.string())
    parts = pc.split_pattern(texts.take(plain) if quoted else texts, header.delimiter)
    fits = pc.equal(pc.list_value_length(parts), width)
    refused = [(n, "wrong_column_count") for n in plain.filter(pc.invert(fits)).to_pylist()]
    plain, parts = plain.filter(fits), parts.filter(fits)
    flat = pc.list_flatten(parts)
    columns = [flat.take(pa.array(range(n, len(flat), width), pa.int64())) for n in range(width)]
    records, places = [], []
    for n in quoted:
        record = _read_quoted(lines[n], header.delimiter)
        if isinstance(record, str):
            refused.append((n, record))
        elif len(record) != width:
            refused.append((n, "wrong_column_count"))
        else:
            records.append(record)
            places.append(n)
    if not records:
        return columns, plain, sorted(refused)
    kept = pa.concat_arrays([plain, pa.array(places, pa.int64())])
    order = pc.sort_indices(kept)
    columns = [
        pa.concat_arrays([column, pa.array(values, pa.string())]).take(order)
        for column, values in zip(columns, zip(*records, strict=True), strict=True)
    ]
    return columns, kept.take(order), sorted(refused)


def _positions_without(left_out: list[int], length: int) -> pa.Array:
    every = pa.array(range(length), pa.int64())
    if not left_out:
        return every
    return every.filter(pc.invert(pc.is_in(every, pa.array(left_out, pa.int64()))))


def _read_quoted(line: str, delimiter: str) -> list[str] | str:
    # One reader for each line: a reader of several would join those between two quotes.
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unclosed_quote" if "unexpected end" in str(error) else "bad_quote"


def _order_of(text: str) -> str:
    """Say which orders a date with slashes fits; "same" is 05/05/2024, "none" no such date."""
    match = re.match(_DAY_AND_MONTH, text)
    if not match:
        return "none"
    year, first, second = (int(match[part]) for part in ("year", "first", "second"))
    is_dmy, is_mdy = _is_day(year, second, first), _is_day(year, first, second)
    if is_dmy and is_mdy:
        return "same" if first == second else "either"
    return "dmy" if is_dmy else "mdy" if is_mdy else "none"


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        return bool(date(year, month, day))
    except ValueError:
        return False


def _rewrite(column: Any, kind: str, date_order: DateOrder) -> Any:
    if kind == "code":
        column = pc.replace_substring_regex(column, r"^([0-9]+)\.0$", r"\1")
    elif kind in _DATED:
        column = pc.utf8_trim(column, _BLANKS)
        if date_order != "ymd" and pc.any(pc.match_substring(column, "/")).as_py():
            column = _iso(column, date_order)
    elif kind in _NUMBERS:
        column = pc.utf8_trim(column, _BLANKS)
        is_plain = pc.match_substring_regex(column, _PLAIN_NUMBER)
        if not pc.all(pc.or_(is_plain, pc.equal(column, ""))).as_py():
            column = _each_value(column, _plain_number)
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _iso(column: Any, date_order: DateOrder) -> Any:
    parts = pc.extract_regex(column, _DAY_AND_MONTH)
    part = {name: pc.struct_field(parts, name) for name in parts.type.names}
    day, month = part["first"], part["second"]
    if date_order == "mdy":
        day, month = month, day
    days = pc.binary_join_element_wise(part["year"], _two(month), _two(day), "-")
    times = pc.binary_join_element_wise(
        _two(part["hour"]), part["minute"], _two(part["second_of_minute"]), ":"
    )
    moments = pc.binary_join_element_wise(days, times, "T")
    return pc.coalesce(pc.if_else(pc.equal(part["hour"], ""), days, moments), column)


def _two(column: Any) -> Any:
    return pc.utf8_lpad(column, 2, "0")


def _each_value(column: Any, rewrite: Callable[[str], str]) -> Any:
    # Prices and quantities are few and come often: each is rewritten once.
    encoded = pc.dictionary_encode(column)
    values = pa.array([rewrite(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return values.take(encoded.indices)


def _plain_number(text: str) -> str:
    """Write a number with its decimal point and no thousands mark; else give the text back.

    One mark with three digits behind it (1,234) may be either: it is nobody's to guess.
    """
    match = _DIGITS_AND_MARKS.fullmatch(text)
    if not match:
        return text
    sign, digits = match[1].replace("+", ""), match[2]
    for thousands, decimal in ((_BLANK_OR_APOSTROPHE, "[.,]"), (r"\.", ","), (",", r"\.")):
        grouped = re.fullmatch(
            rf"([0-9]{{1,3}}(?P<mark>{thousands})[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)"
            rf"(?:(?P<decimal>{decimal})(?P<rest>[0-9]+))?",
            digits,
        )
        if grouped and digits[0] != "0":
            is_clear = grouped["rest"] or digits.count(grouped["mark"]) > 1
            if thousands != _BLANK_OR_APOSTROPHE and not is_clear:
                return text
            rest = f".{grouped['rest']}" if grouped["rest"] else ""
            return sign + grouped[1].replace(grouped["mark"], "") + rest
    if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", digits):
        return sign + digits.replace(",", ".")
    return text
