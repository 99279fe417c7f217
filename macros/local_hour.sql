{#-
    The hour of the shop's clock, 0 to 23, at a UTC moment stored without zone. In the night
    in which the clock goes forward there is no hour 2; in autumn it lasts two hours.
-#}
{% macro local_hour(moment) -%}
    {{ return(adapter.dispatch('local_hour')(moment)) }}
{%- endmacro %}

{% macro duckdb__local_hour(moment) -%}
    extract(hour from timezone('{{ business_timezone() }}', timezone('UTC', {{ moment }})))
{%- endmacro %}

{% macro snowflake__local_hour(moment) -%}
    extract(hour from convert_timezone('UTC', '{{ business_timezone() }}', {{ moment }}))
{%- endmacro %}
