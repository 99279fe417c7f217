{#-
    Every dbt command leaves its start and its outcome in raw.dbt_builds, in the database
    it changed. Publishing waits for a whole build that passed, and a build that was
    killed leaves a start without an outcome.

    The table is looked up by query: adapter.get_relation would open a transaction, which
    dbt rolls back after the hook, with the row in it.
-#}
{% macro record_build(status) -%}
    {%- if execute -%}
        {%- set found = run_query(
            "select 1 from information_schema.tables "
            ~ "where lower(table_schema) = 'raw' and lower(table_name) = 'dbt_builds'"
        ) -%}
        {%- if found.rows | length == 0 -%}
            {{ exceptions.raise_compiler_error("Nothing is loaded yet: run 'make generate' first.") }}
        {%- endif -%}
        {%- set choices = [
            'select', 'exclude', 'selector', 'resource_types', 'exclude_resource_types',
            'empty', 'sample'
        ] -%}
        {%- set chosen = invocation_args_dict.items() | selectattr(0, 'in', choices)
            | selectattr(1) | list -%}
        {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
        insert into {{ api.Relation.create(target.database, 'raw', 'dbt_builds') }}
        values (
            '{{ invocation_id }}',
            '{{ flags.WHICH }}',
            {{ chosen | length == 0 }},
            '{{ status }}',
            cast('{{ now.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
        )
    {%- endif -%}
{%- endmacro %}

{% macro build_outcome(results) -%}
    {%- set good = ['success', 'pass', 'warn', 'no-op'] -%}
    {%- set bad = results | rejectattr('status', 'in', good) | list -%}
    {{ return('passed' if bad | length == 0 else 'failed') }}
{%- endmacro %}
