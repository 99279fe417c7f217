import csv
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.dirt import read_dirt
from generator.shops import (
    ACCESSORY_PERMILLE,
    LIKING,
    ORDERS_PER_LINE,
    QUANTITY_WEIGHTS,
    STORES,
    ShopsError,
    read_products,
    write_shop_files,
)
from generator.world import World, each_day

FIRST = date(2024, 11, 21)
CLEAN = read_dirt("none")
YEAR = World(42, 60_000, 365, FIRST)
SMALL = World(7, 300, 60, FIRST)  # about thirty lines, none on most days


def write(world: World, data: Path, last_day: date) -> Path:
    write_shop_files(world, CLEAN, data / "remote", data / "key", last_day)
    return data / "remote" / "shops_sales.csv"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_seed(name: str) -> list[dict[str, str]]:
    return read(ROOT / "seeds" / f"{name}.csv")


def read_key(data: Path) -> list[tuple]:
    parts = sorted((data / "key" / "shop_sales").iterdir())
    tables = [pq.read_table(part) for part in parts]
    return [tuple(row.values()) for row in pa.concat_tables(tables).to_pylist()] if tables else []


def recount(sales: Path) -> list[tuple]:
    prices = {p.product_id: p.price_cents for p in read_products()}
    units = Counter()
    for row in read(sales):
        units[row["date"], row["product"], row["store"]] += int(row["quantity"])
    return [
        (date.fromisoformat(day), product, store, count, count * prices[product])
        for (day, product, store), count in units.items()
    ]


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


@pytest.fixture(scope="module")
def year(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("year")
    write(YEAR, data, YEAR.last_planned_day)
    return data


@pytest.fixture(scope="module")
def sales(year) -> list[dict[str, str]]:
    return read(year / "remote" / "shops_sales.csv")


def near(count: int, tries: int, share: float) -> bool:
    """Tell whether a count of successes lies within four standard deviations."""
    return abs(count - tries * share) <= 4 * (tries * share * (1 - share)) ** 0.5


def test_the_files_have_the_columns_that_the_shops_announce(year):
    heads = {
        path.name: path.read_text("utf-8").splitlines()[0] for path in (year / "remote").iterdir()
    }
    assert heads == {
        "shops_products.csv": "product_id,name,price,stock",
        "shops_stores.csv": "store_id,city,region,employees",
        "shops_sales.csv": "sale_id,date,product,store,quantity",
    }


def test_products_are_the_figurines_by_sku_and_the_shops_own_accessories(year):
    products = read(year / "remote" / "shops_products.csv")
    catalogue = [(r["sku"], r["item_name"], r["unit_price"]) for r in read_seed("catalogue")]
    assert [(p["product_id"], p["name"], p["price"]) for p in products[:61]] == catalogue
    assert [p["product_id"] for p in products[61:]] == [f"ACC-{i:03d}" for i in range(1, 9)]
    assert all(0 <= int(p["stock"]) < 120 for p in products)


def test_stores_lie_in_real_towns_of_their_region_and_are_not_the_tills(year):
    stores = read(year / "remote" / "shops_stores.csv")
    regions = {r["region_code"]: r["region_name"] for r in read_seed("regions")}
    towns = {(r["commune_name"], regions[r["region_code"]]) for r in read_seed("communes")}
    assert {(store["city"], store["region"]) for store in stores} <= towns
    assert len({store["store_id"] for store in stores}) == len(stores) == 8
    tills = {row["store_id"] for row in read_seed("stores")}
    assert not tills & {store["store_id"] for store in stores}


def test_sales_name_what_the_other_files_list(sales, year):
    products = {p["product_id"] for p in read(year / "remote" / "shops_products.csv")}
    stores = {s["store_id"] for s in read(year / "remote" / "shops_stores.csv")}
    assert {sale["product"] for sale in sales} == products  # all are sold in a year
    assert {sale["store"] for sale in sales} == stores


def test_sale_ids_rise_and_days_follow(sales):
    assert all(int(a["sale_id"]) < int(b["sale_id"]) for a, b in pairwise(sales))
    assert all(a["date"] <= b["date"] for a, b in pairwise(sales))
    assert all(a["sale_id"].startswith(a["date"].replace("-", "")) for a in sales)


def test_a_day_has_a_tenth_of_the_orders_of_the_tills(sales):
    counts = Counter(sale["date"] for sale in sales)
    rests = []
    for moment in each_day(FIRST, YEAR.last_planned_day):
        whole, rest = divmod(YEAR.orders_on(moment), ORDERS_PER_LINE)
        assert counts[str(moment)] - whole in ({0, 1} if rest else {0})
        rests.append(rest / ORDERS_PER_LINE)
    spread = sum(rest * (1 - rest) for rest in rests) ** 0.5
    assert abs(len(sales) - YEAR.orders / ORDERS_PER_LINE) <= 4 * spread


def test_a_small_world_sells_on_some_days_only(tmp_path):
    sold = {row["date"] for row in read(write(SMALL, tmp_path, SMALL.last_planned_day))}
    assert 0 < len(sold) < SMALL.days


def test_quantities_stores_and_accessories_have_their_shares(sales):
    quantities = Counter(int(sale["quantity"]) for sale in sales)
    assert set(quantities) == {1, 2, 3, 4}
    for quantity, weight in enumerate(QUANTITY_WEIGHTS, start=1):
        assert near(quantities[quantity], len(sales), weight / sum(QUANTITY_WEIGHTS))
    stores = Counter(sale["store"] for sale in sales)
    for store in STORES:
        share = store.weight / sum(s.weight for s in STORES)
        assert near(stores[store.store_id], len(sales), share)
    figurines = [p.weight for p in read_products()[:61]]
    accessories = [p.weight for p in read_products()[61:]]
    assert abs(sum(accessories) / sum(figurines) - ACCESSORY_PERMILLE / 1000) < 0.001


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.city)
def test_a_store_sells_more_of_what_its_town_likes(sales, store):
    here = [sale["product"] for sale in sales if sale["store"] == store.store_id]
    weights = {
        p.product_id: p.weight * (LIKING if store.likes in p.name else 1) for p in read_products()
    }
    total = sum(weights.values())
    liked = {p.product_id for p in read_products() if store.likes in p.name}
    assert near(sum(p in liked for p in here), len(here), sum(weights[p] for p in liked) / total)
    accessories = sum(w for p, w in weights.items() if p.startswith("ACC-"))
    assert near(sum(p.startswith("ACC-") for p in here), len(here), accessories / total)


def test_a_line_does_not_depend_on_how_many_follow_it(tmp_path):
    few = read(write(World(3, 3_000, 30, FIRST), tmp_path / "few", day(30)))
    many = {
        r["sale_id"]: r for r in read(write(World(3, 9_000, 30, FIRST), tmp_path / "m", day(30)))
    }
    assert len(few) > 200
    assert all(many[row["sale_id"]] == row for row in few)


def test_the_key_counts_what_the_file_says(year):
    counted = recount(year / "remote" / "shops_sales.csv")
    assert sorted(read_key(year)) == sorted(counted)
    assert len(counted) > 4_000


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 59), max_size=5))
def test_several_runs_write_what_one_run_writes(tmp_path_factory, cuts):
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    expected = write(SMALL, whole, day(60)).read_bytes()
    before = b""
    for cut in [*sorted(cuts), 60]:
        grown = write(SMALL, pieces, day(cut)).read_bytes()
        assert grown.startswith(before)
        before = grown
    assert before == expected
    assert read_key(pieces) == read_key(whole)
    for name in ("shops_products.csv", "shops_stores.csv"):
        assert (pieces / "remote" / name).read_bytes() == (whole / "remote" / name).read_bytes()


def test_the_parts_of_the_key_follow_each_other(tmp_path):
    for last in (13, 14, 40, 60):
        write(SMALL, tmp_path, day(last))
    spans = [
        tuple(map(date.fromisoformat, path.stem.split("_")))
        for path in sorted((tmp_path / "key" / "shop_sales").iterdir())
    ]
    assert len(spans) >= 3
    assert spans[0][0] == FIRST
    assert all(b[0] == a[1] + timedelta(days=1) for a, b in pairwise(spans))


def test_running_again_touches_nothing(tmp_path):
    write(SMALL, tmp_path, day(60))
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    before = [(path.stat().st_mtime_ns, path.stat().st_ino) for path in files]
    write(SMALL, tmp_path, day(60))
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == files
    assert [(path.stat().st_mtime_ns, path.stat().st_ino) for path in files] == before


def test_stock_is_counted_again_on_monday_only(tmp_path):
    remote = write(SMALL, tmp_path, day(4)).parent  # a Sunday
    sunday = (remote / "shops_products.csv").read_bytes()
    stores = (remote / "shops_stores.csv").stat().st_ino
    write(SMALL, tmp_path, day(5))
    monday = (remote / "shops_products.csv").stat().st_ino
    assert (remote / "shops_products.csv").read_bytes() != sunday
    write(SMALL, tmp_path, day(11))
    assert (remote / "shops_products.csv").stat().st_ino == monday
    assert (remote / "shops_stores.csv").stat().st_ino == stores


def test_a_part_left_by_a_crash_is_replaced(tmp_path):
    expected = write(SMALL, tmp_path / "clean", day(60)).read_bytes()
    sales = write(SMALL, tmp_path, day(20))
    left = sales.with_name(sales.name + ".part")
    left.write_bytes(b"half of a li")
    assert write(SMALL, tmp_path, day(60)).read_bytes() == expected
    assert not left.exists()


def test_a_run_stopped_before_the_file_is_renamed_is_made_up_for(tmp_path, monkeypatch):
    sales = write(SMALL, tmp_path, day(20))
    before, rename = sales.read_bytes(), Path.replace

    def stop(self: Path, target: Path) -> Path:
        if self.name == "shops_sales.csv.part":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            write(SMALL, tmp_path, day(40))
    assert sales.read_bytes() == before
    assert not list(tmp_path.rglob("*.part"))
    assert len(read_key(tmp_path)) > len(recount(sales))  # the key goes first
    write(SMALL, tmp_path, day(50))
    assert sorted(read_key(tmp_path)) == sorted(recount(sales))


def test_a_file_of_another_shape_or_world_is_refused_and_left_as_it_is(tmp_path):
    sales = write(SMALL, tmp_path, day(60))
    good = sales.read_bytes()
    lines = good.splitlines(keepends=True)
    refusals = {
        b"": "does not begin with the columns sale_id",
        b"Date;Magasin\n": "does not begin with the columns sale_id",
        b"\xef\xbb\xbf" + good: "does not begin with the columns sale_id",
        good[:-1]: "ends in the middle of a line",
        good + b"2025": "ends in the middle of a line",
        good + b"20250120000001,2025-01-20,KIR-POLI-GOL\n": "does not end as this world's",
        good + b"20250120000001,2025-13-20,KIR-POLI-GOL,MAG-NICE,1\n": "does not end as",
        lines[0] + lines[1].replace(b",2024-", b",2023-"): "does not end as",
        good + b"\xff\xfe\n": "does not end as",
        good + b"\n": "does not end as",
    }
    key = read_key(tmp_path)
    for content, reason in refusals.items():
        sales.write_bytes(content)
        with pytest.raises(ShopsError, match=reason) as refused:
            write(SMALL, tmp_path, day(90))
        assert "move it away" in str(refused.value)
        assert sales.read_bytes() == content
    sales.write_bytes(good)
    assert read_key(tmp_path) == key
    with pytest.raises(ShopsError, match="the seed, orders and days it began with"):
        write(World(8, 300, 60, FIRST), tmp_path, day(90))


def test_a_file_cut_within_its_last_day_is_refused(tmp_path):
    world = World(7, 15_000, 30, FIRST)
    sales = write(world, tmp_path, day(30))
    sales.write_bytes(b"".join(sales.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ShopsError, match="does not end as this world's file would"):
        write(world, tmp_path, day(40))


def test_a_file_begun_before_the_first_sale_holds_its_header_alone(tmp_path):
    sales = write(SMALL, tmp_path, FIRST - timedelta(days=1))
    assert sales.read_text() == "sale_id,date,product,store,quantity\n"
    assert not (tmp_path / "key").exists()
    assert write(SMALL, tmp_path, day(60)).read_bytes().startswith(b"sale_id,")
    assert sorted(read_key(tmp_path)) == sorted(recount(sales))
