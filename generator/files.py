"""Landing files: written under another name, synced, then renamed. Whole or absent."""

import gzip
import os
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write text lines (gzip when the name ends in .gz) and return how many.

    The loader ignores `.part` files, so it never sees half a file. The gzip header holds
    neither time nor name: the same lines give the same bytes.
    """
    part = path.with_name(path.name + ".part")
    count = 0
    try:
        with part.open("wb") as file:
            with _packer(file) if path.suffix == ".gz" else nullcontext(file) as target:
                for line in lines:
                    target.write(line.encode() + b"\n")
                    count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count


def _packer(file: BinaryIO) -> gzip.GzipFile:
    return gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0)
