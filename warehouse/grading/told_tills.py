"""The tills' counts of the key, moved by the defects of their lines; `told` says how."""

_PRODUCT = "coalesce(catalogue.sku, 'unlisted: ' || item_name)"
# Online orders leave from the warehouse, where the tills know no store.
_STORE = "case when location_id = 'ENTREPOT-ROISSY-01' then 'online' else location_id end"

TILLS = {
    "truth": """
        select
            touched.*,
            stories.defect,
            stories.detail,
            stories.defect in (
                'torn_line', 'wrong_type', 'impossible_date', 'reset_clock', 'broken_utf8'
            ) or stories.defect = 'late_arrival' and stories.arrives_on > last_day.day as is_lost,
            stories.defect = 'conflicting_duplicate'
            or stories.defect = 'correction' and stories.arrives_on > last_day.day as is_dearer,
            homeless.txid is not null as is_homeless,
            coalesce(cast(early.detail as date), touched.return_date) as told_return_date,
            touched.return_date <= last_day.day as has_come_back
        from key_touched as touched
        cross join last_day
        left join (
            select * from key_defects where feed = 'orders' and rfid is not null
        ) as stories on touched.rfid = stories.rfid
        left join (
            select distinct txid from key_defects where defect = 'missing_address'
        ) as homeless on touched.txid = homeless.txid
        left join (
            select * from key_defects where defect = 'return_before_sale'
        ) as early on touched.rfid = early.rfid""",
    "told": """
        select
            txid,
            sale_date,
            location_id,
            case when defect = 'unknown_item' then detail else item_name end as item_name,
            customer,
            case when is_homeless then 'unknown' else region_code end as region_code,
            case when is_homeless then 'unknown' else country_code end as country_code,
            gross_cents + case when is_dearer then 1000 else 0 end as gross_cents,
            discount_cents,
            gross_cents - discount_cents as refund_cents,
            told_return_date as return_date,
            return_reason,
            coalesce(has_come_back, false) as has_come_back
        from truth
        where not coalesce(is_lost, false)
        union all
        select
            detail, sale_date, location_id, item_name, customer,
            case when is_homeless then 'unknown' else region_code end,
            case when is_homeless then 'unknown' else country_code end,
            gross_cents, discount_cents, 0, null, null, false
        from truth
        where defect = 'unit_sold_twice'""",
    # What the counts of the key are moved by: the truth out, what was told in.
    "moved": """
        select
            1 as sign, txid, sale_date, location_id, item_name, customer, region_code,
            country_code, gross_cents, discount_cents, refund_cents, return_date, return_reason,
            has_come_back
        from told
        union all
        select
            -1, txid, sale_date, location_id, item_name, customer, region_code,
            country_code, gross_cents, discount_cents, gross_cents - discount_cents, return_date,
            return_reason, coalesce(has_come_back, false)
        from truth""",
    "catalogue": "select sku, item_name from reference.catalogue",
    "pos_sales": f"""
        select
            sale_date,
            {_STORE} as store_id,
            {_PRODUCT} as product_id,
            sum(units) as units,
            sum(gross_cents) as gross_cents,
            sum(discount_cents) as discount_cents,
            sum(gross_cents) - sum(discount_cents) as sales_cents
        from (
            select sale_date, location_id, item_name, units_sold as units, gross_cents,
                discount_cents
            from key_sales
            union all
            select sale_date, location_id, item_name, sign, sign * gross_cents,
                sign * discount_cents
            from moved
        ) as counts
        left join catalogue using (item_name)
        group by all having sum(units) <> 0""",
    "pos_regions": f"""
        select
            region_code as region_id,
            {_PRODUCT} as product_id,
            sum(units) as units,
            sum(sales_cents) as sales_cents
        from (
            select region_code, item_name, units, sales_cents from key_regions
            union all
            select region_code, item_name, sign, sign * (gross_cents - discount_cents) from moved
        ) as counts
        left join catalogue using (item_name)
        group by all having sum(units) <> 0""",
    "pos_countries": """
        select country_code, sum(units) as units, sum(sales_cents) as sales_cents
        from (
            select country_code, units, sales_cents from key_customers
            union all
            select country_code, sign, sign * (gross_cents - discount_cents) from moved
        ) as counts
        group by all having sum(units) <> 0""",
    "pos_customers": """
        select
            customer,
            sum(orders) as orders,
            sum(units) as units,
            sum(sales_cents) as sales_cents
        from (
            select customer, orders, units, sales_cents from key_customers
            union all
            select customer, min(sign), 0, 0 from moved group by customer, sign, txid
            union all
            select customer, 0, sign, sign * (gross_cents - discount_cents) from moved
        ) as counts
        group by all having sum(units) <> 0""",
    "pos_baskets": f"""
        with
        moved_baskets as (
            select distinct sign, txid, {_PRODUCT} as product_id
            from moved
            left join catalogue using (item_name)
        ),
        counts as (
            select
                coalesce(a.sku, 'unlisted: ' || item_a) as product_a,
                coalesce(b.sku, 'unlisted: ' || item_b) as product_b,
                baskets
            from key_baskets
            left join catalogue as a on item_a = a.item_name
            left join catalogue as b on item_b = b.item_name
            union all
            select a.product_id, b.product_id, a.sign
            from moved_baskets as a
            inner join moved_baskets as b
                on a.sign = b.sign and a.txid = b.txid and a.product_id <= b.product_id
        )
        select
            least(product_a, product_b) as product_a,
            greatest(product_a, product_b) as product_b,
            sum(baskets) as baskets
        from counts
        group by all having sum(baskets) <> 0""",
    "pos_returns": f"""
        select
            return_date,
            {_STORE} as store_id,
            {_PRODUCT} as product_id,
            reason,
            sum(units) as units,
            sum(refund_cents) as refund_cents
        from (
            select return_date, location_id, item_name, reason, units, refund_cents
            from key_returns
            union all
            select return_date, location_id, item_name, return_reason, sign, sign * refund_cents
            from moved
            where has_come_back
        ) as counts
        left join catalogue using (item_name)
        group by all having sum(units) <> 0""",
    "pos_returns_without_sale": """
        select return_date, reason, count(*) as units, sum(refund_cents) as refund_cents
        from (
            select told_return_date as return_date, return_reason as reason,
                gross_cents - discount_cents as refund_cents
            from truth
            where is_lost and has_come_back
            union all
            select defects.arrives_on, truth.return_reason,
                truth.gross_cents - truth.discount_cents
            from key_defects as defects
            inner join truth on defects.detail = truth.rfid
            where defects.defect = 'return_of_unsold_unit'
        ) as returns
        group by all""",
    "pos_stock": """
        with moves as (
            select sale_date as day, location_id, item_name, -sign as units from moved
            union all
            select return_date, location_id, item_name, sign from moved where has_come_back
        )
        select
            week_start, key_stock.location_id as store_id, catalogue.sku as product_id,
            any_value(closing) + coalesce(sum(units), 0) as units
        from key_stock
        inner join catalogue on key_stock.item_name = catalogue.item_name
        left join moves
            on key_stock.location_id = moves.location_id
            and key_stock.item_name = moves.item_name
            and moves.day < key_stock.week_start + 7
        group by all""",
}
