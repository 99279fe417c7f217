with

judged as (

    -- Orly airport, Saint-Barthélemy, Saint-Martin and Clipperton.
    select
        postcode,
        department_code,
        {{ department_of_postcode('postcode') }} as department_by_rule,
        postcode in ('94390', '97133', '97150', '98799') as is_exception
    from {{ ref('postcodes') }}

)

select * from judged
where (department_code <> department_by_rule) <> is_exception
