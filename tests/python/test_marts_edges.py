"""Days, prices and months at their edges, from a till's line to the facts; expected by hand.

In Paris it is an hour later than UTC in winter, two in summer. In 2026 the clock jumps from
02:00 to 03:00 on 29 March and back from 03:00 to 02:00 on 25 October, both at 01:00 UTC.
"""

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from conftest import Shop

GOLD = "Statue Kirsten Policier Gold"  # 299.99 at first, 309.99 from 1 October 2025
HERO = "Statue Kirsten Super-heros Regular"  # 99.99, 104.99 from then, 99.99 from 2 March 2026

# Order, what the till wrote, the business day in Paris.
DAYS = [
    ("last moment of 2025", "2025-12-31T22:59:59.999999Z", date(2025, 12, 31)),
    ("first moment of 2026", "2025-12-31T23:00:00Z", date(2026, 1, 1)),
    ("half past in 2026", "2025-12-31T23:30:00Z", date(2026, 1, 1)),
    ("without a zone it is UTC", "2025-12-31T23:30:00", date(2026, 1, 1)),
    ("as Paris writes it", "2026-01-01T00:30:00+01:00", date(2026, 1, 1)),
    ("as New York writes it", "2025-12-31T18:30:00-05:00", date(2026, 1, 1)),
    ("last moment of June", "2026-06-30T21:59:59.999999Z", date(2026, 6, 30)),
    ("first moment of July", "2026-06-30T22:00:00Z", date(2026, 7, 1)),
    # The day of 23 hours begins in winter and ends in summer.
    ("before 29 March", "2026-03-28T22:59:59Z", date(2026, 3, 28)),
    ("29 March begins", "2026-03-28T23:00:00Z", date(2026, 3, 29)),
    ("last second of winter", "2026-03-29T00:59:59Z", date(2026, 3, 29)),
    ("first second of summer", "2026-03-29T01:00:00Z", date(2026, 3, 29)),
    ("29 March ends", "2026-03-29T21:59:59Z", date(2026, 3, 29)),
    ("after 29 March", "2026-03-29T22:00:00Z", date(2026, 3, 30)),
    # The day of 25 hours.
    ("before 25 October", "2026-10-24T21:59:59Z", date(2026, 10, 24)),
    ("25 October begins", "2026-10-24T22:00:00Z", date(2026, 10, 25)),
    ("half past two, the first time", "2026-10-25T00:30:00Z", date(2026, 10, 25)),
    ("half past two, again", "2026-10-25T01:30:00Z", date(2026, 10, 25)),
    ("eleven at night, 25 October", "2026-10-25T22:00:00Z", date(2026, 10, 25)),
    ("25 October ends", "2026-10-25T22:59:59Z", date(2026, 10, 25)),
    ("after 25 October", "2026-10-25T23:00:00Z", date(2026, 10, 26)),
]

# Order, moment, item, price and discount that the till wrote; gross, discount, sales.
PRICES = [
    ("eve", "2025-09-30T21:59:59Z", GOLD, None, None, ("299.99", "0.00", "299.99")),
    ("the day itself", "2025-09-30T22:00:00Z", GOLD, None, None, ("309.99", "0.00", "309.99")),
    ("noon of the day", "2025-10-01T12:00:00Z", GOLD, None, None, ("309.99", "0.00", "309.99")),
    ("before all", "2001-01-01T12:00:00Z", GOLD, None, None, ("299.99", "0.00", "299.99")),
    ("dearer until", "2026-03-01T22:59:59Z", HERO, None, None, ("104.99", "0.00", "104.99")),
    ("cheaper again", "2026-03-01T23:00:00Z", HERO, None, None, ("99.99", "0.00", "99.99")),
    ("the till knows", "2025-09-30T22:00:00Z", GOLD, 299.99, 0, ("299.99", "0.00", "299.99")),
    ("discount", "2025-09-30T21:59:59Z", GOLD, None, 30, ("299.99", "30.00", "269.99")),
    ("too much", "2025-09-30T21:59:59Z", GOLD, None, 305, ("299.99", "299.99", "0.00")),
    ("free", "2025-10-01T12:00:00Z", GOLD, 0, 0, ("0.00", "0.00", "0.00")),
    ("nobody knows", "2025-10-01T12:00:00Z", "Statue Kirsten", None, None, (None,) * 3),
    ("nor its discount", "2025-10-01T12:00:00Z", "Statue Kirsten", None, 5, (None,) * 3),
]

# Order, sale, return, refund written; day of sale, day of return, a mistake undone, refund.
RETURNS = [
    (
        *("over the month", "2026-01-31T10:00:00Z", "2026-02-01T09:00:00Z", 250.5),
        (date(2026, 1, 31), date(2026, 2, 1), False, "250.50"),
    ),
    (
        *("at midnight", "2026-01-31T22:30:00Z", "2026-01-31T23:05:00Z", None),
        (date(2026, 1, 31), date(2026, 2, 1), True, "299.00"),
    ),
    (
        *("after an hour", "2026-02-10T10:00:00Z", "2026-02-10T11:00:00Z", 299),
        (date(2026, 2, 10), date(2026, 2, 10), True, "299.00"),
    ),
    (
        *("a moment later", "2026-02-10T10:00:00Z", "2026-02-10T11:00:00.000001Z", 299),
        (date(2026, 2, 10), date(2026, 2, 10), False, "299.00"),
    ),
    (
        # 40 minutes, while the clock on the wall went from 02:50 back to 02:30.
        *("clock set back", "2026-10-25T00:50:00Z", "2026-10-25T01:30:00Z", 299),
        (date(2026, 10, 25), date(2026, 10, 25), True, "299.00"),
    ),
    (
        # 50 minutes, while it went from 01:30 to 03:20.
        *("clock set forward", "2026-03-29T00:30:00Z", "2026-03-29T01:20:00Z", 299),
        (date(2026, 3, 29), date(2026, 3, 29), True, "299.00"),
    ),
    (
        *("before its sale", "2026-04-10T10:00:00Z", "2026-04-10T09:50:00Z", 299),
        (date(2026, 4, 10), date(2026, 4, 10), False, "299.00"),
    ),
    (
        *("never sold", None, "2026-05-31T22:00:00Z", 299),
        (None, date(2026, 6, 1), False, "299.00"),
    ),
]


# What the till said in the first file, the second, the third; the price that holds.
VERSIONS = [
    ("corrected", (1, 2, None), "2.00"),
    ("corrected twice", (1, 2, 3), "3.00"),
    ("an old line sent again", (1, 2, 1), "2.00"),
    ("a new line sent again", (1, 2, 2), "2.00"),
]


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def sold(order: str, moment: str, **more: object) -> dict[str, object]:
    return {
        "txid": order,
        "rfid": f"{len(order):024X}",
        "item": GOLD,
        "purchase_time": moment,
        "name": "Zoé",
    } | more


@pytest.fixture(scope="module")
def edges(tmp_path_factory, target) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("edges"), target)
    orders = [sold(order, moment, unit_price=1) for order, moment, _ in DAYS]
    orders += [
        sold(order, moment, item=item, unit_price=price, discount=discount)
        for order, moment, item, price, discount, _ in PRICES
    ]
    orders += [sold(order, moment, unit_price=299) for order, moment, *_ in RETURNS if moment]
    returns = [
        {"txid": order, "rfid": f"{len(order):024X}", "return_time": back, "refund_amount": refund}
        for order, _, back, refund, _ in RETURNS
    ]
    files = {"orders/edges": orders, "returns/edges": returns}
    for number in range(3):
        files[f"orders/version-{number}"] = [
            sold(order, "2024-05-01T12:00:00Z", unit_price=prices[number])
            for order, prices, _ in VERSIONS
            if prices[number]
        ]
    for name, records in files.items():
        path = shop.data / "landing" / f"{name}.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    loaded = shop.warehouse("load").stdout
    lines = sum(map(len, files.values()))
    assert f"{lines} lines = {lines - 2} accepted + 2 duplicates" in loaded
    shop.dbt("build")
    return shop


def by_order(shop: Shop, table: str, columns: str) -> dict[str, tuple]:
    rows = shop.query_working(f"select order_id, {columns} from marts.{table}")
    found = {order: values for order, *values in rows}
    assert len(found) == len(rows)
    return {order: tuple(values) for order, values in found.items()}


def test_a_sale_is_of_the_day_on_the_wall_in_paris(edges):
    """It would catch a cast to date in UTC, in the machine's zone, or with one offset all year."""
    found = by_order(edges, "fct_sale_lines", "purchase_date")
    assert {order: found[order] for order, *_ in DAYS} == {order: (day,) for order, _, day in DAYS}


def test_the_moment_of_a_sale_stays_in_utc(edges):
    found = by_order(edges, "fct_sale_lines", "purchased_at")
    half_past = (datetime(2025, 12, 31, 23, 30),)  # noqa: DTZ001
    for order in ("half past in 2026", "without a zone it is UTC"):
        assert found[order] == half_past
    assert found["as Paris writes it"] == found["as New York writes it"] == half_past
    assert found["half past two, the first time"] < found["half past two, again"]


def test_a_price_changes_at_midnight_in_paris(edges):
    """It would catch `>` for `>=`, a price by the day in UTC, a price before all that is lost."""
    found = by_order(edges, "fct_sale_lines", "gross_amount, discount_amount, sales_amount")
    assert {order: found[order] for order, *_ in PRICES} == {
        order: tuple(money(text) for text in expected) for order, *_, expected in PRICES
    }


def test_the_version_loaded_last_holds_and_an_old_one_sent_again_does_not(edges):
    found = by_order(edges, "fct_sale_lines", "sales_amount")
    assert {order: found[order] for order, *_ in VERSIONS} == {
        order: (money(expected),) for order, _, expected in VERSIONS
    }


def test_a_return_is_of_its_own_day_and_a_mistake_of_its_own_kind(edges):
    """It would catch an hour counted by the clock on the wall, and a return on the sale's day."""
    columns = "purchase_date, return_date, is_cancellation, refund_amount"
    assert by_order(edges, "fct_return_lines", columns) == {
        order: (*expected[:3], money(expected[3])) for order, *_, expected in RETURNS
    }
    found = by_order(edges, "fct_return_lines", "has_sale")
    assert {order for order, (has_sale,) in found.items() if not has_sale} == {"never sold"}


def test_the_revenue_of_a_month_is_not_changed_by_the_next(edges):
    """Sold on 31 January, back on 1 February: January keeps its sales, February has the refund."""
    assert edges.query_working(
        "select revenue_date, sum(units_sold), sum(sales_amount), sum(units_returned), "
        "sum(refund_amount), sum(net_amount) from marts.fct_revenue_days where revenue_date "
        "between date '2026-01-31' and date '2026-02-10' group by all order by all"
    ) == [
        (date(2026, 1, 31), 2, Decimal("598.00"), 0, Decimal("0.00"), Decimal("598.00")),
        (date(2026, 2, 1), 0, Decimal("0.00"), 2, Decimal("549.50"), Decimal("-549.50")),
        (date(2026, 2, 10), 2, Decimal("598.00"), 2, Decimal("598.00"), Decimal("0.00")),
    ]


def test_a_return_without_a_sale_changes_no_net_figure(edges):
    assert edges.query_working(
        "select sum(refund_amount), sum(units_returned) from marts.fct_revenue_days"
    ) == [(Decimal("2044.50"), 7)]
