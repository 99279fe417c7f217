{#- Kinds of subjects: the name, its column, the fewest units that tell a rate. -#}
{%- set subjects = [
    ('all', "'all'", 30),
    ('source_system', 'source_system', 30),
    ('store', 'store_id', 30),
    ('product', 'product_id', 30),
    ('customer', 'customer_id', 10),
] -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

revenue_by_customer as (

    select * from {{ ref('rpt_revenue_by_customer') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

sold_to_nobody as (

    -- In the web store, the sale that a return undoes is found by its customer: of whom it
    -- does not name, next to nothing could ever come back.
    select
        source_system,
        store_id,
        product_id,
        sum(units_sold) as units_sold
    from sale_lines
    where source_system = 'web' and customer_id = 'unknown'
    group by source_system, store_id, product_id

),

sold_by_cell as (

    select
        source_system,
        store_id,
        product_id,
        sum(units_sold) as units_sold
    from revenue_days
    group by source_system, store_id, product_id

),

sold as (

    -- Of the partner shops nobody knows what comes back of what: they are left out, with
    -- their sales, instead of showing that nothing ever does.
    select
        sold_by_cell.source_system,
        sold_by_cell.store_id,
        sold_by_cell.product_id,
        sold_by_cell.units_sold - coalesce(sold_to_nobody.units_sold, 0) as units_sold
    from sold_by_cell
    left join sold_to_nobody
        on
            sold_by_cell.source_system = sold_to_nobody.source_system
            and sold_by_cell.store_id = sold_to_nobody.store_id
            and sold_by_cell.product_id = sold_to_nobody.product_id
    where
        sold_by_cell.source_system <> 'shops'
        and sold_by_cell.units_sold > coalesce(sold_to_nobody.units_sold, 0)

),

left_out as (

    select units_sold from sold_by_cell
    where source_system = 'shops'

    union all

    select units_sold from sold_to_nobody

),

sold_but_left_out as (

    select sum(units_sold) as units_sold from left_out

),

came_back as (

    select
        sale_line_id,
        source_system,
        store_id,
        product_id,
        customer_id,
        case
            when not has_sale then 'without_sale'
            when is_cancellation then 'cancelled'
            when returned_at < purchased_at then 'before_sale'
            else 'returned'
        end as kind_of_return,
        units_returned,
        refund_amount,
        return_date - purchase_date as lag_days
    from return_lines
    where
        source_system = 'pos'
        or (source_system = 'web' and (customer_id <> 'unknown' or not has_sale))

),

cancelled_by_line as (

    select
        sale_line_id,
        sum(units_returned) as units_cancelled
    from came_back
    where kind_of_return = 'cancelled'
    group by sale_line_id

),

lines_of_many as (

    -- At the tills every line is one unit: few lines, of few systems, are more.
    select
        sale_lines.source_system,
        sale_lines.store_id,
        sale_lines.product_id,
        sale_lines.customer_id,
        sale_lines.units_sold - coalesce(cancelled_by_line.units_cancelled, 0)
            as units_bought
    from sale_lines
    left join cancelled_by_line on sale_lines.sale_line_id = cancelled_by_line.sale_line_id
    where
        sale_lines.units_sold > 1
        and (
            sale_lines.source_system = 'pos'
            or (sale_lines.source_system = 'web' and sale_lines.customer_id <> 'unknown')
        )

),

sold_by_subject as (
    {% for kind, column, minimum in subjects if kind != 'customer' %}
    select
        '{{ kind }}' as subject_kind,
        {{ column }} as subject_id,
        sum(units_sold) as units_sold
    from sold
    group by {{ column }}

    union all
    {% endfor %}
    select
        'customer' as subject_kind,
        revenue_by_customer.customer_id as subject_id,
        revenue_by_customer.units_sold
        - case
            when revenue_by_customer.is_known then 0
            else coalesce(sold_but_left_out.units_sold, 0)
        end as units_sold
    from revenue_by_customer
    cross join sold_but_left_out

),

squares_by_subject as (
    {% for kind, column, minimum in subjects %}
    select
        '{{ kind }}' as subject_kind,
        {{ column }} as subject_id,
        sum(cast(units_bought as decimal(18, 0)) * (units_bought - 1)) as excess_of_squares
    from lines_of_many
    group by {{ column }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

returned_by_subject as (
    {% for kind, column, minimum in subjects %}
    select
        '{{ kind }}' as subject_kind,
        {{ column }} as subject_id,
        sum(case when kind_of_return = 'cancelled' then units_returned else 0 end)
            as units_cancelled,
        sum(case when kind_of_return = 'before_sale' then units_returned else 0 end)
            as units_returned_before_sale,
        sum(case when kind_of_return = 'without_sale' then units_returned else 0 end)
            as units_returned_without_sale,
        sum(case when kind_of_return = 'returned' then units_returned else 0 end)
            as units_returned,
        sum(case when kind_of_return = 'returned' then refund_amount else 0 end)
            as refund_amount,
        {%- if kind == 'customer' %}
        -- One or two returns have no usual lag.
        cast(null as integer) as median_lag_days,
        cast(null as integer) as long_lag_days
        {%- else %}
        percentile_disc(0.5) within group (
            order by case when kind_of_return = 'returned' then lag_days end
        ) as median_lag_days,
        percentile_disc(0.9) within group (
            order by case when kind_of_return = 'returned' then lag_days end
        ) as long_lag_days
        {%- endif %}
    from came_back
    group by {{ column }}
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

returned_by_cell as (

    select
        source_system,
        store_id,
        product_id,
        sum(case when kind_of_return = 'cancelled' then units_returned else 0 end)
            as units_cancelled,
        sum(case when kind_of_return = 'returned' then units_returned else 0 end)
            as units_returned
    from came_back
    group by source_system, store_id, product_id

),

cells as (

    select
        sold.source_system,
        sold.store_id,
        sold.product_id,
        sold.units_sold - coalesce(returned_by_cell.units_cancelled, 0) as units_bought,
        coalesce(returned_by_cell.units_returned, 0) as units_returned
    from sold
    left join returned_by_cell
        on
            sold.source_system = returned_by_cell.source_system
            and sold.store_id = returned_by_cell.store_id
            and sold.product_id = returned_by_cell.product_id

),

cells_compared as (

    select
        product_id,
        units_bought,
        sum(units_bought) over (partition by source_system, store_id) - units_bought
            as units_bought_beside,
        sum(units_returned) over (partition by source_system, store_id) - units_returned
            as units_returned_beside
    from cells

),

expected_by_product as (

    -- As much of it as of the other products where it was bought: what sells mostly online
    -- comes back more often, whatever it is.
    select
        product_id,
        sum(units_bought) as units_compared,
        sum(
            units_bought
            * cast(
                {{ quotient('units_returned_beside', 'units_bought_beside') }}
                as decimal(18, 9)
            )
        ) as units_expected
    from cells_compared
    where units_bought_beside > 0
    group by product_id

),

counted as (

    select
        coalesce(sold_by_subject.subject_kind, returned.subject_kind) as subject_kind,
        coalesce(sold_by_subject.subject_id, returned.subject_id) as subject_id,
        coalesce(sold_by_subject.units_sold, 0) as units_sold,
        coalesce(returned.units_cancelled, 0) as units_cancelled,
        coalesce(sold_by_subject.units_sold, 0) - coalesce(returned.units_cancelled, 0)
            as units_bought,
        coalesce(returned.units_returned_before_sale, 0) as units_returned_before_sale,
        coalesce(returned.units_returned_without_sale, 0) as units_returned_without_sale,
        coalesce(returned.units_returned, 0) as units_returned,
        coalesce(returned.refund_amount, 0) as refund_amount,
        returned.median_lag_days,
        returned.long_lag_days,
        coalesce(squares_by_subject.excess_of_squares, 0) as excess_of_squares
    from sold_by_subject
    full join returned_by_subject as returned
        on
            sold_by_subject.subject_kind = returned.subject_kind
            and sold_by_subject.subject_id = returned.subject_id
    left join squares_by_subject
        on
            sold_by_subject.subject_kind = squares_by_subject.subject_kind
            and sold_by_subject.subject_id = squares_by_subject.subject_id
    where sold_by_subject.units_sold > 0 or returned.units_returned_without_sale > 0

),

weighed as (

    -- Who sends back a line of a thousand has decided once, not a thousand times.
    select
        *,
        case
            when excess_of_squares = 0 then units_bought
            else
                cast(
                    floor(
                        cast(units_bought as double) * units_bought
                        / (units_bought + excess_of_squares)
                    ) as bigint
                )
        end as effective_units,
        case
            when units_bought > 0 then cast(units_returned as double) / units_bought
        end as rate
    from counted

),

judged as (

    select
        *,
        subject_id <> 'unknown'
        and effective_units >= case
            {%- for kind, column, minimum in subjects %}
            when subject_kind = '{{ kind }}' then {{ minimum }}
            {%- endfor %}
        end as is_enough
    from weighed

),

kinds as (

    select
        subject_kind,
        sum(effective_units) as effective_units,
        count(case when is_enough then 1 end) as tests
    from judged
    group by subject_kind

),

compared as (

    select
        judged.*,
        kinds.effective_units - judged.effective_units as effective_units_elsewhere,
        kinds.tests,
        case
            when judged.subject_kind = 'product' and expected.units_compared > 0
                then cast(expected.units_expected as double) / expected.units_compared
            when
                judged.subject_kind in ('customer', 'store', 'source_system')
                and everything.units_bought > judged.units_bought
                then
                    cast(everything.units_returned - judged.units_returned as double)
                    / (everything.units_bought - judged.units_bought)
        end as usual
    from judged
    inner join kinds on judged.subject_kind = kinds.subject_kind
    inner join judged as everything on everything.subject_kind = 'all'
    left join expected_by_product as expected
        on judged.subject_kind = 'product' and judged.subject_id = expected.product_id

),

tested as (

    select
        *,
        case
            when is_enough and rate > usual
                then {{ log_likelihood_ratio(
                    'rate', 'effective_units', 'usual', 'effective_units_elsewhere'
                ) }}
            else 0
        end as log_likelihood_ratio,
        {{ wilson_bound('rate * effective_units', 'effective_units', 'lower') }}
            as return_rate_low,
        {{ wilson_bound('rate * effective_units', 'effective_units', 'upper') }}
            as return_rate_high
    from compared

),

final as (

    select
        tested.subject_kind,
        tested.subject_id,
        products.item_name,
        case
            when tested.is_enough and tested.subject_kind <> 'all'
                then cast(
                    rank() over (
                        partition by tested.subject_kind, tested.is_enough
                        order by tested.return_rate_low desc nulls last
                    ) as integer
                )
        end as return_rank,
        cast(tested.units_sold as bigint) as units_sold,
        cast(tested.units_cancelled as bigint) as units_cancelled,
        cast(tested.units_bought as bigint) as units_bought,
        cast(tested.units_returned as bigint) as units_returned,
        cast(tested.rate as decimal(18, 6)) as return_rate,
        tested.return_rate_low,
        tested.return_rate_high,
        cast(tested.usual as decimal(18, 6)) as usual_rate,
        cast(tested.effective_units as bigint) as effective_units,
        tested.is_enough,
        tested.log_likelihood_ratio >= ln(greatest(tested.tests, 1) / 0.05)
            as is_above_usual,
        cast(tested.median_lag_days as integer) as median_lag_days,
        cast(tested.long_lag_days as integer) as long_lag_days,
        cast(tested.refund_amount as decimal(18, 2)) as refund_amount,
        cast(tested.units_returned_before_sale as bigint) as units_returned_before_sale,
        cast(tested.units_returned_without_sale as bigint) as units_returned_without_sale,
        {{ currency() }} as currency
    from tested
    left join products
        on tested.subject_kind = 'product' and tested.subject_id = products.product_id

)

select * from final
