with

products as (

    select * from {{ ref('dim_products') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

nu_gold as (

    select
        product_id,
        item_name
    from products
    where item_name = 'Statue Corentin Nu Gold' and is_in_catalogue

),

orders as (

    select
        nu_gold.product_id,
        count(distinct sale_lines.order_id) as orders_placed,
        count(
            distinct case
                when sale_lines.customer_id <> 'unknown' then sale_lines.customer_id
            end
        ) as customers,
        min(sale_lines.purchase_date) as first_sale_date,
        max(sale_lines.purchase_date) as last_sale_date
    from nu_gold
    inner join sale_lines on nu_gold.product_id = sale_lines.product_id
    group by nu_gold.product_id

),

revenue as (

    select
        nu_gold.product_id,
        sum(revenue_days.units_sold) as units_sold,
        sum(revenue_days.units_returned) as units_returned,
        sum(revenue_days.gross_amount) as gross_amount,
        sum(revenue_days.discount_amount) as discount_amount,
        sum(revenue_days.sales_amount) as sales_amount,
        sum(revenue_days.refund_amount) as refund_amount,
        sum(revenue_days.net_amount) as net_amount
    from nu_gold
    inner join revenue_days on nu_gold.product_id = revenue_days.product_id
    group by nu_gold.product_id

),

units_in_all as (

    select sum(units_sold) as units_sold
    from revenue_days

),

final as (

    select
        nu_gold.product_id,
        nu_gold.item_name,
        cast(coalesce(revenue.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(revenue.units_returned, 0) as bigint) as units_returned,
        cast(coalesce(revenue.units_sold - revenue.units_returned, 0) as bigint)
            as net_units,
        cast(
            coalesce(
                {{ quotient('revenue.units_sold', 'nullif(units_in_all.units_sold, 0)') }},
                0
            )
            as decimal(9, 6)
        ) as share_of_units,
        cast(coalesce(orders.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(orders.customers, 0) as bigint) as customers,
        orders.first_sale_date,
        orders.last_sale_date,
        cast(coalesce(revenue.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(revenue.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(coalesce(revenue.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(revenue.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(revenue.net_amount, 0) as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from nu_gold
    cross join units_in_all
    left join revenue on nu_gold.product_id = revenue.product_id
    left join orders on nu_gold.product_id = orders.product_id

)

select * from final
