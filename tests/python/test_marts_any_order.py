"""Late, shuffled, repeated and corrected lines, built after each load, give the marts of a rebuild.

The mistake it would catch: a model that takes the first or last of equals by where they came,
or an incremental model that forgets the group which a corrected record has left.
"""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from arrivals import PEPPER, World, at_random, build
from comparing import AS_IT_CAME, differences
from conftest import Shop

pytestmark = pytest.mark.torture

SEEDS_OF_A_WORLD = 5


def arrive(seed: int, world: World, at_once: Shop, batches: int, folder: Path) -> list[str]:
    """Build a shop as its data comes, then anew from what came; tell what differs."""
    # Two shops are built at a time, and dbt writes into its target.
    target = shutil.copytree(at_once.target, folder / f"target {seed}")
    shop, again = (Shop(folder / f"{name} {seed}", target) for name in ("shop", "again"))
    build(shop, at_random(world, random.Random(seed), batches))  # noqa: S311
    again.data.mkdir()
    shutil.copy(shop.working, again.data)
    again.dbt("run", "--full-refresh", KSCM_PEPPER=PEPPER)
    told = [
        *differences(shop.working, again.working, set(), "the shop", "its full rebuild"),
        *differences(shop.working, at_once.working, AS_IT_CAME, "the shop", "at once"),
    ]
    if not told:
        for path in (shop.data, again.data, target):
            shutil.rmtree(path)
    return [f"seed {seed}: {line}" for line in told]


def test_any_order_gives_the_same_marts(dirty_shop, tmp_path, many, figure):
    seeds, batches = range(many(2, 20)), many(3, 5)
    shops = {seed: dirty_shop(seed // SEEDS_OF_A_WORLD) for seed in seeds}
    with ThreadPoolExecutor(2) as pool:
        told = pool.map(lambda seed: arrive(seed, *shops[seed], batches, tmp_path), seeds)
        if lines := [line for one in told for line in one]:
            pytest.fail("\n".join(lines), pytrace=False)
    lines = sum(len(thing.lines) for thing in shops[0][0].things)
    figure("orders of lines", f"{len(seeds)} of {lines:,} lines in {batches} loads: same marts")


def test_a_row_that_differs_is_told(dirty_shop, tmp_path):
    """A comparison that sees nothing would prove nothing."""
    _, at_once = dirty_shop(0)
    shutil.copy(at_once.working, tmp_path)
    other = tmp_path / at_once.working.name
    with duckdb.connect(str(other)) as connection:
        connection.execute(
            "update marts.fct_sale_lines set sales_amount = sales_amount + 0.01 where sale_line_id "
            "= (select min(sale_line_id) from marts.fct_sale_lines where sales_amount > 0)"
        )
        connection.execute(
            "insert into marts.dim_products select * from marts.dim_products limit 1"
        )
        connection.execute("drop table marts.rpt_top_regions")
    told = differences(at_once.working, other, set(), "one", "other")
    assert [line.split("\n")[0] for line in told] == [
        "marts.rpt_top_regions is not the same table in one and in other",
        "marts.dim_products: 1 row only in other",
        "marts.fct_sale_lines: differ in: sales_amount",
        "marts.fct_sale_lines: 1 row only in one",
        "marts.fct_sale_lines: 1 row only in other",
    ]
