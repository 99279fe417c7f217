with

stores as (

    select * from {{ ref('dim_stores') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

orders as (

    select
        store_id,
        {{ orders_and_customers() }}
    from sale_lines
    group by store_id

),

revenue as (

    select
        store_id,
        {{ revenue_sums() }}
    from revenue_days
    group by store_id

),

revenue_in_all as (

    select sum(net_amount) as net_amount
    from revenue

),

final as (

    select
        stores.store_id,
        stores.store_name,
        stores.store_kind,
        stores.city,
        stores.region_id,
        cast(coalesce(orders.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(orders.customers, 0) as bigint) as customers,
        revenue.units_sold,
        revenue.units_without_price,
        revenue.units_returned,
        revenue.net_units,
        revenue.gross_amount,
        revenue.discount_amount,
        revenue.sales_amount,
        revenue.refund_amount,
        revenue.net_amount,
        cast(revenue.sales_amount / nullif(orders.orders_placed, 0) as decimal(18, 2))
            as average_basket_amount,
        {{ share('revenue.net_amount', 'revenue_in_all.net_amount') }} as share_of_net,
        {{ currency() }} as currency
    from revenue
    inner join stores on revenue.store_id = stores.store_id
    left join orders on revenue.store_id = orders.store_id
    cross join revenue_in_all

)

select * from final
