"""python -m warehouse: create, fetch, load, replay, status, build, publish, erase and more."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from command_line import count, run
from warehouse.answers import print_answers
from warehouse.build import run_dbt_build
from warehouse.connect import Connection, open_published, open_reading, open_working
from warehouse.create import create_tables, refuse_earlier_version
from warehouse.doctor import heal
from warehouse.erasing.erase import Places, erase_person, preview_erasure
from warehouse.erasing.person import ask
from warehouse.fetching.fetch import ATTEMPTS, sum_up
from warehouse.fetching.fetch import fetch as fetch_files
from warehouse.fetching.plan import UsageError, plan
from warehouse.grading.grade import grade, print_grade
from warehouse.grading.key import FOLDER
from warehouse.loading.engine import WORKING_FILE, Engine
from warehouse.loading.load import Summary, load_landing
from warehouse.loading.report import tell
from warehouse.publish import publish as publish_marts
from warehouse.repairing.replay import list_rejects, replay_file, replayed_lines
from warehouse.settings import (
    WarehouseError,
    data_folder,
    database_path,
    landing_folder,
    published_path,
)
from warehouse.status import status_lines

if TYPE_CHECKING:
    from warehouse.snowflake.engine import Snowflake

PROGRAM = "python -m warehouse"
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def warehouse() -> None:
    """Load the landing files, publish the marts. Paths follow KSCM_DATA and KSCM_DB."""


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def _working_file(wait: float = 0) -> Iterator[Connection]:
    with open_working(database_path(), wait) as connection:
        create_tables(connection)
        yield connection


@contextmanager
def _snowflake(wait: float) -> "Iterator[tuple[Connection, Snowflake]]":
    try:
        from warehouse.snowflake.opening import open_snowflake  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        raise WarehouseError(
            f"what speaks to Snowflake is not installed ({error.name}): run 'make snowflake'."
        ) from None
    with open_snowflake(wait) as opened:
        yield opened


def _need_working_file() -> None:
    if not database_path().exists():
        raise WarehouseError(f"{database_path()} does not exist yet: run 'make generate' first.")


_Target = Annotated[
    Literal["duckdb", "snowflake"],
    typer.Option(help="Where the raw tables are. Snowflake is found by SNOWFLAKE_…"),
]
_Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait for another program that is writing.")
]


@app.command()
def create(target: _Target = "duckdb") -> None:
    """Create the working file and its raw tables, where they are missing."""
    if target == "snowflake":
        with _snowflake(0):
            print("The raw tables on Snowflake are ready.")
        return
    with _working_file():
        print(f"{database_path()} is ready.")


@app.command()
def load(target: _Target = "duckdb", wait: _Wait = 60) -> None:
    """Load every landing file that is not in the manifest yet."""
    landing = landing_folder()
    if not landing.is_dir():
        raise WarehouseError(f"{landing} does not exist: run 'python -m generator' first.")
    if target == "snowflake":
        with _snowflake(wait) as (bench, engine):
            summary = _load(bench, engine=engine, rejects="RAW.LOAD_REJECTS on Snowflake")
    else:
        with _working_file(wait) as connection:
            summary = _load(connection)
    _refuse_failed(summary)


def _refuse_failed(summary: Summary) -> None:
    if summary.failed:
        failed = summary.failed[0]
        raise WarehouseError(
            f"{count(len(summary.failed), 'file')} not loaded, first {failed.file} "
            f"({failed.failure}): put a whole file in its place, or remove it, and load again."
        )


def _load(
    connection: Connection,
    order: dict[str, int] | None = None,
    engine: Engine = WORKING_FILE,
    rejects: str = f"'{PROGRAM} status'",
) -> Summary:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("Loading")
        summary = load_landing(
            connection,
            landing_folder(),
            _now(),
            lambda done, total: progress.update(task, completed=done, total=total),
            order,
            engine,
        )
    tell(summary, landing_folder(), rejects)
    return summary


@app.command()
def status() -> None:
    """Tell what was loaded, refused, built and published."""
    _need_working_file()
    with open_reading(database_path()) as connection:
        refuse_earlier_version(connection)
        print("\n".join(status_lines(connection, published_path(), landing_folder())))


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
def verify() -> None:
    """Grade the marts against the generator's answer key; 1 where an answer differs."""
    _need_working_file()
    key = landing_folder() / FOLDER
    with open_reading(database_path(), key) as connection:
        refuse_earlier_version(connection)
        lines = grade(connection, key)
    if not print_grade(lines):
        raise typer.Exit(1)


@app.command()
def shell() -> None:
    """Open the DuckDB shell on the published file, read-only."""
    if not published_path().exists():
        raise WarehouseError(f"{published_path()} does not exist yet: run 'make build' first.")
    duckdb = Path(sys.executable).with_name("duckdb")
    os.execv(duckdb, [str(duckdb), "-readonly", str(published_path())])  # noqa: S606


@app.command()
def doctor(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make a new working file from all landing files.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Rebuild without files that left landing.")
    ] = False,
) -> None:
    """Check the working file; mend what is damaged, and move it aside before."""
    summaries: list[Summary] = []
    heal(
        database_path(),
        landing_folder(),
        _now(),
        lambda connection, order: summaries.append(_load(connection, order)),
        rebuild=rebuild,
        agreed=yes,
    )
    for summary in summaries:
        _refuse_failed(summary)


@app.command()
def replay(
    file: Annotated[
        Path | None, typer.Argument(help="A list of repaired lines; without it, lists are written.")
    ] = None,
) -> None:
    """List the refused lines for an editor, or load the repaired ones of such a list."""
    _need_working_file()
    with _working_file() as connection:
        if file is None:
            lines = list_rejects(connection, data_folder() / "repairs", _now())
        else:
            lines = replayed_lines(replay_file(connection, landing_folder(), file, _now()))
    print("\n".join(lines))


@app.command()
def fetch(
    feed: Annotated[
        str | None, typer.Option(help="shops, web, or one CSV feed, such as shops_sales.")
    ] = None,
    url: Annotated[
        list[str] | None, typer.Option(help="A CSV file, or a page that links to some; repeatable.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file of sources.  [default: fetch.toml in data/]")
    ] = None,
    attempts: Annotated[int, typer.Option(min=1, max=100, help="At most so many each.")] = ATTEMPTS,
) -> None:
    """Fetch new CSV files over HTTP to the landing folder: whole ones only."""
    try:
        sources = plan(feed, url or [], config, data_folder() / "fetch.toml")
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None
    results = []
    for result in fetch_files(sources, landing_folder(), attempts):
        print(result, flush=True)
        results.append(result)
    print(sum_up(results))


@app.command()
def erase(
    email: Annotated[str | None, typer.Option(help="An e-mail of hers.")] = None,
    phone: Annotated[str | None, typer.Option(help="A phone of hers.")] = None,
    customer: Annotated[str | None, typer.Option(help="Her customer id in the marts.")] = None,
    name: Annotated[str | None, typer.Option(help="With --phone: whose, if several.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; else it is only shown.")] = False,
) -> None:
    """Forget a person everywhere, for good; sales stay. Shows what it would do first."""
    if sum(x is not None for x in (email, phone, customer)) != 1 or (name and phone is None):
        raise typer.BadParameter("say one of --email, --phone (with --name) and --customer.")
    _need_working_file()
    places = Places(database_path(), data_folder(), published_path())
    act = partial(erase_person, rebuild=build) if yes else preview_erasure
    lines = act(places, lambda c: ask(c, email, phone, customer, name), _now())
    print("\n".join(lines))


if __name__ == "__main__":
    run(app, PROGRAM, WarehouseError)
