with

products as (

    select * from {{ ref('dim_products') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

stock_movements as (

    select * from {{ ref('fct_stock_movements') }}

),

revenue_by_product as (

    select * from {{ ref('rpt_revenue_by_product') }}

),

orders as (

    select
        product_id,
        {{ orders_and_customers() }}
    from sale_lines
    group by product_id

),

handled as (

    select product_id from revenue_by_product
    union
    select product_id from stock_movements

),

catalogue as (

    -- A retailer who never had a figurine has not failed to sell 61 of them.
    select count(handled.product_id) > 0 as is_sold_here
    from products
    inner join handled on products.product_id = handled.product_id
    where products.is_in_catalogue

),

listed as (

    select
        products.product_id,
        products.item_name,
        products.founder,
        products.style,
        products.finish,
        products.is_in_catalogue,
        products.product_id <> 'unknown' as is_known,
        coalesce(revenue_by_product.units_sold, 0) as units_sold,
        coalesce(revenue_by_product.units_without_price, 0) as units_without_price,
        coalesce(revenue_by_product.units_returned, 0) as units_returned,
        coalesce(orders.orders_placed, 0) as orders_placed,
        coalesce(orders.customers, 0) as customers,
        coalesce(revenue_by_product.gross_amount, 0) as gross_amount,
        coalesce(revenue_by_product.discount_amount, 0) as discount_amount,
        coalesce(revenue_by_product.sales_amount, 0) as sales_amount,
        coalesce(revenue_by_product.refund_amount, 0) as refund_amount,
        coalesce(revenue_by_product.net_amount, 0) as net_amount
    from products
    cross join catalogue
    left join revenue_by_product on products.product_id = revenue_by_product.product_id
    left join orders on products.product_id = orders.product_id
    where
        revenue_by_product.product_id is not null
        or (
            products.product_id <> 'unknown'
            and (catalogue.is_sold_here or not products.is_in_catalogue)
        )

),

final as (

    select
        -- By what stayed sold: an order of 80,000 that is cancelled within minutes is no
        -- best seller. The unknown product is many things: shown, never ranked.
        case
            when is_known
                then cast(
                    rank() over (
                        partition by is_known
                        order by units_sold - units_returned desc nulls last
                    ) as integer
                )
        end as sales_rank,
        product_id,
        item_name,
        founder,
        style,
        finish,
        is_in_catalogue,
        cast(units_sold as bigint) as units_sold,
        cast(units_without_price as bigint) as units_without_price,
        cast(units_returned as bigint) as units_returned,
        cast(units_sold - units_returned as bigint) as net_units,
        cast(orders_placed as bigint) as orders_placed,
        cast(customers as bigint) as customers,
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(sales_amount as decimal(18, 2)) as sales_amount,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from listed

)

select * from final
