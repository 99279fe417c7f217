with

products as (

    select * from {{ ref('dim_products') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

sales_of_nu_gold as (

    select
        products.product_id,
        products.item_name,
        coalesce(sum(sale_lines.units_sold), 0) as units_sold,
        count(distinct sale_lines.order_id) as orders_placed,
        count(
            distinct case
                when sale_lines.customer_id <> 'unknown' then sale_lines.customer_id
            end
        ) as customers,
        min(sale_lines.purchase_date) as first_sale_date,
        max(sale_lines.purchase_date) as last_sale_date,
        sum(sale_lines.sales_amount) as sales_amount
    from products
    left join sale_lines on products.product_id = sale_lines.product_id
    where products.item_name = 'Statue Corentin Nu Gold'
    group by products.product_id, products.item_name

),

all_sales as (

    select sum(units_sold) as units_sold
    from sale_lines

),

final as (

    select
        sales_of_nu_gold.product_id,
        sales_of_nu_gold.item_name,
        cast(sales_of_nu_gold.units_sold as integer) as units_sold,
        cast(
            coalesce(sales_of_nu_gold.units_sold / nullif(all_sales.units_sold, 0), 0)
            as decimal(9, 6)
        ) as share_of_units,
        cast(sales_of_nu_gold.orders_placed as integer) as orders_placed,
        cast(sales_of_nu_gold.customers as integer) as customers,
        sales_of_nu_gold.first_sale_date,
        sales_of_nu_gold.last_sale_date,
        cast(coalesce(sales_of_nu_gold.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        '{{ var("currency") }}' as currency
    from sales_of_nu_gold
    cross join all_sales

)

select * from final
