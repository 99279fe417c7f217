"""Build one dirty world on DuckDB and on an emulated Snowflake: every table the same, row by row?

    make parity

Lines come late, twice and corrected, in two loads: after the first everything is built anew,
after the second what is incremental goes on. The emulator gets its raw rows in another order,
since Snowflake promises none: a tie that a model breaks by chance shows as a difference.
"""

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow

sys.path.append(str(Path(__file__).parents[2]))  # as a program, it stands in its own folder

import dialect_gate
from arrivals import PEPPER, at_random, land, write_world
from comparing import WHEN_LOADED, different_rows
from conftest import ROOT, Shop
from snowflake_account import Account, set_up_account
from snowflake_emulator import running_emulator

SEED = 5
ORDERS = 1200  # fewer fill no pair of products
MOMENTS = ("full", "incremental")
SCHEMAS = ("marts", "intermediate", "staging", "reference")


@dataclass(frozen=True)
class Compared:
    """A table after a build, how many rows it has on DuckDB, and in what Snowflake differs."""

    schema: str
    table: str
    moment: str
    rows: int
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A shop on DuckDB, and the account on the emulator that gets the same."""

    folder: Path
    shop: Shop
    account: Account

    def target(self, engine: str) -> Path:
        return self.folder / f"target-{engine}"


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="parity-") as folder,
        both_engines(Path(folder)) as pair,
    ):
        found = list(build_twice(pair))
        for line in report(found):
            print(line)
        print("\nIs anything left in the compiled SQL that is DuckDB's alone?", flush=True)
        is_closed = dialect_gate.main([str(pair.target("snowflake") / "compiled" / "kscm")])
    return 1 if is_closed or any(one.differences for one in found) else 0


def report(found: list[Compared]) -> Iterator[str]:
    """Write a line for each mart, then what differs, then what it comes to."""
    marts = sorted({one.table for one in found if one.schema == "marts"})
    width = max(map(len, marts))
    for table in marts:
        states = [
            f"{one.moment} {one.rows:>6,} rows {'DIFFER' if one.differences else 'equal'}"
            for one in found
            if (one.schema, one.table) == ("marts", table)
        ]
        yield f"{table:<{width}}  {', '.join(states)}"
    wrong = [one for one in found if one.differences]
    for one in wrong:
        yield "\n    ".join([f"\n{one.schema}.{one.table}, {one.moment}:", *one.differences])
    if wrong:
        names = sorted({f"{one.schema}.{one.table}" for one in wrong})
        yield f"\nNot the same on both engines: {', '.join(names)}."
    else:
        beneath = {(one.schema, one.table) for one in found if one.schema != "marts"}
        yield (
            f"\nAll {len(marts)} marts, and the {len(beneath)} tables and views beneath, are "
            f"equal row by row on DuckDB and on the emulated Snowflake, {' and '.join(MOMENTS)}."
        )


@contextmanager
def both_engines(folder: Path) -> Iterator[Pair]:
    """Give an empty shop and an empty account on an emulator, which ends with the context."""
    with running_emulator() as emulator, set_up_account(emulator) as account:
        yield Pair(folder, Shop(folder / "boutique d'été", folder / "target-duckdb"), account)


def build_twice(pair: Pair) -> Iterator[Compared]:
    """Load and build twice on both engines, and compare all tables after each time.

    Raises AssertionError where a build, or a test of it, fails.
    """
    world = write_world(pair.folder / "generated", pair.target("duckdb"), SEED, ORDERS)
    draw = random.Random(SEED)  # noqa: S311
    for moment, files in zip(MOMENTS, at_random(world, draw, len(MOMENTS)), strict=True):
        land(pair.shop.data / "landing", files)
        load(pair.shop, pair.account)
        dbt(pair, ROOT, "build")
        yield from compare(pair, moment)


def load(shop: Shop, account: Account) -> None:
    """Load to both engines; on the emulator, put the raw rows into another order."""
    shop.warehouse("load", KSCM_PEPPER=PEPPER)
    shop.warehouse("load", "--target", "snowflake", KSCM_PEPPER=PEPPER, **account.environment)
    for (table,) in account.query(
        "select table_name from information_schema.tables where table_schema = 'RAW' "
        "and table_name not in ('LANDING', 'LOAD_TURN', 'DBT_BUILDS')"
    ):
        account.query(f"create or replace table raw.shuffled as select * from raw.{table}")
        account.query(f"delete from raw.{table}")
        account.query(f"insert into raw.{table} select * from raw.shuffled order by random({SEED})")
    account.query("drop table if exists raw.shuffled")


def dbt(pair: Pair, project: Path, *words: str) -> None:
    """Run a command of dbt on both engines at once."""
    with ThreadPoolExecutor() as together:
        for ended in together.map(
            lambda engine: _dbt(pair, project, engine, *words), ("duckdb", "snowflake")
        ):
            assert ended.returncode == 0, f"{ended.stdout[-5000:]}{ended.stderr[-2000:]}"


def _dbt(pair: Pair, project: Path, engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    target = pair.target(engine) if project == ROOT else project / f"target-{engine}"
    more = pair.account.environment if engine == "snowflake" else {}
    return subprocess.run(
        [Path(sys.executable).with_name("dbt"), *words, "--target", engine],
        cwd=project,
        env=pair.shop.environment(
            DBT_TARGET_PATH=str(target),
            DBT_LOG_PATH=str(target / "logs"),
            DBT_USE_COLORS="false",
            KSCM_PEPPER=PEPPER,
            **more,
        ),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def compare(pair: Pair, moment: str, *chosen: str) -> Iterator[Compared]:
    """Compare all tables and views, or the chosen ones."""
    with duckdb.connect(str(pair.shop.working), read_only=True) as here:
        for schema, table, columns in tables_of(here):
            if chosen and table not in chosen:
                continue
            cursor = pair.account.connection.cursor().execute(f"select * from {schema}.{table}")
            names = [name for name, _ in columns]
            names_there = [column.name.lower() for column in cursor.description]
            rows_there = in_columns(names_there, cursor.fetchall())
            [[count]] = here.execute(f"select count(*) from {schema}.{table}").fetchall()
            if names_there == names:
                told = differences(here, f"{schema}.{table}", columns, rows_there)
            else:
                told = [f"columns on DuckDB: {names}", f"on Snowflake: {names_there}"]
            yield Compared(schema, table, moment, count, tuple(told))


def in_columns(names: list[str], rows: list[tuple]) -> pyarrow.Table:
    columns = zip(*rows, strict=True) if rows else [[] for _ in names]
    return pyarrow.table(dict(zip(names, map(pyarrow.array, columns), strict=True)))


def tables_of(connection: Any) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """List tables and views with the names and types of their columns."""
    return connection.execute(
        "select schema_name, table_name, "
        "list((column_name, data_type) order by column_index) from duckdb_columns() "
        "where database_name = current_database() and schema_name in $1 "
        "group by schema_name, table_name order by schema_name, table_name",
        [list(SCHEMAS)],
    ).fetchall()


def differences(
    here: Any, table: str, columns: list[tuple[str, str]], rows_there: Any
) -> list[str]:
    """Compare in DuckDB's types: those of Snowflake come over the wire in other ones."""
    here.register("from_snowflake", rows_there)
    told = [(name, kind) for name, kind in columns if name not in WHEN_LOADED]
    chosen = ", ".join(f'"{name}"' for name, _ in told)
    cast = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in told)
    try:
        return different_rows(
            here,
            f"(select {chosen} from {table})",
            f"(select {cast} from from_snowflake)",
            [name for name, _ in told],
            ("on DuckDB", "on Snowflake"),
        )
    finally:
        here.unregister("from_snowflake")


if __name__ == "__main__":
    sys.exit(main())
