{#-
    Text that somebody typed: runs of blanks, tabs and line ends become one blank, none
    stays at the ends, and nothing at all is null. DuckDB replaces the first match unless
    told otherwise, and looking for a blank to replace is much cheaper than replacing; in a
    Snowflake text the backslash is escaped once more.
-#}
{% macro clean_text(expression) -%}
    {{ return(adapter.dispatch('clean_text')(expression)) }}
{%- endmacro %}

{% macro duckdb__clean_text(expression) -%}
    case
        when
            contains({{ expression }}, '  ')
            {%- for blank in (9, 10, 11, 12, 13) %}
            or contains({{ expression }}, chr({{ blank }}))
            {%- endfor %}
            then nullif(trim(regexp_replace({{ expression }}, '\s+', ' ', 'g')), '')
        else nullif(trim({{ expression }}), '')
    end
{%- endmacro %}

{% macro snowflake__clean_text(expression) -%}
    nullif(trim(regexp_replace({{ expression }}, '\\s+', ' ')), '')
{%- endmacro %}
