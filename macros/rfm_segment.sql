{#-
    The name of a customer's segment: one for each of the 125 codes. How lately she bought
    decides the line, frequency and amount together the column. The scores are those of A. M.
    Hughes, "Strategic Database Marketing" (1994); that "Champions" is what 5-5-5 is called
    is a convention, as are the borders.

    recency   8 to 10     5 to 7           2 to 4, of frequency and amount together
    5         Champions   Loyal            Recent
    4         Champions   Loyal            Promising
    3         Loyal       Need attention   Need attention
    2         At risk     At risk          Hibernating
    1         At risk     Hibernating      Lost

    Nobody is loyal for one big purchase: with a frequency below 3, "Loyal" is what stands to
    the right of it.
-#}
{% macro rfm_segment(recency, frequency, monetary) -%}
    case
        when {{ recency }} >= 4 and {{ frequency }} + {{ monetary }} >= 8 then 'Champions'
        when
            {{ recency }} >= 4 and {{ frequency }} >= 3
            and {{ frequency }} + {{ monetary }} >= 5
            then 'Loyal'
        when {{ recency }} = 5 then 'Recent'
        when {{ recency }} = 4 then 'Promising'
        when {{ recency }} = 3 and {{ frequency }} + {{ monetary }} >= 8 then 'Loyal'
        when {{ recency }} = 3 then 'Need attention'
        when {{ frequency }} + {{ monetary }} >= 8 then 'At risk'
        when {{ recency }} = 2 and {{ frequency }} + {{ monetary }} >= 5 then 'At risk'
        when {{ recency }} = 2 or {{ frequency }} + {{ monetary }} >= 5 then 'Hibernating'
        else 'Lost'
    end
{%- endmacro %}
