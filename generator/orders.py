"""Orders as the tills record them: one line per unit, a basket shares its TXID.

Everything about an order is a pure function of (seed, attribute, day, number of the order
that day), so a day is the same in whatever run, block or process it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from generator.catalogue import Item
from generator.demand import Clock, is_sale_day
from generator.identifiers import sgtin96, uuid7
from generator.people import Customers
from generator.randomness import Choice, Indices, Words, draw_below, draw_words
from generator.world import MAX_ORDERS_PER_DAY, World, WorldError

FIRST_DAY = date(2010, 1, 1)  # day 0 of the identifiers; 14 bits of days last until 2054
LAST_DAY = FIRST_DAY + timedelta(days=(1 << 14) - 1)
_UNITS_PER_ORDER = 16  # the numbers an order keeps for its units: 4 of a day's 24 bits

_BASKET_SIZES = [70, 18, 7, 3, 2]  # 1 to 5 units
_STORE_BY_REGION = {
    "11": "BOUTIQUE-PARIS-01",
    "84": "BOUTIQUE-LYON-01",
    "93": "POPUP-MARSEILLE-01",
}
_FAR_FROM_A_STORE = "BOUTIQUE-PARIS-01"  # where people from elsewhere shop when they travel
_IN_PERSON_PERCENT = {True: 65, False: 12}  # near a store, far from one

# What people do not tell the till, in percent of orders.
_WITHHELD_PERCENT = {"address": 8, "phone": 12, "email": 10, "contact": 40}

_DISCOUNT_PERCENTS = (0, 10, 15, 20, 30)
_DISCOUNT_WEIGHTS = {True: [40, 20, 15, 15, 10], False: [97, 3, 0, 0, 0]}


@dataclass(frozen=True)
class Shop:
    """What a day of selling needs to know."""

    world: World
    items: list[Item]
    customers: Customers


def order_lines(shop: Shop, day: date) -> Iterator[str]:
    """Yield the JSON lines of one business day in Paris, sorted by purchase time."""
    count = shop.world.orders_on(day)
    if count == 0:
        return
    if count > MAX_ORDERS_PER_DAY:
        raise WorldError(f"{day} would have {count:,} orders, more than its tags: ask for fewer.")
    seed, numbers = shop.world.seed, np.arange(count, dtype=np.uint64)
    orders = (np.uint64((day - FIRST_DAY).days) << np.uint64(20)) | numbers
    buyers = shop.customers.visits.pick(draw_words(seed, "buyer", orders)).tolist()
    in_person = _choose_channel(shop, day, orders, buyers)
    moments = _moments(seed, day, orders, in_person)
    owners, units = _units(seed, orders)

    heads = uuid7(seed, moments // np.uint64(1000), orders).tolist()
    middles = _buyer_texts(shop, orders, buyers, moments)
    tails = _site_texts(shop, buyers, in_person)
    rfids, names, amounts = _unit_texts(shop, day, units)
    owner_of = owners.tolist()
    for unit in np.lexsort((units, moments[owners])).tolist():
        order = owner_of[unit]
        yield (
            f'{{"txid":"{heads[order]}","rfid":"{rfids[unit]}","item":"{names[unit]}",'
            f"{middles[order]},{amounts[unit]},{tails[order]}}}"
        )


def _choose_channel(shop: Shop, day: date, orders: Words, buyers: list[int]) -> NDArray[np.bool_]:
    """Tell which orders are placed in a store; the stores are closed on Sunday."""
    if day.weekday() == 6:
        return np.zeros(len(orders), dtype=np.bool_)
    near = np.array([shop.customers.home_region[b] in _STORE_BY_REGION for b in buyers])
    percent = np.where(near, _IN_PERSON_PERCENT[True], _IN_PERSON_PERCENT[False])
    return draw_below(draw_words(shop.world.seed, "channel", orders), 100) < percent


def _moments(seed: int, day: date, orders: Words, in_person: NDArray[np.bool_]) -> Words:
    """Draw purchase times, in microseconds since 1970 UTC, inside the Paris day."""
    clock = Clock.of(day)
    words = draw_words(seed, "hour", orders)
    hours = np.where(
        in_person,
        clock.by_channel["in_person"].pick(words),
        clock.by_channel["online"].pick(words),
    ).astype(np.uint64)
    second = draw_below(draw_words(seed, "second", orders), 3600).astype(np.uint64)
    micro = draw_below(draw_words(seed, "microsecond", orders), 1_000_000).astype(np.uint64)
    start = np.uint64(int(clock.midnight.timestamp()) * 1_000_000)
    return start + (hours * np.uint64(3600) + second) * np.uint64(1_000_000) + micro


def _units(seed: int, orders: Words) -> tuple[Indices, Words]:
    """Return, for each unit sold, the position of its order and its number in the world."""
    sizes = Choice.of(_BASKET_SIZES).pick(draw_words(seed, "basket", orders)) + 1
    owners = np.repeat(np.arange(len(orders)), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    within = (np.arange(len(owners)) - first).astype(np.uint64)
    return owners, orders[owners] * np.uint64(_UNITS_PER_ORDER) + within


def _buyer_texts(shop: Shop, orders: Words, buyers: list[int], moments: Words) -> list[str]:
    """Render when each order was placed and what its buyer told the till."""
    customers = shop.customers
    times = moments.astype("datetime64[us]").astype(str).tolist()
    told = [
        (draw_below(draw_words(shop.world.seed, f"told {what}", orders), 100) >= share).tolist()
        for what, share in _WITHHELD_PERCENT.items()
    ]
    return [
        f'"purchase_time":"{time}","name":{customers.name[buyer]},'
        f'"address":{customers.address[buyer] if address else "null"},'
        f'"phone":{customers.phone[buyer] if phone else "null"},'
        f'"email":{customers.email[buyer] if email else "null"},'
        f'"emergency_contact":{customers.contact[buyer] if contact else "null"}'
        for time, buyer, address, phone, email, contact in zip(times, buyers, *told, strict=True)
    ]


def _site_texts(shop: Shop, buyers: list[int], in_person: NDArray[np.bool_]) -> list[str]:
    """Render channel and store; people far from a store visit the one in Paris."""
    regions = [shop.customers.home_region[buyer] for buyer in buyers]
    return [
        f'"channel":"in_person","store_id":"{_STORE_BY_REGION.get(region, _FAR_FROM_A_STORE)}"'
        if present
        else '"channel":"online","store_id":null'
        for region, present in zip(regions, in_person.tolist(), strict=True)
    ]


def _unit_texts(shop: Shop, day: date, units: Words) -> tuple[list[str], list[str], list[str]]:
    """Render each unit's tag, its item and its amounts; a discount is whole cents."""
    seed, items = shop.world.seed, shop.items
    chosen = Choice.of([item.weight for item in items]).pick(draw_words(seed, "item", units))
    references = np.array([item.reference for item in items])[chosen]
    prices = np.array([item.price_cents for item in items])[chosen]
    weights = _DISCOUNT_WEIGHTS[is_sale_day(day)]
    percents = np.array(_DISCOUNT_PERCENTS)[
        Choice.of(weights).pick(draw_words(seed, "discount", units))
    ]
    amounts = [
        f'"unit_price":{_euros(price)},"discount":{_euros(price * percent // 100)}'
        for price, percent in zip(prices.tolist(), percents.tolist(), strict=True)
    ]
    names = [items[index].name for index in chosen.tolist()]
    return sgtin96(seed, units, references).tolist(), names, amounts


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
