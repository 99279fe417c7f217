with

sums as (

    select
        'fct_sale_lines' as model,
        coalesce(sum(units_sold), 0) as units_sold,
        coalesce(sum(sales_amount), 0) as sales_amount
    from {{ ref('fct_sale_lines') }}

    union all

    select
        'rpt_best_sellers' as model,
        coalesce(sum(units_sold), 0) as units_sold,
        coalesce(sum(sales_amount), 0) as sales_amount
    from {{ ref('rpt_best_sellers') }}

    union all

    select
        'rpt_top_regions' as model,
        coalesce(sum(units_sold), 0) as units_sold,
        coalesce(sum(sales_amount), 0) as sales_amount
    from {{ ref('rpt_top_regions') }}

    union all

    select
        'rpt_loyal_customers' as model,
        coalesce(sum(units_sold), 0) as units_sold,
        coalesce(sum(sales_amount), 0) as sales_amount
    from {{ ref('rpt_loyal_customers') }}

),

compared as (

    select
        *,
        min(units_sold) over () as fewest_units,
        max(units_sold) over () as most_units,
        min(sales_amount) over () as lowest_amount,
        max(sales_amount) over () as highest_amount
    from sums

)

select * from compared
where fewest_units <> most_units or lowest_amount <> highest_amount
