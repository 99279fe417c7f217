with

events as (

    select * from {{ ref('calendar_events') }}

),

days as (

    {{ each_day('2000-01-01', '2041-01-01') }}

),

days_with_events as (

    select
        days.date_day,
        max(case when events.event_kind = 'public_holiday' then events.event_name end)
            as public_holiday_name,
        max(case when events.event_kind = 'soldes' then 1 else 0 end) = 1
            as is_sales_period,
        extract(year from days.date_day) between 2020 and 2030 as is_in_calendar
    from days
    left join events
        on days.date_day between events.start_date and events.end_date
    group by days.date_day

),

final as (

    select
        date_day,
        cast(date_trunc('month', date_day) as date) as month_start_date,
        cast(extract(year from date_day) as integer) as calendar_year,
        cast(extract(quarter from date_day) as integer) as calendar_quarter,
        cast(extract(month from date_day) as integer) as calendar_month,
        cast({{ iso_weekday('date_day') }} as integer) as iso_weekday,
        {{ iso_weekday('date_day') }} >= 6 as is_weekend,
        -- The calendar of events ends; beyond it, nothing is known rather than false.
        case when is_in_calendar then public_holiday_name is not null end
            as is_public_holiday,
        public_holiday_name,
        case when is_in_calendar then is_sales_period end as is_sales_period
    from days_with_events

)

select * from final
