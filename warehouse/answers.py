"""The four answers of the house, read from the published marts and printed as a table."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from command_line import count
from warehouse.connect import Connection, query

_WIDTH_OF_A_FILE = 110  # where there is no terminal to ask
_MOST_LINES = 5


@dataclass(frozen=True)
class Answer:
    """A question, the rows that answer it, best first, and how to put a row in words."""

    question: str
    query: str
    words: Callable[..., tuple[str, str]]


def _amount(value: object, currency: str) -> str:
    return f"{value:,.2f} {currency}" if value is not None else "no amount known"


ANSWERS = (
    Answer(
        "Best seller",
        "select item_name, units_sold, sales_amount, currency from marts.rpt_best_sellers "
        "where sales_rank = 1 and units_sold > 0 order by item_name",
        lambda item, units, *money: (item, f"{count(units, 'unit')}, {_amount(*money)}"),
    ),
    Answer(
        "Statue Corentin Nu Gold",
        "select units_sold, share_of_units, customers "
        "from marts.rpt_corentin_nu_gold where units_sold > 0",
        lambda units, share, customers: (
            f"{count(units, 'unit')} sold",
            f"{share:.2%} of all units, to {count(customers, 'customer')}",
        ),
    ),
    Answer(
        "Most loyal customers",
        "select customer_id, orders_placed, months_active, sales_amount, currency "
        "from marts.rpt_loyal_customers where loyalty_rank <= 3 "
        "order by loyalty_rank, customer_id",
        lambda customer, orders, months, *money: (
            customer,
            f"{count(orders, 'order')} in {count(months, 'month')}, {_amount(*money)}",
        ),
    ),
    Answer(
        "Top region",
        "select region_name, units_sold, sales_amount, currency from marts.rpt_top_regions "
        "where sales_rank = 1 and units_sold > 0 order by region_name",
        lambda region, units, *money: (region, f"{count(units, 'unit')}, {_amount(*money)}"),
    ),
)


def print_answers(connection: Connection) -> None:
    """Print the answers in their order; ties stand below each other."""
    table = Table(show_header=False, show_lines=True)
    for answer in ANSWERS:
        rows = query(connection, answer.query)
        found = [answer.words(*row) for row in rows[:_MOST_LINES]] or [("none so far", "")]
        if len(rows) > _MOST_LINES:
            found.append((f"… and {len(rows) - _MOST_LINES:,} more", ""))
        table.add_row(
            answer.question,
            "\n".join(name for name, _ in found),
            "\n".join(detail for _, detail in found),
        )
    console = Console(markup=False, emoji=False)  # an item may be named "[b]"
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(table)
