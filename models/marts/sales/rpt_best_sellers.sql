with

products as (

    select * from {{ ref('dim_products') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

sales_by_product as (

    select
        product_id,
        sum(units_sold) as units_sold,
        sum(case when sales_amount is null then units_sold else 0 end)
            as units_without_price,
        count(distinct order_id) as orders_placed,
        count(distinct case when customer_id <> 'unknown' then customer_id end)
            as customers,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount
    from sale_lines
    group by product_id

),

final as (

    select
        cast(
            rank() over (order by coalesce(sales_by_product.units_sold, 0) desc) as integer
        ) as sales_rank,
        products.product_id,
        products.item_name,
        products.founder,
        products.style,
        products.finish,
        products.is_in_catalogue,
        cast(coalesce(sales_by_product.units_sold, 0) as integer) as units_sold,
        cast(coalesce(sales_by_product.units_without_price, 0) as integer)
            as units_without_price,
        cast(coalesce(sales_by_product.orders_placed, 0) as integer) as orders_placed,
        cast(coalesce(sales_by_product.customers, 0) as integer) as customers,
        cast(coalesce(sales_by_product.gross_amount, 0) as decimal(18, 2)) as gross_amount,
        cast(coalesce(sales_by_product.discount_amount, 0) as decimal(18, 2))
            as discount_amount,
        cast(coalesce(sales_by_product.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        '{{ var("currency") }}' as currency
    from products
    left join sales_by_product on products.product_id = sales_by_product.product_id
    where products.product_id <> 'unknown' or sales_by_product.units_sold > 0

)

select * from final
