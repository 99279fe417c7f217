"""What is asked of the partner shops and the web store, and of whoever is taken for one."""

from warehouse.grading.question import BACK, LINES, SOLD, Question

OTHERS = (
    Question(
        "Partner shops: sales per day, store and product",
        "rows",
        ("sale_date", "store_id", "product_id"),
        ("units", "sales_cents"),
        "select sale_date, store_id, product_id, units, sales_cents from shops_sales",
        f"select purchase_date as sale_date, store_id, product_id, {SOLD} from {LINES} "
        "where source_system = 'shops' group by all",
        system="shops",
    ),
    Question(
        "Web store: sales per day, code and country",
        "rows",
        ("sale_date", "product_id", "country_code"),
        ("units", "sales_cents"),
        "select sale_date, product_id, country_code, units, sales_cents from web_sales "
        "where units <> 0",
        f"select purchase_date as sale_date, product_id, country_code, {SOLD} "
        f"from {LINES} where source_system = 'web' group by all having sum(units_sold) <> 0",
        system="web",
    ),
    Question(
        "Web store: cancelled per day, code and country",
        "rows",
        ("return_date", "product_id", "country_code"),
        ("units", "refund_cents"),
        "select sale_date as return_date, product_id, country_code, units_cancelled as units, "
        "refund_cents from web_sales where units_cancelled <> 0",
        f"select return_date, product_id, country_code, {BACK} from marts.fct_return_lines "
        "where source_system = 'web' group by all",
        system="web",
    ),
    Question(
        "Web store: cancellations without a sale",
        "",
        (),
        ("units",),
        "select 0 as units",
        "select coalesce(sum(units_returned), 0) as units from marts.fct_return_lines "
        "where source_system = 'web' and not has_sale",
        system="web",
        is_for_clean_worlds=True,
    ),
)
