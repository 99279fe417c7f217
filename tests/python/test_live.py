"""Live tills on a clock that tests turn."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from worlds import key_rows, raw_lines, records, write_world

from generator.live import Clock, Stop, Till, files_since, next_number, sell_live

PARIS = ZoneInfo("Europe/Paris")


class Steps(Clock, Stop):
    """A clock that shows what it is told, and stops the tills when it has shown all."""

    def __init__(self, shown: list[datetime], step: float = 2.0) -> None:
        self.shown, self.step, self.passed = shown, step, 0

    def now(self) -> datetime:
        return self.shown[self.passed]

    def seconds(self) -> float:
        return self.passed * self.step

    def wait(self, seconds: float) -> bool:
        self.passed += 1
        return self.passed == len(self.shown)


def sell(landing, world, shown, rate=50):
    told = []
    steps = Steps(shown)
    sell_live(
        Till(world, landing, "ndjson"), rate, steps, lambda *counts: told.append(counts), steps
    )
    return told


@pytest.fixture
def world(tmp_path):
    return write_world(tmp_path, orders=300, days=20)


def live_units(landing):
    paths = [path for path in files_since(landing, 0) if path.name.startswith("orders")]
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def moments(units):
    return [datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC) for unit in units]


def seconds(start: datetime, *after: float) -> list[datetime]:
    return [start + timedelta(seconds=passed) for passed in after]


def test_a_stop_is_noticed_at_once_and_remembered():
    stop = Stop()
    assert not stop.wait(0)
    stop.set()
    assert stop.wait(3_600)


def test_orders_come_at_the_rate_between_the_looks_at_the_clock(tmp_path, world):
    noon = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    told = sell(tmp_path, world, seconds(noon, 0, 2, 4, 6), rate=30)
    assert [orders for _, orders in told] == [60, 60, 60]
    units = live_units(tmp_path)
    assert sum(count for count, _ in told) == len(units)
    assert moments(units) == sorted(moments(units))
    assert noon <= min(moments(units))
    assert max(moments(units)) < noon + timedelta(seconds=6)
    assert len({unit["txid"] for unit in units}) == 180
    assert next_number(tmp_path / "orders") == 180


# Sunday 1 November to Monday, and Saturday to Sunday when the clock goes back in the night.
@pytest.mark.parametrize("midnight", [date(2026, 11, 2), date(2026, 10, 25)])
def test_midnight_in_paris_begins_another_day(tmp_path, world, midnight):
    begins = datetime(midnight.year, midnight.month, midnight.day, tzinfo=PARIS).astimezone(UTC)
    sell(tmp_path, world, seconds(begins, -3, -1, 1, 3, 5))
    days = {moment.astimezone(PARIS).date() for moment in moments(live_units(tmp_path))}
    assert days == {midnight, midnight - timedelta(days=1)}
    sold = {}
    for row in key_rows(tmp_path, "sales"):
        if row["sale_date"] in days:
            sold[row["sale_date"]] = sold.get(row["sale_date"], 0) + row["units_sold"]
    found = {}
    for moment in moments(live_units(tmp_path)):
        day = moment.astimezone(PARIS).date()
        found[day] = found.get(day, 0) + 1
    assert sold == found


def test_a_clock_that_is_set_back_sells_nothing_twice(tmp_path, world):
    noon = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    sell(tmp_path, world, seconds(noon, 0, 2, 4, 1, 3, 6, 8))
    rfids = [unit["rfid"] for unit in records(tmp_path)]
    assert len(set(rfids)) == len(rfids)
    assert next_number(tmp_path / "orders") == 600


def test_a_computer_that_slept_does_not_sell_for_the_time_it_slept(tmp_path, world):
    noon = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    sell(tmp_path, world, seconds(noon, 0, 2, 7_200, 7_202, 7_204))
    assert next_number(tmp_path / "orders") == 300
    hours = {moment.hour for moment in moments(live_units(tmp_path))}
    assert hours == {11, 13}


def test_what_is_sold_live_is_delivered_in_the_moment_of_the_first(tmp_path, world):
    noon = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
    before = len(list(raw_lines(tmp_path, "stock")))
    sell(tmp_path, world, seconds(noon, 0, 2))
    moved = records(tmp_path, "stock")[before:]
    live = [line for line in moved if "live" in line["movement_id"]]
    units = live_units(tmp_path)
    assert sum(line["quantity"] for line in live) == len(units)
    assert {line["moved_at"] for line in live} == {units[0]["purchase_time"]}
    assert {line["kind"] for line in live} == {"receipt"}
