with

customers as (

    select * from {{ ref('dim_customers') }}

),

customer_months as (

    select * from {{ ref('fct_customer_months') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

revenue_by_customer as (

    select
        customer_id,
        sum(orders_placed) as orders_placed,
        count(distinct case when orders_placed > 0 then month_start_date end)
            as months_active,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount,
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount
    from customer_months
    group by customer_id

),

returns_without_sale as (

    select
        customer_id,
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount
    from return_lines
    where not has_sale
    group by customer_id

),

final as (

    select
        customers.customer_id,
        customers.is_known,
        cast(coalesce(revenue.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(revenue.months_active, 0) as integer) as months_active,
        revenue.first_purchase_date,
        revenue.last_purchase_date,
        cast(coalesce(revenue.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(revenue.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(revenue.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(coalesce(revenue.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(revenue.sales_amount / nullif(revenue.orders_placed, 0) as decimal(18, 2))
            as average_basket_amount,
        cast(coalesce(revenue.units_returned, 0) as bigint) as units_returned,
        cast(coalesce(revenue.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(revenue.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(returns_without_sale.units_returned, 0) as bigint)
            as units_returned_without_sale,
        cast(coalesce(returns_without_sale.refund_amount, 0) as decimal(18, 2))
            as refund_without_sale_amount,
        {{ currency() }} as currency
    from customers
    left join revenue_by_customer as revenue
        on customers.customer_id = revenue.customer_id
    left join returns_without_sale
        on customers.customer_id = returns_without_sale.customer_id

)

select * from final
