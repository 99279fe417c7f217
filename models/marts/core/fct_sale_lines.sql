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
        coalesce(catalogue.sku, order_units.item_name) as product_id,
        -- What the till says, else the catalogue; an unlisted item may have no price.
        coalesce(order_units.unit_price, catalogue.unit_price) as unit_price,
        coalesce(order_units.discount_amount, 0) as discount_amount
    from order_units
    left join catalogue on order_units.item_name = catalogue.item_name

),

final as (

    select
        priced.order_id || '/' || priced.unit_id as sale_line_id,
        'pos' as source_system,
        priced.order_id,
        priced.unit_id,
        priced.product_id,
        customers.customer_id,
        places.region_id,
        case
            when priced.store_id is not null then priced.store_id
            when priced.channel = 'online' then 'online'
            else 'unknown'
        end as store_id,
        coalesce(priced.channel, 'unknown') as channel,
        {{ local_date('priced.purchased_at') }} as purchase_date,
        priced.purchased_at,
        1 as units_sold,
        cast(priced.unit_price as decimal(12, 2)) as gross_amount,
        cast(
            case when priced.unit_price is not null then priced.discount_amount end
            as decimal(12, 2)
        ) as discount_amount,
        cast(priced.unit_price - priced.discount_amount as decimal(12, 2)) as sales_amount,
        '{{ var("currency") }}' as currency
    from priced
    inner join places
        on priced.order_id = places.order_id and priced.unit_id = places.unit_id
    inner join customers on priced.order_id = customers.order_id

)

select * from final
