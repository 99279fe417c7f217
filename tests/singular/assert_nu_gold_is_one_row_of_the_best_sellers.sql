with

best_sellers as (

    select * from {{ ref('rpt_best_sellers') }}
    where item_name = 'Statue Corentin Nu Gold'

),

nu_gold as (

    select * from {{ ref('rpt_corentin_nu_gold') }}

),

answers as (

    select count(*) as answers_given
    from nu_gold

),

compared as (

    -- Who sells nothing of the catalogue has no line of it among the best sellers.
    select
        answers.answers_given,
        nu_gold.units_sold as units_answered,
        best_sellers.units_sold as units_listed,
        answers.answers_given = 1
        and coalesce(best_sellers.product_id, nu_gold.product_id) = nu_gold.product_id
        and coalesce(best_sellers.units_sold, 0) = nu_gold.units_sold
        and coalesce(best_sellers.units_returned, 0) = nu_gold.units_returned
        and coalesce(best_sellers.orders_placed, 0) = nu_gold.orders_placed
        and coalesce(best_sellers.customers, 0) = nu_gold.customers
        and coalesce(best_sellers.gross_amount, 0) = nu_gold.gross_amount
        and coalesce(best_sellers.sales_amount, 0) = nu_gold.sales_amount
        and coalesce(best_sellers.net_amount, 0) = nu_gold.net_amount as is_same
    from answers
    left join nu_gold on answers.answers_given > 0
    left join best_sellers on answers.answers_given > 0

)

select * from compared
where not coalesce(is_same, false)
