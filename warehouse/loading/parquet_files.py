"""Loads Parquet files: typed already, most rows need no more than a look at their values."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.connect import Connection, DatabaseError, is_about_values, query, roll_back
from warehouse.feeds import Feed, Field
from warehouse.loading.accounts import Account, reading
from warehouse.loading.blocks import DamagedFileError
from warehouse.loading.csv_header import ContractError
from warehouse.loading.json_lines import LENIENCES
from warehouse.loading.judge import IN_RANGE, LONGEST_OBJECT, SQL_TYPES
from warehouse.loading.judged import insert_accepted, judge_into_tables

_MOST_ROWS_PER_BYTE = 200
_MOST_SECONDS = 10**11  # from 1970: some three thousand years


@dataclass(frozen=True)
class ParquetFile:
    """What the footer of a file says: rows, and the type of each field that it has."""

    path: Path
    rows: int
    types: dict[str, pa.DataType]


def take_parquet(connection: Connection, account: Account, latest: datetime, now: datetime) -> None:
    """Load one Parquet file and fill its account; its rows are its lines, from 1 on."""
    feed, path = account.file.feed, account.file.path
    with reading(account):
        file = _open(path, feed)
        _check_times(file)
        try:
            _take_rows(connection, account, file, latest, now)
        except DatabaseError as error:
            # The transaction is lost either way; the other files need a sound one.
            roll_back(connection)
            query(connection, "begin")
            _check_content(path)
            if is_about_values(error):
                raise DamagedFileError(f"cannot be read: {str(error).splitlines()[0]}") from None
            raise
    account.lines = 0 if account.failure else file.rows


def _take_rows(
    connection: Connection, account: Account, file: ParquetFile, latest: datetime, now: datetime
) -> None:
    feed, source = account.file.feed, {"file": account.file.name, "seq": account.seq}
    select = _select_beyond_doubt(feed, file)
    if select:
        insert_accepted(connection, feed, select, {**source, "latest": latest, "now": now})
    taken = f"select _line from raw.{feed.table} where _load_seq = {account.seq}"
    if query(connection, f"select count(*) from ({taken})") == [(file.rows,)]:
        return
    described = _describe(feed, file, without=taken)
    judge_into_tables(connection, feed, described, latest, now, source)


def _open(path: Path, feed: Feed) -> ParquetFile:
    """Read the footer and hold it against the contract.

    Raises ContractError for other columns or types, DamagedFileError for what is no Parquet.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"damaged Parquet: {str(error).splitlines()[0]}") from None
    if rows > path.stat().st_size * _MOST_ROWS_PER_BYTE:
        raise DamagedFileError(f"announces more rows than it can hold ({rows:,})")
    types = {name.lower(): kind for name, kind in zip(schema.names, schema.types, strict=True)}
    wrong = [f"column '{name}' is not known" for name in types if name not in feed.names]
    if len(types) < len(schema.names):
        wrong.append("two columns have one name")
    for field in feed.fields:
        kind = types.get(field.name)
        if kind is None:
            if field.is_required:
                wrong.append(f"column '{field.name}' is missing")
        elif not _is_fit(field, kind):
            wrong.append(f"column '{field.name}' is {kind}")
    if wrong:
        raise ContractError(f"not the columns of {feed.name}: {', '.join(wrong)}")
    return ParquetFile(path, rows, types)


def _check_content(path: Path) -> None:
    """Read all of a file in another way, to tell a damaged file from a troubled database."""
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"damaged Parquet: {str(error).splitlines()[0]}") from None


def _check_times(file: ParquetFile) -> None:
    """Refuse times that no calendar has: DuckDB does not survive reading some of them."""
    names = {name for name, kind in file.types.items() if pa.types.is_timestamp(kind)}
    with pq.ParquetFile(file.path) as opened:
        found = [name for name in opened.schema_arrow.names if name.lower() in names]
        for batch in opened.iter_batches(columns=found) if found else ():
            for name, column in zip(found, batch.columns, strict=True):
                ends = pc.min_max(column.cast(pa.int64()))
                ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
                seconds = [abs(end or 0) / ticks for end in ends.as_py().values()]
                if max(seconds) > _MOST_SECONDS:
                    raise DamagedFileError(f"column '{name.lower()}' holds times of no calendar")


def _select_rows(file: ParquetFile) -> str:
    """Write the SQL that reads the file; its name is no pattern, whatever is in it."""
    name = re.sub(r"([*?\[])", r"[\1]", str(file.path)).replace("'", "''")
    read = f"read_parquet('{name}', file_row_number = true)"
    return f"(select *, file_row_number + 1 as line from {read})"


def _select_beyond_doubt(feed: Feed, file: ParquetFile) -> str | None:
    """Write SQL for seq, line and the feed's columns of the rows that need no judge.

    None when a column has another type than the raw table: then all rows go to the judge.
    Needs the parameters `seq` and `latest`.
    """
    present = [field for field in feed.fields if field.name in file.types]
    if not all(_is_exact(field, file.types[field.name]) for field in present):
        return None
    columns = ", ".join(
        f"{field.name}::{SQL_TYPES[field.kind]} as {field.name}"
        if field.name in file.types
        else f"null as {field.name}"
        for field in feed.fields
    )
    doubts = [doubt for field in present for doubt in _doubts(field)]
    extra = [condition for condition, _ in feed.extra_reasons]
    return f"""
        select $file as file, $seq as seq, line, {columns} from {_select_rows(file)}
        where not coalesce({" or ".join([*doubts, *extra])}, false)
    """


def _describe(feed: Feed, file: ParquetFile, without: str) -> str:
    """Write SQL for the described records of the rows whose line is not among `without`."""
    parts = ", ".join(_described(field, file) for field in feed.fields)
    content = ", ".join(f"'{name}': {name}" for name in file.types)
    return f"""
        select
            $file as file, $seq as seq, line, to_json({{{content}}}) as raw, null as unread, {parts}
        from {_select_rows(file)} as rows
        where line not in ({without})
    """


def _described(field: Field, file: ParquetFile) -> str:
    name, kind = field.name, file.types.get(field.name)
    if kind is None:
        nothing = f"null::varchar as {name}_text, null::varchar as {name}_kind"
        return nothing + (f", null::json as {name}_json" if field.kind == "json" else "")
    if field.kind == "json":
        text = f"{name}" if _is_text(kind) else f"to_json({name})::varchar"
        lenient = " or ".join(f"regexp_matches({text}, '{p}')" for p in LENIENCES)
        value = f"case when not ({lenient}) then try_cast({text} as json) end"
        return (
            f"{text} as {name}_text, "
            f"case when {text} is not null then coalesce(json_type({value}), 'INVALID') end "
            f"as {name}_kind, {value} as {name}_json"
        )
    text = f"{name}::varchar"
    if pa.types.is_timestamp(kind) and kind.tz:
        text = f"({name} at time zone 'UTC')::varchar"
    json_kind = "BOOLEAN" if pa.types.is_boolean(kind) else "VARCHAR"
    return (
        f"{text} as {name}_text, case when {name} is not null then '{json_kind}' end as {name}_kind"
    )


def _doubts(field: Field) -> list[str]:
    name = field.name
    doubts = []
    if field.is_required:
        doubts.append(f"{name} is null")
        if field.kind in {"text", "code"}:
            doubts.append(f"trim({name}) = ''")
        if field.kind == "timestamp":
            doubts.append(f"{name} not {IN_RANGE}")
    if field.kind == "money":
        doubts.append(f"{name} < 0")
    if field.kind == "json":
        doubts.append(f"not json_valid({name}) or {name} < '{{' or {name} >= '|'")
        doubts.append(f"strlen({name}) > {LONGEST_OBJECT}")
        doubts += [f"regexp_matches({name}, '{pattern}')" for pattern in LENIENCES]
    return doubts


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_exact(field: Field, kind: pa.DataType) -> bool:
    """Whether the column's type is the raw column's: nothing is lost in between."""
    match field.kind:
        case "text" | "code" | "json":
            return _is_text(kind)
        case "timestamp":
            return bool(pa.types.is_timestamp(kind) and not kind.tz and kind.unit != "ns")
        case "integer":
            return bool(pa.types.is_int32(kind) or pa.types.is_int16(kind))
        case "money" | "price":
            whole, places = (10, 2) if field.kind == "money" else (14, 4)
            return bool(
                pa.types.is_decimal(kind)
                and kind.scale <= places
                and kind.precision - kind.scale <= whole
            )
        case _:
            return False


def _is_fit(field: Field, kind: pa.DataType) -> bool:
    """Whether the judge can read a column of this type."""
    if pa.types.is_null(kind) or _is_text(kind):
        return True
    match field.kind:
        case "json":
            return bool(pa.types.is_struct(kind) or pa.types.is_map(kind))
        case "timestamp":
            return bool(pa.types.is_timestamp(kind))
        case "date":
            return bool(pa.types.is_date(kind))
        case "text" | "code":
            return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))
        case _:
            return bool(
                pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
            )
