with

customers as (

    select * from {{ ref('dim_customers') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

orders as (

    select
        customer_id,
        order_id,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount
    from sale_lines
    group by customer_id, order_id

),

months as (

    select
        customer_id,
        cast(date_trunc('month', first_purchase_date) as date) as month_start_date,
        count(*) as orders_placed,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount
    from orders
    group by customer_id, cast(date_trunc('month', first_purchase_date) as date)

),

purchases_by_customer as (

    select
        customer_id,
        sum(orders_placed) as orders_placed,
        count(*) as months_active,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(discount_amount), 0) as discount_amount,
        coalesce(sum(sales_amount), 0) as sales_amount
    from months
    group by customer_id

),

returns_by_customer as (

    select
        customer_id,
        sum(case when has_sale then units_returned else 0 end) as units_returned,
        sum(case when has_sale then refund_amount else 0 end) as refund_amount,
        sum(case when has_sale then 0 else units_returned end)
            as units_returned_without_sale,
        sum(case when has_sale then 0 else refund_amount end)
            as refund_without_sale_amount
    from return_lines
    group by customer_id

),

final as (

    select
        customers.customer_id,
        customers.is_known,
        cast(coalesce(purchases.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(purchases.months_active, 0) as integer) as months_active,
        purchases.first_purchase_date,
        purchases.last_purchase_date,
        cast(coalesce(purchases.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(purchases.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(purchases.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(coalesce(purchases.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(purchases.sales_amount / nullif(purchases.orders_placed, 0) as decimal(18, 2))
            as average_basket_amount,
        cast(coalesce(returned.units_returned, 0) as bigint) as units_returned,
        cast(coalesce(returned.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(
            coalesce(purchases.sales_amount, 0) - coalesce(returned.refund_amount, 0)
            as decimal(18, 2)
        ) as net_amount,
        cast(coalesce(returned.units_returned_without_sale, 0) as bigint)
            as units_returned_without_sale,
        cast(coalesce(returned.refund_without_sale_amount, 0) as decimal(18, 2))
            as refund_without_sale_amount,
        {{ currency() }} as currency
    from customers
    left join purchases_by_customer as purchases
        on customers.customer_id = purchases.customer_id
    left join returns_by_customer as returned
        on customers.customer_id = returned.customer_id

)

select * from final
