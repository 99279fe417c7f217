"""Numbers that look random and are a pure function of (seed, stream, counter).

There is no generator object and no state: the value at a counter is the same whatever
was drawn before it, in whatever block, order or process. Only 64-bit integer arithmetic
is used, so that a seed gives the same bytes on every machine and with every numpy.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Indices = NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

# A choice compares 32 random bits with integer weights: their sum must leave room.
MAX_TOTAL_WEIGHT = 1 << 32


def _mix(words: Words) -> Words:
    """Finalise as splitmix64 does (Steele, Lea and Flood, OOPSLA 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def stream_key(seed: int, stream: str) -> int:
    """Return the 64-bit key of a named stream: one name per drawn attribute."""
    key = seed & _MASK
    for byte in stream.encode():
        key = int(_mix(np.array([(key ^ byte) * _GOLDEN & _MASK], dtype=np.uint64))[0])
    return key


def draw_words(seed: int, stream: str, counters: Words) -> Words:
    """Draw one 64-bit word per counter, shaped like `counters`."""
    key = np.uint64(stream_key(seed, stream))
    return _mix(_mix(counters * np.uint64(_GOLDEN) + key) + key)


def draw_below(words: Words, bound: int) -> Indices:
    """Map words to integers in [0, bound); `bound` is at most 2^32."""
    high = words >> np.uint64(32)
    return ((high * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True)
class Choice:
    """A weighted choice among n outcomes, by cumulative integer weights."""

    cumulative: Words

    @classmethod
    def of(cls, weights: list[int] | Indices) -> Self:
        """Build from n weights ≥ 0; ValueError when they sum to 0 or to over 2^32."""
        cumulative = np.cumsum(np.asarray(weights, dtype=np.uint64), dtype=np.uint64)
        if not 0 < int(cumulative[-1]) <= MAX_TOTAL_WEIGHT:
            raise ValueError("weights must sum to between 1 and 2^32")
        return cls(cumulative)

    def pick(self, words: Words) -> Indices:
        """Return the index of the outcome that each word falls on."""
        points = draw_below(words, int(self.cumulative[-1])).astype(np.uint64)
        return np.searchsorted(self.cumulative, points, side="right")
