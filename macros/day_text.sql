{#- A day as 2024-01-31. Snowflake writes a date as the account wants it. -#}
{% macro day_text(day) -%}
    {{ return(adapter.dispatch('day_text')(day)) }}
{%- endmacro %}

{% macro duckdb__day_text(day) -%}
    cast({{ day }} as varchar)
{%- endmacro %}

{% macro snowflake__day_text(day) -%}
    to_char({{ day }}, 'YYYY-MM-DD')
{%- endmacro %}
