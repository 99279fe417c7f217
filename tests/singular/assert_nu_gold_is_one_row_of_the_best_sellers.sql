with

best_sellers as (

    select * from {{ ref('rpt_best_sellers') }}
    where item_name = 'Statue Corentin Nu Gold'

),

nu_gold as (

    select * from {{ ref('rpt_corentin_nu_gold') }}

)

select
    best_sellers.units_sold,
    nu_gold.units_sold as nu_gold_units_sold
from best_sellers
full outer join nu_gold
    on
        best_sellers.product_id = nu_gold.product_id
        and best_sellers.units_sold = nu_gold.units_sold
        and best_sellers.orders_placed = nu_gold.orders_placed
        and best_sellers.customers = nu_gold.customers
        and best_sellers.sales_amount = nu_gold.sales_amount
where best_sellers.product_id is null or nu_gold.product_id is null
