with

trials as (

    select * from {{ ref('fct_recommendation_trials') }}

),

candidates as (

    select * from {{ ref('fct_offer_candidates') }}

),

splits as (

    select distinct
        source_system,
        as_of_date
    from candidates
    where is_back_test

),

methods as (

    {{ recommendation_methods() }}

),

outcomes as (

    select
        trials.placement,
        trials.source_system,
        trials.method,
        trials.subject_id,
        trials.items_hidden,
        trials.items_found,
        popular.items_found as items_found_by_popular
    from trials
    inner join trials as popular
        on
            trials.placement = popular.placement
            and trials.source_system = popular.source_system
            and trials.test_id = popular.test_id
            and popular.method = 'most_popular'

),

compared as (

    -- Two tests of one basket are not independent: its gains and losses are added up before
    -- they are squared.
    select
        placement,
        source_system,
        method,
        subject_id,
        count(*) as tests_run,
        sum(items_hidden) as items_hidden,
        sum(items_found) as items_found,
        sum(case when items_found > 0 then 1 else 0 end) as hits,
        sum(case when items_found > 0 and items_found_by_popular = 0 then 1 else 0 end)
            as hits_gained,
        sum(case when items_found = 0 and items_found_by_popular > 0 then 1 else 0 end)
            as hits_lost,
        -- Rounded one by one, so that their order changes nothing.
        sum(cast(
            cast(items_found as double) / cast(items_hidden as double) as decimal(18, 9)
        )) as recalls
    from outcomes
    group by placement, source_system, method, subject_id

),

summed as (

    select
        placement,
        source_system,
        method,
        count(*) as subjects_tested,
        sum(tests_run) as tests_run,
        sum(items_hidden) as items_hidden,
        sum(items_found) as items_found,
        sum(hits) as hits,
        sum(hits_gained) as hits_gained,
        sum(hits_lost) as hits_lost,
        sum((hits_gained - hits_lost) * (hits_gained - hits_lost)) as squared_differences,
        sum(recalls) as recalls
    from compared
    group by placement, source_system, method

),

listed as (

    select
        methods.placement,
        splits.source_system,
        methods.method,
        splits.as_of_date,
        coalesce(summed.subjects_tested, 0) as subjects_tested,
        coalesce(summed.tests_run, 0) as tests_run,
        coalesce(summed.items_hidden, 0) as items_hidden,
        coalesce(summed.items_found, 0) as items_found,
        coalesce(summed.hits, 0) as hits,
        coalesce(summed.hits_gained, 0) as hits_gained,
        coalesce(summed.hits_lost, 0) as hits_lost,
        summed.squared_differences,
        summed.recalls,
        count(*) over (partition by methods.placement, splits.source_system) - 1 as rivals
    from methods
    cross join splits
    left join summed
        on
            methods.placement = summed.placement
            and splits.source_system = summed.source_system
            and methods.method = summed.method

),

standardised as (

    select
        *,
        case
            when squared_differences > 0
                then
                    cast(greatest(abs(hits_gained - hits_lost) - 1, 0) as double)
                    / sqrt(squared_differences)
        end as z
    from listed

),

weighed as (

    select
        *,
        cast(
            case when squared_differences > 0 then {{ two_sided_p_value('z') }} end
            as decimal(18, 12)
        ) as p_value
    from standardised

),

judged as (

    -- As many rivals as are tried can win by chance: each has to be that much surer.
    select
        *,
        coalesce(hits_gained > hits_lost and p_value < cast(0.05 as double) / rivals, false)
            as beats_popular
    from weighed

),

chosen as (

    select
        *,
        row_number() over (
            partition by placement, source_system
            order by
                case
                    when beats_popular then 0
                    when method = 'most_popular' then 1
                    else 2
                end,
                hits desc nulls last,
                items_found desc nulls last,
                method asc
        ) = 1 as is_used
    from judged

),

final as (

    select
        placement,
        source_system,
        method,
        as_of_date + 1 as split_date,
        subjects_tested,
        tests_run,
        5 as offers_per_test,
        items_hidden,
        items_found,
        hits,
        {{ share('hits', 'tests_run') }} as hit_rate,
        {{ wilson_bound('hits', 'tests_run', 'lower') }} as hit_rate_low,
        {{ wilson_bound('hits', 'tests_run', 'upper') }} as hit_rate_high,
        {{ share('recalls', 'tests_run') }} as recall_at_5,
        hits_gained,
        hits_lost,
        cast(
            case
                when tests_run > 0
                    then {{ quotient('(hits_gained - hits_lost)', 'tests_run') }}
            end as decimal(18, 6)
        ) as hit_rate_difference,
        cast(
            case
                when tests_run > 0
                    then
                        sqrt(
                            squared_differences
                            - cast(
                                (hits_gained - hits_lost) * (hits_gained - hits_lost)
                                as double
                            )
                            / subjects_tested
                        )
                        / tests_run
            end
            as decimal(18, 6)
        ) as standard_error,
        p_value,
        beats_popular,
        is_used
    from chosen

)

select * from final
