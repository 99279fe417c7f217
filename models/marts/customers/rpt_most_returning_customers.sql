with

return_rates as (

    select * from {{ ref('rpt_return_rates') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

revenue_by_customer as (

    select * from {{ ref('rpt_revenue_by_customer') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

orders_with_return as (

    -- Without a sale, no order that was placed is known to have come back.
    select
        customer_id,
        order_id,
        max(case when has_sale then 1 else 0 end) as orders_placed,
        max(return_date) as last_return_date
    from return_lines
    where
        not is_cancellation
        and (purchased_at is null or returned_at >= purchased_at)
    group by customer_id, order_id

),

orders_by_customer as (

    select
        customer_id,
        sum(orders_placed) as orders_with_return,
        max(last_return_date) as last_return_date
    from orders_with_return
    group by customer_id

),

final as (

    select
        -- Of those with enough alone: a place among few is comparable with no other.
        return_rates.return_rank,
        cast(rank() over (order by return_rates.refund_amount desc nulls last) as integer)
            as refund_rank,
        return_rates.subject_id as customer_id,
        customers.region_id,
        customers.country_code,
        revenue_by_customer.orders_placed,
        cast(orders_by_customer.orders_with_return as bigint) as orders_with_return,
        return_rates.units_sold,
        return_rates.units_cancelled,
        return_rates.units_bought,
        return_rates.units_returned,
        return_rates.units_returned_without_sale,
        return_rates.return_rate,
        return_rates.return_rate_low,
        return_rates.return_rate_high,
        return_rates.is_enough,
        return_rates.is_above_usual,
        orders_by_customer.last_return_date,
        return_rates.refund_amount,
        revenue_by_customer.net_amount,
        return_rates.currency
    from return_rates
    inner join orders_by_customer
        on return_rates.subject_id = orders_by_customer.customer_id
    inner join revenue_by_customer
        on return_rates.subject_id = revenue_by_customer.customer_id
    inner join customers on return_rates.subject_id = customers.customer_id
    where
        return_rates.subject_kind = 'customer'
        and return_rates.subject_id <> 'unknown'
        and return_rates.units_returned + return_rates.units_returned_without_sale > 0

)

select * from final
