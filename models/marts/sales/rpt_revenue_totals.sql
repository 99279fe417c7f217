with

loads as (

    select * from {{ ref('fct_loads') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

charge_lines as (

    select * from {{ ref('fct_charge_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

latest as (

    select max(load_seq) as load_seq
    from loads
    where is_loaded

),

state as (

    -- The last load names the state of the data: no clock does, so that the same data built
    -- again replaces its lines.
    select
        loads.load_seq as as_of_load,
        loads.loaded_at as data_loaded_at
    from latest
    inner join loads on latest.load_seq = loads.load_seq

),

orders as (

    select
        source_system,
        count(distinct order_id) as orders_placed
    from sale_lines
    group by source_system

),

buyers as (

    select distinct
        source_system,
        customer_id
    from sale_lines
    where customer_id <> 'unknown'

),

customers as (

    select
        source_system,
        count(*) as customers
    from buyers
    group by source_system

    union all

    -- Customers of tills and web store are not linked: nobody is in two systems so far.
    select
        'all' as source_system,
        count(distinct customer_id) as customers
    from buyers

),

revenue as (

    select
        source_system,
        min(revenue_date) as first_revenue_date,
        max(revenue_date) as last_revenue_date,
        {{ revenue_sums() }}
    from revenue_days
    group by source_system

),

returns_without_sale as (

    select
        source_system,
        sum(units_returned) as units_returned_without_sale,
        sum(refund_amount) as refund_without_sale_amount
    from return_lines
    where not has_sale
    group by source_system

),

charges as (

    select
        source_system,
        sum(charge_amount) as charge_amount
    from charge_lines
    group by source_system

),

source_systems as (

    select source_system from revenue
    union
    select source_system from returns_without_sale
    union
    select source_system from charges

),

by_source_system as (

    select
        source_systems.source_system,
        revenue.first_revenue_date,
        revenue.last_revenue_date,
        orders.orders_placed,
        revenue.units_sold,
        revenue.units_without_price,
        revenue.units_returned,
        revenue.gross_amount,
        revenue.discount_amount,
        revenue.sales_amount,
        revenue.refund_amount,
        revenue.net_amount,
        returns_without_sale.units_returned_without_sale,
        returns_without_sale.refund_without_sale_amount,
        charges.charge_amount
    from source_systems
    left join revenue on source_systems.source_system = revenue.source_system
    left join orders on source_systems.source_system = orders.source_system
    left join returns_without_sale
        on source_systems.source_system = returns_without_sale.source_system
    left join charges on source_systems.source_system = charges.source_system

),

totals as (

    select * from by_source_system

    union all

    -- No order is in two systems: those of shops and web store begin with their names.
    select
        'all' as source_system,
        min(first_revenue_date) as first_revenue_date,
        max(last_revenue_date) as last_revenue_date,
        sum(orders_placed) as orders_placed,
        sum(units_sold) as units_sold,
        sum(units_without_price) as units_without_price,
        sum(units_returned) as units_returned,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount,
        sum(units_returned_without_sale) as units_returned_without_sale,
        sum(refund_without_sale_amount) as refund_without_sale_amount,
        sum(charge_amount) as charge_amount
    from by_source_system

),

final as (

    select
        cast(state.as_of_load as bigint) as as_of_load,
        totals.source_system,
        state.data_loaded_at,
        totals.first_revenue_date,
        totals.last_revenue_date,
        cast(coalesce(totals.orders_placed, 0) as bigint) as orders_placed,
        cast(coalesce(customers.customers, 0) as bigint) as customers,
        cast(coalesce(totals.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(totals.units_without_price, 0) as bigint) as units_without_price,
        cast(coalesce(totals.units_returned, 0) as bigint) as units_returned,
        cast(coalesce(totals.units_sold - totals.units_returned, 0) as bigint)
            as net_units,
        cast(coalesce(totals.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(totals.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(coalesce(totals.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(totals.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(totals.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(totals.units_returned_without_sale, 0) as bigint)
            as units_returned_without_sale,
        cast(coalesce(totals.refund_without_sale_amount, 0) as decimal(18, 2))
            as refund_without_sale_amount,
        cast(coalesce(totals.charge_amount, 0) as decimal(18, 2)) as charge_amount,
        {{ currency() }} as currency
    from totals
    cross join state
    left join customers on totals.source_system = customers.source_system

)

select * from final
