"""The truth, counted from the sampler's integers before a line is written.

Parquet tables of counts, a part for each period of the landing files; the loader never reads
them. The warehouse is graded against their sums: `from '_answer_key/sales/*.parquet'`.

sales       sale_date, location_id, item_name: units_wanted, units_sold, gross_cents,
            discount_cents. What was wanted and not sold met an empty shelf.
customers   period, customer, region_code, country_code: orders, units, sales_cents
regions     period, region_code, item_name: units, sales_cents
baskets     period, item_a, item_b: baskets with both, where item_a comes first by name;
            with item_a = item_b, the baskets that hold the item
units       rfid_serial (the last 38 bits of the RFID), customer: who bought it
returns     return_date, location_id, item_name, reason: units, refund_cents
stock       week_start, location_id, item_name: opening, sold, returned, closing, written_off
defects     feed, defect, txid, rfid, sale_date, arrives_on, detail. The detail is the price told,
            the item told, the other TXID of a unit sold twice, the day told of a return before
            its sale, the RFID that did come back where one never sold is told
touched     txid, rfid, sale_date, location_id, item_name, customer, region_code, country_code,
            gross_cents, discount_cents, return_date, return_reason: the truth of every unit of
            an order that a defect reaches, whether or not it has come back yet. Without it,
            nobody could tell how far a defect moves the counts

The defects and what they touched are empty in a clean world.

Beside them, `planted.json` tells what was put into the world to be found (see `planted`).
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from generator.catalogue import read_catalogue
from generator.customers import Customers
from generator.defects import TOUCHED, Defect
from generator.files import write_table
from generator.identifiers import serials
from generator.orders import Block
from generator.randomness import Indices
from generator.returns import REASONS, Returns
from generator.stock import LOCATIONS

FOLDER = "_answer_key"
TABLES = (
    *("sales", "customers", "regions", "baskets", "units", "returns", "stock"),
    *("defects", "touched"),
)

_ITEMS = [item.name for item in read_catalogue()]
_STOCK = ("opening", "sold", "returned", "closing", "written_off")
_CELLS = (7, len(LOCATIONS), len(_ITEMS))


class StockWeek(NamedTuple):
    """The stock of one week at every location; counts of shape (locations, items).

    `written_off` is what of the closing stock is damaged, and leaves on the next Monday.
    """

    monday: date
    opening: Indices
    sold: Indices
    returned: Indices
    written_off: Indices

    @property
    def closing(self) -> Indices:
        """What lies there on Sunday night; what came back is sold again from Monday on."""
        return self.opening - self.sold + self.returned


@dataclass
class KeyPart:
    """The counts of one period; blocks are added as they are made."""

    seed: int
    first: date
    stock: list[StockWeek] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    touched: list[pa.Table] = field(default_factory=list)
    _sales: dict[date, Indices] = field(default_factory=dict)
    _baskets: Indices = field(
        default_factory=lambda: np.zeros((len(_ITEMS), len(_ITEMS)), dtype=np.int64)
    )
    _buyers: list[Indices] = field(default_factory=list)
    _units: list[tuple[Indices, ...]] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Count a block."""
        owner, item = block.owner, block.item
        cell = (block.day[owner] * _CELLS[1] + block.location[owner]) * _CELLS[2] + item
        discount = block.discount_cents
        counts = np.array(
            [
                block.units_wanted.ravel(),
                block.units_sold.ravel(),
                _sum(cell, block.price_cents, _CELLS[0] * _CELLS[1] * _CELLS[2]),
                _sum(cell, discount, _CELLS[0] * _CELLS[1] * _CELLS[2]),
            ]
        ).reshape(4, *_CELLS)
        self._sales[block.monday] = self._sales.get(block.monday, 0) + counts
        self._baskets += _count_pairs(owner, item)
        self._buyers.append(block.buyer[owner[block.first_units]])
        self._units.append(
            (
                serials(self.seed, block.unit).astype(np.int64),
                block.buyer[owner],
                item,
                block.price_cents - discount,
            )
        )

    def write(
        self,
        folder: Path,
        name: str,
        customers: Customers,
        returns: Returns,
        *,
        empty_too: bool = True,
    ) -> None:
        """Write every table's part under the name of the period.

        An empty table tells its columns; whoever writes often can leave it out.
        """
        for table, rows in self._tables(customers, returns).items():
            if rows.num_rows or empty_too:
                path = folder / table / f"{name}.parquet"
                write_table(path, rows, plain=("rfid_serial", "customer"))

    def _tables(self, customers: Customers, returns: Returns) -> dict[str, pa.Table]:
        serial, buyer, item, cents = (
            np.concatenate(c) if c else np.empty(0, np.int64) for c in _columns(self._units, 4)
        )
        return {
            "sales": self._sales_table(),
            "customers": self._customer_table(customers, buyer, cents),
            "regions": self._region_table(customers, buyer, item, cents),
            "baskets": self._basket_table(),
            "units": pa.table({"rfid_serial": serial, "customer": buyer.astype(np.int32)}),
            "returns": self._return_table(returns),
            "stock": self._stock_table(),
            "defects": self._defect_table(),
            "touched": pa.concat_tables([TOUCHED.empty_table(), *self.touched]),
        }

    def _sales_table(self) -> pa.Table:
        days, places, items, found = [], [], [], []
        for monday, counts in sorted(self._sales.items()):
            day, place, item = np.nonzero(counts[0])
            days += [monday + timedelta(days=d) for d in day.tolist()]
            places.append(place)
            items.append(item)
            found.append(counts[:, day, place, item])
        wanted, sold, gross, discount = np.concatenate(found, axis=1) if found else np.empty((4, 0))
        return pa.table(
            {
                "sale_date": pa.array(days, pa.date32()),
                "location_id": _named(LOCATIONS, np.concatenate(places) if places else []),
                "item_name": _named(_ITEMS, np.concatenate(items) if items else []),
                "units_wanted": wanted.astype(np.int64),
                "units_sold": sold.astype(np.int64),
                "gross_cents": gross.astype(np.int64),
                "discount_cents": discount.astype(np.int64),
            }
        )

    def _customer_table(self, customers: Customers, buyer: Indices, cents: Indices) -> pa.Table:
        placed = np.concatenate(self._buyers) if self._buyers else np.empty(0, np.int64)
        size = len(customers.rate)
        orders = np.bincount(placed, minlength=size)
        known = np.flatnonzero(orders)
        home = customers.home[known]
        regions = [place.region_code for place in customers.places]
        countries = [place.country_code for place in customers.places]
        return pa.table(
            {
                "period": pa.array([self.first] * len(known), pa.date32()),
                "customer": known.astype(np.int32),
                "region_code": _named(regions, home),
                "country_code": _named(countries, home),
                "orders": orders[known],
                "units": np.bincount(buyer, minlength=size)[known],
                "sales_cents": _sum(buyer, cents, size)[known],
            }
        )

    def _region_table(
        self, customers: Customers, buyer: Indices, item: Indices, cents: Indices
    ) -> pa.Table:
        regions = sorted({place.region_code for place in customers.places})
        of_place = np.array([regions.index(place.region_code) for place in customers.places])
        cell = of_place[customers.home[buyer]] * len(_ITEMS) + item
        units = np.bincount(cell, minlength=len(regions) * len(_ITEMS))
        known = np.flatnonzero(units)
        return pa.table(
            {
                "period": pa.array([self.first] * len(known), pa.date32()),
                "region_code": _named(regions, known // len(_ITEMS)),
                "item_name": _named(_ITEMS, known % len(_ITEMS)),
                "units": units[known],
                "sales_cents": _sum(cell, cents, len(units))[known],
            }
        )

    def _basket_table(self) -> pa.Table:
        # The order of names is the order of the table, whatever the order of the seed.
        by_name = np.argsort(_ITEMS)
        pairs = self._baskets[np.ix_(by_name, by_name)]
        pairs = np.triu(pairs) + np.tril(pairs, -1).T
        a, b = np.nonzero(pairs)
        names = [_ITEMS[i] for i in by_name]
        return pa.table(
            {
                "period": pa.array([self.first] * len(a), pa.date32()),
                "item_a": _named(names, a),
                "item_b": _named(names, b),
                "baskets": pairs[a, b],
            }
        )

    def _return_table(self, returns: Returns) -> pa.Table:
        shape = (len(LOCATIONS), len(_ITEMS), len(REASONS))
        days = returns.day - self.first.toordinal()
        cell = ((days * shape[0] + returns.location) * shape[1] + returns.item) * shape[2]
        known, position = np.unique(cell + returns.reason, return_inverse=True)
        return pa.table(
            {
                "return_date": pa.array(
                    [
                        self.first + timedelta(days=day)
                        for day in (known // (shape[0] * shape[1] * shape[2])).tolist()
                    ],
                    pa.date32(),
                ),
                "location_id": _named(LOCATIONS, known // (shape[1] * shape[2]) % shape[0]),
                "item_name": _named(_ITEMS, known // shape[2] % shape[1]),
                "reason": _named(REASONS, known % shape[2]),
                "units": np.bincount(position, minlength=len(known)),
                "refund_cents": _sum(position, returns.refund_cents, len(known)),
            }
        )

    def _stock_table(self) -> pa.Table:
        place, item = np.divmod(np.arange(len(LOCATIONS) * len(_ITEMS)), len(_ITEMS))
        weeks = len(self.stock)

        def counts(name: str) -> Indices:
            found = [getattr(week, name).ravel() for week in self.stock]
            return np.concatenate(found) if found else np.empty(0, np.int64)

        mondays = [week.monday for week in self.stock for _ in range(len(place))]
        return pa.table(
            {
                "week_start": pa.array(mondays, pa.date32()),
                "location_id": _named(LOCATIONS, np.tile(place, weeks)),
                "item_name": _named(_ITEMS, np.tile(item, weeks)),
                **{name: counts(name) for name in _STOCK},
            }
        )

    def _defect_table(self) -> pa.Table:
        types: list[Any] = [pa.string()] * 4 + [pa.date32()] * 2 + [pa.string()]
        # In an order of their own: in which blocks they were found must not show.
        rows = sorted(self.defects, key=lambda d: (d.sale_date, d.txid, d.rfid or "", d.defect))
        columns = zip(Defect._fields, _columns(rows, len(types)), types, strict=True)
        return pa.table({name: pa.array(values, kind) for name, values, kind in columns})


def _sum(cell: Indices, amounts: Indices, size: int) -> Indices:
    """Sum whole amounts by cell; doubles hold integers below 2^53 exactly."""
    return np.bincount(cell, weights=amounts, minlength=size).astype(np.int64)


def _count_pairs(owner: Indices, item: Indices) -> Indices:
    """Count the baskets that hold each pair of items, each once; on the diagonal, each item."""
    size = len(_ITEMS)
    follows = np.diff(owner, prepend=-1) == 0
    shared = follows | np.append(follows[1:], False)
    counts = np.bincount(item[~shared] * (size + 1), minlength=size * size)
    basket, held = np.divmod(np.unique(owner[shared] * size + item[shared]), size)
    counts += np.bincount(held * (size + 1), minlength=size * size)
    # The items of a basket lie side by side: at most five, so four neighbours see all pairs.
    for step in range(1, 5):
        same = basket[step:] == basket[:-step]
        a, b = held[:-step][same], held[step:][same]
        counts += np.bincount(a * size + b, minlength=size * size)
    return counts.reshape(size, size)


def _named(names: tuple[str, ...] | list[str], index: Any) -> pa.Array:
    return pa.array(list(names), pa.string()).take(pa.array(np.asarray(index, dtype=np.int64)))


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width
