"""Landing files: written under another name, synced, then renamed. Whole or absent."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

SUFFIX = r"(?:ndjson|ndjson\.gz|parquet)"  # what the names of landing files end in

_ROW_GROUP = 1 << 17
_LARGE = 1 << 25  # bytes: what is read again soon stays in memory


class Target(Protocol):
    """Whatever bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> int | None:
        """Take the bytes."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that exists under its name when the block ends well, and not at all else.

    The loader ignores `.part` files, so it never sees half a file. Its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if file.tell() >= _LARGE and hasattr(os, "posix_fadvise"):
                # Memory that held one file can hold the next one: fresh memory is slower to
                # come by than the disk is to write.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def line_file(path: Path) -> Iterator[Target]:
    """Open a whole file for text lines, packed when its name ends in .gz.

    The gzip header holds neither time nor name: the same lines give the same bytes with the
    same version of the packer.
    """
    with whole_file(path) as file:
        if path.suffix == ".gz":
            with igzip.IGzipFile(  # type: ignore[no-untyped-call]
                "", "wb", compresslevel=1, fileobj=file, mtime=0
            ) as packed:
                yield packed
        else:
            yield file


class TableFile:
    """A Parquet file that takes rows bit by bit, and writes them in groups of one size.

    How the rows came together does not show in the file.
    """

    def __init__(self, file: BinaryIO, schema: pa.Schema, plain: Collection[str]) -> None:
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in schema.names if name not in plain],
        )
        self._waiting = schema.empty_table()

    def write(self, rows: pa.Table) -> None:
        """Take some rows."""
        self._waiting = pa.concat_tables([self._waiting, rows])
        while self._waiting.num_rows >= _ROW_GROUP:
            self._write_group(self._waiting.slice(0, _ROW_GROUP))
            self._waiting = self._waiting.slice(_ROW_GROUP)

    def close(self) -> None:
        """Write the rest."""
        if self._waiting.num_rows:
            self._write_group(self._waiting)
        self._writer.close()

    def abandon(self) -> None:
        """Keep a writer that was not closed from writing to a file that is."""
        self._writer.is_open = False

    def _write_group(self, rows: pa.Table) -> None:
        self._writer.write_table(rows.combine_chunks(), row_group_size=_ROW_GROUP)


@contextmanager
def table_file(path: Path, schema: pa.Schema, plain: Collection[str] = ()) -> Iterator[TableFile]:
    """Open a whole Parquet file; `plain` columns, whose values never repeat, get no dictionary."""
    with whole_file(path) as file:
        target = TableFile(file, schema, plain)
        try:
            yield target
            target.close()
        finally:
            target.abandon()


def write_table(path: Path, table: pa.Table, plain: Collection[str] = ()) -> None:
    """Write a whole Parquet file."""
    with table_file(path, table.schema, plain) as target:
        target.write(table)
