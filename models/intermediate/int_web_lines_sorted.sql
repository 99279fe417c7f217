with

order_lines as (

    select * from {{ ref('stg_web__order_lines') }}

),

pepper as (

    select * from {{ ref('stg_warehouse__pepper') }}

),

charge_codes as (

    select * from {{ ref('charge_codes') }}

),

catalogue as (

    select * from {{ ref('catalogue') }}

),

spelled_countries as (

    select * from {{ ref('int_countries_spelled') }}

),

invoices as (

    -- One line may leave out what the others of its invoice tell.
    select
        invoice_number,
        max(customer_number) as customer_number,
        max(unit_price) as highest_price
    from order_lines
    group by invoice_number

),

buyers as (

    select
        invoices.invoice_number,
        invoices.highest_price,
        case
            when invoices.customer_number is null then 'unknown'
            else {{ keyed_hash('pepper.pepper', "'web|' || invoices.customer_number") }}
        end as customer_id
    from invoices
    cross join pepper

),

named_codes as (

    -- A code is one product, whatever single lines call it.
    select
        order_lines.stock_code,
        min(catalogue.sku) as sku
    from order_lines
    inner join catalogue on order_lines.description = catalogue.item_name
    group by order_lines.stock_code
    having min(catalogue.sku) = max(catalogue.sku)

),

told as (

    select
        order_lines.*,
        buyers.customer_id,
        buyers.highest_price,
        charge_codes.charge_kind as listed_kind,
        coalesce(
            items_by_sku.sku, named_codes.sku, 'web/' || order_lines.stock_code
        ) as product_id,
        coalesce(spelled_countries.country_code, 'unknown') as country_code
    from order_lines
    inner join buyers on order_lines.invoice_number = buyers.invoice_number
    left join charge_codes on order_lines.stock_code like charge_codes.charge_code
    left join catalogue as items_by_sku on order_lines.stock_code = items_by_sku.sku
    left join named_codes on order_lines.stock_code = named_codes.stock_code
    left join spelled_countries
        on {{ fold_text('order_lines.country') }} = spelled_countries.spelling

),

judged as (

    select
        *,
        case
            when is_repeated then 'repeated'
            when
                listed_kind is not null
                or upper(left(invoice_number, 1)) = 'A'
                or unit_price < 0
                then 'charge'
            when
                quantity < 0
                and (upper(left(invoice_number, 1)) = 'C' or unit_price > 0)
                then 'return'
            -- Found, damaged, thrown away: nobody bought anything on the whole invoice. A
            -- gift stands beside what is paid for, or has a customer.
            when quantity <= 0 or (highest_price <= 0 and customer_id = 'unknown')
                then 'stock'
            else 'sale'
        end as line_kind
    from told

),

sorted as (

    select
        'web/' || invoice_number || '/' || cast(line_number as varchar) as web_line_id,
        'web/' || invoice_number as order_id,
        line_kind,
        case when line_kind = 'charge' then stock_code end as charge_code,
        case
            when line_kind <> 'charge' then null
            when upper(left(invoice_number, 1)) = 'A' then 'bad_debt'
            else coalesce(listed_kind, 'adjustment')
        end as charge_kind,
        case when line_kind <> 'charge' then product_id end as product_id,
        description as item_description,
        customer_id,
        case
            when country_code in ('FR', 'unknown') then 'unknown'
            else 'foreign'
        end as region_id,
        country_code,
        invoice_date,
        invoiced_at,
        quantity as units,
        unit_price,
        cast(round(quantity * unit_price, 2) as decimal(18, 2)) as line_amount,
        {{ currency() }} as currency,
        load_seq
    from judged

)

select * from sorted
