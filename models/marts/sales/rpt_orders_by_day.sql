with

kpis_by_day as (

    select * from {{ ref('rpt_kpis_by_day') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

lines_by_day as (

    select
        purchase_date,
        count(*) as lines_sold
    from sale_lines
    group by purchase_date

),

final as (

    select
        kpis_by_day.revenue_date as purchase_date,
        kpis_by_day.orders_placed,
        cast(coalesce(lines_by_day.lines_sold, 0) as bigint) as lines_sold,
        kpis_by_day.units_sold,
        kpis_by_day.sales_amount,
        kpis_by_day.currency
    from kpis_by_day
    left join lines_by_day on kpis_by_day.revenue_date = lines_by_day.purchase_date

)

select * from final
