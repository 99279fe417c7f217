{#- Each day is held against so many of the same weekday on either side. -#}
{%- set beside = 'rows between 8 preceding and 8 following' -%}
with

subject_days as (

    select * from {{ ref('int_subject_days_counted') }}

),

event_days as (

    select * from {{ ref('int_event_days_compared') }}

),

shop_days as (

    select * from subject_days
    where subject_kind = 'all'

),

normal_days as (

    -- A season is too short to tell its noise from its rise and fall.
    select distinct
        source_system,
        date_day,
        iso_weekday
    from event_days
    where is_usual and season_id = 'none'

),

normal_shop_days as (

    select
        normal_days.source_system,
        normal_days.date_day,
        normal_days.iso_weekday,
        shop_days.units_sold as units_of_all,
        sum(shop_days.units_sold) over (
            partition by normal_days.source_system, normal_days.iso_weekday
            order by normal_days.date_day {{ beside }}
        ) - shop_days.units_sold as units_of_all_beside,
        count(*) over (
            partition by normal_days.source_system, normal_days.iso_weekday
            order by normal_days.date_day {{ beside }}
        ) - 1 as days_beside
    from normal_days
    inner join shop_days
        on
            normal_days.source_system = shop_days.source_system
            and normal_days.date_day = shop_days.date_day

),

subjects as (

    select distinct
        source_system,
        subject_kind,
        subject
    from subject_days

),

normal_subject_days as (

    select
        subjects.source_system,
        subjects.subject_kind,
        subjects.subject,
        normal_shop_days.date_day,
        normal_shop_days.iso_weekday,
        normal_shop_days.units_of_all,
        normal_shop_days.units_of_all_beside,
        normal_shop_days.days_beside,
        coalesce(subject_days.units_sold, 0) as units_sold
    from subjects
    inner join normal_shop_days
        on
            subjects.source_system = normal_shop_days.source_system
            and normal_shop_days.days_beside > 0
    left join subject_days
        on
            subjects.source_system = subject_days.source_system
            and subjects.subject_kind = subject_days.subject_kind
            and subjects.subject = subject_days.subject
            and normal_shop_days.date_day = subject_days.date_day

),

neighbours as (

    select
        *,
        sum(units_sold) over (
            partition by source_system, subject_kind, subject, iso_weekday
            order by date_day {{ beside }}
        ) - units_sold as units_beside
    from normal_subject_days

),

levels as (

    -- All goods against their level; anything else against its usual share of the day's.
    select
        source_system,
        subject_kind,
        subject,
        date_day - iso_weekday as week_id,
        units_sold,
        cast(
            case
                when subject_kind = 'all' then cast(units_beside as double) / days_beside
                else cast(units_beside as double) * units_of_all / units_of_all_beside
            end as decimal(18, 6)
        ) as level
    from neighbours

),

weeks as (

    select
        source_system,
        subject_kind,
        subject,
        sum(cast(power(cast(units_sold - level as double), 2) as decimal(24, 4)))
            as squares_of_days,
        sum(units_sold) as units_sold,
        sum(level) as level
    from levels
    group by source_system, subject_kind, subject, week_id

),

moments as (

    select
        weeks.source_system,
        weeks.subject_kind,
        weeks.subject,
        sum(weeks.level) as level,
        sum(weeks.squares_of_days) as squares_of_days,
        sum(
            cast(power(cast(weeks.units_sold - weeks.level as double), 2) as decimal(24, 4))
        ) as squares_of_weeks,
        sum(cast(power(cast(weeks.level as double), 2) as decimal(30, 12)))
            as levels_squared
    from weeks
    group by weeks.source_system, weeks.subject_kind, weeks.subject
    having sum(weeks.level) > 0

),

final as (

    -- Weeks in which the days vary together, as in a promotion, vary more than their days.
    -- Of a product sold once in a year, either ratio may be immense.
    select
        source_system,
        subject_kind,
        subject,
        cast(
            greatest(1, cast(squares_of_days as double) / level) as decimal(38, 6)
        ) as noise_of_days,
        cast(
            greatest(0, cast(squares_of_weeks - squares_of_days as double) / levels_squared)
            as decimal(38, 12)
        ) as noise_of_weeks
    from moments

)

select * from final
