"""What is asked of the recommendations: whether they are in stock and find what was planted."""

from warehouse.grading.question import Question

# How often the key saw a planted companion beside its item. Below 50 orders nobody could
# tell, and below 600 in all no test of 90 days could: then nothing is expected.
_SEEN = """
    select items.sku as product_id, companions.sku as companion_id, baskets
    from planted_pairs
    inner join catalogue as items on item = items.item_name
    inner join catalogue as companions on companion = companions.item_name
    inner join pos_baskets
        on least(items.sku, companions.sku) = product_a
        and greatest(items.sku, companions.sku) = product_b"""
_ENOUGH_FOR_A_PAIR = 50
_ENOUGH_FOR_A_TEST = 600

RECOMMENDATIONS = (
    Question(
        "Recommendations: of items out of stock",
        "",
        (),
        ("offers",),
        "select 0 as offers",
        """
        select count(*) as offers
        from marts.rpt_recommendations
        left join (
            select product_id, sum(units) as units
            from pos_stock
            where week_start = (select max(week_start) from pos_stock)
            group by product_id
        ) as shelves using (product_id)
        where source_system = 'pos' and coalesce(units, 0) <= 0""",
        report="rpt_recommendations",
    ),
    Question(
        "Recommendations: companions among the five beside their items",
        "companions",
        ("product_id", "companion_id"),
        ("offers",),
        f"""
        select product_id, companion_id, 1 as offers
        from ({_SEEN}) as seen
        where baskets >= {_ENOUGH_FOR_A_PAIR}""",
        f"""
        select evidence_id as product_id, companion_id, count(*) as offers
        from marts.fct_offer_candidates as candidates
        inner join ({_SEEN}) as seen
            on candidates.evidence_id = seen.product_id
            and candidates.product_id = seen.companion_id
        where source_system = 'pos' and not is_back_test and method = 'bought_together'
            and candidate_rank <= 5 and baskets >= {_ENOUGH_FOR_A_PAIR}
        group by all""",
        report="rpt_recommendations",
    ),
    Question(
        "Recommendations: methods that beat what is popular, beside an item",
        "methods",
        ("method",),
        ("wins",),
        f"""
        select 'bought_together' as method, 1 as wins
        from ({_SEEN}) as seen
        having sum(baskets) >= {_ENOUGH_FOR_A_TEST}""",
        f"""
        select method, 1 as wins
        from marts.rpt_recommendation_tests
        where source_system = 'pos' and placement = 'beside_item' and beats_popular and is_used
            and (select sum(baskets) from ({_SEEN}) as seen) >= {_ENOUGH_FOR_A_TEST}""",
        report="rpt_recommendation_tests",
    ),
)
