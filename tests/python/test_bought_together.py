"""Pairs of items: counts by brute force, significance by erfc, and silence where nothing is."""

import json
import math
import shutil
from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from random import Random

import duckdb
import pytest
from conftest import Shop

REPORT = "marts.rpt_items_bought_together"
LEAST, LARGEST = 5, 100
MODEL = "rpt_items_bought_together"


def rows_of(shop: Shop, sql: str) -> list[dict]:
    with duckdb.connect(str(shop.working), read_only=True) as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def baskets_of(shop: Shop) -> dict[tuple[str, str], list[frozenset[str]]]:
    """Return the baskets of each system and basis, with no size left out."""
    orders: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for line in rows_of(shop, "select * from marts.fct_sale_lines"):
        if line["product_id"] != "unknown":
            held, buyers = orders.setdefault(
                (line["source_system"], line["order_id"]), (set(), set())
            )
            held.add(line["product_id"])
            buyers.add(line["customer_id"])
    baskets: dict[tuple[str, str], list[frozenset[str]]] = {}
    by_customer: dict[tuple[str, str], set[str]] = {}
    for (system, _), (held, buyers) in orders.items():
        baskets.setdefault((system, "orders"), []).append(frozenset(held))
        known = sorted(buyers - {"unknown"})
        if known and len(held) == 1:
            by_customer.setdefault((system, known[0]), set()).update(held)
    for (system, _), held in by_customer.items():
        baskets.setdefault((system, "customers"), []).append(frozenset(held))
    return baskets


def check(shop: Shop) -> list[dict]:
    """Hold every row against a recount; return the rows."""
    rows = rows_of(shop, f"select * from {REPORT}")
    by_group: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        by_group.setdefault((row["source_system"], row["basis"]), []).append(row)
    for group, all_baskets in baskets_of(shop).items():
        baskets = [basket for basket in all_baskets if len(basket) <= LARGEST]
        singles = Counter(item for basket in baskets for item in basket)
        pairs = Counter(pair for basket in baskets for pair in combinations(sorted(basket), 2))
        frequent = [item for item, count in singles.items() if count >= LEAST]
        seen = {pair: count for pair, count in pairs.items() if count >= LEAST}
        found = by_group.pop(group, [])
        # Where there are no more than 100 products, every pair is listed.
        if len(frequent) <= 100:
            assert {(row["product_a"], row["product_b"]) for row in found} == set(seen)
        for row in found:
            check_row(row, len(baskets), singles, seen)
            assert row["baskets_left_out"] == len(all_baskets) - len(baskets)
            assert row["pairs_tested"] == math.comb(len(frequent), 2)
    assert not by_group
    return rows


def check_row(row: dict, baskets: int, singles: Counter, seen: dict) -> None:
    a, b = row["product_a"], row["product_b"]
    both = seen[a, b]
    assert a < b
    assert [row[f"baskets{name}"] for name in ("", "_with_a", "_with_b", "_with_both")] == [
        *(baskets, singles[a], singles[b], both)
    ]
    expected = {
        "support": Fraction(both, baskets),
        "confidence_a_to_b": Fraction(both, singles[a]),
        "confidence_b_to_a": Fraction(both, singles[b]),
        "lift": Fraction(both * baskets, singles[a] * singles[b]),
    }
    for name, value in expected.items():
        assert abs(Fraction(row[name]) - value) < Fraction(1, 10**9), name
    chance = float(row["expected_baskets"])
    rest = baskets - both
    statistic = 2 * both * math.log(both / chance)
    if rest:
        statistic += 2 * rest * math.log(rest / (baskets - chance))
    assert float(row["test_statistic"]) == pytest.approx(statistic, rel=1e-4, abs=1e-3)
    p_value = math.erfc(math.sqrt(float(row["test_statistic"]) / 2))
    if row["test_statistic"] < 1_369:
        assert row["p_value"] == pytest.approx(p_value, rel=2e-6, abs=1.5e-7)
    assert row["corrected_p_value"] == min(1, row["p_value"] * row["pairs_tested"])
    assert row["is_significant"] == (row["corrected_p_value"] < 0.05)
    assert row["is_bought_together"] == (
        row["is_significant"] and both > chance and row["lift"] > 1
    )


@pytest.fixture
def copy(built_shop: Shop, tmp_path) -> Shop:
    shop = Shop(tmp_path, built_shop.target)
    shutil.copy(built_shop.working, shop.working)
    return shop


def sell(shop: Shop, baskets: list[tuple[str, list[str]]]) -> None:
    """Sell these baskets of (customer, products) at the tills, and nothing else; build."""
    lines = [
        {"order_id": f"o{n}", "customer_id": customer, "product_id": item, "line": f"{n}/{i}"}
        for n, (customer, items) in enumerate(baskets)
        for i, item in enumerate(items)
    ]
    path = shop.data / "lines.json"
    path.write_text(json.dumps(lines), "utf-8")
    with duckdb.connect(str(shop.working)) as connection:
        connection.execute(
            "create temp table one as from marts.fct_sale_lines where source_system = 'pos' limit 1"
        )
        connection.execute("delete from marts.fct_sale_lines")
        connection.execute(
            "insert into marts.fct_sale_lines select one.* replace (line as sale_line_id, "
            "lines.order_id as order_id, lines.customer_id as customer_id, "
            f"lines.product_id as product_id) from one cross join read_json('{path}') as lines"
        )
    shop.dbt("run", "--select", f"fct_basket_products+,+{MODEL}")


def items_of(shop: Shop) -> list[str]:
    return [
        row["product_id"]
        for row in rows_of(
            shop, "select product_id from marts.dim_products where is_in_catalogue order by 1"
        )
    ]


def test_the_built_shop_equals_a_recount(built_shop):
    """A self join that counts units, or a pair twice, is no recount."""
    assert check(built_shop)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_world_equals_a_recount(copy, seed):
    """Small and large orders are counted in two ways: one world has sizes of 1 to 12, and
    repeated lines, unknown products and unknown buyers."""
    random = Random(seed)  # noqa: S311 - a world, no secret
    items = [*items_of(copy)[:14], "unknown"]
    known = rows_of(copy, "select customer_id from marts.dim_customers order by 1")
    customers = [*(row["customer_id"] for row in known[:40]), "unknown"]
    baskets = [
        (random.choice(customers), random.choices(items, k=random.choice((1, 1, 1, 2, 3, 4, 12))))
        for _ in range(600)
    ]
    sell(copy, baskets)
    rows = check(copy)
    assert {row["basis"] for row in rows} == {"orders", "customers"}


def test_independent_items_are_silent_whatever_the_sizes(copy):
    """Baskets of many sizes make every lift exceed 1, and a test that does not know of sizes
    finds hundreds of pairs. The one pair that is put in is found all the same."""
    random = Random(3)  # noqa: S311 - a world, no secret
    items = items_of(copy)[:30]
    weights = [1 + n % 5 for n in range(30)]
    baskets = [
        ("unknown", random.choices(items, weights, k=random.choice((1, 1, 1, 1, 2, 5, 12, 25))))
        for _ in range(3_000)
    ]
    sell(copy, baskets)
    rows = check(copy)
    assert sum(row["lift"] > 1 for row in rows) > 0.9 * len(rows) == 0.9 * 435
    assert not [row for row in rows if row["is_significant"]]
    pair = items[4], items[9]
    together = [(buyer, [*held, pair[1]] if pair[0] in held else held) for buyer, held in baskets]
    sell(copy, together)
    first = [row for row in rows_of(copy, f"select * from {REPORT}") if row["pair_rank"] == 1]
    assert [(row["product_a"], row["product_b"]) for row in first] == [pair]


def test_large_baskets_are_left_out_of_every_count(copy):
    """A basket above the limit left out of pairs alone would lower every lift."""
    items = items_of(copy)
    others = [f"unlisted: {n}" for n in range(60)]
    with duckdb.connect(str(copy.working)) as connection:
        connection.executemany(
            "insert into marts.dim_products by name "
            "select ? as product_id, 'x' as item_name, 'unknown' as founder, 'unknown' as style, "
            "'unknown' as finish, false as is_in_catalogue",
            [(name,) for name in others],
        )
    small = [("unknown", list(held)) for held in product(items[:2], items[2:4])] * 5
    limit = [("unknown", (items + others)[:100])] * 6
    sell(copy, [*small, *limit, ("unknown", (items + others)[:101])])
    rows = check(copy)
    assert {row["baskets_left_out"] for row in rows} == {1}
    assert {row["baskets"] for row in rows} == {26}
