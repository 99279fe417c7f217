"""The key equals a slow recount of the written files, which shares no code with it."""

import csv
import json
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, groupby
from operator import itemgetter
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT
from sampling import open_shop, sell_plan
from worlds import FIRST, key_rows, records, write_world

from generator.planted import write_planted
from generator.world import World

PARIS = ZoneInfo("Europe/Paris")
WAREHOUSE = "ENTREPOT-ROISSY-01"


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    # Dense enough for shelves to run empty.
    write_world(folder, orders=30_000, days=60)
    return folder


@pytest.fixture(scope="module")
def units(landing):
    return records(landing)


def catalogue_rows() -> list[dict[str, str]]:
    with (ROOT / "seeds" / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def business_day(time: str) -> date:
    return datetime.fromisoformat(time).replace(tzinfo=UTC).astimezone(PARIS).date()


def cents(amount: float) -> int:
    return round(amount * 100)


def customer(unit) -> int:
    return int(re.search(r"\.(\d+)@", unit["email"])[1])


def location(unit) -> str:
    return unit["store_id"] or WAREHOUSE


def test_sales_by_day_place_and_item(landing, units):
    found = defaultdict(lambda: [0, 0, 0])
    for unit in units:
        cell = found[business_day(unit["purchase_time"]), location(unit), unit["item"]]
        cell[0] += 1
        cell[1] += cents(unit["unit_price"])
        cell[2] += cents(unit["discount"])
    key = {
        (row["sale_date"], row["location_id"], row["item_name"]): [
            row["units_sold"],
            row["gross_cents"],
            row["discount_cents"],
        ]
        for row in key_rows(landing, "sales")
        if row["units_sold"]
    }
    assert key == dict(found)


def test_what_was_wanted_in_vain_met_an_empty_shelf(landing):
    lost = Counter()
    for row in key_rows(landing, "sales"):
        monday = row["sale_date"] - timedelta(days=row["sale_date"].weekday())
        missing = row["units_wanted"] - row["units_sold"]
        assert missing >= 0
        if missing:
            lost[monday, row["location_id"], row["item_name"]] += missing
    weeks = {
        (row["week_start"], row["location_id"], row["item_name"]): row
        for row in key_rows(landing, "stock")
    }
    told = [cell for cell in lost if cell in weeks]
    assert len(told) > 10
    assert all(weeks[cell]["sold"] == weeks[cell]["opening"] for cell in told)


def test_what_was_wanted_is_what_endless_shelves_would_sell(landing):
    world = World(42, 30_000, 60, FIRST)
    blocks = sell_plan(open_shop(world), endless=True)
    wanted = sum(len(block.unit) for block in blocks)
    rows = key_rows(landing, "sales")
    assert sum(row["units_wanted"] for row in rows) == wanted
    assert sum(row["units_sold"] for row in rows) < wanted
    by_item = Counter()
    for block in blocks:
        by_item.update(block.item.tolist())
    names = [row["item_name"] for row in catalogue_rows()]
    key = Counter()
    for row in rows:
        key[names.index(row["item_name"])] += row["units_wanted"]
    assert key == by_item


def test_customers_with_their_orders_and_region(landing, units):
    with (ROOT / "seeds" / "communes.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["postcode"]: row["region_code"] for row in csv.DictReader(file)}
    orders, counts, sales, homes = defaultdict(set), Counter(), Counter(), {}
    for unit in units:
        month = business_day(unit["purchase_time"]).replace(day=1)
        buyer = (max(month, FIRST), customer(unit))
        orders[buyer].add(unit["txid"])
        counts[buyer] += 1
        sales[buyer] += cents(unit["unit_price"]) - cents(unit["discount"])
        country = unit["address"].get("country", "FR")
        home = regions[unit["address"]["postalcode"]] if country == "FR" else "foreign"
        homes[buyer] = (home, country)
    found = {b: (len(orders[b]), counts[b], sales[b], *homes[b]) for b in orders}
    key = {
        (row["period"], row["customer"]): (
            row["orders"],
            row["units"],
            row["sales_cents"],
            row["region_code"],
            row["country_code"],
        )
        for row in key_rows(landing, "customers")
    }
    assert key == found

    by_region = Counter()
    for unit in units:
        month = max(business_day(unit["purchase_time"]).replace(day=1), FIRST)
        by_region[homes[month, customer(unit)][0], unit["item"]] += 1
    regions_key = Counter()
    for row in key_rows(landing, "regions"):
        regions_key[row["region_code"], row["item_name"]] += row["units"]
    assert regions_key == by_region
    assert sum(r["sales_cents"] for r in key_rows(landing, "regions")) == sum(sales.values())


def test_baskets_hold_each_item_and_each_pair_once(landing, units):
    baskets = defaultdict(set)
    for unit in units:
        baskets[unit["txid"]].add(unit["item"])
    found = Counter()
    for items in baskets.values():
        found.update((item, item) for item in items)
        found.update(combinations(sorted(items), 2))
    key = Counter()
    for row in key_rows(landing, "baskets"):
        key[row["item_a"], row["item_b"]] += row["baskets"]
    assert key == found


def test_every_unit_is_known_by_the_serial_of_its_tag(landing, units):
    found = {int(unit["rfid"], 16) % 2**38: customer(unit) for unit in units}
    rows = key_rows(landing, "units")
    assert len(rows) == len(units)
    assert {row["rfid_serial"]: row["customer"] for row in rows} == found


def test_returns_by_day_place_item_and_reason(landing, units):
    sold = {unit["rfid"]: unit for unit in units}
    found = defaultdict(lambda: [0, 0])
    for back in records(landing, "returns"):
        unit = sold[back["rfid"]]
        assert unit["txid"] == back["txid"]
        day = business_day(back["return_time"])
        cell = found[day, location(unit), unit["item"], back["reason"]]
        cell[0] += 1
        cell[1] += cents(back["refund_amount"])
    key = {
        (row["return_date"], row["location_id"], row["item_name"], row["reason"]): [
            row["units"],
            row["refund_cents"],
        ]
        for row in key_rows(landing, "returns")
    }
    assert len(key) > 100
    assert key == dict(found)


def test_stock_adds_up_from_movements_sales_and_returns(landing, units):
    names = {row["sku"]: row["item_name"] for row in catalogue_rows()}
    events = defaultdict(list)
    for move in records(landing, "stock"):
        cell = move["location_id"], names[move["sku"]]
        events[cell].append((move["moved_at"], 0, move["quantity"]))
    sold = {}
    for unit in units:
        sold[unit["rfid"]] = cell = location(unit), unit["item"]
        events[cell].append((unit["purchase_time"], 1, -1))
    for back in records(landing, "returns"):
        events[sold[back["rfid"]]].append((back["return_time"], 2, 1))
    checked = 0
    for row in key_rows(landing, "stock"):
        history = sorted(events[row["location_id"], row["item_name"]])
        monday = row["week_start"]
        ends = datetime(monday.year, monday.month, monday.day, tzinfo=PARIS) + timedelta(days=7)
        until = ends.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        before = [event for event in history if event[0] < until]
        assert sum(quantity for _, _, quantity in before) == row["closing"]
        opening = row["opening"] + row["returned"] - row["sold"]
        assert opening == row["closing"]
        checked += 1
    assert checked == 8 * 4 * 61  # weeks that are over, places, items
    for history in events.values():
        level = 0
        # What moves in one moment moves together.
        for _, moment in groupby(sorted(history), key=itemgetter(0, 1)):
            level += sum(quantity for _, _, quantity in moment)
            assert level >= 0


def test_a_clean_world_has_no_defects(landing):
    assert key_rows(landing, "defects") == []
    assert key_rows(landing, "touched") == []


def test_what_was_planted_is_told(tmp_path):
    write_planted(World(42, 100, 10, FIRST), tmp_path)
    planted = json.loads((tmp_path / "planted.json").read_text("utf-8"))
    pair = planted["pairs"][0]
    assert (pair["item"], pair["companion"]) == (
        "Statue Kirsten Pirate Regular",
        "Statue Sasha Pirate Regular",
    )
    halloween = next(e for e in planted["calendar_effects"] if e["event_name"] == "halloween")
    assert ["2025-10-22", "2025-10-31"] in halloween["days"]
    assert (halloween["kind"], halloween["boost_percent"]) == ("Vampire", 300)
    assert planted["return_percent"]["Statue Matteo Vampire Silver"] == 30
