with

source as (

    select * from {{ source('pos', 'client_support_returns') }}

),

renamed as (

    select
        -- ids
        trim(txid) as order_id,
        {{ rfid_as_24_digits('rfid') }} as unit_id,

        -- strings
        lower({{ clean_text('reason') }}) as return_reason,

        -- numbers
        refund_amount as refund_amount,
        _load_seq as load_seq,
        _line as load_line,

        -- times
        return_time as returned_at

    from source

),

latest as (

    select * from renamed
    qualify
        row_number() over (
            partition by order_id, unit_id
            order by load_seq desc nulls last, load_line desc nulls last
        ) = 1

)

select * from latest
