with

received as (

    -- Counted from raw, without the staging model: a unit is an order and a tag, however
    -- often and in however many versions it came.
    select count(*) as units
    from (
        select distinct
            txid,
            {{ rfid_as_24_digits('rfid') }} as tag
        from {{ source('pos', 'client_support_orders') }}
    ) as units_received

),

sold as (

    select coalesce(sum(units_sold), 0) as units
    from {{ ref('fct_sale_lines') }}
    where source_system = 'pos'

)

select
    received.units as units_received,
    sold.units as units_sold
from received
cross join sold
where received.units <> sold.units
