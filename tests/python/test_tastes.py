import csv
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from conftest import ROOT
from sampling import ITEMS, assert_follows, assert_share, local_days, open_shop, sell_plan

from generator.catalogue import item_number, read_catalogue
from generator.demand import effects_on
from generator.places import Place
from generator.tastes import (
    BASKET_SIZES,
    PLANTED_PAIRS,
    TASTES,
    companions,
    promoted_item,
    stated_lift,
    taste_of_region,
    tastes_of,
    weights_on,
)
from generator.world import World

SEED = 42
PLAIN_WEEK = date(2026, 3, 9)  # a Monday; nothing is celebrated
WEIGHTS = np.array([item.weight for item in read_catalogue()], dtype=float)
ATTACHED = {
    item_number(p.item): (item_number(p.companion), p.attach_percent) for p in PLANTED_PAIRS
}


def shop_of(*regions: str):
    """A shop with 400,000 orders in a plain week, its customers at home in these regions."""
    places = [Place("Ville", None, "00000", "FR", region, 1) for region in regions]
    return open_shop(World(SEED, 400_000, 7, PLAIN_WEEK), places)


def promoted_weights(seed: int = SEED, monday: date = PLAIN_WEEK) -> np.ndarray:
    weights = WEIGHTS.copy()
    weights[promoted_item(seed, monday)] *= 2
    return weights


def share_with(weights: np.ndarray, item: int, companion: int) -> tuple[float, float, float]:
    """Return how many baskets hold the item, the companion, and both.

    All first and second units are listed; each unit after them takes the basket from one of
    four states to another: neither, item, companion, both.
    """
    share = weights / weights.sum()

    def held(number: int) -> int:
        return (number == item) + 2 * (number == companion)

    one = np.zeros(4)
    for first in range(ITEMS):
        one[held(first)] += share[first]
    two = np.zeros(4)
    for first in range(ITEMS):
        second_share = share.copy()
        if first in ATTACHED:
            partner, percent = ATTACHED[first]
            second_share *= 1 - percent / 100
            second_share[partner] += percent / 100
        for second in range(ITEMS):
            two[held(first) | held(second)] += share[first] * second_share[second]
    total = BASKET_SIZES[0] / 100 * one
    for percent in BASKET_SIZES[1:]:
        total += percent / 100 * two
        more = np.zeros(4)
        for state in range(4):
            for number in range(ITEMS):
                more[state | held(number)] += two[state] * share[number]
        two = more
    return total[1] + total[3], total[2] + total[3], total[3]


@pytest.fixture(scope="module")
def plain_block():
    """A week in a shop whose customers all have the taste of most regions."""
    assert not any(effects_on(day) for day in local_days(PLAIN_WEEK, 7))
    block = sell_plan(shop_of("24"), endless=True, block_orders=1 << 20)
    assert len(block) == 1
    return block[0]


def test_seventy_of_a_hundred_baskets_hold_one_unit():
    assert BASKET_SIZES == (70, 18, 7, 3, 2)


@pytest.mark.parametrize("pair", PLANTED_PAIRS, ids=lambda pair: pair.item)
def test_the_stated_lift_is_that_of_all_baskets_listed(pair):
    with_item, with_companion, both = share_with(
        WEIGHTS, item_number(pair.item), item_number(pair.companion)
    )
    assert float(stated_lift(pair)) == pytest.approx(both / (with_item * with_companion), rel=1e-9)
    assert stated_lift(pair) > 1.5  # else nobody could find it


@pytest.mark.parametrize("pair", PLANTED_PAIRS, ids=lambda pair: pair.item)
def test_planted_pairs_are_bought_together_as_often_as_they_should(plain_block, pair):
    item, companion = item_number(pair.item), item_number(pair.companion)
    expected = share_with(promoted_weights(), item, companion)
    baskets = len(plain_block.order)
    holding = [set(plain_block.owner[plain_block.item == i].tolist()) for i in (item, companion)]
    found = (len(holding[0]), len(holding[1]), len(holding[0] & holding[1]))
    for count, share in zip(found, expected, strict=True):
        assert_share(count, baskets, share)
    # The promoted figurine moves all shares a little: the stated lift is that of other weeks.
    lift = found[2] * baskets / (found[0] * found[1])
    assert lift == pytest.approx(float(stated_lift(pair)), rel=0.1)


def test_the_two_units_of_a_basket_follow_each_other_as_planted_and_else_at_random(plain_block):
    sizes = np.bincount(plain_block.owner, minlength=len(plain_block.order))
    first = np.flatnonzero((sizes == 2)[plain_block.owner])[::2]
    counts = np.zeros((ITEMS, ITEMS))
    np.add.at(counts, (plain_block.item[first], plain_block.item[first + 1]), 1)
    share = promoted_weights() / promoted_weights().sum()
    expected = np.outer(share, share)
    for item, (companion, percent) in ATTACHED.items():
        expected[item] *= 1 - percent / 100
        expected[item, companion] += share[item] * percent / 100
    assert_follows(counts.ravel(), expected.ravel())


def test_pairs_that_nobody_planted_have_a_lift_of_nearly_one(plain_block):
    # Baskets of one unit lower the lift of every pair alike: 1.49 units a basket make
    # 0.78 ordered pairs, so the lift of two independent items is 0.78 / 1.49².
    held = np.unique(plain_block.owner * ITEMS + plain_block.item)
    basket, item = np.divmod(held, ITEMS)
    counts = np.bincount(item, minlength=ITEMS)
    both: Counter = Counter()
    for step in range(1, 5):
        same = basket[step:] == basket[:-step]
        both.update(zip(item[:-step][same].tolist(), item[step:][same].tolist(), strict=True))
    pair_rate = sum(p * n * (n - 1) for n, p in enumerate(BASKET_SIZES, start=1)) / 100
    base = pair_rate / (sum(p * n for n, p in enumerate(BASKET_SIZES, start=1)) / 100) ** 2
    popular = np.argsort(-WEIGHTS)[:12].tolist()
    planted = {i for pair in ATTACHED.items() for i in (pair[0], pair[1][0])}
    checked = 0
    for a, b in combinations(sorted(set(popular) - planted), 2):
        expected = base * counts[a] * counts[b] / len(plain_block.order)
        # Two of the same in a basket count once: a few in a hundred of a popular item.
        assert abs(both[a, b] - expected) < 4 * expected**0.5 + 0.06 * expected, (a, b)
        checked += 1
    assert checked > 30


def test_companions_are_the_planted_ones():
    partner, rate = companions()
    assert {
        i: (p, r // 10_000) for i, (p, r) in enumerate(zip(partner, rate, strict=True)) if r
    } == (ATTACHED)
    assert ((partner >= 0) == (rate > 0)).all()


REGIONS = {"53": ("Pirate", 2.2), "76": ("Astronaute", 2.2), "44": ("Vampire", 1.8)}


def test_each_region_buys_what_it_likes():
    shop = shop_of("24", *REGIONS)
    block = sell_plan(shop, endless=True, block_orders=1 << 20)[0]
    home = shop.customers.home[block.buyer]
    first = block.first_units
    for number, region in enumerate(("24", *REGIONS)):
        style, factor = REGIONS.get(region, (None, 1))
        liked = np.array([item.style == style for item in read_catalogue()])
        sold = block.item[first][home[block.owner[first]] == number]
        expected = promoted_weights() * np.where(liked, factor, 1)
        assert_follows(np.bincount(sold, minlength=ITEMS), expected)


def test_only_three_regions_have_a_taste_of_their_own():
    with (ROOT / "seeds" / "regions.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["region_name"]: row["region_code"] for row in csv.DictReader(file)}
    tastes = {name: taste_of_region(code) for name, code in regions.items()}
    special = {name: taste for name, taste in tastes.items() if taste}
    assert special == {"Bretagne": 1, "Occitanie": 2, "Grand Est": 3}
    assert TASTES == 4
    assert taste_of_region("foreign") == 0


def test_the_tastes_of_some_days_lie_day_after_day():
    days = [date(2025, 10, 31), date(2026, 3, 10)]
    tastes = tastes_of(SEED, days)
    weights = np.diff(tastes.flat.reshape(8, ITEMS).astype(np.int64) & ((1 << 40) - 1), axis=1)
    for row, day in ((0, days[0]), (4, days[1])):
        assert weights[row].tolist() == weights_on(SEED, day)[1:].tolist()
    for taste, (style, factor) in enumerate(REGIONS.values(), start=1):
        liked = np.array([item.style == style for item in read_catalogue()])[1:]
        assert (weights[taste][liked] == (weights[0][liked] * factor).astype(np.int64)).all()
        assert (weights[taste][~liked] == weights[0][~liked]).all()


# What is liked more on some days, by hand: kind and factor.
BOOSTS = [
    ("2026-03-10", {}),
    ("2025-01-20", {}),  # winter sales: more orders, the same tastes
    ("2025-10-21", {}),
    ("2025-10-22", {"Vampire": 3}),
    ("2025-10-31", {"Vampire": 3}),
    ("2025-11-01", {}),
    ("2025-09-16", {}),
    ("2025-09-17", {"Pirate": 2.5}),
    ("2025-09-19", {"Pirate": 2.5, "Super-heros": 1.6}),
    ("2025-09-20", {"Super-heros": 1.6}),
    ("2025-09-29", {"Policier": 3}),
    ("2025-07-18", {"Astronaute": 3}),
    ("2025-07-21", {}),
    ("2025-12-11", {"Gold": 1.4}),
    ("2025-12-12", {"Gold": 1.4, "Corentin": 2}),
    ("2025-12-25", {}),
    ("2025-02-08", {"Silver": 1.6}),
    ("2025-05-18", {"Gold": 1.7}),
    ("2025-06-15", {"Policier": 1.8}),
    ("2025-04-22", {"Sasha": 2}),
]


@pytest.mark.parametrize(("day", "boosts"), BOOSTS, ids=[day for day, _ in BOOSTS])
def test_a_celebrated_kind_is_liked_more_on_its_days(day, boosts):
    day = date.fromisoformat(day)
    promoted = promoted_item(SEED, day - timedelta(days=day.weekday()))
    found = weights_on(SEED, day)
    for number, item in enumerate(read_catalogue()):
        expected = Fraction(item.weight)
        for kind, factor in boosts.items():
            if kind in (item.founder, item.style, item.finish):
                expected *= Fraction(str(factor))
        if number == promoted:
            expected *= 2
        # Each product is rounded down.
        assert expected - 6 <= found[number] <= expected, item.name


def test_the_figurine_of_the_week_is_any_of_the_61():
    mondays = [date(2011, 1, 3) + timedelta(days=7 * i) for i in range(1_600)]
    found = [promoted_item(seed, monday) for seed in (1, 2) for monday in mondays]
    assert_follows(np.bincount(found, minlength=ITEMS), np.ones(ITEMS))
    assert set(found) == set(range(ITEMS))
    repeats = sum(a == b for a, b in pairwise(found))
    assert_share(repeats, len(found) - 1, 1 / ITEMS)
