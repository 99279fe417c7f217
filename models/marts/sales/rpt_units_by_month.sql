with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

units_by_month as (

    select
        dates.month_start_date,
        revenue_days.product_id,
        sum(revenue_days.units_sold) as units_sold,
        sum(revenue_days.units_returned) as units_returned
    from revenue_days
    inner join dates on revenue_days.revenue_date = dates.date_day
    group by dates.month_start_date, revenue_days.product_id

),

final as (

    select
        units_by_month.month_start_date,
        units_by_month.product_id,
        products.item_name,
        cast(units_by_month.units_sold as bigint) as units_sold,
        cast(units_by_month.units_returned as bigint) as units_returned,
        cast(units_by_month.units_sold - units_by_month.units_returned as bigint)
            as net_units
    from units_by_month
    inner join products on units_by_month.product_id = products.product_id

)

select * from final
