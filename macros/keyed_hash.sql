{#-
    A pseudonym: the first 16 hex digits (64 bits) of SHA-256 over a secret and a text.
    Without the secret nobody can try all phone numbers until one fits. Two of a million
    customers share a pseudonym with a probability below 1 in 10 million.
-#}
{% macro keyed_hash(secret, expression) -%}
    {{ return(adapter.dispatch('keyed_hash')(secret, expression)) }}
{%- endmacro %}

{% macro duckdb__keyed_hash(secret, expression) -%}
    left(sha256({{ secret }} || {{ expression }}), 16)
{%- endmacro %}

{% macro snowflake__keyed_hash(secret, expression) -%}
    left(sha2({{ secret }} || {{ expression }}, 256), 16)
{%- endmacro %}
