{#-
    What was sold, given back and earned: the sums of `fct_revenue_days` over a group. Counts
    are wide: one mistyped quantity is no reason for a build to stop.
-#}
{% macro revenue_sums() -%}
    cast(sum(units_sold) as bigint) as units_sold,
        cast(sum(units_without_price) as bigint) as units_without_price,
        cast(sum(units_returned) as bigint) as units_returned,
        cast(sum(units_sold - units_returned) as bigint) as net_units,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount
{%- endmacro %}
