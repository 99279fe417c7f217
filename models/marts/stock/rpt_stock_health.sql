with

stock_demands as (

    select * from {{ ref('fct_stock_demands') }}

),

product_classes as (

    select * from {{ ref('rpt_product_classes') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

supply_terms as (

    select * from {{ ref('supply_terms') }}

),

described as (

    select
        stock_demands.*,
        coalesce(stores.store_name, 'Partner shops') as store_name,
        coalesce(stores.store_kind, 'partner') as store_kind,
        product_classes.item_name,
        coalesce(products.catalogue_price, product_classes.average_price_amount)
            as unit_price,
        product_classes.net_amount_of_year,
        product_classes.abc_class,
        product_classes.weekly_variation,
        product_classes.xyz_class,
        case
            when
                stock_demands.units_demanded > 0 and stock_demands.days_on_sale > 0
                and stock_demands.on_hand_units is not null
                then cast(
                    greatest(stock_demands.on_hand_units, 0)
                    * cast(stock_demands.days_on_sale as double)
                    / stock_demands.units_demanded as decimal(18, 1)
                )
        end as days_of_cover
    from stock_demands
    inner join products on stock_demands.product_id = products.product_id
    inner join product_classes on stock_demands.product_id = product_classes.product_id
    left join stores on stock_demands.store_id = stores.store_id

),

judged as (

    select
        described.*,
        case
            when described.on_hand_units is null then 'unknown'
            when described.on_hand_units < 0 then 'below_zero'
            when described.shelf_units <= 0 and described.units_demanded > 0 then 'out'
            when described.shelf_units <= 0 then 'gone'
            when described.units_demanded <= 0 and described.days_on_sale < 91 then 'new'
            when described.units_demanded <= 0 then 'dead'
            when described.days_of_cover < supply_terms.lead_time_days then 'low'
            -- Three pieces of a slow item are no surplus: that is what luck would not sell.
            when
                described.on_hand_units > 91 * described.units_per_day
                + 1.645 * sqrt(91 * described.units_per_day)
                then 'over'
            else 'healthy'
        end as stock_status
    from described
    inner join supply_terms on described.store_kind = supply_terms.store_kind

),

final as (

    select
        source_system,
        product_id,
        item_name,
        store_id,
        store_name,
        store_kind,
        stock_status,
        case stock_status
            when 'unknown' then 'Tell what lies there'
            when 'below_zero' then 'Count what lies there: more was sold than came in'
            when 'out' then 'Order now'
            when 'gone' then 'Nothing: nobody asked for it while it was there'
            when 'low' then 'Order: it may be sold out before more can arrive'
            when 'over' then 'Order no more for now'
            when 'dead' then 'Mark it down, or send it where it sells'
            when 'new' then 'Wait: it has not been there for long'
            else 'Nothing but the usual orders'
        end as advice,
        on_hand_units,
        waiting_units,
        cast(unit_price as decimal(18, 2)) as unit_price,
        case
            when on_hand_units is not null
                then cast(greatest(on_hand_units, 0) * unit_price as decimal(18, 2))
        end as stock_amount,
        days_observed,
        days_on_sale,
        units_demanded,
        units_per_day,
        units_per_day_deviation,
        days_of_cover,
        last_sale_date,
        cast(as_of_date - last_sale_date as bigint) as days_since_last_sale,
        net_amount_of_year,
        abc_class,
        weekly_variation,
        xyz_class,
        as_of_date,
        {{ currency() }} as currency
    from judged

)

select * from final
