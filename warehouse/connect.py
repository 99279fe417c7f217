"""The only module that imports duckdb: opens files, fixes their format, tells who locks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from warehouse.settings import WarehouseError

Connection = duckdb.DuckDBPyConnection

_Config = dict[str, str | bool | int | float | list[str]]

# Whoever creates a file fixes its format for good, and the newest DuckDB shell on PyPI
# reads this one but not the default of the library. profiles.yml says the same.
STORAGE_VERSION = "v1.5.0"

_READ_ONLY: _Config = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "lock_configuration": True,
}


@contextmanager
def open_working(path: Path) -> Iterator[Connection]:
    """Open the working file for writing, creating it where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open(path, {"storage_compatibility_version": STORAGE_VERSION}) as connection:
        yield connection


@contextmanager
def open_published(path: Path) -> Iterator[Connection]:
    """Open a published file for reading, with no way out of it."""
    if not path.exists():
        raise WarehouseError(f"{path} does not exist yet: run 'make build' first.")
    # The link is resolved: within one process, DuckDB would go on giving the old file.
    with _open(path.resolve(), _READ_ONLY, read_only=True) as connection:
        yield connection


def query(connection: Connection, sql: str, parameters: object = None) -> list[tuple[Any, ...]]:
    """Run one statement and fetch all of its result.

    A result that is not fetched to its end blocks the connection for the next statement.
    """
    try:
        return connection.execute(sql, parameters).fetchall()
    except RuntimeError as error:
        if "interrupted" in str(error).lower():  # what DuckDB makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _open(path: Path, config: _Config, read_only: bool = False) -> Iterator[Connection]:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise WarehouseError(_why_closed(path, str(error))) from None
    try:
        yield connection
    except duckdb.Error as error:
        # A full disk comes as one of several kinds, a foreign file as others.
        raise WarehouseError(f"{path}: {str(error).splitlines()[0]}") from None
    finally:
        connection.close()


def _why_closed(path: Path, message: str) -> str:
    if "Conflicting lock" in message:
        holder = re.search(r"PID (\d+)", message)
        who = f"another program (process {holder[1]})" if holder else "another program"
        return f"{path} is held by {who}: close it and run the same command again."
    if not path.exists():
        return f"{path} cannot be created: {message.splitlines()[0]}"
    return f"{path} cannot be opened: {message.splitlines()[0]}"
