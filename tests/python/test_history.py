"""What was earned is kept per state of the data: every state once, none lost, none doubled."""

from conftest import LAST_DAY, Shop

BUILD = (
    *("build", "--select", "+rpt_revenue_totals"),
    *("--resource-type", "model", "--resource-type", "seed"),
)


def totals(shop: Shop) -> list[tuple]:
    return shop.query_working("from marts.rpt_revenue_totals order by as_of_load, source_system")


def units(shop: Shop) -> int:
    """Count the lines of the order files: each is a unit sold."""
    files = (shop.data / "landing" / "orders").iterdir()
    return sum(len(path.read_bytes().splitlines()) for path in files)


def test_totals_are_kept_and_never_doubled(shop):
    # The mistakes: an insert at every build, and a history that a full refresh wipes out.
    shop.generate("--orders", "300", "--days", "50", "--end", LAST_DAY, "--seed", "7")
    orders = shop.data / "landing" / "orders"
    late = max(orders.iterdir())
    aside = late.rename(shop.data / late.name)
    shop.warehouse("load")
    shop.dbt(*BUILD)
    first, units_at_first = totals(shop), units(shop)

    shop.dbt(*BUILD)
    assert totals(shop) == first

    aside.rename(late)
    shop.warehouse("load")
    shop.dbt(*BUILD, "--full-refresh")
    kept = totals(shop)
    assert kept[: len(first)] == first
    assert len(kept) == 2 * len(first)
    newest = shop.query_working(
        "select as_of_load, units_sold from marts.rpt_revenue_totals "
        "where source_system = 'all' order by as_of_load"
    )
    assert newest[0][0] < newest[1][0]
    assert [sold for _, sold in newest] == [units_at_first, units(shop)]
