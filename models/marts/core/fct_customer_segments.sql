{%- set measures = {
    'recency': 'bigint', 'frequency': 'bigint', 'monetary': 'decimal(18, 2)'
} -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

customer_months as (

    select * from {{ ref('fct_customer_months') }}
    where customer_id <> 'unknown'

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

last_days as (

    select
        source_system,
        max(revenue_date) as last_date,
        extract(year from max(revenue_date)) * 12 + extract(month from max(revenue_date))
            as month_number
    from revenue_days
    group by source_system

),

month_ends as (

    -- Twelve months, and the one before them, from which the first moves start.
    select
        last_days.source_system,
        dates.month_start_date,
        dates.calendar_year * 12 + dates.calendar_month as month_number,
        last_days.month_number - 12 as first_month_number,
        least(max(dates.date_day), max(last_days.last_date)) as as_of_date
    from dates
    inner join last_days
        on
            dates.calendar_year * 12 + dates.calendar_month
            between last_days.month_number - 12 and last_days.month_number
    group by
        last_days.source_system,
        dates.month_start_date,
        dates.calendar_year * 12 + dates.calendar_month,
        last_days.month_number

),

months as (

    select
        *,
        extract(year from month_start_date) * 12 + extract(month from month_start_date)
            as month_number
    from customer_months

),

standings as (

    -- What is known of her since a month in which she did something, and what was before.
    select
        customer_id,
        source_system,
        month_number,
        cast(
            sum(orders_placed) over (
                partition by customer_id
                order by month_number
                rows between unbounded preceding and current row
            ) as bigint
        ) as orders_placed,
        cast(
            sum(net_amount) over (
                partition by customer_id
                order by month_number
                rows between unbounded preceding and current row
            ) as decimal(18, 2)
        ) as net_amount,
        max(last_purchase_date) over (
            partition by customer_id
            order by month_number
            rows between unbounded preceding and current row
        ) as last_purchase_date,
        orders_placed as orders_of_month,
        net_amount as net_amount_of_month,
        max(last_purchase_date) over (
            partition by customer_id
            order by month_number
            rows between unbounded preceding and 1 preceding
        ) as last_purchase_date_before,
        lead(month_number) over (partition by customer_id order by month_number)
            as next_month_number
    from months

),

customers_at_month_ends as (

    -- Who has bought nothing yet is no customer yet.
    select
        standings.customer_id,
        standings.source_system,
        month_ends.month_start_date,
        month_ends.month_number,
        month_ends.month_number > month_ends.first_month_number as is_told,
        month_ends.as_of_date,
        least(standings.last_purchase_date, month_ends.as_of_date) as last_purchase_date,
        standings.orders_placed,
        standings.net_amount,
        case
            when standings.month_number < month_ends.month_number
                then standings.last_purchase_date
            else standings.last_purchase_date_before
        end as last_purchase_date_before,
        case
            when standings.month_number < month_ends.month_number
                then standings.orders_placed
            else standings.orders_placed - standings.orders_of_month
        end as orders_placed_before,
        case
            when standings.month_number < month_ends.month_number
                then standings.net_amount
            else cast(
                standings.net_amount - standings.net_amount_of_month as decimal(18, 2)
            )
        end as net_amount_before
    from standings
    inner join month_ends
        on
            standings.source_system = month_ends.source_system
            and standings.month_number <= month_ends.month_number
            and month_ends.month_number
            < coalesce(standings.next_month_number, month_ends.month_number + 1)
    where standings.orders_placed > 0

),

customers_by_value as (

    select
        source_system,
        month_number,
        'recency' as measure,
        cast(last_purchase_date - cast('2000-01-01' as date) as decimal(18, 2))
            as measured,
        count(*) as customers
    from customers_at_month_ends
    group by source_system, month_number, last_purchase_date

    union all

    select
        source_system,
        month_number,
        'frequency' as measure,
        cast(orders_placed as decimal(18, 2)) as measured,
        count(*) as customers
    from customers_at_month_ends
    group by source_system, month_number, orders_placed

    union all

    select
        source_system,
        month_number,
        'monetary' as measure,
        net_amount as measured,
        count(*) as customers
    from customers_at_month_ends
    group by source_system, month_number, net_amount

),

ranked as (

    select
        *,
        sum(customers) over (
            partition by source_system, month_number, measure
            order by measured
            rows between unbounded preceding and current row
        ) as customers_up_to_here,
        sum(customers) over (partition by source_system, month_number, measure)
            as all_customers
    from customers_by_value

),

fifths as (

    -- Those who tie share a score: that of the fifth in which the middle of them lies.
    select
        source_system,
        month_number,
        measure,
        measured,
        case
            {%- for score in [5, 4, 3, 2] %}
            when
                5 * (2 * customers_up_to_here - customers)
                >= {{ score - 1 }} * 2 * all_customers
                then {{ score }}
            {%- endfor %}
            else 1
        end as score
    from ranked

),

bounds as (

    -- The least that is needed for a score; empty where nobody has so high a one. Whole
    -- numbers where the measure is one: millions of rows are compared with it.
    select
        source_system,
        month_number
        {%- for measure, type in measures.items() %}
        {%- for score in [2, 3, 4, 5] %},
        cast(
            min(
                case
                    when measure = '{{ measure }}' and score >= {{ score }} then measured
                end
            ) as {{ type }}
        ) as {{ measure }}_{{ score }}
        {%- endfor %}
        {%- endfor %}
    from fifths
    group by source_system, month_number

),

measured as (

    select
        *,
        last_purchase_date - cast('2000-01-01' as date) as recency,
        orders_placed as frequency,
        net_amount as monetary,
        last_purchase_date_before - cast('2000-01-01' as date) as recency_before,
        orders_placed_before as frequency_before,
        net_amount_before as monetary_before
    from customers_at_month_ends
    where is_told

),

scored as (

    select
        measured.customer_id,
        measured.source_system,
        measured.month_start_date,
        measured.as_of_date,
        measured.last_purchase_date,
        measured.orders_placed,
        measured.net_amount,
        measured.orders_placed_before
        {%- for when, bounds in [('', 'bounds'), ('_before', 'bounds_before')] %}
        {%- for measure in measures %},
        case
            {%- for score in [5, 4, 3, 2] %}
            when
                measured.{{ measure }}{{ when }}
                >= {{ bounds }}.{{ measure }}_{{ score }}
                then {{ score }}
            {%- endfor %}
            else 1
        end as {{ measure }}_score{{ when }}
        {%- endfor %}
        {%- endfor %}
    from measured
    inner join bounds
        on
            measured.source_system = bounds.source_system
            and measured.month_number = bounds.month_number
    left join bounds as bounds_before
        on
            measured.source_system = bounds_before.source_system
            and measured.month_number = bounds_before.month_number + 1

),

final as (

    select
        customer_id,
        source_system,
        month_start_date,
        as_of_date,
        last_purchase_date,
        cast(as_of_date - last_purchase_date as integer) as recency_days,
        orders_placed,
        net_amount,
        recency_score,
        frequency_score,
        monetary_score,
        {{ rfm_segment('recency_score', 'frequency_score', 'monetary_score') }} as segment,
        case
            when orders_placed_before = 0 then 'none'
            else {{ rfm_segment(
                'recency_score_before', 'frequency_score_before', 'monetary_score_before'
            ) }}
        end as segment_before,
        {{ currency() }} as currency
    from scored

)

select * from final
