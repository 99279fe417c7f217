from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.world import World, WorldError, found_world, months, next_period

FIRST = date(2024, 11, 21)


@settings(max_examples=30)
@given(orders=st.integers(1, 10**7), days=st.integers(1, 400), seed=st.integers(0, 2**63 - 1))
def test_the_history_has_exactly_the_orders_asked_for(orders, days, seed):
    world = World(seed, orders, days, FIRST)
    counts = [world.orders_on(FIRST + timedelta(days=i)) for i in range(days)]
    assert sum(counts) == orders
    assert min(counts) >= 0


def test_days_after_the_history_go_on_at_its_pace():
    world = World(42, 73_000, 730, FIRST)
    after = [world.orders_on(world.last_planned_day + timedelta(days=i)) for i in range(1, 366)]
    assert 0.9 < sum(after) / 36_500 < 1.1


def test_a_period_is_cut_at_the_borders_of_months():
    assert months(date(2024, 11, 21), date(2025, 1, 1)) == [
        (date(2024, 11, 21), date(2024, 11, 30)),
        (date(2024, 12, 1), date(2024, 12, 31)),
        (date(2025, 1, 1), date(2025, 1, 1)),
    ]


WORLD = World(42, 1000, 730, FIRST)  # planned until 2026-11-20


@pytest.mark.parametrize(
    ("written", "yesterday", "end", "expected"),
    [
        (None, "2026-11-20", None, ("2024-11-21", "2026-11-20")),
        ("2025-06-30", "2026-11-20", None, ("2025-07-01", "2026-11-20")),  # was interrupted
        ("2026-11-20", "2026-11-23", None, ("2026-11-21", "2026-11-23")),  # three days later
        ("2026-11-20", "2026-11-20", None, ("2026-11-21", "2026-11-27")),  # again, the same day
        ("2026-11-27", "2026-11-20", None, ("2026-11-28", "2026-12-04")),  # and again
        ("2026-11-20", "2026-11-20", "2026-12-31", ("2026-11-21", "2026-12-31")),
    ],
)
def test_a_run_goes_on_where_the_last_one_ended(written, yesterday, end, expected):
    day = lambda text: date.fromisoformat(text) if text else None  # noqa: E731
    assert next_period(WORLD, day(written), day(yesterday), day(end)) == tuple(map(day, expected))


def test_an_end_that_is_written_already_is_refused():
    with pytest.raises(WorldError, match="reaches 2026-11-20 already"):
        next_period(WORLD, date(2026, 11, 20), date(2026, 11, 20), date(2026, 11, 20))


def test_more_orders_than_the_tags_of_a_day_are_refused():
    with pytest.raises(WorldError, match="too many for one day"):
        found_world(42, 10**8, 1, date(2026, 11, 20))
