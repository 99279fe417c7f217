{#- The four KPIs of `counted` beside those of another period, which gives the columns its name. -#}
{% macro kpi_changes(period) -%}
    {{ period }}.net_amount as net_amount_{{ period }},
        {%- for kpi in ['net_amount', 'orders_placed', 'units_sold', 'customers'] %}
        {{ change_ratio('counted.' ~ kpi, period ~ '.' ~ kpi) }}
            as {{ kpi }}_change_on_{{ period }}
        {{- ',' if not loop.last }}
        {%- endfor %}
{%- endmacro %}
