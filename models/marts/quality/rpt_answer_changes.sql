{#- What each answer is about, as the facts call it. -#}
{%- set subjects = [
    ('revenue_totals', "'all'"),
    ('revenue_totals', 'source_system'),
    ('best_sellers', 'product_id'),
    ('corentin_nu_gold', 'product_id'),
    ('top_regions', 'region_id'),
    ('revenue_by_store', 'store_id'),
    ('revenue_by_month', day_text('month_start_date')),
    ('loyal_customers', 'customer_id'),
] -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

answers as (

    select * from {{ ref('rpt_answers') }}

),

loads as (

    select * from {{ ref('fct_loads') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

states as (

    select
        as_of_load,
        row_number() over (order by as_of_load desc nulls last) as state_age
    from answers
    group by as_of_load

),

compared_states as (

    select
        newest.as_of_load,
        earlier.as_of_load as as_of_load_before
    from states as newest
    inner join states as earlier on newest.state_age = 1 and earlier.state_age = 2

),

answers_after as (

    select answers.*
    from answers
    inner join compared_states on answers.as_of_load = compared_states.as_of_load

),

answers_before as (

    select answers.*
    from answers
    inner join compared_states on answers.as_of_load = compared_states.as_of_load_before

),

whole_lists as (

    -- Who is not in a whole list had nothing; what those have whom a list leaves out is not
    -- known.
    select
        answers.answer,
        case when min(case when answers.is_whole_list then 1 else 0 end) = 1 then 0 end
            as left_out
    from answers
    inner join compared_states
        on
            answers.as_of_load = compared_states.as_of_load
            or answers.as_of_load = compared_states.as_of_load_before
    group by answers.answer

),

paired as (

    select
        coalesce(answers_after.answer, answers_before.answer) as answer,
        coalesce(answers_after.subject_id, answers_before.subject_id) as subject_id,
        coalesce(answers_after.subject, answers_before.subject) as subject,
        answers_before.subject_id is null as is_new,
        answers_after.subject_id is null as is_gone,
        answers_before.answer_rank as rank_before,
        answers_after.answer_rank as rank_after,
        answers_before.net_units as units_before,
        answers_after.net_units as units_after,
        answers_before.net_amount as amount_before,
        answers_after.net_amount as amount_after
    from answers_after
    full outer join answers_before
        on
            answers_after.answer = answers_before.answer
            and answers_after.subject_id = answers_before.subject_id

),

measured as (

    select
        paired.answer,
        paired.subject_id,
        paired.subject,
        paired.is_new,
        paired.is_gone,
        paired.rank_before,
        paired.rank_after,
        coalesce(paired.units_before, whole_lists.left_out) as net_units_before,
        coalesce(paired.units_after, whole_lists.left_out) as net_units_after,
        coalesce(paired.amount_before, whole_lists.left_out)
            as net_amount_before,
        coalesce(paired.amount_after, whole_lists.left_out) as net_amount_after
    from paired
    inner join whole_lists on paired.answer = whole_lists.answer

),

changed as (

    select
        *,
        case
            when is_new then 'new'
            when is_gone then 'vanished'
            when net_amount_after > net_amount_before then 'rose'
            when net_amount_after < net_amount_before then 'fell'
            when net_units_after > net_units_before then 'rose'
            when net_units_after < net_units_before then 'fell'
            else 'rank_only'
        end as change_kind
    from measured
    where
        is_new
        or is_gone
        or net_units_after <> net_units_before
        or net_amount_after <> net_amount_before
        or rank_after is distinct from rank_before

),

loads_since as (

    select
        loads.load_seq,
        loads.file
    from loads
    inner join compared_states
        on
            loads.load_seq > compared_states.as_of_load_before
            and loads.load_seq <= compared_states.as_of_load
    where loads.is_loaded

),

lines_since as (

    select
        sale_lines.load_seq,
        sale_lines.source_system,
        sale_lines.product_id,
        sale_lines.region_id,
        sale_lines.store_id,
        sale_lines.customer_id,
        sale_lines.purchase_date as revenue_date,
        sale_lines.units_sold as net_units,
        sale_lines.sales_amount as net_amount
    from sale_lines
    inner join loads_since on sale_lines.load_seq = loads_since.load_seq

    union all

    select
        return_lines.load_seq,
        return_lines.source_system,
        return_lines.product_id,
        return_lines.region_id,
        return_lines.store_id,
        return_lines.customer_id,
        return_lines.return_date as revenue_date,
        -return_lines.units_returned as net_units,
        -return_lines.refund_amount as net_amount
    from return_lines
    inner join loads_since on return_lines.load_seq = loads_since.load_seq
    where return_lines.has_sale

),

customers_changed as (

    select subject_id as customer_id
    from changed
    where answer = 'loyal_customers'

),

cells as (

    -- Small, whatever has come: of customers, those alone that are told of.
    select
        lines_since.source_system,
        lines_since.product_id,
        lines_since.region_id,
        lines_since.store_id,
        cast(date_trunc('month', lines_since.revenue_date) as date) as month_start_date,
        customers_changed.customer_id,
        count(*) as lines_came,
        min(lines_since.load_seq) as first_load,
        max(lines_since.load_seq) as last_load,
        sum(lines_since.net_units) as net_units,
        sum(lines_since.net_amount) as net_amount
    from lines_since
    left join customers_changed on lines_since.customer_id = customers_changed.customer_id
    group by
        lines_since.source_system,
        lines_since.product_id,
        lines_since.region_id,
        lines_since.store_id,
        cast(date_trunc('month', lines_since.revenue_date) as date),
        customers_changed.customer_id

),

came as (
{% for answer, subject in subjects %}
    {%- if not loop.first %}

    union all
    {% endif %}
    select
        '{{ answer }}' as answer,
        {{ subject }} as subject_id,
        sum(lines_came) as lines_came,
        min(first_load) as first_load,
        max(last_load) as last_load,
        sum(net_units) as net_units,
        sum(net_amount) as net_amount
    from cells
    {%- if not subject.startswith("'") %}
    group by {{ subject }}
    {%- endif %}
{%- endfor %}

),

final as (

    select
        cast(compared_states.as_of_load_before as bigint) as as_of_load_before,
        cast(compared_states.as_of_load as bigint) as as_of_load,
        changed.answer,
        changed.subject_id,
        changed.subject,
        changed.change_kind,
        changed.rank_before,
        changed.rank_after,
        changed.net_units_before,
        changed.net_units_after,
        cast(changed.net_units_after - changed.net_units_before as bigint)
            as net_units_changed,
        cast(coalesce(came.net_units, 0) as bigint) as net_units_came,
        cast(
            changed.net_units_after - changed.net_units_before - coalesce(came.net_units, 0)
            as bigint
        ) as net_units_revised,
        changed.net_amount_before,
        changed.net_amount_after,
        cast(changed.net_amount_after - changed.net_amount_before as decimal(18, 2))
            as net_amount_changed,
        cast(coalesce(came.net_amount, 0) as decimal(18, 2)) as net_amount_came,
        cast(
            changed.net_amount_after - changed.net_amount_before
            - coalesce(came.net_amount, 0) as decimal(18, 2)
        ) as net_amount_revised,
        cast(coalesce(came.lines_came, 0) as bigint) as lines_came,
        cast(came.first_load as bigint) as first_load,
        cast(came.last_load as bigint) as last_load,
        first_loads.file as first_file,
        last_loads.file as last_file,
        {{ currency() }} as currency
    from changed
    cross join compared_states
    left join came
        on changed.answer = came.answer and changed.subject_id = came.subject_id
    left join loads_since as first_loads on came.first_load = first_loads.load_seq
    left join loads_since as last_loads on came.last_load = last_loads.load_seq

)

select * from final
