"""A question to the marts: rows of expected values, and rows of found ones."""

from dataclasses import dataclass

LINES = "marts.fct_sale_lines"

# Bits before the last 38 of a tag number the product, and tell nothing of the unit.
TRUE_CUSTOMER = """
    inner join key_units
        on cast('0x' || right(unit_id, 10) as bigint) & 274877906943 = rfid_serial"""


@dataclass(frozen=True)
class Question:
    """Two queries of the same columns; row by row, all that is measured must be equal.

    `keys` tell the rows apart: none for a single figure. `rows` is what a row is called.
    Measures ending in `_cents` are amounts, a `rank` is compared but not summed. Asked where
    `system` is loaded and `report` is built, and of clean worlds only where dirt leaves
    nothing exact.
    """

    text: str
    rows: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    expected: str
    found: str
    system: str = "pos"
    report: str = "fct_sale_lines"
    is_for_clean_worlds: bool = False


def cents(column: str) -> str:
    """Sum amounts, which are decimals in the marts and whole cents in the key."""
    return f"coalesce(cast(100 * sum({column}) as bigint), 0)"


SOLD = f"sum(units_sold) as units, {cents('sales_amount')} as sales_cents"
BACK = f"sum(units_returned) as units, {cents('refund_amount')} as refund_cents"


def figure(text: str, measure: str, expected: str, found: str) -> Question:
    """Ask for a single figure, given as two expressions."""
    return Question(
        text, "", (), (measure,), f"select {expected} as {measure}", f"select {found} as {measure}"
    )
