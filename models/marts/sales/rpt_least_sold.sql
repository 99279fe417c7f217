with

best_sellers as (

    select * from {{ ref('rpt_best_sellers') }}

),

ranked as (

    -- By units sold, not by net units: what sells well and comes back is another question.
    select
        cast(rank() over (order by units_sold asc) as integer) as least_sold_rank,
        product_id,
        item_name,
        founder,
        style,
        finish,
        is_in_catalogue,
        units_sold,
        units_returned,
        net_units,
        orders_placed,
        customers,
        sales_amount,
        refund_amount,
        net_amount,
        currency
    from best_sellers
    where product_id <> 'unknown'

),

least_popular as (

    select * from ranked
    where least_sold_rank <= 100

)

select * from least_popular
