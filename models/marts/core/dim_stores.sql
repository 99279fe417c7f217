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

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

listed as (

    select
        stores.store_id,
        stores.store_name,
        stores.city,
        coalesce(departments.region_code, 'unknown') as region_id
    from stores
    left join postcodes on stores.postcode = postcodes.postcode
    left join departments on postcodes.department_code = departments.department_code

),

unlisted as (

    select distinct
        order_units.store_id,
        order_units.store_id as store_name,
        'unknown' as city,
        'unknown' as region_id
    from order_units
    left join stores on order_units.store_id = stores.store_id
    where
        order_units.store_id is not null
        and stores.store_id is null
        and order_units.store_id not in ('online', 'unknown')

),

others as (

    select
        'online' as store_id,
        'Web store' as store_name,
        'none' as city,
        'unknown' as region_id
    union all
    select
        'unknown' as store_id,
        'Unknown' as store_name,
        'unknown' as city,
        'unknown' as region_id

),

final as (

    select * from listed
    union all
    select * from unlisted
    union all
    select * from others

)

select * from final
