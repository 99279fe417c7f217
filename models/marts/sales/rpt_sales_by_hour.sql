with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

kpis_by_day as (

    select * from {{ ref('rpt_kpis_by_day') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

clock as (

    {{ each_hour() }}

),

hours as (

    select hour_of_day from clock
    union all
    -- Partner shops tell the day and no hour.
    select cast(null as integer) as hour_of_day

),

weekdays as (

    select
        dates.iso_weekday,
        count(kpis_by_day.revenue_date) as days_counted
    from dates
    left join kpis_by_day on dates.date_day = kpis_by_day.revenue_date
    group by dates.iso_weekday

),

sales_by_day_and_hour as (

    select
        purchase_date,
        cast({{ local_hour('purchased_at') }} as integer) as hour_of_day,
        count(distinct order_id) as orders_placed,
        sum(units_sold) as units_sold,
        coalesce(sum(sales_amount), 0) as sales_amount
    from sale_lines
    group by purchase_date, cast({{ local_hour('purchased_at') }} as integer)

),

sales_by_weekday_and_hour as (

    select
        dates.iso_weekday,
        sales_by_day_and_hour.hour_of_day,
        sum(sales_by_day_and_hour.orders_placed) as orders_placed,
        sum(sales_by_day_and_hour.units_sold) as units_sold,
        sum(sales_by_day_and_hour.sales_amount) as sales_amount
    from sales_by_day_and_hour
    inner join dates on sales_by_day_and_hour.purchase_date = dates.date_day
    group by dates.iso_weekday, sales_by_day_and_hour.hour_of_day

),

final as (

    select
        weekdays.iso_weekday,
        hours.hour_of_day,
        cast(weekdays.days_counted as integer) as days_counted,
        cast(coalesce(sales_by_weekday_and_hour.orders_placed, 0) as bigint)
            as orders_placed,
        cast(coalesce(sales_by_weekday_and_hour.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(sales_by_weekday_and_hour.sales_amount, 0) as decimal(18, 2))
            as sales_amount,
        {{ currency() }} as currency
    from weekdays
    cross join hours
    left join sales_by_weekday_and_hour
        on
            weekdays.iso_weekday = sales_by_weekday_and_hour.iso_weekday
            and coalesce(hours.hour_of_day, -1)
            = coalesce(sales_by_weekday_and_hour.hour_of_day, -1)

)

select * from final
