with

places as (

    select * from {{ ref('int_order_units_placed') }}

),

customers as (

    select * from {{ ref('int_customers_resolved') }}

),

countries as (

    select * from {{ ref('countries') }}

),

purchases as (

    select
        customers.customer_id,
        places.order_id,
        places.unit_id,
        places.department_code,
        places.region_id,
        places.country_code,
        places.purchased_at,
        {{ local_date('places.purchased_at') }} as purchase_date
    from customers
    inner join places on customers.order_id = places.order_id
    where customers.customer_id <> 'unknown'

),

lifetimes as (

    select
        customer_id,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date
    from purchases
    group by customer_id

),

homes as (

    -- The latest address that could be placed; people move.
    select
        customer_id,
        department_code,
        region_id,
        country_code
    from purchases
    qualify
        row_number() over (
            partition by customer_id
            order by
                case when region_id = 'unknown' then 1 else 0 end,
                purchased_at desc,
                order_id desc,
                unit_id desc
        ) = 1

),

known as (

    select
        lifetimes.customer_id,
        homes.department_code,
        homes.region_id,
        homes.country_code,
        coalesce(countries.country_name, 'Unknown') as country_name,
        lifetimes.first_purchase_date,
        lifetimes.last_purchase_date,
        true as is_known
    from lifetimes
    inner join homes on lifetimes.customer_id = homes.customer_id
    left join countries on homes.country_code = countries.country_code

),

unknown as (

    select
        'unknown' as customer_id,
        cast(null as varchar) as department_code,
        'unknown' as region_id,
        'unknown' as country_code,
        'Unknown' as country_name,
        cast(null as date) as first_purchase_date,
        cast(null as date) as last_purchase_date,
        false as is_known

),

final as (

    select * from known
    union all
    select * from unknown

)

select * from final
