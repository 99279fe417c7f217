with

regions as (

    select * from {{ ref('dim_regions') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

sales_by_region as (

    select
        region_id,
        sum(units_sold) as units_sold,
        count(distinct order_id) as orders_placed,
        count(distinct case when customer_id <> 'unknown' then customer_id end)
            as customers,
        sum(sales_amount) as sales_amount
    from sale_lines
    group by region_id

),

all_sales as (

    select sum(units_sold) as units_sold
    from sale_lines

),

counted as (

    select
        regions.region_id,
        regions.region_name,
        regions.zone,
        regions.is_region,
        regions.population,
        coalesce(sales_by_region.units_sold, 0) as units_sold,
        coalesce(sales_by_region.orders_placed, 0) as orders_placed,
        coalesce(sales_by_region.customers, 0) as customers,
        coalesce(sales_by_region.sales_amount, 0) as sales_amount,
        coalesce(all_sales.units_sold, 0) as units_sold_in_all
    from regions
    left join sales_by_region on regions.region_id = sales_by_region.region_id
    cross join all_sales

),

final as (

    select
        -- "Outside France" and "Unknown" are shown, and are no region to be ranked.
        case
            when is_region
                then cast(
                    rank() over (partition by is_region order by units_sold desc)
                    as integer
                )
        end as sales_rank,
        region_id,
        region_name,
        zone,
        cast(units_sold as integer) as units_sold,
        cast(coalesce(units_sold / nullif(units_sold_in_all, 0), 0) as decimal(9, 6))
            as share_of_units,
        cast(orders_placed as integer) as orders_placed,
        cast(customers as integer) as customers,
        population,
        cast(units_sold * 100000 / nullif(population, 0) as decimal(12, 2))
            as units_per_100k_inhabitants,
        cast(sales_amount as decimal(18, 2)) as sales_amount,
        '{{ var("currency") }}' as currency
    from counted

)

select * from final
