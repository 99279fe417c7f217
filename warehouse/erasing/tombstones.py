"""Keyed hashes of those who asked to be forgotten, and what they do to every later load."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from warehouse.connect import Connection, query
from warehouse.erasing.identities import Spellings, kept_address
from warehouse.erasing.matches import ERASED_MAIL, HASH, matched
from warehouse.erasing.records import Eraser
from warehouse.feeds import FEEDS, ORDERS
from warehouse.secrets_file import Erasure, read_secrets, secrets_path, write_secrets

# What a refused line needs before it can be about anybody.
_PERSONAL = r'"(txid|name|email|phone)"\s*:'


def hash_identities(
    connection: Connection, erasure_id: str, pairs: Iterable[tuple[str, str]], erased_at: datetime
) -> list[Erasure]:
    """Return one row of raw.erasures for each (kind, value)."""
    kinds, values = zip(*sorted(set(pairs)), strict=True)
    return query(
        connection,
        f"select $id, kind, {HASH}, $at::timestamp from "
        "(select unnest($kinds) as kind, unnest($values) as value) cross join raw.pepper",
        {"id": erasure_id, "at": erased_at, "kinds": list(kinds), "values": list(values)},
    )


def add_tombstones(connection: Connection, rows: Iterable[Erasure]) -> None:
    """Keep rows of raw.erasures for good: in the file beside the database, then in it."""
    new = set(rows) - set(query(connection, "from raw.erasures"))
    path = secrets_path(connection)
    filed = read_secrets(path) if path else None
    if path and filed and not new <= filed.erasures:
        write_secrets(path, type(filed)(filed.pepper, filed.erasures | new))
    for row in sorted(new):
        query(connection, "insert into raw.erasures values (?, ?, ?, ?)", list(row))


def forget_again(connection: Connection, first_seq: int) -> int:
    """Blank the new order rows and refused lines about erased people; return how many.

    For the loader, in its transaction: after rows with _load_seq >= first_seq were inserted
    and before duplicates are looked for. What an old file brings becomes equal to what the
    erasure left. Costs one look at raw.erasures when nobody was ever erased.
    """
    if not query(connection, "select 1 from raw.erasures limit 1"):
        return 0
    buyers, contacts = blank_rows(connection, "raw.erasures", first_seq)
    eraser = Eraser(connection, "raw.erasures", "", Spellings())
    return (
        buyers + contacts + blank_refused(eraser, first_seq) + _blank_texts(connection, first_seq)
    )


def free_texts() -> list[tuple[str, str, str]]:
    """Return the tables, columns and kinds of other feeds that anything may be written in."""
    return [
        (feed.table, field.name, field.kind)
        for feed in FEEDS.values()
        if feed is not ORDERS
        for field in feed.fields
        if field.kind in ("text", "json") and field.name not in feed.key
    ]


def _blank_texts(connection: Connection, first_seq: int) -> int:
    """Blank remarks that an erasure has blanked before."""
    if not query(connection, "select 1 from raw.erasures where kind = 'text' limit 1"):
        return 0
    changed = 0
    for table, column, kind in free_texts():
        if kind == "json":
            continue
        [(rows,)] = query(
            connection,
            f"update raw.{table} set {column} = 'erased' where _load_seq >= {first_seq:d} "
            f"and sha256((from raw.pepper) || '|text|{table}.{column}|' || {column}::varchar) in "
            "(select identity_hash from raw.erasures where kind = 'text')",
        )
        changed += rows
    return changed


def blank_refused(eraser: Eraser, first_seq: int) -> int:
    """Blank refused lines: her fields where the line can be read, else all of it."""
    run = partial(query, eraser.connection)
    where = (
        "" if eraser.spellings != Spellings() else f"and regexp_matches(raw, '{_PERSONAL}', 'i')"
    )
    rows = run(f"select rowid, raw from raw.load_rejects where load_seq >= {first_seq:d} {where}")
    erased = eraser.erase_lines(dict(rows))
    for row_id, text in erased.items():
        run("update raw.load_rejects set raw = ? where rowid = ?", [text, row_id])
    return len(erased)


def blank_rows(connection: Connection, tombstones: str, first_seq: int) -> tuple[int, int]:
    """Blank the rows of erased people, and contacts who are; return how many of each.

    Rows stay, and so does what sales and regions are made from. All rows of a person get one
    and the same e-mail, made of the random erasure id: she goes on counting as one customer.
    """
    run = partial(query, connection)
    rows = (
        "select rowid as id, txid, name, phone, email, address, emergency_contact, purchase_time "
        f"from raw.client_support_orders where _load_seq >= {first_seq:d}"
    )
    target = "update raw.client_support_orders as orders set"
    # First whom a record names beside the buyer: blanking the buyer takes the ties away.
    contacts = matched(rows, tombstones, contacts=True)
    buyers = matched(rows, tombstones)
    run(f"create or replace temp table erased_contacts as {contacts}")
    run(f"create or replace temp table erased_buyers as {buyers}")
    [(named,)] = run(
        f"{target} emergency_contact = null "
        "from erased_contacts as hits where orders.rowid = hits.id "
        "and hits.id not in (select id from erased_buyers)"
    )
    [(bought,)] = run(
        f"{target} name = null, phone = null, emergency_contact = null, "
        f"email = {ERASED_MAIL}, address = {kept_address('orders.address')} "
        "from erased_buyers as hits where orders.rowid = hits.id"
    )
    run("drop table erased_contacts")
    run("drop table erased_buyers")
    return bought, named
