with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

countries as (

    select * from {{ ref('countries') }}

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
        state,
        country
    from order_units

),

told_countries as (

    -- What the address says of its country, empty where it says nothing. The tills write a
    -- country abroad only, and a state may be any country's. Overseas France has codes of
    -- its own (ISO 3166-1) and is French here, as by its postcodes.
    select
        addresses.postcode,
        addresses.state,
        addresses.country,
        case
            when
                countries.country_code in (
                    'BL', 'GF', 'GP', 'MF', 'MQ', 'NC', 'PF', 'PM', 'RE', 'TF', 'WF', 'YT'
                )
                then 'FR'
            when addresses.country is not null
                then coalesce(countries.country_code, 'unknown')
            when us_states.state_code is not null then 'US'
        end as told_country_code
    from addresses
    left join countries
        on
            upper(addresses.country) = countries.country_code
            or lower(addresses.country) = lower(countries.country_name)
    left join us_states
        on
            upper(addresses.state) = us_states.state_code
            or lower(addresses.state) = lower(us_states.state_name)

),

given_departments as (

    select
        told_countries.postcode,
        told_countries.state,
        told_countries.country,
        told_countries.told_country_code,
        -- A German or American address is not French because its five digits are a postcode
        -- too. Postcodes beyond the list (CEDEX) go by their first digits.
        case
            when told_countries.told_country_code <> 'FR' then null
            when postcodes.department_code is not null then postcodes.department_code
            when
                length(told_countries.postcode) = 5
                and {{ digits_only('told_countries.postcode') }} = told_countries.postcode
                then {{ department_of_postcode('told_countries.postcode') }}
        end as department_code
    from told_countries
    left join postcodes on told_countries.postcode = postcodes.postcode

),

places as (

    select
        given_departments.postcode,
        given_departments.state,
        given_departments.country,
        departments.department_code,
        case
            when given_departments.told_country_code not in ('FR', 'unknown') then 'foreign'
            else coalesce(departments.region_code, 'unknown')
        end as region_id,
        case
            when given_departments.told_country_code is not null
                then given_departments.told_country_code
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
            and coalesce(order_units.country, '') = coalesce(places.country, '')

)

select * from placed
