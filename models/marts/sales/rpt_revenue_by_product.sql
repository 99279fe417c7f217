with

products as (

    select * from {{ ref('dim_products') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

revenue as (

    select
        product_id,
        {{ revenue_sums() }}
    from revenue_days
    group by product_id

),

revenue_in_all as (

    select sum(net_amount) as net_amount
    from revenue

),

final as (

    select
        products.product_id,
        products.item_name,
        products.founder,
        products.style,
        products.finish,
        products.is_in_catalogue,
        revenue.units_sold,
        revenue.units_without_price,
        revenue.units_returned,
        revenue.net_units,
        revenue.gross_amount,
        revenue.discount_amount,
        revenue.sales_amount,
        revenue.refund_amount,
        revenue.net_amount,
        {{ share('revenue.net_amount', 'revenue_in_all.net_amount') }} as share_of_net,
        {{ currency() }} as currency
    from revenue
    inner join products on revenue.product_id = products.product_id
    cross join revenue_in_all

)

select * from final
