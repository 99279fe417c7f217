with

regions as (

    select * from {{ ref('dim_regions') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

orders as (

    select
        region_id,
        {{ orders_and_customers() }}
    from sale_lines
    group by region_id

),

revenue as (

    select
        region_id,
        {{ revenue_sums() }}
    from revenue_days
    group by region_id

),

units_in_all as (

    select sum(units_sold) as units_sold
    from revenue

),

counted as (

    select
        regions.region_id,
        regions.region_name,
        regions.zone,
        regions.is_region,
        regions.population,
        coalesce(units_in_all.units_sold, 0) as units_sold_in_all,
        coalesce(orders.orders_placed, 0) as orders_placed,
        coalesce(orders.customers, 0) as customers,
        coalesce(revenue.units_sold, 0) as units_sold,
        sum(case when regions.is_region then revenue.units_sold else 0 end) over ()
            as units_sold_in_regions,
        coalesce(revenue.units_returned, 0) as units_returned,
        coalesce(revenue.gross_amount, 0) as gross_amount,
        coalesce(revenue.discount_amount, 0) as discount_amount,
        coalesce(revenue.sales_amount, 0) as sales_amount,
        coalesce(revenue.refund_amount, 0) as refund_amount,
        coalesce(revenue.net_amount, 0) as net_amount
    from regions
    cross join units_in_all
    left join revenue on regions.region_id = revenue.region_id
    left join orders on regions.region_id = orders.region_id

),

final as (

    select
        -- "Outside France" and "Unknown" are shown, and are no region to be ranked. Where
        -- nothing is sold in France, 26 regions are not all the first.
        case
            when is_region and units_sold_in_regions > 0
                then cast(
                    rank() over (partition by is_region order by units_sold desc nulls last)
                    as integer
                )
        end as sales_rank,
        region_id,
        region_name,
        zone,
        cast(units_sold as bigint) as units_sold,
        cast(units_returned as bigint) as units_returned,
        cast(units_sold - units_returned as bigint) as net_units,
        cast(
            coalesce({{ quotient('units_sold', 'nullif(units_sold_in_all, 0)') }}, 0)
            as decimal(9, 6)
        ) as share_of_units,
        cast(orders_placed as bigint) as orders_placed,
        cast(customers as bigint) as customers,
        population,
        cast(
            {{ quotient('units_sold * 100000', 'nullif(population, 0)') }}
            as decimal(12, 2)
        ) as units_per_100k_inhabitants,
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(sales_amount as decimal(18, 2)) as sales_amount,
        cast(refund_amount as decimal(18, 2)) as refund_amount,
        cast(net_amount as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from counted

)

select * from final
