with

loads as (

    select * from {{ ref('stg_warehouse__loads') }}

),

final as (

    select
        load_seq,
        file,
        feed,
        -- A file that failed keeps its number until it is tried again.
        load_status = 'loaded' as is_loaded,
        lines_received,
        lines_accepted,
        lines_duplicated,
        lines_refused,
        lines_left_blank,
        loaded_at
    from loads

)

select * from final
