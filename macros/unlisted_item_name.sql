{#- The name in the key of an item outside the catalogue; any other key is its own name. -#}
{% macro unlisted_item_name(product_id) -%}
    case
        when {{ product_id }} like 'unlisted: %' then substr({{ product_id }}, 11)
        else {{ product_id }}
    end
{%- endmacro %}
