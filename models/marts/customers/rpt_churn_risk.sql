{%- set pseudo_gaps = 1 -%}
{%- set days_of_test = 90 -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

last_days as (

    -- One for each system: where its files are late, nobody of it is silent for that.
    select
        source_system,
        max(revenue_date) as as_of_date,
        max(revenue_date) - {{ days_of_test }} as known_until_date,
        max(revenue_date) - 365 as year_before_date
    from revenue_days
    group by source_system

),

purchase_days as (

    -- Who buys twice on a day comes once.
    select
        sale_lines.customer_id,
        sale_lines.source_system,
        sale_lines.purchase_date,
        sum(
            case
                when sale_lines.purchase_date > last_days.year_before_date
                    then sale_lines.sales_amount
            end
        ) as sales_amount
    from sale_lines
    inner join last_days on sale_lines.source_system = last_days.source_system
    where sale_lines.customer_id <> 'unknown'
    group by
        sale_lines.customer_id,
        sale_lines.source_system,
        sale_lines.purchase_date

),

refunds as (

    select
        return_lines.customer_id,
        sum(return_lines.refund_amount) as refund_amount
    from return_lines
    inner join last_days
        on
            return_lines.source_system = last_days.source_system
            and return_lines.return_date > last_days.year_before_date
    where return_lines.has_sale and return_lines.customer_id <> 'unknown'
    group by return_lines.customer_id

),

customers as (

    -- As she is now, and as she was before the last {{ days_of_test }} days.
    select
        purchase_days.customer_id,
        purchase_days.source_system,
        min(purchase_days.purchase_date) as first_purchase_date,
        max(purchase_days.purchase_date) as last_purchase_date,
        count(*) as purchase_days_now,
        max(
            case
                when purchase_days.purchase_date <= last_days.known_until_date
                    then purchase_days.purchase_date
            end
        ) as last_purchase_date_then,
        count(
            case when purchase_days.purchase_date <= last_days.known_until_date then 1 end
        ) as purchase_days_then,
        sum(purchase_days.sales_amount) as sales_amount
    from purchase_days
    inner join last_days on purchase_days.source_system = last_days.source_system
    group by purchase_days.customer_id, purchase_days.source_system

),

second_days as (

    select
        purchase_days.customer_id,
        min(purchase_days.purchase_date) as second_purchase_date
    from purchase_days
    inner join customers
        on
            purchase_days.customer_id = customers.customer_id
            and purchase_days.purchase_date > customers.first_purchase_date
    group by purchase_days.customer_id

),

spans as (

    select
        customers.*,
        last_days.as_of_date,
        customers.last_purchase_date - customers.first_purchase_date as span_days_now,
        customers.last_purchase_date_then - customers.first_purchase_date
            as span_days_then,
        coalesce(second_days.second_purchase_date, last_days.as_of_date)
        - customers.first_purchase_date as first_gap_days_now,
        case
            when second_days.second_purchase_date <= last_days.known_until_date
                then second_days.second_purchase_date
            else last_days.known_until_date
        end - customers.first_purchase_date as first_gap_days_then,
        last_days.as_of_date - customers.last_purchase_date as silent_days_now,
        last_days.known_until_date - customers.last_purchase_date_then as silent_days_then
    from customers
    inner join last_days on customers.source_system = last_days.source_system
    left join second_days on customers.customer_id = second_days.customer_id

),

{% for when in ['now', 'then'] -%}
usual_{{ when }} as (

    -- All days of waiting for a second purchase, also those of who still waits, for each of
    -- the second purchases. First gaps only: most others are of the few who come often.
    select
        source_system,
        cast(
            {{ quotient(
                'sum(first_gap_days_' ~ when ~ ')',
                'nullif(count(case when purchase_days_' ~ when ~ ' > 1 then 1 end), 0)'
            ) }}
            as decimal(18, 6)
        ) as gap_days
    from spans
    where purchase_days_{{ when }} > 0
    group by source_system

),

{% endfor -%}
expected as (

    -- Her gaps, and {{ pseudo_gaps }} of the usual length: who came once is as others are.
    select
        spans.*
        {%- for when in ['now', 'then'] %},
        cast(
            {{ quotient(
                '(spans.span_days_' ~ when ~ ' + ' ~ pseudo_gaps ~ ' * usual_' ~ when ~ '.gap_days)',
                '(spans.purchase_days_' ~ when ~ ' - 1 + ' ~ pseudo_gaps ~ ')'
            ) }} as decimal(18, 6)
        ) as mean_gap_days_{{ when }}
        {%- endfor %}
    from spans
    left join usual_now on spans.source_system = usual_now.source_system
    left join usual_then
        on
            spans.source_system = usual_then.source_system
            and spans.purchase_days_then > 0

),

judged as (

    select
        *
        {%- for when in ['now', 'then'] %},
        cast(
            exp(-cast(silent_days_{{ when }} as double) / mean_gap_days_{{ when }})
            as decimal(9, 6)
        ) as silence_probability_{{ when }}
        {%- endfor %}
    from expected

),

final as (

    select
        judged.customer_id,
        judged.source_system,
        judged.as_of_date,
        cast(judged.purchase_days_now as integer) as purchase_days,
        judged.first_purchase_date,
        judged.last_purchase_date,
        cast(judged.silent_days_now as integer) as days_since_purchase,
        cast(judged.mean_gap_days_now as decimal(18, 2)) as mean_gap_days,
        judged.silence_probability_now as silence_probability,
        {{ churn_risk('judged.silence_probability_now') }} as risk,
        cast(
            coalesce(judged.sales_amount, 0) - coalesce(refunds.refund_amount, 0)
            as decimal(18, 2)
        ) as value_at_risk_amount,
        case
            when judged.purchase_days_then > 0
                then {{ churn_risk('judged.silence_probability_then') }}
        end as risk_90_days_ago,
        case when judged.purchase_days_then > 0 then judged.purchase_days_then > 1 end
            as had_come_back_90_days_ago,
        case
            when judged.purchase_days_then > 0
                then judged.purchase_days_now > judged.purchase_days_then
        end as has_bought_since,
        {{ currency() }} as currency
    from judged
    left join refunds on judged.customer_id = refunds.customer_id

)

select * from final
