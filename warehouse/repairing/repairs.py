"""The refused lines as a list for an editor, and the list read back."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warehouse.connect import Connection, query
from warehouse.feeds import FEEDS, Feed
from warehouse.repairing.settle import settle
from warehouse.settings import WarehouseError

_ADDRESS = re.compile(r"# (.+) line ([0-9]+) \(load ([0-9]+)\): \w+")

_HOW_TO = (
    "# Repair the line below each address, save, and run: python -m warehouse replay {path}\n"
    "# What is left as it is, or taken out together with its address, stays refused.\n"
)


@dataclass(frozen=True)
class Reject:
    """One refused line that no repair has replaced yet."""

    file: str
    line: int
    seq: int
    reason: str
    raw: str
    feed: Feed
    columns: str | None  # the header of a CSV file, in the names of the contract

    @property
    def address(self) -> str:
        """The line above the text in a repairs file."""
        return f"# {shown(self.file)} line {self.line} (load {self.seq}): {self.reason}"


def write_repairs(connection: Connection, folder: Path, now: datetime) -> list[tuple[Path, int]]:
    """Write the open refused lines to `<folder>/<feed>.txt`; give each file and its count.

    A file there that somebody has edited is kept beside the new one, under the name
    `<feed>.edited-<stamp>.txt`.
    """
    settle(connection)
    rejects = open_rejects(connection)
    written = []
    for feed in FEEDS.values():
        mine = [reject for reject in rejects if reject.feed == feed]
        path = folder / f"{feed.name}.txt"
        if not mine:
            continue
        text = "".join(_as_text(mine, path)).encode()
        if not path.exists() or path.read_bytes() != text:
            if path.exists():
                path.replace(free_name(folder / f"{feed.name}.edited-{now:%Y%m%dT%H%M%S}", ".txt"))
            write_whole(path, text)
        written.append((path, len(mine)))
    return written


def open_rejects(connection: Connection, with_editions: bool = False) -> list[Reject]:
    """List the open refused lines; of those that came in several editions of a file, the last."""
    last = (
        "qualify row_number() "
        "over (partition by rejects.file, line, raw order by load_seq desc) = 1"
    )
    rows = query(
        connection,
        "select rejects.file, line, load_seq, reason, raw, feed, dialect "
        "from raw.load_rejects as rejects inner join raw.load_manifest using (load_seq) "
        f"where repaired_seq is null {'' if with_editions else last} order by load_seq, line",
    )
    return [
        Reject(file, line, seq, reason, raw, FEEDS[feed], _header(dialect))
        for file, line, seq, reason, raw, feed, dialect in rows
    ]


def read_pairs(path: Path) -> list[tuple[int, tuple[str, ...], str]]:
    """Read the number of each address, its parts and the text below it."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise WarehouseError(
            f"{path} does not exist: run 'python -m warehouse replay' to write the list."
        ) from None
    except UnicodeDecodeError:
        raise WarehouseError(f"{path} is not UTF-8: save it as UTF-8.") from None
    lines = [line.removesuffix("\r") for line in lines]
    addresses = [_ADDRESS.fullmatch(line) for line in lines]
    pairs = []
    is_text = False
    for n, (line, match) in enumerate(zip(lines, addresses, strict=True)):
        if match:
            has_text = n + 1 < len(lines) and not addresses[n + 1]
            pairs.append((n + 1, match.groups(), lines[n + 1] if has_text else ""))
        elif not is_text and line.strip() and not line.startswith("#"):
            raise WarehouseError(
                f"{path} line {n + 1}: this line has no address above it; every line to repair "
                "stands alone below its own '# file line n (load n): reason'."
            )
        is_text = bool(match)
    return pairs


def free_name(stem: Path, suffix: str) -> Path:
    """Find a name that no file has: behind the stem comes -2, -3 and so on."""
    path, number = stem.with_name(stem.name + suffix), 1
    while path.exists():
        number += 1
        path = stem.with_name(f"{stem.name}-{number}{suffix}")
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never met half-written; its folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def shown(name: str) -> str:
    """Write a name on one line, whatever is in it."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _header(dialect: str | None) -> str | None:
    match = re.fullmatch(r"([,;]) \w+: (.+)", dialect or "")
    return match[2].replace(", ", match[1]) if match else None


def _as_text(rejects: list[Reject], path: Path) -> Iterator[str]:
    yield _HOW_TO.format(path=path)
    before = None
    for reject in rejects:
        if reject.columns and (reject.file, reject.columns) != before:
            yield f"\n# columns: {reject.columns}\n"
        before = reject.file, reject.columns
        yield f"{reject.address}\n{reject.raw}\n"
