"""Whether two databases say the same: every table of the marts and beneath, row by row."""

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

# What says how data came, not what it says. A rebuild of the same raw tables has these too.
AS_IT_CAME = {
    *("load_seq", "load_line", "as_of_load", "loaded_at", "data_loaded_at", "last_loaded_at"),
}
# When it came.
WHEN_LOADED = {"loaded_at", "data_loaded_at", "last_loaded_at"}
# Tables that keep rows of each state of the data: only the newest are of the data as it is now.
NEWEST = {"rpt_revenue_totals": "as_of_load", "rpt_answers": "as_of_load"}
# A table of how data came, or of what it changed, has other rows when it comes otherwise.
OF_ARRIVAL = {"fct_loads", "fct_load_outcomes", "rpt_load_quality", "rpt_answer_changes"}


def differences(one: Path, other: Path, left_out: set[str], *names: str) -> list[str]:
    """Compare all tables of the marts, and those beneath, row by row; tell what differs."""
    with duckdb.connect() as connection:
        for name, path in (("one", one), ("other", other)):
            quoted = str(path).replace("'", "''")
            connection.execute(f"attach '{quoted}' as {name} (read_only)")
        tables, others = (_tables(connection, name) for name in ("one", "other"))
        assert ("marts", "fct_sale_lines") in tables
        told = [
            f"{'.'.join(table)} is not the same table in {names[0]} and in {names[1]}"
            for table in sorted(tables.keys() | others.keys())
            if tables.get(table) != others.get(table)
        ]
        for table in sorted(table for table in tables if tables[table] == others.get(table)):
            if left_out >= AS_IT_CAME and table[1] in OF_ARRIVAL:
                continue
            columns = [column for column in tables[table] if column not in left_out]
            told += _rows_that_differ(connection, table, columns, *names)
    return told


def _tables(connection: Any, database: str) -> dict[tuple[str, str], list[str]]:
    rows = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index) "
        "from duckdb_columns() semi join duckdb_tables() using (database_name, table_oid) "
        "where database_name = ? and schema_name in ('marts', 'intermediate') group by all",
        [database],
    ).fetchall()
    return {(schema, table): columns for schema, table, columns in rows}


def _rows_that_differ(
    connection: Any, table: tuple[str, str], columns: list[str], *names: str
) -> list[str]:
    chosen = ", ".join(f'"{column}"' for column in columns)
    moment = NEWEST.get(table[1])
    newest = f" qualify rank() over (order by {moment} desc) = 1" if moment else ""
    here, there = (
        f"(select {chosen} from {database}.{'.'.join(table)}{newest})"
        for database in ("one", "other")
    )
    found = different_rows(
        connection, here, there, columns, (f"only in {names[0]}", f"only in {names[1]}")
    )
    return [f"{'.'.join(table)}: {one}" for one in found]


def different_rows(
    connection: Any, here: str, there: str, columns: list[str], names: tuple[str, str]
) -> list[str]:
    """Tell how many rows one query has that the other has not, and the first three, both ways."""
    told = []
    rows_of = [
        connection.execute(f"from {one} except all from {other}").fetchall()
        for one, other in ((here, there), (there, here))
    ]
    if all(rows_of):
        values = [[Counter(column) for column in zip(*rows, strict=True)] for rows in rows_of]
        unlike = [name for name, *both in zip(columns, *values, strict=True) if both[0] != both[1]]
        told += [f"differ in: {', '.join(unlike)}"] if unlike else []
    for rows, name in zip(rows_of, names, strict=True):
        if rows:
            shown = sorted((dict(zip(columns, row, strict=True)) for row in rows), key=repr)[:3]
            told.append(
                f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} {name}"
                + "".join(f"\n    {row}" for row in shown)
            )
    return told
