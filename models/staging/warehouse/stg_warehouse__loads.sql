with

source as (

    select * from {{ source('warehouse', 'load_manifest') }}

),

renamed as (

    select
        -- ids
        load_seq as load_seq,

        -- strings
        file as file,
        feed as feed,
        status as load_status,

        -- numbers
        row_count as lines_received,
        row_parsed as lines_accepted,
        duplicate_count as lines_duplicated,
        error_count as lines_refused,
        blank_count as lines_left_blank,

        -- times
        loaded_at as loaded_at

    from source

)

select * from renamed
