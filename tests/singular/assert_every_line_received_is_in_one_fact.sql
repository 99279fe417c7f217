with

received as (

    -- From raw, without the models between.
    select
        'web' as source_system,
        count(*) as lines_received,
        coalesce(sum(quantity), 0) as units_received
    from {{ source('web', 'web_order_lines') }}

    union all

    select
        'shops' as source_system,
        count(*) as lines_received,
        coalesce(sum(quantity), 0) as units_received
    from {{ ref('stg_shops__sales') }}

),

told as (

    select
        source_system,
        units_sold as units_told
    from {{ ref('fct_sale_lines') }}

    union all

    select
        source_system,
        -units_returned as units_told
    from {{ ref('fct_return_lines') }}

    union all

    select
        source_system,
        units_moved as units_told
    from {{ ref('fct_stock_movements') }}

    union all

    -- Charges are no units in their fact; nothing and copies are in none.
    select
        'web' as source_system,
        units as units_told
    from {{ ref('int_web_lines_sorted') }}
    where line_kind in ('charge', 'repeated')

    union all

    select
        'shops' as source_system,
        units as units_told
    from {{ ref('int_shop_lines_priced') }}
    where units = 0

),

counted as (

    select
        source_system,
        count(*) as lines_told,
        sum(units_told) as units_told
    from told
    group by source_system

)

select
    received.*,
    counted.lines_told,
    counted.units_told
from received
left join counted on received.source_system = counted.source_system
where
    received.lines_received <> coalesce(counted.lines_told, 0)
    or received.units_received <> coalesce(counted.units_told, 0)
