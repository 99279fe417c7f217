with

customer_segments as (

    select * from {{ ref('fct_customer_segments') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

moves as (

    select
        month_start_date,
        as_of_date,
        source_system,
        segment_before,
        segment,
        count(*) as customers,
        sum(net_amount) as net_amount
    from customer_segments
    group by month_start_date, as_of_date, source_system, segment_before, segment

),

compared as (

    select
        *,
        sum(customers) over (
            partition by month_start_date, source_system, segment_before
        ) as customers_before
    from moves

),

final as (

    select
        compared.month_start_date,
        compared.as_of_date,
        day_after.date_day = day_after.month_start_date as is_whole_month,
        compared.source_system,
        compared.segment_before,
        compared.segment,
        compared.segment_before <> compared.segment as has_moved,
        compared.customers,
        {{ share('compared.customers', 'compared.customers_before') }}
            as share_of_segment_before,
        cast(compared.net_amount as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from compared
    inner join dates as day_after on compared.as_of_date + 1 = day_after.date_day

)

select * from final
