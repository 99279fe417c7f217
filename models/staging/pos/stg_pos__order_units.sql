with

source as (

    select * from {{ source('pos', 'client_support_orders') }}

),

renamed as (

    select
        -- ids
        trim(txid) as order_id,
        {{ rfid_as_24_digits('rfid') }} as unit_id,

        -- strings
        item as item_name,
        {{ clean_text('name') }} as customer_name,
        {{ json_text('address', 'street_address') }} as street_address,
        {{ json_text('address', 'city') }} as city,
        {{ json_text('address', 'state') }} as state,
        {{ json_text('address', 'postalcode') }} as postcode,
        {{ json_text('address', 'country') }} as country,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('email') }} as email,
        {{ json_text('emergency_contact', 'name') }} as contact_name,
        {{ json_text('emergency_contact', 'phone') }} as contact_phone,
        lower({{ clean_text('channel') }}) as channel,
        {{ clean_text('store_id') }} as store_id,

        -- numbers
        unit_price as unit_price,
        discount as discount_amount,
        _load_seq as load_seq,
        _line as load_line,

        -- times
        purchase_time as purchased_at

    from source

),

versions as (

    -- The same content again is a duplicate, not a newer version: an old file that is sent
    -- once more does not undo a correction.
    select * from renamed
    qualify
        row_number() over (
            partition by
                order_id,
                unit_id,
                item_name,
                customer_name,
                street_address,
                city,
                state,
                postcode,
                country,
                phone,
                email,
                contact_name,
                contact_phone,
                channel,
                store_id,
                unit_price,
                discount_amount,
                purchased_at
            order by load_seq, load_line
        ) = 1

),

latest as (

    select * from versions
    qualify
        row_number() over (
            partition by order_id, unit_id
            order by load_seq desc, load_line desc
        ) = 1

)

select * from latest
