{#-
    The business day of a UTC moment stored without zone. Never a plain cast: that would
    follow the session's time zone, or none.
-#}
{% macro local_date(moment) -%}
    {{ return(adapter.dispatch('local_date')(moment)) }}
{%- endmacro %}

{% macro duckdb__local_date(moment) -%}
    cast(timezone('{{ business_timezone() }}', timezone('UTC', {{ moment }})) as date)
{%- endmacro %}

{% macro snowflake__local_date(moment) -%}
    cast(convert_timezone('UTC', '{{ business_timezone() }}', {{ moment }}) as date)
{%- endmacro %}
