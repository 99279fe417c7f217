{#-
    The sales are read where they lie, column by column: a step of the query that is read
    three times would hold ten million of them in memory.
-#}
with

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

dates as (

    select min(revenue_date) as first_date from {{ ref('fct_revenue_days') }}

),

suspects as (

    -- Tags that are in more than one sale, or come back more than once, or without a sale.
    select unit_id
    from {{ ref('fct_sale_lines') }}
    where unit_id is not null
    group by unit_id
    having count(*) > 1

    union

    select unit_id
    from return_lines
    where unit_id is not null
    group by unit_id
    having count(*) > 1 or max(case when has_sale then 0 else 1 end) = 1

),

suspect_sales as (

    select
        sale_lines.sale_line_id as line_id,
        sale_lines.source_system,
        sale_lines.order_id,
        sale_lines.unit_id,
        sale_lines.product_id,
        sale_lines.customer_id,
        sale_lines.store_id,
        sale_lines.purchase_date,
        sale_lines.purchased_at,
        sale_lines.units_sold,
        sale_lines.sales_amount
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join suspects on sale_lines.unit_id = suspects.unit_id

),

events_of_units as (

    select
        'sale' as event_kind,
        line_id,
        source_system,
        order_id,
        unit_id,
        product_id,
        customer_id,
        store_id,
        true as has_sale,
        purchase_date as event_date,
        purchased_at as happened_at,
        units_sold as units,
        sales_amount as amount
    from suspect_sales

    union all

    select
        'return' as event_kind,
        return_lines.return_line_id as line_id,
        return_lines.source_system,
        return_lines.order_id,
        return_lines.unit_id,
        return_lines.product_id,
        return_lines.customer_id,
        return_lines.store_id,
        return_lines.has_sale,
        return_lines.return_date as event_date,
        return_lines.returned_at as happened_at,
        return_lines.units_returned as units,
        return_lines.refund_amount as amount
    from return_lines
    inner join suspects on return_lines.unit_id = suspects.unit_id

),

lives_of_units as (

    -- What happens to a unit takes turns: it is sold, it comes back, it is sold again.
    select
        *,
        lag(event_kind) over (
            partition by unit_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
        ) as kind_before,
        lag(order_id) over (
            partition by unit_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
        ) as order_before,
        lag(event_date) over (
            partition by unit_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
        ) as date_before,
        lag(amount) over (
            partition by unit_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
        ) as amount_before
    from events_of_units

),

broken_turns as (

    select
        case
            when event_kind = 'sale' then 'sold_twice'
            when kind_before = 'return' then 'returned_twice'
            else 'returned_without_sale'
        end as finding_kind,
        source_system,
        order_id,
        line_id,
        unit_id,
        product_id,
        customer_id,
        store_id,
        event_date as found_on,
        units,
        amount,
        order_before as held_against_order_id,
        date_before as held_against_date,
        amount_before as held_against_amount,
        case
            when event_kind = 'sale'
                then 'Sold again: since its sale in the other order it had not come back.'
            when kind_before = 'return'
                then 'Came back again: since the other return it had not been sold.'
            when kind_before = 'sale'
                then 'Came back under an order that did not sell it: the other order did.'
            else
                'Came back, but no sale of it is known: none, or refused, or to come.'
        end as explanation
    from lives_of_units
    where
        (event_kind = 'sale' and kind_before = 'sale')
        or (event_kind = 'return' and (kind_before = 'return' or not has_sale))

),

web_buyers as (

    -- Only a customer who is known can be held against what she bought.
    select distinct
        customer_id,
        product_id
    from return_lines
    where source_system = 'web' and not has_sale and customer_id <> 'unknown'

),

web_events as (

    select
        'sale' as event_kind,
        sale_lines.sale_line_id as line_id,
        sale_lines.order_id,
        sale_lines.customer_id,
        sale_lines.product_id,
        sale_lines.purchase_date as event_date,
        sale_lines.purchased_at as happened_at,
        sale_lines.units_sold,
        0 as units_returned
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join web_buyers
        on
            sale_lines.customer_id = web_buyers.customer_id
            and sale_lines.product_id = web_buyers.product_id
    where sale_lines.source_system = 'web'

    union all

    select
        'return' as event_kind,
        return_lines.return_line_id as line_id,
        return_lines.order_id,
        return_lines.customer_id,
        return_lines.product_id,
        return_lines.return_date as event_date,
        return_lines.returned_at as happened_at,
        0 as units_sold,
        return_lines.units_returned
    from return_lines
    inner join web_buyers
        on
            return_lines.customer_id = web_buyers.customer_id
            and return_lines.product_id = web_buyers.product_id
    where return_lines.source_system = 'web'

),

web_balances as (

    select
        line_id,
        sum(units_sold) over (
            partition by customer_id, product_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
            rows between unbounded preceding and current row
        ) as units_bought_so_far,
        sum(units_returned) over (
            partition by customer_id, product_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
            rows between unbounded preceding and current row
        ) as units_returned_so_far,
        max(case when event_kind = 'sale' then event_date end) over (
            partition by customer_id, product_id
            order by happened_at asc, event_kind desc nulls last, line_id asc
            rows between unbounded preceding and current row
        ) as last_purchase_date
    from web_events

),

web_findings as (

    select
        case
            when balances.units_bought_so_far = 0 then 'returned_without_sale'
            when balances.units_returned_so_far > balances.units_bought_so_far
                then 'returned_more_than_sold'
            else 'returned_unmatched'
        end as finding_kind,
        return_lines.source_system,
        return_lines.order_id,
        return_lines.return_line_id as line_id,
        return_lines.unit_id,
        return_lines.product_id,
        return_lines.customer_id,
        return_lines.store_id,
        return_lines.return_date as found_on,
        return_lines.units_returned as units,
        return_lines.refund_amount as amount,
        cast(null as varchar) as held_against_order_id,
        balances.last_purchase_date as held_against_date,
        cast(null as decimal(18, 2)) as held_against_amount,
        case
            when balances.units_bought_so_far = 0
                then
                    'Came back from a customer who has not bought it since '
                    || {{ day_text('dates.first_date') }} || ', when the data begins.'
            when balances.units_returned_so_far > balances.units_bought_so_far
                then
                    'With this, ' || cast(balances.units_returned_so_far as varchar)
                    || ' came back of ' || cast(balances.units_bought_so_far as varchar)
                    || ' that the customer had bought since the data begins.'
            when balances.line_id is not null
                then
                    'Came back from a customer who had bought enough, but in no line that'
                    || ' it fits.'
            else 'Came back from an unknown customer: which sale it undoes cannot be told.'
        end as explanation
    from return_lines
    left join web_balances as balances
        on return_lines.return_line_id = balances.line_id
    cross join dates
    where return_lines.source_system = 'web' and not return_lines.has_sale

),

too_early as (

    select
        'returned_before_sold' as finding_kind,
        source_system,
        order_id,
        return_line_id as line_id,
        unit_id,
        product_id,
        customer_id,
        store_id,
        return_date as found_on,
        units_returned as units,
        refund_amount as amount,
        order_id as held_against_order_id,
        purchase_date as held_against_date,
        paid_amount as held_against_amount,
        'Came back ' || {{ minute_text('returned_at') }}
        || ' UTC, before its sale at ' || {{ minute_text('purchased_at') }}
        || '.' as explanation
    from return_lines
    where has_sale and returned_at < purchased_at

),

too_dear as (

    -- A cent is what a part of a line's amount is rounded by.
    select
        'refunded_above_price' as finding_kind,
        source_system,
        order_id,
        return_line_id as line_id,
        unit_id,
        product_id,
        customer_id,
        store_id,
        return_date as found_on,
        units_returned as units,
        refund_amount as amount,
        order_id as held_against_order_id,
        purchase_date as held_against_date,
        paid_amount as held_against_amount,
        'Paid back ' || cast(refund_amount as varchar) || ' where '
        || cast(paid_amount as varchar) || ' had been paid.' as explanation
    from return_lines
    where has_sale and refund_amount > paid_amount + 0.01

),

findings as (

    select * from broken_turns
    union all
    select * from web_findings
    union all
    select * from too_early
    union all
    select * from too_dear

),

final as (

    select
        finding_kind,
        source_system,
        order_id,
        line_id,
        unit_id,
        product_id,
        customer_id,
        store_id,
        found_on,
        cast(units as integer) as units,
        cast(amount as decimal(18, 2)) as amount,
        held_against_order_id,
        held_against_date,
        cast(held_against_amount as decimal(18, 2)) as held_against_amount,
        explanation,
        {{ currency() }} as currency
    from findings

)

select * from final  -- noqa: ambiguous.column_count
