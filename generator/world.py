"""One world: its parameters, its days, and where it goes on when asked again."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from generator.demand import day_weight

NEXT_DAYS = 7  # what a run adds to a history that has already reached yesterday
MAX_ORDERS_PER_DAY = 1 << 20  # the RFID serial leaves 20 bits to the order of a day
MAX_CUSTOMERS = 200_000

_WORLD_FILE = "_world.json"
_ORDERS_FILE = re.compile(r"orders_\d{4}-\d\d-\d\d_(\d{4}-\d\d-\d\d)\.ndjson(\.gz)?")


class WorldError(Exception):
    """The world cannot be made or continued; the message says what to do."""


@dataclass(frozen=True)
class World:
    """`orders` orders over `days` days from `first_day`, and the days that follow."""

    seed: int
    orders: int
    days: int
    first_day: date

    @property
    def last_planned_day(self) -> date:
        """The day that completes the history first asked for."""
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def customers(self) -> int:
        """How many people know the shop: four orders each on average."""
        return min(max(self.orders // 4, 20), MAX_CUSTOMERS)

    @cached_property
    def _weights_until(self) -> list[int]:
        """Weights of the planned days, summed: entry i is what i days weigh."""
        days = each_day(self.first_day, self.last_planned_day)
        return [0, *accumulate(day_weight(self.seed, day) for day in days)]

    def _orders_until(self, day: date) -> int:
        """Count the orders of all days before `day`."""
        passed = (day - self.first_day).days
        weight = self._weights_until[min(passed, self.days)]
        for i in range(self.days, passed):
            weight += day_weight(self.seed, self.first_day + timedelta(days=i))
        return weight * self.orders // self._weights_until[-1]

    def orders_on(self, day: date) -> int:
        """Count the orders of one day.

        A day's share is the difference of two rounded totals: the planned days sum to
        exactly `orders`, and days added later change none of them.
        """
        return self._orders_until(day + timedelta(days=1)) - self._orders_until(day)


def found_world(seed: int, orders: int, days: int, last_day: date) -> World:
    """Found a world whose planned history ends on `last_day`."""
    world = World(seed, orders, days, last_day - timedelta(days=days - 1))
    if orders // days >= MAX_ORDERS_PER_DAY // 8:
        raise WorldError(
            f"{orders:,} orders in {days:,} days are too many for one day: "
            f"stay below {MAX_ORDERS_PER_DAY // 8:,} a day, or ask for more days."
        )
    return world


def save_world(world: World, folder: Path) -> None:
    """Keep the parameters beside the feeds, so that the next run goes on from them."""
    text = json.dumps(asdict(world) | {"first_day": world.first_day.isoformat()}, indent=2)
    part = folder / (_WORLD_FILE + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(folder / _WORLD_FILE)


def read_world(folder: Path) -> World:
    """Read the parameters of the world whose orders are in `folder`."""
    try:
        values = json.loads((folder / _WORLD_FILE).read_text(encoding="utf-8"))
        return World(
            seed=int(values["seed"]),
            orders=int(values["orders"]),
            days=int(values["days"]),
            first_day=date.fromisoformat(values["first_day"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorldError(
            f"{folder / _WORLD_FILE} cannot be read ({error}), so the orders in {folder} "
            "cannot be continued: restore it, or move the orders away to begin a new world."
        ) from None


def last_written_day(orders_folder: Path) -> date | None:
    """Return the last day that a whole file holds, or None before the first."""
    names = (_ORDERS_FILE.fullmatch(path.name) for path in orders_folder.glob("orders_*"))
    return max((date.fromisoformat(match[1]) for match in names if match), default=None)


def next_period(
    world: World, written: date | None, yesterday: date, end: date | None
) -> tuple[date, date]:
    """Return the first and last day to write now, up to `end` where one is asked for.

    Otherwise an unfinished history is finished, a finished one goes on to yesterday, and
    one that has reached yesterday runs ahead of the clock by a week.
    """
    if written is None:
        return world.first_day, world.last_planned_day
    if end is None:
        goals = [world.last_planned_day, yesterday, written + timedelta(days=NEXT_DAYS)]
        end = next(goal for goal in goals if goal > written)
    elif end <= written:
        raise WorldError(f"the history reaches {written} already: choose a later --end.")
    return written + timedelta(days=1), end


def each_day(first: date, last: date) -> list[date]:
    """List the days from `first` to `last`, both included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def months(first: date, last: date) -> list[tuple[date, date]]:
    """Cut a period at the month borders: one file each."""
    pieces = []
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = min(last, following - timedelta(days=1))
        pieces.append((first, end))
        first = end + timedelta(days=1)
    return pieces
