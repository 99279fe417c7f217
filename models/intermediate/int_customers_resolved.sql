with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

identities as (

    select * from {{ ref('int_identities_linked') }}

),

pepper as (

    select * from {{ ref('stg_warehouse__pepper') }}

),

identified as (

    -- The lines of an order may differ: the most telling of them says whose it is.
    select
        order_units.order_id,
        min(identities.identity_id) as identity_id
    from order_units
    inner join identities
        on
            order_units.customer_name is not distinct from identities.customer_name
            and order_units.email is not distinct from identities.email
            and order_units.phone is not distinct from identities.phone
            and order_units.postcode is not distinct from identities.postcode
            and order_units.country is not distinct from identities.country
    group by order_units.order_id

),

customers as (

    select
        identities.identity_id,
        case
            when identities.person_key is null then 'unknown'
            else {{ keyed_hash('pepper.pepper', 'identities.person_key') }}
        end as customer_id
    from identities
    cross join pepper

),

resolved as (

    select
        identified.order_id,
        customers.customer_id
    from identified
    inner join customers on identified.identity_id = customers.identity_id

)

select * from resolved
