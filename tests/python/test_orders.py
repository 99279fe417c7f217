import csv
import json
import re
import uuid
from collections import Counter, defaultdict
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from sampling import (
    assert_follows,
    assert_share,
    endless_shelves,
    follow_each_other,
    local_days,
    open_shop,
    sell_plan,
)
from test_catalogue import price_by_hand
from test_identifiers import decode_sgtin96

from generator.catalogue import read_catalogue
from generator.demand import Clock, is_sale_day
from generator.identifiers import serials
from generator.orders import Block, sell_week
from generator.people import invent_identities
from generator.records import order_lines, order_table, person_columns, person_texts
from generator.stock import Shelves
from generator.tastes import promoted_item
from generator.world import World

SEED = 42
FIRST = date(2025, 1, 1)
PARIS = ZoneInfo("Europe/Paris")
ORDERS = 40_000
KEYS = [
    *("txid", "rfid", "item", "purchase_time", "name", "address", "phone", "email"),
    *("emergency_contact", "unit_price", "discount", "channel", "store_id"),
]
STORE_BY_REGION = {"11": "BOUTIQUE-PARIS-01", "84": "BOUTIQUE-LYON-01", "93": "POPUP-MARSEILLE-01"}


@pytest.fixture(scope="module")
def shop():
    return open_shop(World(SEED, ORDERS, 365, FIRST))


@pytest.fixture(scope="module")
def blocks(shop):
    """A year as it was sold, a block a week."""
    return sell_plan(shop, endless=False)


@pytest.fixture(scope="module")
def wishes(shop):
    """The same year, had the shelves never been empty."""
    return sell_plan(shop, endless=True)


@pytest.fixture(scope="module")
def people(shop):
    return invent_identities(SEED, shop.customers.numbers, shop.customers.places)


def write_lines(people, block: Block, seed: int = SEED) -> pa.BinaryArray:
    persons = person_texts(people).take(pa.array(block.buyer[block.owner]))
    return order_lines(seed, block, np.arange(len(block.unit)), persons)


@pytest.fixture(scope="module")
def lines(people, blocks):
    return [line for block in blocks for line in write_lines(people, block).to_pylist()]


@pytest.fixture(scope="module")
def units(lines):
    return [json.loads(line) for line in lines]


def moment_of(unit: dict) -> datetime:
    return datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC)


def joined(blocks: list[Block], name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in blocks])


def order_days(blocks: list[Block]) -> list[date]:
    return [block.monday + timedelta(days=day) for block in blocks for day in block.day.tolist()]


def test_a_record_has_the_shape_of_the_tills(lines, units):
    time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
    for line, unit in zip(lines, units, strict=True):
        assert list(unit) == KEYS
        assert time.fullmatch(unit["purchase_time"])
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1
    for line, unit in zip(lines[:2_000], units, strict=False):
        keys = ["street_address", "city", "state", "postalcode"]
        assert list(unit["address"]) in (keys, [*keys, "country"])
        assert unit["emergency_contact"] is None or list(unit["emergency_contact"]) == [
            "name",
            "phone",
        ]
        # Money has two decimals, even when they are zeros.
        assert re.search(rb'"unit_price":\d+\.\d\d,"discount":\d+\.\d\d,"channel"', line)


def test_days_have_the_orders_that_were_planned(shop, wishes):
    days = Counter(order_days(wishes))
    assert sum(days.values()) == ORDERS
    for day in local_days(FIRST, 365):
        assert days[day] == shop.world.orders_on(day)


def test_orders_and_units_are_numbered_once(wishes):
    order, unit, owner = (joined(wishes, name) for name in ("order", "unit", "owner"))
    assert len(np.unique(order)) == len(order)
    assert len(np.unique(unit)) == len(unit)
    assert unit.max() < 2**38  # what a serial has room for
    # 2025 began 5,479 days after 2010 did.
    assert order[0] >> np.uint64(20) == 5_479
    for block in wishes:
        assert (block.unit >> np.uint64(4) == block.order[block.owner]).all()
    assert len(owner) == len(unit)


def test_baskets_hold_one_to_five_units(wishes):
    sizes = np.concatenate(
        [np.bincount(block.owner, minlength=len(block.order)) for block in wishes]
    )
    assert_follows(np.bincount(sizes, minlength=6), [0, 70, 18, 7, 3, 2])


def test_what_customers_want_does_not_depend_on_the_shelves(blocks, wishes):
    for sold, wanted in zip(blocks, wishes, strict=True):
        for name in ("order", "moment", "buyer", "location", "day", "units_wanted"):
            assert (getattr(sold, name) == getattr(wanted, name)).all(), name
        assert (wanted.units_wanted == wanted.units_sold).all()
        found = np.isin(wanted.unit, sold.unit)
        for name in ("unit", "item", "price_cents", "percent"):
            assert (getattr(wanted, name)[found] == getattr(sold, name)).all(), name
        assert (wanted.order[wanted.owner][found] == sold.order[sold.owner]).all()
    lost = 1 - len(joined(blocks, "unit")) / len(joined(wishes, "unit"))
    assert 0 < lost < 0.05


def test_units_are_counted_by_day_location_and_item(blocks):
    for block in blocks[:3] + blocks[-3:]:
        counts = Counter(
            zip(
                block.day[block.owner].tolist(),
                block.location[block.owner].tolist(),
                block.item.tolist(),
                strict=True,
            )
        )
        assert {tuple(cell): int(block.units_sold[tuple(cell)]) for cell in counts} == counts
        assert block.units_sold.sum() == len(block.unit)
        assert (block.units_sold <= block.units_wanted).all()


def test_a_week_sells_no_more_than_its_shelves_held(shop, blocks):
    for block in blocks:
        sold = block.units_sold.sum(axis=0)
        lost = block.units_wanted.sum(axis=0) > sold
        level = Shelves.filled(shop.world, block.monday).level
        assert (sold <= level).all()
        # Who found nothing stood before an empty shelf.
        assert (sold[lost] == level[lost]).all()


def test_all_units_of_an_order_tell_the_same(units):
    facts = defaultdict(set)
    for unit in units:
        told = {key: unit[key] for key in KEYS if key not in ("rfid", "item", "unit_price")}
        told.pop("discount")
        facts[unit["txid"]].add(json.dumps(told))
    assert all(len(found) == 1 for found in facts.values())


def test_every_unit_has_its_own_tag_that_names_its_item(blocks, units):
    assert len({unit["rfid"] for unit in units}) == len(units)
    names = {item.reference: item.name for item in read_catalogue()}
    found = [decode_sgtin96(unit["rfid"]) for unit in units]
    assert [names[fields["item"]] for fields in found] == [unit["item"] for unit in units]
    assert [fields["serial"] for fields in found] == serials(SEED, joined(blocks, "unit")).tolist()


def test_a_transaction_number_tells_the_millisecond_of_the_purchase(blocks, units):
    txids = {unit["txid"]: moment_of(unit) for unit in units}
    assert len(txids) == sum(len(block.first_units) for block in blocks)
    for txid, moment in txids.items():
        parsed = uuid.UUID(txid)
        assert parsed.version == 7
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        assert parsed.int >> 80 == since // timedelta(milliseconds=1)


def test_a_purchase_lies_in_its_day_in_paris_and_purchases_are_sorted(blocks, units):
    assert follow_each_other(unit["purchase_time"] for unit in units)
    days = [
        block.monday + timedelta(days=day)
        for block in blocks
        for day in block.day[block.owner].tolist()
    ]
    for unit, day in zip(units, days, strict=True):
        assert moment_of(unit).astimezone(PARIS).date() == day


def test_purchases_keep_to_the_hours_of_the_day(wishes):
    # A plain working day against its weights; within an hour, any minute is as good.
    local: Counter = Counter()
    minutes: Counter = Counter()
    for block in wishes:
        for moment, day in zip(block.moment.tolist(), block.day.tolist(), strict=True):
            time = datetime.fromtimestamp(moment / 1_000_000, PARIS)
            minutes[time.minute] += 1
            local[time.hour] += day != 6
    weights = np.diff(Clock.of(date(2025, 6, 3)).hours.cumulative.astype(np.int64), prepend=0)
    assert_follows([local[hour] for hour in range(24)], weights)
    assert_follows([minutes[minute] for minute in range(60)], [1] * 60)


def test_the_clocks_change_between_two_purchases():
    world = World(SEED, 40_000, 1, date(2025, 10, 26))
    block = sell_plan(open_shop(world), endless=True)[0]
    passed = (block.moment - block.moment[0]) // np.uint64(3_600_000_000)
    assert passed.max() == 24  # the day has 25 hours
    local = Counter(
        datetime.fromtimestamp(m / 1_000_000, PARIS).hour for m in block.moment.tolist()
    )
    # Two o'clock comes twice, and three o'clock weighs the same once.
    assert_share(local[2], local[2] + local[3], 2 / 3)
    assert not block.location.any()  # a Sunday


def test_stores_sell_while_they_are_open_and_only_they_have_a_name(units):
    for unit in units:
        assert (unit["channel"] == "in_person") == (unit["store_id"] is not None)
        if unit["channel"] == "in_person":
            local = moment_of(unit).astimezone(PARIS)
            assert local.weekday() != 6
            assert 10 <= local.hour < 19
        else:
            assert unit["channel"] == "online"


def test_people_buy_in_the_store_of_their_region_or_in_paris(shop, blocks, units):
    buyers = joined([replace(b, buyer=b.buyer[b.owner]) for b in blocks], "buyer")
    regions = [place.region_code for place in shop.customers.places]
    for unit, home in zip(units, shop.customers.home[buyers].tolist(), strict=True):
        if unit["store_id"]:
            assert unit["store_id"] == STORE_BY_REGION.get(regions[home], "BOUTIQUE-PARIS-01")


@pytest.fixture(scope="module")
def open_hours():
    """Orders of a larger year that were placed while stores were open, as columns."""
    shop = open_shop(World(SEED, 200_000, 365, FIRST))
    regions = np.array([place.region_code for place in shop.customers.places])
    home = regions[shop.customers.home]
    # Codes of metropolitan regions lie from 11 to 94.
    is_beyond = ~np.isin(home, [str(code) for code in range(11, 95)])
    is_near = np.where(is_beyond, 2, np.isin(home, list(STORE_BY_REGION)))
    found = []
    for block in sell_plan(shop, endless=True):
        hours = np.array(
            [datetime.fromtimestamp(m / 1_000_000, PARIS).hour for m in block.moment.tolist()]
        )
        days = [block.monday + timedelta(days=int(number)) for number in block.day]
        closed = np.array([(day.month, day.day) in ((1, 1), (5, 1), (12, 25)) for day in days])
        rows = np.flatnonzero((block.day < 6) & ~closed & (hours >= 10) & (hours < 19))
        first = block.first_units
        columns = [
            is_near[block.buyer],
            block.location > 0,
            block.buyer,
            block.moment % np.uint64(3_600_000_000),
            np.bincount(block.owner, minlength=len(block.order)),
            block.item[first],
        ]
        found.append(np.array([column[rows].astype(float) for column in columns]))
    return np.concatenate(found, axis=1)


def test_near_a_store_people_mostly_go_there(open_hours):
    near, in_person = open_hours[0], open_hours[1] > 0
    for where, share in ((0, 0.18), (1, 0.85), (2, 0.01)):
        chosen = near == where
        assert_share(int(in_person[chosen].sum()), int(chosen.sum()), share)


def test_what_is_drawn_for_an_order_does_not_hang_together(open_hours):
    # Channel, buyer, minute, size and item; where a person lives decides the channel.
    near, *columns = open_hours
    for chosen in (near == 1, near == 0):
        found = np.corrcoef([column[chosen] for column in columns])
        assert np.abs(found[np.triu_indices(len(columns), 1)]).max() < 4.5 / chosen.sum() ** 0.5


def test_prices_are_those_of_the_day(units):
    skus = {item.name: item.sku for item in read_catalogue()}
    known: dict[tuple[str, date], Decimal] = {}
    seen = set()
    for unit in units:
        day = moment_of(unit).astimezone(PARIS).date()
        # Prices change four times at most: two days of a year stand for all between them.
        since = date(2025, 10, 1) if day >= date(2025, 10, 1) else FIRST
        key = (unit["item"], since)
        if key not in known:
            known[key] = price_by_hand(skus[unit["item"]], since)
        assert Decimal(str(unit["unit_price"])) == known[key]
        seen.add(key)
    assert len(seen) == 2 * 61


def discounts(units: list[dict]) -> dict[tuple[bool, bool], Counter]:
    """Count the percents of discounts by (a day of sales, the figurine of the week)."""
    found: dict[tuple[bool, bool], Counter] = defaultdict(Counter)
    names = [item.name for item in read_catalogue()]
    for unit in units:
        day = moment_of(unit).astimezone(PARIS).date()
        price, discount = (round(unit[key] * 100) for key in ("unit_price", "discount"))
        percents = [p for p in (0, 10, 15, 20, 30) if price * p // 100 == discount]
        assert len(percents) == 1, unit
        promoted = promoted_item(SEED, day - timedelta(days=day.weekday()))
        found[is_sale_day(day), names[promoted] == unit["item"]][percents[0]] += 1
    return found


def test_discounts_come_with_the_sales_and_with_the_figurine_of_the_week(units):
    found = discounts(units)
    percents = (0, 10, 15, 20, 30)
    for (on_sale, promoted), weights in {
        (False, False): (97, 3, 0, 0, 0),
        (True, False): (40, 20, 15, 15, 10),
        (True, True): (0, 0, 0, 90, 10),
    }.items():
        assert_follows([found[on_sale, promoted][p] for p in percents], weights)
    assert set(found[False, True]) == {20}
    assert sum(found[False, True].values()) > 100


def test_buyers_come_as_often_as_their_rates_and_only_while_they_are_active(shop, wishes):
    customers, counts = shop.customers, np.zeros(10)
    expected = np.zeros(10)
    tenth = np.minimum(
        np.argsort(np.argsort(customers.rate, kind="stable")) * 10 // len(customers.rate), 9
    )
    for block in wishes:
        first = (block.monday - FIRST).days
        last = max(first + 6, 0)
        is_active = (customers.arrives <= last) & (customers.leaves > first)
        assert is_active[block.buyer].all()
        counts += np.bincount(tenth[block.buyer], minlength=10)
        owed = np.bincount(tenth[is_active], weights=customers.rate[is_active], minlength=10)
        expected += owed / owed.sum() * len(block.buyer)
    assert_follows(counts, expected)


def test_customers_come_back(units):
    emails = {unit["txid"]: unit["email"] for unit in units}
    visits = Counter(emails.values())
    assert sum(count >= 2 for count in visits.values()) > len(visits) / 2
    assert max(visits.values()) > 20


ARRAYS = [f.name for f in fields(Block) if f.name not in ("monday", "days", "ends_day", "owner")]


def gather(blocks: list[Block]) -> dict[str, list]:
    """Put blocks together; an order's position is replaced by its number."""
    found = {name: joined(blocks, name).tolist() for name in ARRAYS if not name.startswith("units")}
    for name in ("units_wanted", "units_sold"):
        found[name] = sum(getattr(block, name) for block in blocks).tolist()
    return found | {"owner": np.concatenate([b.order[b.owner] for b in blocks]).tolist()}


SMALL = World(SEED, 1_200, 21, date(2025, 10, 16))
SMALL_SHOP = open_shop(SMALL)
CHOSEN_MONDAY = date(2025, 10, 20)


@pytest.fixture(scope="module")
def whole_week():
    shelves = Shelves.filled(SMALL, CHOSEN_MONDAY)
    found = list(sell_week(SMALL_SHOP, CHOSEN_MONDAY, shelves, [date(2025, 10, 26)]))
    assert len(found) == 1
    return gather(found)


@settings(max_examples=40, deadline=None)
@given(
    block_orders=st.integers(1, 500),
    stops=st.sets(st.integers(0, 5)),
)
def test_a_week_is_the_same_in_blocks_of_any_size(whole_week, block_orders, stops):
    shelves = Shelves.filled(SMALL, CHOSEN_MONDAY)
    lasts = [CHOSEN_MONDAY + timedelta(days=i) for i in (*sorted(stops), 6)]
    blocks = list(sell_week(SMALL_SHOP, CHOSEN_MONDAY, shelves, lasts, block_orders))
    assert gather(blocks) == whole_week
    assert (shelves.taken == sum(block.units_sold for block in blocks).sum(axis=0)).all()
    assert all(len(block.order) <= block_orders for block in blocks)
    # Each asked-for day ends a block, and a block says whether it ends its day.
    ended = [block.days[-1] for block in blocks if block.ends_day]
    assert set(lasts) <= set(ended)
    assert len(ended) == len(set(ended))
    orders = Counter(day for block in blocks for day in set(block.days))
    assert sorted(orders) == local_days(CHOSEN_MONDAY, 7)
    for before, after in pairwise(blocks):
        assert before.ends_day == (after.days[0] > before.days[-1])


def test_a_week_begins_with_the_world():
    monday = date(2025, 10, 13)
    blocks = list(sell_week(SMALL_SHOP, monday, endless_shelves(), [date(2025, 10, 19)]))
    assert [day for block in blocks for day in block.days] == local_days(SMALL.first_day, 4)
    assert {day for block in blocks for day in block.day.tolist()} == {3, 4, 5, 6}


def test_a_day_without_an_order_is_a_day_all_the_same():
    world = World(SEED, 2, 30, FIRST)
    blocks = sell_plan(open_shop(world), endless=False)
    assert [day for block in blocks for day in block.days] == local_days(FIRST, 30)
    assert sum(len(block.order) for block in blocks) == 2


def test_another_seed_is_another_world(shop, blocks, people):
    other = open_shop(replace(shop.world, seed=43, _weights_until=[0]))
    theirs = sell_plan(other, endless=False)
    assert not set(serials(43, joined(theirs, "unit"))[:2_000].tolist()) & set(
        serials(SEED, joined(blocks, "unit"))[:2_000].tolist()
    )
    assert joined(theirs, "moment")[:100].tolist() != joined(blocks, "moment")[:100].tolist()


def test_columns_hold_what_lines_hold(people, blocks):
    columns = person_columns(people)
    for block in (blocks[0], blocks[47]):
        rows = order_table(SEED, block, columns).to_pylist()
        lines = [json.loads(line) for line in write_lines(people, block).to_pylist()]
        assert len(rows) == len(lines)
        for row, line in zip(rows, lines, strict=True):
            assert list(row) == KEYS
            row["purchase_time"] = row["purchase_time"].isoformat(timespec="microseconds")
            for key in ("unit_price", "discount"):
                assert row[key].as_tuple().exponent == -2
                row[key] = float(row[key])
            for key in ("address", "emergency_contact"):
                row[key] = row[key] and json.loads(row[key])
            assert row == line


def test_lines_of_some_units_are_those_of_all(people, blocks):
    block = blocks[5]
    every = write_lines(people, block).to_pylist()
    some = np.array([0, 7, len(block.unit) - 1, 7])
    persons = person_texts(people).take(pa.array(block.buyer[block.owner[some]]))
    lines = order_lines(SEED, block, some, persons).to_pylist()
    assert lines == [every[n] for n in some]
    assert len(order_lines(SEED, block, some[:0], persons[:0])) == 0


def test_stores_are_those_of_the_warehouse(units):
    with (ROOT / "seeds" / "stores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    stores = {row["store_id"] for row in rows if row["store_kind"] == "store"}
    assert {unit["store_id"] for unit in units} == stores | {None}
