"""The header of a CSV file against the contract of its feed: by name, order does not matter."""

import csv
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.feeds import Feed, Field
from warehouse.settings import WarehouseError

_DELIMITERS = (",", ";")
_SHOWN = 120  # characters of a header in a message


class ContractError(WarehouseError):
    """A file is not what its feed agreed on; the message names the column.

    `differences` is how many columns are not as agreed, 0 when it is not about columns.
    """

    def __init__(self, message: str, differences: int = 0) -> None:
        super().__init__(message)
        self.differences = differences


@dataclass(frozen=True)
class Header:
    """What the first line of a file says: its delimiter and the field of each column."""

    delimiter: str  # "," or ";"
    fields: tuple[Field, ...]


def read_header(line: str, feed: Feed) -> Header:
    """Match a header line with a feed, or raise ContractError naming each difference."""
    line = line.removeprefix("\ufeff").rstrip("\r\n")
    known = spellings(feed)
    names = {delimiter: _split(line, delimiter) for delimiter in _DELIMITERS}
    # Counting commas would mistake `"Prix, en euros";Nom`: the better match decides, then length.
    delimiter = max(
        _DELIMITERS,
        key=lambda mark: (sum(plain(name) in known for name in names[mark]), len(names[mark])),
    )
    found = [known.get(plain(name)) for name in names[delimiter]]
    wrong = _differences(names[delimiter], found, feed)
    if wrong:
        shown = _printable(line.strip()[:_SHOWN])
        raise ContractError(
            f"not the columns of {feed.name}: {', '.join(wrong)} (header: {shown})", len(wrong)
        )
    return Header(delimiter, tuple(field for field in found if field))


def feed_of_header(line: str, feeds: Sequence[Feed]) -> Feed:
    """Find the one feed whose contract a header meets; ContractError for the nearest if none."""
    errors = []
    for feed in feeds:
        try:
            read_header(line, feed)
        except ContractError as error:
            errors.append(error)
        else:
            return feed
    raise min(errors, key=lambda error: error.differences)


def spellings(feed: Feed) -> dict[str, Field]:
    """Map every plain name that a column may have to its field; a name beats an alias."""
    aliases = {plain(alias): field for field in feed.fields for alias in field.aliases}
    return aliases | {plain(field.name): field for field in feed.fields}


def plain(name: str) -> str:
    """Lose accents, capitals, spaces and marks: "ID Référence" is "idreference"."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[^a-z0-9]", "", letters)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a carriage return within the line, or one name without end
        return line.split(delimiter)


def _differences(names: Sequence[str], found: Sequence[Field | None], feed: Feed) -> list[str]:
    wrong = [
        f"column '{_printable(name)}' is not known" if name.strip() else f"column {n} has no name"
        for n, (name, field) in enumerate(zip(names, found, strict=True), start=1)
        if not field
    ]
    for field in feed.fields:
        same = [name for name, other in zip(names, found, strict=True) if other == field]
        if len(same) > 1:
            both = " and ".join(f"'{_printable(name)}'" for name in same)
            wrong.append(f"column '{field.name}' stands there {len(same)} times ({both})")
        if not same and not field.is_optional:
            wrong.append(f"column '{field.name}' is missing")
    return wrong


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_SHOWN])
