"""Fetch against a server that fails in every way it can, and against the generator's own."""

import gzip
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import httpx
import pytest
from conftest import LAST_DAY, ROOT, Shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.serve import open_server
from warehouse.fetching import download
from warehouse.fetching.fetch import Fetched, fetch, sum_up
from warehouse.fetching.plan import Source, plan
from warehouse.settings import WarehouseError

HEADER = b"sale_id,date,product,store,quantity\n"
SALES = HEADER + b"V1,2026-11-20,COR-NU-GLD,MAG-LILLE,12\nV2,2026-11-20,SAS-PIR-GLD,MAG-NICE,1\n"
STORES = b"store_id,city,region,employees\nMAG-BREST,Brest,Bretagne,4\n"
WEB = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD = format_datetime(NOW - timedelta(days=2), usegmt=True)

TRANSIENT = {
    *("500", "502", "503", "429", "reset", "torn by reset", "short", "short chunked"),
    *("short gzip", "wrong checksum", "short unannounced", "empty", "unfinished line"),
}
FINAL = {"404", "403", "410", "401", "204", "wrong header", "page", "endless redirect", "packed"}
WHOLE = ("plain", "chunked", "gzip", "gzip chunked", "unannounced", "redirect")


@dataclass
class Partner:
    """A server of CSV files whose next answers go wrong as `faults` says."""

    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    faults: deque[str] = field(default_factory=deque)
    way: str = "plain"
    dates: bool = False
    is_bare: bool = False  # tells nothing of what it sends
    retry_after: str = "7"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: Counter = field(default_factory=Counter)
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    cuts: int = 0

    def __post_init__(self) -> None:
        self.server = Server(("127.0.0.1", 0), partial(Handler, self))
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def cut(self, body: bytes) -> bytes:
        """Cut a body where the cut before was not: never twice in a row the same."""
        self.cuts += 1
        return body[: 1 + self.cuts * 7 % (len(body) - 1)]

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave early, and all of what is wrong here."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, partner: Partner, *connection: Any):
        self.partner = partner
        super().__init__(*connection)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        partner = self.partner
        partner.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        if self.path in partner.pages:
            self.send(200, partner.pages[self.path].encode(), Content_Type="text/html")
            return
        fault = partner.faults.popleft() if partner.faults else ""
        partner.answers[fault or "no fault"] += 1
        body = partner.files.get(self.path.partition("?")[0].removeprefix("/moved"))
        if body is None:
            self.send(404, b"")
        elif fault:
            self.fail(fault, body)
        elif partner.way == "redirect" and not self.path.startswith("/moved"):
            self.send(302, b"", Location=f"/moved{self.path}")
        else:
            self.answer(body)

    def answer(self, body: bytes) -> None:
        tag = f'"{hash(body):x}"'
        date = {"Last_Modified": OLD} if self.partner.dates else {"ETag": tag}
        if tag == self.headers["If-None-Match"] or self.headers["If-Modified-Since"]:
            self.partner.answers["304"] += 1
            self.send(304, b"", **date)
            return
        if self.partner.is_bare:
            date = {}
        if "gzip" in self.partner.way:
            assert "gzip" in self.headers["Accept-Encoding"]
            date["Content_Encoding"] = "gzip"
            body = gzip.compress(body)
        self.send(200, body, way=self.partner.way, **date)

    def send(self, code: int, body: bytes, way: str = "plain", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "chunked" in way:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n%b" % (len(body), body, b"" if "short" in way else b"0\r\n\r\n")
        elif "unannounced" not in way and code not in (204, 304):
            length = int(headers.pop("length", len(body)))
            self.send_header("Content-Length", str(length + 1 if "short" in way else length))
        if "unannounced" in way or "short" in way:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def fail(self, fault: str, body: bytes) -> None:  # noqa: PLR0912 - one branch a fault
        partner = self.partner
        packed = gzip.compress(body)
        if fault.isdecimal():
            self.send(int(fault), b"out of order", Retry_After=partner.retry_after)
        elif "reset" in fault:
            if "torn" in fault:
                self.send(200, partner.cut(body), "short")
                self.wfile.flush()
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif fault == "short gzip":
            self.send(200, partner.cut(packed), "unannounced", Content_Encoding="gzip")
        elif fault == "wrong checksum":
            damaged = packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]
            self.send(200, damaged, Content_Encoding="gzip")
        elif fault == "unfinished line":
            self.send(200, body[:-2], "unannounced")
        elif fault.startswith("short"):
            self.send(200, partner.cut(body), fault)
        elif fault == "empty":
            self.send(200, b"")
        elif fault == "wrong header":
            self.send(200, body.replace(b"quantity", b"amount"))
        elif fault == "page":
            page = b"<!doctype html><a href='/shops_sales.csv'>log in</a>"
            self.send(200, page, Content_Type="text/html")
        elif fault == "endless redirect":
            partner.faults.appendleft(fault)
            self.send(301, b"", Location=self.path)
        elif fault == "packed":
            self.send(200, body, Content_Encoding="br")
        elif fault == "stall":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-1])
            partner.stalled.set()
            partner.ended.wait()
            self.close_connection = True
        else:
            raise AssertionError(fault)


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def partner() -> Iterator[Partner]:
    partner = Partner({"/shops_sales.csv": SALES})
    yield partner
    partner.close()


def poll(
    landing: Path,
    *urls: str,
    name: str = "shops",
    timeout: float = 10,
    now: Callable[[], datetime] = lambda: NOW,
    **options: Any,
) -> list[Fetched]:
    """Fetch in this process without waiting between attempts."""
    source = Source(name, tuple(httpx.URL(url) for url in urls), timeout)
    return list(fetch([source], landing, **({"sleep": lambda _: None} | options), now=now))


def files(landing: Path, feed: str = "shops_sales") -> list[bytes]:
    """The contents of a feed in the order of their names; nothing else may lie there."""
    paths = sorted((landing / feed).glob("*"))
    assert all(path.name.endswith("Z.csv.gz") for path in paths), paths
    return [gzip.decompress(path.read_bytes()) for path in paths]


def outcomes(results: list[Fetched]) -> list[str]:
    return [result.outcome for result in results]


@pytest.mark.parametrize("way", WHOLE)
def test_a_file_is_kept_as_it_came_and_once(partner, tmp_path, way):
    partner.way = way
    url = f"{partner.url}/shops_sales.csv"
    assert poll(tmp_path, url) == [Fetched("shops_sales.csv", "new", len(SALES))]
    assert files(tmp_path) == [SALES]
    assert outcomes(poll(tmp_path, url)) == ["unchanged"]
    assert partner.answers["304"] == 1
    partner.files["/shops_sales.csv"] = changed = SALES.replace(b"LILLE,12", b"LILLE,11")
    assert outcomes(poll(tmp_path, url)) == ["new"]
    assert files(tmp_path) == [SALES, changed]  # by name, though the clock stands still
    partner.files["/shops_sales.csv"] = SALES  # back again: news, too
    assert outcomes(poll(tmp_path, url)) == ["new"]
    assert files(tmp_path) == [SALES, changed, SALES]


def test_a_packed_file_is_unpacked_whichever_way_it_travels(partner, tmp_path):
    partner.files = {"/shops_sales.csv.gz": gzip.compress(SALES[:50]) + gzip.compress(SALES[50:])}
    for way in ("plain", "gzip"):
        partner.way = way
        [result] = poll(tmp_path / way, f"{partner.url}/shops_sales.csv.gz")
        assert (result.name, result.outcome, result.size) == ("shops_sales.csv", "new", len(SALES))
        assert files(tmp_path / way) == [SALES]


@pytest.mark.parametrize("fault", sorted(TRANSIENT))
def test_what_may_pass_is_tried_again(partner, tmp_path, fault):
    partner.faults.extend([fault] * 4)
    waits: list[float] = []
    url = f"{partner.url}/shops_sales.csv"
    assert outcomes(poll(tmp_path, url, sleep=waits.append)) == ["new"]
    assert files(tmp_path) == [SALES]
    assert len(waits) == 4
    partner.files["/shops_sales.csv"] = SALES + b"V3,2026-11-21,COR-NU-GLD,MAG-NICE,1\n"
    partner.faults.extend([fault] * 5)
    [result] = poll(tmp_path, url)
    assert result.outcome == "failed"
    assert url in result.reason
    assert files(tmp_path) == [SALES]
    assert partner.answers[fault] == 9
    assert outcomes(poll(tmp_path, url)) == ["new"]


@pytest.mark.parametrize("fault", sorted(FINAL))
def test_what_will_not_pass_is_told_at_once(partner, tmp_path, fault):
    url = f"{partner.url}/shops_sales.csv"
    poll(tmp_path, url)
    partner.files["/shops_sales.csv"] = SALES + b"V3,2026-11-21,COR-NU-GLD,MAG-NICE,1\n"
    partner.faults.append(fault)
    [result] = poll(tmp_path, url, sleep=lambda _: pytest.fail("waited"))
    assert result.outcome == "failed"
    told = {
        "wrong header": "column 'amount' is not known, column 'quantity' is missing",
        "page": "a web page, not a CSV file",
        "endless redirect": "redirected without end",
        "packed": "packed as 'br'",
    }
    assert told.get(fault, fault) in result.reason
    assert files(tmp_path) == [SALES]
    partner.faults.clear()
    assert outcomes(poll(tmp_path, url)) == ["new"]


def test_a_server_that_falls_silent_is_left(partner, tmp_path):
    partner.faults.append("stall")
    [result] = poll(tmp_path, f"{partner.url}/shops_sales.csv", attempts=1, timeout=0.2)
    assert "no answer within 0.2 seconds" in result.reason
    assert files(tmp_path) == []


def test_a_download_that_never_ends_is_left(partner, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_LONGEST_DOWNLOAD", -1)
    [result] = poll(tmp_path, f"{partner.url}/shops_sales.csv")
    assert "not finished after" in result.reason


def test_a_file_beyond_all_measure_is_left(partner, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_LARGEST_FILE", len(SALES) - 1)
    [result] = poll(tmp_path, f"{partner.url}/shops_sales.csv")
    assert f"larger than {len(SALES) - 1} bytes" in result.reason
    assert files(tmp_path) == []
    monkeypatch.setattr(download, "_LARGEST_FILE", len(SALES))
    assert outcomes(poll(tmp_path, f"{partner.url}/shops_sales.csv")) == ["new"]


def test_nobody_answers(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    [result] = poll(tmp_path, f"http://127.0.0.1:{port}/a.csv")
    assert result.reason == f"no connection to the server; http://127.0.0.1:{port}/a.csv"


def test_waits_grow_vary_and_heed_the_server_within_bounds(partner, tmp_path):
    def waits(after: str) -> list[float]:
        partner.retry_after = after
        partner.faults.extend(["503"] * 9)
        found: list[float] = []
        poll(tmp_path, f"{partner.url}/shops_sales.csv", attempts=9, sleep=found.append)
        assert len(found) == 8
        return found

    for nonsense in ("soon", "-5", "1e9", "Wed, 99 Nov 2026 99:00:00 GMT", "0"):
        free = waits(nonsense)
        assert len(set(free)) > 1
        for number, wait in enumerate(free):
            assert 0 <= wait <= min(20, 0.5 * 2**number)
    assert min(waits("21")) == max(waits("21")) == 21
    assert set(waits("86400")) == {60}
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    assert set(waits(soon)) == {60}


@pytest.mark.parametrize("dates", [False, True])
def test_asks_for_what_changed_only(partner, tmp_path, dates):
    partner.dates = dates
    url = f"{partner.url}/shops_sales.csv"
    for _ in range(3):
        poll(tmp_path, url)
    wanted = {"if-modified-since": OLD} if dates else {"if-none-match": f'"{hash(SALES):x}"'}
    conditions = [
        {name: value for name, value in headers.items() if name.startswith("if-")}
        for _, headers in partner.asked
    ]
    assert conditions == [{}, wanted, wanted]


@pytest.mark.parametrize("loss", ["file", "cut file", "state", "broken state", "other feed"])
def test_asks_for_all_of_it_when_something_was_lost(partner, tmp_path, loss):
    url = f"{partner.url}/shops_sales.csv"
    poll(tmp_path, url)
    [path] = (tmp_path / "shops_sales").iterdir()
    state = tmp_path / "_fetched.json"
    name = "shops"
    if loss == "file":
        path.unlink()
    elif loss == "cut file":
        path.write_bytes(path.read_bytes()[:-1])
    elif loss == "state":
        state.unlink()
    elif loss == "broken state":
        state.write_bytes(state.read_bytes()[:-5])
    else:
        name = "web"
    [result] = poll(tmp_path, url, name=name)
    assert partner.answers["304"] == 0
    if loss in ("file", "cut file"):
        assert result.outcome == "new"
        newest = max((tmp_path / "shops_sales").iterdir())
        assert gzip.decompress(newest.read_bytes()) == SALES
    else:
        assert result.outcome == ("failed" if loss == "other feed" else "unchanged")
        assert files(tmp_path) == [SALES]


@pytest.mark.parametrize(
    "state",
    ["[]", "null", "{", "[" * 100_000, '{"KEY": 1}', '{"KEY": {}}', "\xff", '{"KEY": [["feed"]]}']
    + [
        json.dumps({"KEY": {"feed": "shops_sales", "file": "f", "packed_size": 1} | more})
        for more in (
            {"sha256": "a", "etag": "a\nb", "modified": None},
            {"sha256": 17, "etag": None, "modified": None},
            {"sha256": "a", "etag": "é", "modified": ["x"]},
        )
    ],
    ids=lambda text: text[:40],
)
def test_a_state_that_is_none_costs_a_download(partner, tmp_path, state):
    url = f"{partner.url}/shops_sales.csv"
    (tmp_path / "_fetched.json").write_bytes(state.replace("KEY", url).encode("latin-1"))
    folder = tmp_path / "shops_sales"
    folder.mkdir()
    (folder / "f").write_bytes(b"1")
    assert outcomes(poll(tmp_path, url)) == ["new"]
    (folder / "f").unlink()
    assert files(tmp_path) == [SALES]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"ETag": '"a"'}, ('"a"', None)),
        ({"ETag": 'W/"a"', "Last-Modified": OLD}, ('W/"a"', OLD)),
        ({"ETag": '"a b"'}, (None, None)),
        ({"ETag": '"\u00e9"'.encode()}, (None, None)),
        ({"Last-Modified": "yesterday"}, (None, None)),
        # Written less than a minute before it was sent: it may change without a sign.
        ({"ETag": '"a"', "Last-Modified": OLD, "Date": OLD}, (None, None)),
    ],
)
def test_only_what_can_be_trusted_is_asked_with(headers, found):
    assert download._validators(httpx.Headers(headers)) == found


def test_a_page_gives_the_files_it_links_to(partner, tmp_path):
    partner.files |= {
        "/shops_stores.csv": STORES,
        "/web_lines.csv": WEB,
        "/d/ma%20caisse.CSV": SALES + b"V3,2026-11-21,COR-NU-GLD,MAG-NICE,1\n",
    }
    partner.pages["/d/"] = (
        "<title>Index</title><a href=../shops_sales.csv>x<a href='/shops_stores.csv#top'>"
        "<A HREF='../web_lines.csv'></A><a href='ma caisse.CSV'>" + f"<a href={partner.url}/none"
        "><a href='http://127.0.0.2/shops_sales.csv'><a name=x><a href='//[/x.csv'>"
        "<a href='/shops_stores.csv'><link href='/no.csv'>"
    )
    results = poll(tmp_path, f"{partner.url}/d/")
    assert [(result.name, result.outcome) for result in results] == [
        ("shops_sales.csv", "new"),
        ("shops_stores.csv", "new"),
        ("web_lines.csv", "left alone"),
        ("ma_caisse.csv", "new"),
    ]
    assert sum_up(results).startswith("Fetched 3 files, 0 unchanged: run ")
    assert files(tmp_path, "shops_stores") == [STORES]
    assert not (tmp_path / "web_lines").exists()
    # A file that was ours, or is named as one of ours, is not just another's.
    partner.files["/shops_stores.csv"] = STORES.replace(b"city", b"town")
    partner.files["/d/ma%20caisse.CSV"] = b"a,b\n1,2\n"
    results = poll(tmp_path, f"{partner.url}/d/")
    assert outcomes(results) == ["unchanged", "failed", "left alone", "failed"]
    with pytest.raises(WarehouseError, match=r"2 of 4 not fetched, first shops_stores\.csv.*town"):
        sum_up(results)


@pytest.mark.parametrize(("stem", "outcome"), [("shops_sales_2026", "failed"), ("x", "left alone")])
def test_a_wrong_header_under_a_feed_s_name_is_a_failure(partner, tmp_path, stem, outcome):
    partner.pages["/"] = f"<a href={stem}.csv><a href=shops_sales.csv>"
    partner.files[f"/{stem}.csv"] = b"a,b\n1,2\n"
    assert outcomes(poll(tmp_path, f"{partner.url}/")) == [outcome, "new"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a%20b%2F..%2Fc*[1]'.csv", "c_1"),
        ("/.hidden.CSV", "hidden"),
        ("/" + "x" * 300 + ".csv.gz", "x" * 100),
        ("/é.csv", "shops_sales"),
        ("/export?file=sales.csv", "export"),
        ("/", "shops_sales"),
    ],
)
def test_a_file_s_name_is_safe(partner, tmp_path, path, name):
    served = str(httpx.URL(path).raw_path.decode()).partition("?")[0]
    partner.files[served] = SALES
    assert outcomes(poll(tmp_path, partner.url + path)) == ["new"]
    [found] = (tmp_path / "shops_sales").iterdir()
    assert found.name == f"{name}-20261121T120000000000Z.csv.gz"


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_full_disk_leaves_what_was_there(partner, tmp_path, monkeypatch, moment):
    url = f"{partner.url}/shops_sales.csv"
    poll(tmp_path, url)
    state = (tmp_path / "_fetched.json").read_bytes()
    partner.files["/shops_sales.csv"] = changed = SALES.replace(b"12", b"11")
    calls = iter(range(1, 99))
    sync = os.fsync  # of the file, of its folder, of the state

    def fail(descriptor: int) -> None:
        if next(calls) == moment:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        poll(tmp_path, url)
    assert (tmp_path / "_fetched.json").read_bytes() == state
    assert files(tmp_path) == [SALES, changed][: 1 if moment == 1 else 2]
    assert outcomes(poll(tmp_path, url)) == ["new" if moment == 1 else "unchanged"]
    assert files(tmp_path) == [SALES, changed]


def test_a_page_of_nothing_is_a_failure(partner, tmp_path):
    partner.pages |= {"/": "<a href=web_lines.csv>", "/empty/": "<p>Nothing here</p>"}
    partner.files["/web_lines.csv"] = WEB
    told = "a page that lists no CSV file of shops"
    assert [r.reason for r in poll(tmp_path, f"{partner.url}/")][1:] == [told]
    assert [r.reason for r in poll(tmp_path, f"{partner.url}/empty/")] == [told]


def test_one_failure_does_not_stop_the_others(partner, tmp_path):
    partner.files["/shops_stores.csv"] = STORES
    partner.faults.append("404")
    urls = [f"{partner.url}/{name}.csv" for name in ("shops_sales", "shops_stores", "absent")]
    results = poll(tmp_path, *urls)
    assert outcomes(results) == ["failed", "new", "failed"]
    with pytest.raises(WarehouseError) as error:
        sum_up(results)
    assert str(error.value).startswith(
        f"2 of 3 not fetched, first shops_sales.csv (404 Not Found; {urls[0]}). "
        "1 file fetched and kept."
    )


@pytest.mark.parametrize("is_bare", [False, True])
def test_two_addresses_of_one_name_keep_their_own_files(partner, tmp_path, is_bare):
    partner.is_bare = is_bare
    other = SALES + b"V3,2026-11-21,COR-NU-GLD,MAG-NICE,1\n"
    partner.files |= {"/b/shops_sales.csv": other}
    urls = [f"{partner.url}/shops_sales.csv", f"{partner.url}/b/shops_sales.csv"]
    assert outcomes(poll(tmp_path, *urls)) == ["new", "new"]
    assert outcomes(poll(tmp_path, *urls, urls[0])) == ["unchanged", "unchanged"]
    assert files(tmp_path) == [SALES, other]


def test_secrets_are_sent_and_told_to_nobody_else(partner, tmp_path):
    partner.pages["/"] = "<a href='/shops_sales.csv?token=hush'>"
    address = partner.url.replace("//", "//anna:s3cret@")
    results = poll(tmp_path, f"{address}/", f"{address}/absent.csv?key=quiet")
    assert outcomes(results) == ["new", "failed"]
    assert {headers["authorization"] for _, headers in partner.asked} == {"Basic YW5uYTpzM2NyZXQ="}
    told = " ".join(map(str, results)) + (tmp_path / "_fetched.json").read_text()
    for secret in ("anna", "s3cret", "hush", "quiet"):
        assert secret not in told
    # Another token is another address.
    poll(tmp_path, f"{address}/shops_sales.csv?token=other")
    assert len(json.loads((tmp_path / "_fetched.json").read_text())) == 2


def test_parts_of_a_killed_fetch_go_and_others_stay(partner, tmp_path):
    folder = tmp_path / "shops_sales"
    folder.mkdir()
    (folder / "shops_sales-20261120T101112000000Z.csv.gz.part").write_bytes(b"torn")
    (folder / "till.csv.part").write_bytes(b"somebody else is writing")
    poll(tmp_path, f"{partner.url}/shops_sales.csv")
    left = [path.name for path in folder.iterdir() if path.suffix == ".part"]
    assert left == ["till.csv.part"]


def test_the_header_decides(tmp_path, partner):
    for header, error in {
        "a\rb,c": "does not end as a line",
        "x" * 70_000: "does not end as a line",
        '"a\0,"b': "not the columns",
        "\xff": "not UTF-8",
        " <html>": "a web page",
    }.items():
        partner.files["/x.csv"] = header.encode("latin-1") + b"\n1\n"
        [result] = poll(tmp_path, f"{partner.url}/x.csv")
        assert error in result.reason
        assert "\n" not in str(result)
    french = "\ufeffNuméro vente;Date vente;Référence produit;Magasin;Quantité\r\n".encode()
    partner.files["/x.csv"] = french
    assert outcomes(poll(tmp_path, f"{partner.url}/x.csv")) == ["new"]
    assert files(tmp_path) == [french]


@dataclass
class Figures:
    """What a series of polls came to."""

    polls: int = 0
    failed: int = 0
    new: int = 0
    unchanged: int = 0


def change(content: bytes, draw: random.Random, number: int) -> bytes:
    """Let a file grow by some lines, or correct the quantity of one to what it never was.

    A line that returns to an older value is known to the loader, so the table could not follow.
    """
    lines = content.splitlines(keepends=True)
    if draw.random() < 0.3 and len(lines) > 1:
        place = draw.randrange(1, len(lines))
        lines[place] = lines[place].rpartition(b",")[0] + b",%d\n" % (100 + number)
    for _ in range(draw.randrange(3)):
        lines.append(b"V%d,2026-11-20,COR-NU-GLD,MAG-LILLE,%d\n" % (len(lines), draw.randrange(9)))
    return b"".join(lines)


def poll_through_faults(
    partner: Partner, landing: Path, polls: int, rate: float, seed: int
) -> Figures:
    """Poll a growing, corrected file whose server fails with probability `rate` each time.

    After each poll the landing folder holds whole files only, each as the server once offered
    it; the newest is what is offered now, or nothing has changed.
    """
    draw, figures = random.Random(seed), Figures()  # noqa: S311 - a chosen seed
    path, faults = "/shops_sales.csv", sorted(TRANSIENT) * 3 + sorted(FINAL)
    offered, before = {partner.files[path]}, []
    for number in range(polls):
        if draw.random() < 0.5:
            partner.files[path] = change(partner.files[path], draw, number)
            offered.add(partner.files[path])
        partner.way = draw.choice(WHOLE)
        partner.faults.clear()
        while draw.random() < rate:
            partner.faults.append(draw.choice(faults))
        [result] = poll(landing, partner.url + path)
        kept = files(landing) if (landing / "shops_sales").exists() else []
        assert set(kept) <= offered
        assert kept[: len(before)] == before
        assert len(kept) == len(before) + (result.outcome == "new")
        if result.outcome == "failed":
            figures.failed += 1
        else:
            assert kept[-1] == partner.files[path]
            figures.new += result.outcome == "new"
            figures.unchanged += result.outcome == "unchanged"
        figures.polls += 1
        before = kept
    return figures


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.2, 0.5, 0.9]))
def test_whatever_goes_wrong_only_whole_files_land(tmp_path_factory, seed, rate):
    partner = Partner({"/shops_sales.csv": SALES})
    try:
        landing = tmp_path_factory.mktemp("landing")
        poll_through_faults(partner, landing, 10, rate, seed)
    finally:
        partner.close()


@pytest.mark.torture
def test_after_many_polls_the_table_is_the_truth(partner, shop, many, figure):
    polls = many(60, 1_000)
    landing = landing_of(shop)
    figures = poll_through_faults(partner, landing, polls, 0.5, 4)
    partner.faults.clear()
    poll(landing, f"{partner.url}/shops_sales.csv")
    assert files(landing)[-1] == partner.files["/shops_sales.csv"]
    wrong = sum(partner.answers.values()) - partner.answers["no fault"] - partner.answers["304"]
    assert figures.polls == figures.new + figures.unchanged + figures.failed == polls
    assert wrong > polls / 2
    shop.warehouse("load")
    table = shop.query_working(
        "select sale_id, date::varchar, product, store, quantity from raw.shop_sales "
        "qualify row_number() over (partition by sale_id order by _load_seq desc, _line desc) = 1"
    )
    served = partner.files["/shops_sales.csv"].decode().splitlines()[1:]
    assert sorted(",".join(map(str, row)) for row in table) == sorted(served)
    figure(
        f"{polls:,} polls of a server",
        f"{wrong:,} faults of {len(partner.answers) - 2} kinds, {partner.answers['304']:,} answers "
        f"304, {figures.failed:,} polls failed: 0 torn files, {len(table):,} rows = "
        f"{len(served):,} served",
    )


# The command, as a user runs it.


def landing_of(shop: Shop) -> Path:
    return shop.data / "landing"


def test_the_generator_s_server_is_fetched_whole(shop, tmp_path):
    served = tmp_path / "partner"
    shop.generate(
        *("--orders", "2000", "--days", "60", "--end", LAST_DAY, "--seed", "7"),
        KSCM_DATA=str(served),
    )
    remote = served / "remote"
    with open_server(remote, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            page = f"http://127.0.0.1:{server.server_port}/"
            ran = shop.warehouse("fetch", "--feed", "shops", "--url", page)
            lines = ran.stdout.splitlines()
            names = ("shops_products", "shops_sales", "shops_stores")
            sizes = {name: (remote / f"{name}.csv").stat().st_size for name in names}
            assert lines == [
                *(f"{name}.csv: {size:,} bytes, new" for name, size in sizes.items()),
                "web_lines.csv: left alone, no file of shops by its header",
                "Fetched 3 files, 0 unchanged: run 'python -m warehouse load'.",
            ]
            for name in names:
                assert files(landing_of(shop), name) == [(remote / f"{name}.csv").read_bytes()]
            (shop.data / "fetch.toml").write_text(
                f'timeout = 5\n[[source]]\nfeed = "shops"\nurls = ["{page}"]\n'
                f'[[source]]\nfeed = "web"\nurls = ["{page}web_lines.csv"]\ntimeout = 9.5\n'
            )
            ran = shop.warehouse("fetch")
            assert ran.stdout.splitlines()[-1].startswith("Fetched 1 file, 3 unchanged: run ")
            ran = shop.warehouse("fetch", "--feed", "web")
            assert ran.stdout.splitlines() == [
                "web_lines.csv: unchanged",
                "Fetched 0 files, 1 unchanged.",
            ]
            web = (remote / "web_lines.csv").read_bytes()
            assert files(landing_of(shop), "web_lines") == [web]
        finally:
            server.shutdown()
            thread.join()


def test_a_failure_is_one_line_and_what_was_there_stays(shop, refused, partner):
    partner.files["/shops_stores.csv"] = STORES
    words = ("fetch", "--feed", "shops", "--attempts", "1")
    words += tuple(f"--url={partner.url}/{name}.csv" for name in ("shops_sales", "shops_stores"))
    shop.warehouse(*words)
    for fault in ("500", "404", "wrong header", "reset", "short"):
        partner.faults.append(fault)
        line = refused(shop.warehouse(*words, check=False), 1)
        assert line.startswith("error: 1 of 2 not fetched, first shops_sales.csv (")
        assert files(landing_of(shop)) == [SALES]
    assert files(landing_of(shop), "shops_stores") == [STORES]


def start(shop: Shop, partner: Partner) -> Popen:
    """Start a fetch, and wait until it has most of a file that does not come to its end."""
    draw = random.Random(7)  # noqa: S311 - a chosen seed
    lines = (b"V%d,2026-11-20,%x,MAG-LILLE,1\n" % (n, draw.getrandbits(99)) for n in range(90_000))
    partner.files["/shops_sales.csv"] = HEADER + b"".join(lines)
    partner.faults.append("stall")
    words = ("fetch", "--feed", "shops", "--url", f"{partner.url}/shops_sales.csv")
    process = Popen(
        [sys.executable, "-m", "warehouse", *words],
        cwd=ROOT,
        env=shop.environment(),
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(landing_of(shop).glob("shops_sales/*.part")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        partner.stalled.wait(0.01)
    return process


def test_a_killed_fetch_leaves_no_torn_file_and_the_next_tidies_up(shop, refused, partner):
    process = start(shop, partner)
    try:
        words = ("fetch", "--feed", "shops", "--url", f"{partner.url}/shops_sales.csv")
        line = refused(shop.warehouse(*words, check=False), 1)
        assert f"another fetch (process {process.pid}) is at work" in line
    finally:
        process.kill()
        process.communicate()
    assert [p.suffix for p in (landing_of(shop) / "shops_sales").iterdir()] == [".part"]
    shop.warehouse(*words)
    assert files(landing_of(shop)) == [partner.files["/shops_sales.csv"]]


def test_a_stopped_fetch_leaves_nothing(shop, partner):
    process = start(shop, partner)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told.count("\n")) == (130, 1)
    assert told.startswith("error: stopped")
    assert list((landing_of(shop) / "shops_sales").iterdir()) == []


def test_wrong_usage_is_told_in_one_line(shop, refused, tmp_path):
    url = "--url=http://127.0.0.1/a.csv"
    for words, told in {
        (): "say --feed and --url, or list the sources in",
        (url,): "--url needs --feed",
        ("--feed", "shops", url, "--config", "x.toml"): "no --config",
        ("--feed", "orders", url): "--feed 'orders' is not one of shops, web, shops_products",
        ("--feed", "shops", "--url", "ftp://anna:hush@host/a.csv"): "'ftp://host/a.csv' is not",
        ("--feed", "shops", "--url", "a.csv"): "'a.csv' is not an address",
        ("--feed", "shops", url, "--attempts", "0"): "attempts",
    }.items():
        line = refused(shop.warehouse("fetch", *words, check=False), 2)
        assert told in line
        assert "hush" not in line
    config = str(tmp_path / "absent.toml")
    line = refused(shop.warehouse("fetch", "--config", config, check=False), 1)
    assert "absent.toml does not exist" in line
    assert not shop.data.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source = ", "is not TOML"),
        ("", "no source is listed"),
        ("source = 1", "no source is listed"),
        ("source = [1]", "no table"),
        ("sources = []", "'sources' is not known"),
        ('[[source]]\nfeed="shops"\nurl="http://a/"', "'url' is not known"),
        ('[[source]]\nfeed="shop"\nurls=["http://a/"]', "feed must be one of shops, web"),
        ('[[source]]\nfeed=["shops"]\nurls=["http://a/"]', "feed must be one of shops, web"),
        ('[[source]]\nfeed="shops"\nurls="http://a/"', "urls of shops must be a list"),
        ('[[source]]\nfeed="shops"\nurls=[7]', "'7' is not an address"),
        ('[[source]]\nfeed="shops"\nurls=["http://:hush@/x"]', "is not an address"),
        ('timeout=0\n[[source]]\nfeed="shops"\nurls=["http://a/"]', "timeout must be"),
        ('timeout=true\n[[source]]\nfeed="shops"\nurls=["http://a/"]', "timeout must be"),
        ('[[source]]\nfeed="shops"\nurls=["http://a/"]\ntimeout="1"', "timeout must be"),
        ('[[source]]\nfeed="web"\nurls=["http://a/"]', "lists no source for shops"),
    ],
)
def test_a_config_that_is_none_is_told_in_one_sentence(tmp_path, text, told):
    path = tmp_path / "fetch.toml"
    path.write_text(text)
    with pytest.raises(WarehouseError) as error:
        plan("shops", [], path, tmp_path)
    assert told in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert "hush" not in str(error.value)


def test_a_config_says_feeds_addresses_and_patience(tmp_path):
    path = tmp_path / "fetch.toml"
    path.write_text(
        'timeout=5\n[[source]]\nfeed="shops"\nurls=["http://a/", "https://b/x.csv#top"]\n'
        '[[source]]\nfeed="web_lines"\nurls=["http://c/"]\ntimeout=1.5\n'
    )
    shops, web = plan(None, [], None, path)
    assert shops == Source("shops", (httpx.URL("http://a/"), httpx.URL("https://b/x.csv")), 5.0)
    assert web == Source("web_lines", (httpx.URL("http://c/"),), 1.5)
    assert [feed.name for feed in shops.feeds] == ["shops_products", "shops_stores", "shops_sales"]
    assert [feed.name for feed in web.feeds] == ["web_lines"]
    assert plan("web_lines", [], path, tmp_path / "absent") == [web]
