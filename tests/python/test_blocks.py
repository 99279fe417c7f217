"""Bytes into lines: the same whatever the size of a block, and nothing lost at its borders."""

import gzip
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.loading import blocks
from warehouse.loading.blocks import DamagedFileError, Line, Source, read_blocks

PIECES = st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b" ", b"\xc3\xa9", b"\xff", b"\0"]))
# So much text at its start that no file is taken for UTF-16.
CONTENT = PIECES.map(lambda pieces: b"#" * 64 + b"".join(pieces)) | st.just(b"")


def lines_of(content: bytes) -> list[bytes]:
    """Cut as a reader of bytes would: what stands behind a last newline is no line."""
    if not content:
        return []
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def read(
    content: bytes, size: int = 1 << 20, is_packed: bool = False
) -> tuple[Source, list[blocks.Block]]:
    source = Source(io.BytesIO(content), is_packed)
    before, blocks.BLOCK_BYTES = blocks.BLOCK_BYTES, size
    try:
        found = list(read_blocks(source))
        source.read_on()
    finally:
        blocks.BLOCK_BYTES = before
    return source, found


def numbered(found: list[blocks.Block]) -> list[tuple[int, bytes]]:
    numbers = [range(block.first, block.first + len(block)) for block in found]
    return [(n, b.line(n)) for b, span in zip(found, numbers, strict=True) for n in span]


@given(content=CONTENT, size=st.integers(64, 80), is_packed=st.booleans())
def test_lines_are_cut_numbered_counted_and_hashed(content, size, is_packed):
    file = gzip.compress(content) if is_packed else content
    source, found = read(file, size, is_packed)
    expected = lines_of(content)
    assert numbered(found) == list(enumerate(expected, start=1))
    assert source.lines == len(expected)
    assert source.sha256 == hashlib.sha256(file).hexdigest()
    assert [n for block in found for n in block.empty_lines()] == [
        n for n, line in enumerate(expected, start=1) if not line
    ]


@given(content=CONTENT, size=st.integers(64, 80))
def test_a_line_is_read_the_same_alone_and_with_its_block(content, size):
    for block in read(content, size)[1]:
        span = range(block.first, block.first + len(block))
        assert block.read_all() == [line for n in span if (line := block.read(n))]
        # Blank where a line is not UTF-8, else the text with its ending.
        for number, text in zip(span, block.texts().to_pylist(), strict=True):
            line = block.read(number)
            if line and line.unread == "invalid_utf8":
                assert not text.strip()
            elif line and not line.unread:
                assert text.rstrip("\r\n") == line.text.rstrip("\r")


def test_what_has_no_text_is_kept_with_escapes():
    _, [block] = read("é\n".encode() + b"\xe9 \0\n\0x\n \t\r\n")
    assert [block.read(n) for n in range(1, 5)] == [
        Line(1, "é"),
        Line(2, r"\xe9 \x00", "invalid_utf8"),
        Line(3, r"\x00x", "nul_byte"),
        None,
    ]


@pytest.mark.parametrize("size", [1, 5, 16, 17, 18, 100])
@pytest.mark.parametrize("length", [15, 16, 17, 40])
def test_a_long_line_is_cut_at_the_same_length_in_any_block(monkeypatch, size, length):
    monkeypatch.setattr(blocks, "LONGEST_LINE", 16)
    monkeypatch.setattr(blocks, "_KEPT_OF_A_LONG_LINE", 3)
    content = b"a\n" + b"x" * length + b"\nb\n" + b"y" * length
    source, found = read(content, size)
    lines = [block.read(n) for block in found for n in range(block.first, block.first + len(block))]
    long = length > 16
    assert source.lines == 4
    assert lines == [
        Line(1, "a"),
        Line(2, "xxx" if long else "x" * length, "line_too_long" if long else None),
        Line(3, "b"),
        Line(4, "yyy" if long else "y" * length, "line_too_long" if long else None),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_wide_text_is_refused_whole(encoding):
    with pytest.raises(DamagedFileError, match="save it as UTF-8"):
        read('{"txid": "é"}\n'.encode(encoding))


def test_a_mark_of_utf_8_is_no_part_of_the_first_line():
    _, found = read(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert numbered(found) == [(1, b"a"), (2, b"\xef\xbb\xbfb")]


def test_a_bomb_is_stopped_before_it_has_burst(monkeypatch):
    monkeypatch.setattr(blocks, "_ALWAYS_ALLOWED", 1 << 20)
    bomb = gzip.compress(b"\n" * (50 << 20))
    source = Source(io.BytesIO(bomb), is_packed=True)
    with pytest.raises(DamagedFileError, match="beyond all measure"):
        list(read_blocks(source))
    assert source.newlines < 30 << 20
    # Many times larger unpacked than packed, and below the line where that is suspicious.
    honest = gzip.compress(b"abcdefg\n" * 100_000)
    assert read(honest, is_packed=True)[0].lines == 100_000
