"""The books of a load: what became of each line of each file, and proof that none is missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.feeds import Feed
from warehouse.loading.blocks import DamagedFileError, Source
from warehouse.loading.csv_header import ContractError
from warehouse.loading.landing import LandingFile
from warehouse.settings import WarehouseError


@dataclass
class Account:
    """One file in the transaction that takes it in; `lines` is counted apart from the rows."""

    file: LandingFile
    seq: int
    lines: int = 0
    blank: int = 0
    sha256: str | None = None
    dialect: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Loaded:
    """What became of one file: lines = accepted + duplicates + refused + blank."""

    file: str
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    blank: int = 0
    failure: str | None = None


@contextmanager
def reading(account: Account) -> Iterator[Source]:
    """Open the file of an account, and count and hash it to its end.

    What makes the whole file unfit is written to the account as its failure and goes no
    further: the other files are loaded all the same.
    """
    try:
        with account.file.path.open("rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            source = Source(file, account.file.is_packed)
            yield source
            source.read_on()
            after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise DamagedFileError("is still being written: load it again when it is whole")
        account.file = replace(account.file, size=before.st_size, modified_ns=before.st_mtime_ns)
        account.lines, account.sha256 = source.lines, source.sha256
    except (DamagedFileError, ContractError) as error:
        account.failure = str(error)
    except OSError as error:
        account.failure = f"cannot be read: {error.strerror or error}"


_MANIFEST = pa.schema(
    [
        ("file", pa.string()),
        ("feed", pa.string()),
        ("file_size", pa.int64()),
        ("file_modified_ns", pa.int64()),
        ("sha256", pa.string()),
        ("status", pa.string()),
        ("row_count", pa.int64()),
        ("row_parsed", pa.int64()),
        ("duplicate_count", pa.int64()),
        ("error_count", pa.int64()),
        ("blank_count", pa.int64()),
        ("first_error_message", pa.string()),
        ("first_error_line", pa.int64()),
        ("dialect", pa.string()),
        ("load_seq", pa.int64()),
    ]
)


def close(
    connection: Connection, feed: Feed, accounts: list[Account], now: datetime
) -> list[Loaded]:
    """Check the sum of each file and write the manifest; WarehouseError if a line is missing."""
    first = accounts[0].seq
    accepted = _per_load(connection, f"count(*) from raw.{feed.table}", "_load_seq", first)
    duplicates = _per_load(
        connection, "sum(line_count)::bigint from raw.load_duplicates", "load_seq", first
    )
    refused = _per_load(connection, "count(*) from raw.load_rejects", "load_seq", first)
    results = []
    for account in accounts:
        seq, name = account.seq, account.file.name
        if account.failure:
            results.append(Loaded(name, failure=account.failure))
            continue
        parts = (accepted.get(seq, 0), duplicates.get(seq, 0), refused.get(seq, 0), account.blank)
        if account.lines != sum(parts):
            raise WarehouseError(
                f"{name}: {account.lines} lines came in but {parts[0]} accepted + {parts[1]} "
                f"duplicates + {parts[2]} refused + {parts[3]} blank came out. Nothing of this "
                "file was loaded; please report it."
            )
        results.append(Loaded(name, account.lines, *parts))
    _sign(connection, feed, accounts, results, now)
    return results


def _per_load(connection: Connection, what: str, seq: str, first: int) -> dict[int, int]:
    what, _, table = what.partition(" from ")
    sql = f"select {seq}, {what} from {table} where {seq} >= {first} group by {seq}"
    return dict(query(connection, sql))


def _sign(
    connection: Connection,
    feed: Feed,
    accounts: list[Account],
    results: list[Loaded],
    now: datetime,
) -> None:
    errors = {
        seq: (reason, line)
        for seq, reason, line in query(
            connection,
            "select load_seq, min_by(reason, line), min(line) from raw.load_rejects "
            "where load_seq >= ? group by load_seq",
            [accounts[0].seq],
        )
    }
    rows = []
    for account, result in zip(accounts, results, strict=True):
        message, line = errors.get(account.seq, (account.failure, None))
        rows.append(
            {
                "file": account.file.name,
                "feed": feed.name,
                "file_size": account.file.size,
                "file_modified_ns": account.file.modified_ns,
                "sha256": account.sha256,
                "status": "failed" if account.failure else "loaded",
                "row_count": result.lines,
                "row_parsed": result.accepted,
                "duplicate_count": result.duplicates,
                "error_count": result.refused,
                "blank_count": result.blank,
                "first_error_message": message,
                "first_error_line": line,
                "dialect": account.dialect,
                "load_seq": account.seq,
            }
        )
    names = ", ".join(_MANIFEST.names)
    connection.register("signed", pa.Table.from_pylist(rows, _MANIFEST))
    # A file that fails whenever it is read is one failure, not one a day.
    query(
        connection,
        "delete from raw.load_manifest where status = 'failed' "
        "and file in (select file from signed where status = 'failed')",
    )
    query(
        connection,
        f"insert into raw.load_manifest ({names}, first_error_column, checked_at, loaded_at) "
        f"select {names}, nullif(regexp_extract(first_error_message, "
        r"'^(?:missing|bad)_(\w+)$|^(\w+)_out_of_range$', 1), ''), $now, $now from signed",
        {"now": now},
    )
    connection.unregister("signed")
