"""The contract of each feed: what its files are, their fields, and when two lines are one."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "code", "json", "timestamp", "date", "integer", "money", "price"]


@dataclass(frozen=True)
class Field:
    """One field of a record and the raw column of the same name.

    `kind` says what its text must be: text (a string, a number or a boolean, as its text), code
    (a text that loses the `.0` that spreadsheets add), json (an object), timestamp, date,
    integer, money (not below 0, two decimals) or price (four decimals, below 0 too).
    `aliases` are other names that the header of a CSV file may give it; spelling, accents and
    capitals do not matter there. `is_optional` columns may be absent from a CSV header.
    `is_personal` marks what says who a person is or how to reach her: it is never published, and
    masked on Snowflake. Texts that anything may be written in are no such field; an erasure
    searches them (`warehouse/erasing/tombstones.py`).
    """

    name: str
    kind: Kind = "text"
    is_required: bool = False
    aliases: tuple[str, ...] = ()
    is_optional: bool = False
    is_personal: bool = False


@dataclass(frozen=True)
class Feed:
    """A sub-folder of the landing folder and the raw table that takes its lines.

    `key` names the fields that say which record a line is about: a second line with the same
    key and the same content is a duplicate, with another content a correction. A feed whose
    lines have no key of their own is told apart by count instead (`key` is empty): the n-th
    of several equal lines of a file is the n-th everywhere. Where each file repeats all that
    there is (`is_snapshot`), its lines are held against the newest version only: a price that
    is what it was before is news, while an order that is sent again is not.
    """

    name: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    is_csv: bool = False
    is_snapshot: bool = False
    extra_reasons: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, which are those of the raw columns."""
        return tuple(field.name for field in self.fields)

    @property
    def columns(self) -> str:
        """The raw columns that come from the record, for SQL."""
        return ", ".join(self.names)

    @property
    def is_counted(self) -> bool:
        """Whether equal lines may be told apart by count only; `_copy` holds the number."""
        return not self.key or any(f.name in self.key and f.is_optional for f in self.fields)


ORDERS = Feed(
    name="orders",
    table="client_support_orders",
    key=("txid", "rfid"),
    fields=(
        Field("txid", is_required=True),
        Field("rfid", is_required=True),
        Field("item", is_required=True),
        Field("purchase_time", "timestamp", is_required=True),
        Field("name", is_personal=True),
        Field("address", "json", is_personal=True),
        Field("phone", is_personal=True),
        Field("email", is_personal=True),
        Field("emergency_contact", "json", is_personal=True),
        Field("expiration_time", "date"),
        Field("days", "integer"),
        Field("unit_price", "money"),
        Field("discount", "money"),
        Field("channel"),
        Field("store_id"),
    ),
    extra_reasons=(("discount > unit_price", "bad_discount"),),
)

RETURNS = Feed(
    name="returns",
    table="client_support_returns",
    key=("txid", "rfid"),
    fields=(
        Field("txid", is_required=True),
        Field("rfid", is_required=True),
        Field("return_time", "timestamp", is_required=True),
        Field("reason"),
        Field("refund_amount", "money"),
    ),
)

STOCK = Feed(
    name="stock",
    table="stock_movements",
    key=("movement_id",),
    fields=(
        Field("movement_id", is_required=True),
        Field("sku", is_required=True),
        Field("location_id", is_required=True),
        Field("kind", is_required=True),
        Field("quantity", "integer", is_required=True),
        Field("moved_at", "timestamp", is_required=True),
    ),
)

TILL_ACTS = Feed(
    name="till_acts",
    table="till_acts",
    key=("act_id",),
    fields=(
        Field("act_id", is_required=True),
        Field("kind", is_required=True),
        Field("time", "timestamp", is_required=True),
        Field("payload", "json", is_required=True, is_personal=True),
    ),
)

# As partner shops name their columns, in English and in French.
_PRODUCT = ("id produit", "référence produit", "id référence produit")
_STORE = ("id magasin", "magasin")

SHOPS_PRODUCTS = Feed(
    name="shops_products",
    table="shop_products",
    key=("product_id",),
    is_csv=True,
    is_snapshot=True,
    fields=(
        Field("product_id", "code", is_required=True, aliases=("id", *_PRODUCT)),
        Field("name", is_required=True, aliases=("nom", "product name", "nom produit")),
        Field("price", "money", is_required=True, aliases=("prix", "unit price")),
        Field("stock", "integer", is_optional=True, aliases=("stock quantity", "quantité stock")),
    ),
)

SHOPS_STORES = Feed(
    name="shops_stores",
    table="shop_stores",
    key=("store_id",),
    is_csv=True,
    is_snapshot=True,
    fields=(
        Field("store_id", "code", is_required=True, aliases=("id", *_STORE)),
        Field("city", is_required=True, aliases=("ville",)),
        Field("region", is_optional=True, aliases=("région",)),
        Field(
            "employees",
            "integer",
            is_optional=True,
            aliases=("nombre de salariés", "salariés", "effectif"),
        ),
    ),
)

SHOPS_SALES = Feed(
    name="shops_sales",
    table="shop_sales",
    key=("sale_id",),
    is_csv=True,
    is_snapshot=True,
    fields=(
        Field(
            "sale_id",
            "code",
            is_required=True,
            is_optional=True,
            aliases=("id", "id vente", "numéro vente"),
        ),
        Field("date", "date", is_required=True, aliases=("sale date", "date vente")),
        Field("product", "code", is_required=True, aliases=("product_id", "produit", *_PRODUCT)),
        Field("store", "code", is_required=True, aliases=("store_id", *_STORE)),
        Field("quantity", "integer", is_required=True, aliases=("quantité", "qty")),
    ),
)

WEB_LINES = Feed(
    name="web_lines",
    table="web_order_lines",
    is_csv=True,
    fields=(
        Field("invoiceno", "code", is_required=True, aliases=("invoice",)),
        Field("stockcode", "code", is_required=True),
        Field("description"),
        Field("quantity", "integer", is_required=True),
        Field("invoicedate", "timestamp", is_required=True),
        Field("unitprice", "price", is_required=True, aliases=("price",)),
        Field("customerid", "code", is_personal=True),
        Field("country"),
    ),
)

_ALL = (
    *(ORDERS, RETURNS, STOCK, TILL_ACTS),
    *(SHOPS_PRODUCTS, SHOPS_STORES, SHOPS_SALES, WEB_LINES),
)
FEEDS = {feed.name: feed for feed in _ALL}

# What `fetch --feed shops` stands for: several files under one address.
SYSTEMS = {
    "shops": (SHOPS_PRODUCTS, SHOPS_STORES, SHOPS_SALES),
    "web": (WEB_LINES,),
}
