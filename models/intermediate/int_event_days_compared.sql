{#- The level is that of the same weekdays in so many days before and after. -#}
{%- set days_around = 56 -%}
{#- A longer event is a season: inside it, days are compared with days of that season. -#}
{%- set longest_event = 14 -%}
with

dates as (

    select * from {{ ref('dim_dates') }}

),

events as (

    select * from {{ ref('dim_events') }}

),

subject_days as (

    select * from {{ ref('int_subject_days_counted') }}

),

shop_days as (

    select * from subject_days
    where subject_kind = 'all'

),

systems as (

    select
        source_system,
        min(date_day) as first_day,
        max(date_day) as last_day
    from shop_days
    group by source_system
),

weekdays as (

    select
        systems.source_system,
        dates.iso_weekday,
        count(*) as days,
        count(case when shop_days.units_sold > 0 then 1 end) as days_with_sales
    from systems
    inner join dates
        on dates.date_day between systems.first_day and systems.last_day
    left join shop_days
        on
            systems.source_system = shop_days.source_system
            and dates.date_day = shop_days.date_day
    group by systems.source_system, dates.iso_weekday

),

days as (

    -- A day is normal where the shop sells and no event is on but a season, which lasts so
    -- long that it has its own normal days. Of a shop that sells now and then, on a tenth
    -- to a half of such weekdays, empty days are as normal as others.
    select
        systems.source_system,
        dates.date_day,
        dates.iso_weekday,
        coalesce(max(shop_days.units_sold), 0) as units_sold,
        coalesce(
            max(case
                when events.last_day - events.first_day >= {{ longest_event }}
                    then events.event_id
            end),
            'none'
        ) as season_id,
        (
            coalesce(max(shop_days.units_sold), 0) > 0
            or (
                2 * max(weekdays.days_with_sales) <= max(weekdays.days)
                and 10 * max(weekdays.days_with_sales) >= max(weekdays.days)
            )
        )
        and count(case
            when events.last_day - events.first_day < {{ longest_event }} then 1
        end) = 0 as is_normal
    from systems
    inner join dates
        on dates.date_day between systems.first_day and systems.last_day
    inner join weekdays
        on
            systems.source_system = weekdays.source_system
            and dates.iso_weekday = weekdays.iso_weekday
    left join shop_days
        on
            systems.source_system = shop_days.source_system
            and dates.date_day = shop_days.date_day
    left join events
        on dates.date_day between events.first_day and events.last_day
    group by systems.source_system, dates.date_day, dates.iso_weekday

),

usual_days as (

    select
        days.source_system,
        events.event_id,
        days.date_day,
        days.iso_weekday,
        days.season_id,
        days.date_day < events.first_day as is_before
    from days
    inner join events
        on
            days.date_day between events.first_day - 7 - {{ days_around }}
            and events.last_day + {{ days_around }}
            and days.date_day not between events.first_day - 7 and events.last_day
    where days.is_normal

),

usual_weekdays as (

    select
        source_system,
        event_id,
        iso_weekday,
        season_id,
        count(*) as days,
        count(distinct is_before) as sides
    from usual_days
    group by source_system, event_id, iso_weekday, season_id

),

windows as (

    select
        event_id,
        'days' as event_window,
        first_day,
        last_day
    from events
    union all
    select
        event_id,
        'week_before' as event_window,
        first_day - 7 as first_day,
        first_day - 1 as last_day
    from events

),

window_days as (

    -- An event that is a season itself is held against days outside it. A weekday on which
    -- the shop never opens is no day to compare.
    select
        systems.source_system,
        windows.event_id,
        windows.event_window,
        days.date_day,
        days.iso_weekday,
        usual_weekdays.season_id,
        usual_weekdays.days as usual_days,
        usual_weekdays.season_id = 'none' or usual_weekdays.sides = 2 as is_between
    from systems
    inner join windows
        on
            systems.first_day <= windows.first_day
            and systems.last_day >= windows.last_day
    inner join days
        on
            systems.source_system = days.source_system
            and days.date_day between windows.first_day and windows.last_day
    left join usual_weekdays
        on
            systems.source_system = usual_weekdays.source_system
            and windows.event_id = usual_weekdays.event_id
            and days.iso_weekday = usual_weekdays.iso_weekday
            and case
                when windows.event_id = days.season_id then 'none' else days.season_id
            end = usual_weekdays.season_id
    where usual_weekdays.days > 0 or days.units_sold > 0

),

whole_windows as (

    select
        source_system,
        event_id,
        event_window,
        min(case when is_between then 1 else 0 end) = 1 as is_level
    from window_days
    group by source_system, event_id, event_window
    having count(usual_days) = count(*)

),

window_weekdays as (

    select
        window_days.source_system,
        window_days.event_id,
        window_days.event_window,
        window_days.iso_weekday,
        window_days.season_id,
        whole_windows.is_level,
        cast(cast(count(*) as double) / window_days.usual_days as decimal(18, 12))
            as weight
    from window_days
    inner join whole_windows
        on
            window_days.source_system = whole_windows.source_system
            and window_days.event_id = whole_windows.event_id
            and window_days.event_window = whole_windows.event_window
    group by
        window_days.source_system,
        window_days.event_id,
        window_days.event_window,
        window_days.iso_weekday,
        window_days.season_id,
        whole_windows.is_level,
        window_days.usual_days

),

final as (

    select
        window_days.source_system,
        window_days.event_id,
        window_days.event_window,
        window_days.date_day,
        window_days.iso_weekday,
        window_days.season_id,
        whole_windows.is_level,
        false as is_usual,
        cast(1 as decimal(18, 12)) as weight
    from window_days
    inner join whole_windows
        on
            window_days.source_system = whole_windows.source_system
            and window_days.event_id = whole_windows.event_id
            and window_days.event_window = whole_windows.event_window
    union all
    select
        usual_days.source_system,
        usual_days.event_id,
        window_weekdays.event_window,
        usual_days.date_day,
        usual_days.iso_weekday,
        usual_days.season_id,
        window_weekdays.is_level,
        true as is_usual,
        window_weekdays.weight
    from usual_days
    inner join window_weekdays
        on
            usual_days.source_system = window_weekdays.source_system
            and usual_days.event_id = window_weekdays.event_id
            and usual_days.iso_weekday = window_weekdays.iso_weekday
            and usual_days.season_id = window_weekdays.season_id

)

select * from final
