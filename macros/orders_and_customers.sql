{#- Different orders, and different known customers: the unknown customer is many people. -#}
{% macro orders_and_customers() -%}
    count(distinct order_id) as orders_placed,
        count(distinct case when customer_id <> 'unknown' then customer_id end)
            as customers
{%- endmacro %}
