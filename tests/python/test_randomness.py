import csv
import math
from itertools import accumulate
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sampling import assert_follows, assert_share, beta_quantile, gamma_quantile

import generator.randomness
from generator.randomness import (
    Choice,
    Choices,
    Quantiles,
    _mix,
    draw_below,
    draw_words,
    happens,
)

COUNTERS = np.arange(100_000, dtype=np.uint64)
WORDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


def words(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def test_mix_is_splitmix64():
    # First outputs of the published generator for seed 1234567.
    state = words([1234567]) + words([1, 2, 3]) * np.uint64(0x9E3779B97F4A7C15)
    assert _mix(state).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_words_never_change():
    # Values kept from the first version: a change here changes every world.
    assert draw_words(42, "item", words([0, 1, 2**38])).tolist() == [
        2887465064467680965,
        5109531157102255420,
        12030794382521720576,
    ]


@given(cuts=st.lists(st.integers(1, 999), max_size=5), seed=st.integers(0, 2**63 - 1))
def test_a_word_is_the_same_in_any_block(cuts, seed):
    counters = COUNTERS[:1000]
    blocks = np.split(counters, sorted(set(cuts)))
    parts = np.concatenate([draw_words(seed, "buyer", block) for block in blocks])
    assert np.array_equal(parts, draw_words(seed, "buyer", counters))


def test_streams_seeds_and_counters_are_unrelated():
    one = draw_words(42, "item", COUNTERS)
    others = [
        draw_words(42, "buyer", COUNTERS),
        draw_words(43, "item", COUNTERS),
        draw_words(42, "item", COUNTERS + np.uint64(1)),
        draw_words(42, "item", COUNTERS * np.uint64(1 << 20)),
    ]
    for other in others:
        # Each of 64 bits differs in half of the words: 4 sigma of the mean of 6.4 million.
        differing_bits = np.bitwise_count(one[1:] ^ other[1:]).mean()
        assert abs(differing_bits - 32) < 4 * 4 / math.sqrt(len(COUNTERS))


def test_every_bit_of_a_word_is_set_half_of_the_time():
    drawn = draw_words(42, "item", COUNTERS)
    for bit in range(64):
        assert_share(int((drawn >> np.uint64(bit) & np.uint64(1)).sum()), len(drawn), 0.5)


@given(values=WORDS, bound=st.integers(1, 2**32))
def test_a_draw_scales_the_high_half_of_its_word(values, bound):
    expected = [(value >> 32) * bound >> 32 for value in values]
    assert draw_below(words(values), bound).tolist() == expected
    assert draw_below(words(values), words([bound] * len(values))).tolist() == expected
    assert draw_below(words([0, 2**64 - 1]), bound).tolist() == [0, bound - 1]


@pytest.mark.parametrize("per_million", [500, 25_000, 400_000, 999_000])
def test_what_has_a_rate_happens_at_that_rate(per_million):
    hits = happens(draw_words(1, "event", COUNTERS), per_million)
    assert_share(int(hits.sum()), len(hits), per_million / 1_000_000)


def test_what_is_impossible_never_happens_and_what_is_certain_always():
    extremes = words([0, 1, 2**63, 2**64 - 1])
    assert not happens(extremes, 0).any()
    assert happens(extremes, 1_000_000).all()
    assert happens(extremes, np.array([0, 1_000_000, 0, 1_000_000])).tolist() == [0, 1, 0, 1]


def naive_pick(weights: list[int], word: int) -> int:
    point = (word >> 32) * sum(weights) >> 32
    return next(i for i, below in enumerate(accumulate(weights)) if point < below)


WEIGHTS = st.lists(st.integers(0, 2**26), min_size=1, max_size=12).filter(any)


@given(weights=WEIGHTS, values=WORDS)
def test_a_choice_gives_each_outcome_its_part_of_the_line(weights, values):
    picked = Choice.of(weights).pick(words([*values, 0, 2**64 - 1])).tolist()
    assert picked == [naive_pick(weights, value) for value in [*values, 0, 2**64 - 1]]


def test_a_choice_follows_its_weights_and_never_picks_what_weighs_nothing():
    weights = [0, 50, 20, 0, 15, 10, 4, 1, 0]
    picked = Choice.of(weights).pick(draw_words(1, "rate", COUNTERS))
    assert_follows(np.bincount(picked, minlength=9), weights)


@given(data=st.data(), outcomes=st.integers(1, 8), values=WORDS)
def test_a_row_of_choices_picks_as_the_choice_of_that_row(data, outcomes, values):
    weight = st.lists(st.integers(0, 2**32 // 8), min_size=outcomes, max_size=outcomes)
    table = data.draw(st.lists(weight.filter(any), min_size=1, max_size=6))
    rows = data.draw(
        st.lists(st.integers(0, len(table) - 1), min_size=len(values), max_size=len(values))
    )
    picked = Choices.of(np.array(table)).pick(words(values), np.array(rows))
    pairs = list(zip(rows, values, strict=True))
    alone = [int(Choice.of(table[row]).pick(words([value]))[0]) for row, value in pairs]
    assert picked.tolist() == alone == [naive_pick(table[row], value) for row, value in pairs]


def test_choices_follow_the_weights_of_their_rows():
    table = np.array([[97, 3, 0, 0, 0], [40, 20, 15, 15, 10], [0, 0, 0, 0, 1 << 32]])
    rows = (COUNTERS % np.uint64(3)).astype(np.int64)
    picked = Choices.of(table).pick(draw_words(1, "discount", COUNTERS), rows)
    assert_follows(np.bincount(picked[rows == 0], minlength=5), table[0])
    assert_follows(np.bincount(picked[rows == 1], minlength=5), table[1])
    assert (picked[rows == 2] == 4).all()


@pytest.mark.parametrize("weights", [[0, 0], [2**32, 1]])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="between 1 and"):
        Choice.of(weights)
    with pytest.raises(ValueError, match="between 1 and"):
        Choices.of(np.array([[1, 1], weights]))


# The distributions as the docstring of `Quantiles.read` states them.
QUANTILES = {
    "purchase_rate": lambda p: gamma_quantile(0.55, p) / 0.55 * 1000,
    "dropout": lambda p: beta_quantile(0.8, 2.4, p) * 1_000_000,
    "exponential": lambda p: -math.log1p(-p) * 1000,
    "return_lag": lambda p: 1000 * math.exp(0.8 * NormalDist().inv_cdf(p)),
}


@pytest.mark.parametrize("name", QUANTILES)
def test_the_table_of_quantiles_is_that_of_its_distribution(name):
    path = Path(generator.randomness.__file__).with_name("quantiles.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 129
    assert set(rows[0]) == {"probability", *QUANTILES}
    for i, row in enumerate(rows):
        if i < 128:
            assert float(row["probability"]) == i / 128
        # The log-normal's first quantile is cut as the last of all is: at 1/512.
        probability = i / 128 if 0 < i < 128 else (511 / 512 if i else 0)
        if i == 0 and name == "return_lag":
            probability = 1 / 512
        # The beta's last rows were integrated with an error of two millionths.
        assert abs(int(row[name]) - QUANTILES[name](probability)) < 1, (i, row)
    assert Quantiles.read(name).values.tolist() == [int(row[name]) for row in rows]


def test_between_two_quantiles_a_value_lies_on_the_line():
    quantiles = Quantiles(np.array([0, 10, 40]))
    drawn = quantiles.pick(words([0, 1 << 62, 1 << 63, 3 << 62, 2**64 - 1]))
    assert drawn.tolist() == [0, 5, 10, 25, 39]


@pytest.mark.parametrize("name", QUANTILES)
def test_drawn_values_have_the_mean_and_the_quantiles_of_the_table(name):
    table = Quantiles.read(name)
    drawn = table.pick(draw_words(7, name, COUNTERS))
    low, high = table.values[:-1].astype(float), table.values[1:].astype(float)
    mean = ((low + high) / 2).mean()
    variance = ((low * low + low * high + high * high) / 3).mean() - mean**2
    # Values are rounded down: half a unit on average.
    assert abs(drawn.mean() + 0.5 - mean) < 4 * math.sqrt(variance / len(drawn)) + 0.5
    for step in (8, 32, 64, 96, 120, 127):
        assert_share(int((drawn < table.values[step]).sum()), len(drawn), step / 128)
