with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

places as (

    select * from {{ ref('int_order_units_placed') }}

),

customers as (

    select * from {{ ref('int_customers_resolved') }}

),

catalogue as (

    select * from {{ ref('catalogue') }}

),

priced as (

    select
        order_units.order_id,
        order_units.unit_id,
        order_units.store_id,
        order_units.channel,
        order_units.purchased_at,
        coalesce(catalogue.sku, {{ unlisted_product_id('order_units.item_name') }})
            as product_id,
        -- What the till says, else the catalogue; an unlisted item may have no price.
        coalesce(order_units.unit_price, catalogue.unit_price) as unit_price,
        coalesce(order_units.discount_amount, 0) as discount_given
    from order_units
    left join catalogue on order_units.item_name = catalogue.item_name

),

discounted as (

    -- A discount without its price can be more than the price of the catalogue: nobody is
    -- paid for taking a figurine home.
    select
        *,
        case
            when discount_given > unit_price then unit_price
            when unit_price is not null then discount_given
        end as discount_amount
    from priced

),

final as (

    select
        discounted.order_id || '/' || discounted.unit_id as sale_line_id,
        'pos' as source_system,
        discounted.order_id,
        discounted.unit_id,
        discounted.product_id,
        customers.customer_id,
        places.region_id,
        case
            when discounted.store_id is not null then discounted.store_id
            when discounted.channel = 'online' then 'online'
            else 'unknown'
        end as store_id,
        coalesce(discounted.channel, 'unknown') as channel,
        {{ local_date('discounted.purchased_at') }} as purchase_date,
        discounted.purchased_at,
        1 as units_sold,
        cast(discounted.unit_price as decimal(12, 2)) as gross_amount,
        cast(discounted.discount_amount as decimal(12, 2)) as discount_amount,
        cast(discounted.unit_price - discounted.discount_amount as decimal(12, 2))
            as sales_amount,
        '{{ var("currency") }}' as currency
    from discounted
    inner join places
        on discounted.order_id = places.order_id and discounted.unit_id = places.unit_id
    inner join customers on discounted.order_id = customers.order_id

)

select * from final
