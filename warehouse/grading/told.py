"""What the marts should hold: the key, moved by what the defects did to the lines.

In a clean world this is the key. In a dirty one the key's table `touched` tells the truth of
every unit of an order that a defect reaches: those are taken out of the counts and put back as
the warehouse was told of them. Nothing is estimated:

torn_line, wrong_type, impossible_date, reset_clock, broken_utf8
    the line is refused: a unit less, and its return, if any, has no sale
late_arrival
    nothing, once the line is there; until then as if it were refused
unit_sold_twice
    one unit more, in an order of its own: the same tag under another TXID
unknown_item
    the unit and its return are of an unlisted item
conflicting_duplicate
    the later of two contents counts: 10.00 dearer
correction
    nothing, once the second content is there; until then 10.00 dearer
exact_duplicate, return_sent_twice
    nothing: a line counts once
missing_address
    all units of the order are of the region and the country "unknown"
missing_phone, missing_email, invalid_phone, mojibake
    nothing but who is taken for whom: see `customers`
return_before_sale
    the refund stands on the day that was told, the business day an hour before the sale
return_of_unsold_unit
    one return more without a sale, which no net figure holds
web_missing_description, web_zero_price
    a line without a price: units sold or cancelled, for nothing. Where no line of an invoice
    has a price, and none a customer, its sales are corrections of the stock: no sale at all
web_missing_customer, web_code_in_lower_case, web_exact_duplicate
    nothing, but for who is taken for whom and which sale a cancellation undoes
"""

from warehouse.connect import Connection, query
from warehouse.grading.key import World
from warehouse.grading.told_tills import TILLS

_SHOPS = {
    "shops_sales": """
        select
            sale_date,
            'shops/' || store_id as store_id,
            coalesce(catalogue.sku, 'shops/' || product_id) as product_id,
            sum(units) as units,
            sum(amount_cents) as sales_cents
        from key_shop_sales
        left join catalogue on product_id = catalogue.sku
        group by all""",
    # Of its stores the key tells no region: what each of them says of itself counts.
    "shops_regions": """
        select coalesce(region_code, 'unknown') as region_id, sum(units) as units,
            sum(sales_cents) as sales_cents
        from shops_sales
        left join (
            select distinct 'shops/' || store_id as store_id, region_code from raw.shop_stores
            inner join reference.regions on region = region_name
        ) as stores using (store_id)
        group by all""",
}

_WEB = {
    "web_moved": """
        with
        lines as (
            select
                * exclude (defect),
                bool_or(defect = 'web_missing_description') as is_blank,
                bool_or(defect in ('web_missing_description', 'web_zero_price')) as is_free,
                bool_or(defect = 'web_missing_customer') as is_anonymous
            from key_web_defects
            where day <= (select max(invoice_date) from key_web_lines)
            group by all
        ),
        invoices as (
            select
                invoice_no,
                bool_or(is_anonymous) or count_if(is_blank) = any_value(invoice_lines)
                    as is_nobodys,
                count_if(is_free) = any_value(invoice_lines) as is_for_nothing
            from lines
            group by invoice_no
        )
        select lines.*, is_nobodys and is_for_nothing as is_correction
        from lines
        inner join invoices using (invoice_no)
        where is_free""",
    "web_sales": """
        select
            invoice_date as sale_date,
            stock_code as product_id,
            country_code,
            sum(units_sold) as units,
            sum(amount_cents) as sales_cents,
            sum(units_cancelled) as units_cancelled,
            sum(refund_cents) as refund_cents
        from (
            select invoice_date, stock_code, country, units_sold, amount_cents, units_cancelled,
                refund_cents
            from key_web_lines
            union all
            select
                day, stock_code, country,
                case when is_correction then -units_sold else 0 end,
                -amount_cents,
                0,
                -refund_cents
            from web_moved
        ) as counts
        left join reference.countries on country = country_name
        group by all having sum(units_sold) <> 0 or sum(units_cancelled) <> 0""",
}

# A customer is missing from every line of an invoice, or from none.
_SOLD_TO_NOBODY = """
    select lines.stock_code as product_id, sum(lines.units_sold) as units
    from (
        select distinct * exclude (defect) from key_web_defects
        where day <= (select max(invoice_date) from key_web_lines)
    ) as lines
    semi join (
        select invoice_no from key_web_defects where defect = 'web_missing_customer'
    ) as anonymous using (invoice_no)
    left join (select distinct invoice_no from web_moved where is_correction) as corrections
        using (invoice_no)
    where corrections.invoice_no is null
    group by all having sum(lines.units_sold) <> 0"""
_NOTHING = "select '' as product_id, 0 as units where false"

# Which cancellation of the web store undoes which sale follows, under dirt, from customers who
# are not told: there the reports are held against the star.
_WEB_RETURNS = {
    True: """
        select sale_date as return_date, product_id, units_cancelled as units, refund_cents
        from web_sales
        where units_cancelled <> 0""",
    False: """
        select return_date, product_id, sum(units_returned) as units,
            cast(100 * sum(refund_amount) as bigint) as refund_cents
        from marts.fct_return_lines
        where source_system = 'web' and has_sale
        group by all""",
}

# Every system that is loaded, as the reports add them up.
_REVENUE = {
    "pos": """
        select 'pos' as source_system, sale_date as day, store_id, product_id, units,
            gross_cents, discount_cents, sales_cents, 0 as units_returned, 0 as refund_cents
        from pos_sales
        union all
        select 'pos', return_date, store_id, product_id, 0, 0, 0, 0, units, refund_cents
        from pos_returns""",
    "shops": """
        select 'shops', sale_date, store_id, product_id, units, sales_cents, 0, sales_cents, 0, 0
        from shops_sales""",
    "web": """
        select 'web', sale_date, 'online', product_id, units, sales_cents, 0, sales_cents, 0, 0
        from web_sales
        where units <> 0
        union all
        select 'web', return_date, 'online', product_id, 0, 0, 0, 0, units, refund_cents
        from web_returns""",
}
_REGIONS = {
    "pos": "select region_id, units, sales_cents from pos_regions",
    "shops": "select region_id, units, sales_cents from shops_regions",
    # The web store knows countries alone.
    "web": """
        select case when country_code = 'FR' then 'unknown' else 'foreign' end as region_id,
            units, sales_cents
        from web_sales
        where units <> 0""",
}
_COUNTRIES = {
    "pos": "select country_code, units, sales_cents from pos_countries",
    "shops": """
        select case when region_id = 'unknown' then 'unknown' else 'FR' end as country_code,
            units, sales_cents
        from shops_regions""",
    "web": "select country_code, units, sales_cents from web_sales where units <> 0",
}


def work_out(connection: Connection, world: World) -> None:
    """Make a table of each of the above, for the systems that are loaded."""
    tables = TILLS | (_SHOPS if "shops" in world.loaded else {})
    if "web" in world.loaded:
        tables |= _WEB | {"web_returns": _WEB_RETURNS[world.is_clean]}
    revenue, regions, countries = (
        " union all ".join(of[name] for name in sorted(world.loaded))
        for of in (_REVENUE, _REGIONS, _COUNTRIES)
    )
    tables |= {
        "sold_to_nobody": _SOLD_TO_NOBODY if "web" in world.loaded else _NOTHING,
        "all_revenue": f"select *, sales_cents - refund_cents as net_cents from ({revenue})",
        "all_regions": regions,
        "all_countries": countries,
    }
    for name, sql in tables.items():
        query(connection, f"create temp table {name} as {sql}")
