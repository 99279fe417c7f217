"""One world: its parameters, its days, and where it goes on when asked again."""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from command_line import count
from generator.demand import day_weight
from generator.dirt import CLEAN, Dirt
from generator.files import SUFFIX, whole_file

NEXT_DAYS = 7  # what a run adds to a history that has already reached yesterday
LATEST_DAYS_AHEAD = 400  # the loader takes a till whose clock is further ahead for a wrong one
MAX_ORDERS_PER_DAY = 1 << 20  # the RFID serial leaves 20 bits to the order of a day
ORDERS_PER_FILE = 200_000
# Day 0 of the identifiers. Three quarters of their 14 bits of days last until 2043; the last
# quarter numbers the orders that are sold live.
FIRST_DAY = date(2010, 1, 1)
LAST_DAY = FIRST_DAY + timedelta(days=3 * (1 << 12) - 1)
FIRST_LIVE_ORDER = 3 << 32

# One customer for two orders of two years, up to what a process can hold; a third of them
# know the shop when it opens, the others come with the orders.
_CUSTOMER_DAYS = 730
_MAX_CUSTOMERS = 400_000
_FOUNDING_PERCENT = 35

_WORLD_FILE = "_world.json"
_LOCK_FILE = "_generator.lock"
_WORKERS_LOCK_FILE = "_generator_workers.lock"
_ORDERS_FILE = re.compile(rf"orders_(\d{{4}}-\d\d-\d\d)_(\d{{4}}-\d\d-\d\d)\.{SUFFIX}")


# What a file that somebody has edited can bring about.
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class WorldError(Exception):
    """The world cannot be made or continued; the message says what to do."""


@dataclass(frozen=True)
class World:
    """`orders` orders wanted over `days` days from `first_day`, and the days that follow.

    Wanted: what finds an empty shelf is not sold (see `stock`).
    """

    seed: int
    orders: int
    days: int
    first_day: date
    dirt: Dirt = CLEAN
    # Entry i is what the first i days weigh; days are added as they are asked for.
    _weights_until: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    @property
    def last_planned_day(self) -> date:
        """The day that completes the history first asked for."""
        return self.first_day + timedelta(days=self.days - 1)

    def orders_until(self, day: date) -> int:
        """Count the orders of all days before `day`."""
        passed = max((day - self.first_day).days, 0)
        sums = self._weights_until
        while len(sums) <= max(passed, self.days):
            sums.append(sums[-1] + day_weight(self.seed, self._day(len(sums) - 1)))
        return sums[passed] * self.orders // sums[self.days]

    def orders_in(self, first: date, last: date) -> int:
        """Count the orders of the days from `first` to `last`, both included."""
        return self.orders_until(last + timedelta(days=1)) - self.orders_until(first)

    def orders_on(self, day: date) -> int:
        """Count the orders of one day; none before the first.

        A day's share is the difference of two rounded totals: the planned days sum to
        exactly `orders`, and days added later change none of them.
        """
        return self.orders_in(day, day)

    def customers_until(self, day: date) -> int:
        """Count the customers who have met the shop before `day`, or on the first one."""
        most = _MAX_CUSTOMERS * _CUSTOMER_DAYS // max(self.days, _CUSTOMER_DAYS)
        met = min(max(self.orders * _CUSTOMER_DAYS // (2 * self.days), 20), most)
        founding = met * _FOUNDING_PERCENT // 100
        passed = self.orders_until(day) * self.days
        return founding + (met - founding) * passed // (self.orders * _CUSTOMER_DAYS)

    def _day(self, number: int) -> date:
        return self.first_day + timedelta(days=number)


def found_world(seed: int, orders: int, days: int, last_day: date, dirt: Dirt) -> World:
    """Found a world whose planned history ends on `last_day`."""
    if (last_day - FIRST_DAY).days < days - 1 or last_day > LAST_DAY:
        raise WorldError(
            f"{count(days, 'day')} that end on {last_day} do not lie between {FIRST_DAY} and "
            f"{LAST_DAY}, which the RFID numbers: choose another --end or fewer --days."
        )
    if orders // days >= MAX_ORDERS_PER_DAY // 8:
        raise WorldError(
            f"{orders:,} orders in {count(days, 'day')} are too many for one day: "
            f"stay below {MAX_ORDERS_PER_DAY // 8:,} a day, or ask for more days."
        )
    return World(seed, orders, days, last_day - timedelta(days=days - 1), dirt)


def save_world(world: World, folder: Path) -> None:
    """Keep the parameters beside the feeds, so that the next run goes on from them."""
    values = {
        "seed": world.seed,
        "orders": world.orders,
        "days": world.days,
        "first_day": world.first_day.isoformat(),
        "dirt": world.dirt.name,
        "dirt_per_million": dict(world.dirt.rates),
    }
    with whole_file(folder / _WORLD_FILE) as file:
        file.write(json.dumps(values, indent=2).encode() + b"\n")


def read_world(folder: Path) -> World:
    """Read the parameters of the world whose orders are in `folder`."""
    path = folder / _WORLD_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        seed, orders, days = (int(values[name]) for name in ("seed", "orders", "days"))
        first_day = date.fromisoformat(values["first_day"])
        rates = {str(name): int(rate) for name, rate in values["dirt_per_million"].items()}
        if seed < 0 or not 1 <= orders <= 10**9 or not 1 <= days <= 10**4:
            raise ValueError("a number is out of range")
        dirt = Dirt(str(values["dirt"]), rates)
        return found_world(seed, orders, days, first_day + timedelta(days=days - 1), dirt)
    except _UNREADABLE as error:
        raise WorldError(
            f"{path} cannot be read ({error}), so the orders in {folder} cannot be continued: "
            "restore it, or move the orders away to begin a new world."
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the landing folder: two generators at once would mix two worlds."""
    with (folder / _LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorldError(
                f"another generator is writing to {folder}: wait for it, stop it, or give "
                "another folder with --landing (or KSCM_DATA)."
            ) from None
        with (folder / _WORKERS_LOCK_FILE).open("w") as workers:
            # Processes that a killed run left behind stop within a block: wait for them.
            fcntl.flock(workers, fcntl.LOCK_EX)
        yield


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Tell, from a process that writes for another, that it has not ended."""
    with (folder / _WORKERS_LOCK_FILE).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def written_days(orders_folder: Path) -> set[date]:
    """Return every day that a whole file holds; other names are not ours."""
    found: set[date] = set()
    for path in orders_folder.iterdir() if orders_folder.is_dir() else ():
        match = _ORDERS_FILE.fullmatch(path.name)
        if match is None:
            continue
        try:
            first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        except ValueError:
            continue
        found.update(each_day(first, last))
    return found


def missing_days(world: World, written: set[date], today: date, end: date | None) -> list[date]:
    """Return the days to write now, in order; none when the history has reached `end`.

    Without `end`, an unfinished history is finished, a finished one goes on to yesterday,
    and one that has reached yesterday runs ahead of the clock by a week. A run that was
    stopped may have left a hole: it is filled.
    """
    latest = today + timedelta(days=LATEST_DAYS_AHEAD)
    if end is None:
        end = _next_goal(world, written, today - timedelta(days=1))
        if written and end > latest:
            raise WorldError(
                f"the history has reached {max(written)}, more than a year ahead of the clock: "
                "nothing was added. Ask again later, or begin another world."
            )
    elif end < world.first_day:
        raise WorldError(
            f"{end} lies before {world.first_day}, the first day of this world: choose a later "
            "--end, or begin another world with --landing (or KSCM_DATA) on an empty folder."
        )
    elif end > latest:
        raise WorldError(
            f"{end} is more than {LATEST_DAYS_AHEAD} days away: the loader would refuse such "
            f"orders. Choose an --end until {latest}."
        )
    if end > LAST_DAY:
        raise WorldError(f"the RFID numbers days until {LAST_DAY}: choose an earlier --end.")
    return [day for day in each_day(world.first_day, end) if day not in written]


def _next_goal(world: World, written: set[date], yesterday: date) -> date:
    reached = max(written, default=world.first_day - timedelta(days=1))
    if len(written) < (reached - world.first_day).days + 1:
        return max(reached, world.last_planned_day)
    goals = [world.last_planned_day, yesterday, reached + timedelta(days=NEXT_DAYS)]
    return next(goal for goal in goals if goal > reached)


def plan_files(world: World, days: list[date]) -> list[tuple[date, date]]:
    """Cut days into the periods of the files: within a month, at most so many orders."""
    periods: list[tuple[date, date]] = []
    room = 0
    for day in days:
        orders = world.orders_on(day)
        follows = periods and day - periods[-1][1] == timedelta(days=1) and day.day > 1
        if follows and orders <= room:
            periods[-1] = (periods[-1][0], day)
            room -= orders
        else:
            periods.append((day, day))
            room = ORDERS_PER_FILE - orders
    return periods


def each_day(first: date, last: date) -> list[date]:
    """List the days from `first` to `last`, both included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
