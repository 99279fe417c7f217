with

customer_months as (

    select * from {{ ref('fct_customer_months') }}
    where customer_id <> 'unknown'

),

customers as (

    select * from {{ ref('dim_customers') }}
    where is_known and first_purchase_date is not null

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

days_of_data as (

    select
        source_system,
        min(revenue_date) as first_date,
        max(revenue_date) as last_date
    from revenue_days
    group by source_system

),

months as (

    -- Numbered without a gap: from one month to the next is always one. In the first month
    -- of a system most customers are old ones, whose first purchase is not in the data.
    select
        days_of_data.source_system,
        dates.month_start_date,
        dates.calendar_year * 12 + dates.calendar_month as month_number,
        min(dates.date_day) >= min(days_of_data.first_date)
        and max(dates.date_day) <= max(days_of_data.last_date) as is_whole_month,
        min(dates.date_day) > min(days_of_data.first_date)
        and max(dates.date_day) <= max(days_of_data.last_date) as is_whole_cohort
    from dates
    inner join days_of_data
        on
            dates.month_start_date <= days_of_data.last_date
            and dates.month_start_date
            >= cast(date_trunc('month', days_of_data.first_date) as date)
    group by
        days_of_data.source_system,
        dates.month_start_date,
        dates.calendar_year * 12 + dates.calendar_month

),

members as (

    select
        customer_id,
        source_system,
        cast(date_trunc('month', first_purchase_date) as date) as cohort_month_start_date
    from customers

),

cohorts as (

    select
        members.source_system,
        members.cohort_month_start_date,
        months.month_number,
        months.is_whole_cohort,
        count(*) as customers
    from members
    inner join months
        on
            members.source_system = months.source_system
            and members.cohort_month_start_date = months.month_start_date
    group by
        members.source_system,
        members.cohort_month_start_date,
        months.month_number,
        months.is_whole_cohort

),

activity as (

    -- A return dated before the first purchase, where clocks differ, is of month 0.
    select
        members.source_system,
        members.cohort_month_start_date,
        greatest(members.cohort_month_start_date, customer_months.month_start_date)
            as month_start_date,
        count(case when customer_months.orders_placed > 0 then 1 end)
            as active_customers,
        sum(customer_months.orders_placed) as orders_placed,
        sum(customer_months.net_amount) as net_amount
    from customer_months
    inner join members on customer_months.customer_id = members.customer_id
    group by
        members.source_system,
        members.cohort_month_start_date,
        greatest(members.cohort_month_start_date, customer_months.month_start_date)

),

cells as (

    -- Every month up to the last one of the system, also where nobody came.
    select
        cohorts.source_system,
        cohorts.cohort_month_start_date,
        months.month_number - cohorts.month_number as months_since_first,
        months.month_start_date,
        cohorts.is_whole_cohort,
        months.is_whole_month,
        cohorts.customers,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(activity.orders_placed, 0) as orders_placed,
        coalesce(activity.net_amount, 0) as net_amount
    from cohorts
    inner join months
        on
            cohorts.source_system = months.source_system
            and cohorts.month_number <= months.month_number
    left join activity
        on
            cohorts.source_system = activity.source_system
            and cohorts.cohort_month_start_date = activity.cohort_month_start_date
            and months.month_start_date = activity.month_start_date

),

final as (

    select
        source_system,
        cohort_month_start_date,
        cast(months_since_first as integer) as months_since_first,
        month_start_date,
        is_whole_cohort,
        is_whole_month,
        cast(customers as bigint) as customers,
        cast(active_customers as bigint) as active_customers,
        {{ share('active_customers', 'customers') }} as retention,
        cast(orders_placed as bigint) as orders_placed,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(
            sum(net_amount) over (
                partition by source_system, cohort_month_start_date
                order by months_since_first
                rows between unbounded preceding and current row
            ) / customers as decimal(18, 2)
        ) as cumulated_net_per_customer,
        {{ currency() }} as currency
    from cells

)

select * from final
