"""Working file to read-only published file: versioned, complete, swapped in one step.

A new file is written beside the published ones; then the link that readers open is
replaced. A reader never meets a lock or half a file, and one that is open keeps its own.
"""

import re
from datetime import datetime
from functools import partial
from pathlib import Path

from warehouse.connect import STORAGE_VERSION, Connection, query
from warehouse.files import sync
from warehouse.personal import personal_names
from warehouse.settings import WarehouseError

# Nothing else leaves the working file: names, e-mails, phones and streets stay in raw,
# staging and intermediate, and no column here may be called as theirs are.
PUBLISHED_SCHEMAS = ("marts", "reference")
_KEPT_VERSIONS = 3


def publish(connection: Connection, link: Path, now: datetime) -> int:
    """Publish the marts and return the number of tables and views, if their build was good.

    A WarehouseError says why not: what was built last, or which column could hold a person.
    """
    _check_last_build(connection)
    _refuse_persons(connection)
    folder = link.parent
    folder.mkdir(parents=True, exist_ok=True)
    pattern = re.compile(rf"{re.escape(link.stem)}-\d{{8}}T\d{{12}}Z{re.escape(link.suffix)}")
    _remove_halves(folder, pattern)
    version = folder / f"{link.stem}-{now:%Y%m%dT%H%M%S%f}Z{link.suffix}"
    part = version.with_name(version.name + ".part")
    try:
        tables = _copy_tables(connection, part)
        sync(part)
        part.replace(version)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    pointer = link.with_name(link.name + ".part")
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(version.name)
    pointer.replace(link)
    sync(folder)
    versions = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    for old in versions[:-_KEPT_VERSIONS]:
        if old != version:
            old.unlink()
    return tables


def _remove_halves(folder: Path, pattern: re.Pattern[str]) -> None:
    """Remove what a publish that was killed has left; nobody else publishes just now."""
    for path in list(folder.iterdir()):
        whole = path.name.removesuffix(".wal").removesuffix(".part")
        if whole != path.name and pattern.fullmatch(whole):
            path.unlink()


def _check_last_build(connection: Connection) -> None:
    builds = query(
        connection,
        "select command, is_whole, status from raw.dbt_builds "
        "where command in ('build', 'run', 'seed') order by recorded_at desc limit 1",
    )
    if not builds:
        raise WarehouseError("nothing is built yet: run 'dbt build' first.")
    command, is_whole, status = builds[0]
    if status != "passed" or command != "build" or not is_whole:
        what = "part of the project" if not is_whole else "everything"
        raise WarehouseError(
            f"not published: the last dbt command was '{command}' of {what} and it {status}. "
            "Run 'dbt build' until every test passes; readers keep the version before."
        )


def _refuse_persons(connection: Connection) -> None:
    names, places = sorted(personal_names()), list(PUBLISHED_SCHEMAS)
    found = query(
        connection,
        "select concat_ws('.', schema_name, table_name, column_name) from duckdb_columns() "
        "where database_name = current_database() and list_contains($places, schema_name) "
        "and list_contains($names, lower(column_name)) order by all limit 1",
        {"names": names, "places": places},
    )
    if found:
        raise WarehouseError(
            f"not published: {found[0][0]} is called as a column that holds a person. Take it out "
            "of its model, or give it another name if it holds nobody, and build again."
        )


def _copy_tables(connection: Connection, path: Path) -> int:
    run = partial(query, connection)
    places = ", ".join(f"'{schema}'" for schema in PUBLISHED_SCHEMAS)
    here = f"database_name = current_database() and schema_name in ({places})"
    tables = run(
        f"select schema_name, table_name, comment from duckdb_tables() where {here} order by all"
    )
    views = run(
        "select schema_name, view_name, comment, sql from duckdb_views() "
        f"where {here} and not internal order by all"
    )
    [(database,)] = run("select current_database()")
    run(f"attach {_text(str(path))} as published (storage_version '{STORAGE_VERSION}')")
    try:
        for schema in PUBLISHED_SCHEMAS:
            run(f"create schema published.{schema}")
        for schema, table, comment in tables:
            name = f'{schema}."{table}"'
            run(f"create table published.{name} as from {name}")
            run(f"comment on table published.{name} is {_text(comment)}")
        # A view is kept as its text, which names no database: read where it will live.
        run("use published")
        for schema, view, comment, sql in views:
            run(sql)
            run(f'comment on view {schema}."{view}" is {_text(comment)}')
        run(f'use "{database}"')
        for schema, table, column, comment in run(
            "select schema_name, table_name, column_name, comment from duckdb_columns() "
            f"where {here} and comment is not null"
        ):
            run(f'comment on column published.{schema}."{table}"."{column}" is {_text(comment)}')
    finally:
        run(f'use "{database}"')
        run("detach published")
    return len(tables) + len(views)


def _text(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
