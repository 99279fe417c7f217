with

expected as (

    -- The other way round than the model: from the list of postcodes, for addresses that
    -- are on it and name neither state nor country; and from that of countries, by code.
    select
        addresses.postcode,
        addresses.city,
        addresses.region_id,
        departments.region_code
    from {{ ref('int_addresses_placed') }} as addresses
    inner join {{ ref('postcodes') }} as postcodes
        on addresses.postcode = postcodes.postcode
    inner join {{ ref('departments') }} as departments
        on postcodes.department_code = departments.department_code
    left join {{ ref('postcode_exceptions') }} as exceptions
        on addresses.postcode = exceptions.postcode
    where
        addresses.state is null
        and addresses.country is null
        and exceptions.postcode is null

    union all

    select
        addresses.postcode,
        addresses.city,
        addresses.region_id,
        'foreign' as region_code
    from {{ ref('int_addresses_placed') }} as addresses
    inner join {{ ref('countries') }} as countries
        on addresses.country = countries.country_code
    where
        addresses.country not in (
            'FR', 'BL', 'GF', 'GP', 'MF', 'MQ', 'NC', 'PF', 'PM', 'RE', 'TF', 'WF', 'YT'
        )

)

select * from expected
where region_id <> region_code
