"""Asks every question that the key can answer, and prints the grade."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from rich.console import Console
from rich.table import Table

from warehouse.connect import Connection, query
from warehouse.grading.calendar import CALENDAR
from warehouse.grading.customers import LEAST_PRECISION, LEAST_RECALL, count_pairs
from warehouse.grading.key import World, open_key
from warehouse.grading.others import OTHERS
from warehouse.grading.pairs import PAIRS
from warehouse.grading.quality import QUALITY
from warehouse.grading.question import Question
from warehouse.grading.recommendations import RECOMMENDATIONS
from warehouse.grading.reports import REPORTS
from warehouse.grading.returns import RETURNS
from warehouse.grading.segments import SEGMENTS
from warehouse.grading.stock import STOCK
from warehouse.grading.tills import TILLS
from warehouse.grading.told import work_out

_QUESTIONS = (
    *(*REPORTS, *TILLS, *OTHERS, *PAIRS, *RECOMMENDATIONS, *CALENDAR, *RETURNS, *SEGMENTS),
    *(*STOCK, *QUALITY),
)
_WIDTH_OF_A_FILE = 140  # where there is no terminal to ask
_MOST_ROWS = 5
_NAMES = {"pos": "tills", "shops": "partner shops", "web": "web store"}


Row = tuple[str, str, str]


@dataclass(frozen=True)
class Line:
    """One line of the grade; without a verdict, the question could not be asked."""

    question: str
    expected: str
    found: str
    is_equal: bool | None
    differences: list[Row] = field(default_factory=list)


def grade(connection: Connection, key: Path) -> list[Line]:
    """Hold the marts against the key. Raises WarehouseError where that cannot be done."""
    world = open_key(connection, key)
    work_out(connection, world)
    lines = [
        _answer(connection, world, question)
        for question in _QUESTIONS
        if world.is_clean or not question.is_for_clean_worlds
    ]
    return lines + (_resolution(connection, world) if "pos" in world.loaded else [])


def print_grade(lines: list[Line]) -> bool:
    """Print every line and the sum; tell whether every answer equals the key."""
    table = Table("Question", "Expected", "Found", "")
    for line in lines:
        mark = {True: "✓", False: "✗", None: "–"}[line.is_equal]
        table.add_row(line.question, line.expected, line.found, mark)
        for difference in line.differences:
            table.add_row(*difference, "")
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(table)
    verdicts = [line.is_equal for line in lines if line.is_equal is not None]
    console.print(f"{sum(verdicts)} of {len(verdicts)} answers equal the key.")
    return all(verdicts)


def _answer(connection: Connection, world: World, question: Question) -> Line:
    if question.system not in world.loaded:
        return Line(question.text, "", f"{_NAMES[question.system]} not loaded", None)
    if question.report not in world.built:
        return Line(question.text, "", f"{question.report} not built", None)
    for side in ("expected", "found"):
        query(connection, f"create or replace temp table {side} as {getattr(question, side)}")
    differences, told = _differences(connection, question)
    return Line(
        question.text,
        _sum(connection, question, "expected"),
        _sum(connection, question, "found"),
        differences == 0,
        told,
    )


def _sum(connection: Connection, question: Question, side: str) -> str:
    """Put one side in words: how many rows, and what they add up to."""
    summed = [measure for measure in question.measures if measure != "rank"]
    sums = ", ".join(f"coalesce(sum({measure}), 0)" for measure in summed)
    [(rows, *values)] = query(connection, f"select count(*), {sums} from {side}")
    words = [_counted(rows, question.rows)] if question.rows else []
    for measure, value in zip(summed, values, strict=True):
        words.append(_worded(measure, value))
    return ", ".join(words)


def _differences(connection: Connection, question: Question) -> tuple[int, list[Row]]:
    """Count the rows that are not the same on both sides, and show the first of them."""
    keys, measures = question.keys, question.measures
    equal = " and ".join(f"expected.{key} is not distinct from found.{key}" for key in keys)
    other = " or ".join(f"expected.{m} is distinct from found.{m}" for m in measures)
    shown = ", ".join(
        [f"coalesce(expected.{key}, found.{key})" for key in keys]
        + [f"{side}.{measure}" for side in ("expected", "found") for measure in measures]
    )
    sql = f"select {shown} from expected full join found on {equal or 'true'} where {other}"
    [(count,)] = query(connection, f"select count(*) from ({sql})")
    rows = query(connection, f"{sql} order by all limit {_MOST_ROWS}") if count else []
    told = []
    for row in rows:
        place = " · ".join(str(value) for value in row[: len(keys)])
        sides = row[len(keys) : len(keys) + len(measures)], row[len(keys) + len(measures) :]
        unequal = [i for i in range(len(measures)) if sides[0][i] != sides[1][i]]
        expected, found = (
            ", ".join(_worded(measures[i], values[i]) for i in unequal) for values in sides
        )
        told.append((f"  {place}", expected, found))
    if count > len(rows):
        told.append((f"  … and {count - len(rows):,} more", "", ""))
    return count, told if keys else []


def _worded(measure: str, value: int | None) -> str:
    """Put a value in words: "1 unit", "12.50 sales"."""
    name = measure.removesuffix("_cents").replace("_", " ")
    if value is None:
        return f"no {name}"
    if measure.endswith("_cents"):
        return f"{int(value) / 100:,.2f} {name}"
    if measure == "rank":
        return f"rank {value}"
    return _counted(int(value), name)


def _counted(number: int, plural: str) -> str:
    """Put a number before its noun: "1 unit", "2,114 units returned", "8 countries"."""
    first, _, rest = plural.partition(" ")
    one = f"{first[:-3]}y" if first.endswith("ies") else first.removesuffix("s")
    return f"{number:,} {one if number == 1 else first} {rest}".rstrip()


def _resolution(connection: Connection, world: World) -> list[Line]:
    """Grade who is taken for whom: exactly in a clean world, by its limits in a dirty one."""
    pairs = count_pairs(connection)
    limits = (Fraction(1), Fraction(1)) if world.is_clean else (LEAST_PRECISION, LEAST_RECALL)
    names = ("precision", "recall")
    shares = (pairs.precision, pairs.recall)
    return [
        Line(
            f"Customers: {name} over pairs of orders",
            f"{'' if world.is_clean else 'at least '}{float(limit):.4f}",
            # Rounded down: what is not quite 1 does not read as 1.
            f"{int(share * 10_000) / 10_000:.4f}",
            share >= limit,
        )
        for name, share, limit in zip(names, shares, limits, strict=True)
    ]
