with

calendar_events as (

    select * from {{ ref('calendar_events') }}

),

final as (

    select
        event_name || '/' || cast(extract(year from start_date) as varchar) as event_id,
        event_name,
        event_kind,
        theme,
        start_date as first_day,
        end_date as last_day
    from calendar_events

)

select * from final
