"""Snowflake as the place where loaded rows are kept: fetch what the rules ask for, ship the rest.

The bench holds, in memory, the rows of one transaction at a time, and a copy of the books, by
which it is told what is new. Whoever loads takes a turn first: a row that every loader changes
in its transaction. Snowflake's own memory of loaded files ends after 64 days, its primary keys
are not enforced: only the manifest and these transactions make a file count once.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa

from warehouse.connect import Connection, query, roll_back
from warehouse.feeds import FEEDS, Feed
from warehouse.loading.duplicates import record_keys
from warehouse.repairing.settle import REPAIR_NAME, settle
from warehouse.settings import WarehouseError
from warehouse.snowflake.session import Session
from warehouse.snowflake.shipping import LANDING_TABLE, clear, landed, ship
from warehouse.snowflake.tables import columns_of

_ROWS_AT_ONCE = 50_000
# What is changed after it was written, with what tells its rows apart; the rest is only added to.
_BOOKS = {
    "load_manifest": ("load_seq",),
    "load_rejects": ("load_seq", "line", "reason"),
    "erasures": ("erasure_id", "kind", "identity_hash"),
    "pepper": ("pepper",),
}
# The rows of a book that Snowflake has and the bench has not, and the other way round.
_OLD = "from kept.{0} except from raw.{0}"
_NEW = "from raw.{0} except from kept.{0}"
_ALWAYS_NEEDED = ("load_manifest", "erasures", "pepper")


class Snowflake:
    """The engine of a load to Snowflake; see warehouse.loading.engine.Engine.

    `folder` is for what is on its way, and is this process's own.
    """

    # As much as makes a file of the size that Snowflake advises, when it is packed.
    most_bytes_at_once = 1 << 30

    def __init__(self, session: Session, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._has_turn = False
        self._token = ""

    def open_books(self, bench: Connection) -> None:
        """Copy to the bench, whose raw tables are empty, what every load has to know."""
        self._session.run(LANDING_TABLE)
        query(bench, "create schema kept")
        for table in _BOOKS:
            query(bench, f"create table kept.{table} as from raw.{table} limit 0")
        for table in _ALWAYS_NEEDED:
            self._fetch_book(bench, table)

    def fetch_rivals(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Begin Snowflake's transaction, land the new rows, fetch the older ones of their keys."""
        self._take_turn(bench, first_seq)
        columns = columns_of(bench, feed.table)
        new = f"select * from raw.{feed.table} where _load_seq >= {first_seq}"
        if not ship(self._session, bench, feed.table, new, columns, self._folder):
            return
        keys = ", ".join(f"{key} as k{n}" for n, key in enumerate(record_keys(feed)))
        names = ", ".join(f"k{n}" for n, _ in enumerate(record_keys(feed)))
        self._fetch(
            bench,
            feed.table,
            f"(select *, {keys} from raw.{feed.table}) as known "
            f"inner join (select distinct {keys} from {landed(feed.table, columns)} as landed) "
            f"as asked using ({names})",
        )

    def keep(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Insert the landed rows that are no duplicates, write the books, check, commit."""
        self._add(
            bench, "load_duplicates", f"from raw.load_duplicates where load_seq >= {first_seq}"
        )
        self._insert(
            bench,
            feed.table,
            "where not exists ("
            f"select 1 from raw.load_duplicates as known where known.load_seq >= {first_seq} "
            "and known.load_seq = landed._load_seq and landed._line >= known.line "
            "and landed._line < known.line + known.line_count)",
        )
        self._write_books(bench)
        for table, seq in (
            (feed.table, "_load_seq"),
            ("load_duplicates", "load_seq"),
            ("load_rejects", "load_seq"),
            ("load_manifest", "load_seq"),
        ):
            self._check(bench, table, seq, first_seq)
        self._commit()
        query(bench, "commit")
        # But for the books: whatever rows are asked for again, are fetched again.
        for name in (feed.table, "load_duplicates", "load_rejects"):
            query(bench, f"delete from raw.{name}")
        query(bench, "delete from kept.load_rejects")

    def undo(self, bench: Connection) -> None:
        """Roll both back. A session that is lost rolls back by itself."""
        roll_back(bench)
        self._give_up()

    def finish(self, bench: Connection) -> None:
        """Settle repairs by the rows that repair files brought, and write what that changed."""
        repairs = query(
            bench,
            "select load_seq, feed from raw.load_manifest "
            f"where status = 'loaded' and regexp_matches(file, '{REPAIR_NAME}')",
        )
        is_open = "select 1 from raw.load_rejects where repaired_seq is null limit 1"
        if repairs and self._session.run(is_open):
            self._fetch_book(bench, "load_rejects")
            self._fetch_loads(bench, "load_duplicates", "load_seq", [seq for seq, _ in repairs])
            for feed in {feed for _, feed in repairs}:
                seqs = [seq for seq, other in repairs if other == feed]
                self._fetch_loads(bench, FEEDS[feed].table, "_load_seq", seqs)
            settle(bench)
        self.write_changed_books(bench)

    def write_changed_books(self, bench: Connection) -> None:
        """Write, in a transaction of their own, the rows of the books that differ from the bench.

        Nothing where none does.
        """
        if not any(query(bench, f"{_NEW.format(t)} limit 1") for t in _BOOKS):
            return
        [(next_seq,)] = query(bench, "select coalesce(max(load_seq), 0) + 1 from raw.load_manifest")
        try:
            self._take_turn(bench, next_seq)
            self._write_books(bench)
            self._commit()
        except BaseException:
            self._give_up()
            raise

    def _take_turn(self, bench: Connection, first_seq: int) -> None:
        """Begin; nobody else can until the end. WarehouseError if somebody wrote meanwhile."""
        self._token = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        run = self._session.run
        run("begin")
        run(f"update raw.load_turn set taken_at = '{self._token}'::timestamp_ntz")
        self._check_turn()
        self._has_turn = True
        [(there,)] = run("select coalesce(max(load_seq), 0) + 1 from raw.load_manifest")
        peppers = run("select pepper from raw.pepper")
        if there != first_seq or sorted(peppers) != sorted(query(bench, "from kept.pepper")):
            raise WarehouseError(
                "another loader has written to Snowflake since this one began: run the same "
                "command again; what was committed is kept."
            )
        clear(self._session)

    def _check_turn(self) -> None:
        """Make sure that the transaction is still the one that took the turn.

        Snowflake ends one that is idle while others wait, and an administrator may end any:
        then its rows are gone, this one among them.
        """
        sql = f"select count(*) from raw.load_turn where taken_at = '{self._token}'::timestamp_ntz"
        if self._session.run(sql) != [(1,)]:
            raise WarehouseError(
                "the turn to write, the one row of RAW.LOAD_TURN, is not there or was lost: run "
                "the same command again, or let warehouse/ddl/snowflake/setup.sql be run."
            )

    def _commit(self) -> None:
        clear(self._session)
        self._check_turn()
        self._session.run("commit")
        self._has_turn = False

    def _give_up(self) -> None:
        # Where nobody answers, one attempt is enough.
        with suppress(WarehouseError):
            if self._has_turn:
                self._has_turn = False
                clear(self._session)
            self._session.run("rollback")

    def _write_books(self, bench: Connection) -> None:
        """Make the rows of the books on Snowflake those of the bench, and remember it."""
        for table, keys in _BOOKS.items():
            columns = columns_of(bench, table)
            if ship(
                self._session, bench, f"{table}_old", _OLD.format(table), columns, self._folder
            ):
                gone = landed(f"{table}_old", columns)
                same = " and ".join(f"{table}.{key} = gone.{key}" for key in keys)
                self._session.run(f"delete from raw.{table} using {gone} as gone where {same}")
            self._add(bench, table, _NEW.format(table))
            query(bench, f"delete from kept.{table}")
            query(bench, f"insert into kept.{table} from raw.{table}")

    def _add(self, bench: Connection, table: str, rows: str) -> None:
        columns = columns_of(bench, table)
        if ship(self._session, bench, table, rows, columns, self._folder):
            self._insert(bench, table)

    def _insert(self, bench: Connection, table: str, where: str = "") -> None:
        """Insert the landed rows of a table that meet a condition on `landed`, or all."""
        columns = columns_of(bench, table)
        names = ", ".join(column.name for column in columns)
        self._session.run(
            f"insert into raw.{table} ({names}) "
            f"select {names} from {landed(table, columns)} as landed {where}"
        )

    def _check(self, bench: Connection, table: str, seq: str, first_seq: int) -> None:
        """Count what Snowflake has of this transaction: WarehouseError if a row is missing."""
        sql = f"select count(*) from raw.{table} where {seq} >= {first_seq}"
        [(there,)], [(here,)] = self._session.run(sql), query(bench, sql)
        if there != here:
            raise WarehouseError(
                f"{here:,} rows were to be in RAW.{table.upper()}, but {there:,} are there. "
                "Nothing of this transaction was loaded; please report it."
            )

    def _fetch_book(self, bench: Connection, table: str) -> None:
        self._fetch(bench, table, f"raw.{table}")
        query(bench, f"insert into kept.{table} from raw.{table}")

    def _fetch_loads(self, bench: Connection, table: str, seq: str, seqs: list[int]) -> None:
        self._fetch(bench, table, f"raw.{table} where {seq} in ({', '.join(map(str, seqs))})")

    def _fetch(self, bench: Connection, table: str, source: str) -> None:
        """Insert rows of Snowflake, from a source as it stands behind `from`, into the bench."""
        columns = columns_of(bench, table)
        told = ", ".join(column.as_told for column in columns)
        schema = pa.schema([column.arrow for column in columns])
        for rows in _batches(self._session.rows(f"select {told} from {source}")):
            values = zip(*rows, strict=True)
            arrays = [pa.array(v, field.type) for v, field in zip(values, schema, strict=True)]
            bench.register("fetched", pa.Table.from_arrays(arrays, schema=schema))
            query(bench, f"insert into raw.{table} from fetched")
            bench.unregister("fetched")


def _batches(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch
