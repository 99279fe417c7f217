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
from warehouse.loading.json_lines import Shape
from warehouse.loading.load import Summary, load_landing
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


@pytest.fixture(params=["quick", "strict"])
def way(request, monkeypatch) -> str:
    """Load with the quick way first, and with the strict way alone: the same must come out."""
    if request.param == "strict":
        monkeypatch.setattr("warehouse.loading.load.read_shape", lambda file: Shape())
    return request.param


@pytest.fixture
def load_bytes(tmp_path):
    """Load one file's bytes in this process; give the rejects and the accepted TXIDs."""

    def take(content: bytes) -> tuple[list[tuple], list[str]]:
        folder = tmp_path / "landing" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.ndjson").write_bytes(content)
        database = tmp_path / "w.duckdb"
        database.unlink(missing_ok=True)
        with open_working(database) as connection:
            create_tables(connection)
            load_landing(connection, tmp_path / "landing", NOW)
            rejects = query(connection, "select line, reason, raw from raw.load_rejects order by 1")
            sql = "select txid from raw.client_support_orders order by _line"
            accepted = query(connection, sql)
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
    assert "15 lines = 10 accepted + 1 duplicate + 3 refused + 1 blank" in ran.stdout
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
        (record(rfid=["A"]), "bad_rfid"),
        (record(item={"name": "x"}), "bad_item"),
        (record(item=""), "missing_item"),
        (record(purchase_time=...), "missing_purchase_time"),
        (record(purchase_time="31/12/2024 10:00"), "bad_purchase_time"),
        (record(purchase_time="2024-02-30T10:00:00"), "bad_purchase_time"),
        (record(purchase_time=1714557600), "bad_purchase_time"),
        (record(purchase_time="2024-05-01T10:00 PM"), "bad_purchase_time"),
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
        (record(unit_price=19.999), "bad_unit_price"),
        (record(unit_price="19.999"), "bad_unit_price"),
        (record(unit_price=12345678901), "bad_unit_price"),
        (record(days=1.5), "bad_days"),
        (record(days=True), "bad_days"),
        (record(unit_price=10, discount=10.01), "bad_discount"),
        (record(name=float("nan")), "invalid_json"),
        (record(address={"a": [1, float("-inf")]}), "invalid_json"),
        (record(address={"a": 1}).replace("1}", "1,}"), "invalid_json"),
        (record()[:-1] + ",}", "invalid_json"),
        (record()[:-1] + ', "name": "Yves"}', "duplicate_field"),
        (record() + record(), "invalid_json"),
        (record(address={"a": "x" * 66_000}), "bad_address"),
        (record(extra=0).replace('"extra": 0', '"extra": ' + "[" * 500 + "]" * 500), "too_deep"),
        (record(extra=0).replace('"extra": 0', '"extra": ' + "[" * 100_000), "too_deep"),
        (record(name="\ud800").encode(errors="surrogatepass"), "invalid_utf8"),
        (record(name=0).replace('"name": 0', '"name": "\\ud800"'), "invalid_json"),
        (record(name="Zo\0é").replace("\\u0000", "\0"), "nul_byte"),
        (record(name="Zoé").encode("latin-1"), "invalid_utf8"),
    ],
)
@pytest.mark.usefixtures("way")
def test_a_bad_line_is_kept_with_its_reason(load_bytes, line, reason):
    raw = line.encode() if isinstance(line, str) else line
    rejects, accepted = load_bytes(b"\n".join([record().encode(), raw, record(txid="t2").encode()]))
    assert accepted == ["t1", "t2"]
    kept = raw.decode(errors="backslashreplace").replace("\0", r"\x00")
    assert rejects == [(2, reason, kept)]


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"txid": 17}, "txid", "17"),
        ({"name": 17}, "name", "17"),
        ({"name": True}, "name", "true"),
        ({"name": "true"}, "name", "true"),
        ({"name": "NaN"}, "name", "NaN"),
        ({"name": "[x] {y}"}, "name", "[x] {y}"),
        ({"name": ""}, "name", ""),
        ({"unit_price": "19.90"}, "unit_price::varchar", "19.90"),
        # What floating point makes of 19.99.
        ({"unit_price": 19.990000000000002}, "unit_price::varchar", "19.99"),
        ({"unit_price": 0.1 + 0.2}, "unit_price::varchar", "0.30"),
        ({"unit_price": 1e2}, "unit_price::varchar", "100.00"),
        ({"days": "3"}, "days", 3),
        ({"days": 3.0}, "days", 3),
        ({"address": {"b": 1, "a": [None, "é"]}}, "address::varchar", '{"b":1,"a":[null,"é"]}'),
        ({"address": None}, "address", None),
        ({"expiration_time": "2023-06-01"}, "expiration_time::varchar", "2023-06-01"),
        ({"extra": {"deep": [[[1]]]}}, "name", "Zoé"),
    ],
)
@pytest.mark.usefixtures("way")
def test_a_good_line_is_read_to_the_letter(load_bytes, tmp_path, changes, column, value):
    rejects, _ = load_bytes(f"{record(txid='t0')}\n{record(**changes)}".encode())
    assert rejects == []
    with open_working(tmp_path / "w.duckdb") as connection:
        sql = f"select {column} from raw.client_support_orders where _line = 2"
        assert query(connection, sql) == [(value,)]


def test_a_field_that_the_first_line_lacks_is_not_lost(load_bytes, tmp_path):
    """The quick way asks for the fields of the first line: the others must go the strict way."""
    load_bytes("\n".join([record(), record(txid="t2", days=4), record(txid="t3")]).encode())
    with open_working(tmp_path / "w.duckdb") as connection:
        sql = "select days from raw.client_support_orders order by _line"
        assert query(connection, sql) == [(None,), (4,), (None,)]


def test_line_numbers_go_on_over_blocks(load_bytes, monkeypatch):
    monkeypatch.setattr("warehouse.loading.blocks.BLOCK_BYTES", 300)
    monkeypatch.setattr("warehouse.loading.json_files._EXAMINED_AT_ONCE", 2)
    lines = [record(txid=f"t{n}") if n % 4 else "{" for n in range(1, 30)]
    rejects, accepted = load_bytes("\n".join(lines).encode())
    assert rejects == [(n, "invalid_json", "{") for n in range(4, 30, 4)]
    assert accepted == [f"t{n}" for n in range(1, 30) if n % 4]


def test_a_lost_line_is_noticed_and_nothing_is_loaded(load_bytes, monkeypatch, tmp_path):
    monkeypatch.setattr("warehouse.loading.json_files.judge_into_tables", lambda *arguments: None)
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
    assert shop.query_working(sql) == [("t1", 1), ("t2", 2), ("t3", 4)]
    sql = "select file, line, line_count, kind, load_seq from raw.load_duplicates"
    assert shop.query_working(sql) == [("orders/a.ndjson", 1, 1, "known", 4)]
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
    assert "orders/a.ndjson.gz" in shop.warehouse("status").stdout
    # Still damaged: told again, not taken for known.
    assert "orders/a.ndjson.gz" in refused(shop.warehouse("load", check=False), 1)
    put(shop, "a.ndjson.gz", whole)
    assert "5,000 accepted" in shop.warehouse("load").stdout


@pytest.mark.parametrize("damage", ["cut", "checksum", "tail", "not gzip"])
def test_damaged_gzip_leaves_no_line_behind(tmp_path, monkeypatch, damage):
    monkeypatch.setattr("warehouse.loading.blocks.BLOCK_BYTES", 1_000)
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
        [loaded] = load_landing(connection, tmp_path / "landing", NOW).failed
        assert loaded.failure
        assert loaded.failure.startswith("damaged gzip")
        assert query(connection, "select count(*) from raw.client_support_orders") == [(0,)]
        assert query(connection, "select status from raw.load_manifest") == [("failed",)]


@pytest.mark.parametrize("block", [64, 1_000, 5_000])
def test_a_line_beyond_any_order_is_cut_and_kept(load_bytes, monkeypatch, block):
    monkeypatch.setattr("warehouse.loading.blocks.LONGEST_LINE", 2_000)
    monkeypatch.setattr("warehouse.loading.blocks.BLOCK_BYTES", block)
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


def test_the_secrets_of_another_warehouse_are_refused_once_somebody_was_erased(tmp_path):
    database, secrets = tmp_path / "w.duckdb", tmp_path / "w.secrets.json"
    with open_working(database) as connection:
        create_tables(connection)
    other = json.dumps({"pepper": "b", "erasures": [["i", "email", "h", "2026-11-21T00:00:00"]]})
    secrets.write_text(other)
    with open_working(database) as connection:
        with pytest.raises(WarehouseError, match="does not belong to this working file"):
            create_tables(connection)
        assert query(connection, "select count(*) from raw.erasures") == [(0,)]
    assert secrets.read_text() == other


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
        for words in (["create"], ["load", "--wait", "0"], ["status"], ["build"], ["publish"]):
            line = refused(shop.warehouse(*words, check=False), 1)
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
def test_every_line_ends_somewhere(load_bytes, tmp_path, lines):
    content = b"\n".join(lines)
    rejects, accepted = load_bytes(content)
    # Counted as a reader of bytes would: no line behind a last newline, and a line of
    # blanks only is no line.
    expected = content.removesuffix(b"\n").split(b"\n") if content else []
    blank = 0
    for number, line in enumerate(expected):
        try:
            blank += (
                not (line.removeprefix(b"\xef\xbb\xbf") if not number else line)
                .decode()
                .strip(" \t\r\n\v\f")
            )
        except UnicodeDecodeError:
            continue
    with open_working(tmp_path / "w.duckdb") as connection:
        sql = "select coalesce(sum(line_count), 0) from raw.load_duplicates"
        [(duplicates,)] = query(connection, sql)
    assert len(rejects) + len(accepted) + duplicates + blank == len(expected)


def test_what_no_feed_can_read_is_left_alone_and_told(shop):
    orders = shop.data / "landing" / "orders"
    (orders / "old").mkdir(parents=True)
    (orders / "a.ndjson").write_text(record() + "\n")
    for name in ("b.txt", "c.ndjson.part", ".hidden", "../_world.json", "../letter.csv"):
        (orders / name).write_text("?")
    os.mkfifo(orders / "pipe.ndjson")
    (orders / "loop.ndjson").symlink_to("loop.ndjson")
    (orders.parent / "loop").symlink_to("loop")
    (orders.parent / "oders").mkdir()
    ran = shop.warehouse("load")
    assert ran.stdout.startswith("Loaded 1 file, skipped 0 known: 1 line = 1 accepted")
    [note] = ran.stderr.splitlines()
    assert "letter.csv, loop, oders/ and 4 more" in note


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_does_not_stop_the_others(shop, refused):
    put(shop, "a.ndjson", record(txid="t1")).chmod(0)
    put(shop, "b.ndjson", record(txid="t2"))
    line = refused(shop.warehouse("load", check=False), 1)
    assert "orders/a.ndjson (cannot be read: Permission denied)" in line
    assert shop.query_working("select txid from raw.client_support_orders") == [("t2",)]


@pytest.fixture
def run_load(tmp_path):
    """Load what lies in tmp_path / landing, in this process."""

    def run() -> Summary:
        with open_working(tmp_path / "w.duckdb") as connection:
            create_tables(connection)
            return load_landing(connection, tmp_path / "landing", datetime.now())  # noqa: DTZ005

    (tmp_path / "landing" / "orders").mkdir(parents=True)
    return run


def test_a_file_is_known_by_its_content_and_not_by_its_date(run_load, tmp_path):
    path = tmp_path / "landing" / "orders" / "a.ndjson"
    path.write_text(record(txid="t1"))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert len(run_load().loaded) == 1
    os.utime(path, (1_700_000_500, 1_700_000_500))
    assert run_load().skipped == 1
    with open_working(tmp_path / "w.duckdb") as connection:
        sql = "select file_modified_ns from raw.load_manifest"
        assert query(connection, sql) == [(1_700_000_500 * 10**9,)]
    path.write_text(record(txid="t2"))
    assert len(run_load().loaded) == 1


def test_a_file_written_again_in_the_tick_of_its_load_is_seen(run_load, tmp_path):
    """Of the same size and date, as a clock of coarse ticks would have it."""
    path = tmp_path / "landing" / "orders" / "a.ndjson"
    path.write_text(record(txid="t1"))
    state = path.stat()
    run_load()
    path.write_text(record(txid="t2"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert [result.accepted for result in run_load().loaded] == [1]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("orders/a.ndjson", gzip.compress(b"{}"), "is packed by gzip: let its name end in .gz"),
        ("shops_stores/a.csv", "Id,Région\n1,x\n".encode("latin-1"), "its header is not UTF-8"),
        ("shops_stores/a.csv", b"", "lacks even a header"),
        ("shops_stores/a.csv", b"store_id;city;colour\n", "column 'colour' is not known"),
    ],
)
def test_a_file_of_another_kind_fails_with_a_word_on_what_to_do(
    run_load, tmp_path, name, content, told
):
    path = tmp_path / "landing" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    [failed] = run_load().failed
    assert told in str(failed.failure)


def test_a_rebuild_keeps_what_was_loaded_last_as_the_last(shop, refused):
    put(shop, "z.ndjson", record(unit_price=10))
    shop.warehouse("load")
    put(shop, "a.ndjson", record(unit_price=12))
    shop.warehouse("load")
    newest = "select unit_price::int from raw.client_support_orders order by _load_seq desc limit 1"
    assert shop.query_working(newest) == [(12,)]
    shop.warehouse("doctor", "--rebuild")
    assert shop.query_working(newest) == [(12,)]
    # What was overwritten would be lost, and is told before.
    put(shop, "z.ndjson", record(unit_price=15))
    shop.warehouse("load")
    line = refused(shop.warehouse("doctor", "--rebuild", check=False), 1)
    assert "orders/z.ndjson, in an earlier edition" in line
    shop.warehouse("doctor", "--rebuild", "--yes")
    sql = "select unit_price::int from raw.client_support_orders order by _load_seq"
    assert shop.query_working(sql) == [(12,), (15,)]


def test_a_failed_file_is_told_again_until_it_is_whole(run_load, tmp_path):
    path = tmp_path / "landing" / "orders" / "a.ndjson.gz"
    path.write_bytes(b"no gzip")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    for _ in range(2):
        assert [result.file for result in run_load().failed] == ["orders/a.ndjson.gz"]
    with open_working(tmp_path / "w.duckdb") as connection:
        assert query(connection, "select count(*) from raw.load_manifest") == [(1,)]
    path.write_bytes(gzip.compress(record().encode()))
    assert run_load().failed == []


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_load(
    run_load, tmp_path, monkeypatch
):
    path = tmp_path / "landing" / "orders" / "a.ndjson"
    path.write_text(record(txid="t1") + "\n")
    (path.parent / "b.ndjson").write_text(record(txid="t0") + "\n")

    def grow(self, source=None):
        if path.stat().st_size < 400:
            with path.open("a") as file:
                file.write(record(txid="t2") + "\n")

    with monkeypatch.context() as patch:
        patch.setattr("warehouse.loading.blocks.Source.read_on", grow)
        [failed] = run_load().failed
        assert failed.file == "orders/a.ndjson"
        assert "still being written" in str(failed.failure)
    assert [result.accepted for result in run_load().loaded] == [2]
    with open_working(tmp_path / "w.duckdb") as connection:
        sql = "select txid from raw.client_support_orders order by 1"
        assert query(connection, sql) == [("t0",), ("t1",), ("t2",)]


def test_many_small_files_are_one_transaction_and_each_has_its_own_account(run_load, tmp_path):
    orders = tmp_path / "landing" / "orders"
    for n in range(50):
        bad = "{\n" if n % 7 == 0 else ""
        (orders / f"o_{n:02}.ndjson").write_text(f"{bad}\n{record(txid=f't{n}')}\n")
    (orders / "o_20x.ndjson.gz").write_bytes(gzip.compress(record().encode())[:-3])
    summary = run_load()
    assert [len(summary.loaded), len(summary.failed)] == [50, 1]
    with open_working(tmp_path / "w.duckdb") as connection:
        found = query(
            connection,
            "select m.file, row_count, row_parsed, error_count, blank_count, txid, _line "
            "from raw.load_manifest m join raw.client_support_orders o on m.file = o._file "
            "and m.load_seq = o._load_seq order by m.file",
        )
    assert found == [
        (f"orders/o_{n:02}.ndjson", *((3, 1, 1, 1) if n % 7 == 0 else (2, 1, 0, 1)), f"t{n}")
        + ((3,) if n % 7 == 0 else (2,))
        for n in range(50)
    ]
