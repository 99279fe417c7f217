"""Repaired lines back into the landing folder, as files of their own, and into the raw tables."""

import gzip
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from command_line import count
from warehouse.connect import Connection, query
from warehouse.loading.blocks import BLANKS, escaped
from warehouse.loading.csv_lines import read_dialect
from warehouse.loading.landing import list_files
from warehouse.loading.load import load_file
from warehouse.repairing.repairs import (
    Reject,
    free_name,
    open_rejects,
    read_pairs,
    shown,
    write_repairs,
    write_whole,
)
from warehouse.repairing.settle import REPAIR_NAME, settle
from warehouse.settings import WarehouseError, date_order


@dataclass
class Replayed:
    """What became of the texts of one repairs file."""

    loaded: int = 0  # those that were there already included
    unchanged: int = 0
    known: int = 0  # repaired by an earlier replay
    refused: list[str] = field(default_factory=list)  # an address and the new reason each


def replay_file(connection: Connection, landing: Path, path: Path, now: datetime) -> Replayed:
    """Load the repaired lines of a repairs file by way of new landing files.

    Raises WarehouseError, before anything is written, when the file is not such a list, speaks
    of a line that was never refused, or when its original cannot be repaired any more.
    """
    settle(connection)
    pairs = read_pairs(path)
    still_open = {(reject.seq, reject.line): reject for reject in open_rejects(connection, True)}
    sql = "select load_seq, line, file from raw.load_rejects"
    every = {(seq, line): file for seq, line, file in query(connection, sql)}
    result = Replayed()
    todo: dict[str, dict[Reject, str]] = {}
    for number, (file, *address), text in pairs:
        line, seq = map(int, address)
        if shown(every.get((seq, line), "")) != file:
            raise WarehouseError(
                f"{path} line {number}: no such line was refused; run 'python -m warehouse "
                "replay' for a new list."
            )
        reject = still_open.get((seq, line))
        if reject is None:
            result.known += 1
        elif text == reject.raw or not text.strip(BLANKS):
            result.unchanged += 1
        elif reason := _reason_before(connection, reject, text):
            result.refused.append(f"{shown(file)} line {line}: {reason}")
        else:
            todo.setdefault(reject.file, {})[reject] = text
    files = [_repair(landing, texts) for texts in todo.values()]
    for (name, content), texts in zip(files, todo.values(), strict=True):
        _load(connection, landing, name, content, texts, now, result)
    return result


def list_rejects(connection: Connection, folder: Path, now: datetime) -> list[str]:
    """Write the lists of refused lines into `folder` and say so, one sentence a line."""
    written = write_repairs(connection, folder, now)
    said = [f"{count(number, 'refused line')} in {path}" for path, number in written]
    if not said:
        return ["No refused line is open."]
    return [*said, "Repair the lines there, then run: python -m warehouse replay FILE"]


def replayed_lines(replayed: Replayed) -> list[str]:
    """Say what became of a list, one sentence a line."""
    number = replayed.loaded + len(replayed.refused)
    said = (
        f"Replayed {count(number, 'line')}: {replayed.loaded:,} loaded, "
        f"{len(replayed.refused):,} still refused"
    )
    left = [f"{n:,} {what}" for n, what in _left(replayed) if n]
    return [f"{said} ({', '.join(left)})" if left else said, *map("  {}".format, replayed.refused)]


def _left(replayed: Replayed) -> list[tuple[int, str]]:
    return [(replayed.unchanged, "left as they were"), (replayed.known, "repaired before")]


def _reason_before(connection: Connection, reject: Reject, text: str) -> str | None:
    """Say why the same text was refused by an earlier replay, if it was."""
    rows = query(
        connection,
        "select reason from raw.load_rejects where line = $line and raw = $text "
        f"and regexp_extract(file, '{REPAIR_NAME}', 1) = $file limit 1",
        {"line": reject.line, "text": text, "file": reject.file},
    )
    return rows[0][0] if rows else None


def _repair(landing: Path, texts: dict[Reject, str]) -> tuple[str, bytes]:
    """Make the content of a repair file and say of which file it is."""
    first = next(iter(texts))
    by_line = {reject.line: text for reject, text in texts.items()}
    has_key = bool(first.feed.key) and first.feed.key[0] in (first.columns or "")
    if first.feed.is_counted and not has_key:
        return first.file, _whole_again(landing, texts)
    lines = [""] * max(by_line)
    if first.columns:
        lines[0] = first.columns
        if 1 in by_line:
            raise WarehouseError(f"{first.file} line 1 is its header: repair the file itself.")
    for number, text in by_line.items():
        lines[number - 1] = text
    return first.file, "\n".join([*lines, ""]).encode()


def _whole_again(landing: Path, texts: dict[Reject, str]) -> bytes:
    """Put the repaired lines into a copy of their file.

    Equal lines of such a feed are told apart by how many of them a file has: alone, a repaired
    line would pass for one of the file that is there already.
    """
    first = next(iter(texts))
    path = landing / first.file
    try:
        content = path.read_bytes()
    except OSError:
        raise WarehouseError(
            f"{path} cannot be read any more: put it back, its repaired lines need the others."
        ) from None
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")
    for reject, text in texts.items():
        old = lines[reject.line - 1] if reject.line <= len(lines) else b""
        end = b"\r" if old.endswith(b"\r") else b""
        told = escaped(old.removesuffix(b"\r"))
        is_cut = reject.reason == "line_too_long"
        if told != reject.raw and not (is_cut and told.startswith(reject.raw)):
            raise WarehouseError(
                f"{path} line {reject.line} is no longer the line that was refused: take its "
                "pair out, or put the old file back."
            )
        lines[reject.line - 1] = text.encode() + end
    decoded = (line.decode("utf-8-sig", errors="replace") for line in lines)
    readable = (line for line in decoded if line.strip(BLANKS))
    read_dialect(next(readable), readable, first.feed, date_order())
    return b"\n".join(lines)


def _load(
    connection: Connection,
    landing: Path,
    original: str,
    content: bytes,
    texts: dict[Reject, str],
    now: datetime,
    result: Replayed,
) -> None:
    feed = next(iter(texts)).feed
    suffix = ".csv" if feed.is_csv else ".ndjson"
    path = free_name(landing / f"{original}.repaired-{now:%Y%m%dT%H%M%S}", suffix)
    write_whole(path, content)
    [file] = [file for file in list_files(landing)[0] if file.path == path]
    loaded = load_file(connection, file, now)
    if loaded.failure:
        raise WarehouseError(f"{path} was not loaded ({loaded.failure}): remove it.")
    settle(connection)
    refused = dict(
        query(
            connection,
            "select line, reason from raw.load_rejects where file = ? order by load_seq",
            [file.name],
        )
    )
    for reject in texts:
        if reject.line in refused:
            result.refused.append(
                f"{shown(reject.file)} line {reject.line}: {refused[reject.line]}"
            )
        else:
            result.loaded += 1
