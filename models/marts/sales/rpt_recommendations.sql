{#- The sale lines are read in each place anew: DuckDB would copy them all into memory for a
    CTE that is read twice. -#}
with

candidates as (

    select * from {{ ref('fct_offer_candidates') }}
    where not is_back_test

),

evidence as (

    select * from {{ ref('fct_offer_evidence') }}
    where not is_back_test

),

tests as (

    select * from {{ ref('rpt_recommendation_tests') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

systems as (

    select distinct
        source_system,
        as_of_date
    from candidates

),

placements as (

    select 'beside_item' as placement
    union all
    select 'for_customer' as placement

),

used as (

    -- A shop too young to be tested offers what is popular.
    select
        systems.source_system,
        systems.as_of_date,
        placements.placement,
        coalesce(tests.method, 'most_popular') as method
    from systems
    cross join placements
    left join tests
        on
            systems.source_system = tests.source_system
            and placements.placement = tests.placement
            and tests.is_used

),

bases as (

    select
        source_system,
        method,
        evidence_id,
        evidence_lines,
        -- The joins over customers are of numbers alone.
        row_number() over (order by source_system, method, evidence_id) as basis_number
    from candidates
    where candidate_rank = 1

),

products_offered as (

    select
        product_id,
        row_number() over (order by product_id) as product_number
    from candidates
    group by product_id

),

numbered as (

    select
        bases.basis_number,
        candidates.candidate_rank,
        products_offered.product_number
    from candidates
    inner join bases
        on
            candidates.source_system = bases.source_system
            and candidates.method = bases.method
            and candidates.evidence_id = bases.evidence_id
    inner join products_offered on candidates.product_id = products_offered.product_id

),

buyers as (

    select
        used.source_system,
        used.method,
        used.as_of_date,
        customers.customer_id,
        {{ place_of_taste('customers.region_id', 'customers.country_code') }} as place_id
    from customers
    inner join used
        on customers.source_system = used.source_system and used.placement = 'for_customer'
    where
        customers.is_known
        and customers.last_purchase_date > used.as_of_date - 180

),

last_items as (

    -- Of her last order the item of which most is known.
    select
        sale_lines.source_system,
        sale_lines.customer_id,
        sale_lines.product_id
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join buyers
        on
            sale_lines.source_system = buyers.source_system
            and sale_lines.customer_id = buyers.customer_id
    left join bases
        on
            sale_lines.source_system = bases.source_system
            and bases.method = 'bought_together'
            and sale_lines.product_id = bases.evidence_id
    where
        buyers.method = 'bought_together'
        and sale_lines.purchase_date > buyers.as_of_date - 180
    qualify
        row_number() over (
            partition by sale_lines.source_system, sale_lines.customer_id
            order by
                sale_lines.purchase_date desc nulls last,
                sale_lines.order_id desc nulls last,
                bases.evidence_lines desc nulls last,
                sale_lines.product_id asc
        ) = 1

),

subjects as (

    -- Whatever is sold may be looked at, in stock or not.
    select
        used.placement,
        used.source_system,
        evidence.product_id as subject_id,
        used.method,
        case
            when used.method = 'bought_together' then evidence.product_id
            else 'all'
        end as evidence_id
    from used
    inner join evidence
        on used.source_system = evidence.source_system and evidence.method = 'most_popular'
    where used.placement = 'beside_item'

    union all

    select
        'for_customer' as placement,
        buyers.source_system,
        buyers.customer_id as subject_id,
        buyers.method,
        case buyers.method
            when 'bought_together' then last_items.product_id
            when 'popular_in_region' then buyers.place_id
            else 'all'
        end as evidence_id
    from buyers
    left join last_items
        on
            buyers.source_system = last_items.source_system
            and buyers.customer_id = last_items.customer_id

),

informed as (

    -- Of whom the method knows nothing, she gets what is popular.
    select
        subjects.placement,
        subjects.source_system,
        subjects.subject_id,
        row_number() over (
            order by subjects.placement, subjects.source_system, subjects.subject_id
        ) as subject_number,
        coalesce(told.basis_number, popular.basis_number) as basis_number
    from subjects
    inner join bases as popular
        on
            subjects.source_system = popular.source_system
            and popular.method = 'most_popular'
    left join bases as told
        on
            subjects.source_system = told.source_system
            and subjects.method = told.method
            and subjects.evidence_id = told.evidence_id

),

owned as (

    -- What she has, and the item itself, are not offered.
    select
        informed.subject_number,
        products_offered.product_number
    from {{ ref('fct_sale_lines') }} as sale_lines
    inner join informed on sale_lines.customer_id = informed.subject_id
    inner join products_offered on sale_lines.product_id = products_offered.product_id
    where informed.placement = 'for_customer'
    group by informed.subject_number, products_offered.product_number

    union all

    select
        informed.subject_number,
        products_offered.product_number
    from informed
    inner join products_offered on informed.subject_id = products_offered.product_id
    where informed.placement = 'beside_item'

),

owners as (

    select
        subject_number,
        count(*) as items_owned
    from owned
    group by subject_number

),

offers as (

    select
        informed.subject_number,
        informed.basis_number,
        numbered.candidate_rank,
        cast(row_number() over (
            partition by informed.subject_number order by numbered.candidate_rank
        ) as integer) as offer_rank
    from informed
    left join owners on informed.subject_number = owners.subject_number
    inner join numbered
        on
            informed.basis_number = numbered.basis_number
            -- No more than what she has can fall away.
            and coalesce(owners.items_owned, 0) + 5 >= numbered.candidate_rank
    left join owned
        on
            informed.subject_number = owned.subject_number
            and numbered.product_number = owned.product_number
    where owned.product_number is null

),

final as (

    select
        informed.placement,
        informed.source_system,
        informed.subject_id,
        offers.offer_rank,
        candidates.product_id,
        products.item_name,
        candidates.method,
        candidates.evidence_id,
        candidates.score,
        candidates.method = 'most_popular' as is_fallback
    from offers
    inner join informed on offers.subject_number = informed.subject_number
    inner join bases on offers.basis_number = bases.basis_number
    inner join candidates
        on
            bases.source_system = candidates.source_system
            and bases.method = candidates.method
            and bases.evidence_id = candidates.evidence_id
            and offers.candidate_rank = candidates.candidate_rank
    inner join products on candidates.product_id = products.product_id
    where offers.offer_rank <= 5

)

select * from final
