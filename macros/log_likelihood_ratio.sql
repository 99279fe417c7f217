{#-
    How much likelier what was counted is with two rates, one here and one elsewhere, than
    with a common one: half of Dunning's G, in natural logarithms. T. Dunning, "Accurate
    methods for the statistics of surprise and coincidence", Computational Linguistics 19
    (1993), 61-74: unlike a chi-square it is right for few trials and rare events.

    By H. Chernoff, "A measure of asymptotic efficiency for tests of a hypothesis based on the
    sum of observations", Annals of Mathematical Statistics 23 (1952), 493-507, chance alone
    goes as far with a probability of at most exp(-ratio) where the rate elsewhere is known:
    a ratio of ln(tests / 0.05) or more is surely no chance among so many tests.
-#}
{% macro log_likelihood_ratio(rate_here, trials_here, rate_elsewhere, trials_elsewhere) -%}
    {%- set trials = "(" ~ trials_here ~ " + " ~ trials_elsewhere ~ ")" -%}
    {%- set common -%}
        ((cast({{ rate_here }} as double) * {{ trials_here }}
        + cast({{ rate_elsewhere }} as double) * {{ trials_elsewhere }}) / {{ trials }})
    {%- endset -%}
    {%- set sides = [(rate_here, trials_here), (rate_elsewhere, trials_elsewhere)] -%}
    (
        {%- for rate, count in sides %}
        {{ "+ " if not loop.first }}{{ count }} * (
            case
                when {{ rate }} > 0
                    then {{ rate }} * ln(cast({{ rate }} as double) / {{ common }})
                else 0
            end
            + case
                when {{ rate }} < 1
                    then (1 - {{ rate }})
                        * ln((1 - cast({{ rate }} as double)) / (1 - {{ common }}))
                else 0
            end
        )
        {%- endfor %}
    )
{%- endmacro %}
