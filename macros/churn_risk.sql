{#-
    The name of a risk: how seldom somebody who still buys at her rate is silent for so long.
    0.05 is the usual level of doubt; the other borders are a convention.
-#}
{% macro churn_risk(silence_probability) -%}
    case
        when {{ silence_probability }} >= 0.5 then 'low'
        when {{ silence_probability }} >= 0.2 then 'medium'
        when {{ silence_probability }} >= 0.05 then 'high'
        when {{ silence_probability }} < 0.05 then 'very high'
        else 'unknown'
    end
{%- endmacro %}
