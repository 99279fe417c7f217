with

countries as (

    select * from {{ ref('countries') }}

),

final as (

    select
        country_code,
        country_name
    from countries

    union all

    select
        'unknown' as country_code,
        'Unknown' as country_name

)

select * from final
