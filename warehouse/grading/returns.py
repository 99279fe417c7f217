"""What is asked of the reports on returns: rates, reasons, and units that cannot be right."""

from warehouse.grading.question import Question, cents

# What came back before its sale, by the clocks, is a finding and counts in no rate.
_EARLY = """
    select
        coalesce(sku, 'unlisted: ' || item_name) as product_id, return_reason as reason, rfid,
        txid, refund_cents
    from (
        select
            truth.rfid, truth.txid, return_reason,
            case when truth.defect = 'unknown_item' then truth.detail else item_name end
                as item_name,
            gross_cents - discount_cents as refund_cents
        from key_defects as defects
        inner join truth on defects.rfid = truth.rfid
        where defects.defect = 'return_before_sale' and not coalesce(is_lost, false)
    ) as early
    left join catalogue using (item_name)"""

# What the web store sold to nobody it names counts in no rate, nor what is held against it.
_TO_NOBODY = """
    select product_id, -units as units, 0 as units_back from sold_to_nobody
    union all
    select product_id, 0, -units_returned from marts.fct_return_lines
    where source_system = 'web' and has_sale and customer_id = 'unknown'"""

# The planted items, as the tills told of them, and from how many on they must be found: five
# standard deviations beyond what the reports demand.
_UNITS, _RETURNS = 500, 100
_FRAGILE = """
    select sku as product_id, coalesce(units, 0) as units,
        coalesce(units_returned, 0) as units_returned
    from planted_return_percents
    inner join catalogue on of_what = item_name
    left join (
        select product_id, sum(units) as units from pos_sales group by product_id
    ) as sold on sku = sold.product_id
    left join (
        select product_id, sum(units) as units_returned from pos_returns group by product_id
    ) as back on sku = back.product_id"""

_WITHOUT_SALE = """
    select rfid, txid from truth where is_lost and has_come_back
    union all
    select rfid, txid from key_defects where defect = 'return_of_unsold_unit'"""


def _found(kind: str, measure: str) -> str:
    return (
        f"select unit_id as rfid, {measure} from marts.rpt_unit_ledger_findings "
        f"where finding_kind = '{kind}' and source_system = 'pos'"
    )


def _findings(text: str, kind: str, expected: str) -> Question:
    """Ask for the units of one kind of finding at the tills, with the order that is wrong."""
    return Question(
        text,
        "units",
        ("rfid", "txid"),
        ("found",),
        f"select rfid, txid, 1 as found from ({expected}) as defects",
        _found(kind, "order_id as txid, 1 as found"),
        report="rpt_unit_ledger_findings",
    )


_RATES = (
    Question(
        "Returns: sold and come back per item",
        "items",
        ("product_id",),
        ("units", "units_back"),
        f"""
        select product_id, sum(units) as units, sum(units_back) as units_back
        from (
            select product_id, units, units_returned as units_back from all_revenue
            where source_system <> 'shops'
            union all
            select product_id, 0, -1 from ({_EARLY}) as early
            union all
            {_TO_NOBODY}
        ) as moves
        group by product_id having sum(units) > 0""",
        """
        select subject_id as product_id, units_sold as units,
            units_returned + units_cancelled as units_back
        from marts.rpt_return_rates
        where subject_kind = 'product' and units_sold > 0""",
        report="rpt_return_rates",
    ),
    Question(
        "Returns: rate of the tills, and what it cost",
        "",
        (),
        ("units", "units_returned", "units_cancelled", "units_before_sale", "refund_cents"),
        f"""
        select
            (select sum(units) from pos_sales) as units,
            (select coalesce(sum(units), 0) from pos_returns) - count(*) as units_returned,
            0 as units_cancelled,
            count(*) as units_before_sale,
            (select coalesce(sum(refund_cents), 0) from pos_returns)
            - coalesce(sum(refund_cents), 0) as refund_cents
        from ({_EARLY}) as early""",
        f"""
        select sum(units_sold) as units, sum(units_returned) as units_returned,
            sum(units_cancelled) as units_cancelled,
            sum(units_returned_before_sale) as units_before_sale,
            {cents("refund_amount")} as refund_cents
        from marts.rpt_return_rates
        where subject_kind = 'source_system' and subject_id = 'pos'""",
        report="rpt_return_rates",
    ),
    # Among few units, what is planted cannot be told from chance: neither asked for nor held
    # against the report.
    Question(
        "Returns: items that come back more than usual",
        "items",
        ("product_id",),
        ("found",),
        f"select product_id, 1 as found from ({_FRAGILE}) as fragile where units >= {_UNITS}",
        f"""
        select subject_id as product_id, 1 as found
        from marts.rpt_return_rates
        where subject_kind = 'product' and is_above_usual and subject_id not in (
            select product_id from ({_FRAGILE}) as fragile where units < {_UNITS}
        )""",
        report="rpt_return_rates",
    ),
    Question(
        "Returns: the items that come back most",
        "items",
        ("product_id",),
        ("found",),
        f"select product_id, 1 as found from ({_FRAGILE}) as fragile where units >= {_UNITS}",
        f"""
        select subject_id as product_id, 1 as found
        from marts.rpt_return_rates
        inner join ({_FRAGILE}) as fragile on subject_id = product_id
        where subject_kind = 'product' and units >= {_UNITS}
            and return_rank <= (select count(*) from ({_FRAGILE}) as fragile)""",
        report="rpt_return_rates",
    ),
)

_REASONS = (
    Question(
        "Returns: per item and reason",
        "rows",
        ("product_id", "reason"),
        ("units",),
        f"""
        select product_id, reason, sum(units) as units
        from (
            select product_id, reason, units from pos_returns
            union all
            select product_id, reason, -1 from ({_EARLY}) as early
        ) as moves
        group by all having sum(units) <> 0""",
        """
        select product_id, return_reason as reason, units_returned as units
        from marts.rpt_return_reasons
        where product_id <> 'all' and return_reason <> 'unknown'""",
        report="rpt_return_reasons",
    ),
    Question(
        "Returns: items with a reason of their own",
        "items",
        ("product_id", "reason"),
        ("found",),
        f"""
        select product_id, 'damaged' as reason, 1 as found
        from ({_FRAGILE}) as fragile
        where units_returned >= {_RETURNS}""",
        f"""
        select product_id, return_reason as reason, 1 as found
        from marts.rpt_return_reasons
        where is_above_usual and not (
            return_reason = 'damaged' and product_id in (
                select product_id from ({_FRAGILE}) as fragile
                where units_returned < {_RETURNS}
            )
        )""",
        report="rpt_return_reasons",
    ),
)

_LEDGER = (
    # Which of the two orders is the wrong one, no warehouse can tell.
    Question(
        "Units sold twice",
        "units",
        ("rfid", "order_a", "order_b"),
        ("found",),
        "select rfid, least(txid, detail) as order_a, greatest(txid, detail) as order_b, "
        "1 as found from key_defects where defect = 'unit_sold_twice'",
        _found(
            "sold_twice",
            "least(order_id, held_against_order_id) as order_a, "
            "greatest(order_id, held_against_order_id) as order_b, 1 as found",
        ),
        report="rpt_unit_ledger_findings",
    ),
    _findings("Units returned before they were sold", "returned_before_sold", _EARLY),
    _findings("Units returned that were never sold", "returned_without_sale", _WITHOUT_SALE),
    Question(
        "Other findings at the tills",
        "",
        (),
        ("findings",),
        "select 0 as findings",
        """
        select count(*) as findings
        from marts.rpt_unit_ledger_findings
        where source_system = 'pos' and finding_kind not in (
            'sold_twice', 'returned_before_sold', 'returned_without_sale'
        )""",
        report="rpt_unit_ledger_findings",
    ),
    # Of the web store's dirt, which cancellation loses its sale follows from customers who
    # are not told.
    Question(
        "Findings at the web store and the partner shops",
        "",
        (),
        ("findings",),
        "select 0 as findings",
        "select count(*) as findings from marts.rpt_unit_ledger_findings "
        "where source_system <> 'pos'",
        report="rpt_unit_ledger_findings",
        is_for_clean_worlds=True,
    ),
)

RETURNS = (*_RATES, *_REASONS, *_LEDGER)
