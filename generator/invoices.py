"""Invoices of the web store: sales, their cancellations, and corrections of its stock.

An invoice is a pure function of (seed, day, its number that day). A cancellation is decided
with the sale it undoes, at most `MAX_DAYS_LATER` days before: a day looks that far back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from generator.catalogue import read_catalogue
from generator.outlets import numbered, share_of_orders
from generator.randomness import (
    Choice,
    Indices,
    Quantiles,
    Words,
    draw_below,
    draw_words,
    happens,
)
from generator.world import World, each_day

INVOICES_A_DAY = 10  # on a mean day of the largest worlds
ORDERS_PER_INVOICE = 40  # one web invoice for every forty orders of the tills
ORDERS_PER_CUSTOMER = 160  # four invoices each on average
FIRST_CUSTOMER, MAX_CUSTOMERS = 12_346, 80_000  # numbers of five digits
MAX_DAYS_LATER = 30  # between a sale and its cancellation

# Parts per million: of drawn lines, then of invoices. As counted in Online Retail: 0.56 %
# of the lines are no merchandise, 15 % of the invoices cancel, with 1.8 % of the lines.
CODE_RATE = 4_500
CANCELLATION_RATE = 185_000
CORRECTION_RATE = 33_000
MISTAKE_RATE = 2_000

COUNTRY_WEIGHTS = {
    "France": 820,
    "Belgium": 50,
    "Germany": 40,
    "Switzerland": 25,
    "Italy": 20,
    "Spain": 20,
    "Netherlands": 15,
    "Luxembourg": 10,
}
HOME = "France"

# Code, description, price in cents and weight; the price of M is drawn up to that limit.
CODES = [
    ("POST", "POSTAGE", 890, 50),
    ("DOT", "DOTCOM POSTAGE", 1490, 10),
    ("M", "Manual", 5000, 20),
    ("BANK CHARGES", "Bank Charges", 1500, 6),
    ("S", "SAMPLES", 490, 5),
    ("gift_0001_20", "Gift Voucher 20.00", 2000, 7),
    ("TEST001", "This is a test product.", 450, 2),
]

_MEAN_LINES = 12  # as drawn: ten different codes are left of them
_QUANTITIES, _QUANTITY_WEIGHTS = (1, 2, 3, 4, 6, 12), [62, 20, 8, 5, 3, 2]
_PRICE_PERCENTS, _PRICE_WEIGHTS = (100, 95, 90, 105), [80, 8, 5, 7]
_HUNDREDS_BY_MISTAKE = 40  # 400 to 4,400 of one figurine
_OPENS, _CLOSES = 7 * 3600, 22 * 3600  # seconds of the day: no clock changes in between
_LINE_BITS = np.uint64(8)  # an invoice keeps 256 numbers for its lines
_DAY_SECONDS = 24 * 3600
_DAY_ZERO, _NUMBERS_PER_DAY = date(2010, 1, 1), 100_000


class Kind(StrEnum):
    """Why an invoice was written."""

    SALE = "sale"
    CANCELLATION = "cancellation"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Line:
    """One code of an invoice; `quantity` is below 0 where goods come back or are lost."""

    code: str
    description: str
    quantity: int
    price_cents: int
    is_figurine: bool


@dataclass(frozen=True)
class Invoice:
    """Lines written at one second of a local day; a correction has no customer."""

    kind: Kind
    second: int
    customer: str
    country: str
    lines: list[Line]


@dataclass(frozen=True)
class Sale:
    """An invoice of goods, and the one that cancels a part of it some days later, if any."""

    invoice: Invoice
    cancellation: Invoice | None
    days_later: int


@dataclass(frozen=True, eq=False)
class WebStore:
    """What the web store sells and to whom; compared by identity, to be remembered by."""

    world: World
    goods: list[tuple[str, str, int]]  # SKU, name, price in cents
    popularity: Choice
    visits: Choice
    countries: list[str]

    def words(self, stream: str, counters: Words) -> Words:
        """Draw from one of the streams of the web store."""
        return draw_words(self.world.seed, f"web {stream}", counters)


def open_web_store(world: World) -> WebStore:
    """Invent the customers of a world's web store; few of them buy most of it."""
    items = read_catalogue()
    count = min(max(world.orders // ORDERS_PER_CUSTOMER, 5), MAX_CUSTOMERS)
    customers = np.arange(count, dtype=np.uint64)
    rates = Quantiles.read("purchase_rate").pick(draw_words(world.seed, "web rate", customers))
    homes = Choice.of(list(COUNTRY_WEIGHTS.values())).pick(
        draw_words(world.seed, "web country", customers)
    )
    names = list(COUNTRY_WEIGHTS)
    return WebStore(
        world=world,
        goods=[(item.sku, item.name, item.price_cents) for item in items],
        popularity=Choice.of([item.weight for item in items]),
        visits=Choice.of(rates + 1),
        countries=[names[home] for home in homes.tolist()],
    )


def invoices_of(store: WebStore, day: date) -> list[tuple[str, Invoice]]:
    """Return the day's invoices with their numbers, which rise with the time of day.

    The number of a cancellation begins with C, and refers to no other.
    """
    since = max(store.world.first_day, day - timedelta(days=MAX_DAYS_LATER))
    cancellations = [
        sale.cancellation
        for earlier in each_day(since, day)
        for sale in _sell(store, earlier)
        if sale.cancellation and earlier + timedelta(days=sale.days_later) == day
    ]
    sales = [sale.invoice for sale in _sell(store, day)]
    invoices = sorted([*sales, *cancellations, *_correct(store, day)], key=lambda i: i.second)
    first = (day - _DAY_ZERO).days * _NUMBERS_PER_DAY
    return [
        (f"{'C' if invoice.kind is Kind.CANCELLATION else ''}{number}", invoice)
        for number, invoice in enumerate(invoices, start=first)
    ]


@lru_cache(maxsize=MAX_DAYS_LATER + 1)
def _sell(store: WebStore, day: date) -> tuple[Sale, ...]:
    """Sell for one day; the days that the next one looks back to are remembered."""
    numbers = numbered(
        day, share_of_orders(store.world, "web share", day, ORDERS_PER_INVOICE, INVOICES_A_DAY)
    )
    seconds = _OPENS + draw_below(store.words("second", numbers), _CLOSES - _OPENS)
    buyers = store.visits.pick(store.words("buyer", numbers))
    mistakes = happens(store.words("mistake", numbers), MISTAKE_RATE)
    cancelled = happens(store.words("cancellation", numbers), CANCELLATION_RATE) | mistakes
    chances = store.words("cancelled part", numbers).tolist()
    later, moments = _cancellation_times(store, numbers, seconds, mistakes)
    sales = []
    for i, lines in enumerate(_lines(store, numbers, mistakes)):
        buyer = int(buyers[i])
        customer, country = str(FIRST_CUSTOMER + buyer), store.countries[buyer]
        undone = _undone(lines, chances[i], whole=bool(mistakes[i])) if cancelled[i] else []
        sales.append(
            Sale(
                Invoice(Kind.SALE, int(seconds[i]), customer, country, lines),
                Invoice(Kind.CANCELLATION, int(moments[i]), customer, country, undone)
                if undone
                else None,
                int(later[i]),
            )
        )
    return tuple(sales)


def _cancellation_times(
    store: WebStore, numbers: Words, seconds: Indices, mistakes: NDArray[np.bool_]
) -> tuple[Indices, Indices]:
    """Draw how many days later a sale would be cancelled, and at which second of that day.

    More than half of the cancellations come within four days. One of the same day comes
    after its sale, that of a mistake within a quarter of an hour.
    """
    waits = Quantiles.read("exponential").pick(store.words("days later", numbers))
    later = np.where(mistakes, 0, np.minimum(waits * 6 // 1000, MAX_DAYS_LATER))
    words = store.words("cancellation second", numbers)
    on_another_day = _OPENS + draw_below(words, _CLOSES - _OPENS)
    left = np.where(mistakes, 14 * 60, _DAY_SECONDS - 60 - seconds)
    on_the_day = seconds + 60 + draw_below(words, left.astype(np.uint64))
    return later, np.where(later == 0, on_the_day, on_another_day)


def _lines(store: WebStore, numbers: Words, mistakes: NDArray[np.bool_]) -> Iterator[list[Line]]:
    """Draw the lines of each invoice; a code that is drawn again is left out."""
    drawn = Quantiles.read("exponential").pick(store.words("lines", numbers))
    sizes = np.where(mistakes, 1, 1 + drawn * _MEAN_LINES // 1000)
    owners = np.repeat(np.arange(len(numbers)), sizes)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    counters = (numbers[owners] << _LINE_BITS) | within.astype(np.uint64)
    lines = _draw_lines(store, counters, mistakes[owners])
    for size in sizes.tolist():
        by_code: dict[str, Line] = {}
        for _ in range(size):
            line = next(lines)
            by_code.setdefault(line.code, line)
        yield list(by_code.values())


def _draw_lines(store: WebStore, counters: Words, mistakes: NDArray[np.bool_]) -> Iterator[Line]:
    """Draw one line per counter: a figurine, or now and then a code that is none."""
    figurines = store.popularity.pick(store.words("figurine", counters)).tolist()
    codes = Choice.of([weight for *_, weight in CODES]).pick(store.words("code", counters))
    others = ~mistakes & happens(store.words("no figurine", counters), CODE_RATE)
    quantities = np.array(_QUANTITIES)[
        Choice.of(_QUANTITY_WEIGHTS).pick(store.words("quantity", counters))
    ]
    hundreds = 4 + draw_below(store.words("hundreds", counters), _HUNDREDS_BY_MISTAKE + 1)
    percents = np.array(_PRICE_PERCENTS)[
        Choice.of(_PRICE_WEIGHTS).pick(store.words("price", counters))
    ]
    manual = draw_below(store.words("manual", counters), 5000) + 1
    counts = np.where(mistakes, hundreds * 100, quantities).tolist()
    for i, other in enumerate(others.tolist()):
        if other:
            code, description, price, _ = CODES[codes[i]]
            yield Line(code, description, 1, int(manual[i]) if code == "M" else price, False)
        else:
            code, description, price = store.goods[figurines[i]]
            yield Line(code, description, counts[i], price * int(percents[i]) // 100, True)


def _undone(lines: list[Line], chance: int, whole: bool) -> list[Line]:
    """Return the line that cancels one of the figurines, all of it or a part."""
    figurines = [line for line in lines if line.is_figurine]
    if not figurines:
        return []
    line = figurines[chance % len(figurines)]
    quantity = line.quantity if whole else 1 + (chance >> 32) % line.quantity
    return [Line(line.code, line.description, -quantity, line.price_cents, True)]


def _correct(store: WebStore, day: date) -> list[Invoice]:
    """Write off goods of the stock: no customer, no price, and no C before the number."""
    count = share_of_orders(store.world, "web share", day, ORDERS_PER_INVOICE, INVOICES_A_DAY)
    numbers = numbered(day, count)
    numbers = numbers[happens(store.words("correction", numbers), CORRECTION_RATE)]
    seconds = _OPENS + draw_below(store.words("correction second", numbers), _CLOSES - _OPENS)
    figurines = store.popularity.pick(store.words("correction figurine", numbers))
    quantities = 1 + draw_below(store.words("correction quantity", numbers), 20)
    invoices = []
    for second, figurine, lost in zip(
        seconds.tolist(), figurines.tolist(), quantities.tolist(), strict=True
    ):
        code, name, _ = store.goods[figurine]
        lines = [Line(code, name, -lost, 0, True)]
        invoices.append(Invoice(Kind.CORRECTION, second, "", HOME, lines))
    return invoices
