with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

revenue_by_day as (

    select
        revenue_date,
        {{ revenue_sums() }}
    from revenue_days
    group by revenue_date

),

orders_by_day as (

    select
        purchase_date,
        {{ orders_and_customers() }}
    from sale_lines
    group by purchase_date

),

cancellations_by_day as (

    select
        return_date,
        sum(units_returned) as units_cancelled,
        sum(refund_amount) as cancelled_amount
    from return_lines
    where is_cancellation and has_sale
    group by return_date

),

span as (

    select
        min(revenue_date) as first_date,
        max(revenue_date) as last_date
    from revenue_by_day

),

days as (

    select dates.date_day as revenue_date
    from dates
    inner join span on dates.date_day between span.first_date and span.last_date

),

counted as (

    select
        days.revenue_date,
        cast(coalesce(orders_by_day.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(orders_by_day.customers, 0) as bigint) as customers,
        cast(coalesce(revenue_by_day.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(revenue_by_day.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(revenue_by_day.discount_amount, 0) as decimal(18, 2))
            as discount_amount,
        cast(coalesce(revenue_by_day.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(revenue_by_day.units_returned, 0) as bigint) as units_returned,
        cast(coalesce(revenue_by_day.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(revenue_by_day.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(cancellations_by_day.units_cancelled, 0) as bigint)
            as units_cancelled,
        cast(coalesce(cancellations_by_day.cancelled_amount, 0) as decimal(18, 2))
            as cancelled_amount
    from days
    left join revenue_by_day on days.revenue_date = revenue_by_day.revenue_date
    left join orders_by_day on days.revenue_date = orders_by_day.purchase_date
    left join cancellations_by_day
        on days.revenue_date = cancellations_by_day.return_date

),

final as (

    -- 364 days are 52 weeks: a Saturday is compared with a Saturday, in leap years too.
    select
        counted.revenue_date,
        counted.orders_placed,
        counted.customers,
        counted.units_sold,
        counted.gross_amount,
        counted.discount_amount,
        counted.sales_amount,
        counted.units_returned,
        counted.refund_amount,
        counted.net_amount,
        counted.units_cancelled,
        counted.cancelled_amount,
        cast(counted.sales_amount / nullif(counted.orders_placed, 0) as decimal(18, 2))
            as average_basket_amount,
        {{ kpi_changes('day_before') }},
        {{ kpi_changes('year_before') }},
        {{ currency() }} as currency
    from counted
    left join counted as day_before
        on counted.revenue_date - 1 = day_before.revenue_date
    left join counted as year_before
        on counted.revenue_date - 364 = year_before.revenue_date

)

select * from final
