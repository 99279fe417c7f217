with

order_units as (

    select * from {{ ref('stg_pos__order_units') }}

),

spelled_countries as (

    select * from {{ ref('int_countries_spelled') }}

),

us_states as (

    select * from {{ ref('us_states') }}

),

postcodes as (

    select * from {{ ref('postcodes') }}

),

postcode_exceptions as (

    select * from {{ ref('postcode_exceptions') }}

),

departments as (

    select * from {{ ref('departments') }}

),

addresses as (

    select distinct
        city,
        postcode,
        state,
        country
    from order_units

),

told_countries as (

    -- What the address says of its country, empty where it says nothing. The tills write a
    -- country abroad only, and a state may be any country's.
    select
        addresses.city,
        addresses.postcode,
        addresses.state,
        addresses.country,
        case
            when addresses.country is not null
                then coalesce(spelled_countries.country_code, 'unknown')
            when us_states.state_code is not null then 'US'
        end as told_country_code
    from addresses
    left join spelled_countries
        on {{ fold_text('addresses.country') }} = spelled_countries.spelling
    left join us_states
        on
            upper(addresses.state) = us_states.state_code
            or lower(addresses.state) = lower(us_states.state_name)

),

given_departments as (

    select
        told_countries.city,
        told_countries.postcode,
        told_countries.state,
        told_countries.country,
        told_countries.told_country_code,
        -- A German or American address is not French because its five digits are a postcode
        -- too. 16 postcodes lie in two departments: there the town tells. Postcodes beyond
        -- the list (CEDEX) go by their first digits.
        case
            when told_countries.told_country_code <> 'FR' then null
            when postcode_exceptions.department_code is not null
                then postcode_exceptions.department_code
            when postcodes.department_code is not null then postcodes.department_code
            when
                length(told_countries.postcode) = 5
                and {{ digits_only('told_countries.postcode') }} = told_countries.postcode
                then {{ department_of_postcode('told_countries.postcode') }}
        end as department_code
    from told_countries
    left join postcodes on told_countries.postcode = postcodes.postcode
    left join postcode_exceptions
        on
            told_countries.postcode = postcode_exceptions.postcode
            and {{ fold_text('told_countries.city') }}
            = {{ fold_text('postcode_exceptions.commune_name') }}

),

placed as (

    select
        given_departments.city,
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

)

select * from placed
