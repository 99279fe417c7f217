with

web_lines as (

    select * from {{ ref('int_web_lines_sorted') }}

),

charges as (

    select
        web_line_id as charge_line_id,
        'web' as source_system,
        order_id,
        charge_code,
        charge_kind,
        customer_id,
        region_id,
        country_code,
        invoice_date as charge_date,
        invoiced_at as charged_at,
        line_amount as charge_amount,
        currency
    from web_lines
    where line_kind = 'charge'

)

select * from charges
