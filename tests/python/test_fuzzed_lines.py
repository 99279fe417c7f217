"""Valid lines, broken at random, against a judge that knows Python's json and the contract only."""

import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from conftest import TORTURE
from faults import Patient, dice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.torture

Line = bytes
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?")
REQUIRED = ("txid", "rfid", "item", "purchase_time")
OTHERS = ("purchase_time", "address")
TEXTS = ("txid", "rfid", "item", "name", "channel")


def record(draw: random.Random) -> dict[str, object]:
    """A valid record; its key is long enough to be the only one."""
    fields: dict[str, object] = {
        "txid": f"{draw.getrandbits(96):024x}",
        "rfid": f"0x{draw.getrandbits(96):024x}",
        "item": draw.choice(["Statue Sasha Pirate Gold", 'Statue "Été" \\ /', "雕像", "a"]),
        "purchase_time": draw.choice(["2024-05-01T10:00:00", "2025-01-31 23:59:59.123456"]),
        "name": draw.choice(["Zoé", None, "", "O'Brien; --", "x" * 300, "\u2028", "😀"]),
        "address": draw.choice([None, {"city": "Paris", "postalcode": "75001"}, {}]),
    }
    return fields


def encode(fields: dict[str, object], draw: random.Random) -> bytes:
    return json.dumps(
        fields, ensure_ascii=draw.random() < 0.5, separators=draw.choice([None, (",", ":")])
    ).encode()


def valid(draw: random.Random) -> Line:
    return encode(record(draw), draw)


def insert(draw: random.Random, *choices: bytes) -> Line:
    line, what = valid(draw), draw.choice(choices)
    place = draw.randrange(len(line) + 1)
    return line[:place] + what + line[place:]


def cut(draw: random.Random) -> Line:
    line = valid(draw)
    return line[: draw.randrange(1, len(line))]


def cut_head(draw: random.Random) -> Line:
    line = valid(draw)
    return line[draw.randrange(1, len(line)) :]


def flip(draw: random.Random) -> Line:
    line = bytearray(valid(draw))
    for _ in range(draw.randint(1, 3)):
        line[draw.randrange(len(line))] ^= 1 << draw.randrange(8)
    return bytes(line)


def swap(draw: random.Random) -> Line:
    line = bytearray(valid(draw))
    one, two = (draw.randrange(len(line)) for _ in range(2))
    line[one], line[two] = line[two], line[one]
    return bytes(line)


def repeat_key(draw: random.Random) -> Line:
    fields = record(draw)
    again = draw.choice(list(fields))
    more = json.dumps({again: draw.choice([fields[again], "other", None])})
    return encode(fields, draw)[:-1] + b"," + more.encode()[1:]


def not_a_number(draw: random.Random) -> Line:
    return encode(record(draw) | {"extra": float(draw.choice(["nan", "inf", "-inf"]))}, draw)


def comma(draw: random.Random) -> Line:
    return valid(draw)[:-1] + draw.choice([b",}", b"},", b",,}", b"]}"])


def nest(draw: random.Random) -> Line:
    depth = draw.choice([1, 10, 200, 700, 2_000])
    inside = draw.choice(["[@]", '{"a":@}'])
    value = "1"
    for _ in range(depth):
        value = inside.replace("@", value)
    return valid(draw)[:-1] + b',"extra":' + value.encode() + b"}"


def wrong_type(draw: random.Random) -> Line:
    fields = record(draw)
    value = draw.choice([None, 17, -1.5, True, [], ["a"], {}, {"a": 1}, "", "  ", "soon"])
    return encode(fields | {draw.choice(list(fields)): value}, draw)


def drop(draw: random.Random) -> Line:
    fields = record(draw)
    del fields[draw.choice(list(fields))]
    return encode(fields, draw)


def another_case(draw: random.Random) -> Line:
    change = draw.choice([str.upper, str.title])
    return encode({change(name): value for name, value in record(draw).items()}, draw)


def padded(draw: random.Random) -> Line:
    return draw.choice([b" ", b"\t", b" \t "]) + valid(draw) + draw.choice([b" ", b"\r", b"\t\r"])


MUTATORS: tuple[Callable[[random.Random], Line], ...] = (
    *(valid, valid, cut, cut_head, flip, flip, swap, repeat_key, not_a_number, comma, nest),
    *(wrong_type, wrong_type, drop, another_case, padded),
    lambda draw: insert(draw, b"\0", b"\0\0", b"\\u0000"[:1]),
    lambda draw: insert(draw, *(bytes([code]) for code in range(1, 32) if code not in (10, 13))),
    lambda draw: insert(draw, b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"),
    lambda draw: insert(draw, b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85", b"\x7f"),
    lambda draw: insert(draw, b"\\", b'"', b"{", b"}", b"[", b":", b",", b"//", b"'", b"\\u12"),
    lambda draw: valid(draw) + valid(draw),
    lambda draw: draw.choice([b"", b" ", b"\t", b"\r", b"  \r"]),
    lambda draw: draw.choice([b"null", b"17", b'"a"', b"[]", b"{}", b"true", b"[{}]", b"-"]),
    lambda draw: bytes(draw.randrange(256) for _ in range(draw.randrange(40))).replace(b"\n", b""),
)


@dataclass(frozen=True)
class Verdict:
    """What must become of a line: its class, and the text kept of it or the fields taken."""

    place: str  # accepted, refused, blank
    kept: object = None


def judge(raw: bytes) -> Verdict:
    """Judge one line without its LF, by the rules of the contract alone."""
    line = raw.removesuffix(b"\r")
    refused = Verdict("refused", line.decode(errors="backslashreplace").replace("\0", r"\x00"))
    if not line.strip(b" \t\r\x0b\x0c"):
        return Verdict("blank")
    try:
        text = line.decode()
        if "\0" in text:
            return refused
        fields = json.loads(text, object_pairs_hook=_once, parse_constant=_never)
    except (ValueError, RecursionError):
        return refused
    if not isinstance(fields, dict) or _depth(fields) > 500:
        return refused
    found = {name: fields.get(name, fields.get(name.upper())) for name in (*TEXTS, *OTHERS)}
    if not _meets_the_contract(found) or _has_no_utf8(fields):
        return refused
    return Verdict("accepted", tuple(_as_text(found.get(name)) for name in TEXTS))


def _meets_the_contract(found: dict[str, object]) -> bool:
    for name in REQUIRED:
        if found.get(name) is None or not str(found[name]).strip(" "):
            return False
    if any(isinstance(found.get(name), list | dict) for name in TEXTS):
        return False
    if not isinstance(found.get("address"), dict | None):
        return False
    time = found["purchase_time"]
    if not isinstance(time, str) or not TIME.fullmatch(time.strip(" ")):
        return False
    try:
        moment = datetime.fromisoformat(time.strip(" "))
    except ValueError:
        return False
    return 2000 <= moment.year <= 2027


def _as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _never(_: str) -> None:
    raise ValueError


def _depth(value: object) -> int:
    """Count the levels of objects and arrays, without recursion."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _has_no_utf8(value: object) -> bool:
    """A lone surrogate, or an escaped NUL, anywhere."""
    text = json.dumps(value, ensure_ascii=False)
    return bool(re.search("[\ud800-\udfff]", text)) or r"\u0000" in text


def check(patient: Patient, lines: list[Line], packed: bool, ended_by_newline: bool) -> None:
    """Load these lines as one file and compare each with its verdict."""
    patient.forget()
    folder = patient.landing / "orders"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    content = b"\n".join(lines) + (b"\n" if ended_by_newline else b"")
    physical = content.removesuffix(b"\n").split(b"\n") if content else []
    if physical:
        physical[0] = physical[0].removeprefix(b"\xef\xbb\xbf")
    file = folder / f"f.ndjson{'.gz' if packed else ''}"
    file.write_bytes(gzip.compress(content) if packed else content)
    patient.good("load")
    verdicts = {number: judge(raw) for number, raw in enumerate(physical, start=1)}
    taken = patient.query(
        f"select _line, {', '.join(TEXTS)} from raw.client_support_orders order by _line"
    )
    duplicates = {
        line + more
        for line, times in patient.query("select line, line_count from raw.load_duplicates")
        for more in range(times)
    }
    kept = dict(patient.query("select line, raw from raw.load_rejects"))
    reasons = dict(patient.query("select line, reason from raw.load_rejects"))
    assert not duplicates & {line for line, *_ in taken}
    for number, verdict in verdicts.items():
        shown = (number, physical[number - 1], verdict, reasons.get(number))
        assert (number in kept) == (verdict.place == "refused"), shown
        if verdict.place == "refused":
            assert kept[number] == verdict.kept, shown
    accepted = {n: v.kept for n, v in verdicts.items() if v.place == "accepted"}
    assert {line: tuple(rest) for line, *rest in taken} == {
        n: kept for n, kept in accepted.items() if n not in duplicates
    }
    assert duplicates <= accepted.keys()
    [parts] = patient.query(
        "select row_count, row_parsed, duplicate_count, error_count, blank_count "
        "from raw.load_manifest"
    )
    blank = sum(verdict.place == "blank" for verdict in verdicts.values())
    assert parts == (len(physical), len(taken), len(duplicates), len(kept), blank)


@pytest.fixture
def count_lines(figure):
    counts = [0, 0]
    yield counts
    figure("fuzzed lines", f"{counts[0]:,} in {counts[1]} files: sums exact, raw text byte-equal")


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    throws=st.lists(
        st.tuples(st.integers(0, len(MUTATORS) - 1), st.integers(0, 2**32)), max_size=200
    ),
    packed=st.booleans(),
    ended=st.booleans(),
)
def test_lines_broken_at_random(patient, throws, packed, ended):
    lines = [MUTATORS[which](random.Random(seed)) for which, seed in throws]  # noqa: S311
    check(patient, lines, packed, ended)


def test_many_lines_broken_at_random(patient, many, count_lines):
    draw = dice()
    for number in range(many(2, 50)):
        lines = [draw.choice(MUTATORS)(draw) for _ in range(many(1_000, 2_000))]
        # Some come twice.
        lines += draw.choices(lines, k=20)
        check(patient, lines, packed=number % 3 == 2, ended_by_newline=number % 2 == 0)
        count_lines[0] += len(lines)
        count_lines[1] += 1


def test_the_judge_knows_what_is_right_and_what_is_wrong():
    draw = dice()
    assert all(judge(valid(draw)).place == "accepted" for _ in range(200))
    assert judge(b"  \r") == Verdict("blank")
    assert judge(b"\xffa\0") == Verdict("refused", "\\xffa\\x00")
    assert judge(b'{"txid": NaN}').place == "refused"
    assert TORTURE in (True, False)


@pytest.mark.parametrize(
    ("depth", "place"), [(60, "accepted"), (450, "accepted"), (550, "refused")]
)
def test_how_deep_a_line_is_counts_alone_or_beside_a_bad_one(patient, depth, place):
    deep = valid(dice())[:-1] + b',"extra":' + b"[" * depth + b"]" * depth + b"}"
    assert judge(deep).place == place
    # The quick way first, then the strict way for the whole file.
    check(patient, [valid(dice()), deep], packed=False, ended_by_newline=True)
    check(patient, [b"{", deep], packed=False, ended_by_newline=True)
