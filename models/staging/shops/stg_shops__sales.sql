with

source as (

    select * from {{ source('shops', 'shop_sales') }}

),

renamed as (

    select
        -- ids: without a number of its own a sale is what it says, and which of its equals
        coalesce(
            {{ clean_text('sale_id') }},
            {{ day_text('date') }} || '/' || product || '/' || store || '/'
            || cast(quantity as varchar) || '/' || cast(_copy as varchar)
        ) as sale_id,
        upper({{ clean_text('product') }}) as product_id,
        {{ clean_text('store') }} as store_id,

        -- numbers
        quantity as quantity,
        _load_seq as load_seq,
        _line as load_line,

        -- times
        date as sale_date

    from source

),

latest as (

    select * from renamed
    qualify
        row_number() over (
            partition by sale_id
            order by load_seq desc nulls last, load_line desc nulls last
        ) = 1

)

select * from latest
