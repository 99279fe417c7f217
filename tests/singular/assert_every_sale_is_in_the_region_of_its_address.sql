with

addresses as (

    -- The other way round than the models: from the list of postcodes, for addresses that
    -- are on it and name neither state nor country; and from that of countries, by code.
    select
        units.order_id,
        units.unit_id,
        departments.region_code
    from {{ ref('stg_pos__order_units') }} as units
    inner join {{ ref('postcodes') }} as postcodes on units.postcode = postcodes.postcode
    inner join {{ ref('departments') }} as departments
        on postcodes.department_code = departments.department_code
    where units.state is null and units.country is null

    union all

    select
        units.order_id,
        units.unit_id,
        'foreign' as region_code
    from {{ ref('stg_pos__order_units') }} as units
    inner join {{ ref('countries') }} as countries on units.country = countries.country_code
    where
        units.country not in (
            'FR', 'BL', 'GF', 'GP', 'MF', 'MQ', 'NC', 'PF', 'PM', 'RE', 'TF', 'WF', 'YT'
        )

)

select
    sale_lines.sale_line_id,
    sale_lines.region_id,
    addresses.region_code
from {{ ref('fct_sale_lines') }} as sale_lines
inner join addresses
    on sale_lines.order_id = addresses.order_id and sale_lines.unit_id = addresses.unit_id
where sale_lines.region_id <> addresses.region_code
