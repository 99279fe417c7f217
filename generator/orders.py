"""Orders as customers place them: baskets, items, prices, in the order of time.

Everything about an order is a pure function of (seed, attribute, number), and the number is
the day and the order's place in it, so a day is the same in whatever run, block or process
it is made. What a customer wants and does not find depends on the week before her: a week is
made from its Monday on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from generator.catalogue import prices_on, read_catalogue, references
from generator.customers import Customers, choose_buyers
from generator.demand import OPENING_HOURS, Clock, is_open_day, is_sale_day
from generator.randomness import (
    Choice,
    Choices,
    Indices,
    Words,
    draw_below,
    draw_words,
    happens,
)
from generator.stock import LOCATIONS, Shelves
from generator.tastes import (
    BASKET_SIZES,
    PROMOTION_DISCOUNT_PERCENT,
    TASTES,
    companions,
    promoted_item,
    tastes_of,
)
from generator.world import FIRST_DAY, MAX_ORDERS_PER_DAY, World, WorldError

# Arrays of 64 thousand orders stay in the processor's cache.
BLOCK_ORDERS = 1 << 16
UNITS_PER_ORDER = 16  # the numbers an order keeps for its units: 4 of a day's 24 bits

_IN_PERSON_PERCENT = np.array([18, 85, 1])  # while stores are open, by `Customers.nearness`
DISCOUNT_PERCENTS = np.array([0, 10, 15, 20, 30])
_DISCOUNT_WEIGHTS = np.array([[97, 3, 0, 0, 0], [40, 20, 15, 15, 10]])  # plain days, sales
_PROMOTION = DISCOUNT_PERCENTS.tolist().index(PROMOTION_DISCOUNT_PERCENT)
_HOUR = 3_600_000_000  # microseconds


@dataclass(frozen=True)
class Shop:
    """What a day of selling needs to know."""

    world: World
    customers: Customers


@dataclass(frozen=True)
class Block:
    """Orders of some days of one week, and the units of them that were sold.

    Orders have arrays of shape (orders,), units of shape (units,), both in the order of
    time; `owner` is the position of a unit's order. Counts have shape (7, locations, items).
    """

    monday: date
    days: list[date]
    ends_day: bool
    order: Words
    day: Indices
    moment: Words
    buyer: Indices
    location: Indices
    owner: Indices
    unit: Words
    item: Indices
    price_cents: Indices
    percent: Indices  # position in DISCOUNT_PERCENTS
    units_wanted: Indices
    units_sold: Indices

    @property
    def discount_cents(self) -> Indices:
        """What was taken off each unit's price: whole cents, rounded down."""
        discount: Indices = self.price_cents * DISCOUNT_PERCENTS[self.percent] // 100
        return discount

    @property
    def first_units(self) -> Indices:
        """The position of the first unit of each order that took any."""
        return np.flatnonzero(np.diff(self.owner, prepend=-1))

    @property
    def reference(self) -> Indices:
        """The number of each unit's item inside its RFID."""
        return references()[self.item]


@dataclass(frozen=True)
class Week:
    """What the seven days of a week have in common, and in what they differ."""

    monday: date
    clocks: list[Clock]
    tastes: Choices
    prices: Indices
    on_sale: Indices
    promoted: int
    active: Indices


def sell_week(
    shop: Shop,
    monday: date,
    shelves: Shelves,
    last_days: Iterable[date],
    block_orders: int = BLOCK_ORDERS,
) -> Iterator[Block]:
    """Yield the orders of a week until the last of `last_days`, day after day.

    A block ends at each of `last_days`, and when it is full; `shelves` are emptied.
    """
    week = begin_week(shop, monday)
    first = max(monday, shop.world.first_day)
    ends = sorted(day for day in last_days if first <= day <= monday + timedelta(days=6))
    pieces: list[tuple[int, Words, Words]] = []
    room = block_orders
    for number in range((first - monday).days, (ends[-1] - monday).days + 1):
        day = monday + timedelta(days=number)
        orders = _number_orders(shop.world, day)
        moments = _moments(shop.world.seed, week.clocks[number], orders)
        while len(orders) > room:
            pieces.append((number, orders[:room], moments[:room]))
            yield sell(shop, week, shelves, pieces, ends_day=False)
            orders, moments = orders[room:], moments[room:]
            pieces, room = [], block_orders
        pieces.append((number, orders, moments))
        room -= len(orders)
        if day in ends or room == 0:
            yield sell(shop, week, shelves, pieces, ends_day=True)
            pieces, room = [], block_orders


def begin_week(shop: Shop, monday: date) -> Week:
    """Prepare what the days of a week need."""
    days = [monday + timedelta(days=i) for i in range(7)]
    first = (monday - shop.world.first_day).days
    return Week(
        monday=monday,
        clocks=[Clock.of(day) for day in days],
        tastes=tastes_of(shop.world.seed, days),
        prices=np.array([prices_on(day) for day in days]),
        on_sale=np.array([int(is_sale_day(day)) for day in days]),
        promoted=promoted_item(shop.world.seed, monday),
        active=shop.customers.active_in(first, max(first + 6, 0)),
    )


def _number_orders(world: World, day: date) -> Words:
    count = world.orders_on(day)
    if count > MAX_ORDERS_PER_DAY:
        raise WorldError(f"{day} would have {count:,} orders, more than its tags: ask for fewer.")
    numbers = np.arange(count, dtype=np.uint64)
    return (np.uint64((day - FIRST_DAY).days) << np.uint64(20)) | numbers


def _moments(seed: int, clock: Clock, orders: Words) -> Words:
    """Draw purchase times, in microseconds since 1970 UTC, inside the Paris day, sorted."""
    hours = clock.hours.pick(draw_words(seed, "hour", orders)).astype(np.uint64)
    within = draw_below(draw_words(seed, "microsecond", orders), _HOUR).astype(np.uint64)
    start = np.uint64(int(clock.midnight.timestamp()) * 1_000_000)
    return np.sort(start + hours * np.uint64(_HOUR) + within)


def sell(
    shop: Shop,
    week: Week,
    shelves: Shelves,
    pieces: list[tuple[int, Words, Words]],
    *,
    ends_day: bool,
) -> Block:
    """Place the orders of some days of a week: (weekday, numbers, moments) for each."""
    seed, customers = shop.world.seed, shop.customers
    order = np.concatenate([orders for _, orders, _ in pieces])
    moment = np.concatenate([moments for _, _, moments in pieces])
    day = np.repeat([number for number, _, _ in pieces], [len(orders) for _, orders, _ in pieces])
    buyer = choose_buyers(customers, week.active, draw_words(seed, "buyer", order))
    location = _locations(seed, week, customers, order, day, moment, buyer)

    sizes = Choice.of(list(BASKET_SIZES)).pick(draw_words(seed, "basket", order)) + 1
    owner = np.repeat(np.arange(len(order)), sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    unit = order[owner] * np.uint64(UNITS_PER_ORDER) + within.astype(np.uint64)
    item = _items(seed, week, unit, day[owner], customers.taste[buyer][owner], within)

    is_sold = shelves.take(location[owner], item)
    wanted = _count(day, location, owner, item)
    owner, unit, item = owner[is_sold], unit[is_sold], item[is_sold]
    choice = Choices.of(_DISCOUNT_WEIGHTS)
    percent = choice.pick(draw_words(seed, "discount", unit), week.on_sale[day[owner]])
    return Block(
        monday=week.monday,
        days=[week.monday + timedelta(days=number) for number, _, _ in pieces],
        ends_day=ends_day,
        order=order,
        day=day,
        moment=moment,
        buyer=buyer,
        location=location,
        owner=owner,
        unit=unit,
        item=item,
        price_cents=week.prices[day[owner], item],
        percent=np.where(item == week.promoted, np.maximum(percent, _PROMOTION), percent),
        units_wanted=wanted,
        units_sold=_count(day, location, owner, item),
    )


def _locations(
    seed: int,
    week: Week,
    customers: Customers,
    order: Words,
    day: Indices,
    moment: Words,
    buyer: Indices,
) -> Indices:
    """Choose where each order is placed: 0 online, else the store; when they are open."""
    midnights = np.array([int(c.midnight.timestamp()) for c in week.clocks], dtype=np.uint64)
    passed = (moment - midnights[day] * np.uint64(1_000_000)) // np.uint64(_HOUR)
    is_open = np.zeros((7, 25), dtype=np.bool_)
    for number, clock in enumerate(week.clocks):
        if is_open_day(week.monday + timedelta(days=number)):
            hours = [hour in OPENING_HOURS for hour in clock.local_hours]
            is_open[number, : len(hours)] = hours
    percent = _IN_PERSON_PERCENT[customers.nearness[buyer]]
    in_person = happens(draw_words(seed, "channel", order), percent * 10_000)
    in_person &= is_open[day, passed.astype(np.int64)]
    return np.where(in_person, customers.store[buyer], 0)


def _items(
    seed: int, week: Week, unit: Words, day: Indices, taste: Indices, within: Indices
) -> Indices:
    """Choose each unit's item; a planted pair's companion follows its first item."""
    item = week.tastes.pick(draw_words(seed, "item", unit), day * TASTES + taste)
    partner, rate = companions()
    second = np.flatnonzero(within == 1)
    first_item = item[second - 1]
    follows = happens(draw_words(seed, "companion", unit[second]), rate[first_item])
    item[second[follows]] = partner[first_item[follows]]
    return item


def _count(day: Indices, location: Indices, owner: Indices, item: Indices) -> Indices:
    """Count units by day, location and item, shape (7, locations, items)."""
    shape = (7, len(LOCATIONS), len(read_catalogue()))
    key = (day[owner] * shape[1] + location[owner]) * shape[2] + item
    return np.bincount(key, minlength=shape[0] * shape[1] * shape[2]).reshape(shape)
