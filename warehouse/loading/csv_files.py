"""Loads CSV files: header first, then every line by name, judged like any other record."""

from datetime import datetime

from warehouse.connect import Connection, query
from warehouse.feeds import Feed
from warehouse.loading.accounts import Account, reading
from warehouse.loading.blocks import Block, Line, Source, read_blocks
from warehouse.loading.csv_header import ContractError
from warehouse.loading.csv_lines import Dialect, parse_lines, read_dialect
from warehouse.loading.judged import forget_file, judge_into_tables, refuse
from warehouse.settings import date_order


def take_csv(connection: Connection, account: Account, latest: datetime, now: datetime) -> None:
    """Load one CSV file and fill its account; its header counts as blank."""
    feed = account.file.feed
    columns = ", ".join(f"{name}_text varchar, {name}_kind varchar" for name in feed.names)
    query(
        connection,
        "create temp table described "
        f"(file varchar, seq bigint, line bigint, raw varchar, unread varchar, {columns})",
    )
    found = None
    # Twice: what the dates mean is decided by all of them.
    with reading(account) as source:
        found = _read_dialect(source, feed)
    if found and not account.failure:
        header, dialect = found
        account.dialect = str(dialect)
        with reading(account) as source:
            for block in read_blocks(source):
                _take_block(connection, account, block, header, dialect)
    if account.failure:
        forget_file(connection, feed, account.seq)
    else:
        judge_into_tables(connection, feed, "select * from described", latest, now)
    query(connection, "drop table described")


def _read_dialect(source: Source, feed: Feed) -> tuple[Line, Dialect]:
    lines = (line for block in read_blocks(source) for line in block.read_all())
    header = next(lines, None)
    if header is None:
        raise ContractError("is empty: it lacks even a header")
    if header.unread:
        raise ContractError("its header is not UTF-8: save it as CSV in UTF-8")
    texts = (line.text for line in lines if not line.unread)
    return header, read_dialect(header.text, texts, feed, date_order())


def _take_block(
    connection: Connection, account: Account, block: Block, header: Line, dialect: Dialect
) -> None:
    feed, name = account.file.feed, account.file.name
    lines = [line for line in block.read_all() if line.number != header.number]
    account.blank += len(block) - len(lines)
    records = [line for line in lines if not line.unread]
    table, refused = parse_lines(
        [line.number for line in records], [line.text for line in records], dialect, feed
    )
    unread = [line for line in lines if line.unread]
    unread += [Line(bad.line, bad.raw, bad.reason) for bad in refused]
    refuse(connection, name, account.seq, unread)
    connection.register("parsed", table)
    query(
        connection,
        f"insert into described select $file, $seq, * from ({_describe(feed)})",
        {"file": name, "seq": account.seq},
    )
    connection.unregister("parsed")


def _describe(feed: Feed) -> str:
    """Write the SQL of the described records of a block: a text is all that CSV knows."""
    kinds = (
        f"{name}_text, case when {name}_text is not null then 'VARCHAR' end as {name}_kind"
        for name in feed.names
    )
    return f"select line, raw, null::varchar as unread, {', '.join(kinds)} from parsed"
