"""Sends judged records where they belong: into their raw table, or to the refused lines."""

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.feeds import Feed
from warehouse.loading.blocks import Line
from warehouse.loading.duplicates import copy_number
from warehouse.loading.judge import judge

_REJECTS = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("reason", pa.string()),
        ("raw", pa.string()),
        ("load_seq", pa.int64()),
    ]
)


def insert_accepted(
    connection: Connection, feed: Feed, select: str, parameters: dict[str, object]
) -> None:
    """Insert the rows of `select`: file, seq, line and the feed's columns. `now` is bound."""
    copy = f", {copy_number(feed)}" if feed.is_counted else ""
    sql = (
        f"insert into raw.{feed.table} "
        f"select {feed.columns}{copy}, file, line, seq, $now from ({select})"
        # Counting copies has put the rows in another order.
        + (" order by seq, line" if copy else "")
    )
    query(connection, sql, _asked_for(sql, parameters))


def judge_into_tables(
    connection: Connection,
    feed: Feed,
    described: str,
    latest: datetime,
    now: datetime,
    parameters: dict[str, object] | None = None,
) -> None:
    """Judge the described records: those accepted go into the raw table, others are refused."""
    sql = f"create temp table judged as {judge(feed, described)}"
    query(connection, sql, _asked_for(sql, {"latest": latest, **(parameters or {})}))
    accepted = "select * from judged where refusal is null order by seq, line"
    insert_accepted(connection, feed, accepted, {"now": now})
    query(
        connection,
        "insert into raw.load_rejects select file, line, refusal, raw, seq, null "
        "from judged where refusal is not null order by seq, line",
    )
    query(connection, "drop table judged")


def _asked_for(sql: str, parameters: dict[str, object]) -> dict[str, object]:
    """Pick what the statement names: DuckDB refuses a parameter too many."""
    return {name: value for name, value in parameters.items() if f"${name}" in sql}


def refuse(connection: Connection, file: str, seq: int, lines: Iterable[Line]) -> None:
    """Write lines that cannot be read to raw.load_rejects."""
    rows = [
        {"file": file, "line": n.number, "reason": n.unread, "raw": n.text, "load_seq": seq}
        for n in lines
    ]
    if rows:
        connection.register("refused", pa.Table.from_pylist(rows, _REJECTS))
        query(connection, "insert into raw.load_rejects select *, null from refused")
        connection.unregister("refused")


def forget_file(connection: Connection, feed: Feed, seq: int) -> None:
    """Take out the rows of a file that turned out to be damaged further down."""
    query(connection, f"delete from raw.{feed.table} where _load_seq = ?", [seq])
    query(connection, "delete from raw.load_rejects where load_seq = ?", [seq])
