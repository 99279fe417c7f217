"""Landing files to raw tables, exactly once: files share a transaction with their manifest rows.

Every line of a file ends as accepted, duplicate, refused or blank, and the sum is checked
before the commit. A file that lies there as it was loaded is not read again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.erasing.tombstones import forget_again
from warehouse.feeds import Feed
from warehouse.files import sha256_of
from warehouse.loading.accounts import Account, Loaded, close
from warehouse.loading.csv_files import take_csv
from warehouse.loading.duplicates import set_aside
from warehouse.loading.engine import WORKING_FILE, Engine
from warehouse.loading.json_files import read_shape, take_json
from warehouse.loading.json_lines import Shape
from warehouse.loading.landing import LandingFile, list_files
from warehouse.loading.parquet_files import take_parquet

_MOST_FILES_AT_ONCE = 2_000
_TIMES_PACKED = 8  # how many times larger a .gz is taken to be
_FURTHEST_AHEAD = timedelta(days=400)
# Within this time after it was read, a file could be written again without a newer date.
_CLOCK_GRAIN = timedelta(seconds=2)

_OnBytes = Callable[[int, int], None]


@dataclass
class Summary:
    """What one run did: the files that it read, and those that it did not need to read."""

    results: list[Loaded] = field(default_factory=list)
    skipped: int = 0
    ignored: list[str] = field(default_factory=list)

    @property
    def loaded(self) -> list[Loaded]:
        """The files that were taken in."""
        return [result for result in self.results if not result.failure]

    @property
    def failed(self) -> list[Loaded]:
        """The files of which no line could be loaded."""
        return [result for result in self.results if result.failure]


@dataclass(frozen=True)
class _Known:
    """The newest manifest row of a file."""

    size: int
    modified_ns: int
    sha256: str | None
    checked_at: datetime

    def is_same(self, file: LandingFile) -> bool:
        """Whether the file lies there as it was read, by its size and date."""
        modified = datetime.fromtimestamp(file.modified_ns / 1e9, UTC).replace(tzinfo=None)
        return (self.size, self.modified_ns) == (file.size, file.modified_ns) and (
            modified < self.checked_at - _CLOCK_GRAIN
        )


def load_landing(
    connection: Connection,
    landing: Path,
    now: datetime,
    on_bytes: _OnBytes = lambda done, total: None,
    order: Mapping[str, int] | None = None,
    engine: Engine = WORKING_FILE,
) -> Summary:
    """Load every file of the landing folder that the manifest does not know as it is.

    `now` is in UTC, without a zone. `on_bytes` is told how many bytes of how many are done.
    Files go by feed and name, or first by `order`: what they were loaded as before. `engine` is
    where the rows are kept: the connection itself, unless it says otherwise.
    A file of which no line can be trusted is written to the manifest as failed; the others
    are loaded all the same. Raises WarehouseError when a line is unaccounted for; then
    nothing of its transaction was loaded.
    """
    files, ignored = list_files(landing)
    if order:
        files.sort(key=lambda file: order.get(file.name, max(order.values()) + 1))
    summary = Summary(ignored=ignored)
    todo = _unknown(connection, files, summary, now)
    total, done = sum(file.size for file in todo), 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        on_bytes(done, total)

    for files, shape in _groups(todo, engine.most_bytes_at_once):
        summary.results += _load_together(connection, files, shape, now, add, engine)
    engine.finish(connection)
    return summary


def load_file(connection: Connection, file: LandingFile, now: datetime) -> Loaded:
    """Load one file whatever the manifest says; see load_landing."""
    [(files, shape)] = _groups([file], WORKING_FILE.most_bytes_at_once)
    [result] = _load_together(connection, files, shape, now, lambda size: None, WORKING_FILE)
    return result


def _unknown(
    connection: Connection, files: list[LandingFile], summary: Summary, now: datetime
) -> list[LandingFile]:
    """Pick the files that have to be read, and count the others."""
    rows = query(
        connection,
        "select file, file_size, file_modified_ns, sha256, checked_at "
        "from raw.load_manifest where status = 'loaded' order by load_seq",
    )
    newest = {row[0]: _Known(*row[1:]) for row in rows}
    contents = {(row[0], row[3]) for row in rows}
    todo, touched = [], []
    for file in files:
        known = newest.get(file.name)
        if known is None:
            todo.append(file)
        elif known.is_same(file):
            summary.skipped += 1
        elif digest := _loaded_content(file, known, contents):
            touched.append((file, digest))
            summary.skipped += 1
        else:
            todo.append(file)
    _check_off(connection, touched, now)
    return todo


def _loaded_content(
    file: LandingFile, newest: _Known, contents: set[tuple[str, str | None]]
) -> str | None:
    """Hash a file that has another date; None when it holds what was not loaded from it yet."""
    try:
        digest = sha256_of(file.path)
    except OSError:
        return None
    # A list of prices that is again what it was is news; a sale that comes again is not.
    is_old = (file.name, digest) in contents
    return digest if is_old and (digest == newest.sha256 or not file.feed.is_snapshot) else None


def _check_off(
    connection: Connection, touched: list[tuple[LandingFile, str]], now: datetime
) -> None:
    """Note that these files lie there as they were loaded, whatever their date."""
    if not touched:
        return
    columns = ("file", "sha256", "file_size", "file_modified_ns")
    rows = [(file.name, digest, file.size, file.modified_ns) for file, digest in touched]
    values = zip(*rows, strict=True)
    connection.register("touched", pa.table(dict(zip(columns, map(list, values), strict=True))))
    query(
        connection,
        "update raw.load_manifest as known set file_size = touched.file_size, "
        "file_modified_ns = touched.file_modified_ns, checked_at = ? from touched "
        "where known.file = touched.file and known.sha256 = touched.sha256 "
        "and known.status = 'loaded'",
        [now],
    )
    connection.unregister("touched")


def _groups(files: list[LandingFile], most_bytes: int) -> Iterator[tuple[list[LandingFile], Shape]]:
    """Divide files into transactions: neighbours of one feed and one kind of record.

    A CSV file, and a Parquet file, has one of its own.
    """
    group: list[LandingFile] = []
    kind: tuple[Feed, Shape] | None = None
    size = 0
    for file in files:
        if file.feed.is_csv or file.is_parquet:
            if group and kind:
                yield group, kind[1]
            group, kind, size = [], None, 0
            yield [file], Shape()
            continue
        found = (file.feed, read_shape(file))
        weight = file.size * (_TIMES_PACKED if file.is_packed else 1)
        is_full = size + weight > most_bytes or len(group) == _MOST_FILES_AT_ONCE
        if group and kind and (found != kind or is_full):
            yield group, kind[1]
            group, size = [], 0
        group, kind, size = [*group, file], found, size + weight
    if group and kind:
        yield group, kind[1]


def _load_together(
    connection: Connection,
    files: list[LandingFile],
    shape: Shape,
    now: datetime,
    on_bytes: Callable[[int], None],
    engine: Engine,
) -> list[Loaded]:
    """Load files of one feed in one transaction."""
    feed, latest = files[0].feed, now + _FURTHEST_AHEAD
    query(connection, "begin")
    try:
        [(first,)] = query(
            connection, "select coalesce(max(load_seq), 0) + 1 from raw.load_manifest"
        )
        accounts = [Account(file, seq) for seq, file in enumerate(files, start=first)]
        if feed.is_csv:
            take_csv(connection, accounts[0], latest, now)
        elif files[0].is_parquet:
            take_parquet(connection, accounts[0], latest, now)
        else:
            take_json(connection, accounts, shape, latest, now, on_bytes)
        forget_again(connection, first)
        engine.fetch_rivals(connection, feed, first)
        set_aside(connection, feed, first)
        results = close(connection, feed, accounts, now)
        engine.keep(connection, feed, first)
    except BaseException:
        engine.undo(connection)
        raise
    if feed.is_csv or files[0].is_parquet:
        on_bytes(files[0].size)
    return results
