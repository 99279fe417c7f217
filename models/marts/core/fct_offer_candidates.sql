{#- Enough to offer five to somebody who has most of the best. -#}
{%- set most_candidates = 30 -%}

with

evidence as (

    select * from {{ ref('fct_offer_evidence') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

stock_movements as (

    select * from {{ ref('fct_stock_movements') }}

),

popular as (

    select
        source_system,
        is_back_test,
        as_of_date,
        product_id,
        lines_together as lines_sold,
        evidence_lines as all_lines_sold
    from evidence
    where method = 'most_popular'

),

cuts as (

    select distinct
        source_system,
        is_back_test,
        as_of_date
    from popular

),

moves as (

    select
        source_system,
        product_id,
        movement_date as move_date,
        movement_kind in ('opening', 'receipt') as is_told,
        false as is_sale,
        units_moved
    from stock_movements
    -- What is on order lies nowhere yet.
    where movement_kind <> 'order'

    union all

    select
        source_system,
        product_id,
        revenue_date as move_date,
        false as is_told,
        units_sold > 0 as is_sale,
        units_returned - units_sold as units_moved
    from revenue_days

),

stock as (

    -- What lies in all places together. Stock that is told begins with an opening or a
    -- receipt; a web store that only writes off tells none.
    select
        cuts.source_system,
        cuts.is_back_test,
        cuts.as_of_date,
        moves.product_id,
        max(case when moves.is_told then 1 else 0 end) = 1 as is_told,
        max(case when moves.is_sale then moves.move_date end) as last_sale_date,
        sum(moves.units_moved) as units_in_stock
    from cuts
    inner join moves
        on
            cuts.source_system = moves.source_system
            and cuts.as_of_date >= moves.move_date
    group by cuts.source_system, cuts.is_back_test, cuts.as_of_date, moves.product_id

),

offerable as (

    select
        popular.source_system,
        popular.is_back_test,
        popular.product_id,
        popular.lines_sold,
        popular.all_lines_sold,
        row_number() over (
            partition by popular.source_system, popular.is_back_test
            order by popular.lines_sold desc nulls last, popular.product_id asc
        ) as popularity_rank
    from popular
    inner join stock
        on
            popular.source_system = stock.source_system
            and popular.is_back_test = stock.is_back_test
            and popular.product_id = stock.product_id
    where
        case
            when stock.is_told then stock.units_in_stock > 0
            else stock.last_sale_date > stock.as_of_date - 90
        end

),

bases as (

    select distinct
        source_system,
        is_back_test,
        as_of_date,
        method,
        evidence_id,
        evidence_lines
    from evidence

),

possible as (

    select
        source_system,
        is_back_test,
        as_of_date,
        method,
        evidence_id,
        evidence_lines,
        product_id,
        lines_together
    from evidence

    union all

    -- A product of which nothing is known there can be among the best only where it is
    -- among as many of all, and one more: it may be the item itself.
    select
        bases.source_system,
        bases.is_back_test,
        bases.as_of_date,
        bases.method,
        bases.evidence_id,
        bases.evidence_lines,
        offerable.product_id,
        0 as lines_together
    from bases
    inner join offerable
        on
            bases.source_system = offerable.source_system
            and bases.is_back_test = offerable.is_back_test
            and bases.evidence_id <> offerable.product_id
    left join evidence
        on
            bases.source_system = evidence.source_system
            and bases.is_back_test = evidence.is_back_test
            and bases.method = evidence.method
            and bases.evidence_id = evidence.evidence_id
            and offerable.product_id = evidence.product_id
    where
        offerable.popularity_rank <= {{ most_candidates }} + 1
        and evidence.product_id is null

),

scored as (

    -- One division of integers: (n + 500 lines / all lines) / (N + 500).
    select
        possible.*,
        offerable.lines_sold,
        cast(
            cast(
                possible.lines_together * offerable.all_lines_sold
                + 500 * offerable.lines_sold
                as double
            )
            / cast((possible.evidence_lines + 500) * offerable.all_lines_sold as double)
            as decimal(18, 9)
        ) as score
    from possible
    inner join offerable
        on
            possible.source_system = offerable.source_system
            and possible.is_back_test = offerable.is_back_test
            and possible.product_id = offerable.product_id

),

ranked as (

    select
        *,
        cast(row_number() over (
            partition by source_system, is_back_test, method, evidence_id
            order by score desc nulls last, lines_sold desc nulls last, product_id asc
        ) as integer) as candidate_rank
    from scored

),

final as (

    select
        source_system,
        is_back_test,
        as_of_date,
        method,
        evidence_id,
        candidate_rank,
        product_id,
        score,
        lines_together,
        evidence_lines
    from ranked
    where candidate_rank <= {{ most_candidates }}

)

select * from final
