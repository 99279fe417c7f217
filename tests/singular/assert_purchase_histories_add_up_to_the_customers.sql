with

histories as (

    -- One customer in sixteen: pseudonyms are evenly spread over their first digit.
    select
        customer_id,
        max(order_number) as orders_placed,
        sum(units_sold) as units_sold,
        sum(units_returned) as units_returned,
        sum(net_amount) as net_amount
    from {{ ref('rpt_purchase_history') }}
    where customer_id < '1'
    group by customer_id

),

customers as (

    select * from {{ ref('rpt_revenue_by_customer') }}
    where customer_id < '1' and orders_placed > 0

)

select
    coalesce(customers.customer_id, histories.customer_id) as customer_id,
    customers.net_amount,
    histories.net_amount as net_amount_of_history
from customers
full outer join histories
    on
        customers.customer_id = histories.customer_id
        and customers.orders_placed = histories.orders_placed
        and customers.units_sold = histories.units_sold
        and customers.units_returned = histories.units_returned
        and customers.net_amount = histories.net_amount
where customers.customer_id is null or histories.customer_id is null
