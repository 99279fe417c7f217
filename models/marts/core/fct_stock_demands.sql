with

stock_days as (

    select * from {{ ref('fct_stock_days') }}

),

stock_listings as (

    select * from {{ ref('fct_stock_listings') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

last_stocks as (

    select max(valid_until) as last_date from stock_days

),

last_days as (

    select coalesce(max(revenue_days.revenue_date), max(last_stocks.last_date)) as last_date
    from last_stocks
    left join revenue_days on true

),

shipping_places as (

    select distinct
        source_system,
        product_id,
        store_id
    from stock_days
    where ships_online

),

stock_spans as (

    -- A day on which something was sold was a day on sale, whatever was left of it.
    select
        *,
        case
            when shelf_units > 0 then valid_until - stock_date + 1
            when units_sold > 0 then 1
            else 0
        end as days_on_sale
    from stock_days

),

counted_spans as (

    select
        *,
        sum(days_on_sale) over (
            partition by source_system, product_id, store_id
            order by stock_date
            rows between 1 following and unbounded following
        ) as days_on_sale_later
    from stock_spans

),

stocked as (

    -- Looked at are the last 91 days on sale, however long ago: what was sold out for long
    -- was not unwanted.
    select
        source_system,
        product_id,
        store_id,
        min(stock_date) as first_date,
        max_by(closing_units, stock_date) as on_hand_units,
        max_by(waiting_units, stock_date) as waiting_units,
        max_by(shelf_units, stock_date) as shelf_units,
        least(91, sum(days_on_sale)) as days_with_stock,
        min(
            case
                when days_on_sale > 0 and coalesce(days_on_sale_later, 0) < 91
                    then stock_date + cast(
                        greatest(0, days_on_sale + coalesce(days_on_sale_later, 0) - 91)
                        as integer
                    )
            end
        ) as observed_since_date
    from counted_spans
    group by source_system, product_id, store_id

    union all

    select
        source_system,
        product_id,
        'shops' as store_id,
        cast(null as date) as first_date,
        units_listed as on_hand_units,
        0 as waiting_units,
        units_listed as shelf_units,
        cast(null as bigint) as days_with_stock,
        cast(null as date) as observed_since_date
    from stock_listings

),

demands as (

    select
        source_system,
        product_id,
        store_id,
        revenue_date as demand_date,
        units_sold as units_wanted,
        0 as units_sent
    from revenue_days
    where product_id <> 'unknown'

    union all

    -- A mistake that is undone within the hour was never wanted.
    select
        source_system,
        product_id,
        store_id,
        purchase_date as demand_date,
        -units_returned as units_wanted,
        0 as units_sent
    from return_lines
    where is_cancellation and has_sale and product_id <> 'unknown'

    union all

    -- What the warehouse sends to the stores it needs as well.
    select
        stock_days.source_system,
        stock_days.product_id,
        stock_days.store_id,
        stock_days.stock_date as demand_date,
        0 as units_wanted,
        -stock_days.units_transferred as units_sent
    from stock_days
    inner join stores on stock_days.store_id = stores.store_id
    where stores.store_kind = 'warehouse' and stock_days.units_transferred <> 0

),

demand_days as (

    -- The partner shops tell one stock for all of them.
    select
        demands.source_system,
        demands.product_id,
        case
            when demands.source_system = 'shops' then 'shops'
            else coalesce(shipping_places.store_id, demands.store_id)
        end as place_id,
        demands.demand_date,
        sum(demands.units_wanted) as units_wanted,
        sum(demands.units_wanted + demands.units_sent) as units_demanded
    from demands
    left join shipping_places
        on
            demands.source_system = shipping_places.source_system
            and demands.product_id = shipping_places.product_id
            and demands.store_id = 'online'
    group by
        demands.source_system, demands.product_id, place_id, demands.demand_date

),

observed_demands as (

    -- Where no stock is told, every day may have been one on sale.
    select
        demand_days.source_system,
        demand_days.product_id,
        demand_days.place_id,
        demand_days.demand_date,
        demand_days.units_wanted,
        case
            when
                demand_days.demand_date
                >= coalesce(stocked.observed_since_date, last_days.last_date - 90)
                then demand_days.units_demanded
            else 0
        end as units_demanded
    from demand_days
    cross join last_days
    left join stocked
        on
            demand_days.source_system = stocked.source_system
            and demand_days.product_id = stocked.product_id
            and demand_days.place_id = stocked.store_id

),

demanded as (

    select
        source_system,
        product_id,
        place_id as store_id,
        min(case when units_wanted > 0 then demand_date end) as first_sale_date,
        max(case when units_wanted > 0 then demand_date end) as last_sale_date,
        sum(units_demanded) as units_demanded,
        sum(units_demanded * units_demanded) as squares
    from observed_demands
    group by source_system, product_id, place_id

),

places as (

    -- An item on the list that was never sold has been there since its shops sell.
    select
        coalesce(stocked.source_system, demanded.source_system) as source_system,
        coalesce(stocked.product_id, demanded.product_id) as product_id,
        coalesce(stocked.store_id, demanded.store_id) as store_id,
        coalesce(
            stocked.first_date,
            demanded.first_sale_date,
            min(demanded.first_sale_date) over (
                partition by coalesce(stocked.source_system, demanded.source_system)
            )
        ) as first_date,
        demanded.last_sale_date,
        stocked.on_hand_units,
        stocked.waiting_units,
        stocked.shelf_units,
        stocked.days_with_stock,
        stocked.observed_since_date,
        coalesce(demanded.units_demanded, 0) as units_demanded,
        coalesce(demanded.squares, 0) as squares
    from stocked
    full outer join demanded
        on
            stocked.source_system = demanded.source_system
            and stocked.product_id = demanded.product_id
            and stocked.store_id = demanded.store_id
    where stocked.on_hand_units is not null or demanded.last_sale_date is not null

),

observed as (

    select
        places.*,
        last_days.last_date,
        coalesce(
            last_days.last_date - places.observed_since_date + 1,
            least(91, coalesce(last_days.last_date - places.first_date, 0) + 1)
        ) as days_observed
    from places
    cross join last_days

),

completed as (

    -- What the stores send back can be more than what was sold: no demand at all.
    select
        *,
        coalesce(days_with_stock, days_observed) as days_on_sale,
        greatest(units_demanded, 0) as units_asked_for
    from observed

),

final as (

    select
        source_system,
        product_id,
        store_id,
        cast(on_hand_units as bigint) as on_hand_units,
        cast(waiting_units as bigint) as waiting_units,
        cast(shelf_units as bigint) as shelf_units,
        last_sale_date,
        cast(days_observed as bigint) as days_observed,
        cast(days_on_sale as bigint) as days_on_sale,
        cast(units_demanded as bigint) as units_demanded,
        case
            when days_on_sale > 0
                then cast(units_asked_for / cast(days_on_sale as double) as decimal(18, 6))
            else 0
        end as units_per_day,
        case
            when days_on_sale > 1
                then cast(
                    sqrt(
                        greatest(
                            0, days_on_sale * squares - units_demanded * units_demanded
                        ) / (cast(days_on_sale as double) * (days_on_sale - 1))
                    ) as decimal(18, 6)
                )
            -- A single day has no deviation: that of Poisson's distribution stands in.
            else cast(sqrt(days_on_sale * units_asked_for) as decimal(18, 6))
        end as units_per_day_deviation,
        last_date as as_of_date
    from completed

)

select * from final
