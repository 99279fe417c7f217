"""Create the raw tables: one DDL file each, safe to run again."""

import os
import secrets
from pathlib import Path

from warehouse.connect import Connection, query

_DDL = Path(__file__).parent / "ddl" / "duckdb"


def create_tables(connection: Connection) -> None:
    """Create schema `raw` with its tables and the pepper, where they are missing."""
    query(connection, "create schema if not exists raw")
    for path in sorted(_DDL.glob("*.sql")):
        query(connection, path.read_text(encoding="utf-8"))
    _keep_pepper(connection, os.environ.get("KSCM_PEPPER"))
    # Replaying DDL from a write-ahead log is where DuckDB has had crashes: leave none there.
    query(connection, "checkpoint")


def _keep_pepper(connection: Connection, given: str | None) -> None:
    """Keep one secret per database: the one given, else the one there, else a new one."""
    kept = query(connection, "select pepper from raw.pepper")
    if kept and given in (None, "", kept[0][0]):
        return
    query(connection, "begin")
    query(connection, "delete from raw.pepper")
    query(connection, "insert into raw.pepper values (?)", [given or secrets.token_hex(32)])
    query(connection, "commit")
