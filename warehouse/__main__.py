"""python -m warehouse: create, load, status, build, publish, answers, shell."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import track

from command_line import count, run
from warehouse.answers import print_answers
from warehouse.build import run_dbt_build
from warehouse.connect import Connection, open_published, open_working
from warehouse.create import create_tables
from warehouse.feeds import FEEDS
from warehouse.load import Loaded, landing_files, load_file, other_files
from warehouse.publish import publish as publish_marts
from warehouse.settings import WarehouseError, database_path, landing_folder, published_path
from warehouse.status import status_lines

PROGRAM = "python -m warehouse"
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def warehouse() -> None:
    """Load the landing files, publish the marts. Paths follow KSCM_DATA and KSCM_DB."""


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def _working_file() -> Iterator[Connection]:
    with open_working(database_path()) as connection:
        create_tables(connection)
        yield connection


def _need_working_file() -> None:
    if not database_path().exists():
        raise WarehouseError(f"{database_path()} does not exist yet: run 'make generate' first.")


@app.command()
def create() -> None:
    """Create the working file and its raw tables, where they are missing."""
    with _working_file():
        print(f"{database_path()} is ready.")


@app.command()
def load() -> None:
    """Load every landing file that is not in the manifest yet."""
    landing = landing_folder()
    if not landing.is_dir():
        raise WarehouseError(f"{landing} does not exist: run 'python -m generator' first.")
    todo = [(feed, path) for feed in FEEDS.values() for path in landing_files(landing, feed)]
    console = Console(stderr=True)
    with _working_file() as connection:
        results = [
            load_file(connection, feed, path, landing, _now())
            for feed, path in track(
                todo, "Loading", console=console, disable=not console.is_terminal
            )
        ]
    for feed in FEEDS.values():
        if others := other_files(landing, feed):
            print(
                f"note: {count(len(others), 'file')} in {landing / feed.name} left alone, "
                f"first {others[0].name}: only lines of JSON are loaded so far.",
                file=sys.stderr,
            )
    loaded = [result for result in results if result]
    _tell([result for result in loaded if not result.failure], results.count(None))
    if failed := [result for result in loaded if result.failure]:
        raise WarehouseError(
            f"{count(len(failed), 'file')} not loaded, first {failed[0].file} "
            f"({failed[0].failure}): put a whole file in its place and load again."
        )


def _tell(loaded: list[Loaded], skipped: int) -> None:
    lines, accepted, refused, blank = (
        sum(getattr(result, part) for result in loaded)
        for part in ("lines", "accepted", "refused", "blank")
    )
    print(
        f"Loaded {count(len(loaded), 'file')}, skipped {skipped:,} known: {count(lines, 'line')} = "
        f"{accepted:,} accepted + {refused:,} refused + {blank:,} blank."
    )
    if refused:
        print(f"{count(refused, 'line')} refused: see '{PROGRAM} status'.", file=sys.stderr)


@app.command()
def status() -> None:
    """Tell what was loaded, refused, built and published."""
    _need_working_file()
    with _working_file() as connection:
        print("\n".join(status_lines(connection, published_path())))


@app.command()
def build() -> None:
    """Build and test every model with dbt, then publish the marts."""
    _need_working_file()
    # dbt meets a locked file with a traceback: whoever holds it is told of here.
    with _working_file():
        print("Building and testing the models (details: logs/dbt.log) ...", flush=True)
    run_dbt_build()
    publish()


@app.command()
def publish() -> None:
    """Publish the marts for readers, if the last dbt build passed all its tests."""
    _need_working_file()
    with _working_file() as connection:
        tables = publish_marts(connection, published_path(), _now())
    print(f"Published {count(tables, 'table')} as {published_path()}.")


@app.command()
def answers() -> None:
    """Print the four answers from the published file."""
    with open_published(published_path()) as connection:
        print_answers(connection)


@app.command()
def shell() -> None:
    """Open the DuckDB shell on the published file, read-only."""
    if not published_path().exists():
        raise WarehouseError(f"{published_path()} does not exist yet: run 'make build' first.")
    duckdb = Path(sys.executable).with_name("duckdb")
    os.execv(duckdb, [str(duckdb), "-readonly", str(published_path())])  # noqa: S606


if __name__ == "__main__":
    run(app, PROGRAM, WarehouseError)
