{#-
    96 bits as 24 upper-case hexadecimal digits. The first tills wrote Python's hex():
    a 0x in front, and the leading zeros lost.
-#}
{% macro rfid_as_24_digits(column) -%}
    lpad(
        upper(
            case
                when lower(left({{ column }}, 2)) = '0x' then substr({{ column }}, 3)
                else {{ column }}
            end
        ),
        24,
        '0'
    )
{%- endmacro %}
