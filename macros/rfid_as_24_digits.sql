{#-
    96 bits as 24 upper-case hexadecimal digits. The first tills wrote Python's hex(): a 0x
    in front, and the leading zeros lost. A tag that is longer is another kind of number
    and stays whole: lpad would cut it, and two units would become one. Most tags are whole
    already, and are looked at first: that halves the time to find a unit's versions.
-#}
{% macro rfid_as_24_digits(column) -%}
    {%- set digits -%}
        upper(
            case
                when lower(left(trim({{ column }}), 2)) = '0x'
                    then substr(trim({{ column }}), 3)
                else trim({{ column }})
            end
        )
    {%- endset -%}
    case
        when
            length({{ column }}) = 24
            and {{ column }} not like '% %'
            and lower(left({{ column }}, 2)) <> '0x'
            then upper({{ column }})
        when length({{ digits }}) < 24 then lpad({{ digits }}, 24, '0')
        else {{ digits }}
    end
{%- endmacro %}
