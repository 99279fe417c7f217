"""What is asked of segments, moves and cohorts: who came in which month, and how often in all.

The key counts by month and customer; scores are worked out anew from its totals, without the
bounds that the models use: each customer is placed among the others by counting.
"""

from warehouse.grading.question import TRUE_CUSTOMER, Question, cents

# In a clean world every customer of the tills is one person, found by any of her units.
_PEOPLE = f"""
    select distinct customer_id, customer
    from marts.fct_sale_lines {TRUE_CUSTOMER}
    where source_system = 'pos'"""

# A part of live sales is named after its Monday: where such a week lies in two months, the key
# does not tell which, and both sides are empty.
_HAS_MONTHS = """not exists (
    select 1 from key_customers
    where day(period) > 1 and month(period) <> month(period + 6)
        and period > (select min(period) from key_customers)
)"""
_MONTHS = f"""
    select
        customer,
        cast(date_trunc('month', period) as date) as month,
        sum(orders) as orders,
        sum(sales_cents) as sales_cents
    from key_customers
    where {_HAS_MONTHS}
    group by all"""

_MONTHS_SINCE = "12 * (year(month) - year(cohort)) + month(month) - month(cohort)"


def _score(measure: str) -> str:
    """Place everybody among the others: fifths of the mean rank, in whole numbers."""
    return (
        f"cast(1 + 5 * (rank() over (order by {measure}) - 1 + count(*) over "
        f"(order by {measure} range between unbounded preceding and current row)) "
        "// (2 * count(*) over ()) as bigint)"
    )


SEGMENTS = (
    Question(
        "Tills: orders and sales of each customer and month",
        "rows",
        ("customer", "month"),
        ("orders", "sales_cents"),
        _MONTHS,
        f"""
        select customer, month_start_date as month, orders_placed as orders,
            cast(100 * sales_amount as bigint) as sales_cents
        from marts.fct_customer_months
        inner join ({_PEOPLE}) as people using (customer_id)
        where source_system = 'pos' and orders_placed > 0 and {_HAS_MONTHS}""",
        report="fct_customer_months",
        is_for_clean_worlds=True,
    ),
    Question(
        "Tills: customers of each cohort who come back, month by month",
        "cells",
        ("cohort", "months_since"),
        ("active_customers", "orders"),
        f"""
        select cohort, {_MONTHS_SINCE} as months_since, count(*) as active_customers,
            sum(orders) as orders
        from ({_MONTHS}) as months
        inner join (
            select customer, min(month) as cohort from ({_MONTHS}) as months group by customer
        ) as firsts using (customer)
        group by all""",
        f"""
        select cohort_month_start_date as cohort, months_since_first as months_since,
            active_customers, orders_placed as orders
        from marts.rpt_cohorts
        where source_system = 'pos' and active_customers > 0 and {_HAS_MONTHS}""",
        report="rpt_cohorts",
        is_for_clean_worlds=True,
    ),
    # Whoever moved where, all who had bought by the end of a month are somewhere.
    Question(
        "Tills: customers of all segments at the end of each of the last months",
        "months",
        ("month",),
        ("customers",),
        f"""
        select months.month, count(*) as customers
        from (
            select cast(unnest(generate_series(last_month - interval 11 month, last_month,
                interval 1 month)) as date) as month
            from (select max(month) as last_month from ({_MONTHS}) as months)
        ) as months
        inner join (
            select customer, min(month) as cohort from ({_MONTHS}) as months group by customer
        ) as firsts on firsts.cohort <= months.month
        group by all""",
        f"""
        select month_start_date as month, cast(sum(customers) as bigint) as customers
        from marts.rpt_rfm_moves
        where source_system = 'pos' and {_HAS_MONTHS}
        group by all""",
        report="rpt_rfm_moves",
        is_for_clean_worlds=True,
    ),
    Question(
        "Tills: customers of each frequency score",
        "scores",
        ("score",),
        ("customers", "orders"),
        f"""
        select score, count(*) as customers, sum(orders) as orders
        from (select orders, {_score("orders")} as score from pos_customers) as scored
        group by score""",
        """
        select frequency_score as score, count(*) as customers, sum(orders_placed) as orders
        from marts.rpt_rfm_segments
        where source_system = 'pos'
        group by all""",
        report="rpt_rfm_segments",
        is_for_clean_worlds=True,
    ),
    # All that is known of amounts by customer is what was sold: what came back is taken from
    # the star, which is held against the key elsewhere.
    Question(
        "Tills: customers of each amount score",
        "scores",
        ("score",),
        ("customers", "net_cents"),
        f"""
        select score, count(*) as customers, sum(net_cents) as net_cents
        from (
            select net_cents, {_score("net_cents")} as score
            from (
                select sales_cents - coalesce(refund_cents, 0) as net_cents
                from pos_customers
                left join (
                    select customer, cast(100 * sum(refund_amount) as bigint) as refund_cents
                    from marts.fct_return_lines {TRUE_CUSTOMER}
                    where source_system = 'pos' and has_sale
                    group by customer
                ) as refunds using (customer)
            ) as customers
        ) as scored
        group by score""",
        """
        select monetary_score as score, count(*) as customers,
            cast(100 * sum(net_amount) as bigint) as net_cents
        from marts.rpt_rfm_segments
        where source_system = 'pos'
        group by all""",
        report="rpt_rfm_segments",
        is_for_clean_worlds=True,
    ),
    # Whoever is taken for whom, and though nobody is known to the partner shops.
    Question(
        "Revenue of all months of all customers",
        "systems",
        ("source_system",),
        ("units", "sales_cents", "units_returned", "refund_cents", "net_cents"),
        """
        select source_system, sum(units) as units, sum(sales_cents) as sales_cents,
            sum(units_returned) as units_returned, sum(refund_cents) as refund_cents,
            sum(net_cents) as net_cents
        from all_revenue
        group by all""",
        f"""
        select source_system, sum(units_sold) as units, {cents("sales_amount")} as sales_cents,
            sum(units_returned) as units_returned, {cents("refund_amount")} as refund_cents,
            {cents("net_amount")} as net_cents
        from marts.fct_customer_months
        group by all""",
        report="fct_customer_months",
    ),
)
