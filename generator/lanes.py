"""The two ways a file of orders is written: lines of text, which dirt may damage, or columns."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from generator.damage import Damage
from generator.defects import Defect
from generator.dirt import Dirt
from generator.files import Target, line_file, table_file, write_table
from generator.orders import Block
from generator.people import Identities
from generator.randomness import Indices
from generator.records import (
    ORDER_IDS,
    ORDER_SCHEMA,
    order_lines,
    order_table,
    person_columns,
    person_texts,
    table_lines,
)

Write = Callable[[Block], list[Defect]]


class Lane(Protocol):
    """A way to write files of orders."""

    def open(self, path: Path) -> AbstractContextManager[Write]:
        """Open a whole file; what is given takes blocks, and tells the defects in them."""

    def live_through(self, block: Block) -> None:
        """Hear of orders whose file is written elsewhere: some of their lines come later."""


class LineLane:
    """Lines of JSON; after those of each day, what arrives late on it."""

    def __init__(self, seed: int, people: Identities, dirt: Dirt) -> None:
        self._seed = seed
        self._persons = person_texts(people)
        self._damage = Damage(seed, dirt) if dirt.reaches_tills else None

    @contextmanager
    def open(self, path: Path) -> Iterator[Write]:
        """Open a whole file for blocks of orders, packed when its name ends in .gz."""
        with line_file(path) as target:
            yield lambda block: self._write(target, block)

    def live_through(self, block: Block) -> None:
        """Keep the lines of other days that arrive later."""
        if self._damage:
            self._spoil(self._damage, block, self._damage.echoing_units(block))

    def _write(self, target: Target, block: Block) -> list[Defect]:
        every = np.arange(len(block.unit))
        if self._damage is None:
            write_lines(target, order_lines(self._seed, block, every, self._told(block, every)))
            return []
        lines, defects = self._spoil(self._damage, block, every)
        day_of_unit = block.day[block.owner]
        for day in block.days:
            rows = np.flatnonzero(day_of_unit == (day - block.monday).days)
            write_lines(target, lines.take(pa.array(rows)))
            if day != block.days[-1] or block.ends_day:
                for echo in self._damage.echoes.pop(day, ()):
                    target.write(echo)
        return defects

    def _spoil(
        self, damage: Damage, block: Block, units: Indices
    ) -> tuple[pa.BinaryArray, list[Defect]]:
        persons, found = damage.damage_persons(block, units, self._told(block, units))
        lines = order_lines(self._seed, block, units, persons)
        lines, more = damage.damage_lines(block, units, lines)
        return lines, found + more

    def _told(self, block: Block, units: Indices) -> pa.BinaryArray:
        return self._persons.take(pa.array(block.buyer[block.owner[units]]))


class TableLane:
    """Columns of Parquet, which are always clean."""

    def __init__(self, seed: int, people: Identities) -> None:
        self._seed = seed
        self._persons = person_columns(people)

    @contextmanager
    def open(self, path: Path) -> Iterator[Write]:
        """Open a whole file for blocks of orders."""
        with table_file(path, ORDER_SCHEMA, plain=ORDER_IDS) as target:

            def write(block: Block) -> list[Defect]:
                target.write(order_table(self._seed, block, self._persons))
                return []

            yield write

    def live_through(self, block: Block) -> None:
        """Do nothing: nothing is late."""


def open_lane(format: str, seed: int, people: Identities, dirt: Dirt) -> Lane:
    """Return the lane of a format: `ndjson`, `ndjson.gz` or `parquet`."""
    return TableLane(seed, people) if format == "parquet" else LineLane(seed, people, dirt)


def write_feed(path: Path, table: pa.Table) -> None:
    """Write a feed that is small enough to be one table, in the format its name ends in."""
    if path.suffix == ".parquet":
        write_table(path, table)
    else:
        with line_file(path) as target:
            write_lines(target, table_lines(table))


def write_lines(target: Target, lines: pa.BinaryArray) -> None:
    """Write lines as they lie in memory, one after the other."""
    if len(lines):
        _, offsets, data = lines.buffers()
        bounds = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
        target.write(memoryview(data)[bounds[0] : bounds[-1]])
