with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

addresses as (

    select * from {{ ref('int_addresses_placed') }}

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
        dated.*,
        coalesce(catalogue_prices.sku, {{ unlisted_product_id('dated.item_name') }})
            as product_id,
        -- What the till says, else the catalogue of that day; an unlisted item may have no
        -- price.
        coalesce(dated.unit_price, catalogue_prices.unit_price) as price,
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
            when discount_given > price then price
            when price is not null then discount_given
        end as discount_taken
    from priced

),

sold as (

    select
        discounted.order_id || '/' || discounted.unit_id as sale_line_id,
        'pos' as source_system,
        discounted.order_id,
        discounted.unit_id,
        discounted.product_id,
        customers.customer_id,
        addresses.department_code,
        addresses.region_id,
        addresses.country_code,
        case
            when discounted.store_id is not null then discounted.store_id
            when discounted.channel = 'online' then 'online'
            else 'unknown'
        end as store_id,
        coalesce(discounted.channel, 'unknown') as channel,
        discounted.purchase_date,
        discounted.purchased_at,
        1 as units_sold,
        cast(discounted.price as decimal(18, 2)) as gross_amount,
        cast(discounted.discount_taken as decimal(18, 2)) as discount_amount,
        cast(discounted.price - discounted.discount_taken as decimal(18, 2))
            as sales_amount,
        {{ currency() }} as currency,
        discounted.load_seq
    from discounted
    inner join addresses
        on
            discounted.city is not distinct from addresses.city
            and discounted.postcode is not distinct from addresses.postcode
            and discounted.state is not distinct from addresses.state
            and discounted.country is not distinct from addresses.country
    inner join customers on discounted.order_id = customers.order_id

)

select * from sold
