{{ config(materialized='view') }}

with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

returns_by_line as (

    select
        sale_line_id,
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount
    from return_lines
    where has_sale
    group by sale_line_id

),

purchases as (

    -- By the line that was sold: a return may carry a number of its own as its order.
    select
        sale_lines.customer_id,
        sale_lines.order_id,
        sale_lines.product_id,
        min(sale_lines.store_id) as store_id,
        min(sale_lines.purchase_date) as purchase_date,
        min(sale_lines.purchased_at) as purchased_at,
        sum(sale_lines.units_sold) as units_sold,
        coalesce(sum(sale_lines.gross_amount), 0) as gross_amount,
        coalesce(sum(sale_lines.discount_amount), 0) as discount_amount,
        coalesce(sum(sale_lines.sales_amount), 0) as sales_amount,
        coalesce(sum(returns_by_line.units_returned), 0) as units_returned,
        coalesce(sum(returns_by_line.refund_amount), 0) as refund_amount
    from sale_lines
    left join returns_by_line on sale_lines.sale_line_id = returns_by_line.sale_line_id
    where sale_lines.customer_id <> 'unknown'
    group by sale_lines.customer_id, sale_lines.order_id, sale_lines.product_id

),

orders as (

    select
        customer_id,
        order_id,
        min(purchase_date) as purchase_date,
        min(purchased_at) as purchased_at
    from purchases
    group by customer_id, order_id

),

numbered_orders as (

    -- On a day of which no hour is known, the number of the order decides.
    select
        customer_id,
        order_id,
        row_number() over (
            partition by customer_id
            order by purchase_date, purchased_at nulls last, order_id
        ) as order_number
    from orders

),

final as (

    select
        purchases.customer_id,
        cast(numbered_orders.order_number as integer) as order_number,
        purchases.order_id,
        purchases.purchase_date,
        purchases.store_id,
        stores.store_name,
        purchases.product_id,
        products.item_name,
        cast(purchases.units_sold as bigint) as units_sold,
        cast(purchases.gross_amount as decimal(18, 2)) as gross_amount,
        cast(purchases.discount_amount as decimal(18, 2)) as discount_amount,
        cast(purchases.sales_amount as decimal(18, 2)) as sales_amount,
        cast(purchases.units_returned as bigint) as units_returned,
        cast(purchases.refund_amount as decimal(18, 2)) as refund_amount,
        cast(purchases.sales_amount - purchases.refund_amount as decimal(18, 2))
            as net_amount,
        {{ currency() }} as currency
    from purchases
    inner join numbered_orders
        on
            purchases.customer_id = numbered_orders.customer_id
            and purchases.order_id = numbered_orders.order_id
    inner join products on purchases.product_id = products.product_id
    inner join stores on purchases.store_id = stores.store_id

)

select * from final
