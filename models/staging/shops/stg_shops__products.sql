with

source as (

    select * from {{ source('shops', 'shop_products') }}

),

renamed as (

    select
        -- ids
        upper({{ clean_text('product_id') }}) as product_id,

        -- strings
        {{ clean_text('name') }} as product_name,

        -- numbers
        price as unit_price,
        stock as stock_quantity,
        _load_seq as load_seq,
        _line as load_line

    from source

),

dated as (

    -- The list says no day. A price holds for the sales that came in since it came in, the
    -- first one for those before it too: a new list does not price the past anew.
    select
        *,
        case
            when
                row_number() over (
                    partition by product_id order by load_seq, load_line
                ) = 1
                then 0
            else load_seq
        end as valid_from_load,
        lead(load_seq) over (partition by product_id order by load_seq, load_line)
            as valid_until_load
    from renamed

)

select * from dated
