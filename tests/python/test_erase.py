import gzip
import json
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, Shop

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.erasing.byte_scan import files_holding
from warehouse.erasing.erase import Places, erase_person, preview_erasure, unfinished_erasures
from warehouse.erasing.person import ask
from warehouse.loading.load import Summary, load_landing
from warehouse.settings import WarehouseError

NOW = datetime(2026, 11, 21, 8)  # noqa: DTZ001 - UTC without zone, as in the database
NOTE = 'pour "Zoe Lefevre-ançay", merci'
TEXT = ("txid", "rfid", "item", "purchase_time", "name", "phone", "email")
HER_TEXTS = (
    "Zoé Lefèvre-Ançay",
    "zoe.lefevre.77@example.com",
    "06 39 98 12 34",
    "5, rue des Œillets",
)
HOME = {"street_address": HER_TEXTS[3], "city": "Évry", "state": "Essonne", "postalcode": "91000"}


def order(number: int, **changes: object) -> dict:
    """A line of Zoé's, of order `number`."""
    record = {
        "txid": f"t{number:04d}",
        "rfid": f"{number:024d}",
        "item": "Statue Sasha Pirate Gold",
        "purchase_time": f"2025-03-{1 + number % 28:02d}T10:00:00",
        "name": HER_TEXTS[0],
        "address": HOME,
        "phone": HER_TEXTS[2],
        "email": HER_TEXTS[1],
        "emergency_contact": {"name": "Paul Lefèvre", "phone": "06 39 98 55 55"},
        "unit_price": 10.5,
    } | changes
    return {key: value for key, value in record.items() if value is not ...}


def paul(number: int, **changes: object) -> dict:
    """A line of Paul's: her husband, same phone, same address, another name."""
    his = {"name": "Paul Lefèvre", "email": "paul.lefevre@example.org", "emergency_contact": None}
    return order(number, **his | changes)


def line(record: dict, *, ascii: bool = False) -> str:
    return json.dumps(record, ensure_ascii=ascii)


def everything() -> dict[str, bytes]:
    """Landing files, by path, in which she is spelled in all ways there are."""
    lines = [
        line(order(1)),
        line(order(2, email=" ZOE.Lefevre.77@EXAMPLE.com ", phone=None)),
        line(order(3, email=None, phone="+33 6 39 98 12 34", name="ZOE LEFEVRE ANCAY"), ascii=True),
        line(order(4, email=None, phone=None)),
        line(order(4, email=None, phone=None, name=None, rfid="ABC")),
        line(paul(5)),
        line(paul(6, emergency_contact={"name": HER_TEXTS[0], "phone": "0033639981234"})),
        "",
        line(order(7, purchase_time="2025-02-30T10:00:00"), ascii=True),
        line(order(8))[:230],
        line(order(9, email="other@example.com", phone="0639980001", address=None, name="Marie")),
        line(order(10, email="second.mail@example.net", purchase_time="2025-04-01T10:00:00.5")),
        line(order(11, name="Zoé Lefèvre-Ançayotte", phone=None, email=None)),
    ]
    table = pa.Table.from_pylist(
        [
            {**{k: order(20)[k] for k in TEXT}, "address": line(HOME), "emergency_contact": None},
            {**{k: paul(21)[k] for k in TEXT}, "address": line(HOME), "emergency_contact": None},
        ]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    act = {"act_id": "1", "kind": "note", "time": "2025-04-01T10:00:00"}
    act |= {"payload": {"notes": [NOTE, "ok"], "total": 10}}
    return {
        "orders/a.ndjson": b"\xef\xbb\xbf" + "\r\n".join(lines).encode(),
        "orders/b.ndjson.gz": gzip.compress(line(order(30), ascii=True).encode()),
        "orders/c.parquet": sink.getvalue().to_pybytes(),
        "orders/d.json": b'{"txid":"x","name":"Zo\xe9 Lef\xe8vre-An\xe7ay","email":"q',
        "till_acts/t.ndjson": line(act).replace("10}", "10.50}").encode() + b"\n",
        "repairs.txt": f"# orders/a.ndjson line 9 (load 1): bad\n{lines[8]}\n".encode(),
        "web_lines/w.csv": (
            "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country\r\n"
            f"1;A;chèque de {HER_TEXTS[0]};1;2025-03-04 10:00;2.50;;France\r\n"
            f"1;B;tel {HER_TEXTS[2]};1;2025-03-04 10:00;2.50;;France\r\n"
        ).encode(),
    }


def records_of(path: Path) -> list[dict | str]:
    """What stands in a file, read without the code under test; torn lines as texts."""
    if path.suffix == ".parquet":
        return [
            {k: json.loads(v) if k == "address" and v else v for k, v in row.items()}
            for row in pq.read_table(path).to_pylist()
        ]
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    found: list[dict | str] = []
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = data.decode("latin-1").splitlines()
    for text in lines:
        try:
            found.append(json.loads(text))
        except ValueError:
            found.append(text)
    return found


def take_in(places: Places, now: datetime = NOW) -> Summary:
    with open_working(places.database) as connection:
        create_tables(connection)
        return load_landing(connection, places.data / "landing", now)


@pytest.fixture
def places(tmp_path) -> Places:
    """A landing folder with everything, taken in."""
    data = tmp_path / "données d'été"
    places = Places(data / "kscm.duckdb", data, data / "published" / "kscm.duckdb")
    for name, content in everything().items():
        path = data / ("landing" if name[:3] in ("ord", "web") else "repairs") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    take_in(places)
    payload = json.dumps({"notes": [NOTE, "ok"], "total": 10}, ensure_ascii=False)
    with open_working(places.database) as connection:
        query(
            connection,
            "insert into raw.till_acts "
            "values ('1', 'note', '2025-04-01', ?, 't', 1, 0, '2025-04-01')",
            [payload],
        )
    return places


def asked(**words: str):
    return lambda connection: ask(connection, **words)


BY_MAIL = asked(email="zoe.lefevre.77@example.com")


def rows(places: Places, sql: str) -> list[tuple]:
    with open_working(places.database) as connection:
        return query(connection, sql)


TOTALS = (
    "select count(*), count(distinct txid), sum(unit_price), count(distinct rfid), "
    "count(*) filter (address ->> '$.postalcode' = '91000') from raw.client_support_orders"
)
# What nobody else in these files has: e-mails, and her name unless more letters follow.
TRACES = ("zoe.lefevre.77@example.com", "second.mail@example.net", "zoe lefevre ancay")


def plain(value: object) -> str:
    """Small letters without accents and signs, whatever a text was spelled like."""
    text = json.dumps(value, ensure_ascii=False, default=str).lower()
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.replace("-", " ").replace("ancayotte", "")


def holding(data: Path) -> dict[str, list[int]]:
    """The lines of each file that tell her, found by reading the files whole."""
    return {
        path.name: lines
        for path in sorted([*data.glob("landing/*/*"), *data.rglob("repairs/**/*.*")])
        if (
            lines := [
                number
                for number, record in enumerate(records_of(path), start=1)
                if any(trace in plain(record) for trace in TRACES)
            ]
        )
    }


def in_tables(places: Places) -> list[str]:
    """The raw tables that tell her."""
    with open_working(places.database) as connection:
        tables = query(connection, "select table_name from duckdb_tables() where schema_name='raw'")
        return [
            table
            for (table,) in sorted(tables)
            for dump in [plain(query(connection, f"from raw.{table}"))]
            if any(trace in dump for trace in TRACES)
        ]


def backup(places: Places) -> Path:
    copy = places.data.parent / "backup"
    shutil.copytree(places.data / "landing", copy)
    return copy


def bring_back(places: Places, copy: Path) -> None:
    shutil.copytree(copy, places.data / "landing", dirs_exist_ok=True)


def test_she_is_in_no_table_file_or_byte_any_more(places):
    texts = {HER_TEXTS[0], HER_TEXTS[1], "second.mail@example.net"}
    texts |= {"ZOE LEFEVRE ANCAY"}
    # The control: every search finds her before.
    assert in_tables(places) == [
        "client_support_orders",
        "load_rejects",
        "till_acts",
        "web_order_lines",
    ]
    found = holding(places.data)
    assert found == {
        "a.ndjson": [1, 2, 3, 4, 7, 9, 10, 12],
        "b.ndjson.gz": [1],
        "c.parquet": [1],
        "d.json": [1],
        "repairs.txt": [2],
        "t.ndjson": [1],
        "w.csv": [2],
    }
    assert places.database in files_holding(places.data, places.database, texts)

    certificate = erase_person(places, BY_MAIL, NOW)

    assert in_tables(places) == []
    assert holding(places.data) == {}
    traces = {HER_TEXTS[1], "second.mail@example.net", "ZOE LEFEVRE ANCAY"}
    assert files_holding(places.data, places.database, traces) == []
    assert "8 lines of 7 orders" in "\n".join(certificate)
    assert not any(trace in plain(certificate) for trace in TRACES)
    assert not [path for path in places.data.rglob("*") if path.name.endswith((".part", ".wal"))]


def test_a_torn_line_of_another_that_names_her_is_erased(places):
    text = line(paul(13, emergency_contact={"name": HER_TEXTS[0], "phone": HER_TEXTS[2]}))
    path = places.data / "landing" / "orders" / "torn.ndjson"
    path.write_text(text[:-20])
    take_in(places)
    assert holding(places.data)["torn.ndjson"] == [1]
    erase_person(places, BY_MAIL, NOW)
    assert holding(places.data) == {}
    assert in_tables(places) == []
    assert path.read_text().startswith("[erased-")


def test_lines_of_others_and_numbers_stay_as_they_are(places):
    landing = places.data / "landing"
    before = {path: path.read_bytes() for path in landing.rglob("*.*")}
    erase_person(places, BY_MAIL, NOW)
    old, new = (content.split(b"\n") for content in (
        before[landing / "orders" / "a.ndjson"], (landing / "orders" / "a.ndjson").read_bytes()
    ))  # fmt: skip
    assert len(old) == len(new) == 13
    same = [number for number, (a, b) in enumerate(zip(old, new, strict=True), start=1) if a == b]
    assert same == [6, 8, 11, 13]
    assert new[0].startswith(b'\xef\xbb\xbf{"txid":"t0001"')
    assert all(text.endswith(b"\r") for text in new[:-1])
    seventh = json.loads(old[6]) | {"emergency_contact": None}
    assert json.loads(new[6]) == seventh
    act = (places.data / "repairs" / "till_acts" / "t.ndjson").read_text()
    assert '{"notes":["erased","ok"],"total":10.50}' in act
    repairs = (places.data / "repairs" / "repairs.txt").read_text().splitlines()
    raw = rows(places, "select raw from raw.load_rejects where reason = 'bad_purchase_time'")
    assert raw == [(repairs[1],)]
    assert repairs[0] == "# orders/a.ndjson line 9 (load 1): bad"
    web = (landing / "web_lines" / "w.csv").read_bytes()
    assert web == before[landing / "web_lines" / "w.csv"].replace(
        f"chèque de {HER_TEXTS[0]}".encode(), b"erased"
    )


def test_rows_and_totals_stay_and_she_is_one_customer(places):
    [before] = rows(places, TOTALS)
    erase_person(places, BY_MAIL, NOW)
    assert rows(places, TOTALS) == [before]
    erased = "select email, txid from raw.client_support_orders where email like 'erased-%'"
    found = rows(places, erased)
    assert len({mail for mail, _ in found}) == 1
    hers = ["t0001", "t0002", "t0003", "t0004", "t0004", "t0010", "t0020", "t0030"]
    assert sorted(txid for _, txid in found) == hers
    kept = "select distinct name, phone, emergency_contact, address::varchar from " + (
        "raw.client_support_orders where email like 'erased-%'"
    )
    place = '{"state":"Essonne","city":"Évry","postalcode":"91000"}'
    assert rows(places, kept) == [(None, None, None, place)]


def test_the_household_keeps_its_phone_and_only_loses_her_as_contact(places):
    sql = "select txid, name, phone, email, address ->> '$.street_address', emergency_contact "
    sql += "from raw.client_support_orders where name = 'Paul Lefèvre' order by txid"
    before = rows(places, sql)
    erase_person(places, BY_MAIL, NOW)
    assert [txid for txid, *_ in before] == ["t0005", "t0006", "t0021"]
    assert rows(places, sql) == [(*row[:-1], None) for row in before]


def test_a_preview_tells_the_spellings_and_changes_nothing(places):
    def state() -> dict:
        return {
            path: path.read_bytes()
            for path in places.data.rglob("*")
            if path.is_file() and path != places.database
        }

    before, tables = state(), rows(places, "from raw.client_support_orders")
    told = "\n".join(preview_erasure(places, BY_MAIL, NOW))
    assert "7 orders, 8 unit lines, from 2025-03-02 to 2025-04-01" in told
    assert "names: ZOE LEFEVRE ANCAY, Zoé Lefèvre-Ançay\n" in told
    assert "emergency contact by others: 1 line\n" in told
    assert "refused lines: 3\n" in told
    assert "files: 15 lines in 7 files" in told
    assert "Add --yes" in told
    assert state() == before
    assert rows(places, "from raw.client_support_orders") == tables
    assert rows(places, "from raw.erasures") == []


def test_rewritten_files_are_known_to_the_loader(places):
    erase_person(places, BY_MAIL, NOW)
    summary = take_in(places, NOW + timedelta(hours=1))
    assert summary.results == []
    assert summary.skipped == 5


def test_old_files_that_come_back_bring_duplicates_only(places):
    copy = backup(places)
    erase_person(places, BY_MAIL, NOW)
    before = rows(places, TOTALS), rows(places, "select count(*) from raw.web_order_lines")
    bring_back(places, copy)
    summary = take_in(places, NOW + timedelta(hours=1))
    assert len(summary.results) == 5
    assert sum(result.accepted for result in summary.results) == 0
    assert sum(result.duplicates for result in summary.results) == 15
    assert in_tables(places) == []
    assert (
        rows(places, TOTALS),
        rows(places, "select count(*) from raw.web_order_lines"),
    ) == before


def test_a_database_made_anew_from_old_files_does_not_know_her(places):
    copy = backup(places)
    [before] = rows(places, TOTALS)
    erase_person(places, BY_MAIL, NOW)
    mails = "select distinct email from raw.client_support_orders order by all"
    kept = rows(places, mails)
    places.database.unlink()
    bring_back(places, copy)
    take_in(places, NOW + timedelta(hours=1))
    assert rows(places, TOTALS) == [before]
    assert rows(places, mails) == kept
    assert in_tables(places) == []


def test_old_files_that_came_back_are_cleaned_by_the_same_command(places):
    copy = backup(places)
    erase_person(places, BY_MAIL, NOW)
    clean = {path.name: records_of(path) for path in places.data.glob("landing/*/*")}
    bring_back(places, copy)
    erase_person(places, BY_MAIL, NOW + timedelta(hours=1))
    again = {path.name: records_of(path) for path in places.data.glob("landing/*/*")}
    for name in ("a.ndjson", "b.ndjson.gz", "c.parquet", "d.json"):
        assert again[name] == clean[name]


def test_what_she_buys_later_is_a_new_start(places):
    erase_person(places, BY_MAIL, NOW)
    later = order(50, purchase_time="2026-11-21T08:00:01")
    late = order(51, purchase_time="2026-11-21T07:59:59")
    new = places.data / "landing" / "orders" / "z.ndjson"
    new.write_text(line(later) + "\n" + line(late))
    take_in(places, NOW + timedelta(hours=1))
    sql = "select txid, name from raw.client_support_orders where _file like '%z.ndjson' order by 1"
    assert rows(places, sql) == [("t0050", HER_TEXTS[0]), ("t0051", None)]
    # She may ask again: her first orders keep their mark, the new one gets another.
    erase_person(places, BY_MAIL, NOW + timedelta(hours=2))
    marks = (
        "select email, count(*) from raw.client_support_orders where name is null group by email"
    )
    assert sorted(number for _, number in rows(places, marks)) == [1, 9]


TORTURE = bool(os.environ.get("KSCM_TORTURE"))
STEPS = [
    *(("before", "erasing.erase:erase_files"), ("before", "erasing.files:_replace")),
    *(("before", "erasing.erase:blank_tables"), ("before", "erasing.erase:rewrite_working")),
    *(("after", "erasing.erase:rewrite_working"), ("before", "erasing.erase:_certify")),
]
if TORTURE:
    STEPS = [
        (when, step)
        for when in ("before", "after")
        for step in (
            *(
                "erasing.erase:add_tombstones",
                "erasing.erase:erase_files",
                "erasing.erase:blank_tables",
            ),
            *(
                "erasing.erase:drop_built",
                "erasing.erase:rewrite_working",
                "erasing.erase:_scan",
                "erasing.erase:_certify",
            ),
            *(
                "erasing.erase:_remove_old_versions",
                "erasing.files:_replace",
                "erasing.files:put_in_place",
            ),
            *("secrets_file:put_in_place", "erasing.tables:blank_rows", "connect:shutil.rmtree"),
        )
    ]
KILL = """
import importlib, os, sys
from datetime import datetime
from pathlib import Path
from unittest import mock
from warehouse.erasing.erase import Places, erase_person
from warehouse.erasing.person import ask
step, when, data = sys.argv[1], sys.argv[2], Path(sys.argv[3])
module, _, name = step.partition(":")
target = f"warehouse.{module}.{name}"
real = importlib.import_module("warehouse." + module)
for part in name.split("."):
    real = getattr(real, part)
def stop(*words, **named):
    if when == "after":
        real(*words, **named)
    os._exit(9)
mock.patch(target, stop).start()
erase_person(
    Places(data / "kscm.duckdb", data, data / "published" / "kscm.duckdb"),
    lambda c: ask(c, email="zoe.lefevre.77@example.com"), datetime(2026, 11, 21, 8),
)
"""


@pytest.mark.torture
@pytest.mark.parametrize(("when", "step"), STEPS)
def test_killed_anywhere_the_same_command_finishes(places, step, when):
    [before] = rows(places, TOTALS)
    ran = subprocess.run(
        [sys.executable, "-c", KILL, step, when, places.data], cwd=ROOT, capture_output=True
    )
    assert ran.returncode == 9, ran.stderr.decode()
    with open_working(places.database) as connection:
        create_tables(connection)
        begun = query(connection, "select 1 from raw.erasures limit 1")
        finished = query(connection, "select 1 from raw.erasures where kind = 'finished'")
        assert len(unfinished_erasures(connection)) == int(bool(begun) and not finished)
    if not finished:
        certificate = "\n".join(erase_person(places, BY_MAIL, NOW + timedelta(hours=1)))
        assert "8 lines of 7 orders" in certificate
    with open_working(places.database) as connection:
        assert unfinished_erasures(connection) == []
    assert in_tables(places) == []
    assert holding(places.data) == {}
    traces = {HER_TEXTS[1], "second.mail@example.net", "ZOE LEFEVRE ANCAY"}
    assert files_holding(places.data, places.database, traces) == []
    assert rows(places, TOTALS) == [before]
    assert not list(places.data.rglob("*.part"))
    assert take_in(places, NOW + timedelta(hours=2)).results == []


def test_a_second_erasure_finds_nobody_and_says_when_the_first_was(places):
    erase_person(places, BY_MAIL, NOW)
    with pytest.raises(WarehouseError, match=r"nobody is found .*\(erased on 2026-11-21\)"):
        erase_person(places, BY_MAIL, NOW)
    with pytest.raises(WarehouseError, match=r"nobody is found by email 'x@y.z': nothing"):
        preview_erasure(places, asked(email="x@y.z"), NOW)


def test_a_phone_of_two_people_needs_a_name(places):
    with pytest.raises(WarehouseError, match=r"2 people use this phone .*add --name"):
        preview_erasure(places, asked(phone="+33 (0)6 39 98 12 34"), NOW)
    erase_person(places, asked(phone="0639981234", name="paul LEFEVRE"), NOW)
    sql = "select txid from raw.client_support_orders where email like 'erased-%' order by 1"
    assert rows(places, sql) == [("t0005",), ("t0006",), ("t0021",)]


def test_a_namesake_of_the_postcode_with_a_phone_of_her_own_is_told_not_erased(places):
    other = order(60, email="another.zoe@example.org", phone="0639980077")
    (places.data / "landing" / "orders" / "y.ndjson").write_text(line(other))
    take_in(places)
    assert "not taken for hers: 1 line" in "\n".join(preview_erasure(places, BY_MAIL, NOW))
    erase_person(places, BY_MAIL, NOW)
    sql = "select name from raw.client_support_orders where txid = 't0060'"
    assert rows(places, sql) == [(HER_TEXTS[0],)]


def test_a_file_that_cannot_be_searched_stops_the_erasure_and_is_named(places):
    path = places.data / "landing" / "orders" / "b.ndjson.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(WarehouseError, match=r"b.ndjson.gz is damaged .* run the same command"):
        erase_person(places, BY_MAIL, NOW)
    path.write_bytes(whole)
    part = path.with_name("new.ndjson.part")
    part.write_text(line(order(70)))
    with pytest.raises(WarehouseError, match=r"new.ndjson.part is not finished and holds her"):
        erase_person(places, BY_MAIL, NOW)
    part.unlink()
    assert "Certificate" in erase_person(places, BY_MAIL, NOW)[0]


def test_a_copy_beside_the_landing_folder_is_told(places):
    shutil.copytree(places.data / "landing", places.data / "old")
    told = erase_person(places, BY_MAIL, NOW)
    assert "STILL FOUND" in told[-2]
    assert "old/orders/b.ndjson.gz" in told[-2]


def test_a_damaged_database_that_was_moved_aside_goes_with_her(places):
    for name in ("kscm.duckdb.wal.20261120T000000000000Z.damaged", "kscm.duckdb.x.damaged"):
        (places.data / name).write_bytes(b"zoe.lefevre.77@example.com")
    other = places.data / "other.duckdb.x.damaged"
    other.write_bytes(b"somebody else's")
    assert "which would be removed: 2" in "\n".join(preview_erasure(places, BY_MAIL, NOW))
    assert "Damaged copies of the database: 2 removed" in "\n".join(
        erase_person(places, BY_MAIL, NOW)
    )
    assert list(places.data.glob("*.damaged")) == [other]


@pytest.mark.parametrize(
    "words",
    [(), ("--email", "a@b.c", "--phone", "0612345678"), ("--email", "a@b.c", "--name", "Zoé")],
)
def test_wrong_usage_is_told(shop, refused, words):
    assert "say one of --email" in refused(shop.warehouse("erase", *words, check=False), 2)


def test_a_customer_of_the_marts_is_erased_and_every_answer_stays(built_shop, tmp_path, refused):
    shop = Shop(tmp_path / "data", built_shop.target)
    shutil.copytree(built_shop.data, shop.data, symlinks=True)
    answers = (
        "select sum(units_sold), sum(sales_amount) from marts.fct_sale_lines",
        "select region_id, sum(units_sold) from marts.fct_sale_lines group by 1 order by 1",
        "select count(*) from marts.dim_customers",
        "select order_count, count(*) from (select count(distinct order_id) as order_count "
        "from marts.fct_sale_lines group by customer_id) group by 1 order by 1",
        "from marts.rpt_best_sellers order by all",
    )
    before = [shop.query(sql) for sql in answers]
    [(customer,)] = shop.query(
        "select customer_id from marts.fct_sale_lines where customer_id <> 'unknown' "
        "group by 1 order by count(*) desc, 1 limit 1"
    )
    told = "nobody is found by customer 'nobody'"
    assert told in refused(shop.warehouse("erase", "--customer", "nobody", check=False), 1)
    target = {"DBT_TARGET_PATH": str(shop.target), "DBT_LOG_PATH": str(tmp_path / "logs")}
    ran = shop.warehouse("erase", "--customer", customer, "--yes", **target)
    assert f"Asked by: customer {customer}" in ran.stdout
    assert [shop.query(sql) for sql in answers] == before
    sql = f"select 1 from marts.dim_customers where customer_id = '{customer}'"
    assert shop.query(sql) == []
    folder = shop.published.parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [shop.published.name, shop.published.resolve().name]
    )


@pytest.mark.torture
def test_people_are_erased_from_a_dirty_world(tmp_path, target, many, figure):
    people = many(2, 50)
    shop = Shop(tmp_path / "data", target)
    shop.generate("--orders", "5000", "--days", "60", "--end", "2026-11-20", "--dirt", "heavy")
    places = Places(shop.working, shop.data, shop.published)
    take_in(places)
    copy = backup(places)
    [before] = rows(places, TOTALS)
    mails = [
        mail
        for (mail,) in rows(
            places,
            "select distinct email from raw.client_support_orders where email like '%@%' "
            f"order by md5(email) limit {people}",
        )
    ]
    control, seconds = 0, 0.0
    for mail in mails:
        control += bool(files_holding(shop.data, shop.working, {mail}))
        begun = time.monotonic()
        erase_person(places, asked(email=mail), NOW)
        seconds += time.monotonic() - begun
    left = files_holding(shop.data, shop.working, mails)
    assert rows(places, TOTALS) == [before]
    bring_back(places, copy)
    back = sum(result.accepted for result in take_in(places, NOW + timedelta(hours=1)).results)
    theirs = [
        mail
        for (mail,) in rows(places, "select distinct email from raw.client_support_orders")
        if mail in mails
    ]
    figure(
        f"{len(mails)} erasures",
        f"{control} found before, {len(left)} files hold an e-mail after, {len(theirs)} people "
        f"back with old files; {seconds / len(mails):.1f} s each beside {before[0]:,} rows",
    )
    assert (len(mails), control, left, back, theirs) == (people, people, [], 0, [])
    assert rows(places, TOTALS) == [before]
