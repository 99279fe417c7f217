"""Small worlds written to a folder, and what tests read back from it."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from generator.dirt import CLEAN, Dirt
from generator.orders import BLOCK_ORDERS
from generator.tills import FEEDS, Job, write_job
from generator.world import World, each_day, plan_files

FIRST = date(2025, 9, 17)  # a Wednesday: the first week is not whole


def write_world(
    landing: Path,
    *,
    seed: int = 42,
    orders: int = 6_000,
    days: int = 200,
    dirt: Dirt = CLEAN,
    format: str = "ndjson",
    block_orders: int = BLOCK_ORDERS,
) -> World:
    """Write a whole world in one job."""
    world = World(seed, orders, days, FIRST, dirt)
    for feed in FEEDS:
        (landing / feed).mkdir(parents=True)
    periods = plan_files(world, each_day(FIRST, world.last_planned_day))
    write_job(Job(world, periods, format, landing, block_orders), lambda *_: None, lambda: False)
    return world


def raw_lines(landing: Path, feed: str = "orders") -> Iterator[bytes]:
    """Yield every line of a feed, file after file."""
    for path in sorted((landing / feed).iterdir()):
        yield from path.read_bytes().splitlines(keepends=True)


def records(landing: Path, feed: str = "orders") -> list[dict[str, Any]]:
    """Parse every line of a feed."""
    return [json.loads(line) for line in raw_lines(landing, feed)]


def key_rows(landing: Path, table: str) -> list[dict[str, Any]]:
    """Read every part of a table of the answer key."""
    folder = landing / "_answer_key" / table
    return [row for path in sorted(folder.iterdir()) for row in pq.read_table(path).to_pylist()]
