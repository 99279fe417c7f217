with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

stock_demands as (

    select * from {{ ref('fct_stock_demands') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

last_days as (

    select max(as_of_date) as last_date from stock_demands

),

year_amounts as (

    select
        revenue_days.product_id,
        sum(revenue_days.net_amount) as net_amount,
        greatest(sum(revenue_days.net_amount), 0) as gained_amount,
        cast(
            sum(revenue_days.sales_amount)
            / nullif(sum(revenue_days.units_sold - revenue_days.units_without_price), 0)
            as decimal(18, 2)
        ) as average_price_amount
    from revenue_days
    cross join last_days
    where
        revenue_days.revenue_date > last_days.last_date - 365
        and revenue_days.product_id <> 'unknown'
    group by revenue_days.product_id

),

ranked_amounts as (

    -- What products of the same amount have together counts for all of them.
    select
        *,
        rank() over (order by net_amount desc nulls last) as amount_rank,
        sum(gained_amount) over (
            order by net_amount desc nulls last
            range between unbounded preceding and current row
        ) as amount_so_far,
        sum(gained_amount) over (partition by net_amount) as amount_of_equals,
        sum(gained_amount) over () as amount_of_all
    from year_amounts

),

abc_classes as (

    select
        *,
        case
            when net_amount <= 0 then 'C'
            when amount_so_far - amount_of_equals < 0.80 * amount_of_all then 'A'
            when amount_so_far - amount_of_equals < 0.95 * amount_of_all then 'B'
            else 'C'
        end as abc_class
    from ranked_amounts

),

demands as (

    select
        product_id,
        revenue_date as demand_date,
        units_sold as units_demanded
    from revenue_days
    where product_id <> 'unknown'

    union all

    -- A mistake that is undone within the hour was never wanted.
    select
        product_id,
        purchase_date as demand_date,
        -units_returned as units_demanded
    from return_lines
    where is_cancellation and has_sale

),

demand_days as (

    -- The first day is one on which something was kept, else a mistake makes years of it.
    select
        demands.product_id,
        demands.demand_date,
        sum(demands.units_demanded) as units_demanded
    from demands
    group by demands.product_id, demands.demand_date
    having sum(demands.units_demanded) > 0

),

spans as (

    select
        demand_days.product_id,
        least(
            52, floor((max(last_days.last_date) - min(demand_days.demand_date) + 1) / 7)
        ) as weeks_observed
    from demand_days
    cross join last_days
    group by demand_days.product_id

),

weeks as (

    select
        demand_days.product_id,
        floor((last_days.last_date - demand_days.demand_date) / 7) as weeks_ago,
        sum(demand_days.units_demanded) as units_demanded
    from demand_days
    cross join last_days
    group by
        demand_days.product_id,
        floor((last_days.last_date - demand_days.demand_date) / 7)

),

summed_weeks as (

    select
        spans.product_id,
        spans.weeks_observed,
        coalesce(sum(weeks.units_demanded), 0) as units_demanded,
        coalesce(sum(weeks.units_demanded * weeks.units_demanded), 0) as squares
    from spans
    left join weeks
        on
            spans.product_id = weeks.product_id
            and spans.weeks_observed > weeks.weeks_ago
    group by spans.product_id, spans.weeks_observed

),

variations as (

    select
        *,
        case
            when weeks_observed >= 8 and units_demanded > 0
                then cast(
                    sqrt(
                        weeks_observed * greatest(
                            0, weeks_observed * squares - units_demanded * units_demanded
                        ) / cast(weeks_observed - 1 as double)
                    ) / units_demanded as decimal(18, 6)
                )
        end as weekly_variation
    from summed_weeks

),

final as (

    select
        products.product_id,
        products.item_name,
        coalesce(abc_classes.abc_class, 'C') as abc_class,
        case
            when variations.weekly_variation < 0.5 then 'X'
            when variations.weekly_variation < 1 then 'Y'
            when variations.weekly_variation >= 1 then 'Z'
        end as xyz_class,
        abc_classes.amount_rank,
        cast(coalesce(abc_classes.net_amount, 0) as decimal(18, 2)) as net_amount_of_year,
        {{ share('abc_classes.amount_so_far', 'abc_classes.amount_of_all') }}
            as cumulated_share,
        abc_classes.average_price_amount,
        cast(coalesce(variations.weeks_observed, 0) as bigint) as weeks_observed,
        cast(coalesce(variations.units_demanded, 0) as bigint) as units_demanded,
        variations.weekly_variation,
        last_days.last_date as as_of_date,
        {{ currency() }} as currency
    from products
    cross join last_days
    left join abc_classes on products.product_id = abc_classes.product_id
    left join variations on products.product_id = variations.product_id
    where products.product_id <> 'unknown' and last_days.last_date is not null

)

select * from final
