{#- The key of an item outside the catalogue: its name, which could be spelled like a SKU. -#}
{% macro unlisted_product_id(item_name) -%}
    'unlisted: ' || {{ item_name }}
{%- endmacro %}
