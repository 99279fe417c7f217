{#- As in `fct_product_pairs`, which leaves out what is together in fewer. -#}
{%- set least_baskets = 5 -%}
{#- Of so many products, those in most baskets, all pairs are listed. -#}
{%- set products_listed = 100 %}

with

product_pairs as (

    select * from {{ ref('fct_product_pairs') }}

),

product_baskets as (

    select * from {{ ref('fct_product_baskets') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

baskets_counted as (

    -- Every basket is led by one of its products, and so is counted once.
    select
        basis,
        source_system,
        sum(case when is_left_out then 0 else baskets_led end) as baskets,
        sum(case when is_left_out then baskets_led else 0 end) as baskets_left_out
    from product_baskets
    group by basis, source_system

),

frequent_products as (

    -- What is in few baskets is in few with any other: it can make no pair (Apriori).
    select
        product_baskets.basis,
        product_baskets.source_system,
        product_baskets.product_id,
        sum(product_baskets.baskets) as baskets,
        rank() over (
            partition by product_baskets.basis, product_baskets.source_system
            order by sum(product_baskets.baskets) desc nulls last
        ) as product_rank
    from product_baskets
    where not product_baskets.is_left_out
    group by
        product_baskets.basis,
        product_baskets.source_system,
        product_baskets.product_id
    having sum(product_baskets.baskets) >= {{ least_baskets }}

),

tests as (

    -- Each pair of such products could have been found, whether it was seen or not.
    select
        basis,
        source_system,
        count(*) * (count(*) - 1) / 2 as pairs_tested
    from frequent_products
    group by basis, source_system

),

counted as (

    select
        product_pairs.*,
        greatest(one.product_rank, other.product_rank) as product_rank,
        one.baskets as baskets_with_a,
        other.baskets as baskets_with_b,
        baskets_counted.baskets,
        baskets_counted.baskets_left_out,
        tests.pairs_tested
    from product_pairs
    inner join frequent_products as one
        on
            product_pairs.basis = one.basis
            and product_pairs.source_system = one.source_system
            and product_pairs.product_a = one.product_id
    inner join frequent_products as other
        on
            product_pairs.basis = other.basis
            and product_pairs.source_system = other.source_system
            and product_pairs.product_b = other.product_id
    inner join baskets_counted
        on
            product_pairs.basis = baskets_counted.basis
            and product_pairs.source_system = baskets_counted.source_system
    inner join tests
        on
            product_pairs.basis = tests.basis
            and product_pairs.source_system = tests.source_system

),

measured as (

    select
        *,
        cast(
            greatest(
                0,
                2 * (
                    baskets_with_both
                    * ln(cast(baskets_with_both as double) / expected_baskets)
                    + case
                        when baskets > baskets_with_both
                            then
                                (baskets - baskets_with_both)
                                * ln(
                                    cast(baskets - baskets_with_both as double)
                                    / cast(baskets - expected_baskets as double)
                                )
                        else 0
                    end
                )
            ) as decimal(18, 6)
        ) as test_statistic,
        cast(
            cast(baskets_with_both as double) * baskets
            / (cast(baskets_with_a as double) * baskets_with_b) as decimal(20, 12)
        ) as lift
    from counted

),

tested as (

    select
        *,
        {{ two_sided_p_value('sqrt(cast(test_statistic as double))') }} as p_value
    from measured

),

corrected as (

    select
        *,
        least(1, p_value * pairs_tested) as corrected_p_value,
        p_value * pairs_tested < 0.05 as is_significant,
        p_value * pairs_tested < 0.05
        and baskets_with_both > expected_baskets
        and lift > 1 as is_bought_together
    from tested

),

final as (

    select
        corrected.source_system,
        corrected.basis,
        case
            when corrected.is_bought_together
                then cast(
                    rank() over (
                        partition by
                            corrected.source_system,
                            corrected.basis,
                            corrected.is_bought_together
                        order by corrected.test_statistic desc nulls last
                    ) as integer
                )
        end as pair_rank,
        corrected.product_a,
        one.item_name as item_a,
        corrected.product_b,
        other.item_name as item_b,
        cast(corrected.baskets as bigint) as baskets,
        cast(corrected.baskets_left_out as bigint) as baskets_left_out,
        cast(corrected.baskets_with_a as bigint) as baskets_with_a,
        cast(corrected.baskets_with_b as bigint) as baskets_with_b,
        cast(corrected.baskets_with_both as bigint) as baskets_with_both,
        cast(
            cast(corrected.baskets_with_both as double)
            / corrected.baskets as decimal(18, 12)
        ) as support,
        cast(
            cast(corrected.baskets_with_both as double) / corrected.baskets_with_a
            as decimal(18, 12)
        ) as confidence_a_to_b,
        cast(
            cast(corrected.baskets_with_both as double) / corrected.baskets_with_b
            as decimal(18, 12)
        ) as confidence_b_to_a,
        corrected.lift,
        cast(corrected.expected_baskets as decimal(18, 6)) as expected_baskets,
        cast(
            corrected.baskets_with_both / cast(corrected.expected_baskets as double)
            as decimal(18, 6)
        ) as times_expected,
        corrected.test_statistic,
        corrected.p_value,
        cast(corrected.pairs_tested as bigint) as pairs_tested,
        corrected.corrected_p_value,
        corrected.is_significant,
        corrected.is_bought_together
    from corrected
    inner join products as one on corrected.product_a = one.product_id
    inner join products as other on corrected.product_b = other.product_id
    where corrected.is_significant or corrected.product_rank <= {{ products_listed }}

)

select * from final
