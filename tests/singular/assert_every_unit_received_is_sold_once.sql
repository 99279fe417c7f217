with

received as (

    -- From raw, without the staging model and by another formula: a tag without its 0x and
    -- its leading zeros.
    select distinct
        trim(txid) as order_id,
        ltrim(replace(upper(trim(rfid)), '0X', ''), '0') as tag
    from {{ source('pos', 'client_support_orders') }}

),

units_received as (

    select count(*) as units_received
    from received

),

units_sold as (

    -- Each has a key of its own, which is tested: as many are the same ones.
    select
        coalesce(sum(units_sold), 0) as units_sold,
        count(*) as lines_sold
    from {{ ref('fct_sale_lines') }}
    where source_system = 'pos'

)

select
    units_received.*,
    units_sold.*
from units_received
cross join units_sold
where
    units_received.units_received <> units_sold.units_sold
    or units_received.units_received <> units_sold.lines_sold
