{#- What is asked: name, when it is missing, and of which rows it is asked at all. -#}
{%- set asked_of = {
    'till_orders': [
        ('email', 'email is null', none),
        ('phone', 'phone is null', none),
        ('email_and_phone', 'email is null and phone is null', none),
        ('address', 'coalesce(city, postcode, state, country) is null', none),
        ('channel', 'channel is null', none),
        ('store', 'store_id is null', "coalesce(channel, 'unknown') <> 'online'"),
        ('price', 'unit_price is null', none),
        ('discount', 'discount_amount is null', none),
    ],
    'till_returns': [
        ('reason', 'return_reason is null', none),
        ('refund', 'refund_amount is null', none),
    ],
    'web_lines': [
        ('customer', 'customer_number is null', none),
        ('description', 'description is null', none),
        ('country', 'country is null', none),
        ('price', 'unit_price = 0', none),
    ],
    'sale_lines': [
        ('customer', "customer_id = 'unknown'", none),
        ('region', "region_id = 'unknown'", none),
        ('country', "country_code = 'unknown'", none),
        ('store', "store_id = 'unknown'", none),
        ('channel', "channel = 'unknown'", none),
        ('price', 'sales_amount is null', none),
        ('catalogue_item', "product_id like 'unlisted: %'", "source_system = 'pos'"),
    ],
    'return_lines': [
        ('sale', 'not has_sale', none),
        ('reason', "return_reason = 'unknown'", none),
    ],
} -%}
{%- set systems = {'till_orders': 'pos', 'till_returns': 'pos', 'web_lines': 'web'} -%}
-- noqa: disable=layout.indent, a loop of Jinja is no step of SQL
with

till_orders as (

    select * from {{ ref('stg_pos__order_units') }}

),

till_returns as (

    select * from {{ ref('stg_pos__returns') }}

),

web_lines as (

    select * from {{ ref('stg_web__order_lines') }}

),

sale_lines as (

    select * from {{ ref('fct_sale_lines') }}

),

return_lines as (

    select * from {{ ref('fct_return_lines') }}

),
{% for records, questions in asked_of.items() %}
{{ records }}_counted as (

    -- Counts alone: no value leaves.
    select
        {% if records in systems %}'{{ systems[records] }}' as {% endif %}source_system,
        {%- for name, is_missing, is_asked in questions %}
        count({{ 'case when ' ~ is_asked ~ ' then 1 end' if is_asked else '*' }})
            as {{ name }}_rows,
        count(
            case
                when
                    {{ is_missing }}
                    {%- if is_asked %}
                    and {{ is_asked }}
                    {%- endif %}
                    then 1
            end
        ) as {{ name }}_missing{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ records }}
    {%- if records not in systems %}
    group by source_system
    {%- endif %}

),
{% endfor %}
attributes as (
{% for records, questions in asked_of.items() %}
    {%- set outer = loop %}
    {%- for name, _, _ in questions %}
    {%- if not (outer.first and loop.first) %}
    union all
    {%- endif %}
    select
        '{{ records }}' as records,
        '{{ name }}' as attribute
    {%- endfor %}
{%- endfor %}

),

counted as (
{% for records, questions in asked_of.items() %}
    {%- if not loop.first %}

    union all
    {% endif %}
    select
        {{ records }}_counted.source_system,
        attributes.records,
        attributes.attribute,
        case attributes.attribute
            {%- for name, _, _ in questions %}
            when '{{ name }}' then {{ records }}_counted.{{ name }}_rows
            {%- endfor %}
        end as rows_counted,
        case attributes.attribute
            {%- for name, _, _ in questions %}
            when '{{ name }}' then {{ records }}_counted.{{ name }}_missing
            {%- endfor %}
        end as rows_without_value
    from {{ records }}_counted
    inner join attributes on attributes.records = '{{ records }}'
{%- endfor %}

),

final as (

    select
        source_system,
        records,
        attribute,
        cast(rows_counted as bigint) as rows_counted,
        cast(rows_without_value as bigint) as rows_without_value
    from counted
    where rows_counted > 0

)

select * from final
