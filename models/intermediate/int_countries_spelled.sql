with

countries as (

    select * from {{ ref('countries') }}

),

country_aliases as (

    select * from {{ ref('country_aliases') }}

),

written as (

    select
        {{ fold_text('country_code') }} as spelling,
        country_code
    from countries

    union all

    select
        {{ fold_text('country_name') }} as spelling,
        country_code
    from countries

    union all

    select
        {{ fold_text('country_alias') }} as spelling,
        country_code
    from country_aliases

),

ranges as (

    select
        spelling,
        min(country_code) as first_code,
        max(country_code) as last_code
    from written
    group by spelling

),

spelled as (

    select
        spelling,
        -- Overseas France has codes of its own (ISO 3166-1) and is French here, as by its
        -- postcodes.
        case
            when
                first_code in (
                    'BL', 'GF', 'GP', 'MF', 'MQ', 'NC', 'PF', 'PM', 'RE', 'TF', 'WF', 'YT'
                )
                then 'FR'
            else first_code
        end as country_code
    from ranges
    where first_code = last_code

)

select * from spelled
