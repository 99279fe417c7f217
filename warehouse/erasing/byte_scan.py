"""Search files for texts byte by byte, packed ones unpacked: the proof that something is gone."""

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

_CHUNK = 16 << 20


def files_holding(folder: Path, database: Path, texts: Iterable[str]) -> list[Path]:
    """Return the files below a folder, and a database with its log, that hold one of the texts.

    A text is looked for as it is, in small letters and with its letters escaped for JSON, and
    in `.gz` files unpacked. What a database or Parquet packs is not found that way.
    """
    forms = {form for text in texts for form in _forms(text)}
    wal = database.with_name(database.name + ".wal")
    paths = {path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
    paths |= {path for path in (database, wal) if path.is_file()}
    return sorted(path for path in paths if forms and _holds(path, forms))


def _forms(text: str) -> set[bytes]:
    return {
        form.encode()
        for spelled in (text, text.lower())
        for form in (spelled, json.dumps(spelled)[1:-1])
    }


def _holds(path: Path, forms: set[bytes]) -> bool:
    longest = max(map(len, forms))
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        end = b""
        try:
            while chunk := file.read(_CHUNK):
                text = end + chunk
                if any(form in text for form in forms):
                    return True
                end = text[-longest:]
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return any(form in path.read_bytes() for form in forms)
    return False
