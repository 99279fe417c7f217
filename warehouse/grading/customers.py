"""Who is taken for whom: pairs of orders of one customer, true and found.

Of all pairs of orders that the marts give to one customer, precision is the share that one
person placed; of all pairs that one person placed, recall is the share that the marts give to
one customer. The customer "unknown" is nobody: two orders of hers are no pair that was found.
A unit's tag tells who bought it.
"""

from dataclasses import dataclass
from fractions import Fraction

from warehouse.connect import Connection, query
from warehouse.grading.question import TRUE_CUSTOMER

# In a dirty world: who leaves out e-mail and phone cannot be found again.
LEAST_PRECISION, LEAST_RECALL = Fraction(99, 100), Fraction(90, 100)


@dataclass(frozen=True)
class Pairs:
    """How many pairs of orders are truly of one customer, found to be, and both."""

    true: int
    found: int
    both: int

    @property
    def precision(self) -> Fraction:
        """The share of the pairs found that are true; 1 where none is found."""
        return Fraction(self.both, self.found) if self.found else Fraction(1)

    @property
    def recall(self) -> Fraction:
        """The share of the true pairs that are found."""
        return Fraction(self.both, self.true) if self.true else Fraction(1)


def count_pairs(connection: Connection) -> Pairs:
    """Count the pairs of the tills' orders."""
    [(true, found, both)] = query(connection, _PAIRS)
    return Pairs(int(true), int(found), int(both))


_PAIRS = f"""
with
orders as (
    select
        order_id,
        any_value(customer_id) as customer_id,
        any_value(customer) as customer
    from marts.fct_sale_lines
    {TRUE_CUSTOMER}
    where source_system = 'pos'
    group by order_id
),
cells as (
    select customer, customer_id, count(*) as orders
    from orders
    group by all
),
of_true as (
    select sum(orders) as orders from cells group by customer
),
of_found as (
    select sum(orders) as orders from cells where customer_id <> 'unknown' group by customer_id
)
select
    (select coalesce(sum(orders * (orders - 1) / 2), 0) from of_true),
    (select coalesce(sum(orders * (orders - 1) / 2), 0) from of_found),
    (select coalesce(sum(orders * (orders - 1) / 2), 0) from cells where customer_id <> 'unknown')
"""
