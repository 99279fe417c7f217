with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

postcodes as (

    select * from {{ ref('postcodes') }}

),

departments as (

    select * from {{ ref('departments') }}

),

addresses as (

    select distinct
        postcode,
        state
    from order_units

),

given_departments as (

    select
        addresses.postcode,
        addresses.state,
        -- An address with a state is American, even if its five digits are a French
        -- postcode too. Postcodes beyond the list (CEDEX) go by their first digits.
        case
            when addresses.state is not null then null
            when postcodes.department_code is not null then postcodes.department_code
            when
                length(addresses.postcode) = 5
                and try_cast(addresses.postcode as integer) is not null
                then {{ department_of_postcode('addresses.postcode') }}
        end as department_code
    from addresses
    left join postcodes on addresses.postcode = postcodes.postcode

),

places as (

    select
        given_departments.postcode,
        given_departments.state,
        departments.department_code,
        case
            when given_departments.state is not null then 'foreign'
            else coalesce(departments.region_code, 'unknown')
        end as region_id,
        case
            when given_departments.state is not null then 'US'
            when departments.region_code is not null then 'FR'
            else 'unknown'
        end as country_code
    from given_departments
    left join departments
        on given_departments.department_code = departments.department_code

),

placed as (

    select
        order_units.order_id,
        order_units.unit_id,
        places.department_code,
        places.region_id,
        places.country_code,
        order_units.purchased_at
    from order_units
    inner join places
        on
            order_units.postcode is not distinct from places.postcode
            and order_units.state is not distinct from places.state

)

select * from placed
