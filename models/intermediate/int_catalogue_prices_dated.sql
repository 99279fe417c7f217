with

catalogue as (

    select * from {{ ref('catalogue') }}

),

price_changes as (

    select * from {{ ref('price_changes') }}

),

prices as (

    -- The price at first has no first day: an item sold before anybody says so had it too.
    select
        sku,
        item_name,
        unit_price,
        cast('0001-01-01' as date) as valid_from
    from catalogue

    union all

    select
        price_changes.sku,
        catalogue.item_name,
        price_changes.unit_price,
        price_changes.valid_from
    from price_changes
    inner join catalogue on price_changes.sku = catalogue.sku

),

dated as (

    select
        sku,
        item_name,
        unit_price,
        valid_from,
        lead(valid_from) over (partition by sku order by valid_from) as valid_until
    from prices

)

select * from dated
