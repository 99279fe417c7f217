"""Tills that never stop: orders at the pace of the clock, a small file every two seconds.

Live orders come on top of the days that are planned, and have numbers of their own. They are
clean, never come back, and what they sell is delivered just before, so that the stock that
is planned stays as it is.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from generator.answer_key import FOLDER as ANSWER_KEY
from generator.answer_key import KeyPart
from generator.customers import meet_customers
from generator.demand import PARIS, midnight_of, monday_of
from generator.dirt import CLEAN
from generator.files import SUFFIX
from generator.lanes import Lane, open_lane, write_feed
from generator.orders import Block, Shop, Week, begin_week, sell
from generator.people import invent_identities
from generator.places import read_places
from generator.randomness import draw_words
from generator.records import stock_table
from generator.returns import draw_returns
from generator.stock import Movement, Shelves, list_movements
from generator.world import FIRST_LIVE_ORDER, World

SECONDS_PER_FILE = 2
_BLINK = 0.05  # seconds until a stop is noticed
_ASLEEP = timedelta(minutes=1)  # a computer that slept does not sell for the time it slept
_LIVE_FILE = re.compile(rf"\w+_live_(\d+)_(\d+)\.{SUFFIX}")


@dataclass(frozen=True)
class Till:
    """Where live orders go, and how."""

    world: World
    landing: Path
    format: str


def next_number(orders_folder: Path) -> int:
    """Return the number of the first live order that no file holds yet."""
    found = (_LIVE_FILE.fullmatch(path.name) for path in orders_folder.iterdir())
    return max((int(match[2]) + 1 for match in found if match), default=0)


def files_since(landing: Path, number: int) -> list[Path]:
    """Return the live files of orders and stock from that number on."""
    return [
        path
        for feed in ("orders", "stock")
        for path in sorted((landing / feed).iterdir())
        if (match := _LIVE_FILE.fullmatch(path.name)) and int(match[1]) >= number
    ]


class Stop:
    """Set by a signal; waited for between two files.

    A signal handler may do no more than this: an Event has a lock, which the interrupted
    code may hold.
    """

    def __init__(self) -> None:
        self.is_set = False

    def set(self, *_: object) -> None:
        """Ask for the end; fit to be a signal handler."""
        self.is_set = True

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, at most so long; tell whether it is."""
        until = time.monotonic() + seconds
        while not self.is_set and time.monotonic() < until:
            time.sleep(_BLINK)
        return self.is_set


class Clock:
    """The time of day, which may be set, and the seconds that pass, which may not."""

    def now(self) -> datetime:
        """Return the moment in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()


def sell_live(
    till: Till,
    rate: int,
    stop: Stop,
    report: Callable[[int, int], None],
    clock: Clock | None = None,
) -> None:
    """Sell `rate` orders a second until `stop` is set; `report` hears of every file."""
    clock = clock or Clock()
    counter = None
    number = next_number(till.landing / "orders")
    began, sold, reached = clock.seconds(), 0, clock.now()
    while not stop.wait(SECONDS_PER_FILE):
        now = clock.now()
        if abs(now - reached) > _ASLEEP:
            began, sold, reached = clock.seconds(), 0, now
        due = int((clock.seconds() - began) * rate) - sold
        if due <= 0:
            continue
        today = now.astimezone(PARIS).date()
        monday = monday_of(today)
        # Of what is due since before midnight, all is sold after it.
        reached = min(max(reached, midnight_of(today)), now)
        if counter is None or counter.week.monday != monday:
            counter = _open_counter(till, monday)
        block = _ring_up(counter, number, due, reached, now)
        _write(till, counter, block, f"live_{number:012d}_{number + due - 1:012d}")
        report(len(block.unit), due)
        number, sold, reached = number + due, sold + due, now


@dataclass(frozen=True)
class _Counter:
    """What selling needs in one week."""

    shop: Shop
    week: Week
    lane: Lane


def _open_counter(till: Till, monday: date) -> _Counter:
    world, places = till.world, read_places()
    customers = meet_customers(world, places, max(monday + timedelta(days=6), world.first_day))
    people = invent_identities(world.seed, customers.numbers, places)
    shop = Shop(world, customers)
    return _Counter(
        shop, begin_week(shop, monday), open_lane(till.format, world.seed, people, CLEAN)
    )


def _ring_up(counter: _Counter, number: int, due: int, since: datetime, now: datetime) -> Block:
    """Make the next orders, spread over the time since the last file."""
    orders = np.arange(due, dtype=np.uint64) + np.uint64(FIRST_LIVE_ORDER + number)
    start, end = (int(moment.timestamp() * 1_000_000) for moment in (since, now))
    seed = counter.shop.world.seed
    within = draw_words(seed, "live moment", orders) % np.uint64(max(end - start, 1))
    pieces = [(now.astimezone(PARIS).weekday(), orders, np.sort(np.uint64(start) + within))]
    return sell(counter.shop, counter.week, Shelves.endless(), pieces, ends_day=False)


def _deliver(block: Block, name: str) -> list[Movement]:
    """Return what the supplier brings in the moment of the first order: what is sold then."""
    sold, moment = block.units_sold.sum(axis=0), int(block.moment[0])
    return list_movements("receipt", sold, moment, lambda place: f"{name}-{place}")


def _write(till: Till, counter: _Counter, block: Block, name: str) -> None:
    """Write the stock and the key first: the orders tell that all is there."""
    seed, landing = till.world.seed, till.landing
    part = KeyPart(seed, block.days[0])
    part.add(block)
    nothing = draw_returns(seed, block).where(np.empty(0, dtype=np.int64))
    part.write(landing / ANSWER_KEY, name, counter.shop.customers, nothing, empty_too=False)
    stock, orders = (landing / f / f"{f}_{name}.{till.format}" for f in ("stock", "orders"))
    write_feed(stock, stock_table(_deliver(block, name)))
    with counter.lane.open(orders) as write:
        write(block)
