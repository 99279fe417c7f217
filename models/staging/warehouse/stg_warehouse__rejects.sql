with

source as (

    select * from {{ source('warehouse', 'load_rejects') }}

),

renamed as (

    -- Not the line itself: it may hold anything about anybody.
    select
        -- ids
        load_seq as load_seq,
        line as load_line,

        -- strings
        reason as refusal_reason,

        -- numbers
        repaired_seq as repaired_load_seq

    from source

)

select * from renamed
