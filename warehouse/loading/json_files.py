"""Loads files of JSON lines, many at once: one quick pass, and a strict one for what is left."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.feeds import Feed
from warehouse.loading.accounts import Account, reading
from warehouse.loading.blocks import Block, DamagedFileError, Source, read_blocks
from warehouse.loading.json_lines import (
    Shape,
    describe,
    select_beyond_doubt,
    shape_of,
    why_no_record,
)
from warehouse.loading.judged import forget_file, insert_accepted, judge_into_tables
from warehouse.loading.landing import LandingFile

_LINES = pa.schema(
    [("file", pa.string()), ("seq", pa.int64()), ("line", pa.int64()), ("raw", pa.string())]
)
_EXAMINED = _LINES.append(pa.field("unread", pa.string()))
_FEW_ROWS = 2_048
_FIRST_LINES = 1_000
_EXAMINED_AT_ONCE = 50_000

_Numbers = npt.NDArray[np.int64]


def read_shape(file: LandingFile) -> Shape:
    """Look at the first lines of a file."""
    try:
        with file.path.open("rb", buffering=0) as opened:
            for block in read_blocks(Source(opened, file.is_packed)):
                lines = [line.text for line in block.read_all()[:_FIRST_LINES]]
                if lines:
                    return shape_of(file.feed, lines)
    except (DamagedFileError, OSError):
        pass  # whoever reads it for its lines will say so
    return Shape()


def take_json(
    connection: Connection,
    accounts: list[Account],
    shape: Shape,
    latest: datetime,
    now: datetime,
    on_bytes: Callable[[int], None],
) -> None:
    """Load the files of one feed, whose first lines are of one shape, and fill their accounts."""
    feed = accounts[0].file.feed
    empty: dict[int, list[int]] = {}
    lines = _lines(accounts, empty, on_bytes)
    if shape.fields:
        connection.register("lines", pa.RecordBatchReader.from_batches(_LINES, lines))
        named = {"file": accounts[0].file.name, "seq": accounts[0].seq}
        # What is the same in every row costs nothing as a constant.
        alone = "(select $file as file, $seq as seq, line, raw from lines)"
        select = select_beyond_doubt(feed, shape, "lines" if len(accounts) > 1 else alone)
        # Rows have numbers: that they lie in order is worth no waiting.
        query(connection, "set preserve_insertion_order = false")
        try:
            insert_accepted(connection, feed, select, {"latest": latest, "now": now, **named})
        finally:
            query(connection, "reset preserve_insertion_order")
            connection.unregister("lines")
    else:
        for _ in lines:
            pass
    sql = f"select _load_seq, count(*) from raw.{feed.table} where _load_seq >= ? group by all"
    taken = dict(query(connection, sql, [accounts[0].seq]))
    doubtful = []
    for account in accounts:
        if account.failure:
            forget_file(connection, feed, account.seq)
            continue
        account.blank = len(empty[account.seq])
        if taken.get(account.seq, 0) + account.blank < account.lines:
            doubtful.append(account)
    _take_doubtful(connection, feed, doubtful, empty, latest, now)


def _lines(
    accounts: list[Account], empty: dict[int, list[int]], on_bytes: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    """Read the files one after the other; what is found on the way goes to their accounts."""
    waiting: list[pa.RecordBatch] = []  # many small files make one batch
    rows = 0
    for account in accounts:
        empty[account.seq] = []
        told = 0
        with reading(account) as source:
            for block in read_blocks(source):
                empty[account.seq] += block.empty_lines()
                waiting.append(_batch(account, block))
                rows += len(block)
                if rows > _FEW_ROWS:
                    yield from _combined(waiting)
                    waiting, rows = [], 0
                on_bytes(source.size - told)
                told = source.size
    yield from _combined(waiting)


def _combined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(batches) > 1 and len(batches[-1]) > _FEW_ROWS:
        return [*_combined(batches[:-1]), batches[-1]]
    if len(batches) < 2:
        return batches
    found: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return found


def _batch(account: Account, block: Block) -> pa.RecordBatch:
    count = len(block)
    return pa.record_batch(
        [
            pa.repeat(account.file.name, count),
            pa.repeat(account.seq, count),
            pa.array(np.arange(block.first, block.first + count)),
            block.texts(),
        ],
        schema=_LINES,
    )


def _take_doubtful(
    connection: Connection,
    feed: Feed,
    accounts: list[Account],
    empty: dict[int, list[int]],
    latest: datetime,
    now: datetime,
) -> None:
    """Read again what the quick way left, line by line, and judge it."""
    examined = (
        row
        for account in accounts
        for row in _examined(account, _open_numbers(connection, feed, account, empty))
    )
    while rows := list(islice(examined, _EXAMINED_AT_ONCE)):
        connection.register("examined", pa.Table.from_pylist(rows, _EXAMINED))
        judge_into_tables(connection, feed, describe(feed), latest, now)
        connection.unregister("examined")
    for account in accounts:
        if account.failure:
            forget_file(connection, feed, account.seq)


def _open_numbers(
    connection: Connection, feed: Feed, account: Account, empty: dict[int, list[int]]
) -> _Numbers:
    """Return the numbers of the lines that are neither in the raw table nor empty."""
    is_open = np.ones(account.lines + 1, dtype=np.bool_)
    is_open[0] = False
    is_open[empty[account.seq]] = False
    sql = f"select _line from raw.{feed.table} where _load_seq = ?"
    is_open[connection.execute(sql, [account.seq]).fetchnumpy()["_line"]] = False
    return np.flatnonzero(is_open)


def _examined(account: Account, numbers: _Numbers) -> Iterator[dict[str, object]]:
    again = Account(account.file, account.seq)
    with reading(again) as source:
        for block in read_blocks(source):
            start, end = np.searchsorted(numbers, [block.first, block.first + len(block)])
            for number in numbers[start:end].tolist():
                line = block.read(number)
                if line is None:
                    account.blank += 1
                    continue
                yield {
                    "file": account.file.name,
                    "seq": account.seq,
                    "line": number,
                    "raw": line.text,
                    "unread": line.unread or why_no_record(line.text),
                }
    if again.failure or again.sha256 != account.sha256:
        account.failure = again.failure or "changed while it was read: load it again"
