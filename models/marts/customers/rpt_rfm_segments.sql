with

customer_segments as (

    select * from {{ ref('fct_customer_segments') }}

),

newest as (

    select
        source_system,
        max(month_start_date) as month_start_date
    from customer_segments
    group by source_system

),

final as (

    select
        customer_segments.customer_id,
        customer_segments.source_system,
        customer_segments.as_of_date,
        customer_segments.last_purchase_date,
        customer_segments.recency_days,
        customer_segments.orders_placed,
        customer_segments.net_amount,
        customer_segments.recency_score,
        customer_segments.frequency_score,
        customer_segments.monetary_score,
        cast(
            100 * customer_segments.recency_score
            + 10 * customer_segments.frequency_score
            + customer_segments.monetary_score as varchar
        ) as rfm_code,
        customer_segments.segment,
        customer_segments.segment_before,
        customer_segments.currency
    from customer_segments
    inner join newest
        on
            customer_segments.source_system = newest.source_system
            and customer_segments.month_start_date = newest.month_start_date

)

select * from final
