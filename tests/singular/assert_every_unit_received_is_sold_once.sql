with

received as (

    -- From raw, without the staging model and by another formula: a tag without its 0x and
    -- its leading zeros.
    select distinct
        trim(txid) as order_id,
        ltrim(replace(upper(trim(rfid)), '0X', ''), '0') as tag
    from {{ source('pos', 'client_support_orders') }}

),

sold as (

    select
        order_id,
        ltrim(unit_id, '0') as tag,
        units_sold
    from {{ ref('fct_sale_lines') }}
    where source_system = 'pos'

)

select
    coalesce(received.order_id, sold.order_id) as order_id,
    coalesce(received.tag, sold.tag) as tag
from received
full outer join sold on received.order_id = sold.order_id and received.tag = sold.tag
where received.order_id is null or sold.order_id is null or sold.units_sold <> 1
