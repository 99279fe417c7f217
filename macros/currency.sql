{#- One currency per database: KSCM_CURRENCY, else the variable. -#}
{% macro currency() -%}
    {%- set currency = env_var('KSCM_CURRENCY', '') or var('currency') -%}
    {%- if not modules.re.fullmatch('[A-Z]{3}', currency) -%}
        {{ exceptions.raise_compiler_error(
            "KSCM_CURRENCY must be three capital letters such as EUR, not '" ~ currency ~ "'."
        ) }}
    {%- endif -%}
    '{{ currency }}'
{%- endmacro %}
