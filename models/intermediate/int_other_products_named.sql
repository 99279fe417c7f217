with

shop_products as (

    select * from {{ ref('stg_shops__products') }}

),

shop_lines as (

    select * from {{ ref('int_shop_lines_priced') }}

),

web_lines as (

    select * from {{ ref('int_web_lines_sorted') }}

),

catalogue as (

    select * from {{ ref('catalogue') }}

),

shop_names as (

    -- Listed and never sold is an answer too.
    select
        'shops/' || shop_products.product_id as product_id,
        shop_products.product_name as item_name
    from shop_products
    left join catalogue
        on
            shop_products.product_id = catalogue.sku
            or shop_products.product_name = catalogue.item_name
    where catalogue.sku is null and shop_products.valid_until_load is null

    union all

    select distinct
        shop_lines.product_id,
        cast(null as varchar) as item_name
    from shop_lines
    where shop_lines.product_id like 'shops/%'

),

web_names as (

    -- Half of the codes have several descriptions. What is written where stock is counted
    -- ("damaged", "?") is no name; what comes back is called what it was sold as.
    select
        product_id,
        case when line_kind in ('sale', 'return') then item_description end as item_name,
        count(case when line_kind = 'sale' then 1 end) as lines_sold,
        count(*) as lines_counted
    from web_lines
    where product_id like 'web/%' and line_kind <> 'repeated'
    group by
        product_id,
        case when line_kind in ('sale', 'return') then item_description end

),

names as (

    select
        product_id,
        item_name,
        0 as lines_sold,
        0 as lines_counted
    from shop_names

    union all

    select
        product_id,
        item_name,
        lines_sold,
        lines_counted
    from web_names

),

named as (

    select
        product_id,
        coalesce(item_name, product_id) as item_name
    from names
    qualify
        row_number() over (
            partition by product_id
            order by
                case when item_name is null then 1 else 0 end,
                lines_sold desc nulls last,
                lines_counted desc nulls last,
                item_name asc
        ) = 1

)

select * from named
