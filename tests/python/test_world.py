import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.dirt import CLEAN, Dirt
from generator.world import (
    ORDERS_PER_FILE,
    World,
    WorldError,
    each_day,
    found_world,
    locked,
    missing_days,
    plan_files,
    read_world,
    save_world,
    written_days,
)

FIRST = date(2024, 11, 21)


@settings(max_examples=30, deadline=None)
@given(orders=st.integers(1, 10**7), days=st.integers(1, 400), seed=st.integers(0, 2**63 - 1))
def test_the_history_has_exactly_the_orders_asked_for(orders, days, seed):
    world = World(seed, orders, days, FIRST)
    counts = [world.orders_on(FIRST + timedelta(days=i)) for i in range(days)]
    assert sum(counts) == orders
    assert min(counts) >= 0
    assert world.orders_on(FIRST - timedelta(days=1)) == 0


def test_days_after_the_history_go_on_at_its_pace():
    world = World(42, 73_000, 730, FIRST)
    after = [world.orders_on(world.last_planned_day + timedelta(days=i)) for i in range(1, 366)]
    # Two years' mean and a year's growth of 8 % of the trade of 2020.
    assert 36_500 < sum(after) < 36_500 * 1.15


def test_far_days_may_be_asked_for_first():
    far, near = World(42, 1_000, 30, FIRST), World(42, 1_000, 30, FIRST)
    days = each_day(FIRST, FIRST + timedelta(days=500))
    assert [far.orders_on(day) for day in reversed(days)][::-1] == [
        near.orders_on(day) for day in days
    ]


def test_customers_come_with_the_orders():
    world = World(42, 10_000, 100, FIRST)
    met = [world.customers_until(FIRST + timedelta(days=i)) for i in range(200)]
    assert met == sorted(met)
    # A hundred orders a day are 73,000 in two years: 36,500 customers, 35 % of them at once,
    # the others over two years.
    assert met[0] == 12_775
    assert met[100] == 12_775 + 23_725 * 100 // 730


def test_customers_stay_few_enough_to_be_held():
    for days, later in ((30, 700), (730, 400), (3_650, 400)):
        world = World(42, 100_000 * days, days, FIRST)
        assert world.customers_until(FIRST + timedelta(days=days + later)) < 800_000


def test_files_stay_within_a_month_and_below_a_size():
    world = World(42, 8_000_000, 60, date(2025, 11, 20))
    days = each_day(world.first_day, world.last_planned_day)
    periods = plan_files(world, days)
    assert [day for first, last in periods for day in each_day(first, last)] == days
    assert all(first.month == last.month for first, last in periods)
    for first, last in periods:
        orders = sum(world.orders_on(day) for day in each_day(first, last))
        assert orders <= ORDERS_PER_FILE or first == last
    small = World(42, 1_000, 60, date(2025, 11, 20))
    assert plan_files(small, each_day(date(2025, 11, 20), date(2026, 1, 1))) == [
        (date(2025, 11, 20), date(2025, 11, 30)),
        (date(2025, 12, 1), date(2025, 12, 31)),
        (date(2026, 1, 1), date(2026, 1, 1)),
    ]


WORLD = World(42, 1000, 730, FIRST)  # planned until 2026-11-20
TODAY = date(2026, 11, 21)


def until(day: str) -> set[date]:
    return set(each_day(FIRST, date.fromisoformat(day)))


@pytest.mark.parametrize(
    ("written", "today", "end", "expected"),
    [
        (None, "2026-11-21", None, ("2024-11-21", "2026-11-20")),
        ("2025-06-30", "2026-11-21", None, ("2025-07-01", "2026-11-20")),  # was interrupted
        ("2026-11-20", "2026-11-24", None, ("2026-11-21", "2026-11-23")),  # three days later
        ("2026-11-20", "2026-11-21", None, ("2026-11-21", "2026-11-27")),  # again, the same day
        ("2026-11-27", "2026-11-21", None, ("2026-11-28", "2026-12-04")),  # and again
        ("2026-11-20", "2026-11-21", "2026-12-31", ("2026-11-21", "2026-12-31")),
    ],
)
def test_a_run_goes_on_where_the_last_one_ended(written, today, end, expected):
    days = missing_days(
        WORLD,
        until(written) if written else set(),
        date.fromisoformat(today),
        date.fromisoformat(end) if end else None,
    )
    assert days == each_day(*map(date.fromisoformat, expected))


def test_a_hole_is_filled_before_the_history_goes_on():
    hole = set(each_day(date(2025, 3, 1), date(2025, 3, 31)))
    assert missing_days(WORLD, until("2026-11-20") - hole, TODAY, None) == sorted(hole)
    later = missing_days(WORLD, until("2026-01-31") - hole, TODAY, None)
    assert later == sorted(hole) + each_day(date(2026, 2, 1), date(2026, 11, 20))


@pytest.mark.parametrize("end", ["2026-11-20", "2026-11-01", "2024-11-21"])
def test_an_end_that_is_written_already_asks_for_nothing(end):
    assert missing_days(WORLD, until("2026-11-20"), TODAY, date.fromisoformat(end)) == []


def test_an_end_before_the_start_is_refused():
    with pytest.raises(WorldError, match="2024-11-20 lies before 2024-11-21"):
        missing_days(WORLD, until("2026-11-20"), TODAY, FIRST - timedelta(days=1))


def test_days_that_the_loader_would_refuse_are_not_made():
    # A till whose clock is 400 days ahead is taken for a wrong one.
    until_then = missing_days(WORLD, until("2026-11-20"), TODAY, TODAY + timedelta(days=400))
    assert until_then[-1] == date(2027, 12, 26)
    with pytest.raises(WorldError, match="until 2027-12-26"):
        missing_days(WORLD, until("2026-11-20"), TODAY, TODAY + timedelta(days=401))
    with pytest.raises(WorldError, match="has reached 2027-12-20"):
        missing_days(WORLD, until("2027-12-20"), TODAY, None)


def test_more_orders_than_the_tags_of_a_day_are_refused():
    with pytest.raises(WorldError, match="too many for one day"):
        found_world(42, 10**8, 1, date(2026, 11, 20), CLEAN)


@pytest.mark.parametrize("last_day", [date(1, 1, 1), date(2009, 12, 31), date(2044, 1, 1)])
def test_days_that_have_no_number_are_refused(last_day):
    with pytest.raises(WorldError, match="2010-01-01 and 2043-08-23"):
        found_world(42, 100, 30, last_day, CLEAN)


def test_a_world_is_read_as_it_was_saved(tmp_path):
    world = World(2**63 - 1, 77, 30, FIRST, Dirt("light", {"mojibake": 7}))
    save_world(world, tmp_path)
    assert read_world(tmp_path) == world


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", 0),
        ("days", -3),
        ("days", 10**9),
        ("orders", 0),
        ("orders", "many"),
        ("seed", -1),
        ("first_day", "0001-01-01"),
        ("first_day", "yesterday"),
        ("first_day", 7),
        ("dirt_per_million", 5),
        ("dirt_per_million", {"mojibake": "often"}),
    ],
)
def test_a_spoilt_world_is_refused_in_a_sentence(tmp_path, name, value):
    save_world(World(1, 77, 30, FIRST), tmp_path)
    path = tmp_path / "_world.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(WorldError):
        read_world(tmp_path)


def test_only_whole_files_of_ours_count_as_written(tmp_path):
    for name in (
        "orders_2025-01-30_2025-02-02.ndjson",
        "orders_2025-03-01_2025-03-01.parquet",
        "orders_2025-04-01_2025-04-30.ndjson.part",
        "orders_2026-99-99_2026-99-99.ndjson",
        "orders_live_000000000000_000000000099.ndjson",
        "my orders.ndjson",
    ):
        (tmp_path / name).touch()
    assert written_days(tmp_path) == {
        *each_day(date(2025, 1, 30), date(2025, 2, 2)),
        date(2025, 3, 1),
    }


def test_two_generators_do_not_share_a_folder(tmp_path):
    refusal = pytest.raises(WorldError, match="another generator")
    with locked(tmp_path), refusal, locked(tmp_path):
        pass
    with locked(tmp_path):
        pass  # it is free again
