{#- One row per hour of the clock, `hour_of_day`, 0 to 23. -#}
{% macro each_hour() -%}
    select cast(generated_number - 1 as integer) as hour_of_day
    from (
        {{ dbt.generate_series(24) }}
    ) as spine
{%- endmacro %}
