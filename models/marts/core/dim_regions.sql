with

regions as (

    select * from {{ ref('regions') }}

),

described as (

    select
        region_code as region_id,
        region_name,
        zone,
        population,
        true as is_region
    from regions

),

others as (

    select
        'foreign' as region_id,
        'Outside France' as region_name,
        'foreign' as zone,
        cast(null as integer) as population,
        false as is_region
    union all
    select
        'unknown' as region_id,
        'Unknown' as region_name,
        'unknown' as zone,
        cast(null as integer) as population,
        false as is_region

),

final as (

    select * from described
    union all
    select * from others

)

select * from final
