import json
from calendar import monthrange
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import ITEMS, assert_share, local_days, open_shop, sell_plan

from generator.catalogue import read_catalogue
from generator.stock import LOCATIONS, Shelves, levels_on, open_stock, restock
from generator.tastes import BASKET_SIZES, weights_on
from generator.tills import Job, write_job
from generator.world import World

PARIS = ZoneInfo("Europe/Paris")
SHAPE = (len(LOCATIONS), ITEMS)
NAMES = [item.name for item in read_catalogue()]
SKUS = {item.sku: number for number, item in enumerate(read_catalogue())}
FIRST = date(2025, 1, 1)  # a Wednesday
YEAR = [
    (date(2025, month, 1), date(2025, month, monthrange(2025, month)[1])) for month in range(1, 13)
]


def test_the_warehouse_and_three_stores_have_shelves():
    with (Path(__file__).parents[2] / "seeds" / "stores.csv").open(encoding="utf-8") as file:
        stores = [line.split(",")[0] for line in file.read().splitlines()[1:]]
    assert sorted(LOCATIONS) == sorted(stores)
    assert LOCATIONS[0] == "ENTREPOT-ROISSY-01"


@given(data=st.data(), items=st.integers(1, ITEMS), places=st.integers(1, 4))
def test_units_are_taken_as_if_one_by_one(data, items, places):
    level = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(0, 4), min_size=items, max_size=items),
                min_size=places,
                max_size=places,
            )
        )
    )
    shelves, left = Shelves(level.copy(), np.zeros_like(level)), level.copy()
    # Few different items, so that shelves empty.
    unit = st.tuples(st.integers(0, places - 1), st.integers(0, min(items - 1, 3)))
    for wanted in data.draw(st.lists(st.lists(unit, max_size=25), max_size=4)):
        location = np.array([place for place, _ in wanted], dtype=np.int64)
        item = np.array([item for _, item in wanted], dtype=np.int64)
        expected = []
        for place, number in wanted:
            expected.append(left[place, number] > 0)
            left[place, number] -= expected[-1]
        assert shelves.take(location, item).tolist() == expected
        assert (shelves.level - shelves.taken == left).all()
        assert (shelves.level == level).all()


def test_every_shelf_of_every_location_is_taken_from():
    # The last cell is number 243: one byte must do.
    shelves = Shelves(np.ones(SHAPE, np.int64), np.zeros(SHAPE, np.int64))
    location, item = np.divmod(np.arange(SHAPE[0] * SHAPE[1]).repeat(2), ITEMS)
    assert shelves.take(location, item).tolist() == [True, False] * (SHAPE[0] * SHAPE[1])
    assert (shelves.taken == 1).all()


MONDAYS = [date(2025, 1, 6) + timedelta(days=7 * i) for i in range(52)]
DENSE = World(42, 600_000, 365, FIRST)


def expected_demand(world: World, monday: date) -> np.ndarray:
    """What a week's customers want of each item, in floating point, shape (61,)."""
    mean_basket = sum(n * percent for n, percent in enumerate(BASKET_SIZES, start=1)) / 100
    demand = np.zeros(ITEMS)
    for day in local_days(monday, 7):
        weights = weights_on(world.seed, day)
        demand += world.orders_on(day) * mean_basket * weights / weights.sum()
    return demand


DEMAND_SHARES = np.array([0.760, 0.147, 0.058, 0.035])


def full_level(world: World, monday: date) -> np.ndarray:
    """One and a half weeks' demand and three deviations more, in floating point."""
    here = DEMAND_SHARES[:, None] * expected_demand(world, monday)
    return 1.5 * here + 3 * np.sqrt(here) + 3


def test_levels_cover_one_and_a_half_weeks_or_a_third_of_that():
    for monday in MONDAYS:
        level, full = levels_on(DENSE, monday), full_level(DENSE, monday)
        late = level < 0.6 * full - 3
        # Three roundings down cost less than eight units; of a third, less than four.
        assert (level[~late] <= full[~late]).all()
        assert (level[~late] > full[~late] - 8).all()
        assert (level[late] <= 0.30 * full[late]).all()
        assert (level[late] > 0.30 * full[late] - 4).all()


def test_one_supplier_in_twenty_is_late_independently_of_weeks_and_places():
    mondays = [MONDAYS[0] + timedelta(days=7 * i) for i in range(250)]
    full = np.array([full_level(DENSE, monday) for monday in mondays])
    late = np.array([levels_on(DENSE, monday) for monday in mondays]) < 0.6 * full - 3
    tells = full > 30  # on small shelves, rounding could hide who is late
    for place in range(4):
        assert_share(int(late[:, place][tells[:, place]].sum()), int(tells[:, place].sum()), 0.05)
    assert_share(int(late[tells].sum()), int(tells.sum()), 0.05)
    # Twice in a row, or in two places at once, or next to each other: 0.05² of the cells.
    for one, other in (
        ((late[1:], tells[1:]), (late[:-1], tells[:-1])),
        ((late[:, 1:], tells[:, 1:]), (late[:, :-1], tells[:, :-1])),
        ((late[..., 1:], tells[..., 1:]), (late[..., :-1], tells[..., :-1])),
    ):
        tells_both = one[1] & other[1]
        both = one[0] & other[0] & tells_both
        assert_share(int(both.sum()), int(tells_both.sum()), 0.05**2)


@pytest.mark.parametrize("orders", [1, 100, 10_000])
def test_no_level_is_ever_zero(orders):
    world = World(3, orders, 730, FIRST)
    for monday in [*MONDAYS, FIRST - timedelta(days=2), date(2035, 1, 1)]:
        assert levels_on(world, monday).min() >= 1


def test_each_location_expects_what_it_is_asked_for():
    blocks = sell_plan(open_shop(World(42, 100_000, 365, FIRST)), endless=True)
    wanted = sum(block.units_wanted for block in blocks).sum(axis=(0, 2))
    shares = wanted / wanted.sum()
    assert shares == pytest.approx([0.760, 0.147, 0.058, 0.035], rel=0.1)


COUNTS = st.lists(st.integers(0, 9), min_size=SHAPE[0] * 6, max_size=SHAPE[0] * 6)


def summed(movements) -> np.ndarray:
    found = np.zeros(SHAPE, np.int64)
    for movement in movements:
        found[LOCATIONS.index(movement.location_id), SKUS[movement.sku]] += movement.quantity
    return found


@given(closing=COUNTS, level=COUNTS)
def test_restocking_brings_what_was_left_to_the_levels(closing, level):
    before, after = np.zeros(SHAPE, np.int64), np.zeros(SHAPE, np.int64)
    before[:, :6], after[:, :6] = np.reshape(closing, (4, 6)), np.reshape(level, (4, 6))
    monday = date(2025, 10, 27)
    movements = restock(before, after, monday)
    assert (before + summed(movements) == after).all()
    assert all(movement.quantity for movement in movements)
    assert len({movement.movement_id for movement in movements}) == len(movements)
    by_kind = defaultdict(list)
    for movement in movements:
        by_kind[movement.kind].append(movement)
        # Midnight in Paris, on the Monday after the clocks went back.
        assert movement.moment == datetime(2025, 10, 26, 23, tzinfo=UTC).timestamp() * 1_000_000
    assert set(by_kind) <= {"receipt", "adjustment", "transfer"}
    assert (summed(by_kind["transfer"]).sum(axis=0) == 0).all()
    for kind, sign in (("receipt", 1), ("adjustment", -1)):
        assert {m.location_id for m in by_kind[kind]} <= {LOCATIONS[0]}
        assert all(m.quantity * sign > 0 for m in by_kind[kind])
    # Of one figurine, nothing is bought and written off at the same time.
    assert not {m.sku for m in by_kind["receipt"]} & {m.sku for m in by_kind["adjustment"]}


def test_a_transfer_leaves_the_warehouse_and_arrives_in_its_store():
    before, after = np.full(SHAPE, 5), np.full(SHAPE, 5)
    after[2, 7] = 9
    pairs = [
        (m.location_id, m.kind, m.quantity, m.sku == read_catalogue()[7].sku)
        for m in restock(before, after, date(2025, 6, 2))
    ]
    assert sorted(pairs) == [
        ("BOUTIQUE-LYON-01", "transfer", 4, True),
        ("ENTREPOT-ROISSY-01", "receipt", 4, True),
        ("ENTREPOT-ROISSY-01", "transfer", -4, True),
    ]


def test_stock_is_opened_with_the_levels_of_the_first_week():
    level = levels_on(DENSE, date(2024, 12, 30))
    movements = open_stock(level, FIRST)
    assert (summed(movements) == level).all()
    assert {movement.kind for movement in movements} == {"opening"}
    assert len({movement.movement_id for movement in movements}) == SHAPE[0] * SHAPE[1]
    midnight = datetime(2024, 12, 31, 23, tzinfo=UTC).timestamp() * 1_000_000
    assert {movement.moment for movement in movements} == {midnight}


def microseconds(text: str) -> int:
    """Read naive UTC of the form 2025-01-31T22:59:59.123456."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Written:
    """The files of a whole year."""

    landing: Path

    def lines(self, feed: str) -> list[tuple[str, dict]]:
        return [
            (path.stem, json.loads(line))
            for path in sorted((self.landing / feed).iterdir())
            for line in path.read_bytes().splitlines()
        ]


def write_year(landing: Path, world: World, periods=YEAR, block_orders=1 << 16) -> Written:
    for feed in ("orders", "returns", "stock", "_answer_key"):
        (landing / feed).mkdir(parents=True)
    job = Job(world, periods, "ndjson", landing, block_orders)
    write_job(job, lambda units, orders: None, lambda: False)
    return Written(landing)


WORLDS = {"small": World(7, 1_500, 365, FIRST), "dense": World(42, 30_000, 365, FIRST)}


@pytest.fixture(scope="module", params=WORLDS)
def year(request, tmp_path_factory) -> Written:
    return write_year(tmp_path_factory.mktemp(request.param), WORLDS[request.param])


@pytest.fixture(scope="module")
def events(year) -> np.ndarray:
    """All that changes a shelf: moment, priority, location, item, units; in the order of time.

    What moves in one moment, moves at once; a unit that comes back is there at once.
    """
    sold, found = {}, []
    for _, line in year.lines("orders"):
        place = LOCATIONS.index(line["store_id"] or LOCATIONS[0])
        sold[line["rfid"]] = (place, NAMES.index(line["item"]))
        found.append((microseconds(line["purchase_time"]), 1, *sold[line["rfid"]], -1))
    for _, line in year.lines("returns"):
        found.append((microseconds(line["return_time"]), 1, *sold[line["rfid"]], 1))
    for _, line in year.lines("stock"):
        place, item = LOCATIONS.index(line["location_id"]), SKUS[line["sku"]]
        found.append((microseconds(line["moved_at"]), 0, place, item, line["quantity"]))
    return np.array(sorted(found), dtype=np.int64)


def test_no_shelf_ever_holds_less_than_nothing(events):
    moment, priority, place, item, units = events.T
    cell = place * ITEMS + item
    for number in range(SHAPE[0] * SHAPE[1]):
        rows = np.flatnonzero(cell == number)
        held = units[rows].cumsum()
        # Between two movements of the same moment there is nothing to see.
        last = np.append(moment[rows][1:] != moment[rows][:-1], True)
        assert held[last].min() >= 0
        assert held[priority[rows] == 1].min(initial=0) >= 0


def test_stock_ends_every_week_as_the_key_says(year, events):
    moment, priority, place, item, units = events.T
    cell = place * ITEMS + item
    key = pq.read_table(year.landing / "_answer_key" / "stock").to_pylist()
    weeks = defaultdict(dict)
    for row in key:
        number = LOCATIONS.index(row["location_id"]) * ITEMS + NAMES.index(row["item_name"])
        weeks[row["week_start"]][number] = row
    # Told when the next Monday comes: the last is that of 29 December.
    assert sorted(weeks) == local_days(date(2024, 12, 30), 364)[::7]
    for monday, rows in weeks.items():
        begins, ends = (
            datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp() * 1_000_000
            for day in (max(monday, FIRST), monday + timedelta(days=7))
        )
        opened = (moment < begins) | ((moment == begins) & (priority == 0))
        during = (moment >= begins) & (moment < ends) & (priority == 1)
        for name, chosen, sign in (
            ("opening", opened, 1),
            ("sold", during & (units < 0), -1),
            ("returned", during & (units > 0), 1),
            ("closing", opened | during, 1),
        ):
            found = np.bincount(
                cell[chosen], weights=units[chosen] * sign, minlength=SHAPE[0] * SHAPE[1]
            )
            assert found.tolist() == [rows[n][name] for n in range(len(found))], (monday, name)


def test_stock_moves_on_mondays_at_midnight_and_once_before_the_first_order(year):
    kinds = Counter()
    for file, line in year.lines("stock"):
        local = datetime.fromtimestamp(microseconds(line["moved_at"]) / 1_000_000, PARIS)
        assert (local.hour, local.minute, local.second) == (0, 0, 0)
        assert line["kind"] == "opening" if local.date() == FIRST else local.weekday() == 0
        first, last = file.split("_")[1:]
        assert first <= local.date().isoformat() <= last
        kinds[line["kind"]] += 1
    assert kinds["opening"] == SHAPE[0] * SHAPE[1]
    assert min(kinds["receipt"], kinds["transfer"], kinds["adjustment"]) > 0
    ids = [line["movement_id"] for _, line in year.lines("stock")]
    assert len(set(ids)) == len(ids)


def test_what_comes_back_lies_in_the_file_of_its_day(year):
    for file, line in year.lines("returns"):
        first, last = file.split("_")[1:]
        local = datetime.fromtimestamp(microseconds(line["return_time"]) / 1_000_000, PARIS)
        assert first <= local.date().isoformat() <= last


def test_some_sales_are_lost_to_empty_shelves_but_not_many(year):
    sales = pq.read_table(year.landing / "_answer_key" / "sales").to_pydict()
    wanted, sold = sum(sales["units_wanted"]), sum(sales["units_sold"])
    assert sold == len(year.lines("orders"))
    assert 0.95 < sold / wanted < 1
    assert all(s <= w for s, w in zip(sales["units_sold"], sales["units_wanted"], strict=True))


@pytest.mark.parametrize("months", [slice(0, 1), slice(3, 4), slice(9, 12)])
def test_months_written_alone_and_in_small_blocks_have_the_bytes_of_the_year(
    year, tmp_path, months
):
    world = next(w for name, w in WORLDS.items() if name in year.landing.name)
    alone = write_year(tmp_path / "alone", world, YEAR[months], block_orders=77)
    files = [path.relative_to(alone.landing) for path in alone.landing.rglob("*.*")]
    assert len(files) > 9
    for file in files:
        assert (alone.landing / file).read_bytes() == (year.landing / file).read_bytes(), file
