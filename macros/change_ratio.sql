{#-
    By what part something changed: 0.5 is half as much again, -1 is all gone. Null where
    before there was nothing, or less than nothing: a rise from -10 to 10 would read as a
    fall by 200 %.
-#}
{% macro change_ratio(value, before) -%}
    {{ share("(" ~ value ~ " - " ~ before ~ ")", before) }}
{%- endmacro %}
