{#-
    A part of a whole; null where there is no whole, or less than nothing, of which a share
    would have the wrong sign. Wide, as a single cent can be followed by millions.
-#}
{% macro share(part, whole) -%}
    cast(case when {{ whole }} > 0 then {{ quotient(part, whole) }} end as decimal(18, 6))
{%- endmacro %}
