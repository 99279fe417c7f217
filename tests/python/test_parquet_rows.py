"""Parquet files: the rows of a clean one go straight in, all others are judged one by one."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.loading.load import Summary, load_landing

NOW = datetime(2026, 11, 21)  # noqa: DTZ001 - UTC without zone, as in the database
GOOD = {
    "txid": "t1",
    "rfid": "r1",
    "item": "Statue Sasha Pirate Gold",
    "purchase_time": datetime(2026, 1, 1, 10, 0, 0, 5),  # noqa: DTZ001
    "address": '{"city": "Brest"}',
    "unit_price": Decimal("10.50"),
    "discount": Decimal("0.00"),
}
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("txid", "rfid", "item")),
        ("purchase_time", pa.timestamp("us")),
        ("address", pa.string()),
        ("unit_price", pa.decimal128(12, 2)),
        ("discount", pa.decimal128(12, 2)),
    ]
)
STORED = (
    "select txid, purchase_time::varchar, address ->> '$.city', unit_price::varchar, days, _line "
    "from raw.client_support_orders order by _load_seq, _line"
)


@pytest.fixture
def load(tmp_path):
    """Write rows as one file of orders, load it, and give the summary."""

    def run(
        rows: list[dict] | bytes, schema: pa.Schema | None = SCHEMA, name: str = "a.parquet"
    ) -> Summary:
        path = tmp_path / "landing" / "orders" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(rows, bytes):
            path.write_bytes(rows)
        else:
            pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=2)
        with open_working(tmp_path / "w.duckdb") as connection:
            create_tables(connection)
            return load_landing(connection, tmp_path / "landing", NOW)

    return run


@pytest.fixture
def ask(tmp_path):
    def run(sql: str) -> list[tuple]:
        with open_working(tmp_path / "w.duckdb") as connection:
            return query(connection, sql)

    return run


def test_clean_rows_are_numbered_and_kept_as_they_are(load, ask):
    [loaded] = load([GOOD, GOOD | {"txid": "t2", "address": None}, GOOD]).loaded
    assert (loaded.lines, loaded.accepted, loaded.duplicates) == (3, 2, 1)
    assert ask(STORED) == [
        ("t1", "2026-01-01 10:00:00.000005", "Brest", "10.50", None, 1),
        ("t2", "2026-01-01 10:00:00.000005", None, "10.50", None, 2),
    ]
    assert ask("select line, kind from raw.load_duplicates") == [(3, "in_file")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"txid": None}, "missing_txid"),
        ({"rfid": " "}, "missing_rfid"),
        ({"address": "1, rue Haute"}, "bad_address"),
        ({"address": "[1]"}, "bad_address"),
        ({"address": '{"a": NaN}'}, "bad_address"),
        ({"address": '{"a": 1,}'}, "bad_address"),
        ({"address": json.dumps({"a": "x" * 66_000})}, "bad_address"),
        ({"unit_price": Decimal("-1.00")}, "bad_unit_price"),
        ({"discount": Decimal("11.00")}, "bad_discount"),
        ({"purchase_time": None}, "missing_purchase_time"),
        ({"purchase_time": datetime(1970, 1, 1)}, "purchase_time_out_of_range"),  # noqa: DTZ001
        ({"purchase_time": datetime(2028, 1, 1)}, "purchase_time_out_of_range"),  # noqa: DTZ001
    ],
)
def test_a_bad_row_is_kept_as_json_with_its_number(load, ask, changes, reason):
    [loaded] = load([GOOD, GOOD | {"txid": "t2"} | changes, GOOD | {"txid": "t3"}]).loaded
    assert (loaded.lines, loaded.accepted, loaded.refused) == (3, 2, 1)
    [(line, found, raw)] = ask("select line, reason, raw from raw.load_rejects")
    assert (line, found) == (2, reason)
    assert json.loads(raw)["item"] == GOOD["item"]
    assert json.loads(raw).keys() == GOOD.keys()
    assert [row[-1] for row in ask(STORED)] == [1, 3]


def test_other_types_are_read_when_they_say_the_same(load, ask):
    row = {
        "txid": 17,
        "rfid": "r1",
        "item": "x",
        "purchase_time": datetime(2026, 1, 1, 11, 0, tzinfo=UTC),
        "address": {"city": "Brest"},
        "unit_price": 10.5,
        "days": 3,
    }
    schema = pa.schema(
        [
            ("txid", pa.int64()),
            ("rfid", pa.dictionary(pa.int8(), pa.string())),
            ("item", pa.large_string()),
            ("purchase_time", pa.timestamp("ns", tz="Asia/Kolkata")),
            ("address", pa.struct([("city", pa.string())])),
            ("unit_price", pa.float64()),
            ("days", pa.int64()),
        ]
    )
    bad = row | {"txid": 18, "unit_price": 10.555}
    [loaded] = load([row, bad], schema).loaded
    assert (loaded.accepted, loaded.refused) == (1, 1)
    assert ask(STORED) == [("17", "2026-01-01 11:00:00", "Brest", "10.50", 3, 1)]
    assert ask("select reason from raw.load_rejects") == [("bad_unit_price",)]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (SCHEMA.append(pa.field("colour", pa.string())), "column 'colour' is not known"),
        (SCHEMA.remove(1), "column 'rfid' is missing"),
        (
            SCHEMA.set(3, pa.field("purchase_time", pa.int64())),
            "column 'purchase_time' is int64",
        ),
        (SCHEMA.append(pa.field("TXID", pa.string())), "two columns have one name"),
    ],
)
def test_other_columns_than_agreed_fail_the_file(load, ask, schema, told):
    names = {field.name for field in schema}
    row = {key: value for key, value in GOOD.items() if key in names} | {"purchase_time": None}
    [failed] = load([row], schema).failed
    assert told in str(failed.failure)
    assert ask("select status, row_count, sha256 from raw.load_manifest") == [("failed", 0, None)]


def test_a_damaged_file_fails_and_the_next_one_loads(load, ask, tmp_path):
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.Table.from_pylist([GOOD] * 5_000, SCHEMA), path, compression="none")
    whole = bytearray(path.read_bytes())
    load(bytes(whole[:-20]), name="a_cut.parquet")
    load(b"", name="b_empty.parquet")
    load(b"PAR1 no PAR1", name="c_other.parquet")
    place = whole.find(b"t1")
    whole[place - 40 : place] = b"\xff" * 40  # the header of the first page
    summary = load(bytes(whole), name="d_flipped.parquet")
    load([GOOD], name="e.parquet")
    assert {Path(result.file).name for result in summary.failed} == {
        *("a_cut.parquet", "b_empty.parquet", "c_other.parquet", "d_flipped.parquet")
    }
    assert all("Parquet" in str(result.failure) for result in summary.failed)
    assert len(ask(STORED)) == 1


@pytest.mark.parametrize("ticks", [2**63 - 2, -(2**63) + 2, 2**60])
def test_times_of_no_calendar_fail_their_file_alone(load, ask, ticks):
    names = [field.name for field in SCHEMA]
    row = pa.Table.from_pylist([GOOD], SCHEMA)
    wild = pa.array([ticks]).cast(pa.timestamp("us"))
    path = row.set_column(names.index("purchase_time"), "purchase_time", wild)
    sink = pa.BufferOutputStream()
    pq.write_table(path, sink)
    [failed] = load(sink.getvalue().to_pybytes()).failed
    assert failed.failure == "column 'purchase_time' holds times of no calendar"
    load([GOOD], name="b.parquet")
    assert len(ask(STORED)) == 1


def test_a_text_that_is_none_fails_its_file_alone(load, ask):
    names = [field.name for field in SCHEMA]
    row = pa.Table.from_pylist([GOOD], SCHEMA)
    broken = pa.array([b"\xff\xfe"]).view(pa.string())
    sink = pa.BufferOutputStream()
    pq.write_table(row.set_column(names.index("item"), "item", broken), sink)
    [failed] = load(sink.getvalue().to_pybytes()).failed
    assert "cannot be read" in str(failed.failure)
    load([GOOD], name="b.parquet")
    assert len(ask(STORED)) == 1


def test_a_name_is_no_pattern(load, ask):
    load([GOOD | {"txid": "t1"}], name="b1.parquet")
    load([GOOD | {"txid": "t2"}], name="b*.parquet")
    load([GOOD | {"txid": "t3"}], name="b[1]?{x}'\".parquet")
    assert [row[0] for row in ask(STORED)] == ["t1", "t2", "t3"]
    assert ask("select sum(row_count), sum(row_parsed) from raw.load_manifest") == [(3, 3)]
