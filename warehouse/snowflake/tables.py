"""The raw tables on Snowflake: made where they are missing, and held against those of the bench."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.settings import WarehouseError
from warehouse.snowflake.session import Session

_DDL = Path(__file__).parents[1] / "ddl"
RAW_TABLES = tuple(sorted(path.stem for path in (_DDL / "duckdb").glob("*.sql")))


@dataclass(frozen=True)
class Column:
    """One column of a raw table; `kind` is its DuckDB type."""

    name: str
    kind: str

    @property
    def from_record(self) -> str:
        """The SQL of its value in a landed record, where everything is a text.

        Of an object too: were it landed as one, a missing one would be a JSON null, which
        counts as something. 'd' lets one key stand there twice.
        """
        text = f"record:{self.name}::varchar"
        if self.kind == "JSON":
            return f"parse_json({text}, 'd')"
        return f"{text}::{_SNOWFLAKE_TYPES.get(self.kind, self.kind.lower())}"

    @property
    def as_text(self) -> str:
        """The SQL, of the bench, of the text that is landed.

        Where an object has one key twice, DuckDB reads the first and Snowflake the last: the
        first alone is sent.
        """
        if self.kind != "JSON":
            return f"{self.name}::varchar"
        keys = f"list_distinct(json_keys({self.name}))"
        entry = f"to_json(key)::varchar || ':' || ({self.name} -> key)::varchar"
        return (
            f"case when len(json_keys({self.name})) > len({keys}) then "
            f"'{{' || array_to_string(list_transform({keys}, lambda key: {entry}), ',') || '}}' "
            f"else {self.name}::varchar end"
        )

    @property
    def as_told(self) -> str:
        """The SQL that asks for it in a form that the connector can give."""
        return f"to_json({self.name})" if self.kind == "JSON" else self.name

    @property
    def arrow(self) -> pa.Field:
        """Its place in a table of rows that were asked for."""
        if self.kind.startswith("DECIMAL"):
            precision, scale = self.kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
            return pa.field(self.name, pa.decimal128(int(precision), int(scale)))
        return pa.field(self.name, _ARROW_TYPES[self.kind])


_SNOWFLAKE_TYPES = {"TIMESTAMP": "timestamp_ntz"}
_ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
}
# As information_schema.columns tells the type of each column, with the decimals of a number.
_TOLD_TYPES = {
    "VARCHAR": "TEXT",
    "JSON": "VARIANT",
    "BOOLEAN": "BOOLEAN",
    "INTEGER": "NUMBER with 0 decimals",
    "BIGINT": "NUMBER with 0 decimals",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "DECIMAL(12,2)": "NUMBER with 2 decimals",
    "DECIMAL(18,4)": "NUMBER with 4 decimals",
}


def columns_of(bench: Connection, table: str) -> list[Column]:
    """List the columns of a raw table in their order."""
    rows = query(
        bench,
        "select column_name, data_type from duckdb_columns() where database_name = "
        "current_database() and schema_name = 'raw' and table_name = ? order by column_index",
        [table],
    )
    return [Column(name, kind) for name, kind in rows]


def create_raw_tables(session: Session, bench: Connection) -> None:
    """Make the raw tables that are missing; WarehouseError for one that has other columns."""
    there = _told_columns(session)
    missing = [table for table in RAW_TABLES if table not in there]
    for table in missing:
        ddl = (_DDL / "snowflake" / f"{table}.sql").read_text(encoding="utf-8")
        for statement in filter(str.strip, ddl.split(";\n")):
            session.run(statement)
    if missing:
        there = _told_columns(session)
    for table in RAW_TABLES:
        if wrong := _differences(columns_of(bench, table), there.get(table, {})):
            raise WarehouseError(
                f"{session.login.database}.RAW.{table.upper()} is not the table that is loaded "
                f"here: {', '.join(wrong)}. Nothing was loaded; rename it, or put it right as "
                f"warehouse/ddl/snowflake/{table}.sql has it."
            )


def _told_columns(session: Session) -> dict[str, dict[str, str]]:
    """Return table → column → type, all as Snowflake tells it, names in lower case."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in session.run(
        "select table_name, column_name, data_type || case when data_type = 'NUMBER' then "
        "' with ' || numeric_scale || ' decimals' else '' end from information_schema.columns "
        "where table_schema = 'RAW' order by table_name, ordinal_position"
    ):
        found.setdefault(table.lower(), {})[column.lower()] = kind
    return found


def _differences(wanted: list[Column], there: dict[str, str]) -> list[str]:
    if not there:
        return ["it cannot be seen"]
    names = [column.name for column in wanted]
    wrong = [f"column '{name}' is missing" for name in names if name not in there]
    wrong += [f"column '{name}' is not known" for name in there if name not in names]
    wrong += [
        f"column '{column.name}' is {there[column.name]}"
        for column in wanted
        if column.name in there and there[column.name] != _TOLD_TYPES[column.kind]
    ]
    return wrong
