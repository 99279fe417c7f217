{#-
    French department by the first digits of a postcode: overseas by three, Corsica by the
    third digit (200xx and 201xx are 2A, the rest of 20xxx is 2B), else by two.
-#}
{% macro department_of_postcode(postcode) -%}
    case
        when left({{ postcode }}, 2) in ('97', '98') then left({{ postcode }}, 3)
        when left({{ postcode }}, 3) in ('200', '201') then '2A'
        when left({{ postcode }}, 2) = '20' then '2B'
        else left({{ postcode }}, 2)
    end
{%- endmacro %}
