with

source as (

    select * from {{ source('pos', 'stock_movements') }}

),

renamed as (

    select
        -- ids
        trim(movement_id) as movement_id,
        upper(trim(sku)) as sku,
        trim(location_id) as store_id,

        -- strings
        lower({{ clean_text('kind') }}) as movement_kind,

        -- numbers
        quantity as units_moved,
        _load_seq as load_seq,
        _line as load_line,

        -- times
        moved_at as moved_at

    from source

),

latest as (

    select * from renamed
    qualify
        row_number() over (
            partition by movement_id
            order by load_seq desc nulls last, load_line desc nulls last
        ) = 1

)

select * from latest
