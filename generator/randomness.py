"""Numbers that look random and are a pure function of (seed, stream, counter).

There is no generator object and no state: the value at a counter is the same whatever
was drawn before it, in whatever block, order or process. Only 64-bit integer arithmetic
is used, so that a seed gives the same bytes on every machine and with every numpy.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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


@cache
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


def draw_below(words: Words, bound: int | Words) -> Indices:
    """Map words to integers in [0, bound); `bound` is at most 2^32, one for all or each."""
    high = words >> np.uint64(32)
    return ((high * np.asarray(bound, dtype=np.uint64)) >> np.uint64(32)).astype(np.int64)


def happens(words: Words, per_million: int | Indices) -> NDArray[np.bool_]:
    """Tell for each word whether an event of that probability takes place."""
    return draw_below(words, 1_000_000) < per_million


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


@dataclass(frozen=True)
class Choices:
    """Several weighted choices among the same n outcomes, drawn from together."""

    flat: Words
    totals: Words
    outcomes: int

    @classmethod
    def of(cls, weights: Indices) -> Self:
        """Build from weights ≥ 0 of shape (choices, n); each row sums to 1 to 2^32."""
        cumulative = np.cumsum(weights.astype(np.uint64), axis=1, dtype=np.uint64)
        totals = cumulative[:, -1]
        if totals.min() == 0 or totals.max() > MAX_TOTAL_WEIGHT:
            raise ValueError("each row of weights must sum to between 1 and 2^32")
        rows = np.arange(len(weights), dtype=np.uint64)[:, None] << np.uint64(40)
        return cls((rows + cumulative).ravel(), totals, weights.shape[1])

    def pick(self, words: Words, rows: Indices) -> Indices:
        """Return the index of the outcome that each word falls on, in its row's choice."""
        points = draw_below(words, self.totals[rows]).astype(np.uint64)
        keys = (rows.astype(np.uint64) << np.uint64(40)) + points
        return np.searchsorted(self.flat, keys, side="right") - rows * self.outcomes


@dataclass(frozen=True)
class Quantiles:
    """A continuous distribution as integers, linear between 129 of its quantiles.

    The table stops at probability 1 − 1/512: larger values are not drawn.
    """

    values: Indices

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a column of `quantiles.csv`.

        purchase_rate: gamma of shape 0.55, its mean is 1,000. dropout: beta(0.8, 2.4), in
        millionths. exponential: its mean is 1,000. return_lag: log-normal of median 1,000
        and sigma 0.8. Logarithms differ in the last bit from machine to machine, so they
        are not taken here: a test computes the table again.
        """
        return cls(_read_quantiles()[name])

    def pick(self, words: Words) -> Indices:
        """Return the value at the probability that each word stands for."""
        steps = len(self.values) - 1
        scaled = (words >> np.uint64(32)) * np.uint64(steps)
        step = (scaled >> np.uint64(32)).astype(np.int64)
        rest = (scaled & np.uint64(0xFFFFFFFF)).astype(np.int64)
        low, high = self.values[step], self.values[step + 1]
        return low + ((high - low) * rest >> 32)


@cache
def _read_quantiles() -> dict[str, Indices]:
    path = Path(__file__).with_name("quantiles.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name: np.array([int(row[name]) for row in rows], dtype=np.int64)
        for name in rows[0]
        if name != "probability"
    }
