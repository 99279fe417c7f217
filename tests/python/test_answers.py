"""The whole way, from files to published answers, against counts that share no code with it."""

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

import duckdb
import pytest
from conftest import FIXTURES, ROOT, Shop

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(scope="module")
def units(built_shop: Shop) -> list[dict]:
    files = sorted((built_shop.data / "landing" / "orders").glob("*.ndjson"))
    return [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]


def amount(unit: dict) -> Decimal:
    return Decimal(str(unit["unit_price"])) - Decimal(str(unit["discount"]))


def test_best_sellers_equal_a_recount_of_the_files(built_shop, units):
    counts = Counter(unit["item"] for unit in units)
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for unit in units:
        amounts[unit["item"]] += amount(unit)
    items = {(unit["txid"], unit["rfid"]): unit["item"] for unit in units}
    returns = sorted((built_shop.data / "landing" / "returns").glob("*.ndjson"))
    lines = [json.loads(line) for path in returns for line in path.read_text().splitlines()]
    kept = counts - Counter(items[line["txid"], line["rfid"]] for line in lines)
    assert 0 < len(lines) == counts.total() - kept.total()
    ranks = {item: 1 + sum(n > kept[item] for n in kept.values()) for item in counts}
    found = built_shop.query(
        "select item_name, sales_rank, units_sold, sales_amount from marts.rpt_best_sellers"
    )
    assert len(found) == 61
    assert {row[0]: row[1:] for row in found if row[2]} == {
        item: (ranks[item], counts[item], amounts[item]) for item in counts
    }


def test_nu_gold_equals_a_recount_of_the_files(built_shop, units):
    sold = [unit for unit in units if unit["item"] == "Statue Corentin Nu Gold"]
    moments = [datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC) for unit in sold]
    days = sorted(moment.astimezone(PARIS).date() for moment in moments)
    assert built_shop.query(
        "select units_sold, orders_placed, first_sale_date, last_sale_date, sales_amount, "
        "abs(share_of_units - units_sold / (select count(*) from marts.fct_sale_lines)) < 1e-6 "
        "from marts.rpt_corentin_nu_gold"
    ) == [
        (
            *(len(sold), len({unit["txid"] for unit in sold}), days[0], days[-1]),
            *(sum(map(amount, sold)), True),
        )
    ]


def test_regions_equal_a_recount_of_the_files(built_shop, units):
    with (ROOT / "seeds" / "communes.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["postcode"]: row["region_code"] for row in csv.DictReader(file)}
    with (ROOT / "seeds" / "us_states.csv").open(encoding="utf-8", newline="") as file:
        states = {value for row in csv.DictReader(file) for value in row.values()}

    def region(address: dict | None) -> str:
        if address is None:
            return "unknown"
        is_abroad = address.get("country", "FR") != "FR" or address["state"] in states
        return "foreign" if is_abroad else regions[address["postalcode"]]

    counts = Counter(region(unit["address"]) for unit in units)
    assert counts["foreign"]
    found = dict(built_shop.query("select region_id, units_sold from marts.rpt_top_regions"))
    assert {region: count for region, count in found.items() if count} == dict(counts)
    [(top,)] = built_shop.query("select region_id from marts.rpt_top_regions where sales_rank = 1")
    assert top == max(counts.keys() - {"foreign", "unknown"}, key=counts.__getitem__)


def test_loyal_customers_equal_a_recount_of_the_files(built_shop, units):
    # Every customer has one e-mail, phone and name in this world; orders that tell neither
    # e-mail nor phone are left to the unit tests. The most loyal are found without them.
    orders = {unit["txid"]: unit for unit in units}
    email_of = {u["phone"]: u["email"] for u in orders.values() if u["phone"] and u["email"]}
    counts = Counter(
        unit["email"] or email_of.get(unit["phone"])
        for unit in orders.values()
        if unit["email"] or unit["phone"]
    )
    expected = sorted((n for email, n in counts.items() if email), reverse=True)[:20]
    found = built_shop.query(
        "select orders_placed from marts.rpt_loyal_customers "
        "where loyalty_rank <= 20 order by loyalty_rank limit 20"
    )
    hidden = sum(1 for u in orders.values() if not (u["email"] or u["phone"]))
    assert hidden < len(orders) / 50
    for (count,), least in zip(found, expected, strict=True):
        assert least <= count <= least + 3
    totals = "select sum(orders_placed) from marts.rpt_loyal_customers"
    assert built_shop.query(totals) == [(len(orders),)]


def test_no_person_can_be_read_from_the_published_file(built_shop, units):
    private = set()
    for unit in units:
        address, contact = unit["address"] or {}, unit["emergency_contact"] or {}
        private |= {unit["name"], unit["email"], unit["phone"], address.get("street_address")}
        private |= {contact.get("name"), contact.get("phone")}
    private = {value.lower() for value in private if value}
    assert len(private) > 2_000
    columns = built_shop.query(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where data_type = 'VARCHAR' and schema_name in ('marts', 'reference')"
    )
    assert len(columns) > 30
    for schema, table, column in columns:
        values = built_shop.query(f'select distinct lower("{column}") from {schema}."{table}"')
        leaked = private & {value for (value,) in values}
        assert not leaked, f"{schema}.{table}.{column} holds {sorted(leaked)[:3]}"
    # Nor in the bytes of the file, where text could survive outside of any table.
    content = built_shop.published.read_bytes().lower()
    for value in private:
        assert value.encode() not in content, value


def test_every_published_table_and_column_says_what_it_is(built_shop):
    tables = built_shop.query("select table_name, comment from duckdb_tables()")
    marts = {path.stem for path in ROOT.glob("models/marts/**/*.sql")}
    seeds = {path.stem for path in ROOT.glob("seeds/*.csv")}
    views = {"rpt_purchase_history", "rpt_stock_levels"}
    assert {name for name, _ in tables} == marts - views | seeds
    assert all(comment.startswith("One row per ") for _, comment in tables)
    silent = "select table_name, column_name from duckdb_columns() where comment is null"
    assert built_shop.query(f"{silent} and not internal") == []


def test_the_answers_are_printed_in_their_order(built_shop, units):
    printed = built_shop.warehouse("answers").stdout
    questions = ["Best seller", "Statue Corentin Nu Gold", "Most loyal customers", "Top region"]
    places = [printed.index(question) for question in questions]
    assert places == sorted(places)
    nu_gold = sum(unit["item"] == "Statue Corentin Nu Gold" for unit in units)
    assert f"{nu_gold:,} units sold" in printed
    names = {unit["name"] for unit in units}
    assert not any(name in printed for name in names)


def test_more_days_are_added_and_known_lines_are_not_doubled(shop):
    small = ("--orders", "200", "--days", "30", "--seed", "5")
    shop.generate(*small, "--end", "2026-11-20")
    shop.warehouse("load")
    # The same lines once more, under another name: known units, not new ones.
    landing = shop.data / "landing" / "orders"
    copies = [path.read_bytes() for path in sorted(landing.iterdir())]
    (landing / "copy.ndjson").write_bytes(b"".join(copies))
    shop.generate(*small, "--end", "2026-11-22")
    shop.warehouse("load")
    shop.warehouse("load")
    shop.dbt("build")
    shop.warehouse("publish")
    files = [path.read_bytes().splitlines() for path in landing.glob("orders_*")]
    units = [json.loads(line) for line in chain.from_iterable(files)]
    orders = len({unit["txid"] for unit in units})
    assert orders > 200
    assert shop.query(
        "select count(*), count(distinct order_id), count(distinct unit_id), "
        "max(purchase_date)::varchar from marts.fct_sale_lines"
    ) == [(len(units), orders, len(units), "2026-11-22")]


def test_the_original_records_give_their_right_answers(shop):
    landing = shop.data / "landing" / "orders"
    landing.mkdir(parents=True)
    course = FIXTURES / "course_orders.json"
    (landing / course.name).write_bytes(course.read_bytes())
    shop.warehouse("load", KSCM_PEPPER="salt")
    shop.dbt("build")
    shop.warehouse("publish", KSCM_PEPPER="salt")
    expected = json.loads((FIXTURES / "course_answers.json").read_text("utf-8"))
    for query, rows in expected.items():
        found = [[str(v) if v is not None else None for v in row] for row in shop.query(query)]
        assert found == rows, query


def test_a_build_that_fails_a_test_publishes_nothing(shop):
    shop.generate("--orders", "50", "--days", "10", "--end", "2026-11-20")
    shop.warehouse("load")
    # What the loader would refuse: a unit cheaper than nothing.
    with duckdb.connect(str(shop.working)) as connection:
        connection.execute("update raw.client_support_orders set unit_price = -1 where _line = 1")
    paths = {"DBT_TARGET_PATH": str(shop.target), "DBT_LOG_PATH": str(shop.target / "logs")}
    failed = shop.warehouse("build", check=False, **paths)
    assert failed.returncode == 1
    assert "obeys_fct_sale_lines" in failed.stdout
    assert failed.stderr.startswith("error: dbt build did not pass")
    assert len(failed.stderr.splitlines()) == 1
    assert "failed" in shop.warehouse("publish", check=False).stderr
    assert not shop.published.exists()


def test_the_calendar_is_the_one_on_the_wall(built_shop):
    days = built_shop.query(
        "select date_day, month_start_date, calendar_year, calendar_quarter, calendar_month, "
        "iso_weekday, is_weekend, is_public_holiday, is_sales_period from marts.dim_dates"
    )
    assert len(days) == (date(2041, 1, 1) - date(2000, 1, 1)).days
    for day, month_start, year, quarter, month, weekday, is_weekend, is_holiday, is_sale in days:
        assert (month_start, year, month) == (day.replace(day=1), day.year, day.month)
        assert (quarter, weekday) == ((day.month + 2) // 3, day.isoweekday())
        assert is_weekend == (day.strftime("%a") in ("Sat", "Sun"))
        is_known = 2020 <= day.year <= 2030
        assert (is_holiday is None, is_sale is None) == (not is_known, not is_known)
    # The official list of 2025, and the sales of that year.
    months_and_days = [(1, 1), (4, 21), (5, 1), (5, 8), (5, 29), (6, 9)]
    months_and_days += [(7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    holidays = [day for day, *_, is_holiday, _ in days if day.year == 2025 and is_holiday]
    assert sorted(holidays) == [date(2025, month, day) for month, day in months_and_days]
    sales = sorted(day for day, *_, is_sale in days if day.year == 2025 and is_sale)
    assert (sales[0], sales[27], sales[28], sales[-1], len(sales)) == (
        *(date(2025, 1, 8), date(2025, 2, 4)),
        *(date(2025, 6, 25), date(2025, 7, 22), 56),
    )


def test_the_answers_of_a_clean_world_equal_its_key(built_shop):
    """What the generator counted before it wrote a line, to the unit and to the cent."""

    def key(table: str, sql: str) -> list[tuple]:
        parts = built_shop.data / "landing" / "_answer_key" / table / "*.parquet"
        with duckdb.connect() as connection:
            return connection.execute(
                sql.replace("key", f"read_parquet('{quoted(parts)}')")
            ).fetchall()

    def quoted(path: object) -> str:
        return str(path).replace("'", "''")

    assert built_shop.query(
        "select item_name, units_sold, sales_amount from marts.rpt_best_sellers "
        "where units_sold > 0 order by item_name"
    ) == key(
        "sales",
        "select item_name, sum(units_sold)::bigint, "
        "((sum(gross_cents) - sum(discount_cents)) / 100)::decimal(18, 2) "
        "from key group by item_name having sum(units_sold) > 0 order by item_name",
    )
    assert built_shop.query(
        "select region_id, units_sold, sales_amount from marts.rpt_top_regions "
        "where units_sold > 0 order by region_id"
    ) == key(
        "customers",
        "select region_code, sum(units)::bigint, (sum(sales_cents) / 100)::decimal(18, 2) "
        "from key group by region_code order by region_code",
    )
    # Customers have other names here and there: what each of them bought has not.
    assert built_shop.query(
        "select count(distinct order_id), count(*), sum(sales_amount) from marts.fct_sale_lines "
        "group by customer_id order by all"
    ) == key(
        "customers",
        "select sum(orders)::bigint, sum(units)::bigint, (sum(sales_cents) / 100)::decimal(38, 2) "
        "from key group by customer order by all",
    )
