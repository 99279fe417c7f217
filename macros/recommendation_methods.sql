{#- What is tried where, and measured against `most_popular`. -#}
{% macro recommendation_methods() -%}
select
        'beside_item' as placement,
        'most_popular' as method
    union all
    select
        'beside_item' as placement,
        'bought_together' as method
    union all
    select
        'for_customer' as placement,
        'most_popular' as method
    union all
    select
        'for_customer' as placement,
        'popular_in_region' as method
    union all
    select
        'for_customer' as placement,
        'bought_together' as method
{%- endmacro %}
