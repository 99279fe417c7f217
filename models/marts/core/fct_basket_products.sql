{#- Above this, a basket is a wholesaler's: it says little of a pair, and costs most. -#}
{%- set most_products = 100 %}

with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

products_sold as (

    select distinct
        source_system,
        product_id
    from sale_lines
    where product_id <> 'unknown' and units_sold > 0

),

numbered_products as (

    -- Each system has its own numbers, so that no two of them meet in a basket or a pair.
    -- Numbers can be added up; and pairs of numbers are counted twice as fast as of ids.
    select
        source_system,
        product_id,
        cast(row_number() over (order by source_system, product_id) as integer)
            as product_number,
        cast(dense_rank() over (order by source_system) as integer) as system_number
    from products_sold

),

numbered_customers as (

    select
        customer_id,
        cast(row_number() over (order by customer_id) as integer) as customer_number
    from customers
    where customer_id <> 'unknown'

),

orders as (

    select
        sale_lines.order_id,
        count(*) as lines,
        min(numbered_products.product_number) as first_product,
        max(numbered_products.product_number) as last_product,
        sum(numbered_products.product_number) as sum_of_products,
        min(numbered_products.system_number) as system_number,
        min(numbered_customers.customer_number) as customer_number
    from sale_lines
    inner join numbered_products
        on
            sale_lines.source_system = numbered_products.source_system
            and sale_lines.product_id = numbered_products.product_id
    left join numbered_customers
        on sale_lines.customer_id = numbered_customers.customer_id
    where sale_lines.units_sold > 0
    group by sale_lines.order_id

),

described_orders as (

    -- Nearly all orders of a shop have three lines at most. Such a one is told by its first
    -- product, its last one and the sum, and is like thousands of others: it needs no id.
    -- To sort out the lines of each order would cost half as much again as all of this.
    select
        case when lines > 3 then order_id end as order_id,
        first_product,
        case
            when lines = 3
                then cast(sum_of_products - first_product - last_product as integer)
            else first_product
        end as middle_product,
        last_product
    from orders

),

kinds_of_orders as (

    select
        order_id,
        first_product,
        middle_product,
        last_product,
        count(*) as baskets
    from described_orders
    group by order_id, first_product, middle_product, last_product

),

baskets_of_orders as (

    select
        *,
        row_number() over (
            order by order_id nulls first, first_product, middle_product, last_product
        ) as basket_number
    from kinds_of_orders

),

small_baskets as (

    select * from baskets_of_orders
    where order_id is null

),

basket_products as (

    -- A product once per basket, however many lines or units. `union` drops repetitions.
    select
        basket_number,
        baskets,
        first_product as product_number
    from small_baskets
    union
    select
        basket_number,
        baskets,
        middle_product as product_number
    from small_baskets
    union
    select
        basket_number,
        baskets,
        last_product as product_number
    from small_baskets
    union all
    select distinct
        baskets_of_orders.basket_number,
        baskets_of_orders.baskets,
        numbered_products.product_number
    from sale_lines
    inner join baskets_of_orders on sale_lines.order_id = baskets_of_orders.order_id
    inner join numbered_products
        on
            sale_lines.source_system = numbered_products.source_system
            and sale_lines.product_id = numbered_products.product_id
    where sale_lines.units_sold > 0
    union all
    -- Below zero are baskets of customers; whoever buys in two systems has one in each.
    select distinct
        -(cast(customer_number as bigint) * 10 + system_number) as basket_number,
        1 as baskets,
        first_product as product_number
    from orders
    where first_product = last_product and customer_number is not null

),

basket_sizes as (

    select
        basket_number,
        count(*) as products,
        min(product_number) as first_product
    from basket_products
    group by basket_number

),

final as (

    select
        numbered_products.source_system,
        basket_products.basket_number,
        numbered_products.product_id,
        basket_products.product_number,
        case when basket_products.basket_number < 0 then 'customers' else 'orders' end
            as basis,
        cast(basket_products.baskets as bigint) as baskets,
        cast(basket_sizes.products as integer) as products,
        basket_sizes.products > {{ most_products }} as is_left_out,
        basket_products.product_number = basket_sizes.first_product as is_first
    from basket_products
    inner join basket_sizes on basket_products.basket_number = basket_sizes.basket_number
    inner join numbered_products
        on basket_products.product_number = numbered_products.product_number

)

select * from final
