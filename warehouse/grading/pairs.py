"""What is asked of the items bought together: all that was planted, and the key's baskets."""

from warehouse.grading.question import Question

_REPORT = "rpt_items_bought_together"

# Figurines of the catalogue, each of which stands in the report: unlisted names, of a dirty
# world, may be too many to be listed.
_LISTED = """
    inner join catalogue as a on product_a = a.sku
    inner join catalogue as b on product_b = b.sku"""

# What the key knows of each pair: orders in all, with either item and with both.
_COUNTS = """
    select
        pairs.product_a, pairs.product_b,
        (select sum(orders) from pos_customers) as baskets,
        with_a.baskets as with_a, with_b.baskets as with_b, pairs.baskets as with_both
    from pos_baskets as pairs
    inner join pos_baskets as with_a
        on pairs.product_a = with_a.product_a and pairs.product_a = with_a.product_b
    inner join pos_baskets as with_b
        on pairs.product_b = with_b.product_a and pairs.product_b = with_b.product_b
    where pairs.product_a < pairs.product_b and pairs.baskets >= 5"""

# Of a small world too little is known to be sure of a pair; then nothing is demanded of it.
_SURE_OF = 30
_PLANTED = f"""
    select least(a.sku, b.sku) as product_a, greatest(a.sku, b.sku) as product_b, baskets
    from planted_pairs
    inner join catalogue as a on item = a.item_name
    inner join catalogue as b on companion = b.item_name
    inner join pos_baskets
        on least(a.sku, b.sku) = product_a and greatest(a.sku, b.sku) = product_b
    where baskets >= {_SURE_OF}"""

PAIRS = (
    Question(
        "Tills: pairs planted, all found and first in rank",
        "pairs",
        ("product_a", "product_b"),
        ("baskets",),
        _PLANTED,
        f"""
        select product_a, product_b, baskets_with_both as baskets
        from marts.{_REPORT}
        where source_system = 'pos' and basis = 'orders' and is_bought_together
            and baskets_with_both >= {_SURE_OF}
        qualify rank() over (order by pair_rank) <= (select count(*) from ({_PLANTED}))""",
        report=_REPORT,
    ),
    Question(
        "Tills: orders that hold both items, either and any",
        "pairs",
        ("product_a", "product_b"),
        ("baskets", "with_a", "with_b", "with_both"),
        f"select counts.* from ({_COUNTS}) as counts {_LISTED}",
        f"""
        select product_a, product_b, baskets, baskets_with_a as with_a,
            baskets_with_b as with_b, baskets_with_both as with_both
        from marts.{_REPORT} {_LISTED}
        where source_system = 'pos' and basis = 'orders'""",
        report=_REPORT,
    ),
    # A lift is a fraction: rounded, two that are equal could differ in the last place.
    Question(
        "Tills: pairs whose lift is off by more than a billionth",
        "",
        (),
        ("pairs",),
        "select 0 as pairs",
        f"""
        select count(*) as pairs
        from marts.{_REPORT} as found
        inner join ({_COUNTS}) as counts using (product_a, product_b)
        where source_system = 'pos' and basis = 'orders'
            and not abs(
                cast(lift as double)
                - cast(with_both as double) * counts.baskets / with_a / with_b
            ) <= 1e-9""",
        report=_REPORT,
    ),
)
