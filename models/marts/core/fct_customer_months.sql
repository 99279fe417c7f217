with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

orders as (

    -- An order is of the day of its first line, as a whole, even where a clock was wrong.
    select
        customer_id,
        source_system,
        order_id,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount
    from sale_lines
    group by customer_id, source_system, order_id

),

purchases as (

    select
        customer_id,
        source_system,
        cast(date_trunc('month', first_purchase_date) as date) as month_start_date,
        count(*) as orders_placed,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        sum(units_sold) as units_sold,
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(discount_amount), 0) as discount_amount,
        coalesce(sum(sales_amount), 0) as sales_amount,
        0 as units_returned,
        0 as refund_amount
    from orders
    group by
        customer_id,
        source_system,
        cast(date_trunc('month', first_purchase_date) as date)

),

refunds as (

    select
        customer_id,
        source_system,
        cast(date_trunc('month', return_date) as date) as month_start_date,
        0 as orders_placed,
        cast(null as date) as first_purchase_date,
        cast(null as date) as last_purchase_date,
        0 as units_sold,
        0 as gross_amount,
        0 as discount_amount,
        0 as sales_amount,
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount
    from return_lines
    where has_sale
    group by
        customer_id,
        source_system,
        cast(date_trunc('month', return_date) as date)

),

purchases_and_refunds as (

    select * from purchases
    union all
    select * from refunds

),

final as (

    select
        customer_id,
        source_system,
        month_start_date,
        cast(sum(orders_placed) as bigint) as orders_placed,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date,
        cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(units_returned) as bigint) as units_returned,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(sales_amount) - sum(refund_amount) as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from purchases_and_refunds
    group by customer_id, source_system, month_start_date

)

select * from final
