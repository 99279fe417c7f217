"""What is remembered between two fetches, and the lock that keeps them apart."""

import fcntl
import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from warehouse.fetching.plan import shown_url
from warehouse.files import put_in_place
from warehouse.settings import WarehouseError

_STAMP = "%Y%m%dT%H%M%S%f"
_NAMED = re.compile(r"(?P<stem>.+)-(?P<stamp>\d{8}T\d{12})Z\.csv\.gz(?P<part>\.part)?")


@dataclass(frozen=True)
class Kept:
    """The last file kept of an address: its size as it lies there, the rest as it came."""

    feed: str
    file: str
    packed_size: int
    sha256: str
    etag: str | None
    modified: str | None


def read_kept(landing: Path) -> dict[str, Kept]:
    """Read what was kept of each address; what cannot be read is as if it had never been."""
    try:
        content = json.loads((landing / "_fetched.json").read_text("utf-8"))
        return {key: kept for key, entry in content.items() if (kept := _read_entry(entry))}
    except (FileNotFoundError, ValueError, AttributeError, RecursionError):
        return {}


def _read_entry(entry: object) -> Kept | None:
    try:
        kept = Kept(**entry)  # type: ignore[arg-type]
    except TypeError:
        return None
    texts = (kept.feed, kept.file, kept.sha256, kept.etag or "", kept.modified or "")
    is_sound = all(isinstance(t, str) and t.isascii() and t.isprintable() for t in texts)
    return kept if is_sound else None


def write_kept(landing: Path, kept: dict[str, Kept]) -> None:
    """Write what was kept of each address, in one step."""
    path = landing / "_fetched.json"
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        json.dump({key: asdict(kept[key]) for key in sorted(kept)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(part, path)


def key_of(url: httpx.URL) -> str:
    """Name an address for ever without what may be secret in it."""
    query = f"?{hashlib.sha256(url.query).hexdigest()[:16]}" if url.query else ""
    return shown_url(url) + query


def is_there(landing: Path, kept: Kept) -> bool:
    """Whether the file that was kept still lies where it was put."""
    path = landing / kept.feed / kept.file
    return path.is_file() and path.stat().st_size == kept.packed_size


def newest_file(folder: Path, stem: str) -> Path | None:
    """Find the file that was fetched last under a stem."""
    names = (_NAMED.fullmatch(path.name) for path in folder.glob("*"))
    found = [m[0] for m in names if m and m["stem"] == stem and not m["part"]]
    return folder / max(found) if found else None


def next_path(folder: Path, stem: str, now: datetime) -> Path:
    """Name a new file so that names sort as the files came, whatever the clock does."""
    newest = newest_file(folder, stem)
    stamp = now.strftime(_STAMP)
    if newest and (match := _NAMED.fullmatch(newest.name)) and match["stamp"] >= stamp:
        last = datetime.strptime(match["stamp"], _STAMP)  # noqa: DTZ007 - UTC, as written
        stamp = (last + timedelta(microseconds=1)).strftime(_STAMP)
    return folder / f"{stem}-{stamp}Z.csv.gz"


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a packed file's content; None when it is damaged."""
    try:
        with gzip.open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error):
        return None


def remove_parts(folder: Path) -> None:
    """Remove what a killed fetch left unfinished; other programs' files stay."""
    for path in folder.glob("*.part"):
        if _NAMED.fullmatch(path.name):
            path.unlink()


@contextmanager
def alone(landing: Path) -> Iterator[None]:
    """Keep every other fetch out; WarehouseError when one is at work."""
    with (landing / "_fetch.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).strip()
            who = f" (process {holder})" if holder.isdecimal() else ""
            raise WarehouseError(
                f"another fetch{who} is at work on {landing}: run this again when it has ended."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
