"""A database with another shop's invoices alone: the same models, its own currency and zone.

Expected values are counted by hand from the lines below.
"""

from decimal import Decimal

import pytest
from conftest import Shop

LINES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1001,22423,CAKESTAND,2,2011-03-31 23:30:00,12.75,17850.0,United Kingdom
1001,85123A,HEART,10,2011-03-31 23:30:00,2.55,17850.0,United Kingdom
1001,POST,POSTAGE,1,2011-03-31 23:30:00,18.00,17850.0,United Kingdom
1002,85123a,HEART,5,2011-04-01 09:00:00,2.95,,EIRE
1003,23843,PAPER BIRDIE,80995,2011-04-01 09:15:00,2.08,16446.0,United Kingdom
C1004,23843,PAPER BIRDIE,-80995,2011-04-01 09:27:00,2.08,16446.0,United Kingdom
C1005,22423,CAKESTAND,-1,2011-04-02 10:00:00,12.75,17850.0,United Kingdom
C1006,99999,OLD LAMP,-3,2011-04-02 11:00:00,10.00,17850.0,United Kingdom
1007,22423,damaged,-4,2011-04-02 12:00:00,0,,United Kingdom
A1008,B,Adjust bad debt,1,2011-04-02 13:00:00,-11.06,,United Kingdom
1009,DOT,DOTCOM POSTAGE,1,2011-04-02 14:00:00,5.00,12346.0,USA
"""


@pytest.fixture(scope="module")
def retailer(tmp_path_factory, target) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("retailer"), target)
    folder = shop.data / "landing" / "web_lines"
    folder.mkdir(parents=True)
    (folder / "year.csv").write_text(LINES, encoding="utf-8")
    shop.warehouse("load")
    shop.dbt("build", KSCM_CURRENCY="GBP", KSCM_TIMEZONE="Europe/London")
    shop.warehouse("publish")
    return shop


def test_goods_returns_charges_and_corrections_are_told_apart(retailer):
    [totals] = retailer.query(
        "select units_sold, units_returned, sales_amount, refund_amount, net_amount, "
        "units_returned_without_sale, refund_without_sale_amount, charge_amount, orders_placed, "
        "customers, currency from marts.rpt_revenue_totals where source_system = 'all'"
    )
    sales = Decimal("25.50") + Decimal("25.50") + Decimal("14.75") + Decimal("168469.60")
    refunds = Decimal("168469.60") + Decimal("12.75")
    assert totals == (
        *(2 + 10 + 5 + 80_995, 80_995 + 1, sales, refunds, sales - refunds),
        *(3, Decimal("30.00"), Decimal("18.00") - Decimal("11.06") + 5, 3, 2, "GBP"),
    )
    moved = "select product_id, units_moved, movement_kind from marts.fct_stock_movements"
    assert retailer.query(moved) == [("web/22423", -4, "adjustment")]


def test_the_best_seller_is_what_stayed_sold_and_no_figurine_is_listed(retailer):
    assert retailer.query(
        "select sales_rank, product_id, item_name, net_units from marts.rpt_best_sellers "
        "where net_units > 0 or is_in_catalogue order by all"
    ) == [(1, "web/85123A", "HEART", 15), (2, "web/22423", "CAKESTAND", 1)]
    [(cancelled,)] = retailer.query(
        "select sum(units_returned) from marts.fct_return_lines where is_cancellation"
    )
    assert cancelled == 80_995


def test_days_are_those_of_its_own_zone(retailer):
    days = retailer.query("select revenue_date::varchar, net_amount from marts.rpt_kpis_by_day")
    assert sorted(days) == [
        ("2011-03-31", Decimal("51.00")),
        ("2011-04-01", Decimal("14.75")),
        ("2011-04-02", Decimal("-12.75")),
    ]
    [(moment,)] = retailer.query(
        "select purchased_at::varchar from marts.fct_sale_lines where sale_line_id = 'web/1001/1'"
    )
    assert moment == "2011-03-31 22:30:00"  # summer time since 27 March


def test_countries_by_any_name_and_nobody_unknown_among_the_best(retailer):
    assert retailer.query(
        "select country_code, orders_placed, net_amount from marts.rpt_revenue_by_country "
        "order by all"
    ) == [("GB", 2, Decimal("38.25")), ("IE", 1, Decimal("14.75"))]
    ranked = "from marts.rpt_biggest_customers where revenue_rank is not null"
    assert retailer.query(f"select net_amount, country_code {ranked} order by revenue_rank") == [
        (Decimal("38.25"), "GB"),
        (Decimal("0.00"), "GB"),
    ]
    [(home,)] = retailer.query(
        "select country_code from marts.dim_customers where first_purchase_date is null "
        "and is_known"
    )
    assert home == "US"
