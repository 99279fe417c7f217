{#- The zone of the shop's days: KSCM_TIMEZONE, else the variable. -#}
{% macro business_timezone() -%}
    {%- set timezone = env_var('KSCM_TIMEZONE', '') or var('business_timezone') -%}
    {%- if timezone not in modules.pytz.all_timezones -%}
        {{ exceptions.raise_compiler_error(
            "KSCM_TIMEZONE must be a zone such as Europe/Paris, not '" ~ timezone ~ "'."
        ) }}
    {%- endif -%}
    {{ timezone }}
{%- endmacro %}
