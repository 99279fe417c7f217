import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from test_identifiers import decode_sgtin96

from generator.catalogue import read_catalogue
from generator.orders import Shop, order_lines
from generator.people import invent_customers
from generator.places import read_places
from generator.world import World

FIRST = date(2024, 11, 21)
PARIS = ZoneInfo("Europe/Paris")
KEYS = [
    *("txid", "rfid", "item", "purchase_time", "name", "address", "phone", "email"),
    *("emergency_contact", "unit_price", "discount", "channel", "store_id"),
]


def open_shop(seed: int = 42, orders: int = 20_000, days: int = 365) -> Shop:
    world = World(seed, orders, days, FIRST)
    customers = invent_customers(seed, world.customers, read_places())
    return Shop(world, read_catalogue(), customers)


@pytest.fixture(scope="module")
def year():
    shop = open_shop()
    days = [FIRST + timedelta(days=i) for i in range(365)]
    return {day: [json.loads(line) for line in order_lines(shop, day)] for day in days}


@pytest.fixture(scope="module")
def units(year):
    return [unit for day in year.values() for unit in day]


def test_a_record_has_the_shape_of_the_tills(units):
    assert all(list(unit) == KEYS for unit in units)
    for unit in units[:2_000]:
        assert set(unit["address"] or {"city"}) <= {"street_address", "city", "state", "postalcode"}
        assert set(unit["emergency_contact"] or {"name"}) <= {"name", "phone"}


def test_a_year_has_the_orders_asked_for_in_baskets(units):
    baskets = Counter(unit["txid"] for unit in units)
    assert len(baskets) == 20_000
    # 70, 18, 7, 3 and 2 of 100 orders have 1 to 5 units.
    sizes = Counter(baskets.values())
    for size, percent in zip(range(1, 6), (70, 18, 7, 3, 2), strict=True):
        assert abs(sizes[size] - 200 * percent) < 4 * (200 * percent) ** 0.5
    facts = defaultdict(set)
    for unit in units:
        facts[unit["txid"]].add((unit["purchase_time"], unit["name"], unit["channel"]))
    assert all(len(found) == 1 for found in facts.values())


def test_every_unit_has_its_own_tag_that_names_its_item(units):
    assert len({unit["rfid"] for unit in units}) == len(units)
    names = {item.reference: item.name for item in read_catalogue()}
    assert all(names[decode_sgtin96(u["rfid"])["item"]] == u["item"] for u in units[:5_000])


def test_a_purchase_lies_in_its_day_in_paris_and_days_are_sorted(year):
    for day, bought in year.items():
        times = [unit["purchase_time"] for unit in bought]
        assert times == sorted(times)
        for time in times:
            moment = datetime.fromisoformat(time).replace(tzinfo=UTC)
            assert moment.astimezone(PARIS).date() == day


def test_stores_are_closed_on_sunday_and_only_they_have_a_name(year):
    for day, bought in year.items():
        for unit in bought:
            assert (unit["channel"] == "in_person") == (unit["store_id"] is not None)
            assert unit["channel"] == "online" or day.weekday() != 6


def test_items_sell_as_they_are_liked(units):
    weights = {item.name: item.weight for item in read_catalogue()}
    counts = Counter(unit["item"] for unit in units)
    scale = len(units) / sum(weights.values())
    chi_square = sum((counts[i] - w * scale) ** 2 / (w * scale) for i, w in weights.items())
    assert chi_square < 99.6  # 99.9 % of chi-square with 60 degrees of freedom


def test_prices_are_the_catalogue_s_and_discounts_come_with_the_sales(year, units):
    prices = {item.name: item.price_cents / 100 for item in read_catalogue()}
    assert all(unit["unit_price"] == prices[unit["item"]] for unit in units)
    cut = {day: sum(u["discount"] > 0 for u in bought) for day, bought in year.items()}
    winter_sales = [d for d in year if date(2025, 1, 8) <= d <= date(2025, 2, 4)]
    spring = [d for d in year if d.month in (3, 4)]
    share = lambda days: sum(cut[d] for d in days) / sum(len(year[d]) for d in days)  # noqa: E731
    assert 0.55 < share(winter_sales) < 0.65
    assert 0.01 < share(spring) < 0.05
    for unit in units:
        percent = unit["discount"] / unit["unit_price"] * 100
        assert min(abs(percent - p) for p in (0, 10, 15, 20, 30)) < 0.02


def test_people_leave_things_out_now_and_then(units):
    orders = {unit["txid"]: unit for unit in units}.values()
    for key, percent in {"address": 8, "phone": 12, "email": 10, "emergency_contact": 40}.items():
        missing = sum(order[key] is None for order in orders)
        assert abs(missing - 200 * percent) < 4 * (200 * percent) ** 0.5, key
    assert all(order["name"] for order in orders)


def test_customers_come_back(units):
    orders = {unit["txid"]: unit["email"] for unit in units if unit["email"]}
    visits = Counter(orders.values())
    assert sum(count >= 2 for count in visits.values()) > len(visits) / 2
    assert max(visits.values()) > 20


def test_a_day_depends_on_its_seed_and_on_nothing_else():
    shop, again, other = open_shop(), open_shop(), open_shop(seed=43)
    late, early = FIRST + timedelta(days=200), FIRST + timedelta(days=3)
    forwards = [list(order_lines(shop, day)) for day in (early, late)]
    backwards = [list(order_lines(again, day)) for day in (late, early)][::-1]
    assert forwards == backwards
    tags = lambda lines: {json.loads(line)["rfid"] for line in lines}  # noqa: E731
    others = tags(order_lines(other, late))
    assert others
    assert not tags(forwards[1]) & others
