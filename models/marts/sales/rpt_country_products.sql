with

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

countries as (

    select * from {{ ref('dim_countries') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

country_products as (

    select
        country_code,
        product_id,
        country_code <> 'unknown' as is_known_country,
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount,
        sum(units_returned) as units_returned,
        sum(units_sold) - sum(units_returned) as net_units,
        sum(refund_amount) as refund_amount,
        sum(net_amount) as net_amount
    from revenue_days
    group by country_code, product_id

),

units_by_country as (

    select
        country_code,
        is_known_country,
        sum(net_units) as net_units,
        sum(net_amount) as net_amount
    from country_products
    group by country_code, is_known_country

),

ranked_countries as (

    select
        country_code,
        net_units,
        net_amount,
        case
            when is_known_country
                then cast(
                    rank() over (
                        partition by is_known_country order by net_amount desc nulls last
                    ) as integer
                )
        end as country_rank
    from units_by_country

),

units_by_product as (

    -- Sales to unknown countries are no other country: they may be this one's.
    select
        product_id,
        sum(net_units) as net_units
    from country_products
    where is_known_country
    group by product_id

),

all_units as (

    select sum(net_units) as net_units
    from units_by_product

),

counted as (

    select
        country_products.*,
        ranked_countries.country_rank,
        ranked_countries.net_units as country_net_units,
        ranked_countries.net_amount as country_net_amount,
        case
            when country_products.is_known_country
                then units_by_product.net_units - country_products.net_units
            else coalesce(units_by_product.net_units, 0)
        end as net_units_elsewhere,
        case
            when country_products.is_known_country
                then all_units.net_units - ranked_countries.net_units
            else coalesce(all_units.net_units, 0)
        end as all_net_units_elsewhere
    from country_products
    inner join ranked_countries
        on country_products.country_code = ranked_countries.country_code
    left join units_by_product
        on country_products.product_id = units_by_product.product_id
    cross join all_units

),

indexed as (

    -- (units / units of the country) / (units elsewhere / all units elsewhere). Net ones:
    -- thousands ordered by mistake and cancelled within minutes are no preference. A return
    -- may stand in another country than its sale, and leave less than nothing there.
    select
        *,
        {{ share('net_units', 'country_net_units') }} as share_of_country_units,
        {{ share('net_units_elsewhere', 'all_net_units_elsewhere') }}
            as share_of_units_elsewhere,
        cast(
            case
                when net_units_elsewhere > 0 and country_net_units > 0
                    then
                        cast(net_units * all_net_units_elsewhere as double)
                        / (net_units_elsewhere * country_net_units)
            end as decimal(18, 6)
        ) as preference_index
    from counted

),

judged as (

    -- The same minimum on both sides: one of one is no preference, and one elsewhere is no
    -- habit to differ from.
    select
        *,
        is_known_country
        and product_id <> 'unknown'
        and net_units >= 20
        and net_units_elsewhere >= 20
        and preference_index > 1 as is_ranked
    from indexed

),

final as (

    select
        judged.country_code,
        countries.country_name,
        judged.country_rank,
        cast(judged.country_net_units as bigint) as country_net_units,
        cast(judged.country_net_amount as decimal(18, 2)) as country_net_amount,
        judged.product_id,
        products.item_name,
        case
            when judged.is_ranked
                then cast(
                    rank() over (
                        partition by judged.country_code, judged.is_ranked
                        order by judged.preference_index desc nulls last
                    ) as integer
                )
        end as preference_rank,
        judged.preference_index,
        judged.share_of_country_units,
        judged.share_of_units_elsewhere,
        cast(judged.net_units_elsewhere as bigint) as net_units_elsewhere,
        cast(judged.units_sold as bigint) as units_sold,
        cast(judged.gross_amount as decimal(18, 2)) as gross_amount,
        cast(judged.discount_amount as decimal(18, 2)) as discount_amount,
        cast(judged.sales_amount as decimal(18, 2)) as sales_amount,
        cast(judged.units_returned as bigint) as units_returned,
        cast(judged.net_units as bigint) as net_units,
        cast(judged.refund_amount as decimal(18, 2)) as refund_amount,
        cast(judged.net_amount as decimal(18, 2)) as net_amount,
        {{ currency() }} as currency
    from judged
    inner join countries on judged.country_code = countries.country_code
    inner join products on judged.product_id = products.product_id

)

select * from final
