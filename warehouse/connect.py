"""The only module that imports duckdb: opens files, fixes their format, tells what is wrong."""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_delay,
    wait_exponential_jitter,
)

from warehouse.files import put_in_place, sync
from warehouse.settings import WarehouseError, published_path

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error

_Config = dict[str, str | bool | int | float | list[str]]

# Whoever creates a file fixes its format for good, and the newest DuckDB shell on PyPI
# reads this one but not the default of the library. profiles.yml says the same.
STORAGE_VERSION = "v1.5.0"

_READ_ONLY: _Config = {
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
}

_LOCKED = re.compile("Conflicting lock")
_FOREIGN = re.compile("not a valid DuckDB database file")
# As DuckDB words a checksum that does not match, a file cut short and a log that cannot be
# replayed; a later error of the same connection only says that it was invalidated.
_DAMAGED = re.compile(
    "corrupt|checksum|replaying WAL|this WAL|could not read enough bytes|serializ|invalidated",
    re.IGNORECASE,
)
_FULL = re.compile(
    "No space left|File too large|Disk quota|not enough (disk )?space", re.IGNORECASE
)
_PATIENCE_BEFORE_A_WORD = 1.0  # seconds


class DamagedError(WarehouseError):
    """A database file or its write-ahead log cannot be read; `doctor` is for it."""


class ForeignError(WarehouseError):
    """The file is not a DuckDB database, or its first block is gone."""


class LockedError(WarehouseError):
    """Another process has the file open."""


@contextmanager
def open_working(path: Path, wait: float = 0) -> Iterator[Connection]:
    """Open the working file for writing, creating it where there is none.

    While another process holds it, try again for `wait` seconds, then raise LockedError.
    DamagedError and ForeignError are raised for what cannot be read, and WarehouseError for a
    path among the published files, whose readers would see half-built tables.
    """
    published = published_path().parent.resolve()
    if path.resolve().is_relative_to(published):
        raise WarehouseError(
            f"{path} is among the published files, which nothing but 'publish' writes: "
            "let KSCM_DB name a file outside that folder."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    config: _Config = {"storage_compatibility_version": STORAGE_VERSION}
    if not path.exists():
        _create(path, config)
    with _open(path, config, wait=wait) as connection:
        yield connection


@contextmanager
def open_reading(path: Path, beside: Path | None = None) -> Iterator[Connection]:
    """Open the working file for reading: neither it nor its write-ahead log is changed.

    Queries reach no other file but those in the folder `beside`.
    """
    with _open(path, _READ_ONLY, read_only=True, beside=beside) as connection:
        yield connection


@contextmanager
def open_published(path: Path) -> Iterator[Connection]:
    """Open a published file for reading, with no way out of it."""
    if not path.exists():
        raise WarehouseError(f"{path} does not exist yet: run 'make build' first.")
    # The link is resolved: within one process, DuckDB would go on giving the old file.
    with _open(path.resolve(), _READ_ONLY, read_only=True) as connection:
        yield connection


@contextmanager
def open_bench(spill: Path, memory: str) -> Iterator[Connection]:
    """Open an empty database in memory; what is more than `memory` (as "6GB") goes to `spill`."""
    config: _Config = {"temp_directory": str(spill), "memory_limit": memory}
    with _open(Path(":memory:"), config) as connection:
        yield connection


def rewrite_working(path: Path) -> None:
    """Put a copy of the working file in its place: bytes of what was changed are gone with it.

    Nobody else can open it meanwhile. A copy that was stopped is made anew the next time.
    """
    part = path.with_name(path.name + ".part")
    spilled = path.with_name(path.name + ".tmp")
    for rest in (part, part.with_name(part.name + ".wal")):
        rest.unlink(missing_ok=True)
    with _open(path, {"storage_compatibility_version": STORAGE_VERSION}) as connection:
        try:
            query(connection, "checkpoint")
            query(
                connection,
                f"attach '{quoted(part)}' as part (storage_version '{STORAGE_VERSION}')",
            )
            [(name,)] = query(connection, "select current_database()")
            query(connection, f'copy from database "{name}" to part')
            query(connection, "detach part")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync(part)
        # While the old one is open: whoever waits for it gets the new one.
        put_in_place(part, path)
    shutil.rmtree(spilled, ignore_errors=True)


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
def with_function(
    connection: Connection, name: str, function: Callable[[str], str]
) -> Iterator[None]:
    """Let SQL call a function of Python's, from a text to a text; it is never given a null."""
    connection.create_function(name, function, ["VARCHAR"], "VARCHAR")
    try:
        yield
    finally:
        connection.remove_function(name)


def is_about_values(error: DatabaseError) -> bool:
    """Tell whether an error is about what was read, and not about the database or the disk."""
    kinds = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
    return isinstance(error, kinds) and not _DAMAGED.search(str(error))


def roll_back(connection: Connection) -> None:
    """Undo the open transaction. A commit that failed has undone it, and its error counts."""
    with suppress(duckdb.Error):
        query(connection, "rollback")


def _create(path: Path, config: _Config) -> None:
    """Make an empty database under another name first: a full disk leaves no half of one."""
    part = path.with_name(path.name + ".part")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():  # another process was quicker
            return
        part.unlink(missing_ok=True)
        duckdb.connect(str(part), config=config).close()
        part.rename(path)
        os.fsync(folder)
    except duckdb.Error as error:
        part.unlink(missing_ok=True)
        raise _in_words(path, str(error), is_open=False) from None
    finally:
        os.close(folder)


@contextmanager
def _open(
    path: Path,
    config: _Config,
    read_only: bool = False,
    wait: float = 0,
    beside: Path | None = None,
) -> Iterator[Connection]:
    attempts = Retrying(
        retry=retry_if_exception(lambda error: bool(_LOCKED.search(str(error)))),
        wait=wait_exponential_jitter(multiplier=0.01, exp_base=1.5, max=0.25, jitter=0.05),
        stop=stop_after_delay(wait),
        before_sleep=_tell_once(path),
        reraise=True,
    )
    try:
        connection = attempts(duckdb.connect, str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _in_words(path, str(error), is_open=False) from None
    try:
        # DuckDB would draw its bar into what others read.
        query(connection, "set enable_progress_bar = false")
        if read_only:
            if beside:
                query(connection, f"set allowed_directories = ['{quoted(beside.resolve())}/']")
            query(connection, "set enable_external_access = false")
            query(connection, "set lock_configuration = true")
        yield connection
    except duckdb.Error as error:
        # A full disk comes as one of several kinds, a foreign file as others.
        raise _in_words(path, str(error), is_open=True) from None
    finally:
        connection.close()


def quoted(path: Path) -> str:
    """Write a path to stand between the quotes of a text in SQL."""
    return str(path).replace("'", "''")


def _tell_once(path: Path) -> Any:
    told: list[str] = []

    def tell(state: RetryCallState) -> None:
        if told or (state.seconds_since_start or 0) < _PATIENCE_BEFORE_A_WORD:
            return
        told.append(_holder(str(state.outcome.exception() if state.outcome else "")))
        print(f"waiting for {told[0]}, which holds {path} ...", file=sys.stderr, flush=True)

    return tell


def _holder(message: str) -> str:
    holder = re.search(r"PID (\d+)", message)
    return f"another program (process {holder[1]})" if holder else "another program"


def _in_words(path: Path, message: str, is_open: bool) -> WarehouseError:
    first = (message.splitlines() or [""])[0]
    if _LOCKED.search(message):
        return LockedError(
            f"{path} is held by {_holder(message)}: close it and run the same command again."
        )
    if _FOREIGN.search(message):
        return ForeignError(
            f"{path} is not a DuckDB database: let KSCM_DB name another file, or run "
            "'python -m warehouse doctor --rebuild' to move it aside and load everything again."
        )
    if _FULL.search(message):
        return WarehouseError(
            f"{path}: the disk is full. Free some space and run the same command again; "
            f"what was finished is kept ({first})"
        )
    if _DAMAGED.search(message):
        return DamagedError(f"{path} is damaged: run 'python -m warehouse doctor' ({first})")
    if is_open:
        return WarehouseError(f"{path}: {first}")
    verb = "opened" if path.exists() else "created"
    return WarehouseError(f"{path} cannot be {verb}: {first}")
