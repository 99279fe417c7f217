"""An older order that comes late moves a customer to an earlier cohort, with all she bought."""

import json
from datetime import date
from decimal import Decimal

from conftest import Shop

CELLS = """
    select cohort_month_start_date, months_since_first, customers, active_customers, net_amount
    from marts.rpt_cohorts
    where active_customers > 0
    order by all"""
LATE = ("an order of January", "2026-01-31T10:00:00Z")


def load(shop: Shop, name: str, orders: list[tuple[str, str]]) -> None:
    path = shop.data / "landing" / "orders" / f"{name}.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [
        {
            "txid": order,
            "rfid": f"{len(order):024X}",
            "item": "Statue Corentin Nu Gold",
            "purchase_time": moment,
            "name": "Zoé",
            "email": "zoe@example.org",
            "unit_price": 10,
        }
        for order, moment in orders
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    shop.warehouse("load")
    kinds = ("--resource-type", "seed", "--resource-type", "model")
    shop.dbt("build", *kinds, "--select", "+rpt_cohorts", "+rpt_rfm_segments")


def test_a_late_first_order_moves_the_customer_to_its_cohort(shop):
    """It would catch a cohort kept once it is known, or a month counted from the old one."""
    load(
        shop, "first", [("of March", "2026-03-05T10:00:00Z"), ("of April", "2026-04-05T10:00:00Z")]
    )
    march, ten = date(2026, 3, 1), Decimal("10.00")
    assert shop.query_working(CELLS) == [(march, 0, 1, 1, ten), (march, 1, 1, 1, ten)]
    load(shop, "second", [LATE])
    january = date(2026, 1, 1)
    assert shop.query_working(CELLS) == [(january, since, 1, 1, ten) for since in (0, 2, 3)]
    segments = shop.query_working("select orders_placed, net_amount from marts.rpt_rfm_segments")
    assert segments == [(3, Decimal("30.00"))]
