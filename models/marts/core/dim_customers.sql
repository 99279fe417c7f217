with

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),

charge_lines as (

    select * from {{ ref('fct_charge_lines') }}

),

countries as (

    select * from {{ ref('countries') }}

),

places as (

    -- Who only returns, or only pays a fee, is a customer too: her purchases may be older
    -- than the data.
    select
        customer_id,
        source_system,
        department_code,
        region_id,
        country_code,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        max(purchased_at) as last_seen_at
    from sale_lines
    where customer_id <> 'unknown'
    group by customer_id, source_system, department_code, region_id, country_code

    union all

    select
        customer_id,
        source_system,
        department_code,
        region_id,
        country_code,
        cast(null as date) as first_purchase_date,
        cast(null as date) as last_purchase_date,
        max(returned_at) as last_seen_at
    from return_lines
    where not has_sale and customer_id <> 'unknown'
    group by customer_id, source_system, department_code, region_id, country_code

    union all

    select
        customer_id,
        source_system,
        cast(null as varchar) as department_code,
        region_id,
        country_code,
        cast(null as date) as first_purchase_date,
        cast(null as date) as last_purchase_date,
        max(charged_at) as last_seen_at
    from charge_lines
    where customer_id <> 'unknown'
    group by customer_id, source_system, region_id, country_code

),

lifetimes as (

    select
        customer_id,
        min(first_purchase_date) as first_purchase_date,
        max(last_purchase_date) as last_purchase_date
    from places
    group by customer_id

),

homes as (

    -- The latest address that could be placed; people move.
    select
        customer_id,
        source_system,
        department_code,
        region_id,
        country_code
    from places
    qualify
        row_number() over (
            partition by customer_id
            order by
                case when region_id = 'unknown' then 1 else 0 end,
                last_purchase_date desc nulls last,
                last_seen_at desc nulls last,
                country_code asc,
                region_id asc,
                department_code asc nulls last
        ) = 1

),

known as (

    select
        lifetimes.customer_id,
        homes.source_system,
        homes.department_code,
        homes.region_id,
        homes.country_code,
        coalesce(countries.country_name, 'Unknown') as country_name,
        lifetimes.first_purchase_date,
        lifetimes.last_purchase_date,
        true as is_known
    from lifetimes
    inner join homes on lifetimes.customer_id = homes.customer_id
    left join countries on homes.country_code = countries.country_code

),

unknown as (

    select
        'unknown' as customer_id,
        'unknown' as source_system,
        cast(null as varchar) as department_code,
        'unknown' as region_id,
        'unknown' as country_code,
        'Unknown' as country_name,
        cast(null as date) as first_purchase_date,
        cast(null as date) as last_purchase_date,
        false as is_known

),

final as (

    select * from known
    union all
    select * from unknown

)

select * from final
