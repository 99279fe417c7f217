"""What is a duplicate, what a correction, what a legitimate twin: feed by feed, in any order."""

import itertools
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.loading.load import load_landing

NOW = datetime(2026, 11, 21)  # noqa: DTZ001 - UTC without zone, as in the database
SALES = "sale_id,date,product,store,quantity"
SALES_WITHOUT_ID = "Date,ID Référence produit,Quantité,ID Magasin"
WEB = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LATE = json.dumps({"txid": "t", "rfid": "r", "return_time": "2026-01-02T10:00:00", "reason": "x"})


class Bench:
    """A landing folder and a database, loaded again after each file that is put there."""

    def __init__(self, folder: Path) -> None:
        self.landing, self.database = folder / "landing", folder / "w.duckdb"

    def put(self, name: str, *lines: str) -> None:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def load(self) -> list[tuple[int, int, int, int]]:
        """Load; return accepted, duplicates, refused and blank of each file that was read."""
        with open_working(self.database) as connection:
            create_tables(connection)
            results = load_landing(connection, self.landing, NOW).results
        assert not [result.failure for result in results if result.failure]
        return [(r.accepted, r.duplicates, r.refused, r.blank) for r in results]

    def rows(self, sql: str) -> list[tuple]:
        with open_working(self.database) as connection:
            return query(connection, sql)


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


def order(**changes: object) -> str:
    fields = {
        "txid": "t1",
        "rfid": "r1",
        "item": "Statue Sasha Pirate Gold",
        "purchase_time": "2026-01-01T10:00:00",
        "unit_price": 10,
    }
    return json.dumps(fields | changes)


def test_a_correction_is_a_newer_version_and_the_original_again_is_none(bench):
    bench.put("orders/a.ndjson", order())
    bench.put("orders/b.ndjson", order(unit_price=20))
    bench.put("orders/c.ndjson", order(), order(rfid="r2"))
    assert bench.load() == [(1, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0)]
    assert bench.rows(
        "select rfid, unit_price::int, _file, _line, _load_seq from raw.client_support_orders"
        " order by _load_seq, _line"
    ) == [
        ("r1", 10, "orders/a.ndjson", 1, 1),
        ("r1", 20, "orders/b.ndjson", 1, 2),
        ("r2", 10, "orders/c.ndjson", 2, 3),
    ]
    assert bench.rows("from raw.load_duplicates") == [("orders/c.ndjson", 1, 1, "known", 3)]


def test_each_field_makes_a_difference_and_the_order_of_keys_does_not(bench):
    bench.put("orders/a.ndjson", order(address={"city": "Brest"}, phone=None, days=1))
    same = json.loads(order(address={"city": "Brest"}, phone=None, days=1))
    bench.put(
        "orders/b.ndjson",
        json.dumps(dict(reversed(same.items())), indent=None, separators=(" , ", " : ")),
        *(order(address={"city": "Brest"}, days=1, **{key: "?"}) for key in ("name", "phone")),
        order(address={"city": "Brest "}, days=1),
        order(address={"city": "Brest"}),
        order(address={"city": "Brest"}, days=1, item="Statue Sasha Pirate gold"),
        order(address={"city": "Brest"}, days=1, purchase_time="2026-01-01T10:00:00.000001"),
    )
    assert bench.load() == [(1, 0, 0, 0), (6, 1, 0, 0)]


def test_an_object_is_what_it_says_and_not_how_it_is_spelled(bench):
    """A VARIANT keeps no spelling; a correction is lost where Python calls true and 1 equal."""
    home = {"city": "Brest", "lift": 1.0, "more": {"a": None, "b": [1]}}
    bench.put("orders/a.ndjson", order(address=home))
    bench.put("orders/b.ndjson", order(address=dict(reversed(home.items()))), order(address=home))
    bench.put("orders/c.ndjson", order(address=home | {"lift": True}))
    bench.put("orders/d.ndjson", order(address=home | {"lift": "1"}))
    bench.put("orders/e.ndjson", order(address=home | {"lift": 1}))
    bench.put("orders/f.ndjson", order(address=home | {"more": {"a": None, "b": ["1"]}}))
    again = [(1, 0), (0, 2), (1, 0), (1, 0), (0, 1), (1, 0)]
    assert [row[:2] for row in bench.load()] == again
    [(text,)] = bench.rows("select address from raw.client_support_orders where _load_seq = 1")
    assert json.loads(text) == home
    assert '"number"' not in text


def test_copies_within_a_file_and_in_another_are_told_apart(bench):
    twice = order()
    bench.put("orders/a.ndjson", twice, twice, order(rfid="r2"), twice, twice)
    bench.put("orders/b.ndjson", twice, order(rfid="r2"), "", order(rfid="r3"), order(rfid="r3"))
    assert bench.load() == [(2, 3, 0, 0), (1, 3, 0, 1)]
    assert bench.rows("from raw.load_duplicates order by load_seq, line") == [
        ("orders/a.ndjson", 2, 1, "in_file", 1),
        ("orders/a.ndjson", 4, 2, "in_file", 1),
        ("orders/b.ndjson", 1, 2, "known", 2),
        ("orders/b.ndjson", 5, 1, "in_file", 2),
    ]


def test_the_same_twins_are_known_when_they_came_one_load_before(bench):
    bench.put("orders/a.ndjson", order())
    bench.load()
    bench.put("orders/b.ndjson", order(), order())
    assert bench.load() == [(0, 2, 0, 0)]
    assert bench.rows("from raw.load_duplicates") == [("orders/b.ndjson", 1, 2, "known", 2)]


def test_returns_movements_and_acts_have_keys_of_their_own(bench):
    movement = {"sku": "A", "location_id": "B", "kind": "transfer", "quantity": -3}
    movement["moved_at"] = "2026-01-01T00:00:00"
    act = {"act_id": 1, "kind": "sale", "time": "2026-01-01T00:00:00", "payload": {"a": 1}}
    bench.put("returns/a.ndjson", LATE, LATE, LATE.replace('"x"', '"y"'))
    bench.put(
        "stock/a.ndjson",
        *(json.dumps(movement | {"movement_id": number}) for number in ("m1", "m2", "m1")),
        json.dumps(movement),
    )
    bench.put("till_acts/a.ndjson", json.dumps(act), json.dumps(act | {"payload": "text"}))
    assert bench.load() == [(2, 1, 0, 0), (2, 1, 1, 0), (1, 0, 1, 0)]
    assert bench.rows("select file, reason from raw.load_rejects order by 1") == [
        ("stock/a.ndjson", "missing_movement_id"),
        ("till_acts/a.ndjson", "bad_payload"),
    ]


def test_why_it_came_back_is_not_why_a_line_is_refused(bench):
    doubtful = LATE.replace("2026-01-02T10:00:00", "2026-01-02T10:00Z")
    bench.put("returns/a.ndjson", LATE.replace('"r"', '"r2"'), doubtful)
    assert bench.load() == [(2, 0, 0, 0)]
    assert bench.rows("select reason from raw.client_support_returns") == [("x",), ("x",)]


def test_a_price_that_comes_back_is_news(bench):
    header = "product_id,name,price,stock"
    for name, price in (("a", "10.00"), ("b", "12.00"), ("c", "10.00"), ("d", "10.00")):
        bench.put(f"shops_products/{name}.csv", header, f"P1,Socle,{price},5", "P2,Kit,3.00,1")
    assert bench.load() == [(2, 0, 0, 1), (1, 1, 0, 1), (1, 1, 0, 1), (0, 2, 0, 1)]
    assert bench.rows(
        "select price::int from raw.shop_products where product_id = 'P1' order by _load_seq"
    ) == [(10,), (12,), (10,)]
    # The file of one name, too: what it says again is what holds now.
    bench.put("shops_products/d.csv", header, "P1,Socle,15.00,5")
    assert bench.load() == [(1, 0, 0, 1)]
    bench.put("shops_products/d.csv", header, "P1,Socle,10.00,5", "P2,Kit,3.00,1")
    assert bench.load() == [(1, 1, 0, 1)]


def test_a_sale_with_an_id_is_corrected_and_one_without_is_counted(bench):
    bench.put("shops_sales/a.csv", SALES, "1,2026-01-01,P1,S1,2", "2,2026-01-01,P1,S1,2")
    bench.put("shops_sales/b.csv", SALES, "1,2026-01-01,P1,S1,2", "2,2026-01-01,P1,S1,3")
    twin = "2026-01-01,P1,2,S1"
    bench.put("shops_sales/c.csv", SALES_WITHOUT_ID, twin, twin, "2026-01-02,P1,2,S1")
    bench.put("shops_sales/d.csv", SALES_WITHOUT_ID, twin, twin, twin)
    assert bench.load() == [(2, 0, 0, 1), (1, 1, 0, 1), (3, 0, 0, 1), (1, 2, 0, 1)]
    assert bench.rows(
        "select _file, _line, _copy from raw.shop_sales where sale_id is null "
        "order by _load_seq, _line"
    ) == [
        ("shops_sales/c.csv", 2, 1),
        ("shops_sales/c.csv", 3, 2),
        ("shops_sales/c.csv", 4, 1),
        ("shops_sales/d.csv", 4, 3),
    ]


def test_a_sale_that_is_corrected_back_is_what_the_newest_file_says(bench):
    for name, quantity in (("a", 3), ("b", 33), ("c", 3)):
        bench.put(f"shops_sales/{name}.csv", SALES, f"1,2026-01-01,P1,S1,{quantity}")
    assert bench.load() == [(1, 0, 0, 1)] * 3
    sql = "select quantity from raw.shop_sales order by _load_seq desc limit 1"
    assert bench.rows(sql) == [(3,)]


def test_a_file_that_says_two_things_of_one_sale_is_no_news_when_it_comes_again(bench):
    says = ["1,2026-01-01,P1,S1,3", "1,2026-01-01,P1,S1,4"]
    bench.put("shops_sales/a.csv", SALES, *says)
    bench.put("shops_sales/b.csv", SALES, *says, "2,2026-01-02,P1,S1,1")
    bench.put("shops_sales/c.csv", SALES, *reversed(says))
    assert bench.load() == [(2, 0, 0, 1), (1, 2, 0, 1), (1, 1, 0, 1)]
    sql = "select quantity from raw.shop_sales where sale_id = '1' order by _load_seq, _line"
    assert bench.rows(sql) == [(3,), (4,), (3,)]


@pytest.mark.parametrize(
    ("before", "says", "accepted", "holds"),
    [
        ([], [10, 12, 10], 3, 10),
        ([], [10, 10, 12], 2, 12),
        ([10], [12, 10], 2, 10),
        ([12, 10], [12, 10], 0, 10),
        ([10, 12], [12, 10], 1, 10),
        ([10, 12], [10, 10, 12], 0, 12),
    ],
)
def test_what_a_file_says_last_of_a_price_holds(bench, before, says, accepted, holds):
    header = "product_id,name,price,stock"
    for number, price in enumerate(before):
        bench.put(f"shops_products/{number}.csv", header, f"P1,Socle,{price},")
    if before:
        bench.load()
    bench.put("shops_products/x.csv", header, *(f"P1,Socle,{price}," for price in says))
    assert bench.load() == [(accepted, len(says) - accepted, 0, 1)]
    sql = "select price::int from raw.shop_products order by _load_seq desc, _line desc limit 1"
    assert bench.rows(sql) == [(holds,)]


def test_marks_within_a_name_do_not_make_two_sales_one(bench):
    lines = ["2026-01-01,a|b,1,c", "2026-01-01,a,1,b|c"]
    bench.put("shops_sales/a.csv", SALES_WITHOUT_ID, *lines)
    bench.put("shops_sales/b.csv", SALES_WITHOUT_ID, *lines)
    assert bench.load() == [(2, 0, 0, 1), (0, 2, 0, 1)]


INVOICES = st.lists(
    st.tuples(
        st.integers(1, 4),  # the day
        st.sampled_from(["536365", "C536366"]),
        st.sampled_from(["85123A", "85123a", "POST"]),
        st.sampled_from(["", "HEART, RED"]),
        st.sampled_from(["", "17850.0"]),
    ),
    max_size=25,
)
SPANS = st.permutations([(1, 4), (1, 1), (2, 2), (2, 3), (3, 4), (4, 4)])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=INVOICES, spans=SPANS)
def test_web_lines_are_the_same_in_any_order_of_overlapping_files(tmp_path_factory, lines, spans):
    bench = Bench(tmp_path_factory.mktemp("web"))
    for number, (first, last) in enumerate(spans):
        chosen = [
            f'{no},{code},"{text}",1,2010-12-{day:02} 08:00:00,2.5,{customer},France'
            for day, no, code, text, customer in lines
            if first <= day <= last
        ]
        bench.put(f"web_lines/{number}.csv", WEB, *chosen)
        bench.load()
    found = bench.rows(
        "select day(invoicedate), invoiceno, stockcode, coalesce(description, ''), "
        "coalesce(customerid || '.0', '') from raw.web_order_lines"
    )
    assert Counter(found) == Counter(lines)


def test_no_order_of_loading_makes_a_difference(tmp_path):
    """Three files with copies and corrections, as they may come: six ways, one result."""
    files = {
        "orders/a.ndjson": [order(), order(rfid="r2"), "{"],
        "orders/b.ndjson": [order(unit_price=12), order(rfid="r2"), order(rfid="r3")],
        "orders/c.ndjson": [order(rfid="r3"), order(), "", order(unit_price=12)],
    }
    found = set()
    for number, names in enumerate(itertools.permutations(files)):
        bench = Bench(tmp_path / str(number))
        for name in names:
            bench.put(name, *files[name])
            bench.load()
            assert bench.load() == []
        found.add(
            (
                *bench.rows(
                    "select txid, rfid, unit_price::int from raw.client_support_orders order by all"
                ),
                *bench.rows(
                    "select file, line from raw.load_rejects "
                    "union all select _file, _line from raw.client_support_orders "
                    "union all select file, unnest(range(line, line + line_count)) "
                    "from raw.load_duplicates order by all"
                ),
            )
        )
    assert len(found) == 1
    [rows] = found
    assert rows[:4] == (("t1", "r1", 10), ("t1", "r1", 12), ("t1", "r2", 10), ("t1", "r3", 10))
