{#-
    How often chance alone would be as far from 0 as `z`, a column in standard deviations:
    erfc(|z| / sqrt 2). For the p-value of a chi-square of one degree of freedom, give its
    square root.

    No engine here has erfc. Near 0 it is formula 7.1.26 of M. Abramowitz and I. A. Stegun,
    "Handbook of Mathematical Functions" (1964), off by less than 0.00000015; from 3 standard
    deviations on the continued fraction 7.1.14, off by less than a millionth of the p-value.
    Beyond 37 standard deviations it stays at that of 37, so that nothing underflows.
-#}
{% macro two_sided_p_value(z) -%}
    {%- set x = "(least(abs(cast(" ~ z ~ " as double)), 37) / 1.4142135623730951)" -%}
    {%- set t = "(1 / (1 + 0.3275911 * " ~ x ~ "))" -%}
    {%- set fraction = namespace(of=x) -%}
    {%- for step in range(12, 0, -1) -%}
        {%- set fraction.of = "(" ~ x ~ " + " ~ step / 2 ~ " / " ~ fraction.of ~ ")" -%}
    {%- endfor -%}
    case
        when abs({{ z }}) < 3 then
            exp(-{{ x }} * {{ x }}) * {{ t }} * (
                0.254829592 + {{ t }} * (
                    -0.284496736 + {{ t }} * (
                        1.421413741 + {{ t }} * (-1.453152027 + {{ t }} * 1.061405429)
                    )
                )
            )
        when abs({{ z }}) >= 3 then exp(-{{ x }} * {{ x }}) / 1.772453850905516 / {{ fraction.of }}
    end
{%- endmacro %}
