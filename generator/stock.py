"""What lies on the shelves: filled every Monday, sold until it is empty.

A location is topped up to a level each Monday, so a week needs only the week before: stock
never needs the whole history. Now and then the supplier is late and a level stays low: the
shelf empties, and sales are lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from generator.catalogue import read_catalogue
from generator.demand import midnight_of
from generator.randomness import Indices, draw_words, happens
from generator.tastes import UNITS_PER_100_ORDERS, weights_on
from generator.world import World

WAREHOUSE = "ENTREPOT-ROISSY-01"  # online orders leave from here, and the stores are filled
LOCATIONS = (WAREHOUSE, "BOUTIQUE-PARIS-01", "BOUTIQUE-LYON-01", "POPUP-MARSEILLE-01")

# What each location expects of the whole demand, in thousandths.
_DEMAND_SHARES = np.array([760, 147, 58, 35])
_COVER_PERCENT = 150
_LATE_SUPPLIER = 50_000  # per million: item, location and week that get too little
_LATE_PERCENT = 30


@dataclass
class Shelves:
    """The stock of one week; arrays of shape (locations, items)."""

    level: Indices
    taken: Indices

    @classmethod
    def filled(cls, world: World, monday: date) -> "Shelves":
        """Return the shelves as they are filled on a Monday, before anything is sold."""
        level = levels_on(world, monday)
        return cls(level, np.zeros_like(level))

    @classmethod
    def endless(cls) -> "Shelves":
        """Return shelves that never run empty."""
        level = np.full((len(LOCATIONS), len(read_catalogue())), 1 << 40)
        return cls(level, np.zeros_like(level))

    def take(self, location: Indices, item: Indices) -> NDArray[np.bool_]:
        """Sell units in their order; tell which were there to be sold, shape (n,)."""
        key = location * self.level.shape[1] + item
        wanted = np.bincount(key, minlength=self.level.size)
        level, taken = self.level.ravel(), self.taken.ravel()
        is_there = np.ones(len(key), dtype=np.bool_)
        if np.any(taken + wanted > level):
            order = np.argsort(key.astype(np.uint16), kind="stable")
            first = np.cumsum(wanted) - wanted
            position = np.arange(len(key)) - first[key[order]]
            is_there[order] = taken[key[order]] + position < level[key[order]]
        self.taken += np.minimum(wanted, level - taken).reshape(self.level.shape)
        return is_there


@dataclass(frozen=True)
class Movement:
    """Units that enter (or, below 0, leave) a location; `moment` in microseconds since 1970."""

    movement_id: str
    sku: str
    location_id: str
    kind: str  # opening, receipt, transfer or adjustment
    quantity: int
    moment: int


def levels_on(world: World, monday: date) -> Indices:
    """Return the levels of the week that begins on that Monday, all above 0."""
    days = [monday + timedelta(days=i) for i in range(7)]
    expected = np.zeros(len(read_catalogue()), dtype=np.int64)
    for day in days:
        weights = weights_on(world.seed, day)
        units = world.orders_on(day) * UNITS_PER_100_ORDERS
        expected += units * weights // int(weights.sum())
    cells = np.arange(len(LOCATIONS) * len(expected), dtype=np.uint64)
    counters = np.uint64(monday.toordinal()) * np.uint64(1024) + cells
    late = happens(draw_words(world.seed, "supplier", counters), _LATE_SUPPLIER)
    # Hundredths of units times thousandths.
    here = _DEMAND_SHARES[:, None] * expected // 100_000
    # A square root is rounded alike on every machine, unlike other functions.
    safety = 3 * np.sqrt(here).astype(np.int64) + 3
    level = here * _COVER_PERCENT // 100 + safety
    short = np.maximum(level * _LATE_PERCENT // 100, 1)
    return np.where(late.reshape(level.shape), short, level)


def open_stock(level: Indices, day: date) -> list[Movement]:
    """Return the movements that fill the empty shelves before the first order."""
    return _movements(day, "opening", level)


def restock(closing: Indices, level: Indices, monday: date) -> list[Movement]:
    """Return the movements that bring what was left on Sunday to Monday's levels.

    The stores are filled from the warehouse and send back what is too much; the warehouse
    is filled by the supplier, and what is too much there is written off. All of it happens
    in the first moment of the week.
    """
    moved = level - closing
    moved[0] += moved[1:].sum(axis=0)
    arriving, leaving = np.zeros_like(moved), np.zeros_like(moved)
    arriving[0], leaving[0] = np.maximum(moved[0], 0), np.minimum(moved[0], 0)
    found = _movements(monday, "receipt", arriving)
    # What comes back comes before what leaves: no shelf is below 0 even from line to line.
    for part in (np.minimum(moved, 0), np.maximum(moved, 0)):
        for place in range(1, len(LOCATIONS)):
            transfer = np.zeros_like(moved)
            transfer[place], transfer[0] = part[place], -part[place]
            found += _movements(monday, "transfer", transfer, f"-{place}")
    return found + _movements(monday, "adjustment", leaving)


def write_off(damaged: Indices, monday: date) -> list[Movement]:
    """Return the movements that take what came back damaged from the shelves again."""
    return _movements(monday, "adjustment", -damaged, "-damaged")


def _movements(day: date, kind: str, quantities: Indices, suffix: str = "") -> list[Movement]:
    moment = int(midnight_of(day).timestamp()) * 1_000_000
    name = f"{day:%Y%m%d}-{kind[:1].upper()}"
    return list_movements(kind, quantities, moment, lambda place: f"{name}{place}{suffix}")


def list_movements(
    kind: str, quantities: Indices, moment: int, name: Callable[[int], str]
) -> list[Movement]:
    """Return a movement for every cell that is not 0, quantities of shape (locations, items).

    `name` gives each location what its movements' numbers begin with.
    """
    skus = [item.sku for item in read_catalogue()]
    return [
        Movement(
            f"{name(place)}-{skus[item]}",
            skus[item],
            LOCATIONS[place],
            kind,
            int(quantities[place, item]),
            moment,
        )
        for place, item in np.argwhere(quantities).tolist()
    ]
