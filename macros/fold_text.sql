{#-
    Text to be compared: lower case, without accents, hyphens and apostrophes as blanks.
    "Saint-Barthélemy" is "SAINT BARTHELEMY". Letters that are not Latin stay as they are.
-#}
{% macro fold_text(expression) -%}
    translate(
        replace(replace(lower({{ expression }}), 'œ', 'oe'), 'æ', 'ae'),
        'àáâãäåçèéêëìíîïñòóôõöùúûüýÿ-’''',
        'aaaaaaceeeeiiiinooooouuuuyy   '
    )
{%- endmacro %}
