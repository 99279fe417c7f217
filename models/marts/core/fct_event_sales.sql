{%- set fewest_expected = 5 -%}
with

event_days as (

    select * from {{ ref('int_event_days_compared') }}

),

subject_days as (

    select * from {{ ref('int_subject_days_counted') }}

),

noises as (

    select * from {{ ref('int_subject_noises_measured') }}

),

windows as (

    -- The level is an estimate, too: of ten days' mean the variance is a tenth of a day's.
    select
        source_system,
        event_id,
        event_window,
        is_level,
        count(case when not is_usual then 1 end) as days,
        min(case when not is_usual then date_day end) as first_day,
        max(case when not is_usual then date_day end) as last_day,
        cast(sum(case when is_usual then weight * weight end) as double)
        / count(case when not is_usual then 1 end) as level_error
    from event_days
    group by source_system, event_id, event_window, is_level

),

compared as (

    select
        event_days.source_system,
        event_days.event_id,
        event_days.event_window,
        subject_days.subject_kind,
        subject_days.subject,
        sum(case when event_days.is_usual then 0 else subject_days.units_sold end)
            as units_sold,
        cast(
            sum(case
                when event_days.is_usual then event_days.weight * subject_days.units_sold
            end) as decimal(18, 6)
        ) as expected_units
    from event_days
    inner join subject_days
        on
            event_days.source_system = subject_days.source_system
            and event_days.date_day = subject_days.date_day
    group by
        event_days.source_system,
        event_days.event_id,
        event_days.event_window,
        subject_days.subject_kind,
        subject_days.subject

),

compared_of_all as (

    select * from compared
    where subject_kind = 'all'

),

tested as (

    -- All goods are held against their level; anything else against its usual share of all
    -- goods, so that a full shop is not taken for a liking.
    select
        compared.*,
        cast(
            case
                when compared.subject_kind = 'all' then compared.expected_units
                else
                    cast(compared.expected_units as double)
                    * compared_of_all.units_sold / compared_of_all.expected_units
            end as decimal(18, 6)
        ) as tested_units
    from compared
    inner join compared_of_all
        on
            compared.source_system = compared_of_all.source_system
            and compared.event_id = compared_of_all.event_id
            and compared.event_window = compared_of_all.event_window
    where compared.expected_units > 0

),

spreads as (

    -- Inside a season, trade climbs and falls: all goods of a day are not compared with
    -- days that lie on one side of it only.
    select
        tested.*,
        windows.days,
        windows.first_day,
        windows.last_day,
        cast(
            (
                cast(noises.noise_of_days as double)
                + cast(noises.noise_of_weeks as double) * tested.tested_units
                / greatest(1, cast(windows.days as double) / 7)
            )
            * (1 + windows.level_error) as decimal(18, 6)
        ) as spread
    from tested
    inner join windows
        on
            tested.source_system = windows.source_system
            and tested.event_id = windows.event_id
            and tested.event_window = windows.event_window
    inner join noises
        on
            tested.source_system = noises.source_system
            and tested.subject_kind = noises.subject_kind
            and tested.subject = noises.subject
    where
        tested.tested_units >= {{ fewest_expected }}
        and (windows.is_level or tested.subject_kind != 'all')

),

final as (

    select
        source_system,
        event_id,
        event_window,
        subject_kind,
        subject,
        cast(days as integer) as days,
        first_day,
        last_day,
        cast(units_sold as bigint) as units_sold,
        expected_units,
        tested_units,
        spread,
        cast(
            2 * (sqrt(units_sold + 0.375) - sqrt(tested_units + 0.375))
            / sqrt(spread) as decimal(18, 6)
        ) as z_score
    from spreads

)

select * from final
