"""Create the raw tables: one DDL file each, safe to run again."""

import os
import secrets
from pathlib import Path

from warehouse.connect import Connection, query
from warehouse.secrets_file import Secrets, read_secrets, secrets_path, write_secrets
from warehouse.settings import WarehouseError

_DDL = Path(__file__).parent / "ddl" / "duckdb"
# The youngest column of each table that has changed: who lacks one was made before it.
_YOUNGEST = {"load_manifest": "checked_at", "load_rejects": "repaired_seq"}


def create_tables(connection: Connection) -> None:
    """Create schema `raw` with its tables and secrets, where they are missing.

    A WarehouseError when an earlier version of the project made some of them, and when
    KSCM_PEPPER is not the secret that people were erased with.
    """
    refuse_earlier_version(connection)
    make_raw_tables(connection)
    keep_secrets(connection, secrets_path(connection))
    # Replaying DDL from a write-ahead log is where DuckDB has had crashes: leave none there.
    query(connection, "checkpoint")


def make_raw_tables(connection: Connection) -> None:
    """Make schema `raw` and its tables, where they are missing."""
    query(connection, "create schema if not exists raw")
    for path in sorted(_DDL.glob("*.sql")):
        query(connection, path.read_text(encoding="utf-8"))


def refuse_earlier_version(connection: Connection) -> None:
    """Raise WarehouseError when the raw tables were made by an earlier version of the project."""
    found = query(
        connection,
        "select table_name, list(column_name) from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'raw' group by table_name",
    )
    for table, columns in found:
        if table in _YOUNGEST and _YOUNGEST[table] not in columns:
            raise WarehouseError(
                f"raw.{table} was made by an earlier version: run "
                "'python -m warehouse doctor --rebuild' to load everything again from landing."
            )


def keep_secrets(connection: Connection, path: Path | None) -> None:
    """Keep one pepper and all erasures, in the database and in the file of secrets, if any.

    The pepper is KSCM_PEPPER, else the one of the file, else of the database, else new.
    WarehouseError where two of them would undo an erasure.
    """
    given = os.environ.get("KSCM_PEPPER")
    peppers = [row[0] for row in query(connection, "from raw.pepper")]
    here = frozenset(query(connection, "from raw.erasures"))
    filed = read_secrets(path) if path else None
    erasures = here | (filed.erasures if filed else frozenset())
    kept = filed.pepper if filed else peppers[0] if peppers else None
    if given and kept and given != kept and erasures:
        people = len({erasure_id for erasure_id, *_ in erasures})
        made = "erasure was" if people == 1 else "erasures were"
        raise WarehouseError(
            f"KSCM_PEPPER is not the pepper that {people} {made} made with, and with "
            "another one nobody would stay forgotten: unset it, or set it to what it was."
        )
    if filed and peppers and peppers[0] != filed.pepper and (here or filed.erasures):
        raise WarehouseError(
            f"{path} does not belong to this working file: its pepper is another one, and those "
            "who were erased would come back. Put the right one back."
        )
    wanted = Secrets(given or kept or secrets.token_hex(32), erasures)
    # The file first: a database without its secrets is mended at the next command.
    if path and wanted != filed:
        write_secrets(path, wanted)
    if peppers == [wanted.pepper] and here == erasures:
        return
    query(connection, "begin")
    query(connection, "delete from raw.pepper")
    query(connection, "insert into raw.pepper values (?)", [wanted.pepper])
    for row in sorted(erasures - here):
        query(connection, "insert into raw.erasures values (?, ?, ?, ?)", list(row))
    query(connection, "commit")
