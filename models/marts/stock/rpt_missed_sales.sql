{%- set quarter_before -%}
    partition by source_system, product_id, store_id
    order by stock_date
    range between interval '90 days' preceding and current row
{%- endset -%}

with

stock_days as (

    select * from {{ ref('fct_stock_days') }}

),

revenue_days as (

    select * from {{ ref('fct_revenue_days') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

stores as (

    select * from {{ ref('dim_stores') }}

),

known_places as (

    select
        source_system,
        product_id,
        store_id,
        ships_online,
        min(stock_date) as first_date
    from stock_days
    group by source_system, product_id, store_id, ships_online

),

places as (

    select
        source_system,
        store_id,
        min(first_date) as first_date
    from known_places
    group by source_system, store_id

),

selling_places as (

    -- What is ordered online leaves a place of stock too.
    select
        source_system,
        store_id,
        store_id as sold_at
    from places
    union
    select
        source_system,
        store_id,
        'online' as sold_at
    from known_places
    where ships_online

),

place_sales as (

    select
        selling_places.source_system,
        selling_places.store_id,
        revenue_days.revenue_date,
        sum(revenue_days.units_sold) as units_sold
    from revenue_days
    inner join selling_places
        on
            revenue_days.source_system = selling_places.source_system
            and revenue_days.store_id = selling_places.sold_at
    group by
        selling_places.source_system, selling_places.store_id, revenue_days.revenue_date

),

last_days as (

    select max(valid_until) as last_date from stock_days

),

place_days as (

    select
        places.source_system,
        places.store_id,
        dates.date_day,
        coalesce(place_sales.units_sold, 0) as units_sold,
        sum(coalesce(place_sales.units_sold, 0)) over (
            partition by places.source_system, places.store_id
            order by dates.date_day
            rows between unbounded preceding and current row
        ) as units_sold_so_far
    from places
    cross join last_days
    inner join dates on dates.date_day between places.first_date and last_days.last_date
    left join place_sales
        on
            places.source_system = place_sales.source_system
            and places.store_id = place_sales.store_id
            and dates.date_day = place_sales.revenue_date

),

empty_shelves as (

    -- Exactly nothing: below zero the books are wrong, and nobody knows what lay there.
    select * from stock_days
    where shelf_units = 0

),

units_sold_later as (

    -- What the place still sold on the day on which the last of them went.
    select
        empty_shelves.source_system,
        empty_shelves.product_id,
        empty_shelves.store_id,
        empty_shelves.stock_date,
        sum(sale_lines.units_sold) as units_sold
    from empty_shelves
    inner join selling_places
        on
            empty_shelves.source_system = selling_places.source_system
            and empty_shelves.store_id = selling_places.store_id
    inner join sale_lines
        on
            selling_places.source_system = sale_lines.source_system
            and selling_places.sold_at = sale_lines.store_id
            and empty_shelves.stock_date = sale_lines.purchase_date
            and empty_shelves.last_sold_at < sale_lines.purchased_at
    group by
        empty_shelves.source_system,
        empty_shelves.product_id,
        empty_shelves.store_id,
        empty_shelves.stock_date

),

stock_outs as (

    select
        empty_shelves.source_system,
        empty_shelves.product_id,
        empty_shelves.store_id,
        place_days.date_day as stock_date,
        place_days.date_day - empty_shelves.stock_date as days_out,
        empty_shelves.waiting_units,
        case
            when
                place_days.date_day = empty_shelves.stock_date
                then empty_shelves.units_sold
            else 0
        end as units_sold,
        case
            when
                place_days.date_day > empty_shelves.stock_date
                or empty_shelves.units_sold = 0
                then place_days.units_sold
            else coalesce(units_sold_later.units_sold, 0)
        end as other_units_while_out
    from empty_shelves
    inner join place_days
        on
            empty_shelves.source_system = place_days.source_system
            and empty_shelves.store_id = place_days.store_id
            and place_days.date_day between empty_shelves.stock_date
            and empty_shelves.valid_until
    left join units_sold_later
        on
            empty_shelves.source_system = units_sold_later.source_system
            and empty_shelves.product_id = units_sold_later.product_id
            and empty_shelves.store_id = units_sold_later.store_id
            and empty_shelves.stock_date = units_sold_later.stock_date
    where place_days.units_sold > 0

),

happened as (

    select
        source_system,
        product_id,
        store_id,
        stock_date,
        false as is_stock_out,
        units_sold,
        units_sold - units_without_price as units_with_price,
        sales_amount,
        0 as other_units_while_out
    from stock_days
    where units_sold > 0

    union all

    select
        source_system,
        product_id,
        store_id,
        stock_date,
        true as is_stock_out,
        0 as units_sold,
        0 as units_with_price,
        0 as sales_amount,
        other_units_while_out
    from stock_outs

),

quarters as (

    select
        source_system,
        product_id,
        store_id,
        stock_date,
        is_stock_out,
        other_units_while_out,
        sum(units_sold) over ({{ quarter_before }}) as units_before,
        sum(units_with_price) over ({{ quarter_before }}) as units_with_price_before,
        sum(sales_amount) over ({{ quarter_before }}) as sales_amount_before,
        sum(other_units_while_out) over ({{ quarter_before }}) as other_units_out_before
    from happened

),

compared as (

    select
        quarters.source_system,
        quarters.product_id,
        quarters.store_id,
        quarters.stock_date,
        quarters.other_units_while_out,
        quarters.units_before,
        quarters.units_with_price_before,
        quarters.sales_amount_before,
        last_of_quarter.units_sold_so_far
        - coalesce(before_quarter.units_sold_so_far, 0)
        - quarters.units_before
        - quarters.other_units_out_before as other_units_before
    from quarters
    inner join known_places
        on
            quarters.source_system = known_places.source_system
            and quarters.product_id = known_places.product_id
            and quarters.store_id = known_places.store_id
    inner join place_days as last_of_quarter
        on
            quarters.source_system = last_of_quarter.source_system
            and quarters.store_id = last_of_quarter.store_id
            and quarters.stock_date = last_of_quarter.date_day
    left join place_days as before_quarter
        on
            quarters.source_system = before_quarter.source_system
            and quarters.store_id = before_quarter.store_id
            and greatest(quarters.stock_date - 90, known_places.first_date) - 1
            = before_quarter.date_day
    where quarters.is_stock_out

),

estimated as (

    select
        *,
        -- The last one sold is why it was looked at: to count it would be to look at luck.
        cast(other_units_while_out as double) * greatest(units_before - 1, 0)
        / other_units_before as units_missed,
        cast(sales_amount_before as double) / nullif(units_with_price_before, 0)
            as average_price
    from compared
    where other_units_before > 0

),

final as (

    select
        estimated.stock_date,
        estimated.source_system,
        estimated.product_id,
        products.item_name,
        estimated.store_id,
        stores.store_name,
        stock_outs.units_sold,
        stock_outs.units_sold = 0 as is_out_all_day,
        stock_outs.waiting_units,
        cast(estimated.other_units_while_out as bigint) as other_units_while_out,
        cast(estimated.units_before as bigint) as units_before,
        cast(estimated.other_units_before as bigint) as other_units_before,
        cast(estimated.units_missed as decimal(18, 4)) as units_missed,
        cast(
            sqrt(
                estimated.units_missed
                + estimated.units_missed * estimated.units_missed
                / greatest(estimated.units_before - 1, 1)
            ) as decimal(18, 4)
        ) as units_missed_deviation,
        cast(estimated.average_price as decimal(18, 2)) as average_price_amount,
        cast(estimated.units_missed * estimated.average_price as decimal(18, 2))
            as missed_amount,
        {{ currency() }} as currency
    from estimated
    inner join stock_outs
        on
            estimated.source_system = stock_outs.source_system
            and estimated.product_id = stock_outs.product_id
            and estimated.store_id = stock_outs.store_id
            and estimated.stock_date = stock_outs.stock_date
    inner join products on estimated.product_id = products.product_id
    inner join stores on estimated.store_id = stores.store_id
    -- After 91 days there is nothing left to compare with: such an item has been given up.
    where stock_outs.days_out <= 90

)

select * from final
