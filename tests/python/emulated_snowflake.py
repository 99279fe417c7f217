"""fakesnow 0.12.1, changed to what Snowflake does where our statements notice.

Changed, and why:

* Every failure is an ordinary error of SQL. Stock answers many with HTTP 500, upon which the
  client tries again for minutes.
* An error rolls the transaction back. On Snowflake only the statement fails; in DuckDB, which
  is beneath, every later statement would fail too.
* An UPDATE or DELETE that opens a transaction waits for another that changed the same rows, as
  Snowflake does for its lock on the table. DuckDB refuses at once.
* PRIMARY KEY and UNIQUE are promises that nobody keeps: Snowflake does not enforce them.
* sum() of numbers is exact. Stock adds them as floats.
* integer stays an integer, which can be added to a date; stock makes a bigint, which cannot.
  Whoever asks for a column's type is told NUMBER all the same.
* TEMPORARY is dropped from CREATE (unit tests of dbt): DuckDB has temporary tables elsewhere.
* A moment that is empty comes back empty; stock sends 1970.
* to_char() of a column has its format; stock forgets it where it knows no type.
* trim(), ltrim() and rtrim() take off the letters they are told to; stock, blanks at both ends.
* Comments may hold an apostrophe, and come for several columns at once.
* Seeds, INSERT of thousands of literals, go to DuckDB without a parse tree.
* A statement is read once, and described without being read again. Of 75 passes over it, a
  query takes those alone of which it has a node. A build takes a third of the time.
* A login is a key pair's, and the signature is checked.
* No database and no schema comes into being by logging in.
* Statements about rights, warehouses and masking are accepted and do nothing.
* REMOVE takes the files out of a stage.
* POST /emulator/end-sessions ends every session, as Snowflake ends one that was left alone.

What it cannot prove, because DuckDB computes: that a function of the same name does the same,
division of decimals (a float here, six decimals or more there), overflow, collation, time zones,
rights, masking, cost, speed, and clients at once beyond the turn of the loaders. MERGE with
twins in its source, `on_error`, `flatten(outer => true)` are known to be wrong.
"""

import gzip
import json
import re
import shutil
import socket
import time
from contextlib import suppress
from typing import Any

import duckdb
import fakesnow.arrow
import fakesnow.cursor
import fakesnow.server
import jwt
import pyarrow
import uvicorn
from fakesnow import info_schema, transforms
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.transforms import stage
from snowflake.connector.errors import ProgrammingError
from sqlglot import Dialect, exp
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

IGNORED = [
    r"\s*(grant|revoke)\b",
    r"\s*use\s+(role|warehouse)\b",
    r"\s*create\s+(or\s+replace\s+)?(role|warehouse|user|masking\s+policy|resource\s+monitor)\b",
    r"\s*alter\s+(warehouse|session|schema)\b",
    r"\s*alter\s+(table|view)\s+\S+\s+(modify|alter)\s+column\s+\S+\s+(un)?set\s+masking",
]
COMMENTED = r"\s*(?:/\*.*?\*/\s*)?"
SEED = re.compile(
    COMMENTED + r"insert\s+(overwrite\s+)?into\s+(\S+)\s*\(([^()]*)\)\s*values\s+(?=\()",
    re.I | re.S,
)
COLUMN_COMMENTS = re.compile(
    COMMENTED + r"alter\s+(?:table|view)\s+(\S+)\s+alter\s+(?=\S+\s+comment\s)", re.I | re.S
)
REMOVE = re.compile(COMMENTED + r"(?:remove|rm)\s+@(\S+)", re.I | re.S)
COLUMN_COMMENT = re.compile(r"(\S+)\s+comment\s+\$\$(.*?)\$\$", re.I | re.S)
LITERAL = re.compile(r"'((?:[^'\\]|\\.|'')*)'", re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
PATIENCE = 60  # seconds that a transaction waits for another

SMALL_INTEGERS = {exp.DataType.Type.INT, exp.DataType.Type.SMALLINT, exp.DataType.Type.TINYINT}

stock_precision = transforms.integer_precision


def integer_precision(expression: exp.Expression) -> exp.Expression:
    is_small = isinstance(expression, exp.DataType) and expression.this in SMALL_INTEGERS
    return expression if is_small else stock_precision(expression)


def upper_case(expression: exp.Expression) -> exp.Expression:
    if isinstance(expression, exp.Identifier) and not expression.quoted:
        expression.set("this", expression.this.upper())
    return expression


def format_moments(expression: exp.Expression) -> exp.Expression:
    if not (isinstance(expression, exp.ToChar) and expression.args.get("format")):
        return expression
    written = Dialect.get_or_raise("snowflake").format_time(expression.args["format"])
    return exp.TimeToStr(this=expression.this, format=written)


# The passes of fakesnow that concern a query, each with the nodes it looks at, in its order.
PASSES = (
    (upper_case, exp.Identifier),
    (transforms.extract_comment_on_table, exp.Create),
    (transforms.semi_structured_types, exp.DataType),
    (transforms.indices_to_json_extract, exp.Bracket),
    (transforms.json_extract_cast_as_varchar, exp.JSONExtract),
    (transforms.json_extract_cased_as_varchar, exp.JSONExtract),
    (transforms.json_extract_precedence, exp.JSONExtract),
    (transforms.regex_replace, exp.RegexpReplace),
    (transforms.values_columns, exp.Values),
    (transforms.to_timestamp, exp.Cast),
    (transforms.timestamp_ntz, exp.DataType),
    (transforms.float_to_double, exp.DataType),
    (integer_precision, exp.DataType),
    (transforms.extract_text_length, exp.Create),
    (transforms.dateadd_date_cast, exp.DateAdd),
    (transforms.sha256, exp.SHA2),
    (format_moments, exp.ToChar),
)

parsed: dict[str, exp.Expression] = {}
stock_execute = FakeSnowflakeCursor.execute
stock_transform = FakeSnowflakeCursor._transform
stock_parse = fakesnow.server.parse_one
stock_moments = fakesnow.arrow.timestamp_to_sf_struct
stock_comment = info_schema.insert_table_comment_sql


def serve(port: int, public_key: bytes | None) -> None:
    """Listen on 127.0.0.1, print the port, and serve until ended."""
    change_fakesnow()
    app = fakesnow.server.app
    app.debug = False
    app.routes[:0] = [
        Route("/queries/v1/query-request", query_request, methods=["POST"]),
        Route("/emulator/end-sessions", end_sessions, methods=["POST"]),
        Route("/session/v1/login-request", login_with(public_key), methods=["POST"]),
    ]
    listening = socket.create_server(("127.0.0.1", port))
    print(listening.getsockname()[1], flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    server.run(sockets=[listening])


def change_fakesnow() -> None:
    FakeSnowflakeCursor.execute = execute
    FakeSnowflakeCursor._transform = transform
    FakeSnowflakeCursor._describe_last_sql = describe_last_sql
    transforms.numeric_agg_implicit_cast = lambda expression: expression
    transforms.integer_precision = integer_precision
    columns_view = info_schema.SQL_CREATE_GLOBAL_INFORMATION_SCHEMA_COLUMNS_VIEW
    info_schema.SQL_CREATE_GLOBAL_INFORMATION_SCHEMA_COLUMNS_VIEW = columns_view.replace(
        "columns.data_type='BIGINT'", "columns.data_type in ('BIGINT', 'INTEGER')"
    )
    info_schema.insert_table_comment_sql = lambda database, schema, table, comment: stock_comment(
        database, schema, table, (comment or "").replace("'", "''")
    )
    transforms.trim_cast_varchar = lambda expression: expression
    fakesnow.server.parse_one = parse_kind
    fakesnow.cursor.parse_one = parse_once
    fakesnow.arrow.timestamp_to_sf_struct = moments
    fakesnow.server.shared_fs = FakeSnow(
        nop_regexes=IGNORED, create_database_on_connect=False, create_schema_on_connect=False
    )


async def query_request(request: Request) -> JSONResponse:
    try:
        response = await fakesnow.server.query_request(request)
    except Exception as error:
        return failure(f"{type(error).__name__}: {error}")
    return failure(response.body.decode()) if response.status_code == 500 else response


async def end_sessions(request: Request) -> JSONResponse:
    for connection in fakesnow.server.sessions.values():
        rollback(connection.cursor())
    return JSONResponse({"success": True})


def login_with(public_key: bytes | None) -> Any:
    async def login(request: Request) -> JSONResponse:
        body = await request.body()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        data = json.loads(body)["data"]
        try:
            if public_key:
                jwt.decode(data.get("TOKEN", ""), public_key, algorithms=["RS256"])
        except jwt.InvalidTokenError:
            return failure("JWT token is invalid.", "390144")
        return await fakesnow.server.login_request(request)

    return login


def failure(message: str, code: str = "000001") -> JSONResponse:
    data = {"errorCode": code, "sqlState": "42000"}
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})


def execute(self: Any, command: str, *args: Any, **kwargs: Any) -> Any:
    opens = getattr(self._conn, "has_just_begun", False)
    self._conn.has_just_begun = re.match(
        COMMENTED + r"(begin|start\s+transaction)\b", command, re.I
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if found := SEED.match(command):
                return insert_literals(self, command, found)
            if found := COLUMN_COMMENTS.match(command):
                return comment_columns(self, command, found)
            if found := REMOVE.match(command):
                return remove_files(self, found[1])
            return stock_execute(self, command, *args, **kwargs)
        except Exception as error:
            if "no transaction is active" not in str(error):
                rollback(self)
            if opens and "onflict" in str(error) and time.monotonic() < deadline:
                time.sleep(0.02)
                self._duck_conn.execute("begin transaction")
                self._conn._in_transaction = True
                continue
            if isinstance(error, ProgrammingError):
                raise
            message = f"{type(error).__name__}: {error}"
            raise ProgrammingError(msg=message, errno=1, sqlstate="42000") from error


def moments(column: pyarrow.ChunkedArray) -> pyarrow.StructArray:
    """Send moments with those that are empty, which stock sends as 1970."""
    column = column.combine_chunks()
    parts = stock_moments(column)
    fields = list(parts.type)
    return pyarrow.StructArray.from_arrays(parts.flatten(), fields=fields, mask=column.is_null())


def rollback(self: Any) -> None:
    self._conn._in_transaction = False
    with suppress(duckdb.Error):  # there was no transaction
        self._duck_conn.execute("rollback")


def parse_kind(command: str) -> exp.Expression:
    """Parse for the server, which asks for the kind of statement only; keep it for the cursor."""
    if SEED.match(command):
        return stock_parse("insert into seeds values (1)")
    if COLUMN_COMMENTS.match(command) or REMOVE.match(command):
        return stock_parse("alter table t add column c int")
    parsed[command] = stock_parse(command)
    return parsed[command]


def parse_once(command: str) -> exp.Expression:
    return parsed.pop(command, None) or stock_parse(command)


def describe_last_sql(self: Any) -> list[tuple]:
    self._duck_conn.execute(f"describe {self._last_sql}", self._last_params)
    return self._duck_conn.fetchall()


def transform(self: Any, expression: exp.Expression, params: Any) -> exp.Expression:
    if isinstance(expression, exp.Create):
        drop_what_duckdb_would_enforce(expression)
    kinds = {type(node) for node in expression.walk()}
    if not is_plain(expression, kinds):
        return stock_transform(self, expression, params)
    for change, kind in PASSES:
        if kind in kinds:
            expression = expression.transform(change, copy=False)
            if kind is exp.JSONExtract:
                kinds = {type(node) for node in expression.walk()}
    if isinstance(expression, exp.Create):
        expression = transforms.create_table_as(expression, self._duck_conn)
    return expression


def is_plain(expression: exp.Expression, kinds: set[type]) -> bool:
    """Whether it is a query, or makes a table or view of one, with nothing of Snowflake alone."""
    query = expression.expression if isinstance(expression, exp.Create) else expression
    return (
        isinstance(query, exp.Query)
        and not kinds & {exp.Anonymous, exp.Lateral, exp.TableFromRows, exp.Placeholder}
        and not any(table.db.lower() == "information_schema" for table in query.find_all(exp.Table))
    )


def drop_what_duckdb_would_enforce(create: exp.Create) -> None:
    if properties := create.args.get("properties"):
        kept = [p for p in properties.expressions if not isinstance(p, exp.TemporaryProperty)]
        properties.set("expressions", kept)
        if not kept:
            create.set("properties", None)
    for constraint in list(create.find_all(exp.ColumnConstraint)):
        if isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint):
            constraint.set("kind", exp.NotNullColumnConstraint())
        elif isinstance(constraint.kind, exp.UniqueColumnConstraint):
            constraint.pop()
    for constraint in list(create.find_all(exp.PrimaryKey)):
        constraint.pop()


def insert_literals(self: Any, command: str, found: re.Match[str]) -> Any:
    overwrite, table, columns = found.groups()
    if overwrite:
        self._duck_conn.execute(f"delete from {table}")
    rows = LITERAL.sub(duckdb_literal, command[found.end() :])
    self._duck_conn.execute(f"insert into {table} ({columns}) values {rows}")
    [[count]] = self._duck_conn.fetchall()
    self._execute(stock_parse(f'select {count} as "number of rows inserted"'), None)
    return self


def duckdb_literal(literal: re.Match[str]) -> str:
    """Rewrite a text in which the backslash escapes as one in which it is a letter."""
    text = literal[1].replace("''", "\\'")
    text = re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[1]), text, flags=re.S)
    return "'" + text.replace("'", "''") + "'"


def comment_columns(self: Any, command: str, found: re.Match[str]) -> Any:
    for column, comment in COLUMN_COMMENT.findall(command, found.end()):
        quoted = comment.replace("'", "''")
        self._duck_conn.execute(f"comment on column {found[1]}.{column} is '{quoted}'")
    self._execute(transforms.SUCCESS_NOP, None)
    return self


def remove_files(self: Any, place: str) -> Any:
    parts = stage.parts_from_var(place, self._conn.database, self._conn.schema)
    shutil.rmtree(stage.internal_dir(".".join(parts)), ignore_errors=True)
    self._execute(transforms.SUCCESS_NOP, None)
    return self
