import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import Shop

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.loading.load import load_landing
from warehouse.repairing.replay import list_rejects, replay_file, replayed_lines
from warehouse.repairing.settle import settle
from warehouse.settings import WarehouseError

NOW = datetime(2026, 11, 21, 9, 30)  # noqa: DTZ001 - UTC without zone, as in the database
OPEN = "select file, line, reason from raw.load_rejects where repaired_seq is null order by all"


def order(txid: str, **changes: object) -> str:
    record = {"txid": txid, "rfid": "1", "item": "Statue", "purchase_time": "2024-05-01T10:00:00"}
    return json.dumps(record | changes, ensure_ascii=False)


class Store:
    """A landing folder and its working file; every call is a run of its own, a minute later."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW

    def put(self, name: str, *lines: str | bytes) -> Path:
        path = self.folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"".join((x.encode() if isinstance(x, str) else x) + b"\n" for x in lines)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def load(self) -> None:
        self.now += timedelta(minutes=1)
        with open_working(self.folder / "w.duckdb") as connection:
            create_tables(connection)
            load_landing(connection, self.folder / "landing", self.now)
            settle(connection)

    def list_open(self, feed: str = "orders") -> Path:
        self.now += timedelta(minutes=1)
        with open_working(self.folder / "w.duckdb") as connection:
            list_rejects(connection, self.folder / "repairs", self.now)
        return self.folder / "repairs" / f"{feed}.txt"

    def replay(self, path: Path) -> list[str]:
        self.now += timedelta(minutes=1)
        with open_working(self.folder / "w.duckdb") as connection:
            done = replay_file(connection, self.folder / "landing", path, self.now)
            return replayed_lines(done)

    def ask(self, sql: str) -> list[tuple]:
        with open_working(self.folder / "w.duckdb") as connection:
            return query(connection, sql)

    def landed(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "landing").rglob("*.*"))

    def rebuild(self) -> None:
        (self.folder / "w.duckdb").unlink()
        self.load()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "boutique d'été")


def edit(path: Path, *changes: tuple[str, str]) -> Path:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def three(store):
    """Lines 2, 4 and 6 of a file are refused, 1 and 5 accepted, 3 is blank."""
    bad = [order("t2", purchase_time="soon"), '{"txid": "t4"', order("t6", item=None)]
    lines = [order("t1"), bad[0], "", bad[1], order("t5"), bad[2]]
    store.put("orders/a.ndjson", *lines)
    store.load()
    return store


def test_the_list_holds_each_refused_line_below_its_address(three):
    lines = three.list_open().read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("# orders/")] == [
        "# orders/a.ndjson line 2 (load 1): bad_purchase_time",
        "# orders/a.ndjson line 4 (load 1): invalid_json",
        "# orders/a.ndjson line 6 (load 1): missing_item",
    ]
    below = [lines[n + 1] for n, line in enumerate(lines) if line.startswith("# orders/")]
    assert below == [
        order("t2", purchase_time="soon"),
        '{"txid": "t4"',
        order("t6", item=None),
    ]


def test_repaired_lines_are_loaded_and_the_others_stay_open(three):
    path = edit(
        three.list_open(), ('"soon"', '"2024-05-02T10:00:00"'), ('{"txid": "t4"', order("t4"))
    )
    assert three.replay(path) == [
        "Replayed 2 lines: 2 loaded, 0 still refused (1 left as they were)"
    ]
    found = three.ask("select txid, _file, _line from raw.client_support_orders order by txid")
    repair = "orders/a.ndjson.repaired-20261121T093300.ndjson"
    assert found == [
        ("t1", "orders/a.ndjson", 1),
        ("t2", repair, 2),
        ("t4", repair, 4),
        ("t5", "orders/a.ndjson", 5),
    ]
    assert three.ask(OPEN) == [("orders/a.ndjson", 6, "missing_item")]
    assert three.ask("select line, repaired_seq from raw.load_rejects order by line") == [
        (2, 2),
        (4, 2),
        (6, None),
    ]


def test_a_second_replay_changes_nothing(three):
    path = edit(three.list_open(), ('"soon"', '"2024-05-02T10:00:00"'), ('{"txid": "t4"', "{}"))
    assert three.replay(path)[0].startswith("Replayed 2 lines: 1 loaded, 1 still refused")
    before = three.landed(), three.ask("from raw.load_rejects"), three.ask("from raw.load_manifest")
    assert three.replay(path) == [
        "Replayed 1 line: 0 loaded, 1 still refused (1 left as they were, 1 repaired before)",
        "  orders/a.ndjson line 4: missing_txid",
    ]
    after = three.landed(), three.ask("from raw.load_rejects"), three.ask("from raw.load_manifest")
    assert after == before


def test_what_is_refused_again_is_open_once_and_can_be_repaired_again(three):
    path = edit(three.list_open(), ('{"txid": "t4"', "[]"))
    three.replay(path)
    assert [line for _, line, _ in three.ask(OPEN)] == [2, 4, 6]
    assert {file for file, _, _ in three.ask(OPEN)} == {"orders/a.ndjson"}
    edit(path, ("[]", order("t4")))
    assert three.replay(path)[0].startswith("Replayed 1 line: 1 loaded")
    assert [line for _, line, _ in three.ask(OPEN)] == [2, 6]


def test_a_rebuild_from_the_landing_folder_finds_the_repair(three):
    three.replay(
        edit(three.list_open(), ('"soon"', '"2024-05-02T10:00:00"'), ('{"txid": "t4"', "[]"))
    )
    rows = "select txid from raw.client_support_orders order by txid"
    before = three.ask(rows), three.ask(OPEN)
    three.rebuild()
    assert (three.ask(rows), three.ask(OPEN)) == before
    assert before[0] == [("t1",), ("t2",), ("t5",)]


def test_a_new_defect_in_a_repaired_line_is_open(three):
    three.replay(edit(three.list_open(), ('{"txid": "t4"', order("t4"))))
    three.put("orders/a.ndjson", order("t1"), "", "", '{"txid": "other')
    three.load()
    assert ("orders/a.ndjson", 4, "invalid_json") in three.ask(OPEN)
    assert '{"txid": "other' in three.list_open().read_text(encoding="utf-8")


def test_a_repair_that_an_ordinary_load_took_counts_too(three):
    # As when the replay is killed between writing the file and loading it.
    three.put("orders/a.ndjson.repaired-20261121T093300.ndjson", "", "", "", order("t4"))
    three.load()
    assert [line for _, line, _ in three.ask(OPEN)] == [2, 6]


def test_a_repair_that_was_there_already_counts_as_loaded(three):
    three.replay(edit(three.list_open(), ('{"txid": "t4"', order("t5"))))
    assert [line for _, line, _ in three.ask(OPEN)] == [2, 6]
    assert three.ask("select count(*) from raw.client_support_orders") == [(2,)]


def test_pairs_taken_out_are_left_alone(three):
    path = three.list_open()
    lines = path.read_text(encoding="utf-8").split("\n")
    at = next(n for n, line in enumerate(lines) if " line 4 " in line)
    path.write_text("\n".join(lines[:at] + lines[at + 2 :]), encoding="utf-8")
    edit(path, ('"soon"', '"2024-05-02T10:00:00"'))
    assert three.replay(path) == [
        "Replayed 1 line: 1 loaded, 0 still refused (1 left as they were)"
    ]
    assert [line for _, line, _ in three.ask(OPEN)] == [4, 6]


def test_a_text_without_address_is_refused_by_its_line(three):
    path = three.list_open()
    number = len(path.read_text(encoding="utf-8").splitlines()) + 1
    path.write_text(path.read_text(encoding="utf-8") + order("t9") + "\n", encoding="utf-8")
    edit(path, ('"soon"', '"2024-05-02T10:00:00"'))
    with pytest.raises(WarehouseError, match=rf"orders.txt line {number}: .*no address above it"):
        three.replay(path)
    assert three.landed() == ["a.ndjson"]


@pytest.mark.parametrize("wrong", ["line 3 (load 1)", "line 4 (load 9)"])
def test_an_address_that_was_never_refused_is_told(three, wrong):
    path = edit(three.list_open(), ("line 4 (load 1)", wrong))
    with pytest.raises(WarehouseError, match="no such line was refused"):
        three.replay(path)
    path = edit(path, (wrong, "line 4 (load 1)"), ("a.ndjson line 4", "b.ndjson line 4"))
    with pytest.raises(WarehouseError, match="no such line was refused"):
        three.replay(path)


def test_an_editor_may_write_windows_line_ends_and_a_mark(three):
    path = edit(three.list_open(), ('{"txid": "t4"', order("t4")))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert three.replay(path) == [
        "Replayed 1 line: 1 loaded, 0 still refused (2 left as they were)"
    ]


def test_a_list_that_is_missing_or_not_text_is_refused(three, tmp_path):
    with pytest.raises(WarehouseError, match="does not exist"):
        three.replay(tmp_path / "none.txt")
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(WarehouseError, match="is not UTF-8"):
        three.replay(tmp_path / "x.txt")


def test_a_new_list_never_overwrites_what_was_edited(three):
    path = three.list_open()
    assert three.list_open() == path
    assert [p.name for p in path.parent.iterdir()] == ["orders.txt"]
    edit(path, ('{"txid": "t4"', "work of an hour"))
    three.list_open()
    kept = [p for p in path.parent.iterdir() if p != path]
    assert len(kept) == 1
    assert "work of an hour" in kept[0].read_text(encoding="utf-8")
    assert "work of an hour" not in path.read_text(encoding="utf-8")


def test_bytes_that_are_no_text_are_repaired_too(store):
    store.put("orders/b.ndjson.gz", order("é").encode("latin-1"), order("b") + "\0")
    store.load()
    path = edit(store.list_open(), (r"\xe9", "é"), (r"\x00", ""))
    assert store.replay(path) == ["Replayed 2 lines: 2 loaded, 0 still refused"]
    assert store.ask("select txid from raw.client_support_orders order by 1") == [("b",), ("é",)]
    assert store.ask(OPEN) == []


# CSV

SALES = ("Date;ID Référence produit;Quantité;ID Magasin",)


def sales(store: Store) -> list[tuple]:
    return store.ask("select date::varchar, product, quantity from raw.shop_sales order by all")


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz"])
def test_a_repaired_twin_is_one_more_sale(store, name):
    twin = "03/04/2024;P1;1;S1"
    lines = [*SALES, twin, "13/04/2024;P2;2;S1", "03/04/2024;P1;one;S1", twin]
    store.put(f"shops_sales/{name}", *lines)
    store.load()
    assert len(sales(store)) == 3
    path = edit(store.list_open("shops_sales"), (";one;", ";1;"))
    assert "# columns: date;product;quantity;store\n" in path.read_text(encoding="utf-8")
    # Its date alone would be ambiguous.
    assert store.replay(path) == ["Replayed 1 line: 1 loaded, 0 still refused"]
    expected = [("2024-04-03", "P1", 1)] * 3 + [("2024-04-13", "P2", 2)]
    assert sales(store) == expected
    store.rebuild()
    assert sales(store) == expected
    assert store.ask(OPEN) == []


def test_what_is_not_repaired_in_a_copied_file_is_not_open_twice(store):
    store.put("shops_sales/s.csv", *SALES, "2024-04-03;P1;one;S1", "2024-04-03;P2;two;S1", "x")
    store.load()
    store.replay(edit(store.list_open("shops_sales"), (";one;", ";1;"), (";two;", ";due;")))
    assert store.ask(OPEN) == [
        ("shops_sales/s.csv", 3, "bad_quantity"),
        ("shops_sales/s.csv", 4, "wrong_column_count"),
    ]
    assert sales(store) == [("2024-04-03", "P1", 1)]


def test_a_longer_edition_of_a_file_keeps_its_repairs(store):
    lines = [*SALES, "2024-04-03;P1;one;S1", "2024-04-03;P2;two;S1"]
    store.put("shops_sales/s.csv", *lines)
    store.load()
    store.replay(edit(store.list_open("shops_sales"), (";one;", ";1;")))
    store.put("shops_sales/s.csv", *lines, "2024-04-04;P1;5;S1")
    store.load()
    text = store.list_open("shops_sales").read_text(encoding="utf-8")
    assert text.count("# shops_sales/") == 1
    assert ";two;" in text
    store.replay(edit(store.list_open("shops_sales"), (";two;", ";2;")))
    assert sales(store) == [
        ("2024-04-03", "P1", 1),
        ("2024-04-03", "P2", 2),
        ("2024-04-04", "P1", 5),
    ]
    assert store.ask(OPEN) == []


def test_a_file_that_has_changed_is_not_repaired_by_line_number(store):
    path = store.put("shops_sales/s.csv", *SALES, "2024-04-03;P1;one;S1")
    store.load()
    repairs = edit(store.list_open("shops_sales"), (";one;", ";1;"))
    store.put("shops_sales/s.csv", *SALES, "2024-04-03;P9;9;S1", "2024-04-03;P1;one;S1")
    with pytest.raises(WarehouseError, match="line 2 is no longer the line that was refused"):
        store.replay(repairs)
    path.unlink()
    with pytest.raises(WarehouseError, match="cannot be read any more"):
        store.replay(repairs)
    assert store.landed() == []


def test_a_repair_that_contradicts_the_dates_of_its_file_writes_nothing(store):
    store.put("shops_sales/s.csv", *SALES, "13/04/2024;P1;1;S1", "?;P1;1;S1")
    store.load()
    with pytest.raises(WarehouseError, match="contradict"):
        store.replay(edit(store.list_open("shops_sales"), ("?;P1", "04/13/2024;P1")))
    assert store.landed() == ["s.csv"]


def test_a_price_list_is_repaired_line_by_line(store):
    store.put("shops_products/p.csv", "Nom,ID,Prix", "Lampe,L1,10", "Vase,V1,free", "Bol,B1,3")
    store.load()
    store.put("shops_products/q.csv", "Nom,ID,Prix", "Lampe,L1,12")
    store.load()
    store.replay(edit(store.list_open("shops_products"), ("V1,free", 'V1,"1,50"')))
    newest = (
        "select product_id, price::varchar from raw.shop_products "
        "qualify row_number() over (partition by product_id order by _load_seq desc) = 1 order by 1"
    )
    assert store.ask(newest) == [("B1", "3.00"), ("L1", "12.00"), ("V1", "1.50")]
    assert store.ask(OPEN) == []


# The command


def test_the_command_lists_and_replays(shop: Shop):
    folder = shop.data / "landing" / "orders"
    folder.mkdir(parents=True)
    (folder / "a.ndjson").write_text(f"{order('t1')}\n{{\n", encoding="utf-8")
    shop.warehouse("load")
    path = shop.data / "repairs" / "orders.txt"
    said = shop.warehouse("replay").stdout.splitlines()
    assert said == [
        f"1 refused line in {path}",
        "Repair the lines there, then run: python -m warehouse replay FILE",
    ]
    path.write_text(path.read_text().replace("\n{\n", f"\n{order('t2')}\n"), encoding="utf-8")
    replayed = shop.warehouse("replay", str(path)).stdout
    assert replayed == "Replayed 1 line: 1 loaded, 0 still refused\n"
    assert shop.warehouse("replay").stdout == "No refused line is open.\n"
    assert shop.query_working("select count(*) from raw.client_support_orders") == [(2,)]


def test_the_command_refuses_in_one_line(shop: Shop, refused):
    assert "does not exist yet" in refused(shop.warehouse("replay", check=False), 1)
    shop.warehouse("create")
    (shop.data / "landing").mkdir(parents=True)
    message = refused(shop.warehouse("replay", "none.txt", check=False), 1)
    assert "none.txt does not exist: run 'python -m warehouse replay'" in message
