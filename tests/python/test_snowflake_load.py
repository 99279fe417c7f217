"""Loading to Snowflake keeps the laws of loading to DuckDB, whatever ends it and whenever."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from arrivals import PEPPER, at_random, land, write_world
from conftest import ROOT, Shop
from snowflake_account import Account, raw_differences, set_up_account

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.loading.load import Summary, load_landing
from warehouse.settings import WarehouseError
from warehouse.snowflake import shipping
from warehouse.snowflake.opening import open_snowflake
from warehouse.snowflake.session import Session

NOW = datetime(2026, 11, 21, 8)  # noqa: DTZ001 - UTC, as everywhere
ORDER = {"txid": "T1", "rfid": "A1", "item": "Statue Kirsten Gold", "unit_price": 19.99}
TIME = {"purchase_time": "2026-11-20T10:00:00"}
SPEC = {"city": "Nantes", "postalcode": "44000"}


@pytest.fixture
def account(emulator: dict[str, str]) -> Iterator[Account]:
    with set_up_account(emulator) as account:
        yield account


@pytest.fixture
def small(shop: Shop, account: Account, monkeypatch: pytest.MonkeyPatch) -> "Small":
    for name, value in {**account.environment, "KSCM_DATA": str(shop.data)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KSCM_PEPPER", PEPPER)
    monkeypatch.delenv("KSCM_DB", raising=False)
    return Small(shop, account)


class Small:
    """A shop whose landing files go to both engines, in this process."""

    def __init__(self, shop: Shop, account: Account) -> None:
        self.shop, self.account = shop, account

    def land(self, name: str, *records: dict | bytes) -> Path:
        path = self.shop.data / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records)
        path.write_bytes(b"".join(lines))
        return path

    def load_duckdb(self) -> Summary:
        with open_working(self.shop.working) as connection:
            create_tables(connection)
            return load_landing(connection, self.shop.data / "landing", NOW)

    def load_snowflake(self, patience: float = 0) -> Summary:
        with open_snowflake(patience) as (bench, engine):
            return load_landing(bench, self.shop.data / "landing", NOW, engine=engine)

    def load_empty(self) -> None:
        """Have the tables and the pepper made, so that what comes is one transaction."""
        (self.shop.data / "landing").mkdir(parents=True, exist_ok=True)
        self.load_snowflake()

    def differences(self) -> list[str]:
        self.load_duckdb()
        return raw_differences(self.shop, self.account)


def sums(summary: Summary) -> list[tuple]:
    return [(r.file, r.lines, r.accepted, r.duplicates, r.refused, r.blank) for r in summary.loaded]


def test_any_history_leaves_the_same_raw_tables(small, many, tmp_path, target, figure):
    """A rule that is kept on one engine alone, or a row that is lost or doubled on its way."""
    for seed in range(many(1, 10)):
        world = write_world(tmp_path / f"world {seed}", target, seed)
        lines = 0
        for files in at_random(world, random.Random(seed), 2):  # noqa: S311
            named = {name.replace("/", f"/{seed} "): text for name, text in files.items()}
            land(small.shop.data / "landing", named)
            here, there = small.load_duckdb(), small.load_snowflake()
            assert sums(here) == sums(there)
            assert raw_differences(small.shop, small.account) == []
            lines += sum(result.lines for result in here.loaded)
        assert lines > 1_000
    figure("histories on two engines", f"{many(1, 10)}: the same raw tables after each load")


def test_a_second_run_reads_nothing_again(small):
    small.land("orders/a.ndjson", ORDER | TIME)
    assert small.load_snowflake().loaded[0].accepted == 1
    again = small.load_snowflake()
    assert (again.skipped, again.results) == (1, [])
    assert small.account.query("select count(*) from raw.client_support_orders") == [(1,)]


def test_a_file_with_another_date_and_the_same_bytes_is_checked_off(small):
    path = small.land("orders/a.ndjson", ORDER | TIME)
    small.load_snowflake()
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert small.load_snowflake().skipped == 1
    [(modified,)] = small.account.query("select file_modified_ns from raw.load_manifest")
    assert modified == 1_700_000_000 * 10**9


def test_an_object_with_its_keys_in_another_order_is_the_same(small):
    """VARIANT forgets the order: compared as texts, everything sent again would be a correction."""
    small.land("orders/a.ndjson", ORDER | TIME | {"address": SPEC})
    small.load_duckdb(), small.load_snowflake()
    turned = dict(reversed(SPEC.items()))
    small.land("orders/b.ndjson", ORDER | TIME | {"address": turned})
    small.land("orders/c.ndjson", ORDER | TIME | {"address": SPEC | {"city": "Rezé"}})
    here, there = small.load_duckdb(), small.load_snowflake()
    assert [(r.duplicates, r.accepted) for r in there.loaded] == [(1, 0), (0, 1)]
    assert sums(here) == sums(there)
    assert small.differences() == []


def test_true_is_not_one_and_one_is_one_point_nought(small):
    """A correction would be lost where Python calls the two equal."""
    for n, value in enumerate((b"true", b"1", b"1.0", b'"1"')):
        record = json.dumps(ORDER | TIME | {"address": "X"}).encode()
        small.land(
            f"orders/{n}.ndjson", record.replace(b'"X"', b'{"city": ' + value + b"}") + b"\n"
        )
    here, there = small.load_duckdb(), small.load_snowflake()
    assert [r.accepted for r in there.loaded] == [1, 1, 0, 1]
    assert sums(here) == sums(there)


def test_a_line_sent_again_beside_another_spelling_of_it_is_known(small):
    turned = dict(reversed(SPEC.items()))
    small.land("orders/a.ndjson", ORDER | TIME | {"address": SPEC})
    small.load_duckdb(), small.load_snowflake()
    small.land("orders/b.ndjson", *(ORDER | TIME | {"address": a} for a in (turned, SPEC)))
    here, there = small.load_duckdb(), small.load_snowflake()
    assert [r.duplicates for r in there.loaded] == [2]
    assert sums(here) == sums(there)
    assert small.differences() == []


def test_of_two_equal_keys_the_first_is_sent(small):
    """DuckDB reads the first of them, Snowflake the last."""
    record = json.dumps(ORDER | TIME | {"address": "X"}).encode()
    twice = b'{"city": "Nantes", "city": "Brest", "postalcode": "44000", "more": {"a": 1, "a": 2}}'
    small.land("orders/a.ndjson", record.replace(b'"X"', twice) + b"\n")
    small.load_snowflake()
    [(text,)] = small.account.query("select to_json(address) from raw.client_support_orders")
    assert (json.loads(text)["city"], text.count('"city"')) == ("Nantes", 1)


def test_every_kind_of_value_arrives_as_it_is(small):
    """Numbers as floats, nulls as JSON nulls, quotes and marks of other codes."""
    odd = 'd\'été \\ "Œuf" \t line\u2028end 🗿 %s {x} $$ -- //'
    small.land(
        "orders/a.ndjson",
        ORDER | TIME | {"name": odd, "address": {"a": None, "b": [1, 2.5, {"c": odd}]}},
        ORDER
        | TIME
        | {
            "rfid": "A2",
            "unit_price": 1234567890.01,
            "discount": 0.1,
            "days": -3,
            "expiration_time": "2027-01-31",
            "address": None,
        },
        ORDER | {"rfid": "A3", "purchase_time": "2026-03-29T02:30:00.123456"},
        b'{"torn\n',
        b"\n",
        b'{"txid": "\xff"}\n',
    )
    small.land(
        "web_lines/a.csv",
        b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,"
        b'CustomerID,Country\n1,85123A,"A, B",-6,2010-12-01 08:26:00,-2.5500,17850.0,EIRE\n',
    )
    small.load_snowflake()
    assert small.differences() == []
    [(nulls,)] = small.account.query(
        "select count(*) from raw.client_support_orders where address is null"
    )
    assert nulls == 2


def test_parquet_goes_the_same_way(small, shop):
    size = ("--orders", "300", "--days", "40", "--end", "2026-11-20")
    shop.generate(*size, "--seed", "3", "--format", "parquet")
    assert small.load_snowflake().loaded
    assert small.differences() == []


def test_a_damaged_file_fails_alone_and_once(small):
    small.land("orders/a.ndjson", ORDER | TIME)
    small.land("orders/b.ndjson.gz", gzip.compress(b'{"txid":1}\n')[:-4])
    for _ in range(2):
        assert [f.file for f in small.load_snowflake().failed] == ["orders/b.ndjson.gz"]
    told = small.account.query("select file, status from raw.load_manifest order by load_seq")
    assert told == [("orders/a.ndjson", "loaded"), ("orders/b.ndjson.gz", "failed")]


def test_a_repair_settles_what_was_refused(small, shop):
    small.land("orders/a.ndjson", b'{"txid": "T1", "rfid": "A1"}\n')
    small.load_duckdb(), small.load_snowflake()
    assert small.account.query("select repaired_seq from raw.load_rejects") == [(None,)]
    small.land("orders/a.ndjson.repaired-20261121T080000.ndjson", ORDER | TIME)
    small.load_duckdb(), small.load_snowflake()
    assert small.account.query("select repaired_seq from raw.load_rejects") == [(2,)]
    assert small.differences() == []


def test_who_was_forgotten_here_comes_to_snowflake_without_a_name(small, shop):
    """Her data would be on somebody else's machines after she was told that it is gone."""
    small.land("orders/a.ndjson", ORDER | TIME | {"email": "ana@example.org", "name": "Ana Roy"})
    small.load_duckdb()
    shop.warehouse("erase", "--email", "ana@example.org", "--yes", check=False, KSCM_PEPPER=PEPPER)
    small.land("orders/b.ndjson", ORDER | TIME | {"rfid": "A9", "email": "ana@example.org"})
    small.load_snowflake()
    [*people] = small.account.query("select name, email from raw.client_support_orders")
    assert len(people) == 2
    assert "ana" not in repr(people).lower()
    assert small.account.query("select count(*) from raw.erasures") != [(0,)]
    assert small.differences() == []


def test_no_file_of_the_way_is_left(small):
    small.land("orders/a.ndjson", ORDER | TIME | {"name": "Ana Roy"})
    small.load_snowflake()
    assert small.account.query("list @raw.landing") == []
    assert small.account.query("select count(*) from raw.landing") == [(0,)]
    assert list((small.shop.data / "shipping").iterdir()) == []


def test_many_rows_go_in_several_files(small, monkeypatch):
    monkeypatch.setattr(shipping, "_FILE_SIZE", "50KB")
    draw = random.Random(1)  # noqa: S311
    names = (f"{draw.getrandbits(400):x}" for _ in range(20_000))
    records = (ORDER | TIME | {"rfid": f"B{n}", "name": name} for n, name in enumerate(names))
    small.land("orders/a.ndjson", *records)
    with monkeypatch.context() as patch:
        seen = at_statement(patch)
        small.load_snowflake()
    assert sum(sql.startswith("put file://client_support_orders") for sql in seen) > 3
    assert small.differences() == []


# What ends a load, or comes between.


def at_statement(
    patch: pytest.MonkeyPatch,
    chosen: Callable[[int, str], bool] = lambda number, sql: False,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> list[str]:
    """Let something happen before or after the chosen statements; keep all statements."""
    seen: list[str] = []
    real = Session.rows

    def rows(self, sql, upload=None):
        seen.append(sql)
        is_chosen = chosen(len(seen), sql)
        if is_chosen:
            before()
        found = list(real(self, sql, upload))
        if is_chosen:
            after()
        return iter(found)

    patch.setattr(Session, "rows", rows)
    return seen


def fail() -> None:
    raise WarehouseError("Snowflake does not answer")


def statements_of_a_load(small, emulator, monkeypatch) -> list[str]:
    with set_up_account(emulator) as account, monkeypatch.context() as patch:
        patch.setenv("SNOWFLAKE_DATABASE", account.environment["SNOWFLAKE_DATABASE"])
        seen = at_statement(patch)
        small.load_snowflake()
    return seen


def test_a_load_that_fails_at_any_statement_is_made_good_by_the_next(
    small, emulator, monkeypatch, many, figure
):
    """A group whose rows are there without its manifest row would be loaded twice."""
    moment = TIME["purchase_time"]
    small.land("orders/a.ndjson", ORDER | TIME, ORDER | TIME, b"torn\n")
    small.land("returns/a.ndjson", {"txid": "T1", "rfid": "A1", "return_time": moment})
    small.load_duckdb()
    seen = statements_of_a_load(small, emulator, monkeypatch)
    first_commit = seen.index("commit", seen.index("commit") + 1) + 1  # after that of the pepper
    places = {*range(1, len(seen) + 1, many(40, 1)), first_commit}
    for place in sorted(places):
        for side in ("before", "after"):
            with set_up_account(emulator) as account:
                monkeypatch.setenv("SNOWFLAKE_DATABASE", account.environment["SNOWFLAKE_DATABASE"])
                with monkeypatch.context() as patch:
                    at_statement(patch, lambda n, sql, at=place: n == at, **{side: fail})
                    with pytest.raises(WarehouseError, match="does not answer"):
                        small.load_snowflake()
                small.load_snowflake()
                assert raw_differences(small.shop, account) == [], f"{side} statement {place}"
                assert account.query("list @raw.landing") == []
    figure(
        "loads to Snowflake that failed",
        f"{2 * len(places)}, at {len(places)} of {len(seen)} statements: nothing lost or twice",
    )


def test_a_killed_load_is_made_good_by_the_next(small, emulator, monkeypatch, many, figure):
    """kill -9: no handler runs, and the transaction stays open on the other side."""
    small.land("orders/a.ndjson", *(ORDER | TIME | {"rfid": f"C{n}"} for n in range(500)))
    statements = len(statements_of_a_load(small, emulator, monkeypatch))
    places = range(statements // 2, statements + 1, many(12, 1))
    small.load_duckdb()
    for place in places:
        with set_up_account(emulator) as account:
            monkeypatch.setenv("SNOWFLAKE_DATABASE", account.environment["SNOWFLAKE_DATABASE"])
            ended = subprocess.run([sys.executable, "-c", KILL_AT, str(place)], cwd=ROOT)
            assert ended.returncode == -signal.SIGKILL
            account.end_sessions()
            small.load_snowflake()
            assert raw_differences(small.shop, account) == [], f"killed at statement {place}"
    assert not list((small.shop.data / "shipping").iterdir())
    figure("loads to Snowflake killed", f"{len(places)}: nothing lost, nothing twice")


KILL_AT = """
import os, runpy, signal, sys
from warehouse.snowflake.session import Session
left, real = int(sys.argv[1]), Session.rows
def rows(self, sql, upload=None):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, sql, upload)
Session.rows = rows
sys.argv = ["warehouse", "load", "--target", "snowflake"]
runpy.run_module("warehouse", run_name="__main__")
"""


@pytest.mark.parametrize(
    "start",
    [
        "insert into raw.client_support_orders",
        "insert into raw.load_manifest",
        "select count(*) from raw.load_manifest",
        "commit",
    ],
)
def test_a_transaction_that_snowflake_ends_leaves_nothing_of_itself(small, monkeypatch, start):
    """It would go on by itself: a manifest row without the rows is a file that never comes."""
    small.load_empty()
    small.land("orders/a.ndjson", ORDER | TIME)
    with monkeypatch.context() as patch:
        at_statement(patch, lambda n, sql: sql.startswith(start), small.account.end_sessions)
        # Where the commit commits nothing, there is nobody to tell: the next load finds out.
        told = nullcontext() if start == "commit" else pytest.raises(WarehouseError)
        with told:
            small.load_snowflake()
    small.load_snowflake()
    assert small.differences() == []


def test_files_that_are_gone_before_they_are_copied_are_missed(small, monkeypatch):
    """COPY finds no file and calls it a success."""
    small.load_empty()
    small.land("orders/a.ndjson", ORDER | TIME)
    with monkeypatch.context() as patch:
        at_statement(
            patch,
            lambda n, sql: sql.startswith("copy") and "/load_manifest/" in sql,
            lambda: small.account.query("remove @raw.landing"),
        )
        with pytest.raises(WarehouseError, match="1 rows of load_manifest were sent to Snowflake"):
            small.load_snowflake()
    small.load_snowflake()
    assert small.differences() == []


def test_a_load_that_fails_leaves_nobody_on_the_disk(small, monkeypatch):
    small.land("orders/a.ndjson", ORDER | TIME | {"name": "Ana Roy"})
    with monkeypatch.context() as patch:
        at_statement(patch, lambda n, sql: "put file://client" in sql, fail)
        with pytest.raises(WarehouseError):
            small.load_snowflake()
    assert list((small.shop.data / "shipping").iterdir()) == []


def test_to_make_the_tables_leaves_no_pepper_in_the_stage(small, shop, account):
    shop.warehouse("create", "--target", "snowflake", **account.environment, KSCM_PEPPER=PEPPER)
    assert account.query("select pepper from raw.pepper") == [(PEPPER,)]
    assert account.query("list @raw.landing") == []


def test_two_loaders_of_one_landing_folder_load_each_file_once(small):
    for n in range(6):
        small.land(f"orders/{n}.ndjson", ORDER | TIME | {"rfid": f"D{n}"})
    command = [sys.executable, "-m", "warehouse", "load", "--target", "snowflake"]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = sorted(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert told[0].startswith("Loaded 0 files, skipped 6 known")
    assert small.differences() == []


def test_a_loader_that_another_has_overtaken_loads_nothing(small):
    """On two machines: both have found the file unknown, and both would load it."""
    small.land("orders/a.ndjson", ORDER | TIME)
    with open_snowflake(0) as (bench, engine):
        small.account.query(
            "insert into raw.load_manifest select 'x', 'orders', 1, 1, 'x', 'loaded', "
            "0, 0, 0, 0, 0, null, null, null, null, 1, '2026-01-01', '2026-01-01'"
        )
        with pytest.raises(WarehouseError, match="another loader has written to Snowflake"):
            load_landing(bench, small.shop.data / "landing", NOW, engine=engine)
    assert small.account.query("select count(*) from raw.client_support_orders") == [(0,)]


# What the user is told.


def refusal(shop: Shop, account: Account, refused, **environment: str) -> str:
    (shop.data / "landing" / "orders").mkdir(parents=True, exist_ok=True)
    (shop.data / "landing" / "orders" / "a.ndjson").write_text(json.dumps(ORDER | TIME) + "\n")
    ran = shop.warehouse(
        "load",
        "--target",
        "snowflake",
        "--wait",
        "0",
        check=False,
        **(account.environment | environment),
    )
    return refused(ran, 1)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"SNOWFLAKE_ACCOUNT": ""}, "SNOWFLAKE_ACCOUNT is not set"),
        (
            {"SNOWFLAKE_ACCOUNT": "", "SNOWFLAKE_USER": ""},
            "SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER are not set",
        ),
        (
            {"SNOWFLAKE_PRIVATE_KEY_PATH": "/nowhere/key.p8"},
            "the private key /nowhere/key.p8 cannot be read (No such file or directory)",
        ),
        (
            {"SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "wrong"},
            "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE is not its passphrase",
        ),
        ({"SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": ""}, "is encrypted: set SNOWFLAKE_PRIVATE_KEY_PASS"),
        ({"SNOWFLAKE_PORT": "https"}, "SNOWFLAKE_PORT is 'https'"),
        ({"SNOWFLAKE_PORT": "1"}, "Snowflake does not answer at 127.0.0.1"),
        ({"SNOWFLAKE_DATABASE": "NOWHERE"}, "let warehouse/ddl/snowflake/setup.sql be run"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named_in_one_line(shop, account, refused, environment, told):
    assert told in refusal(shop, account, refused, **environment)
    assert account.query(
        "select count(*) from information_schema.tables "
        "where table_schema = 'RAW' and table_name = 'LOAD_MANIFEST'"
    ) == [(0,)]


def test_a_key_that_is_not_the_users_is_refused(shop, account, refused, tmp_path):
    from snowflake_emulator import make_keys  # noqa: PLC0415

    told = refusal(shop, account, refused, **make_keys(tmp_path))
    assert "Snowflake refuses the key of user" in told


def test_a_raw_table_with_other_columns_is_named_and_nothing_loaded(small, account, refused):
    small.load_empty()
    account.query("drop table raw.client_support_returns")
    account.query(
        "create table raw.client_support_returns (txid varchar, rfid number, colour varchar, "
        "return_time timestamp_ntz, refund_amount number(10, 0))"
    )
    told = refusal(small.shop, account, refused)
    for part in (
        "RAW.CLIENT_SUPPORT_RETURNS",
        "'colour' is not known",
        "'reason' is missing",
        "'rfid' is NUMBER",
        "'refund_amount' is NUMBER with 0 decimals",
    ):
        assert part in told
    assert account.query("select count(*) from raw.load_manifest") == [(0,)]


def test_a_book_whose_columns_stand_in_another_order_is_read_by_name(small, account):
    """Whoever follows the advice to alter a table gets its new column at the end."""
    small.load_empty()
    account.query("drop table raw.erasures")
    account.query(
        "create table raw.erasures (kind varchar, erasure_id varchar, identity_hash varchar, "
        "erased_at timestamp_ntz)"
    )
    account.query("insert into raw.erasures select 'email', 'E1', 'abc', '2026-11-20'")
    with open_snowflake(0) as (bench, _):
        found = query(bench, "select erasure_id, kind from raw.erasures")
    assert found == [("E1", "email")]


def test_another_pepper_is_refused(small, shop, account, refused, monkeypatch):
    small.land("orders/a.ndjson", ORDER | TIME)
    small.load_snowflake()
    (shop.data / "kscm.secrets.json").write_text('{"pepper": "other", "erasures": []}')
    assert "has another pepper than Snowflake" in refusal(shop, account, refused)
    assert account.query("select pepper from raw.pepper") == [(PEPPER,)]


def test_a_missing_privilege_is_told_with_the_role(small):
    from snowflake.connector.errors import ProgrammingError  # noqa: PLC0415

    from warehouse.snowflake import session  # noqa: PLC0415

    login = session.read_login()
    message = "SQL access control error: Insufficient privileges to operate on table 'X'"
    told = session._sentence(login, ProgrammingError(msg=message, errno=3001, sqlstate="42501"))
    assert told.startswith("role LOADER may not do this: let warehouse/ddl/snowflake/setup.sql be")
    assert message in told


def test_who_looks_at_the_history_of_queries_finds_the_loader(small, monkeypatch):
    import snowflake.connector  # noqa: PLC0415

    given = {}
    real = snowflake.connector.connect
    monkeypatch.setattr(
        snowflake.connector, "connect", lambda **options: given.update(options) or real(**options)
    )
    small.land("orders/a.ndjson", ORDER | TIME)
    small.load_snowflake()
    assert given["session_parameters"]["QUERY_TAG"] == "kscm-load"
    assert given["authenticator"] == "SNOWFLAKE_JWT"
    assert "password" not in given


def test_without_the_connector_the_set_up_is_named(shop, refused, tmp_path):
    hidden = tmp_path / "hidden" / "snowflake"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("")
    (shop.data / "landing").mkdir(parents=True)
    ran = shop.warehouse(
        "load", "--target", "snowflake", check=False, PYTHONPATH=str(hidden.parent)
    )
    assert "run 'make snowflake'" in refused(ran, 1)
