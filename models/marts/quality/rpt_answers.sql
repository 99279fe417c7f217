{%- set longest_list = 200 -%}
{%- set customers_listed = 100 -%}
with

loads as (

    select * from {{ ref('fct_loads') }}

),

revenue_totals as (

    select * from {{ ref('rpt_revenue_totals') }}

),

best_sellers as (

    select * from {{ ref('rpt_best_sellers') }}

),

nu_gold as (

    select * from {{ ref('rpt_corentin_nu_gold') }}

),

top_regions as (

    select * from {{ ref('rpt_top_regions') }}

),

revenue_by_store as (

    select * from {{ ref('rpt_revenue_by_store') }}

),

revenue_by_month as (

    select * from {{ ref('rpt_revenue_by_month') }}

),

loyal_customers as (

    select * from {{ ref('rpt_loyal_customers') }}

),

revenue_by_customer as (

    select * from {{ ref('rpt_revenue_by_customer') }}

),

state as (

    -- The last load names the state, as it does in the totals: the same data built again
    -- replaces its lines.
    select max(load_seq) as as_of_load
    from loads
    where is_loaded

),

loyal_listed as (

    select
        customer_id,
        loyalty_rank,
        count(*) over () <= {{ customers_listed }} as is_whole_list
    from loyal_customers
    where loyalty_rank is not null
    qualify
        row_number() over (order by loyalty_rank asc, customer_id asc)
        <= {{ customers_listed }}

),

answers as (

    select
        'revenue_totals' as answer,
        revenue_totals.source_system as subject_id,
        revenue_totals.source_system as subject,
        cast(null as integer) as answer_rank,
        revenue_totals.net_units,
        revenue_totals.net_amount,
        true as is_whole_list
    from revenue_totals
    inner join state on revenue_totals.as_of_load = state.as_of_load

    union all

    select
        'best_sellers' as answer,
        product_id as subject_id,
        item_name as subject,
        sales_rank as answer_rank,
        net_units,
        net_amount,
        true as is_whole_list
    from best_sellers

    union all

    select
        'corentin_nu_gold' as answer,
        product_id as subject_id,
        item_name as subject,
        cast(null as integer) as answer_rank,
        net_units,
        net_amount,
        true as is_whole_list
    from nu_gold

    union all

    select
        'top_regions' as answer,
        region_id as subject_id,
        region_name as subject,
        sales_rank as answer_rank,
        net_units,
        net_amount,
        true as is_whole_list
    from top_regions

    union all

    select
        'revenue_by_store' as answer,
        store_id as subject_id,
        store_name as subject,
        cast(null as integer) as answer_rank,
        net_units,
        net_amount,
        true as is_whole_list
    from revenue_by_store

    union all

    select
        'revenue_by_month' as answer,
        {{ day_text('month_start_date') }} as subject_id,
        {{ day_text('month_start_date') }} as subject,
        cast(null as integer) as answer_rank,
        net_units,
        net_amount,
        true as is_whole_list
    from revenue_by_month

    union all

    select
        'loyal_customers' as answer,
        loyal_listed.customer_id as subject_id,
        loyal_listed.customer_id as subject,
        loyal_listed.loyalty_rank as answer_rank,
        revenue_by_customer.units_sold - revenue_by_customer.units_returned as net_units,
        revenue_by_customer.net_amount,
        loyal_listed.is_whole_list
    from loyal_listed
    inner join revenue_by_customer
        on loyal_listed.customer_id = revenue_by_customer.customer_id

),

listed as (

    -- A history is kept for years: of long lists, only the first are.
    select
        *,
        count(*) over (partition by answer) as subjects_counted
    from answers
    qualify
        row_number() over (
            partition by answer
            order by
                answer_rank asc nulls last,
                net_amount desc nulls last,
                subject_id asc
        ) <= {{ longest_list }}

),

final as (

    select
        cast(state.as_of_load as bigint) as as_of_load,
        listed.answer,
        listed.subject_id,
        listed.subject,
        listed.answer_rank,
        listed.is_whole_list and listed.subjects_counted <= {{ longest_list }}
            as is_whole_list,
        cast(listed.net_units as bigint) as net_units,
        cast(listed.net_amount as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from listed
    inner join state on state.as_of_load is not null

)

select * from final
