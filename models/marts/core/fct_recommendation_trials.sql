with

cases as (

    select * from {{ ref('fct_recommendation_cases') }}

),

candidates as (

    select * from {{ ref('fct_offer_candidates') }}
    where is_back_test

),

methods as (

    {{ recommendation_methods() }}

),

tests as (

    select
        placement,
        source_system,
        subject_id,
        test_id,
        told_product_id,
        told_place_id,
        sum(case when is_hidden then 1 else 0 end) as items_hidden,
        sum(case when is_hidden then 0 else 1 end) as items_owned
    from cases
    group by
        placement, source_system, subject_id, test_id, told_product_id, told_place_id

),

told as (

    select
        tests.placement,
        tests.source_system,
        tests.subject_id,
        tests.test_id,
        tests.items_hidden,
        tests.items_owned,
        methods.method,
        case methods.method
            when 'bought_together' then tests.told_product_id
            when 'popular_in_region' then tests.told_place_id
            else 'all'
        end as evidence_id
    from tests
    inner join methods on tests.placement = methods.placement

),

informed as (

    -- Of what a method knows nothing, it offers what is popular.
    select
        told.*,
        coalesce(bases.method, 'most_popular') as method_applied,
        coalesce(bases.evidence_id, 'all') as evidence_applied
    from told
    left join candidates as bases
        on
            told.source_system = bases.source_system
            and told.method = bases.method
            and told.evidence_id = bases.evidence_id
            and bases.candidate_rank = 1

),

offers as (

    -- The item itself, and what she has, are not offered: of the first candidates, no more
    -- than these can fall away.
    select
        informed.placement,
        informed.source_system,
        informed.test_id,
        informed.method,
        coalesce(cases.is_hidden, false) as is_found
    from informed
    inner join candidates
        on
            informed.source_system = candidates.source_system
            and informed.method_applied = candidates.method
            and informed.evidence_applied = candidates.evidence_id
            and informed.items_owned + 5 >= candidates.candidate_rank
    left join cases
        on
            informed.placement = cases.placement
            and informed.source_system = cases.source_system
            and informed.test_id = cases.test_id
            and candidates.product_id = cases.product_id
    where cases.product_id is null or cases.is_hidden
    qualify
        row_number() over (
            partition by
                informed.placement,
                informed.source_system,
                informed.test_id,
                informed.method
            order by candidates.candidate_rank
        ) <= 5

),

found as (

    select
        placement,
        source_system,
        test_id,
        method,
        count(*) as items_found
    from offers
    where is_found
    group by placement, source_system, test_id, method

),

final as (

    select
        informed.placement,
        informed.source_system,
        informed.method,
        informed.test_id,
        informed.subject_id,
        informed.evidence_applied as evidence_id,
        informed.method <> informed.method_applied as is_fallback,
        cast(informed.items_hidden as integer) as items_hidden,
        cast(coalesce(found.items_found, 0) as integer) as items_found
    from informed
    left join found
        on
            informed.placement = found.placement
            and informed.source_system = found.source_system
            and informed.test_id = found.test_id
            and informed.method = found.method

)

select * from final
