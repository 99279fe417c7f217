{%- set rounds = 6 -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

web_lines as (

    select * from {{ ref('int_web_lines_sorted') }}

),

returns as (

    select
        *,
        -units as units_returned
    from web_lines
    where line_kind = 'return'

),

sales as (

    select * from web_lines
    where line_kind = 'sale'

),

of_the_customer as (

    select
        returns.web_line_id as return_line_id,
        returns.invoiced_at as returned_at,
        returns.units_returned,
        sales.web_line_id as sale_line_id,
        sales.invoiced_at as purchased_at,
        sales.units as units_sold,
        case
            when returns.unit_price <> sales.unit_price then 3
            when returns.units_returned < sales.units then 2
            else 1
        end as likeness
    from returns
    inner join sales
        on
            returns.customer_id = sales.customer_id
            and returns.product_id = sales.product_id
            and returns.units_returned <= sales.units
            and returns.invoiced_at >= sales.invoiced_at
    where returns.customer_id <> 'unknown'

),

of_the_hour as (

    -- A mistake may be undone before anybody writes down for whom it was: the same number
    -- of the same product at the same price, within the hour.
    select
        returns.web_line_id as return_line_id,
        returns.invoiced_at as returned_at,
        returns.units_returned,
        sales.web_line_id as sale_line_id,
        sales.invoiced_at as purchased_at,
        sales.units as units_sold,
        4 as likeness
    from returns
    inner join sales
        on
            returns.product_id = sales.product_id
            and returns.units_returned = sales.units
            and returns.unit_price = sales.unit_price
            and returns.country_code = sales.country_code
            and returns.invoiced_at >= sales.invoiced_at
            and returns.invoiced_at <= sales.invoiced_at + interval '60 minutes'
    where returns.customer_id = 'unknown' or sales.customer_id = 'unknown'

),

candidates as (

    select * from of_the_customer
    union all
    select * from of_the_hour

),

matches_0 as (

    select
        return_line_id,
        sale_line_id,
        units_returned
    from candidates
    where false

),
{% for round in range(1, rounds + 1) %}
taken_{{ round }} as (

    select
        sale_line_id,
        sum(units_returned) as units_taken
    from matches_{{ round - 1 }}
    group by sale_line_id

),

choices_{{ round }} as (

    -- The sale that is most like the return, of those the latest that has enough left. Who
    -- came too late for it chooses again in the next round.
    select
        candidates.*,
        candidates.units_sold - coalesce(taken.units_taken, 0) as units_left
    from candidates
    left join matches_{{ round - 1 }} as matches
        on candidates.return_line_id = matches.return_line_id
    left join taken_{{ round }} as taken
        on candidates.sale_line_id = taken.sale_line_id
    where
        matches.return_line_id is null
        and candidates.units_returned
        <= candidates.units_sold - coalesce(taken.units_taken, 0)
    qualify
        row_number() over (
            partition by candidates.return_line_id
            order by
                candidates.likeness asc,
                candidates.purchased_at desc nulls last,
                candidates.sale_line_id asc
        ) = 1

),

fitting_{{ round }} as (

    -- More never comes back than was sold: who comes first is first served.
    select * from choices_{{ round }}
    qualify
        sum(units_returned) over (
            partition by sale_line_id
            order by returned_at asc, return_line_id asc
            rows between unbounded preceding and current row
        ) <= units_left

),

matches_{{ round }} as (

    select
        return_line_id,
        sale_line_id,
        units_returned
    from matches_{{ round - 1 }}

    union all

    select
        return_line_id,
        sale_line_id,
        units_returned
    from fitting_{{ round }}

),
{% endfor %}
final as (

    select
        returns.web_line_id as return_line_id,
        'web' as source_system,
        matched.sale_line_id,
        coalesce(sales.order_id, returns.order_id) as order_id,
        cast(null as varchar) as unit_id,
        returns.product_id,
        -- What is undone is undone for whom and where it was bought.
        coalesce(sales.customer_id, returns.customer_id) as customer_id,
        cast(null as varchar) as department_code,
        coalesce(sales.region_id, returns.region_id) as region_id,
        coalesce(sales.country_code, returns.country_code) as country_code,
        'online' as store_id,
        case when sales.web_line_id is null then 'unknown' else 'online' end as channel,
        sales.invoice_date as purchase_date,
        sales.invoiced_at as purchased_at,
        returns.invoice_date as return_date,
        returns.invoiced_at as returned_at,
        'unknown' as return_reason,
        sales.web_line_id is not null as has_sale,
        coalesce(
            returns.invoiced_at <= sales.invoiced_at + interval '60 minutes', false
        ) as is_cancellation,
        returns.units_returned,
        cast(-returns.line_amount as decimal(18, 2)) as refund_amount,
        cast(
            sales.line_amount * returns.units_returned / sales.units as decimal(18, 2)
        ) as paid_amount,
        returns.currency,
        returns.load_seq
    from returns
    left join matches_{{ rounds }} as matched
        on returns.web_line_id = matched.return_line_id
    left join sales on matched.sale_line_id = sales.web_line_id

)

select * from final
