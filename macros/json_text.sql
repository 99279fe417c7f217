{#-
    The text of one field of a JSON object, without blanks around it, or null. The key may
    be in lower or upper case: sibling tills differ. DuckDB's ->> binds weaker than a
    comparison, hence the parentheses.
-#}
{% macro json_text(column, field) -%}
    {{ return(adapter.dispatch('json_text')(column, field)) }}
{%- endmacro %}

{% macro duckdb__json_text(column, field) -%}
    {{ clean_text(
        "coalesce((" ~ column ~ " ->> '$." ~ field ~ "'), ("
        ~ column ~ " ->> '$." ~ field | upper ~ "'))"
    ) }}
{%- endmacro %}

{% macro snowflake__json_text(column, field) -%}
    {{ clean_text(
        "coalesce(" ~ column ~ ":" ~ field ~ "::varchar, "
        ~ column ~ ":" ~ field | upper ~ "::varchar)"
    ) }}
{%- endmacro %}
