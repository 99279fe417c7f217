"""An account on the emulator, set up as docs/snowflake.md says, and what tests ask of it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import duckdb
import httpx
from conftest import ROOT, Shop
from snowflake_emulator import connect

SETUP = ROOT / "warehouse" / "ddl" / "snowflake" / "setup.sql"
# When something was read tells nothing of what it says; dbt's own table is not the loader's.
LEFT_OUT = ("_loaded_at", "loaded_at", "checked_at")
_numbers = count(1)


@dataclass(frozen=True)
class Account:
    """A database of its own on an emulator; `environment` leads there."""

    environment: dict[str, str]
    connection: Any

    def query(self, sql: str) -> list[tuple]:
        return self.connection.cursor().execute(sql).fetchall()

    def end_sessions(self) -> None:
        """End all transactions, as Snowflake does five minutes after their program was killed."""
        host, port = (self.environment[f"SNOWFLAKE_{name}"] for name in ("HOST", "PORT"))
        httpx.post(f"http://{host}:{port}/emulator/end-sessions").raise_for_status()


@contextmanager
def set_up_account(emulator: dict[str, str]) -> Iterator[Account]:
    """Run setup.sql under a new name of the database."""
    name = f"KSCM_{next(_numbers)}"
    text = re.sub(r"^\s*--.*$", "", SETUP.read_text("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"\bkscm\b(?!_)", name, text, flags=re.IGNORECASE)
    connection = connect(emulator, database=None)
    for statement in filter(str.strip, text.split(";\n")):
        connection.cursor().execute(statement)
    connection.cursor().execute(f"use database {name}")
    yield Account(emulator | {"SNOWFLAKE_DATABASE": name}, connection)
    connection.close()


def raw_differences(shop: Shop, account: Account) -> list[str]:
    """Compare the raw tables of a working file with those of an account, row by row."""
    told = []
    with duckdb.connect(str(shop.working), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, list((column_name, data_type = 'JSON') order by column_index) "
            "from duckdb_columns() where schema_name = 'raw' and table_name <> 'dbt_builds' "
            "and not list_contains($left_out, column_name) group by table_name order by all",
            {"left_out": list(LEFT_OUT)},
        ).fetchall()
        for table, named in columns:
            here = connection.execute(_select(table, named, "{}::varchar")).fetchall()
            there = account.query(_select(table, named, "to_json({})"))
            objects = [n for n, (_, is_json) in enumerate(named) if is_json]
            one, other = (sorted(_plain(row, objects) for row in rows) for rows in (here, there))
            if one != other:
                only = [row for row in one if row not in other][:2]
                more = [row for row in other if row not in one][:2]
                told.append(f"{table}: {len(one)} rows and {len(other)}, {only} and {more}")
    return told


def _select(table: str, named: list[tuple[str, bool]], object_text: str) -> str:
    parts = (object_text.format(name) if is_json else name for name, is_json in named)
    return f"select {', '.join(parts)} from raw.{table}"


def _plain(row: tuple, objects: list[int]) -> str:
    """Write a row as a text in which the order of an object's keys does not show."""
    values = [
        json.dumps(json.loads(value), sort_keys=True) if n in objects and value else value
        for n, value in enumerate(row)
    ]
    return repr(values)
