from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from generator.demand import PARIS, Clock, day_weight, is_sale_day
from generator.randomness import draw_words


@pytest.mark.parametrize(
    ("day", "midnight", "hours"),
    [
        (date(2025, 1, 15), datetime(2025, 1, 14, 23, tzinfo=UTC), 24),
        (date(2025, 7, 15), datetime(2025, 7, 14, 22, tzinfo=UTC), 24),
        (date(2025, 3, 30), datetime(2025, 3, 29, 23, tzinfo=UTC), 23),
        (date(2025, 10, 26), datetime(2025, 10, 25, 22, tzinfo=UTC), 25),
    ],
)
def test_a_day_has_the_hours_that_pass(day, midnight, hours):
    clock = Clock.of(day)
    assert clock.midnight == midnight
    for choice in clock.by_channel.values():
        assert len(choice.cumulative) == hours


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26), date(2025, 6, 3)])
def test_stores_sell_between_ten_and_seven_on_every_day(day):
    clock = Clock.of(day)
    words = draw_words(1, "hour", np.arange(5_000, dtype=np.uint64))
    passed = np.unique(clock.by_channel["in_person"].pick(words)).tolist()
    local = {(clock.midnight + timedelta(hours=hour)).astimezone(PARIS).hour for hour in passed}
    assert local == set(range(10, 19))


def test_sales_periods_are_those_of_the_law():
    # Published dates: winter sales 8 January to 4 February 2025, Black Friday 28 November.
    assert not is_sale_day(date(2025, 1, 7))
    assert is_sale_day(date(2025, 1, 8))
    assert is_sale_day(date(2025, 2, 4))
    assert not is_sale_day(date(2025, 2, 5))
    assert is_sale_day(date(2025, 11, 28))
    assert not is_sale_day(date(2025, 12, 24))


def test_every_day_sells_and_saturdays_before_christmas_most():
    days = [date(2025, 1, 1) + timedelta(days=i) for i in range(365)]
    weights = {day: day_weight(42, day) for day in days}
    assert min(weights.values()) > 0
    best = max(weights, key=weights.__getitem__)
    assert best.weekday() == 5
    assert best.month == 12
