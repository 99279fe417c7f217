{#-
    One round of finding connected components: every row takes the smallest label among the
    rows that share one of its keys, then all rows that had one label move together: labels
    travel faster than one link a round. A key that is null joins nothing.
-#}
{% macro labels_joined(relation, columns, keys) -%}
    select
        {{ columns | join(', ') }},
        min(label_{{ keys | length }}) over (partition by label_0) as label
    from (
        {%- for key in keys | reverse %}
        select
            *,
            case
                when {{ key }} is null then label_{{ loop.revindex0 }}
                else min(label_{{ loop.revindex0 }}) over (partition by {{ key }})
            end as label_{{ loop.revindex }}
        from (
        {%- endfor %}
            select {{ columns | join(', ') }}, label as label_0 from {{ relation }}
        {%- for key in keys %}
        ) as keyed_{{ loop.index }}
        {%- endfor %}
    ) as joined
{%- endmacro %}
