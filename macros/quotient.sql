{#-
    A quotient of exact numbers, to be cast to as many decimals as are wanted. DuckDB divides
    them as doubles. Snowflake keeps six decimals more than the dividend has, and twelve at
    most: to round those once more to six would be wrong for one quotient of amounts in 200.
-#}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('quotient')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__quotient(dividend, divisor) -%}
    {{ dividend }} / {{ divisor }}
{%- endmacro %}

{% macro snowflake__quotient(dividend, divisor) -%}
    cast({{ dividend }} as decimal(38, 12)) / {{ divisor }}
{%- endmacro %}
