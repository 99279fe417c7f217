"""One answer of an HTTP server as a whole file, or the reason why it is none."""

import gzip
import hashlib
import io
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

import httpx

from warehouse.feeds import Feed
from warehouse.loading.csv_header import ContractError, feed_of_header
from warehouse.settings import WarehouseError

_BLOCK = 1 << 20
_LONGEST_HEADER = 64 << 10  # bytes
_LARGEST_PAGE = 8 << 20
_LARGEST_FILE = 4 << 30  # bytes once unpacked; the loader takes no more either
_LONGEST_DOWNLOAD = 3600.0  # seconds: a byte a minute is no download
_GZIP = b"\x1f\x8b"
_RETRIED = {408, 425, 429}
# A server's clock ticks in seconds: what it wrote just now may be written again unseen.
_SETTLED = timedelta(seconds=60)


class TransientError(WarehouseError):
    """What may well work when asked again; `after` is how many seconds the server wants."""

    def __init__(self, message: str, after: float = 0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Copy:
    """A whole file on disk: its size and SHA-256 once unpacked, and what to ask with next time."""

    size: int
    sha256: str
    etag: str | None
    modified: str | None


@contextmanager
def http_errors(timeout: float) -> Iterator[None]:
    """Turn what httpx and damaged gzip raise into sentences that name no address."""
    try:
        yield
    except (httpx.TooManyRedirects, httpx.UnsupportedProtocol):
        raise WarehouseError("redirected without end or to what is not http") from None
    except httpx.TimeoutException:
        raise TransientError(f"no answer within {timeout:g} seconds") from None
    except httpx.ConnectError:
        raise TransientError("no connection to the server") from None
    except httpx.TransportError:
        raise TransientError("the connection broke off before the end") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise TransientError("damaged gzip") from None


def check_status(response: httpx.Response) -> None:
    """Accept 200 only; 429 and 5xx are transient."""
    code = response.status_code
    if code == 200:
        return
    message = f"{code} {response.reason_phrase}".strip()
    if code in _RETRIED or code >= 500:
        raise TransientError(message, _retry_after(response.headers))
    raise WarehouseError(message)


def is_page(response: httpx.Response) -> bool:
    """Whether an answer is HTML, by what the server says of it."""
    return "html" in response.headers.get("Content-Type", "").lower()


def read_page(response: httpx.Response) -> str:
    """Read an HTML page whole; characters that are none come as question marks."""
    page = _open_body(response).read(_LARGEST_PAGE + 1)
    if len(page) > _LARGEST_PAGE:
        raise WarehouseError(f"the page is larger than {_LARGEST_PAGE:,} bytes")
    return page.decode(errors="replace")


class Download:
    """The file in an answer. Its first line is read at once, the rest by `save`."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._body = _open_body(response)
        self._is_packed = isinstance(self._body, gzip.GzipFile)
        self._first = self._body.readline(_LONGEST_HEADER)
        if not self._first.strip():
            raise TransientError("an empty file")
        if not self._first.endswith(b"\n") and not self._tells_its_end():
            raise TransientError("the header does not end, and no length was announced")

    def feed_of(self, feeds: Sequence[Feed]) -> Feed:
        """Tell by the header which feed the file belongs to; ContractError if to none."""
        try:
            line = self._first.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ContractError("the header is not UTF-8 text") from None
        if line.lstrip().startswith("<"):
            raise ContractError("a web page, not a CSV file")
        if len(self._first) == _LONGEST_HEADER or "\r" in line:
            raise ContractError("the header does not end as a line does")
        return feed_of_header(line, feeds)

    def save(self, part: Path, seen: set[str]) -> Copy:
        """Write the file to `part`, packed and synced, and check that it came whole.

        Where nothing in the answer tells its end, a file is whole when it came twice the same:
        `seen` holds the digests of the attempts before. Raises TransientError when it did not.
        """
        digest, size, block = hashlib.sha256(), 0, self._first
        with part.open("xb") as file:
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                while block:
                    size += len(block)
                    if size > _LARGEST_FILE:
                        raise WarehouseError(f"larger than {_LARGEST_FILE:,} bytes")
                    digest.update(block)
                    packed.write(block)
                    last = block[-1:]
                    block = self._body.read(_BLOCK)
            file.flush()
            os.fsync(file.fileno())
        if not self._tells_its_end():
            if last != b"\n":
                raise TransientError("the last line does not end, and no length was announced")
            if digest.hexdigest() not in seen:
                seen.add(digest.hexdigest())
                raise TransientError("no length was announced, and no two downloads were the same")
        return Copy(size, digest.hexdigest(), *_validators(self._response.headers))

    def _tells_its_end(self) -> bool:
        # That the body is as long as these say is checked by the HTTP library, and the
        # trailer of gzip by its reader.
        headers = self._response.headers
        is_chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        return is_chunked or "Content-Length" in headers or self._is_packed


class _Body(io.RawIOBase):
    """The bytes of an answer as they arrive, as a file."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_raw()
        self._rest = memoryview(b"")
        self._deadline = time.monotonic() + _LONGEST_DOWNLOAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer unless the body ends: whoever peeks must see more than one byte."""
        filled = 0
        while filled < len(buffer):
            if not self._rest:
                if time.monotonic() > self._deadline:
                    raise TransientError(f"not finished after {_LONGEST_DOWNLOAD:,.0f} seconds")
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._rest = memoryview(chunk)
            size = min(len(buffer) - filled, len(self._rest))
            buffer[filled : filled + size] = self._rest[:size]
            self._rest = self._rest[size:]
            filled += size
        return filled


def _open_body(response: httpx.Response) -> BinaryIO:
    """Open a body unpacked: as it travelled, and as it is when the file itself is a .gz."""
    body: BinaryIO = io.BufferedReader(_Body(response), _BLOCK)
    travelled = response.headers.get("Content-Encoding", "identity").lower().strip()
    if travelled in ("gzip", "x-gzip"):
        body = gzip.GzipFile(mode="rb", fileobj=body)  # type: ignore[assignment]
    elif travelled != "identity":
        raise WarehouseError(f"packed as '{travelled}', which was not asked for")
    if body.peek(2)[:2] == _GZIP:  # type: ignore[attr-defined]
        body = gzip.GzipFile(mode="rb", fileobj=body)  # type: ignore[assignment]
    return body


def _retry_after(headers: httpx.Headers) -> float:
    """Read Retry-After: seconds, or a date; 0 where there is none."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    moment = _moment(text)
    return (moment - datetime.now(UTC)).total_seconds() if moment else 0


def _validators(headers: httpx.Headers) -> tuple[str | None, str | None]:
    """Pick the ETag and the date that can be asked with; neither of a file just written."""
    etag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
    modified = _moment(date)
    if modified and (_moment(headers.get("Date", "")) or datetime.now(UTC)) - modified < _SETTLED:
        return None, None
    return (
        etag if re.fullmatch("[\x21-\x7e]+", etag) else None,
        date if modified and date.isascii() else None,
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
