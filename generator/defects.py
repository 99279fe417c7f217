"""The records of the key that tell what went wrong, and with what."""

from datetime import date
from typing import NamedTuple

import pyarrow as pa

# The units of every order that a defect reaches, as they truly were.
TOUCHED = pa.schema(
    {
        **dict.fromkeys(("txid", "rfid"), pa.string()),
        "sale_date": pa.date32(),
        **dict.fromkeys(("location_id", "item_name"), pa.string()),
        "customer": pa.int32(),
        **dict.fromkeys(("region_code", "country_code"), pa.string()),
        **dict.fromkeys(("gross_cents", "discount_cents"), pa.int64()),
        "return_date": pa.date32(),
        "return_reason": pa.string(),
    }
)


class Defect(NamedTuple):
    """One thing that went wrong on the way; `detail` is what the warehouse may look for."""

    feed: str
    defect: str
    txid: str
    rfid: str | None
    sale_date: date
    arrives_on: date
    detail: str | None = None
