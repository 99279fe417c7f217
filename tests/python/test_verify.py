"""The grade is all ✓ where the marts are right, and ✗ where a single row of them is not."""

import csv
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import LAST_DAY, ROOT, Shop

from generator.dirt import HEAVY
from warehouse.connect import open_reading
from warehouse.grading.customers import count_pairs
from warehouse.grading.grade import Line, grade
from warehouse.grading.reports import REPORTS
from warehouse.settings import WarehouseError

PERSONAL = ("missing_address", "missing_phone", "missing_email", "invalid_phone", "mojibake")
FETCHED_UNTIL = date(2026, 10, 31)  # the shops' file has grown since


def graded(data: Path) -> dict[str, Line]:
    key = data / "landing" / "_answer_key"
    with open_reading(data / "kscm.duckdb", key) as connection:
        lines = grade(connection, key)
    found = {line.question: line for line in lines}
    assert len(found) == len(lines)
    return found


def wrong(data: Path) -> set[str]:
    return {question for question, line in graded(data).items() if line.is_equal is False}


def change(data: Path, sql: str) -> None:
    with duckdb.connect(str(data / "kscm.duckdb")) as connection:
        [(changed,)] = connection.execute(sql).fetchall()
    assert changed >= 1


@pytest.fixture
def copy(built_shop, tmp_path) -> Shop:
    shutil.copytree(built_shop.data, tmp_path / "boutique d'été", symlinks=True)
    return Shop(tmp_path / "boutique d'été", built_shop.target)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory, target) -> Shop:
    """A small world in which everything goes wrong, often; all systems are loaded."""
    shop = Shop(tmp_path_factory.mktemp("boutique d'été"), target)
    rates = {
        name: rate if name in PERSONAL else min(rate * 20, 30_000) for name, rate in HEAVY.items()
    }
    rates |= dict.fromkeys(("web_missing_description", "web_zero_price"), 250_000)
    dirt = shop.data / "dirt.toml"
    dirt.write_text("".join(f"{name} = {rate / 1e6}\n" for name, rate in rates.items()))
    options = ("--orders", "4000", "--days", "200", "--seed", "11", "--dirt", str(dirt))
    shop.generate(*options, "--end", LAST_DAY)
    for path in (shop.data / "remote").iterdir():
        folder = shop.data / "landing" / path.stem
        folder.mkdir()
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
        if path.stem == "shops_sales":
            rows = rows[:1] + [r for r in rows[1:] if date.fromisoformat(r[1]) <= FETCHED_UNTIL]
        with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    shop.warehouse("load")
    shop.dbt("build", "--exclude-resource-type", "test")
    return shop


def test_a_clean_world_equals_its_key(built_shop):
    ran = built_shop.warehouse("verify")
    assert ran.stderr == ""
    assert "✗" not in ran.stdout
    assert "Statue Corentin Nu Gold" in ran.stdout
    lines = graded(built_shop.data)
    asked = [line for line in lines.values() if line.is_equal is not None]
    assert ran.stdout.endswith(f"{len(asked)} of {len(asked)} answers equal the key.\n")
    assert len(asked) >= 22
    assert lines["Best sellers"].expected.startswith("61 items, ")
    models = {path.stem for path in ROOT.glob("models/marts/*/rpt_*.sql")}
    assert all(lines[q.text].is_equal for q in REPORTS if q.report in models)


def test_what_is_not_loaded_is_neither_right_nor_wrong(built_shop):
    lines = graded(built_shop.data)
    others = {q: line for q, line in lines.items() if line.is_equal is None}
    told = {question.split(":")[0]: line.found for question, line in others.items()}
    assert told["Partner shops"] == "partner shops not loaded"
    assert told["Web store"] == "web store not loaded"


ONE_LINE = "where sale_line_id = (select min(sale_line_id) from marts.fct_sale_lines)"
ONE_RETURN = "where return_line_id = (select min(return_line_id) from marts.fct_return_lines)"


@pytest.mark.parametrize(
    ("sql", "questions"),
    [
        (
            "update marts.rpt_best_sellers set units_sold = units_sold + 1 "
            "where product_id = 'COR-NU-GLD'",
            {"Best sellers"},
        ),
        (
            "update marts.rpt_best_sellers set sales_rank = 2 where sales_rank = 1",
            {"Best sellers"},
        ),
        (
            "update marts.rpt_corentin_nu_gold set units_sold = units_sold - 1",
            {"Statue Corentin Nu Gold"},
        ),
        (
            "update marts.rpt_top_regions set units_sold = units_sold + 1 where region_id = '11'",
            {"Top regions"},
        ),
        (
            f"update marts.fct_sale_lines set sales_amount = sales_amount - 0.01 {ONE_LINE}",
            {
                "Tills: sales amount",
                "Tills: sales per day, store and item",
                "Tills: sales per region and item",
                "Tills: sales per country",
                "Tills: what each customer bought",
            },
        ),
        (
            f"update marts.fct_sale_lines set region_id = 'unknown' {ONE_LINE}",
            {"Tills: sales per region and item"},
        ),
        (
            f"update marts.fct_sale_lines set country_code = 'LU' {ONE_LINE}",
            {"Tills: sales per country"},
        ),
        (
            "update marts.fct_sale_lines set order_id = order_id || 'x' "
            "where (order_id, unit_id) in (select order_id, max(unit_id) from "
            "marts.fct_sale_lines group by order_id having count(*) = 2 order by all limit 1)",
            {
                "Tills: orders",
                "Tills: orders that hold each pair of items",
                "Tills: what each customer bought",
            },
        ),
        (
            "update marts.fct_sale_lines set customer_id = "
            "(select max(customer_id) from marts.rpt_loyal_customers where loyalty_rank = 1) "
            "where customer_id = (select max(customer_id) from marts.rpt_loyal_customers "
            "where orders_placed = 1)",
            {
                "Customers: precision over pairs of orders",
                "Tills: orders and sales of each customer and month",
            },
        ),
        (
            "update marts.fct_sale_lines set customer_id = 'unknown' where order_id = ("
            "select min(order_id) from marts.fct_sale_lines where customer_id = (select "
            "max(customer_id) from marts.rpt_loyal_customers where loyalty_rank = 1))",
            {"Customers: recall over pairs of orders"},
        ),
        (
            "update marts.rpt_loyal_customers set months_active = months_active + 1 "
            "where loyalty_rank = 1",
            {"Loyal customers"},
        ),
        (
            f"update marts.fct_return_lines set return_reason = 'x' {ONE_RETURN}",
            {"Tills: returns per day, store, item and reason"},
        ),
        (
            f"update marts.fct_return_lines set is_cancellation = true {ONE_RETURN}",
            {"Tills: sales undone within the hour"},
        ),
        (
            "update marts.fct_revenue_days set net_amount = net_amount + 0.01 "
            "where revenue_date = (select min(revenue_date) from marts.fct_revenue_days)",
            {"Tills: net amount", "Tills: revenue per day, store and item"},
        ),
        (
            "update marts.fct_stock_movements set units_moved = units_moved + 1 "
            "where movement_id = (select min(movement_id) from marts.fct_stock_movements)",
            {"Tills: stock per week, place and item"},
        ),
    ],
)
def test_one_wrong_row_is_seen_and_named(copy, sql, questions):
    change(copy.data, sql)
    assert wrong(copy.data) - {"Tills: customers of Nu Gold"} == questions


def test_a_return_without_its_sale_is_missed(copy):
    change(copy.data, f"update marts.fct_return_lines set has_sale = false {ONE_RETURN}")
    found = wrong(copy.data)
    assert found == {
        "Tills: refunds of known sales",
        "Tills: returns per day, store, item and reason",
        "Tills: returns without a sale, per day and reason",
        "Tills: stock per week, place and item",
        "Tills: customers of each amount score",
    }


def test_a_wrong_answer_ends_with_1_and_shows_where(copy):
    change(
        copy.data,
        "update marts.rpt_best_sellers set sales_amount = sales_amount + 0.01 "
        "where product_id = 'COR-NU-GLD'",
    )
    ran = copy.warehouse("verify", check=False)
    assert ran.returncode == 1
    assert ran.stderr == ""
    [line] = [line for line in ran.stdout.splitlines() if line.endswith("│ ✗ │")]
    assert line.startswith("│ Best sellers ")
    [row] = [line for line in ran.stdout.splitlines() if "COR-NU-GLD" in line]
    assert row.count(" sales ") == 2
    asked, equal = (int(word) for word in ran.stdout.splitlines()[-1].split()[0:3:2])
    assert asked == equal - 1


def test_a_dirty_world_equals_its_key_and_what_was_done_to_it(dirty):
    found = Counter()
    for table in ("defects", "web_defects"):
        for path in (dirty.data / "landing" / "_answer_key" / table).iterdir():
            found.update(pq.read_table(path)["defect"].to_pylist())
    assert set(found) == set(HEAVY)
    lines = graded(dirty.data)
    assert {q: line for q, line in lines.items() if line.is_equal is False} == {}
    assert not [line for line in lines.values() if "not loaded" in line.found]
    # Corrections of the stock, and days that the warehouse does not have yet.
    key = dirty.data / "landing" / "_answer_key"
    with duckdb.connect() as connection:
        web, shops = (
            connection.execute(
                f"select sum({column}) from '{quoted(key / table)}/*.parquet'"
            ).fetchall()[0][0]
            for table, column in (("web_lines", "units_sold"), ("shop_sales", "units"))
        )
    assert f"{web:,} units" not in lines["Web store: sales per day, code and country"].found
    shown = lines["Partner shops: sales per day, store and product"].found
    assert f"{shops:,} units" not in shown


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def test_a_unit_lost_among_the_defects_is_seen(dirty, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(dirty.data, data)
    change(
        data,
        "update marts.fct_sale_lines set units_sold = 0 where sale_line_id = (select "
        "min(sale_line_id) from marts.fct_sale_lines where product_id like 'unlisted%')",
    )
    assert {"Tills: units sold", "Tills: sales per region and item"} <= wrong(data)


def test_other_data_cannot_be_graded(copy, refused):
    shutil.rmtree(copy.data / "landing" / "_answer_key")
    line = refused(copy.warehouse("verify", check=False), 1)
    assert "holds no answer key: only a world of 'python -m generator' can be graded" in line


def test_a_key_of_an_earlier_version_is_refused(copy):
    shutil.rmtree(copy.data / "landing" / "_answer_key" / "touched")
    with pytest.raises(WarehouseError, match="written by an earlier version"):
        graded(copy.data)


def test_days_that_are_not_loaded_are_asked_for(copy):
    sales = copy.data / "landing" / "_answer_key" / "sales"
    shutil.copy(next(sales.iterdir()), sales / "2026-11-21_2026-11-27.parquet")
    with pytest.raises(
        WarehouseError, match="1 file of orders not loaded, first orders_2026-11-21_2026-11-27"
    ):
        graded(copy.data)


def test_marts_older_than_what_is_loaded_are_refused(copy):
    change(copy.data, "update raw.load_manifest set loaded_at = timestamp '2100-01-01'")
    with pytest.raises(WarehouseError, match="older than what is loaded: run 'make build'"):
        graded(copy.data)


def test_before_the_first_build_there_is_nothing_to_grade(copy):
    with duckdb.connect(str(copy.data / "kscm.duckdb")) as connection:
        connection.execute("drop schema marts cascade")
    with pytest.raises(WarehouseError, match="nothing is built yet: run 'make build' first"):
        graded(copy.data)


def test_pairs_are_counted_as_by_hand():
    """A placed orders 1, 2 and 3, B placed 4 and 5; 1, 2 and 4 were given to one customer."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table key_units as from (values (1, 'A'), (2, 'A'), (3, 'A'), (4, 'B'), "
            "(5, 'B')) as units(rfid_serial, customer)"
        )
        # Bits before the last 38 number the product, and tell nothing of the unit.
        connection.execute(
            "create table marts.fct_sale_lines as select 'pos' as source_system, order_id, "
            "customer_id, '3036452148' || '0001C' || lpad(cast(order_id as varchar), 9, '0') "
            "as unit_id from (values (1, 'x'), (2, 'x'), (3, 'unknown'), (4, 'x'), "
            "(5, 'unknown')) as orders(order_id, customer_id)"
        )
        pairs = count_pairs(connection)
    assert (pairs.true, pairs.found, pairs.both) == (4, 3, 1)
    assert (float(pairs.precision), float(pairs.recall)) == (1 / 3, 1 / 4)
