{#- The sale lines are read in each place anew: DuckDB would copy them all into memory for a
    CTE that is read twice. -#}
{#- Of more as many, as a digest of their names says: not the first, nor the largest. -#}
{%- set most_cases = 10000 -%}

with

bases as (

    select
        source_system,
        as_of_date,
        method,
        evidence_id,
        evidence_lines
    from {{ ref('fct_offer_candidates') }}
    where is_back_test and candidate_rank = 1

),

splits as (

    select distinct
        source_system,
        as_of_date
    from bases

),

later_lines as (

    select
        sale_lines.source_system,
        sale_lines.order_id,
        sale_lines.customer_id,
        sale_lines.product_id
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join splits on sale_lines.source_system = splits.source_system
    where
        sale_lines.purchase_date > splits.as_of_date
        and sale_lines.product_id <> 'unknown'
        and left(sale_lines.product_id, 10) <> 'unlisted: '

),

orders as (

    select
        source_system,
        order_id
    from later_lines
    group by source_system, order_id
    having min(product_id) < max(product_id)
    qualify row_number() over (
        partition by source_system order by md5(order_id), order_id
    ) <= {{ most_cases }}

),

order_items as (

    select
        later_lines.source_system,
        later_lines.order_id,
        later_lines.product_id,
        row_number() over (
            partition by later_lines.source_system, later_lines.order_id
            order by
                md5(later_lines.order_id || later_lines.product_id),
                later_lines.product_id
        ) as item_number
    from later_lines
    inner join orders
        on
            later_lines.source_system = orders.source_system
            and later_lines.order_id = orders.order_id
    group by later_lines.source_system, later_lines.order_id, later_lines.product_id

),

buyers as (

    select
        source_system,
        customer_id
    from later_lines
    where customer_id <> 'unknown'
    group by source_system, customer_id
    qualify row_number() over (
        partition by source_system order by md5(customer_id), customer_id
    ) <= {{ most_cases }}

),

histories as (

    select
        sale_lines.source_system,
        sale_lines.customer_id,
        sale_lines.product_id,
        {{ place_of_taste('sale_lines.region_id', 'sale_lines.country_code') }} as place_id,
        sale_lines.region_id = 'unknown' as is_of_unknown_region,
        sale_lines.order_id,
        sale_lines.purchase_date,
        coalesce(bases.evidence_lines, 0) as evidence_lines
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join splits on sale_lines.source_system = splits.source_system
    inner join buyers
        on
            sale_lines.source_system = buyers.source_system
            and sale_lines.customer_id = buyers.customer_id
    left join bases
        on
            sale_lines.source_system = bases.source_system
            and bases.method = 'bought_together'
            and sale_lines.product_id = bases.evidence_id
    where sale_lines.purchase_date <= splits.as_of_date
    -- Who has not bought for half a year is gone, and nobody would write to her.
    qualify
        max(sale_lines.purchase_date) over (
            partition by sale_lines.source_system, sale_lines.customer_id
        ) > splits.as_of_date - 180

),

owned as (

    select
        source_system,
        customer_id,
        product_id
    from histories
    group by source_system, customer_id, product_id

),

customers as (

    -- Of her last order the item of which most is known; the last place that is known.
    select distinct
        source_system,
        customer_id,
        first_value(product_id) over (
            partition by source_system, customer_id
            order by
                purchase_date desc nulls last,
                order_id desc nulls last,
                evidence_lines desc nulls last,
                product_id asc
        ) as told_product_id,
        first_value(place_id) over (
            partition by source_system, customer_id
            order by
                case when is_of_unknown_region then 1 else 0 end,
                purchase_date desc nulls last,
                order_id desc nulls last,
                place_id asc
        ) as told_place_id
    from histories

),

new_items as (

    select
        later_lines.source_system,
        later_lines.customer_id,
        later_lines.product_id
    from later_lines
    inner join customers
        on
            later_lines.source_system = customers.source_system
            and later_lines.customer_id = customers.customer_id
    left join owned
        on
            later_lines.source_system = owned.source_system
            and later_lines.customer_id = owned.customer_id
            and later_lines.product_id = owned.product_id
    where owned.product_id is null
    group by
        later_lines.source_system, later_lines.customer_id, later_lines.product_id

),

customer_items as (

    select
        source_system,
        customer_id,
        product_id,
        true as is_hidden
    from new_items

    union all

    select
        source_system,
        customer_id,
        product_id,
        false as is_hidden
    from owned

),

tested_customers as (

    select distinct
        source_system,
        customer_id
    from new_items

),

final as (

    -- Two items of each order, as if drawn, are shown one after the other; each time the
    -- rest is to be found.
    select
        'beside_item' as placement,
        shown.source_system,
        shown.order_id as subject_id,
        shown.order_id || ' ' || shown.product_id as test_id,
        shown.product_id as told_product_id,
        cast(null as varchar) as told_place_id,
        items.product_id,
        shown.product_id <> items.product_id as is_hidden
    from order_items as shown
    inner join order_items as items
        on
            shown.source_system = items.source_system
            and shown.order_id = items.order_id
    where shown.item_number <= 2

    union all

    select
        'for_customer' as placement,
        customers.source_system,
        customers.customer_id as subject_id,
        customers.customer_id as test_id,
        customers.told_product_id,
        customers.told_place_id,
        customer_items.product_id,
        customer_items.is_hidden
    from customers
    inner join tested_customers
        on
            customers.source_system = tested_customers.source_system
            and customers.customer_id = tested_customers.customer_id
    inner join customer_items
        on
            customers.source_system = customer_items.source_system
            and customers.customer_id = customer_items.customer_id

)

select * from final
