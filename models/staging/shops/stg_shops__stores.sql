with

source as (

    select * from {{ source('shops', 'shop_stores') }}

),

renamed as (

    select
        -- ids
        {{ clean_text('store_id') }} as store_id,

        -- strings
        {{ clean_text('city') }} as city,
        {{ clean_text('region') }} as region,

        -- numbers
        employees as employees_counted,
        _load_seq as load_seq,
        _line as load_line

    from source

),

latest as (

    select * from renamed
    qualify
        row_number() over (
            partition by store_id
            order by load_seq desc nulls last, load_line desc nulls last
        ) = 1

)

select * from latest
