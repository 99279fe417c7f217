{#- One row per day, `date_day`. dbt's spine is a timestamp on DuckDB, a date on Snowflake. -#}
{% macro each_day(first_day, day_after) -%}
    select cast(date_day as date) as date_day
    from (
        {{ dbt.date_spine(
            'day', "cast('" ~ first_day ~ "' as date)", "cast('" ~ day_after ~ "' as date)"
        ) }}
    ) as spine
{%- endmacro %}
