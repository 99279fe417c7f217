with

customers as (

    select * from {{ ref('dim_customers') }}

),

revenue_by_customer as (

    select * from {{ ref('rpt_revenue_by_customer') }}

),

buyers as (

    select * from revenue_by_customer
    where orders_placed > 0

),

final as (

    select
        -- The unknown customer is many people: shown, never ranked.
        case
            when buyers.is_known
                then cast(
                    rank() over (
                        partition by buyers.is_known
                        order by
                            buyers.orders_placed desc nulls last,
                            buyers.months_active desc nulls last,
                            buyers.sales_amount desc nulls last
                    ) as integer
                )
        end as loyalty_rank,
        buyers.customer_id,
        customers.region_id,
        buyers.orders_placed,
        buyers.months_active,
        buyers.units_sold,
        buyers.first_purchase_date,
        buyers.last_purchase_date,
        buyers.sales_amount,
        buyers.refund_amount,
        buyers.net_amount,
        buyers.currency
    from buyers
    inner join customers on buyers.customer_id = customers.customer_id

)

select * from final
