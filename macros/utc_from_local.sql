{#-
    The UTC moment, without zone, of a clock on the wall of the shop. An hour that comes
    twice in autumn is the second one, in winter time. One that is left out in spring is
    read as if the clock had not been changed: half past two is half past three. Checked on
    DuckDB; Snowflake does not say what it makes of the two.
-#}
{% macro utc_from_local(moment) -%}
    {{ return(adapter.dispatch('utc_from_local')(moment)) }}
{%- endmacro %}

{% macro duckdb__utc_from_local(moment) -%}
    timezone('UTC', timezone('{{ business_timezone() }}', {{ moment }}))
{%- endmacro %}

{% macro snowflake__utc_from_local(moment) -%}
    convert_timezone('{{ business_timezone() }}', 'UTC', {{ moment }})
{%- endmacro %}
