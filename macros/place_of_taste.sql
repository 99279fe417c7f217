{#- Where a customer's taste may be that of her neighbours: her region, abroad her country. -#}
{% macro place_of_taste(region_id, country_code) -%}
    case
        when {{ region_id }} in ('unknown', 'foreign') then {{ country_code }}
        else {{ region_id }}
    end
{%- endmacro %}
