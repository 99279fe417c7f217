"""python -m generator: write the next days of the shop's history to the landing folder."""

import os
import sys
import time
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from command_line import count, run
from generator.catalogue import read_catalogue
from generator.demand import PARIS
from generator.files import write_lines
from generator.orders import FIRST_DAY, LAST_DAY, Shop, order_lines
from generator.people import invent_customers
from generator.places import read_places
from generator.world import (
    World,
    WorldError,
    each_day,
    found_world,
    last_written_day,
    months,
    next_period,
    read_world,
    save_world,
)

PROGRAM = "python -m generator"
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How the landing files are written."""

    NDJSON = "ndjson"
    NDJSON_GZ = "ndjson.gz"


def _landing() -> Path:
    return Path(os.environ.get("KSCM_DATA") or "data") / "landing"


@app.command()
def generate(
    orders: Annotated[int, typer.Option(min=1, max=10**8, help="Orders in the history.")] = 100_000,
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
    format: Annotated[Format, typer.Option(help="How files are written.")] = Format.NDJSON,
    landing: Annotated[
        Path | None,
        typer.Option(show_default="$KSCM_DATA/landing", help="Folder that receives orders/."),
    ] = None,
) -> None:
    """Invent orders of KSCM figurines: the history first, the next days when run again."""
    started = time.monotonic()
    landing = landing or _landing()
    folder = landing / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    written = last_written_day(folder)
    yesterday = datetime.now(PARIS).date() - timedelta(days=1)
    if written:
        world = read_world(landing)
        _check_same_world(world, landing, seed, orders, days)
    else:
        world = found_world(seed, orders, days, end.date() if end else yesterday)
    first, last = next_period(world, written, yesterday, end.date() if end else None)
    if first < FIRST_DAY or last > LAST_DAY:
        raise WorldError(
            f"the identifiers of a world reach from {FIRST_DAY} to {LAST_DAY}: "
            f"{first} to {last} does not fit. Choose another --end or fewer --days."
        )
    save_world(world, landing)
    _write(world, folder, months(first, last), format, started)


def _check_same_world(world: World, landing: Path, seed: int, orders: int, days: int) -> None:
    if world.seed != seed:
        raise WorldError(
            f"{landing} holds the world of seed {world.seed}: ask for that seed, or begin "
            "another world with --landing (or KSCM_DATA) on an empty folder."
        )
    if (world.orders, world.days) != (orders, days):
        print(
            f"note: this world began with {world.orders:,} orders in {world.days:,} days "
            "and goes on at that pace.",
            file=sys.stderr,
        )


def _write(
    world: World,
    folder: Path,
    periods: list[tuple[date, date]],
    format: Format,
    started: float,
) -> None:
    shop = Shop(
        world=world,
        items=read_catalogue(),
        customers=invent_customers(world.seed, world.customers, read_places()),
    )
    console = Console(stderr=True)
    units = size = 0
    for first, last in track(
        periods,
        description="Selling figurines",
        console=console,
        disable=not console.is_terminal,
    ):
        path = folder / f"orders_{first}_{last}.{format}"
        days = each_day(first, last)
        units += write_lines(path, (line for day in days for line in order_lines(shop, day)))
        size += path.stat().st_size
    first, last = periods[0][0], periods[-1][1]
    orders = sum(world.orders_on(day) for day in each_day(first, last))
    print(
        f"Generated {count(orders, 'order')} ({count(units, 'unit')}) from {first} to {last}: "
        f"{count(len(periods), 'file')}, {size / 1e6:,.1f} MB, "
        f"{time.monotonic() - started:.1f} s, seed {world.seed}."
    )


if __name__ == "__main__":
    run(app, PROGRAM, WorldError)
