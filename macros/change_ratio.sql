{#-
    By what part something changed: 0.5 is half as much again, -1 is all gone. Null where
    before there was nothing, or less than nothing: a rise from -10 to 10 would read as a
    fall by 200 %. Wide, as a single cent before can be followed by millions.
-#}
{% macro change_ratio(value, before) -%}
    cast(
        case when {{ before }} > 0 then ({{ value }} - {{ before }}) / {{ before }} end
        as decimal(18, 6)
    )
{%- endmacro %}
