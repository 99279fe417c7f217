"""Where settled lines are kept for good.

Whatever the engine, lines are judged in DuckDB, in the raw tables of a connection, the bench.
On DuckDB that is the working file itself; Snowflake gets from a bench in memory what is settled
there. So there is one set of rules, and an engine only fetches and keeps.
"""

from typing import Protocol

from warehouse.connect import Connection, query, roll_back
from warehouse.feeds import Feed
from warehouse.repairing.settle import settle


class Engine(Protocol):
    """What a load asks of the place where its rows end up.

    The bench is in a transaction from before the first row of a group until `keep` or `undo`.
    """

    @property
    def most_bytes_at_once(self) -> int:
        """How many bytes of landing files may share a transaction."""

    def fetch_rivals(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Bring to the bench the older rows that the new ones, from `first_seq` on, may repeat."""

    def keep(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Commit the new rows with their books, all or nothing."""

    def undo(self, bench: Connection) -> None:
        """Forget what was not committed."""

    def finish(self, bench: Connection) -> None:
        """Mark refused lines that a repair has replaced, and keep what the last group left."""


class WorkingFile:
    """DuckDB: the bench is where the rows stay, and has all older ones."""

    most_bytes_at_once = 256 << 20

    def fetch_rivals(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Do nothing: they are there."""

    def keep(self, bench: Connection, feed: Feed, first_seq: int) -> None:
        """Commit."""
        query(bench, "commit")

    def undo(self, bench: Connection) -> None:
        """Roll back."""
        roll_back(bench)

    def finish(self, bench: Connection) -> None:
        """Settle repairs, in a transaction of their own."""
        settle(bench)


WORKING_FILE = WorkingFile()
