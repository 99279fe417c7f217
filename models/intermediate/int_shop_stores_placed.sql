with

stores as (

    select * from {{ ref('stg_shops__stores') }}

),

sales as (

    select * from {{ ref('stg_shops__sales') }}

),

regions as (

    select * from {{ ref('regions') }}

),

communes as (

    select * from {{ ref('communes') }}

),

postcodes as (

    select * from {{ ref('postcodes') }}

),

departments as (

    select * from {{ ref('departments') }}

),

commune_names as (

    select
        commune_name,
        region_code
    from communes

    union all

    select
        postcodes.main_commune as commune_name,
        departments.region_code
    from postcodes
    inner join departments on postcodes.department_code = departments.department_code

),

cities as (

    -- Paris, Lyon and Marseille are listed by arrondissement. A name in two regions tells
    -- nothing: there is a Saint-Denis at the gates of Paris and one in Réunion.
    select
        case
            when commune_names.commune_name like '% Arrondissement'
                then {{ fold_text("split_part(commune_names.commune_name, ' ', 1)") }}
            else {{ fold_text('commune_names.commune_name') }}
        end as city_spelling,
        min(commune_names.region_code) as region_code
    from commune_names
    group by city_spelling
    having min(commune_names.region_code) = max(commune_names.region_code)

),

region_spellings as (

    select
        region_code,
        {{ fold_text('region_name') }} as region_spelling
    from regions

),

listed as (

    select
        'shops/' || stores.store_id as store_id,
        stores.city || ' (' || stores.store_id || ')' as store_name,
        stores.city,
        coalesce(region_spellings.region_code, cities.region_code, 'unknown') as region_id
    from stores
    left join region_spellings
        on {{ fold_text('stores.region') }} = region_spellings.region_spelling
    left join cities on {{ fold_text('stores.city') }} = cities.city_spelling

),

unlisted as (

    -- A store that sells and is in no list is still a store.
    select distinct
        'shops/' || sales.store_id as store_id,
        sales.store_id as store_name,
        'unknown' as city,
        'unknown' as region_id
    from sales
    left join stores on sales.store_id = stores.store_id
    where stores.store_id is null

),

placed as (

    select * from listed
    union all
    select * from unlisted

)

select * from placed
