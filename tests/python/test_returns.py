import math
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sampling import assert_follows, assert_share, binomial_bounds, open_shop, sell_plan

from generator.catalogue import item_number
from generator.returns import REASONS, Returns, draw_returns, join_returns
from generator.world import World

SEED = 42
FIRST = date(2025, 1, 1)
PARIS = ZoneInfo("Europe/Paris")
FRAGILE = {"Statue Matteo Vampire Silver": 0.30, "Statue Kirsten Super-heros Gold": 0.25}


@pytest.fixture(scope="module")
def blocks():
    return sell_plan(open_shop(World(SEED, 400_000, 365, FIRST)), endless=True)


@pytest.fixture(scope="module")
def returned(blocks) -> Returns:
    return join_returns([draw_returns(SEED, block) for block in blocks])


@dataclass(frozen=True)
class Sold:
    """All units that were sold, by their numbers, and which of them came back."""

    unit: np.ndarray
    item: np.ndarray
    location: np.ndarray
    day: np.ndarray
    moment: np.ndarray
    cents: np.ndarray
    order: np.ndarray
    percent: np.ndarray
    is_back: np.ndarray


@pytest.fixture(scope="module")
def sold(blocks, returned) -> Sold:
    percents = np.array([0, 10, 15, 20, 30])
    columns = [
        [
            block.unit,
            block.item,
            block.location[block.owner],
            block.monday.toordinal() + block.day[block.owner],
            block.moment[block.owner],
            block.price_cents - np.floor(block.price_cents * percents[block.percent] / 100),
            block.order[block.owner],
            percents[block.percent],
        ]
        for block in blocks
    ]
    found = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    assert (np.diff(found[0].astype(np.int64)) > 0).all()
    return Sold(*found, is_back=np.isin(found[0], returned.unit))


def fragile_items() -> list[int]:
    return [item_number(name) for name in FRAGILE]


def assert_come_back(sold: Sold, chosen: np.ndarray, rate: float) -> None:
    low, high = binomial_bounds(int(chosen.sum()), rate)
    assert high - low < 2 * rate * chosen.sum()
    assert low <= sold.is_back[chosen].sum() <= high


@pytest.mark.parametrize(("in_person", "rate"), [(False, 0.10), (True, 0.03)])
def test_more_comes_back_from_the_web_than_from_stores(sold, in_person, rate):
    plain = ~np.isin(sold.item, fragile_items())
    assert_come_back(sold, plain & ((sold.location > 0) == in_person), rate)


@pytest.mark.parametrize("name", FRAGILE)
def test_two_figurines_break_on_every_way(sold, name):
    chosen = sold.item == item_number(name)
    assert_come_back(sold, chosen, FRAGILE[name])
    for place in range(4):
        assert_come_back(sold, chosen & (sold.location == place), FRAGILE[name])


def test_no_item_but_the_fragile_comes_back_more_than_others(sold):
    # Online, where most is sold: 59 items alike.
    online = sold.location == 0
    others = [i for i in range(61) if i not in fragile_items()]
    found = np.bincount(sold.item[online & sold.is_back], minlength=61)
    assert_follows(found[others], np.bincount(sold.item[online], minlength=61)[others])


def test_neither_the_price_nor_the_place_in_the_basket_brings_a_unit_back(sold):
    chosen = ~np.isin(sold.item, fragile_items()) & (sold.location == 0)
    for column in (sold.percent, sold.unit.astype(np.int64) % 16, (sold.day - 1) % 7):
        found = np.bincount(column[chosen & sold.is_back], minlength=31)
        assert_follows(found, np.bincount(column[chosen], minlength=31))


def rows_of(sold: Sold, returned: Returns) -> np.ndarray:
    rows = np.searchsorted(sold.unit, returned.unit)
    assert (sold.unit[rows] == returned.unit).all()
    return rows


def test_a_return_is_of_a_unit_that_was_sold_there_at_what_was_paid(sold, returned):
    assert len(np.unique(returned.unit)) == len(returned.unit)
    rows = rows_of(sold, returned)
    assert (returned.item == sold.item[rows]).all()
    assert (returned.location == sold.location[rows]).all()
    assert (returned.order == sold.order[rows]).all()
    assert (returned.refund_cents == sold.cents[rows]).all()
    assert (returned.purchased == sold.moment[rows]).all()
    assert (returned.purchased < returned.moment).all()


def test_returns_are_taken_in_while_stores_are_open_and_never_on_sunday(returned):
    hours = []
    for moment, day in zip(returned.moment.tolist(), returned.day.tolist(), strict=True):
        local = datetime.fromtimestamp(moment / 1_000_000, PARIS)
        assert local.date() == date.fromordinal(day)
        assert local.weekday() != 6
        assert 10 <= local.hour < 19
        hours.append(local.hour)
    assert_follows(np.bincount(hours, minlength=24), [0] * 10 + [1] * 9 + [0] * 5)
    assert (returned.moment % np.uint64(1_000) == 0).all()  # whole milliseconds


def lags_by_weekday(sold: Sold, returned: Returns) -> tuple[np.ndarray, np.ndarray]:
    sale = sold.day[rows_of(sold, returned)]
    return returned.day - sale, (sale - 1) % 7  # 0001-01-01 was a Monday


def share_within(days: int) -> float:
    """What comes back in so many days: log-normal, median 8 days, sigma 0.8, parts cut off."""
    return 1.0 if days >= 60 else NormalDist().cdf(math.log((days + 1) / 8) / 0.8)


@pytest.mark.parametrize("days", [1, 3, 7, 10, 14, 21, 30, 45, 59])
def test_half_of_the_returns_come_within_eight_days(sold, returned, days):
    lag, weekday = lags_by_weekday(sold, returned)
    # Those whose day number `days` is no Sunday: none is pushed from it to the next.
    fair = (weekday + days) % 7 != 6
    assert_share(int((lag[fair] <= days).sum()), int(fair.sum()), share_within(days))


def test_the_median_return_takes_eight_days():
    assert share_within(7) == 0.5


def test_no_return_takes_longer_than_sixty_days_but_for_a_sunday(sold, returned):
    lag, weekday = lags_by_weekday(sold, returned)
    assert lag.min() == 1
    assert lag.max() == 61
    assert ((weekday[lag == 61] + 60) % 7 == 6).all()


def test_what_would_come_back_on_sunday_comes_on_monday(sold, returned):
    lag, weekday = lags_by_weekday(sold, returned)
    saturday = lag[weekday == 5]  # one day later is Sunday, two days later is Monday
    shares = [share_within(days) for days in range(7)]
    expected = [0, 0, shares[2], shares[3] - shares[2], shares[4] - shares[3], 1 - shares[4]]
    counts = np.bincount(np.minimum(saturday, 5), minlength=6)
    assert_follows(counts, expected)


def test_reasons_are_as_frequent_as_they_should(returned):
    assert REASONS == (
        "changed_mind",
        "damaged",
        "not_as_described",
        "wrong_item",
        "unwanted_gift",
    )
    fragile = np.isin(returned.item, fragile_items())
    assert_follows(np.bincount(returned.reason[~fragile], minlength=5), [35, 25, 20, 10, 10])
    assert_follows(np.bincount(returned.reason[fragile], minlength=5), [6, 80, 8, 3, 3])


def test_the_reason_hangs_together_with_nothing_but_the_item(sold, returned):
    lag, _ = lags_by_weekday(sold, returned)
    plain = ~np.isin(returned.item, fragile_items())
    columns = [returned.reason, lag, returned.moment % np.uint64(86_400_000_000), returned.item]
    found = np.corrcoef([column[plain].astype(float) for column in columns])
    assert np.abs(found[np.triu_indices(4, 1)]).max() < 4 / math.sqrt(plain.sum())


def test_returns_are_joined_in_the_order_of_time(blocks, returned):
    assert (np.diff(returned.moment.astype(np.int64)) >= 0).all()
    backwards = join_returns([draw_returns(SEED, block) for block in blocks[::-1]])
    for field in fields(Returns):
        assert (getattr(backwards, field.name) == getattr(returned, field.name)).all()


def test_some_of_the_returns_are_those_rows(returned):
    some = returned.where(np.array([5, 2]))
    assert some.unit.tolist() == [int(returned.unit[5]), int(returned.unit[2])]
    assert some.reason.tolist() == [int(returned.reason[5]), int(returned.reason[2])]


def test_a_week_in_which_nothing_is_sold_brings_nothing_back():
    world = World(SEED, 1, 400, FIRST)
    block = sell_plan(open_shop(world), endless=True)[0]
    assert len(block.unit) == 0
    assert len(draw_returns(SEED, block).unit) == 0
    assert block.days[-1] - block.monday == timedelta(days=6)
