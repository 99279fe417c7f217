with

dates as (

    select * from {{ ref('dim_dates') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

revenue_by_day as (

    select
        revenue_date,
        {{ revenue_sums() }}
    from revenue_days
    group by revenue_date

),

history as (

    select
        min(revenue_date) as first_date,
        max(revenue_date) as last_date,
        sum(net_amount) as net_amount
    from revenue_by_day

),

revenue as (

    -- Every day between the first and the last, so that no month is left out.
    select
        dates.month_start_date,
        dates.calendar_year,
        dates.calendar_month,
        history.net_amount as net_amount_in_all,
        coalesce(sum(revenue_by_day.units_sold), 0) as units_sold,
        coalesce(sum(revenue_by_day.units_without_price), 0) as units_without_price,
        coalesce(sum(revenue_by_day.units_returned), 0) as units_returned,
        coalesce(sum(revenue_by_day.gross_amount), 0) as gross_amount,
        coalesce(sum(revenue_by_day.discount_amount), 0) as discount_amount,
        coalesce(sum(revenue_by_day.sales_amount), 0) as sales_amount,
        coalesce(sum(revenue_by_day.refund_amount), 0) as refund_amount,
        coalesce(sum(revenue_by_day.net_amount), 0) as net_amount
    from dates
    inner join history on dates.date_day between history.first_date and history.last_date
    left join revenue_by_day on dates.date_day = revenue_by_day.revenue_date
    group by
        dates.month_start_date,
        dates.calendar_year,
        dates.calendar_month,
        history.net_amount

),

final as (

    select
        month_start_date,
        calendar_year,
        calendar_month,
        cast(units_sold as bigint) as units_sold,
        cast(units_without_price as bigint) as units_without_price,
        cast(units_returned as bigint) as units_returned,
        cast(units_sold - units_returned as bigint) as net_units,
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(sales_amount as decimal(18, 2)) as sales_amount,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        {{ share('net_amount', 'net_amount_in_all') }} as share_of_net,
        {{ currency() }} as currency
    from revenue

)

select * from final
