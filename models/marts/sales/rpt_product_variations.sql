with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

kpis_by_month as (

    select * from {{ ref('rpt_kpis_by_month') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

months as (

    select
        month_start_date,
        lag(month_start_date) over (order by month_start_date) as month_before,
        is_whole_month
        and coalesce(lag(is_whole_month) over (order by month_start_date), false)
            as is_whole_comparison
    from kpis_by_month

),

product_months as (

    select
        dates.month_start_date,
        revenue_days.product_id,
        sum(revenue_days.units_sold) as units_sold,
        sum(revenue_days.units_sold - revenue_days.units_without_price) as units_priced,
        sum(revenue_days.units_returned) as units_returned,
        sum(revenue_days.sales_amount) as sales_amount,
        sum(revenue_days.refund_amount) as refund_amount,
        sum(revenue_days.net_amount) as net_amount
    from revenue_days
    inner join dates on revenue_days.revenue_date = dates.date_day
    group by dates.month_start_date, revenue_days.product_id

),

first_sales as (

    select
        product_id,
        min(month_start_date) as first_month
    from product_months
    where units_sold > 0
    group by product_id

),

product_months_concerned as (

    -- What moves in a month is a row of that month and of the next: so who vanishes stays
    -- in sight for one month.
    select
        months.month_start_date,
        product_months.product_id
    from months
    inner join product_months
        on months.month_start_date = product_months.month_start_date

    union

    select
        months.month_start_date,
        product_months.product_id
    from months
    inner join product_months on months.month_before = product_months.month_start_date

),

compared as (

    -- Before the first month lies no month of zeros, but nothing that is known.
    select
        concerned.month_start_date,
        concerned.product_id,
        months.is_whole_comparison,
        months.month_before is not null as has_month_before,
        first_sales.first_month,
        coalesce(this_month.units_sold, 0) as units_sold,
        coalesce(this_month.units_priced, 0) as units_priced,
        coalesce(this_month.units_returned, 0) as units_returned,
        coalesce(this_month.sales_amount, 0) as sales_amount,
        coalesce(this_month.refund_amount, 0) as refund_amount,
        coalesce(this_month.net_amount, 0) as net_amount,
        case
            when months.month_before is not null then coalesce(last_month.units_sold, 0)
        end as units_sold_before,
        case
            when months.month_before is not null then coalesce(last_month.units_priced, 0)
        end as units_priced_before,
        case
            when months.month_before is not null then coalesce(last_month.sales_amount, 0)
        end as sales_amount_before,
        case
            when months.month_before is not null then coalesce(last_month.net_amount, 0)
        end as net_amount_before
    from product_months_concerned as concerned
    inner join months on concerned.month_start_date = months.month_start_date
    left join product_months as this_month
        on
            concerned.month_start_date = this_month.month_start_date
            and concerned.product_id = this_month.product_id
    left join product_months as last_month
        on
            months.month_before = last_month.month_start_date
            and concerned.product_id = last_month.product_id
    left join first_sales on concerned.product_id = first_sales.product_id

),

differing as (

    select
        *,
        units_sold - units_sold_before as units_difference,
        sales_amount - sales_amount_before as sales_amount_difference,
        net_amount - net_amount_before as net_amount_difference,
        -- A unit more or less counts at last month's average price. Without one there is
        -- no price to have changed: all of the difference is volume.
        cast(
            case
                when units_priced_before > 0
                    then
                        (units_priced - units_priced_before)
                        * sales_amount_before / units_priced_before
                else sales_amount - sales_amount_before
            end as decimal(18, 2)
        ) as volume_effect_amount
    from compared

),

judged as (

    -- By net amounts: an order of thousands, cancelled within minutes, is no rise, and that
    -- it does not come again is no fall.
    select
        *,
        case
            when not has_month_before then 'first_month'
            when units_sold = 0 and units_sold_before = 0 then 'returns_only'
            when units_sold = 0 then 'vanished'
            when units_sold_before = 0 and first_month = month_start_date then 'new'
            when units_sold_before = 0 then 'back'
            when net_amount_difference > 0 then 'rose'
            when net_amount_difference < 0 then 'fell'
            when units_difference > 0 then 'rose'
            when units_difference < 0 then 'fell'
            else 'same'
        end as change_kind,
        product_id <> 'unknown' and has_month_before as is_ranked
    from differing

),

final as (

    select
        judged.month_start_date,
        judged.product_id,
        products.item_name,
        judged.change_kind,
        -- The unknown product may be many: shown, never ranked.
        case
            when judged.is_ranked
                then cast(
                    rank() over (
                        partition by judged.month_start_date, judged.is_ranked
                        order by
                            judged.net_amount_difference desc nulls last,
                            judged.units_difference desc nulls last
                    ) as integer
                )
        end as change_rank,
        judged.is_whole_comparison,
        cast(judged.units_sold as bigint) as units_sold,
        cast(judged.units_sold_before as bigint) as units_sold_before,
        cast(judged.units_difference as bigint) as units_difference,
        cast(judged.units_returned as bigint) as units_returned,
        cast(judged.sales_amount as decimal(18, 2)) as sales_amount,
        cast(judged.sales_amount_before as decimal(18, 2)) as sales_amount_before,
        cast(judged.sales_amount_difference as decimal(18, 2)) as sales_amount_difference,
        judged.volume_effect_amount,
        cast(judged.sales_amount_difference - judged.volume_effect_amount as decimal(18, 2))
            as price_effect_amount,
        cast(judged.refund_amount as decimal(18, 2)) as refund_amount,
        cast(judged.net_amount as decimal(18, 2)) as net_amount,
        cast(judged.net_amount_before as decimal(18, 2)) as net_amount_before,
        cast(judged.net_amount_difference as decimal(18, 2)) as net_amount_difference,
        {{ currency() }} as currency
    from judged
    inner join products on judged.product_id = products.product_id

)

select * from final
