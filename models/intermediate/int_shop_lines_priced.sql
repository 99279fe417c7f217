with

sales as (

    select * from {{ ref('stg_shops__sales') }}

),

products as (

    select * from {{ ref('stg_shops__products') }}

),

catalogue as (

    select * from {{ ref('catalogue') }}

),

catalogue_prices as (

    select * from {{ ref('int_catalogue_prices_dated') }}

),

stores as (

    select * from {{ ref('int_shop_stores_placed') }}

),

named as (

    -- The shops number the figurines by SKU, or in their own way under the same name.
    select
        sales.*,
        products.unit_price as listed_price,
        coalesce(items_by_sku.sku, items_by_name.sku) as sku
    from sales
    left join products
        on
            sales.product_id = products.product_id
            and sales.load_seq >= products.valid_from_load
            and (
                sales.load_seq < products.valid_until_load
                or products.valid_until_load is null
            )
    left join catalogue as items_by_sku on sales.product_id = items_by_sku.sku
    left join catalogue as items_by_name
        on products.product_name = items_by_name.item_name

),

priced as (

    select
        'shops/' || named.sale_id as shop_line_id,
        coalesce(named.sku, 'shops/' || named.product_id) as product_id,
        stores.store_id,
        stores.region_id,
        case when stores.region_id = 'unknown' then 'unknown' else 'FR' end as country_code,
        named.sale_date,
        named.quantity as units,
        cast(
            named.quantity * coalesce(named.listed_price, catalogue_prices.unit_price)
            as decimal(18, 2)
        ) as line_amount,
        named.load_seq
    from named
    inner join stores on 'shops/' || named.store_id = stores.store_id
    left join catalogue_prices
        on
            named.sku = catalogue_prices.sku
            and named.sale_date >= catalogue_prices.valid_from
            and (
                named.sale_date < catalogue_prices.valid_until
                or catalogue_prices.valid_until is null
            )

)

select * from priced
