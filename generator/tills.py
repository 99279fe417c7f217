"""The tills' files: orders, returns and stock movements of one run of days, file by file."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from generator.answer_key import FOLDER, TABLES, KeyPart, StockWeek
from generator.customers import meet_customers
from generator.damage import MAX_DAYS_LATE, damage_returns
from generator.demand import monday_of
from generator.files import SUFFIX
from generator.lanes import open_lane, write_feed
from generator.orders import BLOCK_ORDERS, Block, Shop, sell_week
from generator.people import invent_identities
from generator.places import read_places
from generator.records import return_table, stock_table
from generator.returns import DAMAGED, MAX_LAG_DAYS, Returns, draw_returns, join_returns
from generator.stock import Movement, Shelves, open_stock, restock, write_off
from generator.touched import touch
from generator.world import World

Period = tuple[date, date]
FEEDS = ("orders", "returns", "stock")

_PERIOD = r"(\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d|live_\d+_\d+)"
_FEED_FILE = re.compile(rf"(?:{'|'.join(FEEDS)})_{_PERIOD}\.{SUFFIX}")
_KEY_PART = re.compile(rf"{_PERIOD}\.parquet")


class StoppedError(Exception):
    """Somebody asked to stop; what is half-written has been removed."""


@dataclass(frozen=True)
class Job:
    """Periods that follow each other without a gap, to be written by one process."""

    world: World
    periods: list[Period]
    format: str
    landing: Path
    block_orders: int = BLOCK_ORDERS

    @property
    def first(self) -> date:
        """The first day to write."""
        return self.periods[0][0]

    @property
    def last(self) -> date:
        """The last day to write."""
        return self.periods[-1][1]


@dataclass(frozen=True)
class Step:
    """A block of orders, what of it will come back, and what moved before its first day."""

    block: Block
    returns: Returns
    movements: list[Movement]
    stock_week: StockWeek | None


@dataclass
class _Back:
    """Returns that have been drawn and wait for their day."""

    parts: list[Returns] = field(default_factory=list)

    def between(self, first: date, last: date) -> Returns:
        """Return those of some days, in the order of time."""
        low, high = first.toordinal(), last.toordinal()
        chosen = [p.where(np.flatnonzero((p.day >= low) & (p.day <= high))) for p in self.parts]
        return join_returns(chosen)

    def forget(self, before: date) -> None:
        """Drop those of earlier days."""
        due = [p for p in self.parts if len(p.day) and p.day.max() >= before.toordinal()]
        self.parts = due or self.parts[-1:]  # one at least, so that there is something to join


def write_job(job: Job, report: Callable[[int, int], None], is_stopped: Callable[[], bool]) -> None:
    """Write the files of every period, in order; `report` is told each block's units and orders.

    Raises StoppedError between two blocks once `is_stopped` says so, and OSError.
    """
    _Writer(job, report, is_stopped).write()


class _Writer:
    def __init__(
        self, job: Job, report: Callable[[int, int], None], is_stopped: Callable[[], bool]
    ) -> None:
        self.job, self.report, self.is_stopped = job, report, is_stopped
        self.seed = job.world.seed
        places = read_places()
        # Whoever arrives later in the last week may buy on any of its days.
        self.customers = meet_customers(job.world, places, monday_of(job.last) + timedelta(days=6))
        people = invent_identities(self.seed, self.customers.numbers, places)
        self.lane = open_lane(job.format, self.seed, people, job.world.dirt)
        self.back = _Back()

    def write(self) -> None:
        steps = self.simulate()
        for period in self.job.periods:
            self.write_period(period, steps)

    def simulate(self) -> Iterator[Step]:
        """Yield the steps of the job's days; the days before are lived through in silence.

        Far enough back, nothing that happened matters any more: what comes back comes
        within 60 days, what is late within 150, and the shelves forget in a week.
        """
        world, job = self.job.world, self.job
        memory = MAX_DAYS_LATE if world.dirt.reaches_tills else MAX_LAG_DAYS
        start = max(world.first_day, job.first - timedelta(days=memory + 14))
        monday = monday_of(start)
        ends = [job.first - timedelta(days=1), *(last for _, last in job.periods)]
        shop = Shop(world, self.customers)
        before: tuple[date, Shelves] | None = None
        while monday <= job.last:
            shelves = Shelves.filled(world, monday)
            movements, week = self._restock(before, shelves, monday)
            sunday = monday + timedelta(days=6)
            stops = {min(sunday, job.last), *(day for day in ends if monday <= day <= sunday)}
            for block in sell_week(shop, monday, shelves, stops, job.block_orders):
                if self.is_stopped():
                    raise StoppedError
                returns = draw_returns(self.seed, block)
                self.back.parts.append(returns)
                if block.days[0] >= job.first:
                    yield Step(block, returns, movements, week)
                else:
                    self.lane.live_through(block)
                # Told once; if the week began before the job's first day, in another file.
                movements, week = [], None
            before = (monday, shelves)
            monday += timedelta(days=7)

    def _restock(
        self, before: tuple[date, Shelves] | None, shelves: Shelves, monday: date
    ) -> tuple[list[Movement], StockWeek | None]:
        first_day = self.job.world.first_day
        if before is None:
            return open_stock(shelves.level, max(monday, first_day)), None
        back = self.back.between(before[0], monday - timedelta(days=1))
        returned, damaged = np.zeros_like(shelves.level), np.zeros_like(shelves.level)
        np.add.at(returned, (back.location, back.item), 1)
        np.add.at(damaged, (back.location, back.item), back.reason == DAMAGED)
        week = StockWeek(before[0], before[1].level, before[1].taken, returned, damaged)
        rest = week.closing - damaged
        return write_off(damaged, monday) + restock(rest, shelves.level, monday), week

    def write_period(self, period: Period, steps: Iterator[Step]) -> None:
        """Write a period's files; the orders are named last, and tell that all are there."""
        first, last = period
        dirt = self.job.world.dirt
        part = KeyPart(self.seed, first)
        movements: list[Movement] = []
        with self.lane.open(self._path("orders", period)) as write:
            for step in steps:
                movements += step.movements
                part.stock += [step.stock_week] if step.stock_week else []
                part.add(step.block)
                part.defects += write(step.block)
                if dirt.reaches_tills:
                    part.touched.append(
                        touch(self.seed, dirt, self.customers, step.block, step.returns)
                    )
                self.report(len(step.block.unit), len(step.block.first_units))
                if step.block.ends_day and step.block.days[-1] == last:
                    break
            returns = self.back.between(first, last)
            sent, defects = damage_returns(self.seed, dirt, returns)
            part.defects += defects
            write_feed(self._path("returns", period), return_table(self.seed, sent))
            write_feed(self._path("stock", period), stock_table(movements))
            key = self.job.landing / FOLDER
            part.write(key, f"{first}_{last}", self.customers, returns)
        self.back.forget(monday_of(last))

    def _path(self, feed: str, period: Period) -> Path:
        return self.job.landing / feed / f"{feed}_{period[0]}_{period[1]}.{self.job.format}"


def remove_unfinished(landing: Path) -> None:
    """Remove what a killed run left: half-written files, and those whose orders are missing.

    Only under the lock of the folder: another run's files are unfinished too.
    """
    orders = {
        _period_name(path)
        for path in (landing / "orders").glob("orders_*")
        if path.suffix != ".part"
    }
    folders = [landing / feed for feed in FEEDS] + [landing / FOLDER / table for table in TABLES]
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            name = _period_name(path)
            if name and path.is_file() and (path.suffix == ".part" or name not in orders):
                path.unlink()


def _period_name(path: Path) -> str | None:
    """Return what the files of one period have in common in their names; None for others."""
    kind = _KEY_PART if path.parent.parent.name == FOLDER else _FEED_FILE
    match = kind.fullmatch(path.name.removesuffix(".part"))
    return match and match[1]
