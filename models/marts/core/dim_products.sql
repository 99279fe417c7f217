with

catalogue as (

    select * from {{ ref('catalogue') }}

),

catalogue_prices as (

    select * from {{ ref('int_catalogue_prices_dated') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

stock_movements as (

    select * from {{ ref('fct_stock_movements') }}

),

other_products as (

    select * from {{ ref('int_other_products_named') }}

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

known as (

    select product_id from sale_lines
    union
    select product_id from return_lines
    union
    select product_id from stock_movements
    union
    select product_id from other_products
    union
    select 'unknown' as product_id

),

unlisted as (

    -- An item that no catalogue knows stays as itself: a near miss is never corrected.
    select
        known.product_id,
        case
            when known.product_id = 'unknown' then 'Unknown'
            else
                coalesce(
                    other_products.item_name, {{ unlisted_item_name('known.product_id') }}
                )
        end as item_name,
        'unknown' as founder,
        'unknown' as style,
        'unknown' as finish,
        cast(null as decimal(12, 2)) as catalogue_price,
        false as is_in_catalogue
    from known
    left join other_products on known.product_id = other_products.product_id
    left join listed on known.product_id = listed.product_id
    where listed.product_id is null

),

final as (

    select * from listed
    union all
    select * from unlisted

)

select * from final
