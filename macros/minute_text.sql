{#- A moment as 2024-01-31 17:05. Snowflake writes a moment as the account wants it. -#}
{% macro minute_text(moment) -%}
    {{ return(adapter.dispatch('minute_text')(moment)) }}
{%- endmacro %}

{% macro duckdb__minute_text(moment) -%}
    left(cast({{ moment }} as varchar), 16)
{%- endmacro %}

{% macro snowflake__minute_text(moment) -%}
    to_char({{ moment }}, 'YYYY-MM-DD HH24:MI')
{%- endmacro %}
