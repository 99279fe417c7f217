import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sampling import assert_follows, local_days

from generator.demand import (
    OPENING_HOURS,
    PARIS,
    Clock,
    day_weight,
    effects_on,
    is_sale_day,
    midnight_of,
)
from generator.randomness import draw_words

SEEDS = range(400)


@pytest.mark.parametrize(
    ("day", "midnight", "hours"),
    [
        (date(2025, 1, 15), datetime(2025, 1, 14, 23, tzinfo=UTC), 24),
        (date(2025, 7, 15), datetime(2025, 7, 14, 22, tzinfo=UTC), 24),
        (date(2025, 3, 30), datetime(2025, 3, 29, 23, tzinfo=UTC), 23),
        (date(2025, 10, 26), datetime(2025, 10, 25, 22, tzinfo=UTC), 25),
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (date(2012, 10, 28), datetime(2012, 10, 27, 22, tzinfo=UTC), 25),
    ],
)
def test_a_day_has_the_hours_that_pass(day, midnight, hours):
    clock = Clock.of(day)
    assert clock.midnight == midnight == midnight_of(day)
    assert len(clock.local_hours) == len(clock.hours.cumulative) == hours


def test_two_o_clock_never_comes_in_spring_and_comes_twice_in_autumn():
    every = list(range(24))
    assert Clock.of(date(2025, 3, 30)).local_hours == (0, 1, *range(3, 24))
    assert Clock.of(date(2025, 10, 26)).local_hours == (0, 1, 2, 2, *range(3, 24))
    assert list(Clock.of(date(2025, 6, 3)).local_hours) == every


def hour_weights(day: date) -> list[int]:
    return np.diff(Clock.of(day).hours.cumulative.astype(np.int64), prepend=0).tolist()


def test_an_hour_sells_what_clocks_say_it_is():
    plain = hour_weights(date(2025, 6, 1))  # a Sunday, as both clock changes are
    assert hour_weights(date(2025, 3, 30)) == plain[:2] + plain[3:]
    assert hour_weights(date(2025, 10, 26)) == plain[:3] + plain[2:]
    assert min(plain) > 0


def test_the_web_is_busiest_in_the_evening_of_a_sunday_and_the_shop_in_the_afternoon():
    sunday, weekday = hour_weights(date(2025, 6, 1)), hour_weights(date(2025, 6, 3))
    assert sunday.index(max(sunday)) == 21
    assert weekday.index(max(weekday)) == 17
    # What stores do not sell on Sunday is not sold; the night is the same.
    assert sunday[:10] == weekday[:10]
    assert sunday[19:] == weekday[19:]
    assert all(a < b for a, b in zip(sunday[10:19], weekday[10:19], strict=True))


def test_hours_are_drawn_by_their_weights():
    drawn = Clock.of(date(2025, 6, 3)).hours.pick(
        draw_words(1, "hour", np.arange(100_000, dtype=np.uint64))
    )
    assert_follows(np.bincount(drawn, minlength=24), hour_weights(date(2025, 6, 3)))


def test_stores_are_open_from_ten_to_seven():
    assert list(OPENING_HOURS) == [10, 11, 12, 13, 14, 15, 16, 17, 18]


def test_the_zone_is_that_of_the_machine_in_our_years():
    machine = ZoneInfo("Europe/Paris")
    for day in local_days(date(2010, 1, 1), 366 * 20):
        noon = datetime(day.year, day.month, day.day, 1, 30, tzinfo=UTC)
        assert noon.astimezone(PARIS).utcoffset() == noon.astimezone(machine).utcoffset()


@pytest.mark.parametrize(
    ("first", "last"),
    [  # As published by the ministry (code de commerce, article D310-15-2).
        ("2023-01-11", "2023-02-07"),
        ("2024-01-10", "2024-02-06"),
        ("2024-06-26", "2024-07-23"),
        ("2025-01-08", "2025-02-04"),
        ("2025-06-25", "2025-07-22"),
        ("2026-01-07", "2026-02-03"),
        ("2026-06-24", "2026-07-21"),
        ("2024-11-29", "2024-11-29"),  # Black Friday
        ("2025-11-28", "2025-11-28"),
        ("2026-11-27", "2026-11-27"),
    ],
)
def test_sales_periods_are_those_of_the_law(first, last):
    first, last = date.fromisoformat(first), date.fromisoformat(last)
    days = local_days(first, (last - first).days + 1)
    assert all(is_sale_day(day) for day in days)
    assert not is_sale_day(first - timedelta(days=1))
    assert not is_sale_day(last + timedelta(days=1))


def test_a_year_has_56_days_of_sales_and_black_friday():
    assert sum(is_sale_day(day) for day in local_days(date(2025, 1, 1), 365)) == 57


@pytest.mark.parametrize(
    ("event", "first", "last"),
    [
        ("halloween", "2025-10-22", "2025-10-31"),
        ("fete_des_meres", "2025-05-18", "2025-05-25"),
        ("fete_des_peres", "2025-06-08", "2025-06-15"),
        ("saint_valentin", "2025-02-08", "2025-02-14"),
        ("talk_like_a_pirate", "2025-09-17", "2025-09-19"),
        ("premier_pas_lune", "2025-07-18", "2025-07-20"),
        ("saint_michel_policiers", "2025-09-27", "2025-09-29"),
        ("batman_day", "2025-09-18", "2025-09-20"),
        ("noel_achats", "2025-12-01", "2025-12-24"),
        ("black_friday", "2025-11-28", "2025-11-28"),
        ("fete_corentin", "2025-12-12", "2025-12-12"),
        ("fete_sasha_alexandre", "2025-04-22", "2025-04-22"),
        ("soldes_hiver", "2025-01-08", "2025-02-04"),
    ],
)
def test_an_effect_begins_before_its_event_and_ends_with_it(event, first, last):
    at_work = [
        day
        for day in local_days(date(2025, 1, 1), 365)
        if event in {effect.event_name for effect in effects_on(day)}
    ]
    first, last = date.fromisoformat(first), date.fromisoformat(last)
    assert at_work == local_days(first, (last - first).days + 1)


def expected_weight(day: date, weekday: int, traffic: float) -> float:
    """The formula of the notes, in floating point: growth × weekday × Christmas × traffic."""
    years = (day - date(2020, 1, 1)).days / 365
    distance = (date(day.year, 12, 16) - day).days
    christmas = 1.2 / (1 + (distance / 12) ** 2) if distance >= -8 else 0
    return (1 + 0.08 * years) * weekday * (1 + christmas) * traffic


@pytest.mark.parametrize(
    ("day", "weekday", "traffic"),
    [
        ("2026-03-09", 8, 1),  # Monday
        ("2026-03-10", 9, 1),
        ("2026-03-11", 10, 1),
        ("2026-03-12", 10, 1),
        ("2026-03-13", 12, 1),
        ("2026-03-14", 18, 1),  # Saturday
        ("2026-03-15", 5, 1),
        ("2012-03-13", 9, 1),  # before 2020, the shop is small
        ("2030-03-12", 9, 1),
        ("2042-03-11", 9, 1),  # after the calendar's end
        ("2025-12-16", 9, 1),  # the peak of Christmas: 2.2 times
        ("2025-12-04", 10, 1),  # half of the bump
        ("2025-12-28", 5, 1),
        ("2025-12-24", 10, 1),  # the last presents
        ("2025-12-25", 10, 1),  # and no more
        ("2025-11-28", 12, 2.2),  # Black Friday
        ("2025-01-15", 10, 1.6),  # winter sales
        ("2025-07-15", 9, 1.6),
        ("2025-10-28", 9, 1.15),  # Halloween
        ("2025-05-20", 9, 1.3),  # Mother's day
        ("2025-06-10", 9, 1.2),
    ],
)
def test_a_day_sells_what_growth_weekday_christmas_and_events_say(day, weekday, traffic):
    day, tuesday = date.fromisoformat(day), date(2020, 3, 3)
    found = [day_weight(seed, day) for seed in SEEDS]
    reference = [day_weight(seed, tuesday) for seed in SEEDS]
    ratio = np.mean(found) / np.mean(reference)
    expected = expected_weight(day, weekday, traffic) / expected_weight(tuesday, 9, 1)
    # Luck is uniform from 90 to 110 percent: its deviation is the root of (21² − 1) / 12.
    deviation = math.sqrt((21**2 - 1) / 12) / 100 * math.sqrt(2 / len(SEEDS))
    assert abs(ratio / expected - 1) < 4 * deviation


def test_the_luck_of_a_day_is_at_most_a_tenth():
    found = [day_weight(seed, date(2026, 3, 10)) for seed in range(4_200)]
    percents = np.round(np.array(found) / (max(found) / 110)).astype(int)
    assert_follows(np.bincount(percents, minlength=111)[90:], np.ones(21))
    assert min(found) * 110 == max(found) * 90


def test_every_day_of_our_years_sells():
    days = local_days(date(2010, 1, 1), 365 * 34)
    assert min(day_weight(42, day) for day in days) > 0


def test_every_day_sells_and_saturdays_before_christmas_most():
    weights = {day: day_weight(42, day) for day in local_days(date(2025, 1, 1), 365)}
    best = max(weights, key=weights.__getitem__)
    assert best.weekday() == 5
    assert best.month == 12
