"""Take a person out of landing files: same files, same lines, only her fields change."""

import gzip
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.connect import Connection, query
from warehouse.erasing.records import COLUMNS, PRIVATE, Eraser, Record, read, write
from warehouse.files import put_in_place, sha256_of, sync
from warehouse.loading.landing import printable
from warehouse.settings import WarehouseError

_BATCH_LINES = 50_000
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Lists of repairs are .txt; their lines are those of the feed.
_JSON_ENDINGS = (".ndjson", ".jsonl", ".json", ".txt")


def erase_files(eraser: Eraser, folders: list[Path], *, act: bool) -> dict[Path, int]:
    """Take a person out of every file below some folders; return the lines of each file.

    Without `act` they are only counted. A WarehouseError, before anything is changed in the
    file it names, when one is damaged or still being written and might hold her.
    """
    found = {}
    for path in _files(folders):
        if path.suffix == ".part":
            _check_unfinished(eraser, path)
        elif lines := _erase_file(eraser, path, act=act):
            found[path] = lines
    return found


def _files(folders: list[Path]) -> list[Path]:
    paths = (path for folder in folders for path in folder.rglob("*"))
    return sorted(p for p in paths if p.is_file() and "_answer_key" not in p.parts)


def _erase_file(eraser: Eraser, path: Path, *, act: bool) -> int:
    before = _stamp(path)
    part = path.with_name(path.name + ".erasing.part")
    try:
        if path.name.endswith(".parquet"):
            lines = _erase_table(eraser, path, part, act=act)
        else:
            lines = _erase_text_file(eraser, path, part, act=act)
        if not (lines and act):
            return lines
        if _stamp(path) != before:
            raise WarehouseError(
                f"{path} was replaced while it was searched: run the same command again."
            )
        _replace(eraser.connection, part, path)
    except (EOFError, zlib.error, gzip.BadGzipFile, pa.ArrowException) as error:
        raise WarehouseError(
            f"{path} is damaged ({error}) and cannot be searched: put a whole file in its place "
            "or delete it, then run the same command again."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return lines


def _erase_text_file(eraser: Eraser, path: Path, part: Path, *, act: bool) -> int:
    changed: dict[int, bytes] = {}
    with _open(path) as file:
        numbered = enumerate(_pieces(file), start=1)
        while batch := list(islice(numbered, _BATCH_LINES)):
            changed |= _erase_batch(eraser, path, dict(batch))
    if changed and act:
        with _open(path) as file, part.open("wb") as target:
            packed = gzip.GzipFile("", "wb", 6, target, mtime=0) if path.suffix == ".gz" else None
            for number, piece in enumerate(_pieces(file), start=1):
                (packed or target).write(changed.get(number, piece))
            if packed:
                packed.close()
    return len(changed)


def _erase_batch(eraser: Eraser, path: Path, batch: dict[int, bytes]) -> dict[int, bytes]:
    is_json = path.name.removesuffix(".gz").endswith(_JSON_ENDINGS)
    pieces = {number: _decode(piece, is_json) for number, piece in batch.items()}
    texts = {number: text for number, (_, text, _, _) in pieces.items()}
    if is_json:
        erased = eraser.erase_lines(texts)
    else:
        told = {number: eraser.spellings.replace(text) for number, text in texts.items()}
        erased = {number: text for number, text in told.items() if text != texts[number]}
    return {
        number: pieces[number][0] + text.encode(pieces[number][3], "replace") + pieces[number][2]
        for number, text in erased.items()
    }


def _decode(piece: bytes, is_json: bool) -> tuple[bytes, str, bytes, str]:
    """Return the mark before a text, the text, its line end and its encoding."""
    if piece.startswith(_UTF16):
        mark, encoding = piece[:2], "utf-16-le" if piece[:1] == b"\xff" else "utf-16-be"
        return mark, piece[2:].decode(encoding, "replace"), b"", encoding
    mark = _BOM if piece.startswith(_BOM) else b""
    bare = piece.removeprefix(mark).rstrip(b"\r\n")
    end = piece[len(mark) + len(bare) :]
    try:
        return mark, bare.decode(), end, "utf-8"
    except UnicodeDecodeError:
        if is_json:
            return mark, bare.decode(errors="backslashreplace"), end, "utf-8"
        return mark, bare.decode("latin-1"), end, "latin-1"


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; UTF-16, whose line ends are no single bytes, in one piece."""
    start = file.read(2)
    if start in _UTF16:
        yield start + file.read()
        return
    file.seek(0)
    yield from file


def _erase_table(eraser: Eraser, path: Path, part: Path, *, act: bool) -> int:
    with pq.ParquetFile(path) as file:
        table, shape = file.read(), file.metadata
    names = {name.lower(): name for name in table.column_names}
    if not {"name", "email", "phone", "address"} & names.keys():
        return 0
    read = [name for key, name in names.items() if key in COLUMNS]
    changed: dict[int, Record] = {}
    rows = table.select(read)
    for first in range(0, len(rows), _BATCH_LINES):
        batch = enumerate(rows.slice(first, _BATCH_LINES).to_pylist(), start=first)
        changed |= eraser.erase_records({n: _objects(record) for n, record in batch})
    if changed and act:
        for key in PRIVATE:
            if key not in names:
                continue
            column = table.column(names[key])
            is_text = not pa.types.is_nested(column.type)
            values = column.to_pylist()
            for number, record in changed.items():
                value = record.get(names[key])
                values[number] = write(value) if is_text and isinstance(value, dict) else value
            place = table.column_names.index(names[key])
            table = table.set_column(place, table.field(place), pa.array(values, column.type))
        group, codec = shape.row_group(0), shape.row_group(0).column(0).compression
        pq.write_table(
            table, part, compression=codec.replace("UNCOMPRESSED", "NONE"),
            row_group_size=max(group.num_rows, 1),
        )  # fmt: skip
    return len(changed)


def _objects(record: Record) -> Record:
    """Read the objects that a table holds as text."""
    told = {}
    for key, value in record.items():
        is_packed = key.lower() in ("address", "emergency_contact") and isinstance(value, str)
        told[key] = read(value) if is_packed else value
    return told


def _replace(connection: Connection, part: Path, path: Path) -> None:
    """Put the new file in its place; the manifest knows it already, so it is not loaded again."""
    old = sha256_of(path)
    sync(part)
    new, stat = sha256_of(part), part.stat()
    query(
        connection,
        "update raw.load_manifest set file_size = ?, file_modified_ns = ?, sha256 = ? "
        "where sha256 in (?, ?) and (file = ? or ends_with(?, '/' || file))",
        [stat.st_size, stat.st_mtime_ns, new, old, new, path.name, printable(str(path))],
    )
    put_in_place(part, path)


def _check_unfinished(eraser: Eraser, path: Path) -> None:
    if path.name.endswith(".erasing.part"):
        path.unlink(missing_ok=True)  # of an erasure that was killed
        return
    if eraser.spellings.tell(path.read_bytes().decode(errors="backslashreplace")):
        raise WarehouseError(
            f"{path} is not finished and holds her: let its writer finish, or delete it if nobody "
            "writes it any more, then run the same command again."
        )


def _open(path: Path) -> BinaryIO:
    return gzip.GzipFile(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
