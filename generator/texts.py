"""Many short texts at once: rows of bytes of one width, and Arrow arrays of any."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generator.randomness import Indices

Text = NDArray[np.uint8]  # shape (n, width): one row of ASCII bytes per value


def write_digits(text: Text, place: int, packed: NDArray[np.unsignedinteger]) -> None:
    """Write numbers whose bytes are characters into the columns from `place` on."""
    rows, width = text.shape
    if rows == 0:
        return
    np.ndarray((rows,), packed.dtype, text.data, place, (width,))[:] = packed


def as_list(text: Text) -> list[str]:
    """Return the rows of a text as Python strings, shape (n,)."""
    return np.ascontiguousarray(text).view(f"S{text.shape[1]}").ravel().astype("U").tolist()


def binary(text: Text) -> pa.BinaryArray:
    """Return rows of one width as an Arrow array of bytes."""
    return _array(text, pa.binary())


def strings(text: Text) -> pa.StringArray:
    """Return rows of one width as an Arrow array of strings."""
    return _array(text, pa.string())


def _array(text: Text, kind: pa.DataType) -> pa.Array:
    rows, width = text.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    return pa.Array.from_buffers(kind, rows, buffers)


def encode(texts: Iterable[str]) -> pa.BinaryArray:
    """Return texts as UTF-8."""
    return pa.array([text.encode() for text in texts], pa.binary())


def take(texts: Iterable[str], indices: Indices) -> pa.BinaryArray:
    """Return a text for each index, as UTF-8."""
    return encode(texts).take(pa.array(indices))


def join(*parts: pa.BinaryArray | str) -> pa.BinaryArray:
    """Join texts row by row; a string is the same in each row."""
    columns = [pa.scalar(p.encode()) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*columns, pa.scalar(b""))


def euros(cents: int) -> str:
    """Write an amount with its two decimals."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
