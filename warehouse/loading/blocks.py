"""One pass over the bytes of a text file: whole lines in blocks, hashed and counted on the way.

The lines are cut out by position, and counted apart from that: the two must agree in the end.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from isal import igzip, isal_zlib

BLOCK_BYTES = 4 << 20
LONGEST_LINE = 16 << 20
BLANKS = " \t\r\n\v\f"
# With its ending that is more than the quick way takes: a cut line never passes for a whole one.
_KEPT_OF_A_LONG_LINE = 1_000
_BOM = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# A gzip file that grows further than this when it is unpacked was not made by a till.
_MOST_TIMES_LARGER = 200
_ALWAYS_ALLOWED = 64 << 20
_MOST_UNPACKED = 4 << 30
_GZIP_MARK = b"\x1f\x8b\x08"
_NEWLINE = 10
_RETURN = 13


# What its stub calls an instance is the class.
_ISAL_ERROR = cast(type[Exception], isal_zlib.IsalError)


class DamagedFileError(Exception):
    """A file of which no line can be trusted; the message says why."""


@dataclass
class Source:
    """An open file: what is read from it is hashed as it is and counted as it is unpacked."""

    file: BinaryIO
    is_packed: bool
    size: int = 0
    newlines: int = 0
    last_byte: int = _NEWLINE
    _unpacked: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self._reader: Any = _Hashed(self)
        if self.is_packed:
            self._reader = igzip.IGzipFile(fileobj=self._reader)  # type: ignore[no-untyped-call]

    @property
    def sha256(self) -> str:
        """The hash of the file as it lies on the disk, up to where it was read."""
        return self._hash.hexdigest()

    @property
    def lines(self) -> int:
        """How many physical lines were read: what stands behind the last newline is one."""
        return self.newlines + (self.last_byte != _NEWLINE)

    def read_into(self, target: memoryview) -> int:
        """Fill the target with unpacked bytes and return how many; 0 at the end."""
        try:
            taken: int = self._reader.readinto(target)
        except (EOFError, zlib.error, gzip.BadGzipFile, _ISAL_ERROR) as error:
            raise DamagedFileError(f"damaged gzip: {error}") from None
        if taken:
            self.newlines += int(
                np.count_nonzero(np.frombuffer(target[:taken], np.uint8) == _NEWLINE)
            )
            self.last_byte = target[taken - 1]
            self._unpacked += taken
            if self.is_packed:
                self._limit()
        elif self.is_packed and not self.size:
            raise DamagedFileError("damaged gzip: empty, not even a header")
        return taken

    def read_on(self) -> None:
        """Read to the end, so that the hash is of all of it."""
        target = memoryview(bytearray(1 << 20))
        while _Hashed(self).readinto(target):
            pass

    def _limit(self) -> None:
        most = max(_ALWAYS_ALLOWED, self.size * _MOST_TIMES_LARGER)
        if self._unpacked > min(most, _MOST_UNPACKED):
            raise DamagedFileError(
                f"grows beyond all measure when unpacked ({self._unpacked:,} bytes so far)"
            )


@dataclass(frozen=True)
class _Hashed:
    """The raw side of a source, in the shape that a gzip reader asks for."""

    source: Source

    def readinto(self, target: memoryview) -> int:
        taken: int = self.source.file.readinto(target)  # type: ignore[attr-defined]
        self.source._hash.update(target[:taken])
        self.source.size += taken
        return taken

    def read(self, size: int) -> bytes:
        data = bytearray(size)
        return bytes(memoryview(data)[: self.readinto(memoryview(data))])


@dataclass(frozen=True)
class Line:
    """The text of one line, and why it cannot be read, if so."""

    number: int
    text: str
    unread: str | None = None


@dataclass(frozen=True)
class Block:
    """Whole lines: `offsets[i]` to `offsets[i + 1]` is line `first + i`, with its ending.

    A line beyond LONGEST_LINE has its first bytes only, and its number is in `cut`.
    """

    first: int
    data: memoryview
    offsets: npt.NDArray[np.int32]
    cut: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def line(self, number: int) -> bytes:
        """Return the bytes of a line, without its ending."""
        start, end = self.offsets[number - self.first : number - self.first + 2]
        raw = bytes(self.data[start:end])
        return raw.removesuffix(b"\n").removesuffix(b"\r")

    def read(self, number: int) -> Line | None:
        r"""Read a line; None when it is blank.

        What has no text as it is, is kept with escapes: bytes that are not UTF-8 and NUL as
        `\xNN`.
        """
        raw = self.line(number)
        if number in self.cut or len(raw) > LONGEST_LINE:
            return Line(number, escaped(raw[:_KEPT_OF_A_LONG_LINE]), "line_too_long")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return Line(number, escaped(raw), "invalid_utf8")
        if not text.strip(BLANKS):
            return None
        return Line(number, escaped(raw), "nul_byte") if "\0" in text else Line(number, text)

    def read_all(self) -> list[Line]:
        """Read the lines that are not blank."""
        try:
            text = bytes(self.data).decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text or self.cut or len(text) > LONGEST_LINE:
            numbers = range(self.first, self.first + len(self))
            return [line for number in numbers if (line := self.read(number))]
        texts = enumerate(text.removesuffix("\n").split("\n"), start=self.first)
        return [Line(n, text.removesuffix("\r")) for n, text in texts if text.strip(BLANKS)]

    def empty_lines(self) -> list[int]:
        """List the numbers of the lines that hold nothing but their ending."""
        found = self.first + np.flatnonzero(np.diff(self.offsets) <= 2)
        numbers: list[int] = found.tolist()
        return [number for number in numbers if not self.line(number)]

    def texts(self) -> pa.StringArray:
        """Return the lines as an array of strings; those that are not UTF-8 as blanks."""
        found = self._array(self.data)
        try:
            found.validate(full=True)
        except pa.ArrowInvalid:
            mended = bytearray(self.data)
            for start, end in zip(self.offsets, self.offsets[1:], strict=False):
                if not _is_utf8(self.data[start:end]):
                    mended[start:end] = b" " * int(end - start)
            found = self._array(mended)
        return found

    def _array(self, data: memoryview | bytearray) -> pa.StringArray:
        offsets, content = pa.py_buffer(self.offsets), pa.py_buffer(data)
        return pa.StringArray.from_buffers(len(self), offsets, content)


def read_blocks(source: Source) -> Iterator[Block]:
    """Cut a source into blocks of whole lines; a byte order mark is no part of the first.

    Raises DamagedFileError for a file that is not text in UTF-8 from its first bytes on, or
    that cannot be unpacked.
    """
    first, rest = 1, b""
    is_start = True
    while block := _fill(source, rest):
        if is_start:
            _refuse_other_kinds(block)
            is_start = False
            block = block.removeprefix(_BOM) if block.startswith(_BOM) else block
        end = block.rfind(b"\n") + 1
        if not end and len(block) > LONGEST_LINE:
            kept = block[:_KEPT_OF_A_LONG_LINE] + b"\n"
            rest = _skip_line(source)
            yield Block(first, memoryview(kept), _offsets(kept), frozenset({first}))
            first += 1
            continue
        if len(block) == len(rest):  # the end of the file, without a newline
            end = len(block)
        rest = bytes(memoryview(block)[end:])
        if end:
            data = memoryview(block)[:end]
            found = Block(first, data, _offsets(data))
            first += len(found)
            yield found
    if first == 1 and source.lines:  # nothing but a byte order mark
        yield Block(first, memoryview(b""), _offsets(b""))


def _fill(source: Source, rest: bytes) -> bytearray:
    """Return the rest with the next bytes behind it; the rest alone at the end."""
    block = bytearray(len(rest) + BLOCK_BYTES)
    block[: len(rest)] = rest
    view = memoryview(block)
    taken = source.read_into(view[len(rest) :])
    view.release()
    del block[len(rest) + taken :]
    return block


def _skip_line(source: Source) -> bytes:
    """Read on behind the next newline and return what was read beyond it."""
    while more := _fill(source, b""):
        _, newline, behind = more.partition(b"\n")
        if newline:
            return bytes(behind)
    return b""


def _offsets(data: memoryview | bytes | bytearray) -> npt.NDArray[np.int32]:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE) + 1
    is_open = not len(ends) or ends[-1] != len(data)
    offsets = np.zeros(len(ends) + 1 + is_open, np.int32)
    offsets[1 : len(ends) + 1] = ends
    offsets[-1] = len(data)
    return offsets


def _refuse_other_kinds(start: bytearray) -> None:
    """UTF-16 and UTF-32 have a mark, or a zero in every other byte of what is ASCII."""
    head = bytes(start[:64])
    if head.startswith(_GZIP_MARK):
        raise DamagedFileError("is packed by gzip: let its name end in .gz")
    has_zeros = len(head) >= 4 and not (any(head[::2]) and any(head[1::2]))
    if head.startswith(_UTF_16_MARKS) or (has_zeros and any(head)):
        raise DamagedFileError("not UTF-8 but UTF-16 or UTF-32: save it as UTF-8")


def escaped(raw: bytes) -> str:
    r"""Write what has no text as it is with escapes: bytes that are not UTF-8 and NUL as \xNN."""
    return raw.decode(errors="backslashreplace").replace("\0", r"\x00")


def _is_utf8(raw: memoryview) -> bool:
    try:
        str(raw, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
