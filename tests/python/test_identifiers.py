import uuid
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.identifiers import serials, sgtin96, uuid7
from generator.texts import as_list

SEEDS = st.integers(0, 2**63 - 1)


def decode_sgtin96(tag: str) -> dict[str, int]:
    """Read the fields of an SGTIN-96 as the GS1 tag data standard lays them out."""
    assert len(tag) == 24
    assert set(tag) <= set("0123456789ABCDEF")
    bits = f"{int(tag, 16):096b}"
    widths = {"header": 8, "filter": 3, "partition": 3, "company": 24, "item": 20, "serial": 38}
    fields, at = {}, 0
    for name, width in widths.items():
        fields[name] = int(bits[at : at + width], 2)
        at += width
    return fields


def numbers(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


@given(
    seed=SEEDS,
    units=st.lists(st.integers(0, 2**38 - 1), min_size=1, max_size=20),
    reference=st.integers(1, 61),
)
def test_a_tag_tells_company_item_and_serial(seed, units, reference):
    tags = as_list(sgtin96(seed, numbers(*units), np.full(len(units), reference)))
    decoded = [decode_sgtin96(tag) for tag in tags]
    assert [fields.pop("serial") for fields in decoded] == serials(seed, numbers(*units)).tolist()
    expected = {"header": 0x30, "filter": 1, "partition": 5, "company": 9521234, "item": reference}
    assert decoded == [expected] * len(units)


def test_the_tag_of_a_known_unit_never_changes():
    # Made by hand from the six fields; the serial of unit 0 is the seed's offset.
    serial = int(serials(42, numbers(0))[0])
    bits = f"{0x30:08b}{1:03b}{5:03b}{9521234:024b}{61:020b}{serial:038b}"
    assert as_list(sgtin96(42, numbers(0), np.array([61]))) == [f"{int(bits, 2):024X}"]


@given(seed=SEEDS, unit=st.integers(0, 2**38 - 2))
def test_serials_are_the_last_38_bits_and_can_be_undone(seed, unit):
    tags = as_list(sgtin96(seed, numbers(unit, unit + 1), np.array([1, 1])))
    low = [int(tag, 16) % 2**38 for tag in tags]
    assert serials(seed, numbers(unit, unit + 1)).tolist() == low
    # A product with an odd number, a shift by half of the bits, and the product again: each
    # of them can be undone, so that no two units share a serial.
    inverse = pow(0x2545F4914F, -1, 2**38)

    def undo(serial: int) -> int:
        product = serial * inverse % 2**38
        return (product ^ product >> 19) * inverse % 2**38

    zero = undo(int(serials(seed, numbers(0))[0]))
    assert [(undo(serial) - zero) % 2**38 for serial in low] == [unit, (unit + 1) % 2**38]


def test_a_tag_does_not_tell_the_place_in_the_basket():
    firsts = np.arange(0, 16 * 16_000, 16, dtype=np.uint64)  # the first units of orders
    last_digits = (serials(42, firsts) % np.uint64(16)).astype(np.int64)
    counts = np.bincount(last_digits, minlength=16)
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 37.7  # 99.9 % with 15 degrees of freedom


def test_no_two_units_share_a_tag():
    units = np.concatenate(
        [np.arange(100_000), np.arange(2**38 - 100_000, 2**38), np.arange(0, 2**38, 2**21)]
    ).astype(np.uint64)
    units = np.unique(units)
    tags = as_list(sgtin96(42, units, np.arange(len(units)) % 61 + 1))
    assert len(set(tags)) == len(units)
    assert len(np.unique(serials(42, units))) == len(units)


@given(milliseconds=st.integers(0, 2**48 - 1), order=st.integers(0, 2**62 - 1), seed=SEEDS)
def test_a_transaction_number_is_a_uuid_of_its_millisecond(milliseconds, order, seed):
    text = as_list(uuid7(seed, numbers(milliseconds), numbers(order)))[0]
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == milliseconds


@given(
    seed=SEEDS,
    orders=st.lists(st.integers(0, 2**62 - 1), min_size=2, max_size=50, unique=True),
    other=SEEDS,
)
def test_orders_of_any_moments_differ_in_their_last_62_bits(seed, orders, other):
    moments = numbers(*range(len(orders)))
    low = [uuid.UUID(t).int % 2**62 for t in as_list(uuid7(seed, moments, numbers(*orders)))]
    assert len(set(low)) == len(orders)
    if other != seed:
        assert as_list(uuid7(other, moments, numbers(*orders))) != as_list(
            uuid7(seed, moments, numbers(*orders))
        )


def test_orders_that_differ_in_one_bit_differ_in_their_last_62_bits():
    orders = numbers(0, *(1 << bit for bit in range(62)), 2**62 - 1)
    moments = np.zeros(len(orders), dtype=np.uint64)
    low = {uuid.UUID(text).int % 2**62 for text in as_list(uuid7(42, moments, orders))}
    assert len(low) == len(orders)


def test_no_two_orders_share_a_transaction_number():
    orders = np.concatenate([np.arange(200_000), np.arange(2**34 - 10, 2**34)]).astype(np.uint64)
    moments = np.full(len(orders), 1_700_000_000_000, dtype=np.uint64)
    found = as_list(uuid7(42, moments, orders))
    assert len(set(found)) == len(orders)
    # Neighbours look unrelated: about half of the 12 + 62 free bits differ.
    bits = [int(text.replace("-", ""), 16) for text in found[:20_000]]
    differing = [(a ^ b).bit_count() for a, b in pairwise(bits)]
    assert abs(np.mean(differing) - 37) < 1


def test_transaction_numbers_sort_by_time():
    moments = np.arange(1_700_000_000_000, 1_700_000_000_000 + 5_000, dtype=np.uint64)
    found = as_list(uuid7(42, moments, np.arange(5_000, 0, -1).astype(np.uint64)))
    assert found == sorted(found)


def test_nothing_has_no_identifiers():
    nothing = numbers()
    assert sgtin96(42, nothing, np.array([], dtype=np.int64)).shape == (0, 24)
    assert uuid7(42, nothing, nothing).shape == (0, 36)
    assert as_list(uuid7(42, nothing, nothing)) == []
