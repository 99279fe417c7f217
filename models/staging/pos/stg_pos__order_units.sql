{#- Read twice below: a step of the query would be kept in memory, ten million rows. -#}
{%- set renamed -%}
select
        -- ids
        trim(source.txid) as order_id,
        {{ rfid_as_24_digits('source.rfid') }} as unit_id,

        -- strings
        source.item as item_name,
        {{ clean_text('source.name') }} as customer_name,
        {{ json_text('source.address', 'city') }} as city,
        {{ json_text('source.address', 'state') }} as state,
        {{ json_text('source.address', 'postalcode') }} as postcode,
        {{ json_text('source.address', 'country') }} as country,
        {{ clean_text('source.phone') }} as phone,
        {{ clean_text('source.email') }} as email,
        lower({{ clean_text('source.channel') }}) as channel,
        {{ clean_text('source.store_id') }} as store_id,

        -- numbers
        source.unit_price as unit_price,
        source.discount as discount_amount,
        source._load_seq as load_seq,
        source._line as load_line,

        -- times
        source.purchase_time as purchased_at
    from {{ source('pos', 'client_support_orders') }} as source
{%- endset -%}

with

revised_units as (

    -- Few units have more than one version; to sort them all would cost ten times as much.
    select
        trim(txid) as order_id,
        {{ rfid_as_24_digits('rfid') }} as unit_id
    from {{ source('pos', 'client_support_orders') }}
    group by trim(txid), {{ rfid_as_24_digits('rfid') }}
    having count(*) > 1

),

versions as (

    {{ renamed }}
    inner join revised_units
        on
            trim(source.txid) = revised_units.order_id
            and {{ rfid_as_24_digits('source.rfid') }} = revised_units.unit_id

),

different_versions as (

    -- The same content in another writing is not a newer version: an old file that is sent
    -- once more does not undo a correction.
    select * from versions
    qualify
        row_number() over (
            partition by
                order_id,
                unit_id,
                item_name,
                customer_name,
                city,
                state,
                postcode,
                country,
                phone,
                email,
                channel,
                store_id,
                unit_price,
                discount_amount,
                purchased_at
            order by load_seq, load_line
        ) = 1

),

latest_versions as (

    select * from different_versions
    qualify
        row_number() over (
            partition by order_id, unit_id
            order by load_seq desc nulls last, load_line desc nulls last
        ) = 1

),

latest as (

    {{ renamed }}
    left join revised_units
        on
            trim(source.txid) = revised_units.order_id
            and {{ rfid_as_24_digits('source.rfid') }} = revised_units.unit_id
    where revised_units.order_id is null

    union all

    select * from latest_versions

)

select * from latest
