"""The back-test of the recommendations, done again by brute force, and looked at for leaks."""

import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import duckdb
from conftest import Shop

WEIGHT = 500  # lines that what is popular counts beside what is known
OFFERS = 5
CANDIDATES = 30
DAYS_READ = 365
Score = Callable[[str], Fraction]


class Line(NamedTuple):
    order: str
    customer: str
    product: str
    place: str
    is_placed: bool
    day: date


class Told(NamedTuple):
    """What is known on the day before the split."""

    popular: Counter[str]
    of_place: dict[str, Counter[str]]
    beside: dict[str, Counter[str]]
    offerable: set[str]


def read_lines(shop: Shop) -> list[Line]:
    rows = shop.query_working(
        "select order_id, customer_id, product_id, region_id, country_code, purchase_date "
        "from marts.fct_sale_lines where source_system = 'pos'"
    )
    return [
        Line(
            *row[:3],
            row[4] if row[3] in ("unknown", "foreign") else row[3],
            row[3] != "unknown",
            row[5],
        )
        for row in rows
    ]


def read_stock(shop: Shop, day: date) -> Counter[str]:
    """Count unit by unit what lies on the shelves in the evening."""
    stock: Counter[str] = Counter()
    for sign, table, units, when, condition in (
        (1, "fct_stock_movements", "units_moved", "movement_date", "true"),
        (-1, "fct_sale_lines", "units_sold", "purchase_date", "true"),
        (1, "fct_return_lines", "units_returned", "return_date", "has_sale"),
    ):
        for product, moved, moment in shop.query_working(
            f"select product_id, {units}, {when} from marts.{table} "
            f"where source_system = 'pos' and {condition}"
        ):
            stock[product] += sign * moved if moment <= day else 0
    return stock


def tell(lines: list[Line], stock: Counter[str]) -> Told:
    popular = Counter(line.product for line in lines)
    of_place: dict[str, Counter[str]] = defaultdict(Counter)
    orders: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        orders[line.order].append(line.product)
        if line.place != "unknown":
            of_place[line.place][line.product] += 1
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    for products in orders.values():
        for i, one in enumerate(products):
            for other in products[:i] + products[i + 1 :]:
                if one != other and len(products) <= 50:
                    beside[one][other] += 1
    pairs = {one: Counter({p: n for p, n in c.items() if n > 1}) for one, c in beside.items()}
    offerable = {product for product in popular if stock[product] > 0}
    return Told(popular, of_place, {one: c for one, c in pairs.items() if c}, offerable)


def offer(told: Told, evidence: Counter[str] | None, taken: Iterable[str], this: str = "") -> set:
    """Offer the best five by (n + 500 p) / (N + 500); without evidence what is popular."""
    lines = sum(told.popular.values())

    def score(product: str) -> Fraction:
        share = Fraction(told.popular[product], lines)
        if evidence is None:
            return share
        return (evidence[product] + WEIGHT * share) / (sum(evidence.values()) + WEIGHT)

    # The model rounds scores to a billionth.
    ranked = sorted(
        told.offerable - {this},
        key=lambda product: (-round(score(product), 9), -told.popular[product], product),
    )[:CANDIDATES]
    return set([product for product in ranked if product not in set(taken)][:OFFERS])


def digest(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - no secret


def back_test(shop: Shop) -> dict[tuple[str, str], tuple]:
    lines = read_lines(shop)
    days = [line.day for line in lines]
    tested = min(90, ((max(days) - min(days)).days + 1) // 5)
    last = max(days) - timedelta(days=tested)
    known = [line for line in lines if line.day <= last]
    read = [line for line in known if line.day > last - timedelta(days=DAYS_READ)]
    told = tell(read, read_stock(shop, last))
    found: dict[tuple[str, str], list[tuple[Hashable, int, int]]] = defaultdict(list)

    baskets: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.day > last:
            baskets[line.order].add(line.product)
    for order, products in baskets.items():
        if len(products) < 2:
            continue
        for shown in sorted(products, key=lambda product: digest(order + product))[:2]:
            hidden = products - {shown}
            for method, evidence in (
                ("most_popular", None),
                ("bought_together", told.beside.get(shown)),
            ):
                offers = offer(told, evidence, {shown}, shown if evidence else "")
                found["beside_item", method].append((order, len(hidden & offers), len(hidden)))

    later: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.day > last and line.customer != "unknown":
            later[line.customer].add(line.product)
    history: dict[str, list[Line]] = defaultdict(list)
    for line in known:
        history[line.customer].append(line)
    for customer, products in later.items():
        past = history[customer]
        owned = {line.product for line in past}
        hidden = products - owned
        if not hidden or not any(line.day > last - timedelta(days=180) for line in past):
            continue
        place = max(past, key=lambda line: (line.is_placed, line.day, line.order)).place
        newest = max((line.day, line.order) for line in past)
        item = min(
            (line.product for line in past if (line.day, line.order) == newest),
            key=lambda product: (-sum(told.beside.get(product, Counter()).values()), product),
        )
        beside = told.beside.get(item)
        for method, evidence, this in (
            ("most_popular", None, ""),
            ("popular_in_region", told.of_place.get(place), ""),
            ("bought_together", beside, item if beside else ""),
        ):
            offers = offer(told, evidence, owned, this)
            found["for_customer", method].append((customer, len(hidden & offers), len(hidden)))

    return {key: summed(results, found[key[0], "most_popular"]) for key, results in found.items()}


def summed(results: list, popular: list) -> tuple:
    pairs = list(zip(results, popular, strict=True))
    return (
        len({subject for subject, *_ in results}),
        len(results),
        sum(hidden for *_, hidden in results),
        sum(hits for _, hits, _ in results),
        sum(hits > 0 for _, hits, _ in results),
        sum(here[1] > 0 and there[1] == 0 for here, there in pairs),
        sum(here[1] == 0 and there[1] > 0 for here, there in pairs),
        round(float(sum(Fraction(hits, hidden) for _, hits, hidden in results) / len(results)), 6),
    )


def test_the_back_test_is_that_of_brute_force(built_shop):
    """It would catch an item offered that she has, a pair counted twice, a wrong half of days."""
    rows = built_shop.query_working(
        "select placement, method, subjects_tested, tests_run, items_hidden, items_found, hits, "
        "hits_gained, hits_lost, recall_at_5 from marts.rpt_recommendation_tests "
        "where source_system = 'pos'"
    )
    expected = back_test(built_shop)
    assert len(expected) == 5
    assert min(tests for _, tests, *_ in expected.values()) > 50
    assert {(row[0], row[1]): (*map(int, row[2:-1]), float(row[-1])) for row in rows} == expected


def test_what_is_sold_after_the_split_changes_no_offer_of_the_back_test(built_shop, tmp_path):
    """It would catch popularity, stock or pairs that are counted over all days."""
    shutil.copytree(built_shop.data, tmp_path / "data")
    shop = Shop(tmp_path / "data", built_shop.target)
    (split,) = shop.query_working(
        "select min(split_date) from marts.rpt_recommendation_tests where source_system = 'pos'"
    )[0]
    with duckdb.connect(str(shop.working)) as connection:
        for table, day in (
            ("fct_sale_lines", "purchase_date"),
            ("fct_revenue_days", "revenue_date"),
            ("fct_stock_movements", "movement_date"),
        ):
            connection.execute(
                f"update marts.{table} set product_id = 'KIR-PIRA-GOL' where {day} >= ?", [split]
            )
    shop.dbt("run", "-s", "fct_offer_evidence", "fct_offer_candidates")
    offers = "from marts.fct_offer_candidates where {} order by all"
    of_the_test, of_today = offers.format("is_back_test"), offers.format("not is_back_test")
    assert shop.query_working(of_the_test) == built_shop.query_working(of_the_test)
    assert shop.query_working(of_today) != built_shop.query_working(of_today)
