"""Rows of the bench to Snowflake's landing table: files of JSON lines, PUT, COPY."""

import shutil
from pathlib import Path

from warehouse.connect import Connection, query, quoted
from warehouse.settings import WarehouseError
from warehouse.snowflake.session import Session
from warehouse.snowflake.tables import Column

# What Snowflake advises: 100 to 250 MB, compressed.
_FILE_SIZE = "200MB"
_STAGE = "@raw.landing"
_ROWS_LOADED = 3  # the column of COPY's answer

# One column, as whatever is landed is a record; it lives as long as the session.
LANDING_TABLE = "create or replace temporary table raw.landing (record variant)"


def clear(session: Session) -> None:
    """Take all out of the landing table and the stage, also what a killed loader has left.

    For whoever has the turn: another loader's files would go too.
    """
    session.run(f"remove {_STAGE}")
    session.run("delete from raw.landing")


def ship(
    session: Session, bench: Connection, kind: str, rows: str, columns: list[Column], folder: Path
) -> int:
    """Land the rows of a query on the bench as records of this kind, and return how many.

    Every value goes as its text, so that no number becomes a floating one on the way. Raises
    WarehouseError when not all of them have arrived.
    """
    [(count,)] = query(bench, f"select count(*) from ({rows})")
    if not count:
        return 0
    texts = ", ".join(f"{column.as_text} as {column.name}" for column in columns)
    out = folder / kind
    query(
        bench,
        f"copy (select '{kind}' as _kind, {texts} from ({rows})) to '{quoted(out)}' "
        f"(format json, compression gzip, file_size_bytes '{_FILE_SIZE}', "
        "file_extension 'ndjson.gz')",
    )
    for path in sorted(out.iterdir()):
        with path.open("rb") as file:
            session.run(
                f"put file://{kind}_{path.name} {_STAGE}/{kind}/ "
                "source_compression = gzip overwrite = true",
                upload=file,
            )
    shutil.rmtree(out)
    copied = session.run(
        f"copy into raw.landing from {_STAGE}/{kind}/ "
        "file_format = (format_name = 'raw.ndjson') on_error = abort_statement force = true"
    )
    # One row a file, or a sentence where there is none, which is no error to Snowflake.
    landed_rows = sum(row[_ROWS_LOADED] for row in copied if len(row) > _ROWS_LOADED)
    if landed_rows != count:
        raise WarehouseError(
            f"{count:,} rows of {kind} were sent to Snowflake and {landed_rows:,} arrived. Nothing "
            "of this transaction was loaded: run the same command again."
        )
    return int(count)


def landed(kind: str, columns: list[Column]) -> str:
    """Write the SQL of the landed records of one kind, as rows of these columns."""
    values = ", ".join(f"{column.from_record} as {column.name}" for column in columns)
    return f"(select {values} from raw.landing where record:_kind::varchar = '{kind}')"
