{#-
    One test per model instead of one per column: dbt takes longer to start a test than
    DuckDB to run it. What is broken comes back by name, with the number of rows.

    `key`         columns that are unique together, none of them empty
    `required`    further columns that are never empty
    `laws`        conditions that are false for no row
    `references`  column: model, where every value of the column stands in the model's
                  column of the same name, or of the name after a dot
-#}
{% test obeys(model, key, required=[], laws=[], references={}) %}
{%- set counts = [] -%}
{%- for column in key + required -%}
    {%- do counts.append((column ~ ' is empty', column ~ ' is null')) -%}
{%- endfor -%}
{%- for law in laws -%}
    {%- do counts.append(('not: ' ~ law, 'not (' ~ law ~ ')')) -%}
{%- endfor %}
with counted as (
    select
        {%- for name, condition in counts %}
        count(case when {{ condition }} then 1 end) as broken_{{ loop.index }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
),
broken as (
    select '{{ key | join(", ") }} is not unique' as law, count(*) as broken_rows
    from (
        select {{ key | join(', ') }} from {{ model }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    ) as twins
    {%- for name, condition in counts %}
    union all
    select '{{ name | replace("'", "''") }}' as law, broken_{{ loop.index }} as broken_rows
    from counted
    {%- endfor %}
    {%- for column, target in references.items() %}
    {%- set parent, parent_column = (target ~ '.' ~ column).split('.')[:2] %}
    union all
    select '{{ column }} is not in {{ parent }}' as law, count(*) as broken_rows
    from (select distinct {{ column }} as child from {{ model }}) as children
    left join {{ ref(parent) }} as parents on children.child = parents.{{ parent_column }}
    where children.child is not null and parents.{{ parent_column }} is null
    {%- endfor %}
)
select * from broken where broken_rows > 0
{% endtest %}
