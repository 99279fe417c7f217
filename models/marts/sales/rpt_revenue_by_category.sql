with

revenue_by_product as (

    select * from {{ ref('rpt_revenue_by_product') }}

),

revenue_in_all as (

    select sum(net_amount) as net_amount
    from revenue_by_product

),

kinds as (

    -- Every product counts once in each.
    select 'founder' as category_kind
    union all
    select 'style' as category_kind
    union all
    select 'finish' as category_kind

),

categorised as (

    select
        kinds.category_kind,
        case kinds.category_kind
            when 'founder' then revenue_by_product.founder
            when 'style' then revenue_by_product.style
            else revenue_by_product.finish
        end as category,
        revenue_by_product.units_sold,
        revenue_by_product.units_without_price,
        revenue_by_product.units_returned,
        revenue_by_product.gross_amount,
        revenue_by_product.discount_amount,
        revenue_by_product.sales_amount,
        revenue_by_product.refund_amount,
        revenue_by_product.net_amount
    from revenue_by_product
    cross join kinds

),

revenue as (

    select
        category_kind,
        category,
        {{ revenue_sums() }}
    from categorised
    group by category_kind, category

),

final as (

    select
        revenue.category_kind,
        revenue.category,
        revenue.units_sold,
        revenue.units_without_price,
        revenue.units_returned,
        revenue.net_units,
        revenue.gross_amount,
        revenue.discount_amount,
        revenue.sales_amount,
        revenue.refund_amount,
        revenue.net_amount,
        {{ share('revenue.net_amount', 'revenue_in_all.net_amount') }} as share_of_net,
        {{ currency() }} as currency
    from revenue
    cross join revenue_in_all

)

select * from final
