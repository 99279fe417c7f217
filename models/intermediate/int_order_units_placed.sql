with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

us_states as (

    select * from {{ ref('us_states') }}

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
        us_states.state_code is not null as is_american,
        -- An American address is not French because its five digits are a postcode too.
        -- Postcodes beyond the list (CEDEX) go by their first digits.
        case
            when us_states.state_code is not null then null
            when postcodes.department_code is not null then postcodes.department_code
            when
                length(addresses.postcode) = 5
                and {{ digits_only('addresses.postcode') }} = addresses.postcode
                then {{ department_of_postcode('addresses.postcode') }}
        end as department_code
    from addresses
    left join us_states
        on
            upper(addresses.state) = us_states.state_code
            or lower(addresses.state) = lower(us_states.state_name)
    left join postcodes on addresses.postcode = postcodes.postcode

),

places as (

    select
        given_departments.postcode,
        given_departments.state,
        departments.department_code,
        case
            when given_departments.is_american then 'foreign'
            else coalesce(departments.region_code, 'unknown')
        end as region_id,
        case
            when given_departments.is_american then 'US'
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
            coalesce(order_units.postcode, '') = coalesce(places.postcode, '')
            and coalesce(order_units.state, '') = coalesce(places.state, '')

)

select * from placed
