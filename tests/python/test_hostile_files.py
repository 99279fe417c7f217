"""Files that break readers: what becomes of each line was written down by hand."""

import contextlib
import gzip
import json
import os
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, field

import pytest
from conftest import TORTURE
from faults import Patient, order

pytestmark = pytest.mark.torture

_numbers = iter(range(10**6))
MEGABYTE = 1 << 20


def good(**changes: object) -> bytes:
    """A valid line whose key no other line has."""
    return json.dumps(order(f"h{next(_numbers)}", **changes), ensure_ascii=False).encode()


def with_text(text: str) -> bytes:
    """A valid line in which `"name": <text>` stands as it is."""
    return good(name="@").replace(b'"@"', text.encode())


def deep(depth: int) -> bytes:
    return with_text("[" * depth + "]" * depth)


@dataclass(frozen=True)
class Case:
    """A file's bytes and what must become of them; `refused` maps line numbers to reasons."""

    content: bytes
    accepted: int = 0
    blank: int = 0
    duplicates: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    failed: str = ""
    suffix: str = ".ndjson"


def one(line: bytes, reason: str) -> Case:
    """A line that is refused between two good ones."""
    return Case(b"\n".join([good(), line, good()]) + b"\n", accepted=2, refused={2: reason})


def fine(line: bytes) -> Case:
    return Case(b"\n".join([good(), line, good()]) + b"\n", accepted=3)


def lost(content: bytes, words: str, suffix: str = ".ndjson") -> Case:
    return Case(content, failed=words, suffix=suffix)


TWO = good() + b"\n" + good() + b"\n"
PACKED = gzip.compress(b"\n".join(good() for _ in range(3_000)))
TWIN = good()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :]


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = (b" " * 1023 + b"\n") * 1024
    return b"".join(packer.compress(block) for _ in range(size // MEGABYTE)) + packer.flush()


CASES = {
    # Not JSON, or not by the book.
    "malformed": one(b'{"txid" "t"}', "invalid_json"),
    "cut": one(good()[:-20], "invalid_json"),
    "raw-nul": one(with_text('"Zo\0e"'), "nul_byte"),
    "control-character": one(with_text('"Zo\x01e"'), "invalid_json"),
    "tab-in-text": one(with_text('"Zo\te"'), "invalid_json"),
    "latin-1": one(good().decode().encode("latin-1"), "invalid_utf8"),
    "surrogate-bytes": one(with_text('"@"').replace(b"@", b"\xed\xa0\x80"), "invalid_utf8"),
    "overlong-utf8": one(with_text('"@"').replace(b"@", b"\xc0\xaf"), "invalid_utf8"),
    "lone-surrogate": one(with_text(r'"Zo\ud800e"'), "invalid_json"),
    "two-objects": one(good() + good(), "invalid_json"),
    "comment": one(b"// " + good(), "invalid_json"),
    "comment-after": one(good() + b" // so", "invalid_json"),
    "single-quotes": one(b"{'txid': 't'}", "invalid_json"),
    "trailing-comma": one(good()[:-1] + b",}", "invalid_json"),
    "nan": one(with_text("NaN"), "invalid_json"),
    "infinity": one(with_text("-Infinity"), "invalid_json"),
    "leading-zero": one(with_text("01"), "invalid_json"),
    "plus": one(with_text("+1"), "invalid_json"),
    "hex": one(with_text("0x1"), "invalid_json"),
    "bare-point": one(with_text("1."), "invalid_json"),
    "bad-escape": one(with_text(r'"\x41"'), "invalid_json"),
    "true-in-capitals": one(with_text("True"), "invalid_json"),
    "nothing-quoted": one(with_text("Zoe"), "invalid_json"),
    "bom-inside": one(b"\xef\xbb\xbf" + good(), "invalid_json"),
    "no-break-space": one(b"\xc2\xa0" + good(), "invalid_json"),
    # JSON, but no record.
    "array-line": one(b"[" + good() + b"]", "not_object"),
    "number-line": one(b"17", "not_object"),
    "null-line": one(b"null", "not_object"),
    "text-line": one(b'"txid"', "not_object"),
    "empty-object": one(b"{}", "missing_txid"),
    "other-case": one(good().replace(b'"txid"', b'"TxID"'), "missing_txid"),
    "duplicate-keys": one(with_text('"a", "name": "b"'), "duplicate_field"),
    "duplicate-keys-same": one(with_text('"a", "name": "a"'), "duplicate_field"),
    "duplicate-keys-escaped": one(with_text('"a", "n\\u0061me": "b"'), "duplicate_field"),
    "impossible-date": one(good(purchase_time="2024-02-30T10:00:00"), "bad_purchase_time"),
    "french-date": one(good(purchase_time="31/12/2024 10:00"), "bad_purchase_time"),
    "epoch": one(good(purchase_time=1714557600), "bad_purchase_time"),
    "too-early": one(good(purchase_time="1999-12-31T23:59:59"), "purchase_time_out_of_range"),
    "too-late": one(good(purchase_time="2150-01-01T00:00:00"), "purchase_time_out_of_range"),
    "object-as-item": one(good(item={"a": 1}), "bad_item"),
    "array-as-address": one(good(address=[1]), "bad_address"),
    "deep-100": one(deep(100), "bad_name"),
    "deep-600": one(deep(600), "too_deep"),
    "deep-10000": one(deep(10_000), "too_deep"),
    "deep-100000": one(deep(100_000), "too_deep"),
    "deep-open": one(b"[" * 100_000, "too_deep"),
    "long-line": one(with_text('"' + "x" * (17 * MEGABYTE) + '"'), "line_too_long"),
    "huge-number": one(good(days=10**30), "bad_days"),
    "endless-digits": one(with_text("9" * 5_000).replace(b'"name"', b'"days"'), "bad_days"),
    # Fine, however it looks.
    "ten-megabytes": fine(with_text('"' + "x" * (10 * MEGABYTE) + '"')),
    "offset": fine(good(purchase_time="2024-05-01T10:00:00+02:00")),
    "capital-keys": fine(good().replace(b'"txid"', b'"TXID"').replace(b'"item"', b'"ITEM"')),
    "extra-key": fine(good(loyalty={"card": [1, {"x": None}]})),
    "nulls": fine(good(name=None, address=None, phone=None, email=None)),
    "line-separator": fine(good(name="a\u2028b\x85c\x0bd".replace("\x0b", ""))),
    "beyond-bmp": fine(good(name="\U0001f600")),
    "surrogate-pair": fine(with_text(r'"\ud83d\ude00"')),
    "carriage-return": Case(TWO.replace(b"\n", b"\r\n"), accepted=0, duplicates=0),
    "blank-lines": Case(b"\n \n\t\n" + good() + b"\n\r\n", accepted=1, blank=4),
    "no-last-newline": Case(good() + b"\n" + good(), accepted=2),
    "bom": Case(b"\xef\xbb\xbf" + good() + b"\n" + good() + b"\n", accepted=2),
    "only-bom": Case(b"\xef\xbb\xbf", blank=1),
    "empty": Case(b""),
    "one-newline": Case(b"\n", blank=1),
    "twins": Case(b"\n".join([TWIN, TWIN, TWIN]), accepted=1, duplicates=2),
    "only-returns": Case(good() + b"\r" + good() + b"\r", refused={1: "invalid_json"}),
    "pretty": Case(
        json.dumps(order("pretty"), indent=1).encode() + b"\n",
        refused=dict.fromkeys(range(1, 8), "invalid_json"),
    ),
    "whole-array": Case(
        b"[\n" + good() + b",\n" + good() + b"\n]\n",
        # The last element alone is a record by the book.
        accepted=1,
        refused={1: "invalid_json", 2: "invalid_json", 4: "invalid_json"},
    ),
    # Not what the name says.
    "utf-16": lost(b"\xff\xfe" + TWO.decode().encode("utf-16-le"), "UTF-16"),
    "utf-16-be": lost(b"\xfe\xff" + TWO.decode().encode("utf-16-be"), "UTF-16"),
    "utf-16-no-mark": lost(TWO.decode().encode("utf-16-le"), "UTF-16"),
    "utf-32": lost(TWO.decode().encode("utf-32"), "UTF-"),
    "gz-cut": lost(PACKED[:-100], "gzip", ".ndjson.gz"),
    "gz-cut-early": lost(PACKED[:15], "gzip", ".ndjson.gz"),
    "gz-no-trailer": lost(PACKED[:-8], "gzip", ".ndjson.gz"),
    "gz-wrong-crc": lost(flipped(PACKED, len(PACKED) - 6), "gzip", ".ndjson.gz"),
    "gz-wrong-size": lost(flipped(PACKED, len(PACKED) - 2), "gzip", ".ndjson.gz"),
    "gz-flipped": lost(flipped(PACKED, len(PACKED) // 2), "gzip", ".ndjson.gz"),
    "gz-garbage-after": lost(PACKED + b"garbage", "gzip", ".ndjson.gz"),
    "gz-is-text": lost(TWO, "gzip", ".ndjson.gz"),
    "gz-nothing": lost(b"", "gzip", ".ndjson.gz"),
    "gz-bomb": lost(bomb(300 * MEGABYTE), "", ".ndjson.gz"),
    "gz-bomb-behind-good": lost(gzip.compress(good()) + bomb(300 * MEGABYTE), "", ".ndjson.gz"),
    "gz-empty-inside": Case(gzip.compress(b""), suffix=".ndjson.gz"),
    "gz-members": Case(
        gzip.compress(good() + b"\n" + good()[:0]) + gzip.compress(good() + b"\n" + good()),
        accepted=3,
        suffix=".ndjson.gz",
    ),
}
CASES["carriage-return"] = Case(
    good() + b"\r\n" + good() + b"\r\n" + b"\r\n" + b"{\r\n",
    accepted=2,
    blank=1,
    refused={4: "invalid_json"},
)
_halves = (PACKED_LINE := good())[:20], PACKED_LINE[20:]
CASES["gz-line-over-members"] = Case(
    gzip.compress(_halves[0]) + gzip.compress(_halves[1]), accepted=1, suffix=".ndjson.gz"
)
if TORTURE:
    CASES["hundred-megabytes"] = one(with_text('"' + "x" * (100 * MEGABYTE) + '"'), "line_too_long")

NAMES = [
    *(b"b*.ndjson", b"bb.ndjson", b"[x].ndjson", b"x.ndjson", b"?.ndjson", b"{a,b}.ndjson"),
    *(b"it's.ndjson", b'say "so".ndjson', b"new\nline.ndjson", b"-rf.ndjson", b"n\xff\xfe.ndjson"),
    *(b"'; drop table raw.load_manifest; --.ndjson", b" space .ndjson", b"%s%d.ndjson"),
    *(b"$HOME.ndjson", b"\\x41.ndjson", b"tab\t.ndjson", "É.ndjson".encode()),
    *("E\u0301.ndjson".encode(), b"a" * 248 + b".ndjson", b"#?a=b&c.ndjson", b"~.ndjson"),
    *(b"hive=1.ndjson", b"\x1b[31mred.ndjson", b"n\xff.ndjson", b"n\\xff.ndjson"),
]


def escaped(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


@pytest.fixture(scope="module")
def hospital(nursery, tmp_path_factory):
    """Every hostile file landed at once and loaded; the last two lines of a good file after."""
    patient = Patient(nursery, tmp_path_factory.mktemp("hostile"))
    folder = patient.landing / "orders"
    folder.mkdir()
    for name, case in CASES.items():
        (folder / f"{name}{case.suffix}").write_bytes(case.content)
    returns = patient.landing / "returns"
    returns.mkdir()
    for number, name in enumerate(NAMES):
        record = {"txid": f"n{number}", "rfid": "r", "return_time": "2024-05-01T10:00:00"}
        (returns / os.fsdecode(name)).write_text(json.dumps(record) + "\n")
    stock = patient.landing / "stock"
    stock.mkdir()
    os.mkfifo(stock / "fifo.ndjson")
    (stock / "folder.ndjson").mkdir()
    (stock / "loop.ndjson").symlink_to("loop.ndjson")
    (stock / "dangling.ndjson").symlink_to("nowhere")
    (stock / "zero.ndjson").symlink_to("/dev/zero")
    (stock / "z.ndjson").write_bytes(
        b'{"movement_id": "m", "sku": "s", "location_id": "l", "kind": "k", "quantity": 1, '
        b'"moved_at": "2024-05-01"}\n'
    )
    # Whoever opens the pipe would wait for ever: the other end is opened after a minute.
    rescue = threading.Timer(120, _open_both_ends, [stock / "fifo.ndjson"])
    rescue.start()
    ended = patient.run("load")
    rescue.cancel()
    return patient, ended


def _open_both_ends(fifo) -> None:
    with contextlib.suppress(OSError):
        os.close(os.open(fifo, os.O_RDWR))


def test_the_load_ends_in_one_sentence(hospital, figure):
    _, ended = hospital
    failed = sum(bool(case.failed) or "bomb" in name for name, case in CASES.items())
    assert f"{failed} file" in ended.error
    assert len(ended.error) < 1_000
    figure("hostile files", f"{len(CASES)} contents, {len(NAMES)} names: each as written down")


@pytest.mark.parametrize("name", CASES)
def test_what_becomes_of_each_line(hospital, name):
    patient, _ = hospital
    case = CASES[name]
    file = f"orders/{name}{case.suffix}"
    [(status, message, lines, *parts)] = patient.query(
        "select status, first_error_message, row_count, row_parsed, duplicate_count, "
        "error_count, blank_count from raw.load_manifest where file = ?",
        file,
    )
    assert lines == sum(parts)
    rejects = dict(patient.query("select line, reason from raw.load_rejects where file = ?", file))
    accepted = patient.query("select count(*) from raw.client_support_orders where _file = ?", file)
    if case.failed or "bomb" in name:
        assert status == "failed"
        assert case.failed in message
        assert (lines, rejects, accepted) == (0, {}, [(0,)])
        return
    assert (status, rejects) == ("loaded", case.refused)
    assert parts == [case.accepted, case.duplicates, len(case.refused), case.blank]
    assert accepted == [(case.accepted,)]


def test_what_was_refused_is_kept_to_the_letter(hospital):
    patient, _ = hospital
    for name, case in CASES.items():
        content = case.content
        if case.suffix != ".ndjson" or case.failed:
            continue
        lines = content.split(b"\n")
        for number, reason in case.refused.items():
            raw = lines[number - 1].removesuffix(b"\r")
            if reason == "line_too_long":
                raw = raw[:1000]
            [(kept,)] = patient.query(
                "select raw from raw.load_rejects where file = ? and line = ?",
                f"orders/{name}.ndjson",
                number,
            )
            assert kept == raw.decode(errors="backslashreplace").replace("\0", r"\x00"), name


def test_every_name_is_a_file_of_its_own(hospital):
    patient, _ = hospital
    found = Counter(
        file
        for (file,) in patient.query(
            "select file from raw.load_manifest where feed = 'returns' and row_parsed = 1 "
            "and row_count = 1"
        )
    )
    assert sum(found.values()) == len(NAMES)
    rows = patient.query("select txid, _file from raw.client_support_returns")
    assert len(rows) == len(NAMES)
    # Two names may be written alike: b"n\xff" and "n\\xff".
    wanted = Counter(f"returns/{escaped(name)}" for name in NAMES)
    assert Counter(file for _, file in rows) == wanted


def test_a_second_load_finds_nothing_new(hospital):
    patient, _ = hospital
    before = patient.tables()
    again = patient.run("load")
    assert again.code == 1
    assert "Loaded 0 files" in again.out
    # A failed file is told again, and not loaded twice.
    loaded = "select count(*) from raw.load_manifest where status = 'loaded'"
    assert patient.query(loaded) == [
        (sum(not (c.failed or "bomb" in n) for n, c in CASES.items()) + len(NAMES) + 1,)
    ]
    after = patient.tables()
    assert {k: v for k, v in after.items() if k != "load_manifest"} == {
        k: v for k, v in before.items() if k != "load_manifest"
    }


def test_what_is_no_file_stops_nobody(hospital):
    patient, ended = hospital
    assert patient.query("select movement_id, _file from raw.stock_movements") == [
        ("m", "stock/z.ndjson")
    ]
    assert "Traceback" not in ended.err


def test_status_bounds_what_it_shows(hospital):
    patient, _ = hospital
    said = patient.good("status").out
    assert len(said.splitlines()) < 80
    assert "refused as invalid_json" in said
    assert "\x1b" not in said
