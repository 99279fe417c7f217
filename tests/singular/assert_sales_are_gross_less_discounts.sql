select
    sale_line_id,
    gross_amount,
    discount_amount,
    sales_amount
from {{ ref('fct_sale_lines') }}
where
    gross_amount - discount_amount <> sales_amount
    or (gross_amount is null) <> (sales_amount is null)
