"""What the tests of the sampler share: bounds from theory, and shops to sample from."""

import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from generator.customers import meet_customers
from generator.orders import BLOCK_ORDERS, Block, Shop, sell_week
from generator.places import Place, read_places
from generator.stock import LOCATIONS, Shelves
from generator.world import World

ITEMS = 61


def gamma_below(shape: float, x: float) -> float:
    """The regularised lower incomplete gamma function, by its series."""
    if x <= 0:
        return 0.0
    term = total = 1 / shape
    n = 0
    while term > total * 1e-17:
        n += 1
        term *= x / (shape + n)
        total += term
    return total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def beta_below(a: float, b: float, x: float) -> float:
    """The distribution function of the beta distribution, by the binomial series."""
    total, factor, n = 0.0, 1.0, 0
    while abs(factor) > 1e-13 and n < 5_000:
        total += factor / (a + n)
        factor *= (n + 1 - b) / (n + 1) * x
        n += 1
    return x**a * total * math.gamma(a + b) / math.gamma(a) / math.gamma(b)


def chi_square_limit(degrees: int) -> float:
    """The 99.9 % point of chi-square, after Wilson and Hilferty: at most 3 % too high."""
    z = NormalDist().inv_cdf(0.999)
    return degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3


def assert_follows(counts, weights) -> None:
    """Check counts against the weights of their outcomes; what weighs 0 must not happen.

    Outcomes expected fewer than five times are counted together.
    """
    counts, weights = np.asarray(counts, dtype=float), np.asarray(weights, dtype=float)
    assert counts.shape == weights.shape
    assert not counts[weights == 0].any()
    expected = weights / weights.sum() * counts.sum()
    rare = expected < 5
    found, wanted = list(counts[~rare]), list(expected[~rare])
    if expected[rare].sum() >= 5:
        found.append(counts[rare].sum())
        wanted.append(expected[rare].sum())
    assert len(found) > 1, "too few to tell"
    statistic = sum((f - w) ** 2 / w for f, w in zip(found, wanted, strict=True))
    assert statistic < chi_square_limit(len(found) - 1), (statistic, len(found) - 1)


def assert_share(hits: int, trials: int, probability: float) -> None:
    """Check a count of independent events against four standard deviations."""
    deviation = math.sqrt(trials * probability * (1 - probability))
    assert deviation > 1.5, "too few to tell"
    assert abs(hits - trials * probability) < 4 * deviation, (hits / trials, probability)


def binomial_bounds(trials: int, probability: float, tail: float = 3e-5) -> tuple[int, int]:
    """The least and the greatest count that is not in a tail of that probability, exactly."""

    def mass(k: int) -> float:
        ways = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        hits = k * math.log(probability) + (trials - k) * math.log(1 - probability)
        return math.exp(ways + hits)

    below, low = mass(0), 0
    while below < tail:
        low += 1
        below += mass(low)
    above, high = mass(trials), trials
    while above < tail:
        high -= 1
        above += mass(high)
    return low, high


def local_days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=i) for i in range(count)]


def endless_shelves() -> Shelves:
    """Shelves on which everybody finds what she wants."""
    return Shelves(
        np.full((len(LOCATIONS), ITEMS), 1 << 40), np.zeros((len(LOCATIONS), ITEMS), np.int64)
    )


def open_shop(world: World, places: list[Place] | None = None) -> Shop:
    """A shop that may sell until the Sunday after the planned days."""
    last = world.last_planned_day
    sunday = last + timedelta(days=6 - last.weekday())
    return Shop(world, meet_customers(world, places or read_places(), sunday))


def sell_plan(shop: Shop, *, endless: bool, block_orders: int = BLOCK_ORDERS) -> list[Block]:
    """Sell all planned days, week after week, a block a week."""
    monday = shop.world.first_day - timedelta(days=shop.world.first_day.weekday())
    blocks: list[Block] = []
    while monday <= shop.world.last_planned_day:
        shelves = endless_shelves() if endless else Shelves.filled(shop.world, monday)
        last = min(monday + timedelta(days=6), shop.world.last_planned_day)
        blocks += sell_week(shop, monday, shelves, [last], block_orders)
        monday += timedelta(days=7)
    return blocks


def gamma_quantile(shape: float, probability: float) -> float:
    return _invert(lambda x: gamma_below(shape, x), probability, 60.0)


def beta_quantile(a: float, b: float, probability: float) -> float:
    return _invert(lambda x: beta_below(a, b, x), probability, 1.0)


def _invert(function, value: float, high: float) -> float:
    low = 0.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < value else (low, middle)
    return (low + high) / 2


def follow_each_other(moments) -> bool:
    return all(a <= b for a, b in pairwise(moments))
