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

catalogue_prices as (

    select * from {{ ref('int_catalogue_prices_dated') }}

),

dated as (

    select
        *,
        {{ local_date('purchased_at') }} as purchase_date
    from order_units

),

priced as (

    select
        dated.order_id,
        dated.unit_id,
        dated.store_id,
        dated.channel,
        dated.purchased_at,
        dated.purchase_date,
        coalesce(catalogue_prices.sku, {{ unlisted_product_id('dated.item_name') }})
            as product_id,
        -- What the till says, else the catalogue of that day; an unlisted item may have no
        -- price.
        coalesce(dated.unit_price, catalogue_prices.unit_price) as unit_price,
        coalesce(dated.discount_amount, 0) as discount_given
    from dated
    left join catalogue_prices
        on
            dated.item_name = catalogue_prices.item_name
            and dated.purchase_date >= catalogue_prices.valid_from
            and (
                dated.purchase_date < catalogue_prices.valid_until
                or catalogue_prices.valid_until is null
            )

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
        discounted.purchase_date,
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
