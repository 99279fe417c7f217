with

kpis_by_day as (

    select * from {{ ref('rpt_kpis_by_day') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

calendar_months as (

    -- Numbered without a gap: a year before lie twelve.
    select
        month_start_date,
        calendar_year * 12 + calendar_month as month_number,
        max(date_day) as month_end_date
    from dates
    group by month_start_date, calendar_year * 12 + calendar_month

),

kpis_of_months as (

    select
        dates.month_start_date,
        min(kpis_by_day.revenue_date) as first_date,
        max(kpis_by_day.revenue_date) as last_date,
        sum(kpis_by_day.units_sold) as units_sold,
        sum(kpis_by_day.gross_amount) as gross_amount,
        sum(kpis_by_day.discount_amount) as discount_amount,
        sum(kpis_by_day.sales_amount) as sales_amount,
        sum(kpis_by_day.units_returned) as units_returned,
        sum(kpis_by_day.refund_amount) as refund_amount,
        sum(kpis_by_day.net_amount) as net_amount,
        sum(kpis_by_day.units_cancelled) as units_cancelled,
        sum(kpis_by_day.cancelled_amount) as cancelled_amount
    from kpis_by_day
    inner join dates on kpis_by_day.revenue_date = dates.date_day
    group by dates.month_start_date

),

orders_by_month as (

    -- Not the sum of the days: who comes twice in a month is one customer.
    select
        cast(date_trunc('month', purchase_date) as date) as month_start_date,
        {{ orders_and_customers() }}
    from sale_lines
    group by cast(date_trunc('month', purchase_date) as date)

),

counted as (

    select
        kpis_of_months.month_start_date,
        calendar_months.month_number,
        kpis_of_months.first_date = kpis_of_months.month_start_date
        and kpis_of_months.last_date = calendar_months.month_end_date as is_whole_month,
        cast(coalesce(orders_by_month.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(orders_by_month.customers, 0) as bigint) as customers,
        cast(kpis_of_months.units_sold as bigint) as units_sold,
        cast(kpis_of_months.gross_amount as decimal(18, 2)) as gross_amount,
        cast(kpis_of_months.discount_amount as decimal(18, 2)) as discount_amount,
        cast(kpis_of_months.sales_amount as decimal(18, 2)) as sales_amount,
        cast(kpis_of_months.units_returned as bigint) as units_returned,
        cast(kpis_of_months.refund_amount as decimal(18, 2)) as refund_amount,
        cast(kpis_of_months.net_amount as decimal(18, 2)) as net_amount,
        cast(kpis_of_months.units_cancelled as bigint) as units_cancelled,
        cast(kpis_of_months.cancelled_amount as decimal(18, 2)) as cancelled_amount
    from kpis_of_months
    inner join calendar_months
        on kpis_of_months.month_start_date = calendar_months.month_start_date
    left join orders_by_month
        on kpis_of_months.month_start_date = orders_by_month.month_start_date

),

whole_months as (

    select * from counted
    where is_whole_month

),

final as (

    -- A part of a month is compared with nothing: ten days of November are no fall.
    select
        counted.month_start_date,
        counted.is_whole_month,
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
        {{ kpi_changes('month_before') }},
        {{ kpi_changes('year_before') }},
        {{ currency() }} as currency
    from counted
    left join whole_months as month_before
        on
            counted.is_whole_month
            and counted.month_number - 1 = month_before.month_number
    left join whole_months as year_before
        on
            counted.is_whole_month
            and counted.month_number - 12 = year_before.month_number

)

select * from final
