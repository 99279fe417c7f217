with

stock_health as (

    -- Nobody can say what to order to a shelf of which nothing is told.
    select * from {{ ref('rpt_stock_health') }}
    where on_hand_units is not null

),

stock_movements as (

    select * from {{ ref('fct_stock_movements') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

supply_terms as (

    select * from {{ ref('supply_terms') }}

),

last_days as (

    select max(as_of_date) as last_date from stock_health

),

service_terms as (

    select
        *,
        sqrt(-2 * ln(1 - service_level)) as tail
    from supply_terms

),

terms as (

    -- No engine here has the normal quantile: formula 26.2.23 of Abramowitz and Stegun.
    select
        store_kind,
        lead_time_days,
        lead_time_deviation_days,
        order_cycle_days,
        service_level,
        cast(
            tail - (2.515517 + 0.802853 * tail + 0.010328 * tail * tail) / (
                1 + 1.432788 * tail + 0.189269 * tail * tail
                + 0.001308 * tail * tail * tail
            ) as decimal(9, 3)
        ) as service_factor
    from service_terms

),

supplies as (

    -- A store is filled by transfers. To the warehouse, they bring back what it had.
    select
        stock_movements.source_system,
        stock_movements.product_id,
        stock_movements.store_id,
        stock_movements.moved_at,
        stock_movements.movement_date > last_days.last_date as is_to_come,
        case
            when stock_movements.movement_kind = 'order' then stock_movements.units_moved
            else 0
        end as units_ordered,
        case
            when stock_movements.movement_kind <> 'order' then stock_movements.units_moved
            else 0
        end as units_arrived
    from stock_movements
    inner join stores on stock_movements.store_id = stores.store_id
    cross join last_days
    where
        stock_movements.movement_kind in ('order', 'receipt')
        or (
            stock_movements.movement_kind = 'transfer'
            and stock_movements.units_moved > 0
            and stores.store_kind <> 'warehouse'
        )

),

ordering_systems as (

    select distinct source_system
    from stock_movements
    where movement_kind = 'order'

),

balances as (

    select
        source_system,
        product_id,
        store_id,
        moved_at,
        sum(sum(units_ordered - units_arrived)) over (
            partition by source_system, product_id, store_id
            order by moved_at
            rows between unbounded preceding and current row
        ) as balance
    from supplies
    where not is_to_come
    group by source_system, product_id, store_id, moved_at

),

open_orders as (

    -- What arrives without an order fills none that comes later: the balance starts anew
    -- from its lowest point.
    select
        source_system,
        product_id,
        store_id,
        balance - least(
            0,
            min(balance) over (partition by source_system, product_id, store_id)
        ) as units_open
    from balances
    qualify
        row_number() over (
            partition by source_system, product_id, store_id
            order by moved_at desc nulls last
        ) = 1

),

to_come as (

    select
        source_system,
        product_id,
        store_id,
        sum(units_ordered) as units_ordered,
        sum(units_arrived) as units_arriving
    from supplies
    where is_to_come
    group by source_system, product_id, store_id

),

described as (

    -- What is announced for a later day may be what was ordered: it counts once.
    select
        stock_health.*,
        terms.lead_time_days,
        terms.lead_time_deviation_days,
        terms.order_cycle_days,
        terms.service_level,
        terms.service_factor,
        -- No order told at all is no order known, not none placed.
        case
            when
                ordering_systems.source_system is not null
                or to_come.source_system is not null
                then greatest(
                    coalesce(to_come.units_arriving, 0),
                    coalesce(open_orders.units_open, 0) + coalesce(to_come.units_ordered, 0)
                )
        end as units_on_order
    from stock_health
    inner join terms on stock_health.store_kind = terms.store_kind
    left join ordering_systems
        on stock_health.source_system = ordering_systems.source_system
    left join open_orders
        on
            stock_health.source_system = open_orders.source_system
            and stock_health.product_id = open_orders.product_id
            and stock_health.store_id = open_orders.store_id
    left join to_come
        on
            stock_health.source_system = to_come.source_system
            and stock_health.product_id = to_come.product_id
            and stock_health.store_id = to_come.store_id

),

safeguarded as (

    select
        *,
        cast(
            service_factor * sqrt(
                lead_time_days * cast(units_per_day_deviation as double)
                * units_per_day_deviation
                + cast(units_per_day as double) * units_per_day
                * lead_time_deviation_days * lead_time_deviation_days
            ) as decimal(18, 2)
        ) as safety_stock_units
    from described

),

pointed as (

    select
        *,
        cast(units_per_day * lead_time_days + safety_stock_units as decimal(18, 2))
            as reorder_point_units
    from safeguarded

),

aimed as (

    select
        *,
        cast(ceil(reorder_point_units + units_per_day * order_cycle_days) as bigint)
            as target_units
    from pointed

),

available as (

    select
        *,
        greatest(on_hand_units, 0) + coalesce(units_on_order, 0) as available_units
    from aimed

),

decided as (

    select
        *,
        case
            when available_units <= reorder_point_units then target_units - available_units
            else 0
        end as units_to_order
    from available

),

final as (

    select
        source_system,
        product_id,
        item_name,
        store_id,
        store_name,
        store_kind,
        stock_status,
        cast(units_to_order as bigint) as units_to_order,
        cast(units_to_order * unit_price as decimal(18, 2)) as order_amount,
        on_hand_units,
        cast(units_on_order as bigint) as units_on_order,
        reorder_point_units,
        target_units,
        safety_stock_units,
        units_per_day,
        units_per_day_deviation,
        lead_time_days,
        lead_time_deviation_days,
        order_cycle_days,
        service_level,
        service_factor,
        days_of_cover,
        abc_class,
        unit_price,
        as_of_date,
        currency
    from decided

)

select * from final
