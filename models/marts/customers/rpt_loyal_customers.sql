with

customers as (

    select * from {{ ref('dim_customers') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

purchases_by_customer as (

    select
        sale_lines.customer_id,
        count(distinct sale_lines.order_id) as orders_placed,
        count(distinct dates.month_start_date) as months_active,
        sum(sale_lines.units_sold) as units_sold,
        min(sale_lines.purchase_date) as first_purchase_date,
        max(sale_lines.purchase_date) as last_purchase_date,
        coalesce(sum(sale_lines.sales_amount), 0) as sales_amount
    from sale_lines
    inner join dates on sale_lines.purchase_date = dates.date_day
    group by sale_lines.customer_id

),

final as (

    select
        -- The unknown customer is many people: shown, never ranked.
        case
            when customers.is_known
                then cast(
                    rank() over (
                        partition by customers.is_known
                        order by
                            purchases_by_customer.orders_placed desc,
                            purchases_by_customer.months_active desc,
                            purchases_by_customer.sales_amount desc
                    ) as integer
                )
        end as loyalty_rank,
        customers.customer_id,
        customers.region_id,
        cast(purchases_by_customer.orders_placed as integer) as orders_placed,
        cast(purchases_by_customer.months_active as integer) as months_active,
        cast(purchases_by_customer.units_sold as integer) as units_sold,
        purchases_by_customer.first_purchase_date,
        purchases_by_customer.last_purchase_date,
        cast(purchases_by_customer.sales_amount as decimal(18, 2)) as sales_amount,
        '{{ var("currency") }}' as currency
    from purchases_by_customer
    inner join customers
        on purchases_by_customer.customer_id = customers.customer_id

)

select * from final
