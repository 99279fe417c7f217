import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.randomness import Choice, _mix, draw_below, draw_words

COUNTERS = np.arange(100_000, dtype=np.uint64)


def test_mix_is_splitmix64():
    # First outputs of the published generator for seed 1234567.
    state = np.array([1234567], dtype=np.uint64) + np.array([1, 2, 3], dtype=np.uint64) * np.uint64(
        0x9E3779B97F4A7C15
    )
    assert _mix(state).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_words_never_change():
    # Values kept from the first version: a change here changes every world.
    words = draw_words(42, "item", np.array([0, 1, 2**38], dtype=np.uint64))
    assert words.tolist() == [
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


def test_streams_and_seeds_are_unrelated():
    one = draw_words(42, "item", COUNTERS)
    for other in (draw_words(42, "buyer", COUNTERS), draw_words(43, "item", COUNTERS)):
        differing_bits = np.bitwise_count(one ^ other).mean()
        assert 31.9 < differing_bits < 32.1


@given(bound=st.integers(1, 2**32))
def test_draws_stay_below_their_bound(bound):
    extremes = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert draw_below(extremes, bound).tolist() == [0, bound - 1]


def test_a_choice_follows_its_weights():
    weights = np.array([50, 20, 15, 10, 4, 1, 0])
    counts = np.bincount(Choice.of(weights).pick(draw_words(1, "rate", COUNTERS)), minlength=7)
    assert counts[6] == 0
    expected = weights[:6] * len(COUNTERS) / 100
    chi_square = ((counts[:6] - expected) ** 2 / expected).sum()
    assert chi_square < 20.5  # 99.9 % of chi-square with 5 degrees of freedom


@pytest.mark.parametrize("weights", [[0, 0], [2**32, 1]])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="between 1 and"):
        Choice.of(weights)
