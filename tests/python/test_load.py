import gzip
import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from conftest import FIXTURES, ROOT, Shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.feeds import ORDERS
from warehouse.load import load_file
from warehouse.settings import WarehouseError

NOW = datetime(2026, 11, 21)  # noqa: DTZ001 - UTC without zone, as in the database
GOOD = {
    "txid": "t1",
    "rfid": "ABC",
    "item": "Statue Sasha Pirate Gold",
    "purchase_time": "2024-05-01T10:00:00",
    "name": "Zoé",
}


def record(**changes: object) -> str:
    fields = {k: v for k, v in (GOOD | changes).items() if v is not ...}
    return json.dumps(fields, ensure_ascii=False)


@pytest.fixture
def load_bytes(tmp_path):
    """Load one file's bytes in this process; give the rejects and the accepted TXIDs."""

    def take(content: bytes) -> tuple[list[tuple], list[str]]:
        folder = tmp_path / "landing" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "a.ndjson"
        path.write_bytes(content)
        database = tmp_path / "w.duckdb"
        database.unlink(missing_ok=True)
        with open_working(database) as connection:
            create_tables(connection)
            load_file(connection, ORDERS, path, tmp_path / "landing", NOW)
            rejects = query(connection, "select line, reason, raw from raw.load_rejects")
            accepted = query(connection, "select txid from raw.client_support_orders")
        return rejects, [txid for (txid,) in accepted]

    return take


def put(shop: Shop, name: str, content: str | bytes) -> Path:
    path = shop.data / "landing" / "orders" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def load(shop: Shop, *lines: str | bytes) -> None:
    put(shop, "a.ndjson", b"\n".join(x.encode() if isinstance(x, str) else x for x in lines))
    shop.warehouse("load")


def test_the_original_records_load_as_they_are(shop):
    put(shop, "course.json", (FIXTURES / "course_orders.json").read_bytes())
    ran = shop.warehouse("load")
    assert "15 lines = 11 accepted + 3 refused + 1 blank" in ran.stdout
    assert "3 lines refused" in ran.stderr
    assert shop.query_working("select line, reason from raw.load_rejects order by line") == [
        (7, "invalid_json"),
        (13, "not_object"),
        (14, "missing_txid"),
    ]
    texts = (FIXTURES / "course_orders.json").read_text("utf-8").split("\n")
    kept = shop.query_working("select raw from raw.load_rejects order by line")
    assert [text for (text,) in kept] == [texts[6], texts[12], texts[13]]
    [row] = shop.query_working(
        "select rfid, purchase_time::varchar, address ->> '$.postalcode', phone, days, "
        "expiration_time::varchar, unit_price, _file from raw.client_support_orders "
        "where _line = 1"
    )
    assert row == (
        *("0x8f3a5b1c9d2e4f60718293a4", "2023-05-02 14:22:31.123456", "75001", None, 2),
        *("2023-06-01", None, "orders/course.json"),
    )
    nulls = "address is null and emergency_contact is null and email is null"
    sql = f"select count(*) from raw.client_support_orders where _line = 4 and {nulls}"
    assert shop.query_working(sql) == [(1,)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"txid": "t1", "rfid"', "invalid_json"),
        ("null", "not_object"),
        ("17", "not_object"),
        (record(txid=...), "missing_txid"),
        (record(txid=None), "missing_txid"),
        (record(txid="  "), "missing_txid"),
        (record(txid=17), "bad_txid"),
        (record(rfid=["A"]), "bad_rfid"),
        (record(item={"name": "x"}), "bad_item"),
        (record(item=""), "missing_item"),
        (record(purchase_time=...), "missing_purchase_time"),
        (record(purchase_time="31/12/2024 10:00"), "bad_purchase_time"),
        (record(purchase_time="2024-02-30T10:00:00"), "bad_purchase_time"),
        (record(purchase_time=1714557600), "bad_purchase_time"),
        (record(purchase_time="2024-05-01 02:00:00 PM"), "bad_purchase_time"),
        (record(purchase_time="2024-05-01T10:00:00 CEST"), "bad_purchase_time"),
        (record(purchase_time="2024-05-01T10:00:00+99:00"), "bad_purchase_time"),
        (record(purchase_time="1999-12-31T23:59:59"), "purchase_time_out_of_range"),
        (record(purchase_time="2150-01-01T00:00:00"), "purchase_time_out_of_range"),
        (record(name={"first": "Zoé"}), "bad_name"),
        (record(address="1, rue É"), "bad_address"),
        (record(address=[1]), "bad_address"),
        (record(emergency_contact="Zoé"), "bad_emergency_contact"),
        (record(days="three"), "bad_days"),
        (record(expiration_time="soon"), "bad_expiration_time"),
        (record(unit_price="cheap"), "bad_unit_price"),
        (record(unit_price=-1), "bad_unit_price"),
        (record(unit_price=True), "bad_unit_price"),
        (record(unit_price=10, discount=10.01), "bad_discount"),
        (record(name="Zo\0é").replace("\\u0000", "\0"), "nul_byte"),
        (record(name="Zoé").encode("latin-1"), "invalid_utf8"),
    ],
)
def test_a_bad_line_is_kept_with_its_reason(load_bytes, line, reason):
    raw = line.encode() if isinstance(line, str) else line
    rejects, accepted = load_bytes(raw + b"\n" + record(txid="t2").encode())
    assert accepted == ["t2"]
    kept = raw.decode(errors="backslashreplace").replace("\0", r"\x00")
    assert rejects == [(1, reason, kept)]


def test_line_numbers_go_on_over_batches(load_bytes, monkeypatch):
    monkeypatch.setattr("warehouse.load._BATCH_LINES", 3)
    lines = [record(txid=f"t{n}") if n % 4 else "{" for n in range(1, 12)]
    rejects, accepted = load_bytes("\n".join(lines).encode())
    assert rejects == [(4, "invalid_json", "{"), (8, "invalid_json", "{")]
    assert accepted == [f"t{n}" for n in range(1, 12) if n % 4]


def test_a_lost_line_is_noticed_and_nothing_is_loaded(load_bytes, monkeypatch, tmp_path):
    monkeypatch.setattr("warehouse.load._Load._refuse", lambda self, lines: 0)
    with pytest.raises(WarehouseError, match="2 lines came in but 1 accepted"):
        load_bytes(record().encode() + b"\n\xff")
    with open_working(tmp_path / "w.duckdb") as connection:
        assert query(connection, "select count(*) from raw.client_support_orders") == [(0,)]
        assert query(connection, "select count(*) from raw.load_manifest") == [(0,)]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-05-01T10:00:00", "2024-05-01 10:00:00"),
        ("2024-05-01 10:00:00.123456", "2024-05-01 10:00:00.123456"),
        ("2024-05-01T10:00:00Z", "2024-05-01 10:00:00"),
        (" 2024-05-01T10:00:00+02:00 ", "2024-05-01 08:00:00"),
        ("2024-05-01T10:00:00.5-0530", "2024-05-01 15:30:00.5"),
        ("2024-05-01", "2024-05-01 00:00:00"),
    ],
)
def test_times_are_kept_in_utc_whatever_the_machine_s_zone(shop, text, utc):
    put(shop, "a.ndjson", record(purchase_time=text))
    shop.warehouse("load", TZ="Asia/Kolkata")
    sql = "select purchase_time::varchar from raw.client_support_orders"
    assert shop.query_working(sql) == [(utc,)]


def test_spellings_of_a_file_do_not_matter(shop):
    upper = json.dumps({key.upper(): value for key, value in GOOD.items()})
    lines = [
        "﻿" + record(txid="bom"),
        record(txid="crlf") + "\r",
        "  ",
        "",
        upper,
        record(txid="end"),
    ]
    load(shop, *lines)
    sql = "select _line, txid from raw.client_support_orders order by _line"
    assert shop.query_working(sql) == [(1, "bom"), (2, "crlf"), (5, "t1"), (6, "end")]
    sql = "select row_count, row_parsed, error_count, blank_count from raw.load_manifest"
    assert shop.query_working(sql) == [(6, 4, 0, 2)]


def test_a_file_is_loaded_once_and_a_grown_file_again(shop):
    put(shop, "a.ndjson", record(txid="t1") + "\n")
    put(shop, "b.ndjson.gz", gzip.compress(record(txid="t2").encode()))
    put(shop, "c.ndjson.part", record(txid="unfinished"))
    put(shop, "readme.txt", "not a feed")
    put(shop, os.fsdecode(b"n\xff*[1]'\n.ndjson"), "\n")
    assert "Loaded 3 files, skipped 0" in shop.warehouse("load").stdout
    assert "Loaded 0 files, skipped 3" in shop.warehouse("load").stdout
    put(shop, "a.ndjson", record(txid="t1") + "\n" + record(txid="t3") + "\n")
    assert "Loaded 1 file, skipped 2 known" in shop.warehouse("load").stdout
    sql = "select txid, _load_seq from raw.client_support_orders order by all"
    assert shop.query_working(sql) == [("t1", 1), ("t1", 4), ("t2", 2), ("t3", 4)]
    named = "select file from raw.load_manifest where row_count = 1 and row_parsed = 0"
    assert shop.query_working(named) == [("orders/n\\xff*[1]'\n.ndjson",)]


def test_a_cut_gzip_file_loads_nothing_and_is_told(shop, refused):
    whole = gzip.compress("\n".join(record(txid=f"t{i}") for i in range(5_000)).encode())
    put(shop, "a.ndjson.gz", whole[: len(whole) // 2])
    put(shop, "b.ndjson", record(txid="good"))
    line = refused(shop.warehouse("load", check=False), 1)
    assert "orders/a.ndjson.gz" in line
    assert shop.query_working("select txid from raw.client_support_orders") == [("good",)]
    sql = "select status, row_count from raw.load_manifest order by file"
    assert shop.query_working(sql) == [("failed", 0), ("loaded", 1)]
    assert "failed: orders/a.ndjson.gz" in shop.warehouse("status").stdout
    # Still damaged: told again, not taken for known.
    assert "orders/a.ndjson.gz" in refused(shop.warehouse("load", check=False), 1)
    put(shop, "a.ndjson.gz", whole)
    assert "5,000 accepted" in shop.warehouse("load").stdout


@pytest.mark.parametrize("damage", ["cut", "checksum", "tail", "not gzip"])
def test_damaged_gzip_leaves_no_line_behind(tmp_path, monkeypatch, damage):
    monkeypatch.setattr("warehouse.load._BATCH_LINES", 10)
    whole = gzip.compress("\n".join(record(txid=f"t{i}") for i in range(500)).encode())
    content = {
        "cut": whole[:-100],
        "checksum": whole[:-8] + b"\0\0\0\0" + whole[-4:],
        "tail": whole + b"not gzip",
        "not gzip": record().encode(),
    }[damage]
    path = tmp_path / "landing" / "orders" / "a.ndjson.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with open_working(tmp_path / "w.duckdb") as connection:
        create_tables(connection)
        loaded = load_file(connection, ORDERS, path, tmp_path / "landing", NOW)
        assert loaded
        assert loaded.failure
        assert query(connection, "select count(*) from raw.client_support_orders") == [(0,)]
        assert query(connection, "select status from raw.load_manifest") == [("failed",)]


def test_a_line_beyond_any_order_is_cut_and_kept(load_bytes, monkeypatch):
    monkeypatch.setattr("warehouse.load._LONGEST_LINE", 2_000)
    long = record(name="x" * 2_000)
    rejects, accepted = load_bytes(f"{long}\n{record(txid='t2')}".encode())
    assert rejects == [(1, "line_too_long", long[:1_000])]
    assert accepted == ["t2"]


def test_the_pepper_stays_until_another_is_given(tmp_path, monkeypatch):
    found = []
    for secret in (None, None, "salt", None, "pepper"):
        if secret:
            monkeypatch.setenv("KSCM_PEPPER", secret)
        else:
            monkeypatch.delenv("KSCM_PEPPER", raising=False)
        with open_working(tmp_path / "w.duckdb") as connection:
            create_tables(connection)
            found += query(connection, "from raw.pepper")
    (first,), *others = found
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert others == [(first,), ("salt",), ("salt",), ("pepper",)]


def test_a_warehouse_held_by_another_process_is_told_in_one_line(shop, refused):
    put(shop, "a.ndjson", record())
    shop.warehouse("create")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(shop.working)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        for command in ("create", "load", "status", "build", "publish"):
            line = refused(shop.warehouse(command, check=False), 1)
            assert f"process {holder.pid}" in line
    finally:
        holder.communicate("\n")
    assert "1 accepted" in shop.warehouse("load").stdout


def test_a_missing_folder_or_a_foreign_file_is_told_in_one_line(shop, refused, tmp_path):
    assert "landing does not exist" in refused(shop.warehouse("load", check=False), 1)
    assert "make generate" in refused(shop.warehouse("status", check=False), 1)
    assert "make build" in refused(shop.warehouse("answers", check=False), 1)
    assert not shop.data.exists()
    foreign = tmp_path / "letter.txt"
    foreign.write_text("Dear warehouse, " * 1000)
    (shop.data / "landing").mkdir(parents=True)
    line = refused(shop.warehouse("load", check=False, KSCM_DB=str(foreign)), 1)
    assert str(foreign) in line
    assert foreign.read_text().startswith("Dear")
    assert "--verbose" in refused(shop.warehouse("load", "--verbose", check=False), 2)
    assert "lod" in refused(shop.warehouse("lod", check=False), 2)


LINES = st.one_of(
    st.sampled_from([record(), record(txid=17), "", "   ", "{", "null", '{"txid": NaN}']),
    st.text(st.characters(blacklist_characters="\n"), max_size=30),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5).map(
        lambda value: record(address=value, unit_price=value)
    ),
).map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=30).map(
    lambda raw: raw.replace(b"\n", b"")
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(LINES, max_size=20))
def test_every_line_ends_somewhere(load_bytes, lines):
    content = b"\n".join(lines)
    rejects, accepted = load_bytes(content)
    # Counted as a reader of bytes would: no line behind a last newline, and a line of
    # blanks only is no line.
    expected = content.removesuffix(b"\n").split(b"\n") if content else []
    blank = 0
    for number, line in enumerate(expected):
        try:
            blank += (
                not (line.removeprefix(b"\xef\xbb\xbf") if not number else line).decode().strip()
            )
        except UnicodeDecodeError:
            continue
    assert len(rejects) + len(accepted) + blank == len(expected)


def test_files_of_another_kind_are_left_alone_and_told(shop):
    orders = shop.data / "landing" / "orders"
    orders.mkdir(parents=True)
    (orders / "a.ndjson").write_text(record() + "\n")
    for name in ("b.parquet", "c.ndjson.part", ".hidden"):
        (orders / name).write_text("?")
    ran = shop.warehouse("load")
    assert ran.stdout.startswith("Loaded 1 file, skipped 0 known: 1 line = 1 accepted")
    [note] = ran.stderr.splitlines()
    assert note.startswith("note: 1 file in ")
    assert "first b.parquet: only lines of JSON" in note
