-- One row per law that is broken. Who has only returned something is in none of them.
with

buyers as (

    select
        count(*) as customers,
        coalesce(sum(orders_placed), 0) as orders_placed,
        coalesce(sum(net_amount), 0) as net_amount
    from {{ ref('rpt_revenue_by_customer') }}
    where is_known and orders_placed > 0

),

newest as (

    select
        source_system,
        max(month_start_date) as month_start_date
    from {{ ref('rpt_rfm_moves') }}
    group by source_system

),

answers as (

    select
        'rpt_rfm_segments' as answer,
        count(*) as customers,
        coalesce(sum(orders_placed), 0) as orders_placed,
        coalesce(sum(net_amount), 0) as net_amount
    from {{ ref('rpt_rfm_segments') }}

    union all

    select
        'rpt_rfm_moves, last month' as answer,
        coalesce(sum(moves.customers), 0) as customers,
        null as orders_placed,
        coalesce(sum(moves.net_amount), 0) as net_amount
    from {{ ref('rpt_rfm_moves') }} as moves
    inner join newest
        on
            moves.source_system = newest.source_system
            and moves.month_start_date = newest.month_start_date

    union all

    select
        'rpt_cohorts' as answer,
        coalesce(sum(case when months_since_first = 0 then customers end), 0)
            as customers,
        coalesce(sum(orders_placed), 0) as orders_placed,
        coalesce(sum(net_amount), 0) as net_amount
    from {{ ref('rpt_cohorts') }}

    union all

    select
        'rpt_churn_risk' as answer,
        count(*) as customers,
        null as orders_placed,
        null as net_amount
    from {{ ref('rpt_churn_risk') }}

)

select
    answers.answer,
    answers.customers,
    buyers.customers as customers_who_bought,
    answers.orders_placed,
    buyers.orders_placed as orders_of_all,
    answers.net_amount,
    buyers.net_amount as net_amount_of_all
from answers
cross join buyers
where
    answers.customers <> buyers.customers
    or answers.orders_placed <> buyers.orders_placed
    or answers.net_amount <> buyers.net_amount

union all

select
    'rpt_rfm_segments, ' || segments.customer_id as answer,
    null as customers,
    null as customers_who_bought,
    segments.orders_placed,
    customers.orders_placed as orders_of_all,
    segments.net_amount,
    customers.net_amount as net_amount_of_all
from {{ ref('rpt_rfm_segments') }} as segments
inner join {{ ref('rpt_revenue_by_customer') }} as customers
    on segments.customer_id = customers.customer_id
where
    segments.orders_placed <> customers.orders_placed
    or segments.net_amount <> customers.net_amount
    or segments.last_purchase_date <> customers.last_purchase_date
