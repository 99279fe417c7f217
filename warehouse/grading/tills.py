"""What is asked of the tills: the star, cell by cell."""

from warehouse.grading.question import BACK, LINES, SOLD, TRUE_CUSTOMER, Question, cents, figure


def _of_pos(expression: str, table: str = LINES) -> str:
    return f"(select {expression} from {table} where source_system = 'pos')"


_FIGURES = (
    figure(
        "Tills: orders",
        "orders",
        "(select sum(orders) from pos_customers)",
        _of_pos("count(distinct order_id)"),
    ),
    figure(
        "Tills: units sold",
        "units",
        "(select sum(units) from pos_sales)",
        _of_pos("sum(units_sold)"),
    ),
    *(
        figure(
            text,
            f"{name}_cents",
            f"(select sum({name}_cents) from pos_sales)",
            _of_pos(cents(f"{name}_amount")),
        )
        for text, name in (
            ("Tills: gross amount", "gross"),
            ("Tills: discounts", "discount"),
            ("Tills: sales amount", "sales"),
        )
    ),
    figure(
        "Tills: refunds of known sales",
        "refund_cents",
        "(select sum(refund_cents) from pos_returns)",
        _of_pos(cents("case when has_sale then refund_amount end"), "marts.fct_return_lines"),
    ),
    figure(
        "Tills: net amount",
        "net_cents",
        "(select sum(sales_cents) from pos_sales) - (select sum(refund_cents) from pos_returns)",
        _of_pos(cents("net_amount"), "marts.fct_revenue_days"),
    ),
)


_SALES = (
    Question(
        "Tills: sales per day, store and item",
        "rows",
        ("sale_date", "store_id", "product_id"),
        ("units", "gross_cents", "discount_cents", "sales_cents"),
        "select * from pos_sales",
        f"select purchase_date as sale_date, store_id, product_id, {SOLD}, "
        f"{cents('gross_amount')} as gross_cents, {cents('discount_amount')} as discount_cents "
        f"from {LINES} where source_system = 'pos' group by all",
    ),
    Question(
        "Tills: sales per region and item",
        "rows",
        ("region_id", "product_id"),
        ("units", "sales_cents"),
        "select * from pos_regions",
        f"select region_id, product_id, {SOLD} from {LINES} "
        "where source_system = 'pos' group by all",
    ),
    Question(
        "Tills: sales per country",
        "countries",
        ("country_code",),
        ("units", "sales_cents"),
        "select * from pos_countries",
        f"select country_code, {SOLD} from {LINES} where source_system = 'pos' group by all",
    ),
    Question(
        "Tills: revenue per day, store and item",
        "rows",
        ("day", "store_id", "product_id"),
        ("units", "sales_cents", "units_returned", "refund_cents", "net_cents"),
        """
        select day, store_id, product_id, sum(units) as units, sum(sales_cents) as sales_cents,
            sum(units_returned) as units_returned, sum(refund_cents) as refund_cents,
            sum(sales_cents) - sum(refund_cents) as net_cents
        from (
            select sale_date as day, store_id, product_id, units, sales_cents,
                0 as units_returned, 0 as refund_cents
            from pos_sales
            union all
            select return_date, store_id, product_id, 0, 0, units, refund_cents from pos_returns
        ) as moves
        group by all""",
        f"""
        select revenue_date as day, store_id, product_id, sum(units_sold) as units,
            {cents("sales_amount")} as sales_cents, sum(units_returned) as units_returned,
            {cents("refund_amount")} as refund_cents, {cents("net_amount")} as net_cents
        from marts.fct_revenue_days
        where source_system = 'pos'
        group by all""",
    ),
    Question(
        "Tills: orders that hold each pair of items",
        "pairs",
        ("product_a", "product_b"),
        ("baskets",),
        "select * from pos_baskets",
        """
        with baskets as (
            select distinct order_id, product_id
            from marts.fct_sale_lines
            where source_system = 'pos'
        )
        select a.product_id as product_a, b.product_id as product_b, count(*) as baskets
        from baskets as a
        inner join baskets as b on a.order_id = b.order_id and a.product_id <= b.product_id
        group by all""",
    ),
)

_NU_GOLD = "where item_name = 'Statue Corentin Nu Gold'"
_CUSTOMERS = (
    Question(
        "Tills: what each customer bought",
        "customers",
        ("customer",),
        ("orders", "units", "sales_cents"),
        "select * from pos_customers",
        f"select customer, count(distinct order_id) as orders, {SOLD} "
        f"from {LINES} {TRUE_CUSTOMER} where source_system = 'pos' group by all",
    ),
    Question(
        "Tills: customers of Nu Gold",
        "",
        (),
        ("customers",),
        f"select count(distinct customer) as customers from {LINES} {TRUE_CUSTOMER} "
        f"inner join catalogue on product_id = sku {_NU_GOLD}",
        f"select count(distinct customer_id) as customers from {LINES} "
        f"inner join catalogue on product_id = sku {_NU_GOLD} and source_system = 'pos'",
        is_for_clean_worlds=True,
    ),
)

_RETURNS = (
    Question(
        "Tills: returns per day, store, item and reason",
        "rows",
        ("return_date", "store_id", "product_id", "reason"),
        ("units", "refund_cents"),
        "select * from pos_returns",
        f"select return_date, store_id, product_id, return_reason as reason, {BACK} "
        "from marts.fct_return_lines where source_system = 'pos' and has_sale group by all",
    ),
    Question(
        "Tills: returns without a sale, per day and reason",
        "rows",
        ("return_date", "reason"),
        ("units", "refund_cents"),
        "select * from pos_returns_without_sale",
        f"select return_date, return_reason as reason, {BACK} from marts.fct_return_lines "
        "where source_system = 'pos' and not has_sale group by all",
    ),
    # Nothing comes back before the day after its sale.
    figure(
        "Tills: sales undone within the hour",
        "units",
        "0",
        _of_pos(
            "coalesce(sum(case when is_cancellation then units_returned end), 0)",
            "marts.fct_return_lines",
        ),
    ),
    Question(
        "Tills: stock per week, place and item",
        "rows",
        ("week_start", "store_id", "product_id"),
        ("units",),
        "select * from pos_stock",
        """
        with moves as (
            select movement_date as day, store_id, product_id, units_moved as units
            from marts.fct_stock_movements
            where source_system = 'pos'
            union all
            select purchase_date, store_id, product_id, -units_sold
            from marts.fct_sale_lines
            where source_system = 'pos'
            union all
            select return_date, store_id, product_id, units_returned
            from marts.fct_return_lines
            where source_system = 'pos' and has_sale
        ),
        weekly as (
            select date_trunc('week', day) as week,
                case when store_id = 'online' then 'ENTREPOT-ROISSY-01' else store_id end
                    as store_id,
                product_id, sum(units) as units
            from moves
            group by all
        ),
        weeks as (select distinct week_start, store_id, product_id from pos_stock)
        select week_start, store_id, product_id, coalesce(sum(weekly.units), 0) as units
        from weeks
        left join weekly using (store_id, product_id)
        where weekly.week is null or weekly.week <= week_start
        group by all""",
    ),
)

TILLS = (*_FIGURES, *_SALES, *_CUSTOMERS, *_RETURNS)
