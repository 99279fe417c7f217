"""A feed that is one CSV file growing by days, and the answer key that grows beside it.

A run appends to a copy and renames it, so a reader sees the old file or the new one, and the
old one is a prefix of the new one. Where to go on is read from the end of the file itself.
"""

import csv
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from generator.files import whole_file, write_table
from generator.world import each_day

Rows = list[tuple[Any, ...]]

_TAIL = 1 << 16  # bytes: far more than a line
_KEY_PART = re.compile(r"(\d{4}-\d\d-\d\d)_\d{4}-\d\d-\d\d\.parquet")


@dataclass(frozen=True)
class FeedDay:
    """What a day adds: CSV lines without line ends, and rows for each table of the key."""

    lines: list[str]
    answers: Mapping[str, Rows]


@dataclass(frozen=True)
class Feed:
    """A growing file and how to make each of its days.

    `fixed_columns` hold what no dirt ever changes, the date among them: by these, the last
    line of a file is recognised. `refusal` is raised, with a sentence, when it is not.
    """

    path: Path
    columns: list[str]
    date_column: str
    fixed_columns: list[str]
    make_day: Callable[[date], FeedDay]
    tables: Mapping[str, pa.Schema]
    refusal: type[Exception]

    @property
    def header(self) -> bytes:
        """The first line of the file."""
        return ",".join(self.columns).encode() + b"\n"


def grow(feed: Feed, key: Path, first_day: date, last_day: date) -> date:
    """Bring the file up to `last_day` and return the last day that it covers.

    The key of the new days goes to `key/<table>/<first>_<last>.parquet`, before the file:
    after a crash between the two, the next run writes that key again. Days that have no
    line leave no trace; when there is no line to add, an existing file is not touched.
    """
    written = _last_written_day(feed, first_day)
    first = first_day if written is None else written + timedelta(days=1)
    _drop_key(feed, key, first)
    made = ((day, feed.make_day(day)) for day in each_day(first, last_day))
    new = ((day, added) for day, added in made if added.lines)
    head = next(new, None)
    if head or not feed.path.exists():
        _append(feed, key, first, chain([head] if head else [], new))
    return max(last_day, first - timedelta(days=1))


def write_when_changed(path: Path, lines: list[str]) -> None:
    """Write a whole file of text lines, unless it holds exactly these already."""
    content = "".join(f"{line}\n" for line in lines).encode()
    if not path.exists() or path.read_bytes() != content:
        with whole_file(path) as file:
            file.write(content)


def _last_written_day(feed: Feed, first_day: date) -> date | None:
    """Read the last day of the file; None when it is absent or has no line yet."""
    if not feed.path.exists():
        return None
    line = _last_line(feed)
    if line is None:
        return None
    # The day is made again and must end as the file does: a file of another world is not
    # continued, nor one that somebody has cut.
    try:
        found = dict(zip(feed.columns, next(csv.reader([line.decode()])), strict=True))
        day = date.fromisoformat(found[feed.date_column][:10])
        made = feed.make_day(day).lines if day >= first_day else []
        expected = dict(zip(feed.columns, next(csv.reader(made[-1:])), strict=True))
        known = all(found[column] == expected[column] for column in feed.fixed_columns)
    except (ValueError, StopIteration, csv.Error):
        known = False
    if not known:
        raise feed.refusal(
            f"{feed.path} does not end as this world's file would: go on with the seed, orders "
            "and days it began with, or move it away and the next run writes it anew."
        )
    return day


def _last_line(feed: Feed) -> bytes | None:
    with feed.path.open("rb") as file:
        if file.read(len(feed.header)) != feed.header:
            raise feed.refusal(
                f"{feed.path} does not begin with the columns {', '.join(feed.columns)}: "
                "move it away and the next run writes it anew."
            )
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(feed.header), size - _TAIL))
        tail = file.read()
    if not tail:
        return None
    if not tail.endswith(b"\n"):
        raise feed.refusal(
            f"{feed.path} ends in the middle of a line: "
            "move it away and the next run writes it anew."
        )
    return tail[:-1].rpartition(b"\n")[2]


def _drop_key(feed: Feed, key: Path, first: date) -> None:
    """Remove the key of days that the file does not hold: a run was stopped between the two."""
    for table in feed.tables:
        for path in sorted((key / table).glob("*.parquet")):
            name = _KEY_PART.fullmatch(path.name)
            if name and date.fromisoformat(name[1]) >= first:
                path.unlink()


def _append(feed: Feed, key: Path, first: date, days: Iterator[tuple[date, FeedDay]]) -> None:
    answers: dict[str, Rows] = {table: [] for table in feed.tables}
    last = None
    with whole_file(feed.path) as file:
        if feed.path.exists():
            with feed.path.open("rb") as old:
                shutil.copyfileobj(old, file)
        else:
            file.write(feed.header)
        for day, added in days:
            file.write("".join(f"{line}\n" for line in added.lines).encode())
            for table, rows in answers.items():
                rows.extend(added.answers[table])
            last = day
        if last is not None:
            for table, rows in answers.items():
                _write_table(key / table / f"{first}_{last}.parquet", feed.tables[table], rows)


def _write_table(path: Path, schema: pa.Schema, rows: Rows) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in schema]
    write_table(path, pa.table(columns, schema=schema))
