"""What is asked of the stock: what lies there, what is worth most, what empty shelves cost."""

from warehouse.grading.question import Question

# The estimate of a sum may be off by chance, which is as the root of it, and by a little more.
_DEVIATIONS, _PERCENT = 4, 5

_PLACE = "case when store_id = 'online' then 'ENTREPOT-ROISSY-01' else store_id end"
_LAST_DAY = "(select max(day) from all_revenue)"
_MISSED = """
    select sale_date as stock_date, location_id as store_id, sku as product_id,
        units_wanted - units_sold as units
    from key_sales
    inner join catalogue using (item_name)
    where units_wanted > units_sold"""
# What was asked for is the key's; the days on sale, of which the key knows weeks alone, are
# taken from the levels day by day.
_WANTED = """
    with days as (
        select store_id, product_id, stock_date as sale_date,
            row_number() over (
                partition by store_id, product_id order by stock_date desc
            ) as days_ago
        from marts.rpt_stock_levels
        where source_system = 'pos' and (shelf_units > 0 or units_sold > 0)
    ),
    sold as (
        select store_id, product_id, sale_date, sum(units) as units from pos_sales group by all
    ),
    wanted as (
        select store_id, product_id, coalesce(units, 0) as units, count(*) over item as days
        from days
        left join sold using (store_id, product_id, sale_date)
        where days_ago <= 91
            and store_id in (select store_id from marts.dim_stores where store_kind = 'store')
        window item as (partition by store_id, product_id)
    )"""
# Of the service levels in the seed, the quantile of the normal distribution as tables print it.
_NORMAL_QUANTILE = "case service_level when 0.95 then 1.645 when 0.975 then 1.960 end"

STOCK = (
    Question(
        "Stock levels: per week, place and item",
        "rows",
        ("week_start", "store_id", "product_id"),
        ("units", "units_sold", "units_returned"),
        f"""
        with moves as (
            select date_trunc('week', sale_date) as week_start, {_PLACE} as store_id, product_id,
                units as units_sold, 0 as units_returned
            from pos_sales
            union all
            select date_trunc('week', return_date), {_PLACE}, product_id, 0, units
            from pos_returns
        )
        select week_start, store_id, product_id, any_value(units) as units,
            coalesce(sum(units_sold), 0) as units_sold,
            coalesce(sum(units_returned), 0) as units_returned
        from pos_stock
        left join moves using (week_start, store_id, product_id)
        group by all""",
        """
        select week_start, store_id, product_id,
            arg_max(closing_units, stock_date) as units, sum(units_sold) as units_sold,
            sum(units_returned) as units_returned
        from marts.rpt_stock_levels
        inner join (select distinct week_start from pos_stock) as weeks
            on date_trunc('week', stock_date) = week_start
        where source_system = 'pos'
        group by all""",
        report="rpt_stock_levels",
    ),
    Question(
        "Stock levels: below zero",
        "",
        (),
        ("rows",),
        "select 0 as rows",
        "select count(*) as rows from marts.fct_stock_days where is_below_zero",
        report="fct_stock_days",
        is_for_clean_worlds=True,
    ),
    Question(
        "Stock levels: units missed before the shelf was empty",
        "",
        (),
        ("units",),
        "select 0 as units",
        f"""
        select coalesce(sum(units), 0) as units
        from ({_MISSED})
        left join marts.rpt_stock_levels using (stock_date, store_id, product_id)
        where shelf_units is null or shelf_units > 0""",
        report="rpt_stock_levels",
        is_for_clean_worlds=True,
    ),
    Question(
        "Product classes: amount of a year",
        "items",
        ("product_id", "abc_class"),
        ("net_cents",),
        f"""
        with
        year as (
            select product_id, sum(net_cents) as net_cents, greatest(sum(net_cents), 0) as gained
            from all_revenue
            where day > {_LAST_DAY} - 365
            group by all
        ),
        ranked as (
            select *, sum(gained) over () as gained_by_all,
                sum(gained) over (order by net_cents desc) - gained * count(*) over equals
                    as gained_by_greater
            from year
            window equals as (partition by net_cents)
        )
        select product_id, net_cents,
            case
                when net_cents <= 0 or gained_by_greater * 100 >= 95 * gained_by_all then 'C'
                when gained_by_greater * 100 >= 80 * gained_by_all then 'B'
                else 'A'
            end as abc_class
        from ranked
        where net_cents <> 0""",
        """
        select product_id, abc_class, cast(100 * net_amount_of_year as bigint) as net_cents
        from marts.rpt_product_classes
        where net_amount_of_year <> 0""",
        report="rpt_product_classes",
    ),
    # What the web store's customers undid within the hour the key tells by the day alone: that
    # is held against the star.
    Question(
        "Product classes: steady or not",
        "items",
        ("product_id", "xyz_class"),
        ("weeks_observed",),
        f"""
        with
        wanted as (
            select product_id, day, sum(units) as units
            from (
                select product_id, day, units from all_revenue
                union all
                select product_id, purchase_date, -units_returned from marts.fct_return_lines
                where is_cancellation and has_sale
            )
            where product_id <> 'unknown'
            group by all having sum(units) > 0
        ),
        first_days as (select product_id, min(day) as first_date from wanted group by all),
        grid as (
            select product_id, ago, least(52, ({_LAST_DAY} - first_date + 1) // 7) as weeks
            from first_days, range(52) as weeks_ago (ago)
        ),
        sold as (
            select product_id, ({_LAST_DAY} - day) // 7 as ago, sum(units) as units
            from wanted
            group by all
        )
        select product_id, any_value(weeks) as weeks_observed,
            case
                when stddev_samp(coalesce(units, 0)) / avg(coalesce(units, 0)) < 0.5 then 'X'
                when stddev_samp(coalesce(units, 0)) / avg(coalesce(units, 0)) < 1 then 'Y'
                else 'Z'
            end as xyz_class
        from grid left join sold using (product_id, ago)
        where ago < weeks and weeks >= 8
        group by product_id
        having sum(units) > 0""",
        """
        select product_id, xyz_class, weeks_observed
        from marts.rpt_product_classes
        where xyz_class is not null""",
        report="rpt_product_classes",
    ),
    Question(
        "Stock health: asked for in 91 days on sale, per store and item",
        "rows",
        ("store_id", "product_id"),
        ("days_on_sale", "units"),
        f"""
        {_WANTED}
        select store_id, product_id, any_value(days) as days_on_sale, sum(units) as units
        from wanted
        group by all having sum(units) > 0""",
        """
        select store_id, product_id, days_on_sale, units_demanded as units
        from marts.rpt_stock_health
        where source_system = 'pos' and store_kind = 'store' and on_hand_units is not null
            and units_demanded <> 0""",
        report="rpt_stock_health",
    ),
    # The generator places no orders: what lies there is all that there is.
    Question(
        "Reorders: order point and quantity, per store and item",
        "rows",
        ("store_id", "product_id"),
        ("on_hand_units", "order_point_hundredths", "units_to_order"),
        f"""
        {_WANTED},
        demand as (
            select store_id, product_id,
                cast(avg(units) as decimal(18, 6)) as mean,
                cast(coalesce(stddev_samp(units), sqrt(avg(units))) as decimal(18, 6))
                    as deviation
            from wanted
            group by all
        ),
        points as (
            select store_id, product_id, mean, order_cycle_days,
                cast(mean * lead_time_days as decimal(18, 2)) + cast(
                    {_NORMAL_QUANTILE} * sqrt(
                        lead_time_days * power(deviation, 2)
                        + power(mean * lead_time_deviation_days, 2)
                    ) as decimal(18, 2)
                ) as point
            from demand
            inner join marts.dim_stores using (store_id)
            inner join reference.supply_terms using (store_kind)
        )
        select store_id, product_id, closing_units as on_hand_units,
            cast(100 * point as bigint) as order_point_hundredths,
            case
                when closing_units > point then 0
                else cast(ceil(point + mean * order_cycle_days) as bigint)
                    - greatest(closing_units, 0)
            end as units_to_order
        from points
        inner join marts.rpt_stock_levels using (store_id, product_id)
        where source_system = 'pos' and stock_date = {_LAST_DAY}""",
        """
        select store_id, product_id, on_hand_units,
            cast(100 * reorder_point_units as bigint) as order_point_hundredths, units_to_order
        from marts.rpt_reorders
        where source_system = 'pos' and store_kind = 'store'""",
        report="rpt_reorders",
    ),
    Question(
        "Missed sales: sum of units, held against what was wanted",
        "",
        (),
        ("sums_in_bounds",),
        "select 1 as sums_in_bounds",
        f"""
        select cast(
            abs(estimated - wanted) <= {_DEVIATIONS} * sqrt(wanted) + {_PERCENT} * wanted / 100
            as integer
        ) as sums_in_bounds
        from (
            select coalesce((select sum(units) from ({_MISSED})), 0) as wanted,
                coalesce((select sum(units_missed) from marts.rpt_missed_sales), 0) as estimated
        ) as sums""",
        report="rpt_missed_sales",
        is_for_clean_worlds=True,
    ),
)
