{#-
    An end of the 95 % interval of a rate, null where nothing was tried; `side` is "lower" or
    "upper". E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927), 209-212. Unlike the
    normal interval it is right for few trials: 1 of 1 lies between 0.21 and 1.
-#}
{% macro wilson_bound(successes, trials, side) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set tried = "cast(" ~ trials ~ " as double)" -%}
    {%- set rate = "cast(" ~ successes ~ " as double) / " ~ tried -%}
    cast(
        case when {{ trials }} > 0 then
            least(1, greatest(0, (
                {{ rate }} + {{ z * z / 2 }} / {{ tried }}
                {{ "-" if side == "lower" else "+" }} {{ z }} * sqrt(greatest(0,
                    {{ rate }} * (1 - {{ rate }}) / {{ tried }}
                    + {{ z * z / 4 }} / {{ tried }} / {{ tried }}
                ))
            ) / (1 + {{ z * z }} / {{ tried }})))
        end as decimal(9, 6)
    )
{%- endmacro %}
