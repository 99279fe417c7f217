"""What is asked of the reports on quality: the defects of the key, and nothing else."""

from warehouse.grading.question import Question

_ARRIVED = "arrives_on <= (select day from last_day)"


def _without(*defects: str) -> str:
    """Count the units told in orders that all of these defects reach.

    The key names the orders, raw has their units. A unit that is sold twice is told in a
    second order, of the same person.
    """
    reached = " and ".join(
        f"txid in (select txid from key_defects where defect = '{name}')" for name in defects
    )
    return f"""(
        select count(distinct (txid, rfid)) from raw.client_support_orders
        where {reached} or txid in (
            select detail from key_defects where defect = 'unit_sold_twice' and {reached}))"""


_HOMELESS = """(
    select count(case when is_homeless and not coalesce(is_lost, false) then 1 end)
        + count(case when is_homeless and defect = 'unit_sold_twice' then 1 end)
    from truth)"""
_TILLS = "(select coalesce(sum(units), 0) from pos_sales)"
_TILL_RETURNS = """(
    select coalesce(sum(units), 0) from (
        select units from pos_returns union all select units from pos_returns_without_sale
    ) as returns)"""
# A defect of the line: what the loader calls it. A line torn within a letter of two bytes is
# no UTF-8 any more: these two are one.
_REFUSED = {
    "torn_line": "not_readable",
    "wrong_type": "bad_unit_price",
    "impossible_date": "bad_purchase_time",
    "reset_clock": "purchase_time_out_of_range",
    "broken_utf8": "not_readable",
}
_REASON = " ".join(f"when '{name}' then '{reason}'" for name, reason in _REFUSED.items())

_LOADS = (
    Question(
        "Load quality: lines refused",
        "reasons",
        ("feed", "reason"),
        ("lines",),
        f"""
        select feed, case defect {_REASON} end as reason, count(*) as lines
        from key_defects
        where defect in ({", ".join(f"'{name}'" for name in _REFUSED)}) and {_ARRIVED}
        group by all""",
        """
        select feed,
            case when reason in ('invalid_json', 'invalid_utf8') then 'not_readable' else reason
            end as reason,
            sum(outcome_lines) as lines
        from marts.rpt_load_quality
        where outcome in ('refused', 'unreadable')
        group by all""",
        report="rpt_load_quality",
    ),
    Question(
        "Load quality: lines known already",
        "feeds",
        ("feed",),
        ("lines",),
        f"""
        select feed, count(*) as lines
        from key_defects
        where defect in ('exact_duplicate', 'return_sent_twice') and {_ARRIVED}
        group by all""",
        """
        select feed, outcome_lines as lines
        from marts.rpt_load_quality
        where outcome = 'duplicate'""",
        report="rpt_load_quality",
    ),
    Question(
        "Load quality: lines accepted from the tills",
        "feeds",
        ("feed",),
        ("lines",),
        # Each content of a unit is a line of its own.
        f"""
        select 'orders' as feed, {_TILLS} + (
            select count(*) from key_defects
            where defect in ('conflicting_duplicate', 'correction') and {_ARRIVED}
        ) as lines
        union all
        select 'returns', {_TILL_RETURNS}""",
        """
        select feed, outcome_lines as lines
        from marts.rpt_load_quality
        where outcome = 'accepted' and feed in ('orders', 'returns')""",
        report="rpt_load_quality",
    ),
)

_TILL_ATTRIBUTES = {
    ("till_orders", "email"): (_TILLS, _without("missing_email")),
    ("till_orders", "phone"): (_TILLS, _without("missing_phone")),
    ("till_orders", "email_and_phone"): (_TILLS, _without("missing_email", "missing_phone")),
    ("till_orders", "address"): (_TILLS, _HOMELESS),
    ("sale_lines", "region"): (_TILLS, _HOMELESS),
    ("sale_lines", "country"): (_TILLS, _HOMELESS),
    ("sale_lines", "store"): (_TILLS, "0"),
    ("sale_lines", "price"): (_TILLS, "0"),
    ("sale_lines", "catalogue_item"): (
        _TILLS,
        "(select coalesce(sum(units), 0) from pos_sales where product_id like 'unlisted: %')",
    ),
    ("return_lines", "sale"): (
        _TILL_RETURNS,
        "(select coalesce(sum(units), 0) from pos_returns_without_sale)",
    ),
    ("till_returns", "reason"): (_TILL_RETURNS, "0"),
}

_MISSING = (
    Question(
        "Missing values: what the tills leave out",
        "attributes",
        ("records", "attribute"),
        ("rows_counted", "rows_without_value"),
        " union all ".join(
            f"select '{records}' as records, '{attribute}' as attribute, "
            f"{rows} as rows_counted, {missing} as rows_without_value"
            for (records, attribute), (rows, missing) in _TILL_ATTRIBUTES.items()
        ),
        f"""
        select records, attribute, rows_counted, rows_without_value
        from marts.rpt_missing_values
        where source_system = 'pos' and (records, attribute) in
            ({", ".join(str(place) for place in _TILL_ATTRIBUTES)})""",
        report="rpt_missing_values",
    ),
    # A line may be blank and sent twice: then both leave it out.
    Question(
        "Missing values: what the web store leaves out",
        "attributes",
        ("attribute",),
        ("rows_without_value",),
        """
        with lines as (
            select
                count_if(defect = 'web_missing_description') as blanks,
                count_if(defect = 'web_exact_duplicate') as copies
            from key_web_defects
            where day <= (select max(invoice_date) from key_web_lines)
            group by invoice_no, stock_code
        )
        select 'description' as attribute,
            coalesce(sum(case when blanks > 0 then blanks + copies end), 0)
                as rows_without_value
        from lines
        union all
        select 'country', 0""",
        """
        select attribute, rows_without_value
        from marts.rpt_missing_values
        where records = 'web_lines' and attribute in ('description', 'country')""",
        system="web",
        report="rpt_missing_values",
    ),
)


_CHANGES = (
    Question(
        "Answers kept: the newest state",
        "answers",
        ("answer",),
        ("net_units", "net_cents"),
        """
        select answer, units - units_returned as net_units, net_cents
        from (
            select sum(units) as units, sum(units_returned) as units_returned,
                sum(net_cents) as net_cents
            from all_revenue
        ) as revenue
        cross join (
            values ('revenue_totals'), ('revenue_by_month'), ('revenue_by_store')
        ) as answers (answer)""",
        """
        select answer, sum(net_units) as net_units,
            cast(100 * sum(net_amount) as bigint) as net_cents
        from marts.rpt_answers
        where answer in ('revenue_by_month', 'revenue_by_store')
            or answer = 'revenue_totals' and subject_id = 'all'
        group by as_of_load, answer
        qualify as_of_load = max(as_of_load) over ()""",
        report="rpt_answers",
    ),
)

QUALITY = (*_LOADS, *_MISSING, *_CHANGES)
