"""What the shops and the web store beside the tills have in common.

They take a fixed share of what the tills take, and number the things of a day so that each
has random numbers of its own.
"""

from datetime import date

import numpy as np

from generator.randomness import Words, draw_below, draw_words
from generator.world import World

_BITS_OF_A_DAY = np.uint64(24)  # room for 16 million things of a kind


def share_of_orders(world: World, stream: str, day: date, one_in: int, limit: int) -> int:
    """Count one thing for every `one_in` orders of that day.

    However large the tills' world, these stay small: about `limit` things on a mean day.
    The remainder is rounded up or down at random, so that a world of few orders a day has
    its share as well: on some of its days one, on most of them none.
    """
    word = draw_words(world.seed, stream, np.array([day.toordinal()], dtype=np.uint64))
    one_in = max(one_in, world.orders // (world.days * limit))
    return (world.orders_on(day) + int(draw_below(word, one_in)[0])) // one_in


def numbered(day: date, count: int) -> Words:
    """Return a number for each of the `count` things of a day; no other day has it."""
    return (np.uint64(day.toordinal()) << _BITS_OF_A_DAY) | np.arange(count, dtype=np.uint64)
