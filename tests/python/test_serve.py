import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from email.utils import formatdate
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from conftest import ROOT

from generator.serve import ServeError, open_server, serve

SALES = b"sale_id,date,product,store,quantity\n1,2026-11-20,COR-NU-GLD,MAG-LILLE,1\n"
MOMENT = 1_795_000_000  # when the files of these tests were written, seconds since 1970
DATE = formatdate(MOMENT, usegmt=True)


class Partner:
    """A running server, and the requests that the tests make of it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.server = open_server(folder, 0)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)

    def ask(
        self, path: str = "/shops_sales.csv", method: str = "GET", **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def wait_for_handlers(self) -> None:
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(10)
                assert not thread.is_alive()


def put(path: Path, content: bytes, moment: int = MOMENT) -> None:
    """Write a file as the generator does: under another name, then renamed."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.utime(part, (moment, moment))
    part.replace(path)


@pytest.fixture
def partner(tmp_path):
    folder = tmp_path / "magasins d'été"
    folder.mkdir()
    put(folder / "shops_sales.csv", SALES)
    partner = Partner(folder)
    yield partner
    partner.close()


def test_a_file_is_delivered_with_what_tells_whether_it_changed(partner):
    response, body = partner.ask()
    assert (response.status, body) == (200, SALES)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(SALES))
    assert response.headers["Last-Modified"] == DATE
    assert response.headers["ETag"].startswith('"')  # strong
    assert partner.ask()[0].headers["ETag"] == response.headers["ETag"]


def test_an_empty_file_is_delivered_too(partner, capfd):
    put(partner.folder / "empty.csv", b"")
    response, body = partner.ask("/empty.csv")
    assert (response.status, response.headers["Content-Length"], body) == (200, "0", b"")
    partner.wait_for_handlers()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("path", ["/shops_sales.csv", "/", "/absent.csv"])
def test_head_tells_the_same_without_the_file(partner, path):
    whole, _ = partner.ask(path)
    connection = partner.connect()
    connection.request("HEAD", path)
    head = connection.getresponse()
    assert head.read() == b""
    drop = {"Date"}
    assert {k: v for k, v in head.headers.items() if k not in drop} == {
        k: v for k, v in whole.headers.items() if k not in drop
    }
    connection.request("GET", "/shops_sales.csv")  # no byte of a body is left in between
    assert connection.getresponse().read() == SALES
    connection.close()


def test_every_change_has_another_tag(partner):
    tags = {partner.ask()[0].headers["ETag"]}
    put(partner.folder / "shops_sales.csv", SALES.replace(b",1\n", b",2\n"))  # same size and date
    tags.add(partner.ask()[0].headers["ETag"])
    put(partner.folder / "shops_sales.csv", SALES + b"2,2026-11-21,COR-NU-GLD,MAG-NICE,1\n")
    tags.add(partner.ask()[0].headers["ETag"])
    assert len(tags) == 3


LATER = formatdate(MOMENT + 1, usegmt=True)
EARLIER = formatdate(MOMENT - 1, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": "{tag}"}, 304),
        ({"If_None_Match": 'W/{tag}, "other"'}, 304),  # compared weakly
        ({"If_None_Match": '"other" , {tag}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": "not a tag"}, 200),
        ({"If_Modified_Since": DATE}, 304),
        ({"If_Modified_Since": LATER}, 304),
        ({"If_Modified_Since": EARLIER}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),  # no date is as none at all
        ({"If_None_Match": '"other"', "If_Modified_Since": LATER}, 200),  # the tag decides
        ({"If_None_Match": "{tag}", "If_Modified_Since": EARLIER}, 304),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_the_file_gets_nothing(partner, headers, status, method):
    tag = partner.ask()[0].headers["ETag"]
    asked = {name: value.replace("{tag}", tag) for name, value in headers.items()}
    response, body = partner.ask(method=method, **asked)
    assert response.status == status
    assert body == (SALES if (status, method) == (200, "GET") else b"")
    assert response.headers["ETag"] == tag
    assert (response.headers["Content-Length"] is None) == (status == 304)


def test_a_file_replaced_during_its_download_is_delivered_whole(partner):
    path = partner.folder / "shops_sales.csv"
    old, new = SALES + b"x" * 30_000_000, b"new"  # more than sockets hold
    put(path, old)
    connection = partner.connect()
    connection.request("GET", "/shops_sales.csv")
    response = connection.getresponse()
    begun = response.read(100)
    put(path, new)
    assert begun + response.read() == old
    tag = response.headers["ETag"]
    connection.close()
    again, body = partner.ask(If_None_Match=tag)
    assert (again.status, body) == (200, new)


def test_the_index_lists_the_csv_files_alone(partner):
    put(partner.folder / "shops_stores.csv", b"store_id\n")
    put(partner.folder / "web_lines.csv.part", b"half")
    put(partner.folder / ".hidden.csv", b"secret")
    (partner.folder / "folder.csv").mkdir()
    response, body = partner.ask("/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    links = [line.split('"')[1] for line in body.decode().splitlines() if "href" in line]
    assert links == ["shops_sales.csv", "shops_stores.csv"]
    assert all(partner.ask(f"/{link}")[0].status == 200 for link in links)
    assert partner.ask("/", method="HEAD")[1] == b""


@pytest.mark.parametrize(
    "path",
    [
        "/absent.csv",
        "/shops_sales.csv.part",
        "/.hidden.csv",
        "/notes.txt",
        "/link.csv",
        "/inner/deep.csv",
        "/inner",
        "/../secret.csv",
        "/%2e%2e/secret.csv",
        "/..%2fsecret.csv",
        "/inner/../../secret.csv",
        "//etc/passwd",
        "/shops_sales.csv/",
        "/shops_sales.csv%00",
        "/%ff.csv",
    ],
)
def test_nothing_else_is_served(partner, path):
    folder = partner.folder
    put(folder.parent / "secret.csv", b"secret")
    put(folder / ".hidden.csv", b"secret")
    put(folder / "notes.txt", b"secret")
    (folder / "inner").mkdir()
    put(folder / "inner" / "deep.csv", b"secret")
    (folder / "shops_sales.csv.part").write_bytes(b"half")
    (folder / "link.csv").symlink_to(folder.parent / "secret.csv")
    response, body = partner.ask(path)
    assert response.status == 404
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body.startswith(b"404 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(partner, method):
    connection = partner.connect()
    connection.request(method, "/shops_sales.csv", body=b"sale_id\n")
    response = connection.getresponse()
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.read().startswith(b"405 ")
    connection.close()
    assert partner.ask()[1] == SALES


def test_a_query_is_no_part_of_the_name(partner):
    assert partner.ask("/shops_sales.csv?since=2026-11-20")[1] == SALES


def test_an_aborted_download_is_no_news(partner, capfd):
    put(partner.folder / "shops_sales.csv", b"x" * 30_000_000)
    client = socket.create_connection(("127.0.0.1", partner.server.server_port), timeout=10)
    client.sendall(b"GET /shops_sales.csv HTTP/1.1\r\nHost: here\r\n\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 200")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()  # a reset, not a farewell
    partner.wait_for_handlers()
    assert capfd.readouterr().err == ""
    assert partner.ask("/")[0].status == 200


def test_it_listens_on_this_machine_only_and_asks_no_name_server(tmp_path, monkeypatch):
    def ask(*_: object) -> str:
        raise AssertionError("a name server was asked")

    for name in ("getfqdn", "gethostbyaddr", "getnameinfo"):
        monkeypatch.setattr(socket, name, ask)
    partner = Partner(tmp_path)
    try:
        assert partner.server.server_address == ("127.0.0.1", partner.server.server_port)
        assert partner.ask("/")[0].status == 200
    finally:
        partner.close()


def test_a_folder_or_port_that_is_not_to_be_had_is_refused(partner, tmp_path):
    with pytest.raises(ServeError, match=r"absent is not a folder: run python -m generator first"):
        serve(tmp_path / "absent", 0)
    taken = partner.server.server_port
    for port in (taken, 70_000):
        with pytest.raises(ServeError, match=rf"^port {port} cannot be used \(.+\): choose"):
            serve(partner.folder, port)


def test_it_says_where_it_serves_and_ends_with_ctrl_c(partner):
    program = (
        "import sys; from pathlib import Path; from generator.serve import serve\n"
        "try: serve(Path(sys.argv[1]), 0)\n"
        "except KeyboardInterrupt: print('ended')"
    )
    command = [sys.executable, "-c", program, str(partner.folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as running:
        line = running.stdout.readline()
        port = int(line.split(":")[2].split("/")[0])
        assert line == (f"Serving http://127.0.0.1:{port}/ from {partner.folder} (Ctrl-C ends).\n")
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/shops_sales.csv")
        assert connection.getresponse().read() == SALES
        running.send_signal(signal.SIGINT)  # while a client is still connected
        out, err = running.communicate(timeout=10)
        connection.close()
    assert (out, err, running.returncode) == ("ended\n", "", 0)
