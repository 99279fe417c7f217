{#- The sale lines are read in each place anew: DuckDB would copy them all into memory for a
    CTE that is read twice. -#}
{#- A reseller's list of more lines says little of what goes together, and has as many pairs
    as its square. -#}
{%- set most_lines = 50 -%}
{%- set days_read = 365 -%}

with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

last_days as (

    select max(revenue_date) as last_date
    from revenue_days

),

spans as (

    select
        revenue_days.source_system,
        last_days.last_date,
        max(revenue_days.revenue_date) as last_sale_date,
        -- Whole days: a fifth of the span, rounded down.
        least(90, cast(floor(
            (max(revenue_days.revenue_date) - min(revenue_days.revenue_date) + 1) / 5
        ) as integer)) as days_tested
    from revenue_days
    cross join last_days
    -- Partner shops tell neither baskets nor customers: nobody is there to be offered
    -- anything.
    where revenue_days.units_sold > 0 and revenue_days.source_system <> 'shops'
    group by revenue_days.source_system, last_days.last_date

),

cuts as (

    -- Where nothing can be tested, no day is before that of the test.
    select
        source_system,
        last_date as today_date,
        case
            when days_tested > 0 then last_sale_date - days_tested
            else cast('1000-12-31' as date)
        end as test_date
    from spans

),

lines_sold as (

    -- What nobody knows or no catalogue lists is no evidence of anything.
    select
        sale_lines.source_system,
        {{ place_of_taste('sale_lines.region_id', 'sale_lines.country_code') }} as place_id,
        sale_lines.product_id,
        sum(case
            when sale_lines.purchase_date > cuts.today_date - {{ days_read }} then 1
            else 0
        end) as lines_for_today,
        sum(case
            when
                sale_lines.purchase_date > cuts.test_date - {{ days_read }}
                and sale_lines.purchase_date <= cuts.test_date
                then 1
            else 0
        end) as lines_for_test
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join cuts on sale_lines.source_system = cuts.source_system
    where
        sale_lines.product_id <> 'unknown'
        and left(sale_lines.product_id, 10) <> 'unlisted: '
    group by
        sale_lines.source_system,
        sale_lines.region_id,
        sale_lines.country_code,
        sale_lines.product_id

),

products_sold as (

    select
        source_system,
        product_id,
        sum(lines_for_today) as lines_for_today,
        sum(lines_for_test) as lines_for_test
    from lines_sold
    group by source_system, product_id

),

places_sold as (

    select
        source_system,
        place_id,
        product_id,
        sum(lines_for_today) as lines_for_today,
        sum(lines_for_test) as lines_for_test
    from lines_sold
    where place_id <> 'unknown'
    group by source_system, place_id, product_id

),

products as (

    -- Numbers are counted and joined several times as fast as ids.
    select
        source_system,
        product_id,
        cast(row_number() over (order by source_system, product_id) as integer)
            as product_number
    from products_sold

),

orders as (

    select
        sale_lines.source_system,
        sale_lines.order_id,
        count(*) as lines,
        min(products.product_number) as first_product,
        max(products.product_number) as last_product,
        cast(sum(products.product_number) as bigint) as sum_of_products,
        min(sale_lines.purchase_date) as order_date
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join cuts on sale_lines.source_system = cuts.source_system
    inner join products
        on
            sale_lines.source_system = products.source_system
            and sale_lines.product_id = products.product_id
    where
        sale_lines.purchase_date > cuts.test_date - {{ days_read }}
    group by sale_lines.source_system, sale_lines.order_id
    having
        count(*) <= {{ most_lines }}
        and min(products.product_number) < max(products.product_number)

),

baskets as (

    select
        orders.*,
        case
            when orders.order_date > cuts.today_date - {{ days_read }} then 1 else 0
        end as orders_for_today,
        case when orders.order_date <= cuts.test_date then 1 else 0 end as orders_for_test
    from orders
    inner join cuts on orders.source_system = cuts.source_system

),

small_baskets as (

    -- Nearly all orders of a shop have three lines at most, and thousands are alike. First,
    -- last and sum tell what is in them: they are counted, not joined one by one.
    select
        first_product,
        case when lines = 3 then sum_of_products - first_product - last_product end
            as middle_product,
        last_product,
        sum(orders_for_today) as orders_for_today,
        sum(orders_for_test) as orders_for_test
    from baskets
    where lines <= 3
    group by lines, first_product, last_product, sum_of_products

),

large_baskets as (

    select
        baskets.source_system,
        baskets.order_id,
        products.product_number,
        baskets.orders_for_today,
        baskets.orders_for_test
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join baskets
        on
            sale_lines.source_system = baskets.source_system
            and sale_lines.order_id = baskets.order_id
    inner join products
        on
            sale_lines.source_system = products.source_system
            and sale_lines.product_id = products.product_id
    where baskets.lines > 3

),

lines_together as (

    select
        first_product,
        last_product as second_product,
        orders_for_today,
        orders_for_test
    from small_baskets

    union all

    select
        first_product,
        middle_product as second_product,
        orders_for_today,
        orders_for_test
    from small_baskets
    where first_product < middle_product

    union all

    select
        middle_product as first_product,
        last_product as second_product,
        orders_for_today,
        orders_for_test
    from small_baskets
    where middle_product < last_product

    union all

    select
        one.product_number as first_product,
        other.product_number as second_product,
        one.orders_for_today,
        one.orders_for_test
    from large_baskets as one
    inner join large_baskets as other
        on
            one.source_system = other.source_system
            and one.order_id = other.order_id
            and one.product_number < other.product_number

),

pairs as (

    select
        first_product,
        second_product,
        -- Once is chance, and most pairs of a big catalogue.
        case when sum(orders_for_today) > 1 then sum(orders_for_today) else 0 end
            as lines_for_today,
        case when sum(orders_for_test) > 1 then sum(orders_for_test) else 0 end
            as lines_for_test
    from lines_together
    group by first_product, second_product
    having sum(orders_for_today) > 1 or sum(orders_for_test) > 1

),

beside as (

    select
        first_product as product_number,
        second_product as companion_number,
        lines_for_today,
        lines_for_test
    from pairs

    union all

    select
        second_product as product_number,
        first_product as companion_number,
        lines_for_today,
        lines_for_test
    from pairs

),

evidence as (

    select
        source_system,
        'most_popular' as method,
        'all' as evidence_id,
        product_id,
        lines_for_today,
        lines_for_test
    from products_sold

    union all

    select
        source_system,
        'popular_in_region' as method,
        place_id as evidence_id,
        product_id,
        lines_for_today,
        lines_for_test
    from places_sold

    union all

    select
        products.source_system,
        'bought_together' as method,
        products.product_id as evidence_id,
        companions.product_id,
        beside.lines_for_today,
        beside.lines_for_test
    from beside
    inner join products on beside.product_number = products.product_number
    inner join products as companions
        on beside.companion_number = companions.product_number

),

dated as (

    -- Nothing later than the day is read: the back-test and the offers of today are the
    -- same question, asked on another day.
    select
        evidence.source_system,
        false as is_back_test,
        cuts.today_date as as_of_date,
        evidence.method,
        evidence.evidence_id,
        evidence.product_id,
        evidence.lines_for_today as lines_together
    from evidence
    inner join cuts on evidence.source_system = cuts.source_system
    where evidence.lines_for_today > 0

    union all

    select
        evidence.source_system,
        true as is_back_test,
        cuts.test_date as as_of_date,
        evidence.method,
        evidence.evidence_id,
        evidence.product_id,
        evidence.lines_for_test as lines_together
    from evidence
    inner join cuts on evidence.source_system = cuts.source_system
    where evidence.lines_for_test > 0

),

final as (

    select
        source_system,
        is_back_test,
        as_of_date,
        method,
        evidence_id,
        product_id,
        cast(lines_together as bigint) as lines_together,
        cast(sum(lines_together) over (
            partition by source_system, is_back_test, method, evidence_id
        ) as bigint) as evidence_lines
    from dated

)

select * from final
