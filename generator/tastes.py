"""What is liked where, when and together: the weights behind every draw of an item."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache

import numpy as np

from generator.catalogue import Item, item_number, read_catalogue
from generator.demand import effects_on, monday_of
from generator.randomness import Choices, Indices, draw_below, draw_words

BASKET_SIZES = (70, 18, 7, 3, 2)  # of 100 orders, how many have 1 to 5 units
UNITS_PER_100_ORDERS = sum(size * orders for size, orders in enumerate(BASKET_SIZES, start=1))

# Where a style is liked more than elsewhere: region code, style, percent.
AFFINITIES = {
    "53": ("Pirate", 220),  # Bretagne
    "76": ("Astronaute", 220),  # Occitanie: Toulouse builds rockets
    "44": ("Vampire", 180),  # Grand Est
}
_PROMOTION_BOOST_PERCENT = 200
PROMOTION_DISCOUNT_PERCENT = 20


@dataclass(frozen=True)
class PlantedPair:
    """Whoever takes `item` first in a basket of two or more takes `companion` with it.

    Not always: in `attach_percent` of such baskets, as the second unit.
    """

    item: str
    companion: str
    attach_percent: int


PLANTED_PAIRS = (
    PlantedPair("Statue Kirsten Pirate Regular", "Statue Sasha Pirate Regular", 40),
    PlantedPair("Statue Corentin Vampire Gold", "Statue Kirsten Vampire Gold", 50),
    PlantedPair("Statue Matteo Policier Regular", "Statue Matteo Policier Silver", 45),
    PlantedPair("Statue Sasha Astronaute Silver", "Statue Corentin Astronaute Silver", 40),
)


def stated_lift(pair: PlantedPair) -> Fraction:
    """Return P(both) / (P(item) P(companion)) over all baskets of a plain day, exactly."""
    item, companion = item_number(pair.item), item_number(pair.companion)
    without_item, without_companion = _share_without({item}), _share_without({companion})
    both = 1 - without_item - without_companion + _share_without({item, companion})
    return both / ((1 - without_item) * (1 - without_companion))


def _share_without(absent: set[int]) -> Fraction:
    """Return the share of baskets that hold none of these items."""
    weights = [item.weight for item in read_catalogue()]
    total = sum(weights)
    plain = Fraction(sum(weights[i] for i in absent), total)
    companions = {item_number(p.item): p for p in PLANTED_PAIRS}
    first_two = Fraction(0)
    for first, weight in enumerate(weights):
        if first in absent:
            continue
        pair = companions.get(first)
        attach = Fraction(pair.attach_percent, 100) if pair else Fraction(0)
        attached = pair is not None and item_number(pair.companion) in absent
        first_two += Fraction(weight, total) * (1 - (1 - attach) * plain - attach * attached)
    share = Fraction(BASKET_SIZES[0], 100) * (1 - plain)
    for size, percent in enumerate(BASKET_SIZES[1:], start=2):
        share += Fraction(percent, 100) * first_two * (1 - plain) ** (size - 2)
    return share


@cache
def companions() -> tuple[Indices, Indices]:
    """Return for each item its planted companion (or −1) and the attach rate per million."""
    partner = np.full(len(read_catalogue()), -1, dtype=np.int64)
    rate = np.zeros(len(partner), dtype=np.int64)
    for pair in PLANTED_PAIRS:
        partner[item_number(pair.item)] = item_number(pair.companion)
        rate[item_number(pair.item)] = pair.attach_percent * 10_000
    return partner, rate


def promoted_item(seed: int, monday: date) -> int:
    """Return the figurine of the week, in the week that begins on that Monday."""
    counter = np.array([monday.toordinal()], dtype=np.uint64)
    return int(draw_below(draw_words(seed, "promotion", counter), len(read_catalogue()))[0])


def is_of_kind(item: Item, kind: str | None) -> bool:
    """Tell whether a founder, a style or a finish names a figurine's kind."""
    return kind in (item.founder, item.style, item.finish)


def weights_on(seed: int, day: date) -> Indices:
    """Return the weight of each item on that day, without regard to the region, shape (61,)."""
    items = read_catalogue()
    weights = np.array([item.weight for item in items], dtype=np.int64)
    for effect in effects_on(day):
        liked = np.array([is_of_kind(item, effect.kind) for item in items])
        weights = np.where(liked, weights * effect.boost_percent // 100, weights)
    promoted = promoted_item(seed, monday_of(day))
    weights[promoted] = weights[promoted] * _PROMOTION_BOOST_PERCENT // 100
    return weights


def tastes_of(seed: int, days: list[date]) -> Choices:
    """Return the choice of an item for each day and each taste, row `day × TASTES + taste`.

    Taste 0 is that of most regions; taste n is that of the n-th region of AFFINITIES.
    """
    items = read_catalogue()
    rows = []
    for day in days:
        weights = weights_on(seed, day)
        rows.append(weights)
        for style, percent in AFFINITIES.values():
            liked = np.array([item.style == style for item in items])
            rows.append(np.where(liked, weights * percent // 100, weights))
    return Choices.of(np.array(rows))


TASTES = 1 + len(AFFINITIES)


def taste_of_region(region_code: str) -> int:
    """Return which taste a region has."""
    return list(AFFINITIES).index(region_code) + 1 if region_code in AFFINITIES else 0
