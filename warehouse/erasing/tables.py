"""Take a person out of the tables, and what dbt made of them."""

from datetime import datetime

from warehouse.connect import Connection, query
from warehouse.erasing.matches import matched
from warehouse.erasing.person import ORDERS_BY_ID, Person
from warehouse.erasing.records import Eraser, read, write
from warehouse.erasing.tombstones import (
    add_tombstones,
    blank_refused,
    blank_rows,
    free_texts,
    hash_identities,
)

_TELLING = 8  # characters


def count_rows(connection: Connection, eraser: Eraser) -> tuple[int, int, int]:
    """Count her rows, the rows that name her as contact, and the refused lines."""
    buyers = matched(ORDERS_BY_ID, "wanted")
    contacts = matched(ORDERS_BY_ID, "wanted", contacts=True)
    [(bought,)] = query(connection, f"select count(*) from ({buyers})")
    [(named,)] = query(
        connection, f"select count(*) from ({contacts}) where id not in (select id from ({buyers}))"
    )
    refused = dict(query(connection, "select rowid, raw from raw.load_rejects"))
    return bought, named, len(eraser.erase_lines(refused))


def blank_tables(connection: Connection, eraser: Eraser, erased_at: datetime) -> None:
    """Blank everything of hers in raw, in one transaction."""
    query(connection, "begin")
    blank_rows(connection, "wanted", 0)
    blank_refused(eraser, 0)
    for table, column, _ in free_texts():
        sql = f"select distinct {column}::varchar from raw.{table} where {column} is not null"
        for (text,) in query(connection, sql):
            record = read(text)
            erased = eraser.spellings.erase_values(record or text)
            if erased == (record or text):
                continue
            if not record:
                add_tombstones(
                    connection,
                    hash_identities(
                        connection,
                        eraser.erasure_id,
                        [("text", f"{table}.{column}|{text}")],
                        erased_at,
                    ),
                )
            query(
                connection,
                f"update raw.{table} set {column} = ? where {column}::varchar = ?",
                [write(erased) if record else erased, text],
            )
    query(connection, "commit")


def drop_built(connection: Connection) -> None:
    """Drop what dbt makes of personal rows: it is built anew."""
    for (schema,) in query(
        connection,
        "select distinct schema_name from duckdb_schemas() "
        "where database_name = current_database() and (schema_name in ('staging', 'intermediate') "
        "or ends_with(schema_name, 'dbt_test__audit'))",
    ):
        query(connection, f'drop schema "{schema}" cascade')


def only_hers(connection: Connection, person: Person) -> set[str]:
    """Return her texts that no other row may hold: what must be in no file any more."""
    spellings = person.spellings
    words = {*spellings.emails, *spellings.phones}.union(*person.spelled.values())
    # "Ann" and "order" stand in every file: what is short or one small word proves nothing.
    words = {word for word in words if len(word) >= _TELLING and not word.isalpha()}
    rest = (
        "select lower(concat_ws(' ', name, address, phone, email, emergency_contact)) as rest "
        "from raw.client_support_orders union all select lower(raw) from raw.load_rejects"
    )
    # Her name may be the beginning of another's.
    sql = f"select 1 from ({rest}) where contains(rest, lower(?)) limit 1"
    return {
        word
        for word in words
        if spellings.replace(word) != word and not query(connection, sql, [word])
    }
