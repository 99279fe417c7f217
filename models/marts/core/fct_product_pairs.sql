{#- Fewer baskets with both are an accident, whatever their lift. -#}
{%- set least_baskets = 5 -%}
{#- As in `fct_product_baskets`. -#}
{%- set size_bands = [1, 4, 8, 16, 32, 64] %}

with

basket_products as (

    select * from {{ ref('fct_basket_products') }}

),

product_baskets as (

    select * from {{ ref('fct_product_baskets') }}

),

shared_baskets as (

    select
        basket_number,
        baskets,
        product_number,
        basis = 'orders' as is_order
    from basket_products
    where products > 1 and not is_left_out

),

pairs as (

    -- The one join that could outgrow the sales: no basket in it is large, and numbers
    -- are counted twice as fast as ids.
    select
        one.is_order,
        one.product_number as product_a,
        other.product_number as product_b,
        sum(one.baskets) as baskets_with_both
    from shared_baskets as one
    inner join shared_baskets as other
        on
            one.basket_number = other.basket_number
            and one.product_number < other.product_number
    group by one.is_order, one.product_number, other.product_number
    having sum(one.baskets) >= {{ least_baskets }}

),

pulls as (

    -- A row per product: the bands stand side by side.
    select
        basis,
        source_system,
        product_id,
        product_number,
        {% for band in size_bands -%}
            max(case when size_band = {{ band }} then pull else 0 end) as pull_{{ band }},
        {% endfor -%}
        sum(case when is_left_out then 0 else baskets end) as baskets
    from product_baskets
    group by basis, source_system, product_id, product_number

),

final as (

    -- Pairs as they would fall if every basket kept its size and every product its place in
    -- small and large baskets, and nothing else drew two of them together.
    select
        one.basis,
        one.source_system,
        one.product_id as product_a,
        other.product_id as product_b,
        cast(pairs.baskets_with_both as bigint) as baskets_with_both,
        cast(
            least(
                cast(
                    {% for band in size_bands -%}
                        one.pull_{{ band }} * other.pull_{{ band }}
                        {{- " + " if not loop.last }}
                    {% endfor -%}
                    as decimal(18, 9)
                ),
                one.baskets,
                other.baskets
            ) as decimal(18, 9)
        ) as expected_baskets
    from pairs
    inner join pulls as one
        on
            pairs.product_a = one.product_number
            and pairs.is_order = (one.basis = 'orders')
    inner join pulls as other
        on
            pairs.product_b = other.product_number
            and one.basis = other.basis

)

select * from final
