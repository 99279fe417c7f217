with

stock_movements as (

    select * from {{ ref('fct_stock_movements') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

supply_terms as (

    select * from {{ ref('supply_terms') }}

),

places as (

    -- Only where deliveries are told is stock known: corrections alone say what was lost,
    -- not what is there.
    select
        stock_movements.source_system,
        stock_movements.product_id,
        stock_movements.store_id,
        max(case when stores.store_kind = 'warehouse' then 1 else 0 end) = 1
            as is_warehouse
    from stock_movements
    inner join stores on stock_movements.store_id = stores.store_id
    where stock_movements.movement_kind in ('opening', 'receipt', 'transfer')
    group by
        stock_movements.source_system,
        stock_movements.product_id,
        stock_movements.store_id

),

shipping_places as (

    -- The tills know no place for what is ordered online: it leaves from the warehouse, the
    -- first of them, unless the stock of the web store itself is told.
    select
        source_system,
        coalesce(
            max(case when store_id = 'online' then store_id end),
            min(case when is_warehouse then store_id end),
            'online'
        ) as store_id
    from places
    group by source_system

),

last_sales as (

    select max(revenue_date) as last_date from revenue_days

),

last_movements as (

    select max(movement_date) as last_date from stock_movements

),

last_days as (

    -- What is told for a later day is on its way. Without a sale, the last movement counts.
    select coalesce(last_sales.last_date, last_movements.last_date) as last_date
    from last_sales
    cross join last_movements

),

sold as (

    select
        source_system,
        product_id,
        store_id,
        purchase_date as stock_date,
        sum(units_sold) as units_sold,
        sum(case when sales_amount is null then units_sold else 0 end)
            as units_without_price,
        coalesce(sum(sales_amount), 0) as sales_amount,
        max(purchased_at) as last_sold_at
    from sale_lines
    group by source_system, product_id, store_id, purchase_date

),

returned as (

    select
        source_system,
        product_id,
        store_id,
        return_date as stock_date,
        sum(units_returned) as units_returned
    from return_lines
    group by source_system, product_id, store_id, return_date

),

moved as (

    select
        source_system,
        product_id,
        store_id,
        movement_date as stock_date,
        sum(case when movement_kind in ('opening', 'receipt') then units_moved else 0 end)
            as units_received,
        sum(case when movement_kind = 'transfer' then units_moved else 0 end)
            as units_transferred,
        sum(
            case
                when movement_kind in ('opening', 'receipt', 'transfer') then 0
                else units_moved
            end
        ) as units_adjusted
    from stock_movements
    -- An order placed with the supplier moves nothing yet.
    where movement_kind <> 'order'
    group by source_system, product_id, store_id, movement_date

),

placed_returns as (

    select
        returned.source_system,
        returned.product_id,
        case
            when returned.store_id = 'online' then shipping_places.store_id
            else returned.store_id
        end as store_id,
        returned.stock_date,
        returned.units_returned
    from returned
    inner join shipping_places on returned.source_system = shipping_places.source_system

),

happened as (

    select
        source_system,
        store_id,
        stock_date,
        stock_date as delivery_date
    from moved

    union all

    select
        source_system,
        store_id,
        stock_date,
        null as delivery_date
    from placed_returns

),

place_days as (

    select
        source_system,
        store_id,
        stock_date,
        max(delivery_date) as delivery_date
    from happened
    group by source_system, store_id, stock_date

),

shelving_days as (

    -- Whether what came back is sold again at once, or looked at first and put back on the
    -- shelf when the place is filled next, no source tells: it is a term of the house.
    select
        place_days.source_system,
        place_days.store_id,
        place_days.stock_date,
        case
            when supply_terms.returns_are_sold_again = 'at_once' then place_days.stock_date
            else min(place_days.delivery_date) over (
                partition by place_days.source_system, place_days.store_id
                order by place_days.stock_date
                rows between 1 following and unbounded following
            )
        end as shelving_date
    from place_days
    left join stores on place_days.store_id = stores.store_id
    left join supply_terms on stores.store_kind = supply_terms.store_kind

),

parts as (

    select
        source_system,
        product_id,
        store_id,
        stock_date,
        units_received,
        units_transferred,
        units_adjusted,
        0 as units_returned,
        0 as units_put_back,
        0 as units_sold,
        0 as units_without_price,
        0 as sales_amount,
        cast(null as timestamp) as last_sold_at
    from moved

    union all

    select
        source_system,
        product_id,
        store_id,
        stock_date,
        0 as units_received,
        0 as units_transferred,
        0 as units_adjusted,
        units_returned,
        0 as units_put_back,
        0 as units_sold,
        0 as units_without_price,
        0 as sales_amount,
        cast(null as timestamp) as last_sold_at
    from placed_returns

    union all

    select
        placed_returns.source_system,
        placed_returns.product_id,
        placed_returns.store_id,
        shelving_days.shelving_date as stock_date,
        0 as units_received,
        0 as units_transferred,
        0 as units_adjusted,
        0 as units_returned,
        placed_returns.units_returned as units_put_back,
        0 as units_sold,
        0 as units_without_price,
        0 as sales_amount,
        cast(null as timestamp) as last_sold_at
    from placed_returns
    inner join shelving_days
        on
            placed_returns.source_system = shelving_days.source_system
            and placed_returns.store_id = shelving_days.store_id
            and placed_returns.stock_date = shelving_days.stock_date
    where shelving_days.shelving_date is not null

    union all

    select
        sold.source_system,
        sold.product_id,
        case
            when sold.store_id = 'online' then shipping_places.store_id
            else sold.store_id
        end as store_id,
        sold.stock_date,
        0 as units_received,
        0 as units_transferred,
        0 as units_adjusted,
        0 as units_returned,
        0 as units_put_back,
        sold.units_sold,
        sold.units_without_price,
        sold.sales_amount,
        sold.last_sold_at
    from sold
    inner join shipping_places on sold.source_system = shipping_places.source_system

),

days as (

    select
        parts.source_system,
        parts.product_id,
        parts.store_id,
        parts.stock_date,
        sum(parts.units_received) as units_received,
        sum(parts.units_transferred) as units_transferred,
        sum(parts.units_adjusted) as units_adjusted,
        sum(parts.units_returned) as units_returned,
        sum(parts.units_put_back) as units_put_back,
        sum(parts.units_sold) as units_sold,
        sum(parts.units_without_price) as units_without_price,
        sum(parts.sales_amount) as sales_amount,
        max(parts.last_sold_at) as last_sold_at,
        max(last_days.last_date) as last_date,
        max(case when parts.store_id = shipping_places.store_id then 1 else 0 end) = 1
            as ships_online
    from parts
    inner join places
        on
            parts.source_system = places.source_system
            and parts.product_id = places.product_id
            and parts.store_id = places.store_id
    inner join shipping_places on parts.source_system = shipping_places.source_system
    inner join last_days on parts.stock_date <= last_days.last_date
    group by
        parts.source_system,
        parts.product_id,
        parts.store_id,
        parts.stock_date

),

running as (

    select
        *,
        sum(
            units_received + units_transferred + units_adjusted
            + units_returned - units_sold
        ) over (
            partition by source_system, product_id, store_id
            order by stock_date
            rows between unbounded preceding and current row
        ) as closing_units,
        sum(units_returned - units_put_back) over (
            partition by source_system, product_id, store_id
            order by stock_date
            rows between unbounded preceding and current row
        ) as waiting_units,
        lead(stock_date) over (
            partition by source_system, product_id, store_id order by stock_date
        ) as next_date
    from days

),

final as (

    select
        stock_date,
        coalesce(next_date - 1, last_date) as valid_until,
        source_system,
        product_id,
        store_id,
        cast(
            closing_units + units_sold - units_received - units_transferred
            - units_adjusted - units_returned as bigint
        ) as opening_units,
        cast(units_received as bigint) as units_received,
        cast(units_transferred as bigint) as units_transferred,
        cast(units_adjusted as bigint) as units_adjusted,
        cast(units_returned as bigint) as units_returned,
        cast(units_sold as bigint) as units_sold,
        cast(closing_units as bigint) as closing_units,
        cast(waiting_units as bigint) as waiting_units,
        cast(closing_units - waiting_units as bigint) as shelf_units,
        closing_units < 0 as is_below_zero,
        ships_online,
        cast(units_without_price as bigint) as units_without_price,
        cast(sales_amount as decimal(18, 2)) as sales_amount,
        last_sold_at,
        {{ currency() }} as currency
    from running

)

select * from final
