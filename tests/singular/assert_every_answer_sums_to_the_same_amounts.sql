{#- One line per answer: the model, which of its rows add up, and what it does not tell. -#}
{%- set answers = [
    ('fct_revenue_days', 'true', []),
    ('rpt_best_sellers', 'true', []),
    ('rpt_top_regions', 'true', []),
    ('rpt_revenue_by_product', 'true', []),
    ('rpt_revenue_by_category', "category_kind = 'founder'", []),
    ('rpt_revenue_by_category', "category_kind = 'style'", []),
    ('rpt_revenue_by_category', "category_kind = 'finish'", []),
    ('rpt_revenue_by_month', 'true', []),
    ('rpt_revenue_by_store', 'true', []),
    ('rpt_revenue_by_country', 'true', []),
    ('rpt_revenue_totals', "source_system = 'all' and as_of_load = newest_load", []),
    ('rpt_revenue_totals', "source_system <> 'all' and as_of_load = newest_load", []),
    ('rpt_kpis_by_day', 'true', []),
    ('rpt_kpis_by_month', 'true', []),
    ('rpt_country_products', 'true', []),
    ('fct_customer_months', 'true', []),
    ('rpt_revenue_by_customer', 'true', []),
    ('rpt_biggest_customers', 'true', []),
    ('rpt_product_variations', 'true', ['gross_amount', 'discount_amount']),
    ('rpt_units_by_month', 'true', [
        'gross_amount', 'discount_amount', 'sales_amount', 'refund_amount', 'net_amount'
    ]),
    ('rpt_orders_by_day', 'true', [
        'units_returned', 'gross_amount', 'discount_amount', 'refund_amount', 'net_amount'
    ]),
    ('rpt_sales_by_hour', 'true', [
        'units_returned', 'gross_amount', 'discount_amount', 'refund_amount', 'net_amount'
    ]),
    ('rpt_loyal_customers', 'true', [
        'units_returned', 'gross_amount', 'discount_amount', 'refund_amount', 'net_amount'
    ]),
] -%}
{%- set measures = [
    'units_sold', 'units_returned', 'gross_amount', 'discount_amount', 'sales_amount',
    'refund_amount', 'net_amount'
] %}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

sales as (

    select
        sum(units_sold) as units_sold,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(sales_amount) as sales_amount
    from {{ ref('fct_sale_lines') }}

),

refunds as (

    select
        sum(units_returned) as units_returned,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_return_lines') }}
    where has_sale

),

newest as (

    select max(as_of_load) as newest_load from {{ ref('rpt_revenue_totals') }}

),

sums as (

    -- Not from the facts of days: the lines have the first word.
    select
        'fct_sale_lines less fct_return_lines' as answer,
        coalesce(sales.units_sold, 0) as units_sold,
        coalesce(refunds.units_returned, 0) as units_returned,
        coalesce(sales.gross_amount, 0) as gross_amount,
        coalesce(sales.discount_amount, 0) as discount_amount,
        coalesce(sales.sales_amount, 0) as sales_amount,
        coalesce(refunds.refund_amount, 0) as refund_amount,
        coalesce(sales.sales_amount, 0) - coalesce(refunds.refund_amount, 0) as net_amount
    from sales
    cross join refunds
    {%- for model, rows, untold in answers %}

    union all

    select
        '{{ model }}, {{ rows | replace("'", "") }}' as answer,
        {%- for measure in measures %}
        {% if measure in untold %}null{% else %}coalesce(sum({{ measure }}), 0){% endif %}
            as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref(model) }}
    cross join newest
    where {{ rows }}
    {%- endfor %}

),

compared as (

    select
        sums.*,
        {%- for measure in measures %}
        coalesce(sums.{{ measure }} <> lines.{{ measure }}, false) as {{ measure }}_differ
        {{- ',' if not loop.last }}
        {%- endfor %}
    from sums
    inner join sums as lines on lines.answer = 'fct_sale_lines less fct_return_lines'

)

select * from compared
where
    {%- for measure in measures %}
    {% if not loop.first %}or {% endif %}{{ measure }}_differ
    {%- endfor %}
