with

order_units as (

    select * from {{ ref('int_order_units_sold') }}

),

shop_lines as (

    select * from {{ ref('int_shop_lines_priced') }}

),

web_lines as (

    select * from {{ ref('int_web_lines_sorted') }}

),

shop_sales as (

    -- The shops know the day and the place of a sale, not the hour and not the buyer.
    select
        shop_line_id as sale_line_id,
        'shops' as source_system,
        shop_line_id as order_id,
        cast(null as varchar) as unit_id,
        product_id,
        'unknown' as customer_id,
        cast(null as varchar) as department_code,
        region_id,
        country_code,
        store_id,
        'in_person' as channel,
        sale_date as purchase_date,
        cast(null as timestamp) as purchased_at,
        units as units_sold,
        line_amount as gross_amount,
        cast(case when line_amount is not null then 0 end as decimal(18, 2))
            as discount_amount,
        line_amount as sales_amount,
        {{ currency() }} as currency,
        load_seq
    from shop_lines
    where units > 0

),

web_sales as (

    select
        web_line_id as sale_line_id,
        'web' as source_system,
        order_id,
        cast(null as varchar) as unit_id,
        product_id,
        customer_id,
        cast(null as varchar) as department_code,
        region_id,
        country_code,
        'online' as store_id,
        'online' as channel,
        invoice_date as purchase_date,
        invoiced_at as purchased_at,
        units as units_sold,
        line_amount as gross_amount,
        cast(0 as decimal(18, 2)) as discount_amount,
        line_amount as sales_amount,
        currency,
        load_seq
    from web_lines
    where line_kind = 'sale'

),

final as (

    select * from order_units
    union all
    select * from shop_sales
    union all
    select * from web_sales

)

select * from final  -- noqa: ambiguous.column_count
