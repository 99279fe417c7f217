with

returns as (

    select * from {{ ref('stg_pos__returns') }}

),

shop_lines as (

    select * from {{ ref('int_shop_lines_priced') }}

),

web_returns as (

    select * from {{ ref('int_web_returns_matched') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

units_returned as (

    -- Each unit has its own tag: what comes back is what was sold, or was never sold.
    select
        returns.order_id || '/' || returns.unit_id as return_line_id,
        'pos' as source_system,
        sale_lines.sale_line_id,
        returns.order_id,
        returns.unit_id,
        coalesce(sale_lines.product_id, 'unknown') as product_id,
        coalesce(sale_lines.customer_id, 'unknown') as customer_id,
        sale_lines.department_code,
        coalesce(sale_lines.region_id, 'unknown') as region_id,
        coalesce(sale_lines.country_code, 'unknown') as country_code,
        coalesce(sale_lines.store_id, 'unknown') as store_id,
        coalesce(sale_lines.channel, 'unknown') as channel,
        sale_lines.purchase_date,
        sale_lines.purchased_at,
        {{ local_date('returns.returned_at') }} as return_date,
        returns.returned_at,
        coalesce(returns.return_reason, 'unknown') as return_reason,
        sale_lines.sale_line_id is not null as has_sale,
        coalesce(
            returns.returned_at >= sale_lines.purchased_at
            and returns.returned_at <= sale_lines.purchased_at + interval '60 minutes',
            false
        ) as is_cancellation,
        1 as units_returned,
        -- Where the till does not say what it paid back, it was what had been paid.
        cast(coalesce(returns.refund_amount, sale_lines.sales_amount, 0) as decimal(18, 2))
            as refund_amount,
        sale_lines.sales_amount as paid_amount,
        {{ currency() }} as currency,
        returns.load_seq
    from returns
    left join sale_lines
        on
            returns.order_id = sale_lines.order_id
            and returns.unit_id = sale_lines.unit_id
            and sale_lines.source_system = 'pos'

),

shop_returns as (

    -- The shops do not say which sale it undoes.
    select
        shop_line_id as return_line_id,
        'shops' as source_system,
        cast(null as varchar) as sale_line_id,
        shop_line_id as order_id,
        cast(null as varchar) as unit_id,
        product_id,
        'unknown' as customer_id,
        cast(null as varchar) as department_code,
        region_id,
        country_code,
        store_id,
        'unknown' as channel,
        cast(null as date) as purchase_date,
        cast(null as timestamp) as purchased_at,
        sale_date as return_date,
        cast(null as timestamp) as returned_at,
        'unknown' as return_reason,
        false as has_sale,
        false as is_cancellation,
        -units as units_returned,
        coalesce(-line_amount, 0) as refund_amount,
        cast(null as decimal(18, 2)) as paid_amount,
        {{ currency() }} as currency,
        load_seq
    from shop_lines
    where units < 0

),

final as (

    select * from units_returned
    union all
    select * from shop_returns
    union all
    select * from web_returns

)

select * from final  -- noqa: ambiguous.column_count
