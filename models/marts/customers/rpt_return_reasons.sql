with

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

came_back as (

    -- A mistake undone within the hour, or a return before its sale, has no reason to tell.
    select
        product_id,
        return_reason,
        units_returned,
        return_date - purchase_date as lag_days
    from return_lines
    where
        has_sale
        and not is_cancellation
        and (purchased_at is null or returned_at >= purchased_at)

),

counted as (

    select
        product_id,
        return_reason,
        count(*) as returns,
        sum(units_returned) as units_returned,
        percentile_disc(0.5) within group (order by lag_days) as median_lag_days
    from came_back
    group by product_id, return_reason

    union all

    select
        'all' as product_id,
        return_reason,
        count(*) as returns,
        sum(units_returned) as units_returned,
        percentile_disc(0.5) within group (order by lag_days) as median_lag_days
    from came_back
    group by return_reason

),

told as (

    select
        *,
        sum(case when return_reason <> 'unknown' then returns else 0 end)
            over (partition by product_id) as returns_with_reason,
        -- One line is one decision, whatever it holds.
        case
            when return_reason <> 'unknown'
                then cast(returns as double) / sum(
                    case when return_reason <> 'unknown' then returns else 0 end
                ) over (partition by product_id)
        end as part
    from counted

),

judged as (

    select
        *,
        product_id <> 'unknown' and returns_with_reason >= 30 as is_enough
    from told

),

comparable as (

    select
        product_id,
        max(returns_with_reason) as returns_with_reason
    from judged
    where is_enough and product_id <> 'all'
    group by product_id

),

everything as (

    select
        count(*) as comparable_products,
        sum(returns_with_reason) as returns_with_reason
    from comparable

),

usual_parts as (

    -- At the product in the middle, not of all together: two that break are enough to make
    -- all the others look as if they came back for whatever else. Who never came back for
    -- a reason counts as 0.
    select
        reasons.return_reason,
        median(coalesce(judged.part, 0)) as usual
    from judged as reasons
    cross join comparable
    left join judged
        on
            comparable.product_id = judged.product_id
            and reasons.return_reason = judged.return_reason
    where reasons.product_id = 'all' and reasons.return_reason <> 'unknown'
    group by reasons.return_reason

),

compared as (

    select
        judged.*,
        case when judged.product_id <> 'all' then usual_parts.usual end as usual,
        everything.returns_with_reason - judged.returns_with_reason as returns_elsewhere,
        -- Each product is held against the others for each reason.
        sum(case when judged.is_enough and judged.product_id <> 'all' then 1 else 0 end)
            over (partition by judged.return_reason <> 'unknown') as tests
    from judged
    cross join everything
    left join usual_parts on judged.return_reason = usual_parts.return_reason

),

tested as (

    select
        *,
        case
            when is_enough and returns_elsewhere > 0 and part > usual
                then {{ log_likelihood_ratio(
                    'part', 'returns_with_reason', 'usual', 'returns_elsewhere'
                ) }}
            else 0
        end as log_likelihood_ratio
    from compared

),

final as (

    select
        tested.product_id,
        products.item_name,
        tested.return_reason,
        case
            when tested.return_reason <> 'unknown'
                then cast(
                    rank() over (
                        partition by tested.product_id, tested.return_reason <> 'unknown'
                        order by tested.returns desc nulls last
                    ) as integer
                )
        end as reason_rank,
        cast(tested.returns as bigint) as returns_counted,
        cast(tested.units_returned as bigint) as units_returned,
        cast(tested.part as decimal(18, 6)) as share_of_returns,
        case
            when tested.part is not null
                then {{ wilson_bound(
                    'tested.returns', 'tested.returns_with_reason', 'lower'
                ) }}
        end as share_low,
        case
            when tested.part is not null
                then {{ wilson_bound(
                    'tested.returns', 'tested.returns_with_reason', 'upper'
                ) }}
        end as share_high,
        cast(tested.usual as decimal(18, 6)) as usual_share,
        cast(
            case when tested.usual > 0 then tested.part / tested.usual end as decimal(18, 6)
        ) as reason_index,
        tested.is_enough,
        tested.log_likelihood_ratio >= ln(greatest(tested.tests, 1) / 0.05)
            as is_above_usual,
        cast(tested.median_lag_days as integer) as median_lag_days
    from tested
    left join products on tested.product_id = products.product_id

)

select * from final
