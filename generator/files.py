"""Landing files: written under another name, synced, then renamed. Whole or absent."""

import gzip
import os
from collections.abc import Iterable
from pathlib import Path


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write text lines (gzip when the name ends in .gz) and return how many.

    The loader ignores `.part` files, so it never sees half a file. The gzip header holds
    neither time nor name: the same lines give the same bytes.
    """
    part = path.with_name(path.name + ".part")
    count = 0
    try:
        with part.open("wb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                    for line in lines:
                        packed.write(line.encode() + b"\n")
                        count += 1
            else:
                for line in lines:
                    file.write(line.encode() + b"\n")
                    count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count
