"""TXID and RFID: unique by construction, in the formats the trade uses."""

import numpy as np
from numpy.typing import NDArray

from generator.randomness import Indices, Words, draw_words, stream_key

# RFID tag data: SGTIN-96 (GS1 EPC Tag Data Standard). Header 0x30, filter 1 (point of
# sale item), partition 5 (7-digit company prefix, 6-digit item). GS1 keeps the prefixes
# that begin with 952 for examples: no real company is named.
_SGTIN_HEAD = (0x30 << 6) | (1 << 3) | 5
COMPANY_PREFIX = 9521234
_SERIAL_BITS = 38
_SERIAL_MASK = (1 << _SERIAL_BITS) - 1
_SERIAL_FACTOR = 0x2545F4914F | 1  # odd, so that the product is a bijection mod 2^38

_HEX = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
_RAND_B_MASK = (1 << 62) - 1
_RAND_B_FACTOR = 0x1F123BB5159A55E5 | 1


def sgtin96(seed: int, units: Words, references: Indices) -> NDArray[np.str_]:
    """Return RFIDs as 24 upper-case hex digits, shape (n,).

    `units` numbers every unit of the world once and lies in [0, 2^38); the serial is a
    bijection of it, so no two units share a tag.
    """
    offset = np.uint64(stream_key(seed, "rfid") & _SERIAL_MASK)
    mask = np.uint64(_SERIAL_MASK)
    serial = (units * np.uint64(_SERIAL_FACTOR) + offset) & mask
    item = references.astype(np.uint64)
    # 96 bits: head 14, company 24, item 20, serial 38; cut into 32 and 64 bits.
    head = np.uint64((_SGTIN_HEAD << 18) | (COMPANY_PREFIX >> 6))
    low_company = np.uint64(COMPANY_PREFIX & 0x3F)
    tail = (low_company << np.uint64(58)) | (item << np.uint64(38)) | serial
    return _hex(np.full_like(tail, head), 8, _hex_bytes(tail, 16))


def uuid7(seed: int, milliseconds: Words, orders: Words) -> NDArray[np.str_]:
    """Return TXIDs as UUIDv7 text (RFC 9562), shape (n,).

    `milliseconds` since 1970 make them sort by time; `orders` numbers every order of the
    world once and lies in [0, 2^62): the last 62 bits are a bijection of it.
    """
    mask = np.uint64(_RAND_B_MASK)
    rand_a = draw_words(seed, "txid", orders) >> np.uint64(52)
    offset = np.uint64(stream_key(seed, "txid") & _RAND_B_MASK)
    rand_b = (orders * np.uint64(_RAND_B_FACTOR) + offset) & mask
    rand_b ^= rand_b >> np.uint64(31)
    rand_b = (rand_b * np.uint64(_RAND_B_FACTOR)) & mask
    rand_b ^= rand_b >> np.uint64(31)
    high = (milliseconds << np.uint64(16)) | np.uint64(0x7000) | rand_a
    low = np.uint64(1 << 63) | rand_b
    digits = np.char.lower(_hex(high, 16, _hex_bytes(low, 16)))
    return np.array(
        [f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}" for d in digits.tolist()],
        dtype="U36",
    )


def _hex_bytes(words: Words, digits: int) -> NDArray[np.uint8]:
    shifts = np.arange(4 * (digits - 1), -1, -4, dtype=np.uint64)
    return _HEX[((words[:, None] >> shifts) & np.uint64(15)).astype(np.intp)]


def _hex(words: Words, digits: int, tail: NDArray[np.uint8]) -> NDArray[np.str_]:
    text = np.concatenate([_hex_bytes(words, digits), tail], axis=1)
    return np.ascontiguousarray(text).view(f"S{text.shape[1]}").ravel().astype("U")
