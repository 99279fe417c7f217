{%- set found_below = 0.05 -%}
{#- Powers of less are 0 on some engines and an error on others. -#}
{%- set least_p_value = '1e-30' -%}
{%- set z95 = 1.959963984540054 -%}
with

event_sales as (

    select * from {{ ref('fct_event_sales') }}

),

events as (

    select * from {{ ref('dim_events') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

p_values as (

    select
        *,
        {{ two_sided_p_value('z_score') }} as p_value
    from event_sales

),

effects as (

    -- One year's promotion, snow or strike is no effect of a date: what chance alone would
    -- do in all years, each at least as far off as the least of them and to the same side.
    select
        p_values.source_system,
        events.event_name,
        events.event_kind,
        p_values.event_window,
        p_values.subject_kind,
        p_values.subject,
        count(*) as occurrences,
        sum(p_values.days) as days,
        sum(p_values.units_sold) as units_sold,
        sum(p_values.expected_units) as expected_units,
        sum(p_values.tested_units) as tested_units,
        cast(
            sum(cast(
                cast(p_values.tested_units as double) * p_values.spread as decimal(24, 6)
            )) as double
        ) / sum(p_values.tested_units) as spread,
        case
            when max(sign(p_values.z_score)) = min(sign(p_values.z_score))
                then
                    2 * power(
                        greatest(max(p_values.p_value), {{ least_p_value }}) / 2, count(*)
                    )
            else 1
        end as p_value
    from p_values
    inner join events on p_values.event_id = events.event_id
    group by
        p_values.source_system,
        events.event_name,
        events.event_kind,
        p_values.event_window,
        p_values.subject_kind,
        p_values.subject

),

counted as (

    select
        *,
        occurrences > 1 as is_repeated,
        units_sold / cast(tested_units as double) as tested_lift,
        sqrt(units_sold + 0.375) as root,
        {{ z95 / 2 }} * sqrt(spread) as root_margin,
        count(*) over (
            partition by source_system, subject_kind, occurrences > 1
        ) as tests,
        count(*) over (
            partition by source_system, subject_kind, occurrences > 1
            order by p_value
            range between unbounded preceding and current row
        ) as tests_as_rare
    from effects

),

adjusted as (

    select
        *,
        least(1, min(p_value * tests / tests_as_rare) over (
            partition by source_system, subject_kind, is_repeated
            order by p_value desc nulls last
            range between unbounded preceding and current row
        )) as q_value
    from counted

),

judged as (

    -- Where vampires rise, the share of all others falls: that is no effect of the date.
    select
        *,
        q_value <= {{ found_below }}
        and is_repeated
        and (subject_kind = 'all' or tested_lift > 1) as is_found
    from adjusted

),

found as (

    select
        judged.source_system,
        judged.event_name,
        judged.event_window,
        judged.subject_kind,
        judged.subject,
        judged.tested_lift - 1 as departure,
        p_values.first_day,
        p_values.last_day
    from judged
    inner join events on judged.event_name = events.event_name
    inner join p_values
        on
            judged.source_system = p_values.source_system
            and events.event_id = p_values.event_id
            and judged.event_window = p_values.event_window
            and judged.subject_kind = p_values.subject_kind
            and judged.subject = p_values.subject
    where judged.is_found

),

found_strengths as (

    select
        *,
        max(abs(departure)) over (
            partition by source_system, subject_kind, subject, event_name, sign(departure)
        ) as strength
    from found

),

stronger as (

    -- Of another event on some of the same days, of which the same is found, and more so.
    select
        own.source_system,
        own.event_name,
        own.event_window,
        own.subject_kind,
        own.subject,
        others.event_name as stronger_event
    from found_strengths as own
    inner join found_strengths as others
        on
            own.source_system = others.source_system
            and own.subject_kind = others.subject_kind
            and own.subject = others.subject
            and sign(own.departure) = sign(others.departure)
            and own.event_name != others.event_name
            and own.first_day <= others.last_day
            and own.last_day >= others.first_day
            and own.strength < others.strength
    qualify
        row_number() over (
            partition by
                own.source_system,
                own.event_name,
                own.event_window,
                own.subject_kind,
                own.subject
            order by others.strength desc nulls last, others.event_name asc
        ) = 1

),

final as (

    select
        judged.source_system,
        judged.event_name,
        judged.event_kind,
        judged.event_window,
        judged.subject_kind,
        judged.subject,
        products.item_name,
        cast(judged.occurrences as integer) as occurrences,
        cast(judged.days as integer) as days,
        cast(judged.units_sold as bigint) as units_sold,
        cast(judged.expected_units as decimal(18, 2)) as expected_units,
        cast(
            judged.units_sold / cast(judged.expected_units as double) as decimal(18, 6)
        ) as lift,
        case
            when judged.subject_kind != 'all'
                then cast(judged.tested_lift as decimal(18, 6))
        end as share_lift,
        cast(
            greatest(0, power(greatest(0, judged.root - judged.root_margin), 2) - 0.375)
            / judged.tested_units as decimal(18, 6)
        ) as interval_low,
        cast(
            (power(judged.root + judged.root_margin, 2) - 0.375)
            / judged.tested_units as decimal(18, 6)
        ) as interval_high,
        cast(judged.p_value as decimal(18, 12)) as p_value,
        cast(judged.q_value as decimal(18, 12)) as q_value,
        judged.is_found,
        stronger.stronger_event
    from judged
    left join stronger
        on
            judged.source_system = stronger.source_system
            and judged.subject_kind = stronger.subject_kind
            and judged.subject = stronger.subject
            and judged.event_name = stronger.event_name
            and judged.event_window = stronger.event_window
    left join products
        on
            judged.subject_kind = 'product'
            and judged.subject = products.product_id

)

select * from final
