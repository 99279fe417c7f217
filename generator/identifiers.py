"""TXID and RFID: unique by construction, in the formats the trade uses."""

import numpy as np
from numpy.typing import NDArray

from generator.randomness import Indices, Words, draw_words, stream_key
from generator.texts import Text, write_digits

# RFID tag data: SGTIN-96 (GS1 EPC Tag Data Standard). Header 0x30, filter 1 (point of
# sale item), partition 5 (7-digit company prefix, 6-digit item). GS1 keeps the prefixes
# that begin with 952 for examples: no real company is named.
_SGTIN_HEAD = (0x30 << 6) | (1 << 3) | 5
COMPANY_PREFIX = 9521234
_SERIAL_BITS = 38
_SERIAL_MASK = (1 << _SERIAL_BITS) - 1
_SERIAL_FACTOR = 0x2545F4914F | 1  # odd, so that the product is a bijection mod 2^38

_RAND_B_MASK = (1 << 62) - 1
_RAND_B_FACTOR = 0x1F123BB5159A55E5 | 1

# The four hex digits of every 16-bit number, in one word: four look-ups write a 64-bit word.
_UPPER = np.frombuffer("".join(f"{n:04X}" for n in range(1 << 16)).encode(), np.uint32)
_LOWER = np.frombuffer("".join(f"{n:04x}" for n in range(1 << 16)).encode(), np.uint32)


def serials(seed: int, units: Words) -> Words:
    """Return the serial inside each RFID, a bijection of the unit's number in [0, 2^38)."""
    factor, mask = np.uint64(_SERIAL_FACTOR), np.uint64(_SERIAL_MASK)
    offset = np.uint64(stream_key(seed, "rfid") & _SERIAL_MASK)
    serial = (units * factor + offset) & mask
    # A product keeps the low bits in order, which would tell the place in the basket.
    serial ^= serial >> np.uint64(19)
    return (serial * factor) & mask


def sgtin96(seed: int, units: Words, references: Indices) -> Text:
    """Return RFIDs as 24 upper-case hex digits, shape (n, 24).

    `units` numbers every unit of the world once: no two units share a tag.
    """
    # 96 bits: head 14, company 24, item 20, serial 38; cut into 32 and 64 bits.
    head = (_SGTIN_HEAD << 18) | (COMPANY_PREFIX >> 6)
    low_company = np.uint64(COMPANY_PREFIX & 0x3F)
    item = references.astype(np.uint64)
    tail = (low_company << np.uint64(58)) | (item << np.uint64(38)) | serials(seed, units)
    text = np.empty((len(units), 24), dtype=np.uint8)
    text[:, :8] = np.frombuffer(f"{head:08X}".encode(), np.uint8)
    _write_hex(text, tail, (8, 12, 16, 20), _UPPER)
    return text


def uuid7(seed: int, milliseconds: Words, orders: Words) -> Text:
    """Return TXIDs as UUIDv7 text (RFC 9562), shape (n, 36).

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
    text = np.full((len(orders), 36), ord("-"), dtype=np.uint8)
    _write_hex(text, high, (0, 4, 9, 14), _LOWER)
    _write_hex(text, np.uint64(1 << 63) | rand_b, (19, 24, 28, 32), _LOWER)
    return text


def _write_hex(
    text: Text, words: Words, places: tuple[int, ...], digits: NDArray[np.uint32]
) -> None:
    """Write each 64-bit word as four groups of four hex digits that begin at `places`."""
    for place, shift in zip(places, (48, 32, 16, 0), strict=True):
        group = ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.intp)
        write_digits(text, place, digits[group])
