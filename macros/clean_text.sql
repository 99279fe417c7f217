{#-
    Text that somebody typed: runs of blanks, tabs and line ends become one blank, none
    stays at the ends, and nothing at all is null. DuckDB replaces the first match unless
    told otherwise; in a Snowflake text the backslash is escaped once more.
-#}
{% macro clean_text(expression) -%}
    {{ return(adapter.dispatch('clean_text')(expression)) }}
{%- endmacro %}

{% macro duckdb__clean_text(expression) -%}
    nullif(trim(regexp_replace({{ expression }}, '\s+', ' ', 'g')), '')
{%- endmacro %}

{% macro snowflake__clean_text(expression) -%}
    nullif(trim(regexp_replace({{ expression }}, '\\s+', ' ')), '')
{%- endmacro %}
