"""The web store's export: one CSV line per code of an invoice, as Online Retail has them.

Dirt comes last and draws from streams of its own: the answer key is counted before it.
"""

from collections import defaultdict
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from generator.dirt import Dirt
from generator.growing import Feed, FeedDay, Rows, grow
from generator.invoices import Invoice, Kind, Line, WebStore, invoices_of, open_web_store
from generator.outlets import numbered
from generator.texts import euros
from generator.world import World

COLUMNS = [
    *("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate"),
    *("UnitPrice", "CustomerID", "Country"),
]
_NEVER_DIRTY = ["InvoiceNo", "Quantity", "InvoiceDate", "Country"]

TABLES = {
    "web_lines": pa.schema(
        [
            ("invoice_date", pa.date32()),
            ("stock_code", pa.string()),
            ("country", pa.string()),
            ("units_sold", pa.int64()),
            ("units_cancelled", pa.int64()),
            ("amount_cents", pa.int64()),
            ("refund_cents", pa.int64()),
        ]
    ),
    "web_defects": pa.schema(
        [
            ("defect", pa.string()),
            ("invoice_no", pa.string()),
            ("stock_code", pa.string()),
            ("day", pa.date32()),
            ("invoice_lines", pa.int64()),
            ("country", pa.string()),
            ("units_sold", pa.int64()),
            ("units_cancelled", pa.int64()),
            ("amount_cents", pa.int64()),
            ("refund_cents", pa.int64()),
        ]
    ),
}

_LINE_DEFECTS = [
    "web_missing_description",
    "web_zero_price",
    "web_code_in_lower_case",
    "web_exact_duplicate",
]


class WebError(Exception):
    """The web store's lines cannot be continued; the message says what to do."""


def write_web_lines(world: World, dirt: Dirt, folder: Path, key: Path, last_day: date) -> None:
    """Bring `folder/web_lines.csv` up to `last_day`, and its answer key.

    InvoiceDate is local time. The key counts figurines sold and cancelled, by day, SKU and
    country, and names each line that a defect hit by invoice and true code, with the number of
    lines of the invoice and what the line counts: nothing, where it is no figurine or a
    correction. Raises WebError when there is a
    file that is not this world's.
    """
    feed = Feed(
        path=folder / "web_lines.csv",
        columns=COLUMNS,
        date_column="InvoiceDate",
        fixed_columns=_NEVER_DIRTY,
        make_day=partial(_export, open_web_store(world), dirt),
        tables=TABLES,
        refusal=WebError,
    )
    grow(feed, key, world.first_day, last_day)


def _export(store: WebStore, dirt: Dirt, day: date) -> FeedDay:
    invoices = invoices_of(store, day)
    lines, defects = _soil(store.world.seed, dirt, day, invoices)
    return FeedDay(lines, {"web_lines": _answers(day, invoices), "web_defects": defects})


def _answers(day: date, invoices: list[tuple[str, Invoice]]) -> Rows:
    """Count figurines sold and cancelled; a correction of the stock is neither."""
    totals: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for _, invoice in invoices:
        for line in invoice.lines:
            counted = _counted(invoice, line)
            if any(counted):
                total = totals[line.code, invoice.country]
                total[:] = (a + b for a, b in zip(total, counted, strict=True))
    return [(day, *place, *total) for place, total in sorted(totals.items())]


def _counted(invoice: Invoice, line: Line) -> tuple[int, int, int, int]:
    """Return units sold, units cancelled, amount and refund of one line."""
    if invoice.kind is Kind.CORRECTION or not line.is_figurine:
        return 0, 0, 0, 0
    units = abs(line.quantity)
    amount = units * line.price_cents
    return (0, units, 0, amount) if invoice.kind is Kind.CANCELLATION else (units, 0, amount, 0)


def _soil(
    seed: int, dirt: Dirt, day: date, invoices: list[tuple[str, Invoice]]
) -> tuple[list[str], Rows]:
    """Render the day's lines with their defects, and list the defects.

    A customer is missing from a whole invoice: else its other lines would tell. The other
    defects hit single lines. Where a defect would change nothing, it has not happened.
    """
    anonymous = dirt.hits(seed, "web_missing_customer", numbered(day, len(invoices))).tolist()
    entries = [
        (number, invoice, line, unknown)
        for (number, invoice), unknown in zip(invoices, anonymous, strict=True)
        for line in invoice.lines
    ]
    counters = numbered(day, len(entries))
    hits = [dirt.hits(seed, defect, counters).tolist() for defect in _LINE_DEFECTS]
    lines: list[str] = []
    defects: Rows = []
    for (number, invoice, line, unknown), blank, free, lower, twice in zip(
        entries, *hits, strict=True
    ):
        happened = {
            "web_missing_customer": unknown and not blank and invoice.customer != "",
            "web_missing_description": blank,
            "web_zero_price": free and not blank and line.price_cents > 0,
            "web_code_in_lower_case": lower and line.is_figurine,
            "web_exact_duplicate": twice,
        }
        place = (number, line.code, day, len(invoice.lines), invoice.country)
        counted = _counted(invoice, line)
        defects.extend((name, *place, *counted) for name, has in happened.items() if has)
        fields = (
            number,
            line.code.lower() if lower and line.is_figurine else line.code,
            "" if blank else line.description,
            str(line.quantity),
            f"{day} {_clock_time(invoice.second)}",
            euros(0 if blank or free else line.price_cents),
            "" if blank or unknown else invoice.customer,
            invoice.country,
        )
        lines.extend([",".join(fields)] * (2 if twice else 1))
    return lines, defects


def _clock_time(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
