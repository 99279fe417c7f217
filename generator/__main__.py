"""python -m generator: write the next days of the shop's history to the landing folder."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from command_line import count, run
from generator import live, serve
from generator.answer_key import FOLDER as ANSWER_KEY
from generator.demand import PARIS
from generator.dirt import Dirt, DirtError, read_dirt
from generator.planted import write_planted
from generator.shops import ShopsError, write_shop_files
from generator.tastes import UNITS_PER_100_ORDERS
from generator.tills import FEEDS, Job, Period, remove_unfinished
from generator.web import WebError, write_web_lines
from generator.workers import WorkerError, count_workers, run_jobs, split_job
from generator.world import (
    World,
    WorldError,
    found_world,
    locked,
    missing_days,
    plan_files,
    read_world,
    save_world,
    written_days,
)

PROGRAM = "python -m generator"
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How the landing files are written."""

    NDJSON = "ndjson"
    NDJSON_GZ = "ndjson.gz"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Folders:
    """Where files go: what the tills send, and what others publish for us to fetch."""

    landing: Path

    @property
    def remote(self) -> Path:
        """The files of the shops and the web store, which `serve` serves: beside the landing."""
        landing = self.landing.resolve()
        is_usual = landing.name == "landing"
        return landing.with_name("remote" if is_usual else f"{landing.name}_remote")

    @property
    def answer_key(self) -> Path:
        """The truth, which the loader never reads."""
        return self.landing / ANSWER_KEY

    def make(self) -> None:
        """Make them all."""
        for folder in (*(self.landing / feed for feed in FEEDS), self.remote, self.answer_key):
            folder.mkdir(parents=True, exist_ok=True)


class Tally:
    """Counts what is written, and shows it on a terminal."""

    def __init__(self, expected: int) -> None:
        self.units = self.orders = 0
        self.started = time.monotonic()
        console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("Selling figurines"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} units, {task.fields[speed]:,.0f} a second"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task("", total=expected, speed=0)

    def add(self, units: int, orders: int) -> None:
        """Count a block or a file."""
        self.units += units
        self.orders += orders
        self.progress.update(self.task, advance=units, speed=self.units / self.seconds)

    @property
    def seconds(self) -> float:
        """Seconds since the counting began, above 0."""
        return max(time.monotonic() - self.started, 1e-3)

    def tell(self, files: list[Path], days: str, seed: int) -> None:
        """Print the closing line."""
        size = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"Generated {count(self.orders, 'order')} ({count(self.units, 'unit')}) {days}: "
            f"{count(len(files), 'till file')}, {size:,.1f} MB, {self.seconds:.1f} s "
            f"({self.units / self.seconds:,.0f} units/s), seed {seed}."
        )


def _landing() -> Path:
    return Path(os.environ.get("KSCM_DATA") or "data") / "landing"


Landing = Annotated[
    Path | None, typer.Option(show_default="$KSCM_DATA/landing", help="Folder that receives.")
]


@app.callback(invoke_without_command=True)
def generate(
    context: typer.Context,
    orders: Annotated[
        int, typer.Option(min=1, max=10**8, help="Orders that customers want to place.")
    ] = 100_000,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of history.")] = 730,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Which world.")] = 42,
    end: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            show_default="yesterday in Paris, or a week more where that day is written already",
            help="Last day to write.",
        ),
    ] = None,
    dirt: Annotated[
        str, typer.Option(help="What goes wrong: none, light, heavy, or a TOML file of rates.")
    ] = "none",
    format: Annotated[Format, typer.Option(help="How files are written.")] = Format.NDJSON,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, show_default="as many as pay", help="Processes that write."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Then sell at the pace of the clock, until Ctrl-C.")
    ] = False,
    rate: Annotated[
        int, typer.Option(min=1, max=5_000, help="Orders a second, with --follow.")
    ] = 50,
    landing: Landing = None,
) -> None:
    """Invent the history of KSCM's figurines: all of it first, the next days when run again."""
    if context.invoked_subcommand:
        return
    folders = Folders(landing or _landing())
    try:
        rates = read_dirt(dirt)
    except DirtError as error:
        raise typer.BadParameter(str(error)) from None
    if rates.reaches_tills and format is Format.PARQUET:
        raise typer.BadParameter("dirt damages lines of text: choose --format ndjson or ndjson.gz.")
    today = datetime.now(PARIS).date()
    yesterday = today - timedelta(days=1)
    last_day = end.date() if end else None
    fresh = partial(found_world, seed, orders, days, last_day or yesterday, rates)
    if not folders.landing.exists():
        missing_days(fresh(), set(), today, last_day)  # a refusal leaves no empty folder
    folders.landing.mkdir(parents=True, exist_ok=True)
    with locked(folders.landing):
        remove_unfinished(folders.landing)
        written = written_days(folders.landing / "orders")
        if written:
            world = read_world(folders.landing)
            _check_same_world(world, folders.landing, seed, orders, days, rates)
        else:
            world = fresh()
        if follow and written and last_day is None:
            last_day = max(yesterday, world.first_day)
        new = missing_days(world, written, today, last_day)
        folders.make()
        save_world(world, folders.landing)
        write_planted(world, folders.answer_key)
        # These first: they refuse a folder that holds those of another world.
        for write in (write_shop_files, write_web_lines):
            write(world, world.dirt, folders.remote, folders.answer_key, max(written | {*new}))
        if new:
            _write_history(world, plan_files(world, new), format, workers, folders)
        elif not follow:
            print(f"The history reaches {max(written)} already: nothing to add.")
        if follow:
            _sell_live(world, format, rate, folders)


@app.command("serve")
def serve_files(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any.")
    ] = 8765,
    landing: Landing = None,
) -> None:
    """Serve the CSV files of the shops and the web store over HTTP, for the fetch step."""
    try:
        serve.serve(Folders(landing or _landing()).remote, port)
    except KeyboardInterrupt:
        print("Stopped serving.")


def _check_same_world(
    world: World, landing: Path, seed: int, orders: int, days: int, dirt: Dirt
) -> None:
    way_out = "or begin another world with --landing (or KSCM_DATA) on an empty folder."
    if world.seed != seed:
        raise WorldError(
            f"{landing} holds the world of seed {world.seed}: ask for that seed, {way_out}"
        )
    if world.dirt.rates != dirt.rates:
        raise WorldError(
            f"{landing} holds a world with dirt {world.dirt.name}, as _world.json tells: "
            f"ask for the same, {way_out}"
        )
    if (world.orders, world.days) != (orders, days):
        print(
            f"note: this world began with {world.orders:,} orders in {world.days:,} days "
            "and goes on at that pace.",
            file=sys.stderr,
        )


def _write_history(
    world: World, periods: list[Period], format: Format, workers: int | None, folders: Folders
) -> None:
    job = Job(world, periods, format.value, folders.landing)
    processes = count_workers(world, periods, workers)
    orders = sum(world.orders_in(*period) for period in periods)
    tally = Tally(orders * UNITS_PER_100_ORDERS // 100)
    with tally.progress:
        run_jobs(split_job(job, processes), processes, tally.add)
    files = [
        folders.landing / feed / f"{feed}_{a}_{b}.{format}" for feed in FEEDS for a, b in periods
    ]
    tally.tell(files, f"from {periods[0][0]} to {periods[-1][1]}", world.seed)


def _sell_live(world: World, format: Format, rate: int, folders: Folders) -> None:
    stop = live.Stop()
    before = {s: signal.signal(s, stop.set) for s in (signal.SIGINT, signal.SIGTERM)}
    first = live.next_number(folders.landing / "orders")
    till = live.Till(world, folders.landing, format.value)
    tally = Tally(0)
    print(f"Selling {count(rate, 'order')} a second (Ctrl-C ends).", flush=True)
    try:
        with tally.progress:
            live.sell_live(till, rate, stop, tally.add)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    tally.tell(live.files_since(folders.landing, first), "live", world.seed)


if __name__ == "__main__":
    run(app, PROGRAM, WorldError, WorkerError, ShopsError, WebError, serve.ServeError)
