import uuid

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from generator.identifiers import COMPANY_PREFIX, sgtin96, uuid7


def decode_sgtin96(tag: str) -> dict[str, int]:
    """Read the fields of an SGTIN-96 as the GS1 tag data standard lays them out."""
    assert len(tag) == 24
    bits = f"{int(tag, 16):096b}"
    widths = {"header": 8, "filter": 3, "partition": 3, "company": 24, "item": 20, "serial": 38}
    fields, at = {}, 0
    for name, width in widths.items():
        fields[name] = int(bits[at : at + width], 2)
        at += width
    return fields


@given(
    seed=st.integers(0, 2**63 - 1),
    unit=st.integers(0, 2**38 - 1),
    reference=st.integers(1, 61),
)
def test_a_tag_names_its_item(seed, unit, reference):
    tag = sgtin96(seed, np.array([unit], dtype=np.uint64), np.array([reference]))[0]
    fields = decode_sgtin96(str(tag))
    assert (fields["header"], fields["filter"], fields["partition"]) == (0x30, 1, 5)
    assert fields["company"] == COMPANY_PREFIX
    assert str(COMPANY_PREFIX).startswith("952")  # GS1's prefix for examples
    assert fields["item"] == reference


def test_no_two_units_share_a_tag():
    units = np.concatenate(
        [np.arange(100_000), np.arange(2**38 - 100_000, 2**38), np.arange(0, 2**38, 2**21)]
    ).astype(np.uint64)
    units = np.unique(units)
    tags = sgtin96(42, units, np.ones(len(units), dtype=np.int64))
    assert len(set(tags.tolist())) == len(units)


@given(
    milliseconds=st.integers(1_262_304_000_000, 2_650_000_000_000),
    order=st.integers(0, 2**34 - 1),
    seed=st.integers(0, 2**63 - 1),
)
def test_a_transaction_number_is_a_uuid_of_its_millisecond(milliseconds, order, seed):
    moments = np.array([milliseconds], dtype=np.uint64)
    text = str(uuid7(seed, moments, np.array([order], dtype=np.uint64))[0])
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == milliseconds


def test_no_two_orders_share_a_transaction_number():
    orders = np.arange(200_000, dtype=np.uint64)
    moments = np.full(len(orders), 1_700_000_000_000, dtype=np.uint64)
    assert len(set(uuid7(42, moments, orders).tolist())) == len(orders)
