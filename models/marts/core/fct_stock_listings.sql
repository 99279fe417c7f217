with

listed_products as (

    select * from {{ ref('stg_shops__products') }}

),

catalogue as (

    select * from {{ ref('catalogue') }}

),

latest as (

    select * from listed_products
    where valid_until_load is null

),

named as (

    select
        coalesce(
            items_by_sku.sku, items_by_name.sku, 'shops/' || latest.product_id
        ) as product_id,
        latest.stock_quantity,
        latest.load_seq
    from latest
    left join catalogue as items_by_sku on latest.product_id = items_by_sku.sku
    left join catalogue as items_by_name
        on latest.product_name = items_by_name.item_name

),

final as (

    select
        'shops' as source_system,
        product_id,
        cast(sum(stock_quantity) as bigint) as units_listed,
        max(load_seq) as load_seq
    from named
    where stock_quantity is not null
    group by product_id

)

select * from final
