"""Landing files to raw tables, exactly once: a file is one transaction with its manifest row.

Every line of a file ends as accepted, refused or blank, and the sum is checked before the
commit. A file whose content is in the manifest already is skipped.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from warehouse.connect import Connection, query
from warehouse.feeds import Feed
from warehouse.settings import WarehouseError

_SUFFIXES = (".ndjson", ".jsonl", ".json")
_BATCH_LINES = 50_000
_BOM = b"\xef\xbb\xbf"
_LONGEST_LINE = 16 << 20
_KEPT_OF_A_LONG_LINE = 1_000
_FURTHEST_AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class Line:
    """One line of a file: its number from 1, its text, and why it cannot be read, if so."""

    number: int
    text: str
    reason: str | None = None


@dataclass(frozen=True)
class Loaded:
    """What became of one file: lines = accepted + refused + blank, unless it failed."""

    file: str
    lines: int = 0
    accepted: int = 0
    refused: int = 0
    blank: int = 0
    failure: str | None = None


def landing_files(landing: Path, feed: Feed) -> list[Path]:
    """List the files of a feed by name; those still being written end in .part."""
    names = (path for path in (landing / feed.name).glob("*") if path.is_file())
    return sorted(p for p in names if p.name.removesuffix(".gz").endswith(_SUFFIXES))


def other_files(landing: Path, feed: Feed) -> list[Path]:
    """List the whole files of a feed that are of a kind this loader does not read."""
    known = {*landing_files(landing, feed)}
    found = (path for path in (landing / feed.name).glob("*") if path.is_file())
    return sorted(p for p in found if p not in known and p.suffix != ".part" and p.name[0] != ".")


def load_file(
    connection: Connection, feed: Feed, path: Path, landing: Path, now: datetime
) -> Loaded | None:
    """Load one file in one transaction; None when its content was loaded before."""
    # A name that is not UTF-8 is written as it would be typed in Python: b\xff.ndjson.
    name = os.fsencode(path.relative_to(landing)).decode(errors="backslashreplace")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)
        if _is_loaded(connection, name, digest):
            return None
        query(connection, "begin")
        try:
            load = _Load(connection, feed, name, now)
            result = load.take(_read_lines(file, path.suffix == ".gz"))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            query(connection, "rollback")
            query(connection, "begin")
            load = _Load(connection, feed, name, now)
            result = Loaded(name, failure=f"damaged gzip: {error}")
        except BaseException:
            query(connection, "rollback")
            raise
        load.sign(result, digest, size)
        query(connection, "commit")
    return result


def _is_loaded(connection: Connection, name: str, digest: str) -> bool:
    sql = "select 1 from raw.load_manifest where file = ? and sha256 = ? and status = 'loaded'"
    return bool(query(connection, sql, [name, digest]))


def _read_lines(file: BinaryIO, is_packed: bool) -> Iterator[Line]:
    source = gzip.GzipFile(fileobj=file) if is_packed else file
    for number, ended in enumerate(source, start=1):
        raw = ended.removesuffix(b"\n").removesuffix(b"\r")
        yield _read_line(number, raw.removeprefix(_BOM) if number == 1 else raw)


def _read_line(number: int, raw: bytes) -> Line:
    if len(raw) > _LONGEST_LINE:
        kept = raw[:_KEPT_OF_A_LONG_LINE].decode(errors="backslashreplace")
        return Line(number, kept, "line_too_long")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Line(number, raw.decode(errors="backslashreplace"), "invalid_utf8")
    if "\0" in text:
        return Line(number, text.replace("\0", r"\x00"), "nul_byte")
    return Line(number, text)


class _Load:
    """The open transaction of one file."""

    def __init__(self, connection: Connection, feed: Feed, name: str, now: datetime) -> None:
        self._connection, self._feed, self._name, self._now = connection, feed, name, now
        self._run = partial(query, connection)
        sql = "select coalesce(max(load_seq), 0) + 1 from raw.load_manifest"
        self._seq = self._run(sql)[0][0]

    def take(self, lines: Iterator[Line]) -> Loaded:
        """Insert the lines, batch by batch, and check that none was lost."""
        total = accepted = refused = blank = 0
        while batch := list(islice(lines, _BATCH_LINES)):
            total += len(batch)
            unread = [line for line in batch if line.reason]
            readable = [line for line in batch if not line.reason and line.text.strip()]
            blank += len(batch) - len(unread) - len(readable)
            refused += self._refuse(unread)
            inserted, rejected = self._insert(readable)
            accepted += inserted
            refused += rejected
        if total != accepted + refused + blank:
            raise WarehouseError(
                f"{self._name}: {total} lines came in but {accepted} accepted + {refused} refused "
                f"+ {blank} blank came out. Nothing of this file was loaded; please report it."
            )
        return Loaded(self._name, total, accepted, refused, blank)

    def _refuse(self, lines: list[Line]) -> int:
        for line in lines:
            self._run(
                "insert into raw.load_rejects values (?, ?, ?, ?, ?)",
                [self._name, line.number, line.reason, line.text, self._seq],
            )
        return len(lines)

    def _insert(self, lines: list[Line]) -> tuple[int, int]:
        """Return how many lines were accepted and how many refused."""
        if not lines:
            return 0, 0
        run, feed = self._run, self._feed
        arrays = {
            "line": np.array([line.number for line in lines]),
            "raw": np.array([line.text for line in lines], dtype=object),
        }
        self._connection.register("lines", arrays)
        run(
            f"create or replace temp table classified as {feed.classify}",
            {"latest": self._now + _FURTHEST_AHEAD},
        )
        [(accepted,)] = run(
            f"insert into raw.{feed.table} ({feed.columns}, _file, _line, _load_seq, _loaded_at) "
            f"select {feed.columns}, $file, line, $seq, $now "
            "from classified where reason is null order by line",
            {"file": self._name, "seq": self._seq, "now": self._now},
        )
        [(rejected,)] = run(
            "insert into raw.load_rejects select $file, line, reason, raw, $seq "
            "from classified where reason is not null order by line",
            {"file": self._name, "seq": self._seq},
        )
        run("drop table classified")
        self._connection.unregister("lines")
        return accepted, rejected

    def sign(self, result: Loaded, digest: str, size: int) -> None:
        """Write the manifest row."""
        first = self._run(
            "select reason, line from raw.load_rejects where load_seq = ? order by line limit 1",
            [self._seq],
        )
        message, line = first[0] if first else (result.failure, None)
        self._run(
            "insert or replace into raw.load_manifest values "
            "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self._name,
                self._feed.name,
                digest,
                size,
                "failed" if result.failure else "loaded",
                result.lines,
                result.accepted,
                result.refused,
                result.blank,
                message,
                line,
                self._seq,
                self._now,
            ],
        )
