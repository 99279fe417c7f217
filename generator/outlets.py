"""What the shops and the web store beside the tills have in common.

They sell figurines by SKU, take a fixed share of what the tills take, and number the things
of a day so that each has random numbers of its own.
"""

import csv
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from generator.catalogue import SEEDS
from generator.randomness import Words, draw_below, draw_words
from generator.world import World

_BITS_OF_A_DAY = np.uint64(24)  # room for 16 million things of a kind


@cache
def read_skus(path: Path = SEEDS / "catalogue.csv") -> dict[str, str]:
    """Read the SKU of each figurine, by its name."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["item_name"]: row["sku"] for row in csv.DictReader(file)}


def share_of_orders(world: World, stream: str, day: date, one_in: int) -> int:
    """Count one thing for every `one_in` orders of that day.

    The remainder is rounded up or down at random, so that a world of few orders a day has
    its share as well: on some of its days one, on most of them none.
    """
    word = draw_words(world.seed, stream, np.array([day.toordinal()], dtype=np.uint64))
    return (world.orders_on(day) + int(draw_below(word, one_in)[0])) // one_in


def numbered(day: date, count: int) -> Words:
    """Return a number for each of the `count` things of a day; no other day has it."""
    return (np.uint64(day.toordinal()) << _BITS_OF_A_DAY) | np.arange(count, dtype=np.uint64)


def euros(cents: int) -> str:
    """Write an amount of at least 0 with a decimal point: `299.99`."""
    return f"{cents // 100}.{cents % 100:02d}"
