"""What is asked of the reports: they add up every system that is loaded."""

from warehouse.grading.question import Question, cents, figure

_MONTH = "cast(date_trunc('month', day) as date)"
_REVENUE = (
    *("units", "gross_cents", "discount_cents", "sales_cents"),
    *("units_returned", "refund_cents", "net_cents"),
)
_SOLD_OF_EACH = """
    select coalesce(sku, product_id) as product_id, coalesce(sum(units), 0) as units,
        coalesce(sum(units - units_returned), 0) as net_units,
        coalesce(sum(sales_cents), 0) as sales_cents
    from all_revenue full join catalogue on product_id = sku
    group by sku, product_id
    having sum(units) <> 0 or sku is not null"""
# What the partner shops list and never sold is among the least sold.
_LISTED = f"""
    {_SOLD_OF_EACH}
    union all by name
    select distinct 'shops/' || upper(product_id) as product_id, 0 as units
    from raw.shop_products
    where upper(product_id) not in (select sku from catalogue)
        and 'shops/' || upper(product_id) not in (select product_id from all_revenue)"""
_NU_GOLD = "where item_name = 'Statue Corentin Nu Gold'"


def _revenue(
    text: str, rows: str, report: str, columns: dict[str, str], more: str = ""
) -> Question:
    """Ask a report for everything from gross to net; `columns` say what its keys are in the key.

    Rows of nothing, such as days without a sale, are left out on both sides.
    """
    keys = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    return Question(
        text,
        rows,
        tuple(columns),
        _REVENUE,
        f"select {keys}, {', '.join(f'sum({name}) as {name}' for name in _REVENUE)} "
        f"from all_revenue {more} group by all",
        f"""
        select {", ".join(columns)}, sum(units_sold) as units,
            {cents("gross_amount")} as gross_cents, {cents("discount_amount")} as discount_cents,
            {cents("sales_amount")} as sales_cents, sum(units_returned) as units_returned,
            {cents("refund_amount")} as refund_cents, {cents("net_amount")} as net_cents
        from marts.{report}
        where units_sold <> 0 or units_returned <> 0
        group by all""",
        report=report,
    )


REPORTS = (
    Question(
        "Best sellers",
        "items",
        ("product_id",),
        ("units", "net_units", "sales_cents", "rank"),
        f"select *, rank() over (order by net_units desc) as rank from ({_SOLD_OF_EACH}) as sold",
        """
        select product_id, units_sold as units, net_units,
            cast(100 * sales_amount as bigint) as sales_cents, sales_rank as rank
        from marts.rpt_best_sellers
        where units_sold > 0 or is_in_catalogue""",
        report="rpt_best_sellers",
    ),
    Question(
        "Least sold",
        "items",
        ("product_id",),
        ("units", "rank"),
        f"""
        select product_id, units, rank() over (order by units) as rank
        from ({_LISTED}) as sold
        qualify rank <= 100""",
        """
        select product_id, units_sold as units, least_sold_rank as rank
        from marts.rpt_least_sold""",
        report="rpt_least_sold",
    ),
    figure(
        "Statue Corentin Nu Gold",
        "units",
        f"(select sum(units) from ({_SOLD_OF_EACH}) inner join catalogue on product_id = sku "
        f"{_NU_GOLD})",
        f"(select units_sold from marts.rpt_corentin_nu_gold {_NU_GOLD})",
    ),
    Question(
        "Top regions",
        "regions",
        ("region_id",),
        ("units", "sales_cents", "rank"),
        """
        select region_id, units, sales_cents,
            case when is_region then rank() over (partition by is_region order by units desc) end
                as rank
        from (
            select coalesce(region_id, region_code) as region_id,
                region_code is not null as is_region, coalesce(sum(units), 0) as units,
                coalesce(sum(sales_cents), 0) as sales_cents
            from all_regions full join reference.regions on region_id = region_code
            group by all
        ) as sold""",
        """
        select region_id, units_sold as units, cast(100 * sales_amount as bigint) as sales_cents,
            sales_rank as rank
        from marts.rpt_top_regions
        where units_sold > 0 or sales_rank is not null""",
        report="rpt_top_regions",
    ),
    _revenue("Revenue per day", "days", "rpt_kpis_by_day", {"revenue_date": "day"}),
    _revenue("Figures per month", "months", "rpt_kpis_by_month", {"month_start_date": _MONTH}),
    _revenue("Revenue per month", "months", "rpt_revenue_by_month", {"month_start_date": _MONTH}),
    _revenue("Revenue per item", "items", "rpt_revenue_by_product", {"product_id": "product_id"}),
    _revenue("Revenue per store", "stores", "rpt_revenue_by_store", {"store_id": "store_id"}),
    _revenue(
        "Revenue per founder, style and finish",
        "categories",
        "rpt_revenue_by_category",
        {
            "category_kind": "kinds.category_kind",
            "category": "coalesce(categories.category, 'unknown')",
        },
        """
        cross join (values ('founder'), ('style'), ('finish')) as kinds (category_kind)
        left join (
            unpivot (select sku, founder, style, finish from reference.catalogue)
            on founder, style, finish into name category_kind value category
        ) as categories
            on product_id = sku and kinds.category_kind = categories.category_kind""",
    ),
    Question(
        "Revenue in all, per system",
        "systems",
        ("source_system",),
        _REVENUE,
        f"""
        select source_system, {", ".join(f"sum({name}) as {name}" for name in _REVENUE)}
        from (
            select * from all_revenue
            union all
            select * replace ('all' as source_system) from all_revenue
        ) as revenue
        group by all""",
        """
        select source_system, units_sold as units,
            cast(100 * gross_amount as bigint) as gross_cents,
            cast(100 * discount_amount as bigint) as discount_cents,
            cast(100 * sales_amount as bigint) as sales_cents, units_returned,
            cast(100 * refund_amount as bigint) as refund_cents,
            cast(100 * net_amount as bigint) as net_cents
        from marts.rpt_revenue_totals
        where units_sold <> 0 or units_returned <> 0
        qualify as_of_load = max(as_of_load) over ()""",
        report="rpt_revenue_totals",
    ),
    # Of returns the key knows no country.
    Question(
        "Sales per country",
        "countries",
        ("country_code",),
        ("units", "sales_cents"),
        "select country_code, sum(units) as units, sum(sales_cents) as sales_cents "
        "from all_countries group by all",
        "select country_code, units_sold as units, cast(100 * sales_amount as bigint) "
        "as sales_cents from marts.rpt_revenue_by_country where units_sold <> 0",
        report="rpt_revenue_by_country",
    ),
    Question(
        "Units per day",
        "days",
        ("day",),
        ("units", "sales_cents"),
        "select day, sum(units) as units, sum(sales_cents) as sales_cents from all_revenue "
        "group by all having sum(units) <> 0",
        "select purchase_date as day, units_sold as units, "
        "cast(100 * sales_amount as bigint) as sales_cents "
        "from marts.rpt_orders_by_day where units_sold <> 0",
        report="rpt_orders_by_day",
    ),
    # The key knows no hour.
    Question(
        "Units per weekday",
        "weekdays",
        ("iso_weekday",),
        ("units", "sales_cents"),
        "select isodow(day) as iso_weekday, sum(units) as units, sum(sales_cents) as sales_cents "
        "from all_revenue group by all having sum(units) <> 0",
        f"select iso_weekday, sum(units_sold) as units, {cents('sales_amount')} as sales_cents "
        "from marts.rpt_sales_by_hour group by all having sum(units_sold) <> 0",
        report="rpt_sales_by_hour",
    ),
    Question(
        "Units per month and item",
        "rows",
        ("month", "product_id"),
        ("units", "units_returned"),
        f"select {_MONTH} as month, product_id, sum(units) as units, "
        "sum(units_returned) as units_returned from all_revenue group by all",
        "select month_start_date as month, product_id, units_sold as units, units_returned "
        "from marts.rpt_units_by_month where units_sold <> 0 or units_returned <> 0",
        report="rpt_units_by_month",
    ),
    Question(
        "Variations from month to month, per item",
        "rows",
        ("month", "product_id"),
        ("units", "units_before", "sales_cents", "sales_before_cents"),
        f"""
        with months as (
            select {_MONTH} as month, product_id, sum(units) as units,
                sum(sales_cents) as sales_cents
            from all_revenue
            group by all having sum(units) <> 0
        )
        select month, product_id, sum(units) as units, sum(units_before) as units_before,
            sum(sales_cents) as sales_cents, sum(sales_before_cents) as sales_before_cents
        from (
            select *, 0 as units_before, 0 as sales_before_cents from months
            union all
            select cast(month + interval 1 month as date), product_id, 0, 0, units, sales_cents
            from months
            where month < (select max(month) from months)
        ) as compared
        group by all""",
        """
        select month_start_date as month, product_id, units_sold as units,
            coalesce(units_sold_before, 0) as units_before,
            cast(100 * sales_amount as bigint) as sales_cents,
            cast(100 * coalesce(sales_amount_before, 0) as bigint) as sales_before_cents
        from marts.rpt_product_variations
        where units_sold <> 0 or units_sold_before <> 0""",
        report="rpt_product_variations",
    ),
    # Customers have other names here and there: what they did, and how often somebody did
    # just that, has not.
    Question(
        "Loyal customers",
        "profiles",
        ("rank", "orders", "months", "units", "sales_cents"),
        ("customers",),
        """
        select rank, orders, months, units, sales_cents, count(*) as customers
        from (
            select *, rank() over (order by orders desc, months desc, sales_cents desc) as rank
            from (
                select sum(orders) as orders, sum(units) as units,
                    count(distinct date_trunc('month', period)) as months,
                    sum(sales_cents) as sales_cents
                from key_customers
                group by customer
            ) as buyers
        ) as ranked
        group by all""",
        """
        select rank, orders, months, units, sales_cents, count(*) as customers
        from (
            select rank() over (order by loyalty_rank) as rank, orders_placed as orders,
                months_active as months, units_sold as units,
                cast(100 * sales_amount as bigint) as sales_cents
            from marts.rpt_loyal_customers
            inner join marts.dim_customers using (customer_id)
            where source_system = 'pos'
        ) as ranked
        group by all""",
        report="rpt_loyal_customers",
        is_for_clean_worlds=True,
    ),
    Question(
        "Revenue per customer",
        "profiles",
        ("orders", "months", "units", "sales_cents"),
        ("customers",),
        """
        select orders, months, units, sales_cents, count(*) as customers
        from (
            select sum(orders) as orders, sum(units) as units,
                count(distinct date_trunc('month', period)) as months,
                sum(sales_cents) as sales_cents
            from key_customers
            group by customer
        ) as buyers
        group by all""",
        """
        select orders_placed as orders, months_active as months, units_sold as units,
            cast(100 * sales_amount as bigint) as sales_cents, count(*) as customers
        from marts.rpt_revenue_by_customer
        inner join marts.dim_customers using (customer_id)
        where source_system = 'pos'
        group by all""",
        report="rpt_revenue_by_customer",
        is_for_clean_worlds=True,
    ),
)
