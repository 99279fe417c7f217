{{ config(materialized='view') }}

with

stock_days as (

    select * from {{ ref('fct_stock_days') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

stocked as (

    -- A row of the fact holds until the next one: on the days between, nothing moved.
    select
        stock_days.*,
        dates.date_day,
        case when dates.date_day = stock_days.stock_date then 1 else 0 end as has_moved
    from stock_days
    inner join dates
        on dates.date_day between stock_days.stock_date and stock_days.valid_until

),

final as (

    select
        stocked.date_day as stock_date,
        stocked.source_system,
        stocked.product_id,
        products.item_name,
        stocked.store_id,
        stores.store_name,
        case
            when stocked.has_moved = 1 then stocked.opening_units
            else stocked.closing_units
        end as opening_units,
        stocked.has_moved * stocked.units_received as units_received,
        stocked.has_moved * stocked.units_transferred as units_transferred,
        stocked.has_moved * stocked.units_adjusted as units_adjusted,
        stocked.has_moved * stocked.units_returned as units_returned,
        stocked.has_moved * stocked.units_sold as units_sold,
        stocked.closing_units,
        stocked.waiting_units,
        stocked.shelf_units,
        stocked.is_below_zero,
        products.catalogue_price,
        cast(
            greatest(stocked.closing_units, 0) * products.catalogue_price
            as decimal(18, 2)
        ) as stock_amount,
        stocked.currency
    from stocked
    inner join products on stocked.product_id = products.product_id
    inner join stores on stocked.store_id = stores.store_id

)

select * from final
