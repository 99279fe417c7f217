with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

product_days as (

    select
        revenue_date,
        source_system,
        product_id,
        sum(units_sold) as units_sold
    from revenue_days
    where units_sold > 0
    group by revenue_date, source_system, product_id

),

kinds as (

    -- Every product counts once in each.
    select 'all' as subject_kind
    union all
    select 'founder' as subject_kind
    union all
    select 'style' as subject_kind
    union all
    select 'finish' as subject_kind
    union all
    select 'product' as subject_kind

),

product_subjects as (

    select
        products.product_id,
        kinds.subject_kind,
        case kinds.subject_kind
            when 'all' then 'all'
            when 'founder' then products.founder
            when 'style' then products.style
            when 'finish' then products.finish
            else products.product_id
        end as subject
    from products
    cross join kinds

),

final as (

    select
        product_days.source_system,
        product_days.revenue_date as date_day,
        product_subjects.subject_kind,
        product_subjects.subject,
        cast(sum(product_days.units_sold) as bigint) as units_sold
    from product_days
    inner join product_subjects
        on product_days.product_id = product_subjects.product_id
    where product_subjects.subject != 'unknown'
    group by
        product_days.source_system,
        product_days.revenue_date,
        product_subjects.subject_kind,
        product_subjects.subject

)

select * from final
