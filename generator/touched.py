"""What was true of the units that a defect reaches, and of those bought with them.

The key counts what happened; a defect moves the counts of what is told of it. How far can be
computed only from what each unit was: the item of a line that is lost, the region of an
address that is left out, whether a unit that never came in came back.
"""

from datetime import date

import numpy as np
import pyarrow as pa

from generator.catalogue import read_catalogue
from generator.customers import Customers
from generator.damage import RETURN_DEFECTS, UNIT_DEFECTS
from generator.defects import TOUCHED
from generator.dirt import Dirt
from generator.identifiers import sgtin96, uuid7
from generator.orders import Block
from generator.randomness import Indices
from generator.returns import REASONS, Returns
from generator.stock import LOCATIONS
from generator.texts import strings


def touch(seed: int, dirt: Dirt, customers: Customers, block: Block, returns: Returns) -> pa.Table:
    """Return the units of every order whose units, returns or address a defect reaches.

    `returns` are those drawn for the block.
    """
    # Returns keep the order of the units that come back.
    came_back = np.flatnonzero(np.isin(block.unit, returns.unit))
    hit = np.zeros(len(block.unit), dtype=np.bool_)
    for name in UNIT_DEFECTS:
        hit |= dirt.hits(seed, name, block.unit)
    for name in RETURN_DEFECTS:
        hit[came_back] |= dirt.hits(seed, name, returns.unit)
    orders = dirt.hits(seed, "missing_address", block.order)
    orders[block.owner[hit]] = True
    units = np.flatnonzero(orders[block.owner])
    return_of = np.full(len(block.unit), -1, dtype=np.int64)
    return_of[came_back] = np.arange(len(came_back))
    return _table(seed, customers, block, units, returns, return_of[units])


def _table(
    seed: int,
    customers: Customers,
    block: Block,
    units: Indices,
    returns: Returns,
    return_of: Indices,
) -> pa.Table:
    owner, item = block.owner[units], block.item[units]
    home = customers.home[block.buyer[owner]]
    regions = [place.region_code for place in customers.places]
    countries = [place.country_code for place in customers.places]
    names = [item.name for item in read_catalogue()]
    back = pa.array(return_of, mask=return_of < 0)
    return pa.table(
        [
            strings(uuid7(seed, block.moment // np.uint64(1000), block.order)[owner]),
            strings(sgtin96(seed, block.unit[units], block.reference[units])),
            _dates(block.monday.toordinal() + block.day[owner]),
            pa.array(LOCATIONS).take(pa.array(block.location[owner])),
            pa.array(names).take(pa.array(item)),
            pa.array(block.buyer[owner].astype(np.int32)),
            pa.array(regions).take(pa.array(home)),
            pa.array(countries).take(pa.array(home)),
            pa.array(block.price_cents[units], pa.int64()),
            pa.array(block.discount_cents[units], pa.int64()),
            _dates(returns.day).take(back),
            pa.array(REASONS).take(pa.array(returns.reason)).take(back),
        ],
        schema=TOUCHED,
    )


def _dates(ordinals: Indices) -> pa.Array:
    days = ordinals - date(1970, 1, 1).toordinal()
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())
