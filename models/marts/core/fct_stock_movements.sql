with

movements as (

    select * from {{ ref('stg_pos__stock_movements') }}

),

web_lines as (

    select * from {{ ref('int_web_lines_sorted') }}

),

moved as (

    select
        'pos/' || movement_id as movement_id,
        'pos' as source_system,
        sku as product_id,
        store_id,
        movement_kind,
        {{ local_date('moved_at') }} as movement_date,
        moved_at,
        units_moved
    from movements

),

corrected as (

    -- The web store writes what it finds, breaks or throws away as invoices of nothing.
    select
        web_line_id as movement_id,
        'web' as source_system,
        product_id,
        'online' as store_id,
        'adjustment' as movement_kind,
        invoice_date as movement_date,
        invoiced_at as moved_at,
        units as units_moved
    from web_lines
    where line_kind = 'stock'

),

final as (

    select * from moved
    union all
    select * from corrected

)

select * from final
