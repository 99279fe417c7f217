{#-
    The text of one field of a JSON object. DuckDB's ->> binds weaker than a comparison,
    hence the parentheses.
-#}
{% macro json_text(column, field) -%}
    {{ return(adapter.dispatch('json_text')(column, field)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, field) -%}
    ({{ column }} ->> '$.{{ field }}')
{%- endmacro %}

{% macro snowflake__json_text(column, field) -%}
    {{ column }}:{{ field }}::varchar
{%- endmacro %}
