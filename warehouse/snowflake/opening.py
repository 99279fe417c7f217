"""Everything that a load to Snowflake needs, opened in its order and closed again."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from warehouse.connect import Connection, open_bench, query
from warehouse.create import keep_secrets, make_raw_tables
from warehouse.secrets_file import read_secrets, secrets_beside
from warehouse.settings import WarehouseError, data_folder, database_path, memory_limit
from warehouse.snowflake.engine import Snowflake
from warehouse.snowflake.session import open_session, read_login
from warehouse.snowflake.tables import create_raw_tables


@contextmanager
def open_snowflake(patience: float) -> Iterator[tuple[Connection, Snowflake]]:
    """Log in, make or check the raw tables, open the books; give the bench and the engine.

    Waits up to `patience` seconds for another loader. Pepper and erasures are those of the
    working file: a customer has the same pseudonym on both engines, and whoever was forgotten
    stays so. WarehouseError says what is missing or refused.
    """
    login = read_login()
    with (
        _own_folder(data_folder() / "shipping", patience) as folder,
        open_session(login, patience) as session,
        open_bench(folder, memory_limit()) as bench,
    ):
        make_raw_tables(bench)
        create_raw_tables(session, bench)
        engine = Snowflake(session, folder)
        engine.open_books(bench)
        secrets = secrets_beside(database_path())
        _compare_secrets(bench, secrets)
        keep_secrets(bench, secrets)
        engine.write_changed_books(bench)
        yield bench, engine


def _compare_secrets(bench: Connection, path: Path) -> None:
    """Refuse to give every customer another pseudonym; say who was forgotten here alone."""
    filed = read_secrets(path)
    if not filed:
        return
    peppers = query(bench, "from raw.pepper")
    if peppers and peppers != [(filed.pepper,)] and not os.environ.get("KSCM_PEPPER"):
        raise WarehouseError(
            f"{path} has another pepper than Snowflake, and every customer would get another "
            "pseudonym: let KSCM_DATA or KSCM_DB name the warehouse that belongs to this one, or "
            "set KSCM_PEPPER to the pepper that shall hold."
        )
    known = {erasure_id for erasure_id, *_ in query(bench, "from raw.erasures")}
    new = {erasure_id for erasure_id, *_ in filed.erasures} - known
    if new and query(bench, "select 1 from raw.load_manifest limit 1"):
        people = "1 person was" if len(new) == 1 else f"{len(new):,} people were"
        print(
            f"note: {people} erased here since the last load to Snowflake; rows that were loaded "
            "there before still tell of them: see docs/snowflake.md.",
            file=sys.stderr,
        )


@contextmanager
def _own_folder(folder: Path, patience: float) -> Iterator[Path]:
    """Give an empty folder that no other process has; it holds names, and is emptied again."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    attempts = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(patience),
        reraise=True,
    )
    try:
        try:
            attempts(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WarehouseError(
                f"another program is loading to Snowflake by way of {folder}: wait for it, or "
                "give --wait more seconds."
            ) from None
        _empty(folder)
        try:
            yield folder
        finally:
            _empty(folder)
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    """Remove all of it, also what a loader that was killed has left."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
