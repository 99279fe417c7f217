"""How an order is written down: lines of JSON, as the tills send them, or columns."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator.catalogue import read_catalogue, read_price_changes, references
from generator.identifiers import sgtin96, uuid7
from generator.orders import DISCOUNT_PERCENTS, Block
from generator.people import Identities
from generator.randomness import Indices, Words
from generator.returns import REASONS, Returns
from generator.stock import LOCATIONS, Movement
from generator.texts import Text, binary, encode, euros, join, strings, write_digits

# The digits of every number, its bytes in one word: what times are written with.
_TWO = np.frombuffer("".join(f"{n:02d}" for n in range(100)).encode(), np.uint16)
_FOUR = np.frombuffer("".join(f"{n:04d}" for n in range(10_000)).encode(), np.uint32)
_DAY = 86_400_000_000  # microseconds


def write_moments(moments: Words) -> Text:
    """Return moments as naive UTC, ISO 8601 with microseconds, shape (n, 26)."""
    text = np.empty((len(moments), 26), dtype=np.uint8)
    if len(moments) == 0:
        return text
    days, rest = np.divmod(moments.astype(np.int64), _DAY)
    first = days.min()
    dates = np.arange(first, days.max() + 1).astype("datetime64[D]").astype("S10")
    text[:, :10] = dates.view(np.uint8).reshape(-1, 10)[days - first]
    text[:, 10], text[:, 13], text[:, 16], text[:, 19] = (ord(c) for c in "T::.")
    seconds, micro = np.divmod(rest, 1_000_000)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    high, low = np.divmod(micro, 100)
    for place, number in ((11, hour), (14, minute), (17, second), (24, low)):
        write_digits(text, place, _TWO[number])
    write_digits(text, 20, _FOUR[high])
    return text


def decimals(cents: list[int]) -> pa.Array:
    """Return amounts with two decimals, as the warehouse keeps money."""
    return pa.array([euros(amount) for amount in cents], pa.string()).cast(pa.decimal128(12, 2))


_NAMES = [item.name for item in read_catalogue()]
_SITES = ['"channel":"online","store_id":null'] + [
    f'"channel":"in_person","store_id":"{store}"' for store in LOCATIONS[1:]
]
# Every price there ever was, so that amounts are looked up and not written anew.
_PRICES = np.unique(
    [item.price_cents for item in read_catalogue()] + [p for _, _, p in read_price_changes()]
)
_AMOUNTS = [
    (price, price * percent // 100)
    for price in _PRICES.tolist()
    for percent in DISCOUNT_PERCENTS.tolist()
]
_TAILS = encode(
    f',"unit_price":{euros(price)},"discount":{euros(discount)},{site}}}\n'
    for price, discount in _AMOUNTS
    for site in _SITES
)
_ITEM_TEXTS = encode(f'","item":"{name}","purchase_time":"' for name in _NAMES)


def _amount(block: Block, units: Indices) -> Indices:
    price = np.searchsorted(_PRICES, block.price_cents[units])
    return price * len(DISCOUNT_PERCENTS) + block.percent[units]


def person_texts(people: Identities) -> pa.BinaryArray:
    """Return what each customer tells the till: the piece of the line after the time."""
    return join(
        '","name":', people.name, ',"address":', people.address, ',"phone":', people.phone,
        ',"email":', people.email, ',"emergency_contact":', people.contact,
    )  # fmt: skip


def order_lines(seed: int, block: Block, units: Indices, persons: pa.BinaryArray) -> pa.BinaryArray:
    """Return the lines of some units of a block, each with its line end.

    `persons` holds a text for each of them.
    """
    owner = block.owner[units]
    # Each piece costs a copy for each line: what is of fixed width is put together first.
    head = np.empty((len(units), 79), dtype=np.uint8)
    head[:, :9] = np.frombuffer(b'{"txid":"', np.uint8)
    head[:, 9:45] = uuid7(seed, block.moment // np.uint64(1000), block.order)[owner]
    head[:, 45:55] = np.frombuffer(b'","rfid":"', np.uint8)
    head[:, 55:] = sgtin96(seed, block.unit[units], block.reference[units])
    tails = _amount(block, units) * len(_SITES) + block.location[owner]
    return join(
        binary(head),
        _ITEM_TEXTS.take(pa.array(block.item[units])),
        binary(write_moments(block.moment)[owner]),
        persons,
        _TAILS.take(pa.array(tails)),
    )


# Values that (almost) never repeat: a dictionary of them would only cost.
ORDER_IDS = ("txid", "rfid", "purchase_time")
_UNIT_PRICES = decimals([price for price, _ in _AMOUNTS])
_DISCOUNTS = decimals([discount for _, discount in _AMOUNTS])
_CHANNELS = pa.array(["online"] + ["in_person"] * len(LOCATIONS[1:]))
_STORES = pa.array([None, *LOCATIONS[1:]], pa.string())


ORDER_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("txid", "rfid", "item"), pa.string()),
        "purchase_time": pa.timestamp("us"),
        **dict.fromkeys(("name", "address", "phone", "email", "emergency_contact"), pa.string()),
        **dict.fromkeys(("unit_price", "discount"), pa.decimal128(12, 2)),
        **dict.fromkeys(("channel", "store_id"), pa.string()),
    }
)


def person_columns(people: Identities) -> dict[str, pa.StringArray]:
    """Return what each customer tells the till, by column; the names are in plain text."""

    def unquoted(field: pa.BinaryArray) -> pa.StringArray:
        # None of the words has a character that JSON would escape.
        return pc.binary_slice(field, 1, -1).cast(pa.string())

    contact = people.contact.cast(pa.string())
    nobody = pc.equal(contact, "null")
    return {
        "name": unquoted(people.name),
        "address": people.address.cast(pa.string()),
        "phone": unquoted(people.phone),
        "email": unquoted(people.email),
        "emergency_contact": pc.if_else(nobody, pa.scalar(None, pa.string()), contact),
    }


def order_table(seed: int, block: Block, persons: dict[str, pa.StringArray]) -> pa.Table:
    """Return all units of a block as columns: the fields of the line, with types."""
    owner = block.owner
    amount = pa.array(_amount(block, np.arange(len(owner))))
    location = pa.array(block.location[owner])
    buyer = pa.array(block.buyer[owner])
    txid = uuid7(seed, block.moment // np.uint64(1000), block.order)[owner]
    return pa.table(
        {
            "txid": strings(txid),
            "rfid": strings(sgtin96(seed, block.unit, block.reference)),
            "item": pa.array(_NAMES).take(pa.array(block.item)),
            "purchase_time": pa.array(block.moment[owner].astype(np.int64), pa.timestamp("us")),
            **{name: column.take(buyer) for name, column in persons.items()},
            "unit_price": _UNIT_PRICES.take(amount),
            "discount": _DISCOUNTS.take(amount),
            "channel": _CHANNELS.take(location),
            "store_id": _STORES.take(location),
        },
        ORDER_SCHEMA,
    )


def return_table(seed: int, returns: Returns) -> pa.Table:
    """Return the columns of the returns feed, as text except for the amount."""
    items = references()[returns.item]
    txid = uuid7(seed, returns.purchased // np.uint64(1000), returns.order)
    return pa.table(
        {
            "txid": strings(txid),
            "rfid": strings(sgtin96(seed, returns.unit, items)),
            "return_time": pa.array(returns.moment.astype(np.int64), pa.timestamp("us")),
            "reason": pa.array(REASONS).take(pa.array(returns.reason)),
            "refund_amount": decimals(returns.refund_cents.tolist()),
        }
    )


def stock_table(movements: list[Movement]) -> pa.Table:
    """Return the columns of the stock feed."""
    return pa.table(
        {
            "movement_id": pa.array([m.movement_id for m in movements], pa.string()),
            "sku": pa.array([m.sku for m in movements], pa.string()),
            "location_id": pa.array([m.location_id for m in movements], pa.string()),
            "kind": pa.array([m.kind for m in movements], pa.string()),
            "quantity": pa.array([m.quantity for m in movements], pa.int64()),
            "moved_at": pa.array([m.moment for m in movements], pa.timestamp("us")),
        }
    )


def table_lines(table: pa.Table) -> pa.BinaryArray:
    """Write a small feed's table as lines of JSON; its texts need no escape."""
    parts: list[pa.BinaryArray | str] = []
    for number, name in enumerate(table.column_names):
        column = table.column(name).combine_chunks()
        quote = "" if pa.types.is_integer(column.type) or pa.types.is_decimal(column.type) else '"'
        parts.append(f'{"," if number else "{"}"{name}":{quote}')
        if pa.types.is_timestamp(column.type):
            parts.append(binary(write_moments(column.cast(pa.int64()).to_numpy().view(np.uint64))))
        else:
            parts.append(column.cast(pa.string()).cast(pa.binary()))
        parts.append(quote)
    return join(*parts, "}\n")
