"""Bring a damaged working file back: nothing is deleted, and landing files are the truth."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from command_line import count
from warehouse.connect import (
    Connection,
    DamagedError,
    ForeignError,
    LockedError,
    open_reading,
    open_working,
    query,
)
from warehouse.create import create_tables
from warehouse.feeds import FEEDS
from warehouse.loading.landing import names_present
from warehouse.secrets_file import Secrets, secrets_path, write_secrets
from warehouse.settings import WarehouseError

_PATIENCE = 60.0  # seconds, for a loader that goes on as soon as the file opens again
_MOST_NAMED = 5
_RAW_TABLES = sorted({feed.table for feed in FEEDS.values()})


def heal(
    path: Path,
    landing: Path,
    now: datetime,
    load: Callable[[Connection, dict[str, int]], object],
    tell: Callable[[str], None] = print,
    rebuild: bool = False,
    agreed: bool = False,
) -> None:
    """Open, check and mend the working file, then `load` what landing has and it lacks.

    A write-ahead log that cannot be read is moved aside; so is a database that cannot be read
    without one, or any with `rebuild`. `now` is UTC. WarehouseError says what is left to do:
    when counts do not agree, and when `rebuild` would lose files without `agreed`.
    """
    if not path.exists() and not rebuild:
        raise WarehouseError(f"{path} does not exist: run 'python -m warehouse load' to make it.")
    order: dict[str, int] = {}
    with _alone(landing):
        if rebuild:
            order = _keep_what_landing_lacks(path, landing, agreed, tell)
            if path.exists():
                _set_aside_open(path, now, tell)
        else:
            _make_readable(path, now, tell)
        with open_working(path, wait=_PATIENCE) as connection:
            create_tables(connection)
            load(connection, order)
            findings = examine(connection)
            gone = files_gone(connection, landing)
    if gone:
        tell(
            f"{count(len(gone), 'file')} loaded once, no longer in {landing} "
            f"({_some(gone)}): a rebuild would lose their lines."
        )
    if findings:
        raise WarehouseError(
            f"{path} opens, but {_some(findings)}. Run 'python -m warehouse doctor --rebuild' to "
            "load everything again from landing."
        )
    tell(f"{path} is healthy.")


def examine(connection: Connection) -> list[str]:
    """Say where the raw tables and the manifest differ, a sentence each; none is healthy."""
    rows = " union all ".join(
        f"select _load_seq as load_seq, count(*) as found from raw.{table} group by _load_seq"
        for table in _RAW_TABLES
    )
    differences = query(
        connection,
        f"""
        with found as (
            select load_seq, 'accepted' as part, sum(found)::bigint as lines
            from ({rows}) group by 1
            union all
            select load_seq, 'duplicate', sum(line_count)::bigint
            from raw.load_duplicates group by 1
            union all
            select load_seq, 'refused', count(*) from raw.load_rejects group by 1
        ),
        told as (
            select load_seq, file, unnest(['accepted', 'duplicate', 'refused']) as part,
                unnest([row_parsed, duplicate_count, error_count]) as lines
            from raw.load_manifest
        )
        select coalesce(file, 'a file unknown to the manifest'), part,
            coalesce(told.lines, 0), coalesce(found.lines, 0)
        from told full join found using (load_seq, part)
        where coalesce(told.lines, 0) <> coalesce(found.lines, 0)
        order by load_seq, part
        """,
    )
    found = [
        f"{file} has {there:,} {part} lines and not {told:,}"
        for file, part, told, there in differences
    ]
    found += [
        f"the {lines:,} lines of {file} do not add up"
        for file, lines in query(
            connection,
            "select file, row_count from raw.load_manifest where row_count <> "
            "row_parsed + duplicate_count + error_count + blank_count order by load_seq",
        )
    ]
    return found


def files_gone(connection: Connection, landing: Path) -> list[str]:
    """Return the names of loaded files that stand in landing no more, or not as they were.

    A file that has grown is there: its newer edition had all lines of the older one again.
    """
    present = names_present(landing)
    editions: dict[str, list[tuple[int, int, int]]] = {}
    for file, *edition in query(
        connection,
        "select file, file_size, row_parsed + duplicate_count, duplicate_count "
        "from raw.load_manifest where status = 'loaded' order by load_seq",
    ):
        editions.setdefault(file, []).append((edition[0], edition[1], edition[2]))
    gone = []
    for file, found in sorted(editions.items()):
        path = present.get(file)
        replaced = any(read > again for (_, read, _), (_, _, again) in pairwise(found))
        is_smaller = path is not None and path.is_file() and path.stat().st_size < found[-1][0]
        if path is None or replaced or is_smaller:
            gone.append(file if path is None else f"{file}, in an earlier edition")
    return gone


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second doctor out: it would move aside what this one has just made.

    The folder of the database would not do: whoever makes a database locks that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WarehouseError(f"another doctor is at work in {folder}: let it finish.") from None
    else:
        yield
    finally:
        os.close(descriptor)


def _make_readable(path: Path, now: datetime, tell: Callable[[str], None]) -> None:
    """Move aside what keeps the file from being read: first the log, then the database."""
    if not (error := _damage(path)):
        return
    tell(str(error))
    log = path.with_name(path.name + ".wal")
    if log.exists():
        _move(log, now, tell)
        if not _damage(path):
            return
    tell("files that were loaded and have left landing since cannot be brought back.")
    _set_aside(path, now, tell)


def _damage(path: Path) -> DamagedError | None:
    """Read every stored value; a block or a log whose checksum does not match is damage."""
    try:
        with open_reading(path) as connection:
            for schema, table in query(
                connection,
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = current_database() order by all",
            ):
                query(connection, f'select bit_xor(hash(t)) from "{schema}"."{table}" as t')
    except DamagedError as error:
        return error
    return None


def _keep_what_landing_lacks(
    path: Path, landing: Path, agreed: bool, tell: Callable[[str], None]
) -> dict[str, int]:
    """Take over pepper and load order; refuse a rebuild that would lose files, unless agreed."""
    if not path.exists():
        return {}
    gone: list[str] = []
    order: dict[str, int] = {}
    try:
        with open_reading(path) as connection:
            gone = files_gone(connection, landing)
            order = load_order(connection)
            filed = secrets_path(connection)
            for (pepper,) in query(connection, "select pepper from raw.pepper"):
                # Made by a version that kept it nowhere else.
                if filed and not filed.exists():
                    write_secrets(filed, Secrets(pepper))
    except LockedError:
        raise
    except WarehouseError as error:
        tell(f"what it held cannot be told: {error}")
    if gone and not agreed:
        raise WarehouseError(
            f"{count(len(gone), 'loaded file')} no longer in {landing} ({_some(gone)}): put them "
            "back, or add --yes to rebuild without them."
        )
    return order


def load_order(connection: Connection) -> dict[str, int]:
    """Return when each file was loaded: loaded again in another order, corrections would turn."""
    return dict(
        query(
            connection,
            "select file, max(load_seq) from raw.load_manifest where status = 'loaded' "
            "group by file",
        )
    )


def _set_aside_open(path: Path, now: datetime, tell: Callable[[str], None]) -> None:
    """Move the database aside while it is open, so that no loader can write to it meanwhile."""
    try:
        with open_working(path, wait=_PATIENCE) as connection:
            query(connection, "checkpoint")
            _set_aside(path, now, tell)
    except (DamagedError, ForeignError):
        _set_aside(path, now, tell)


def _set_aside(path: Path, now: datetime, tell: Callable[[str], None]) -> None:
    for part in (path.with_name(path.name + ".wal"), path):
        if part.exists():
            _move(part, now, tell)


def _move(path: Path, now: datetime, tell: Callable[[str], None]) -> None:
    aside = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S%f}Z.damaged")
    path.rename(aside)
    tell(f"moved {path} aside to {aside.name}: it may hold names, delete it when all is well.")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
