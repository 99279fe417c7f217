with

catalogue as (

    select * from {{ ref('catalogue') }}

),

catalogue_prices as (

    select * from {{ ref('int_catalogue_prices_dated') }}

),

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

listed as (

    select
        catalogue.sku as product_id,
        catalogue.item_name,
        catalogue.founder,
        catalogue.style,
        catalogue.finish,
        catalogue_prices.unit_price as catalogue_price,
        true as is_in_catalogue
    from catalogue
    inner join catalogue_prices
        on
            catalogue.sku = catalogue_prices.sku
            and catalogue_prices.valid_until is null

),

unlisted as (

    -- An item that no catalogue knows stays as itself: a near miss is never corrected.
    select distinct
        {{ unlisted_product_id('order_units.item_name') }} as product_id,
        order_units.item_name,
        'unknown' as founder,
        'unknown' as style,
        'unknown' as finish,
        cast(null as decimal(12, 2)) as catalogue_price,
        false as is_in_catalogue
    from order_units
    left join catalogue on order_units.item_name = catalogue.item_name
    where catalogue.item_name is null

),

unknown as (

    select
        'unknown' as product_id,
        'Unknown' as item_name,
        'unknown' as founder,
        'unknown' as style,
        'unknown' as finish,
        cast(null as decimal(12, 2)) as catalogue_price,
        false as is_in_catalogue

),

final as (

    select * from listed
    union all
    select * from unlisted
    union all
    select * from unknown

)

select * from final
