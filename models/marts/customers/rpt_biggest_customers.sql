with

customers as (

    select * from {{ ref('dim_customers') }}

),

revenue_by_customer as (

    select * from {{ ref('rpt_revenue_by_customer') }}

),

all_revenue as (

    select sum(net_amount) as net_amount
    from revenue_by_customer

),

buyers as (

    select * from revenue_by_customer
    where orders_placed > 0 or units_returned > 0

),

cumulated as (

    -- Who ties stands on one step: the sum includes all of the same amount.
    select
        *,
        rank() over (partition by is_known order by net_amount desc nulls last) as place,
        sum(net_amount) over (
            partition by is_known
            order by net_amount desc nulls last
            range between unbounded preceding and current row
        ) as net_amount_down_to_here
    from buyers

),

final as (

    select
        -- The unknown customer is many people: shown, never ranked.
        case when cumulated.is_known then cast(cumulated.place as integer) end
            as revenue_rank,
        cumulated.customer_id,
        customers.region_id,
        customers.country_code,
        cumulated.orders_placed,
        cumulated.first_purchase_date,
        cumulated.last_purchase_date,
        cumulated.units_sold,
        cumulated.units_returned,
        cumulated.gross_amount,
        cumulated.discount_amount,
        cumulated.sales_amount,
        cumulated.refund_amount,
        cumulated.net_amount,
        {{ share('cumulated.net_amount', 'all_revenue.net_amount') }} as share_of_net,
        cast(
            case
                when cumulated.is_known and all_revenue.net_amount > 0
                    then
                        {{ quotient(
                            'cumulated.net_amount_down_to_here', 'all_revenue.net_amount'
                        ) }}
            end as decimal(18, 6)
        ) as cumulated_share_of_net,
        cumulated.currency
    from cumulated
    inner join customers on cumulated.customer_id = customers.customer_id
    cross join all_revenue

)

select * from final
