with

stores as (

    select * from {{ ref('stores') }}

),

postcodes as (

    select * from {{ ref('postcodes') }}

),

departments as (

    select * from {{ ref('departments') }}

),

shop_stores as (

    select * from {{ ref('int_shop_stores_placed') }}

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

listed as (

    select
        stores.store_id,
        stores.store_name,
        stores.store_kind,
        stores.city,
        coalesce(departments.region_code, 'unknown') as region_id
    from stores
    left join postcodes on stores.postcode = postcodes.postcode
    left join departments on postcodes.department_code = departments.department_code

    union all

    select
        'online' as store_id,
        'Web store' as store_name,
        'online' as store_kind,
        'none' as city,
        'unknown' as region_id

    union all

    select
        shop_stores.store_id,
        shop_stores.store_name,
        'partner' as store_kind,
        shop_stores.city,
        shop_stores.region_id
    from shop_stores

),

named as (

    select store_id from sale_lines
    union
    select store_id from return_lines
    union
    select store_id from stock_movements
    union
    select 'unknown' as store_id

),

unlisted as (

    select
        named.store_id,
        case when named.store_id = 'unknown' then 'Unknown' else named.store_id end
            as store_name,
        case when named.store_id = 'unknown' then 'unknown' else 'store' end as store_kind,
        'unknown' as city,
        'unknown' as region_id
    from named
    left join listed on named.store_id = listed.store_id
    where listed.store_id is null

),

final as (

    select * from listed
    union all
    select * from unlisted

)

select * from final
