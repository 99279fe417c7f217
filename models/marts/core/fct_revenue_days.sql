with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

sales as (

    select
        purchase_date as revenue_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id,
        sum(units_sold) as units_sold,
        sum(case when sales_amount is null then units_sold else 0 end)
            as units_without_price,
        coalesce(sum(gross_amount), 0) as gross_amount,
        coalesce(sum(discount_amount), 0) as discount_amount,
        coalesce(sum(sales_amount), 0) as sales_amount,
        0 as units_returned,
        0 as refund_amount
    from sale_lines
    group by
        purchase_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id

),

refunds as (

    -- On the day of the return, where its sale was made. A return of which no sale is known
    -- stays in fct_return_lines: it changes no net figure.
    select
        return_date as revenue_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id,
        0 as units_sold,
        0 as units_without_price,
        0 as gross_amount,
        0 as discount_amount,
        0 as sales_amount,
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount
    from return_lines
    where has_sale
    group by
        return_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id

),

sales_and_refunds as (

    select * from sales
    union all
    select * from refunds

),

final as (

    select
        revenue_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id,
        cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(units_without_price) as bigint) as units_without_price,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(units_returned) as bigint) as units_returned,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(sales_amount) - sum(refund_amount) as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from sales_and_refunds
    group by
        revenue_date,
        source_system,
        product_id,
        region_id,
        country_code,
        store_id

)

select * from final
