import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.dirt import HEAVY, Dirt, read_dirt
from generator.invoices import (
    CANCELLATION_RATE,
    CODES,
    CORRECTION_RATE,
    COUNTRY_WEIGHTS,
    MAX_DAYS_LATER,
    MISTAKE_RATE,
    ORDERS_PER_INVOICE,
)
from generator.web import WebError, write_web_lines
from generator.world import World

FIRST = date(2024, 11, 21)
CLEAN, DIRTY = read_dirt("none"), read_dirt("heavy")
YEAR = World(42, 120_000, 365, FIRST)  # 3,000 invoices of about ten lines
SMALL = World(7, 2_000, 60, FIRST)  # no invoice on some days


def read_seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


PRICES = {row["sku"]: int(row["unit_price"].replace(".", "")) for row in read_seed("catalogue")}


@dataclass(frozen=True)
class Line:
    """A line of the file, parsed."""

    number: str
    code: str
    description: str
    quantity: int
    moment: datetime
    cents: int
    customer: str
    country: str

    @property
    def cancels(self) -> bool:
        return self.number.startswith("C")

    @property
    def corrects(self) -> bool:
        return self.quantity < 0 and not self.cancels

    @property
    def sku(self) -> str:
        return self.code.upper()


def write(world: World, dirt: Dirt, data: Path, last_day: date) -> Path:
    write_web_lines(world, dirt, data / "remote", data / "key", last_day)
    return data / "remote" / "web_lines.csv"


def read(data: Path) -> list[Line]:
    with (data / "remote" / "web_lines.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [
        Line(
            number,
            code,
            description,
            int(quantity),
            datetime.strptime(moment, "%Y-%m-%d %H:%M:%S"),  # noqa: DTZ007 - local by contract
            int(price.replace(".", "")),
            customer,
            country,
        )
        for number, code, description, quantity, moment, price, customer, country in rows[1:]
    ]


def read_key(data: Path, table: str) -> list[tuple]:
    tables = [pq.read_table(part) for part in sorted((data / "key" / table).iterdir())]
    return [tuple(row.values()) for row in pa.concat_tables(tables).to_pylist()] if tables else []


def recount(lines: list[Line]) -> dict[tuple, list[int]]:
    """Count units sold, units cancelled, amount and refund of the figurines."""
    totals = defaultdict(lambda: [0, 0, 0, 0])
    for line in lines:
        if line.sku in PRICES and not line.corrects:
            total = totals[line.moment.date(), line.sku, line.country]
            total[line.cancels] += abs(line.quantity)
            total[2 + line.cancels] += abs(line.quantity) * line.cents
    return dict(totals)


def answers(data: Path) -> dict[tuple, list[int]]:
    return {row[:3]: list(row[3:]) for row in read_key(data, "web_lines")}


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def near(count: int, tries: int, share: float) -> bool:
    """Tell whether a count of successes lies within four standard deviations."""
    return abs(count - tries * share) <= 4 * (tries * share * (1 - share)) ** 0.5


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("clean")
    write(YEAR, CLEAN, data, YEAR.last_planned_day)
    return data


@pytest.fixture(scope="module")
def dirty(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("dirty")
    write(YEAR, DIRTY, data, YEAR.last_planned_day)
    return data


@pytest.fixture(scope="module")
def lines(clean) -> list[Line]:
    return read(clean)


@pytest.fixture(scope="module")
def invoices(lines) -> dict[str, list[Line]]:
    found = defaultdict(list)
    for line in lines:
        found[line.number].append(line)
    return dict(found)


def kinds(invoices: dict[str, list[Line]]) -> Counter:
    """Count sales, cancellations and corrections."""
    return Counter(
        "cancellation" if of[0].cancels else "correction" if of[0].corrects else "sale"
        for of in invoices.values()
    )


def test_the_file_has_the_columns_of_online_retail(clean):
    header = (clean / "remote" / "web_lines.csv").read_text("utf-8").splitlines()[0]
    assert header == (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    )


def test_an_invoice_is_one_moment_one_customer_and_different_codes(invoices):
    for of in invoices.values():
        assert len({(line.moment, line.customer, line.country) for line in of}) == 1
        assert len({line.code for line in of}) == len(of)


def test_invoice_numbers_rise_with_time(lines):
    moments = [(line.moment, int(line.number.removeprefix("C"))) for line in lines]
    assert moments == sorted(moments)
    number_of = [line.number.removeprefix("C") for line in lines]
    assert len(set(number_of)) == 1 + sum(a != b for a, b in pairwise(number_of))


def test_there_is_a_sale_for_every_forty_orders(invoices):
    # Each day rounds at random: a variance of at most a quarter.
    expected = YEAR.orders / ORDERS_PER_INVOICE
    assert abs(kinds(invoices)["sale"] - expected) <= 4 * (YEAR.days / 4) ** 0.5


def test_a_customer_has_one_country_most_often_france(lines):
    homes = {(line.customer, line.country) for line in lines if line.customer}
    assert len(homes) == len(dict(homes)) > 400
    assert all(12_346 <= int(customer) <= 99_999 for customer, _ in homes)
    assert set(COUNTRY_WEIGHTS) <= {row["country_name"] for row in read_seed("countries")}
    found = Counter(country for _, country in homes)
    total = sum(COUNTRY_WEIGHTS.values())
    assert all(near(found[c], len(homes), w / total) for c, w in COUNTRY_WEIGHTS.items())


def test_figurines_cost_about_what_the_catalogue_says(lines):
    sold = [line for line in lines if line.sku in PRICES and not line.corrects]
    names = {row["sku"]: row["item_name"] for row in read_seed("catalogue")}
    assert all(line.description == names[line.code] for line in sold)
    percents = Counter(round(100 * line.cents / PRICES[line.code]) for line in sold)
    assert set(percents) == {90, 95, 100, 105}
    assert near(percents[100], len(sold), 0.80)


def test_a_few_lines_are_no_merchandise(lines):
    others = [line for line in lines if line.code not in PRICES]
    assert {(line.code, line.description) for line in others} <= {code[:2] for code in CODES}
    assert 0.0040 < len(others) / len(lines) < 0.0072  # 0.56 % in Online Retail
    assert all(line.quantity == 1 and line.cents > 0 for line in others)
    assert len({line.cents for line in others if line.code == "M"}) > 5


def test_cancellations_and_corrections_have_their_shares(lines, invoices):
    found = kinds(invoices)
    cancelled = (CANCELLATION_RATE + MISTAKE_RATE) / 1e6  # a few fall after the year
    assert near(found["cancellation"], found["sale"], cancelled)
    assert near(found["correction"], found["sale"], CORRECTION_RATE / 1e6)
    assert 0.14 < found["cancellation"] / len(invoices) < 0.165
    assert 0.016 < sum(line.cancels for line in lines) / len(lines) < 0.020
    assert 0.0025 < sum(line.corrects for line in lines) / len(lines) < 0.0040


def test_a_cancellation_takes_back_an_earlier_sale(lines):
    sold = defaultdict(list)
    waits = Counter()
    for line in lines:
        if line.cancels:
            earlier = [
                sale
                for sale in sold[line.customer, line.code, line.cents, line.country]
                if sale.quantity >= -line.quantity > 0
                and timedelta(0) < line.moment - sale.moment
                and (line.moment.date() - sale.moment.date()).days <= MAX_DAYS_LATER
            ]
            assert earlier, line
            waits[(line.moment.date() - earlier[-1].moment.date()).days] += 1
        elif not line.corrects:
            sold[line.customer, line.code, line.cents, line.country].append(line)
    assert waits[0] > 10
    assert max(waits) > 20
    assert sum(waits[wait] for wait in range(5)) > sum(waits.values()) / 2


def test_an_extreme_order_is_cancelled_within_minutes(lines):
    extreme = [line for line in lines if abs(line.quantity) > 100]
    sales = [line for line in extreme if not line.cancels]
    assert near(len(sales), 3_000, MISTAKE_RATE / 1e6)
    assert len(extreme) == 2 * len(sales) > 2
    for sale in sales:
        (undone,) = [
            line
            for line in extreme
            if line.cancels and (line.customer, line.code) == (sale.customer, sale.code)
        ]
        assert undone.quantity == -sale.quantity
        assert timedelta(minutes=1) <= undone.moment - sale.moment < timedelta(minutes=15)


def test_a_clean_file_lacks_nothing(lines, clean):
    assert read_key(clean, "web_defects") == []
    assert len(set(lines)) == len(lines)
    for line in lines:
        assert line.description
        assert line.code in (line.sku, "gift_0001_20")
        assert (line.customer == "") == (line.cents == 0) == line.corrects


def test_the_key_counts_what_a_clean_file_says(lines, clean):
    assert answers(clean) == recount(lines)
    assert len(read_key(clean, "web_lines")) == len(answers(clean)) > 10_000


def test_dirt_leaves_the_key_as_it_is(clean, dirty):
    assert read_key(dirty, "web_lines") == read_key(clean, "web_lines")


def test_undoing_the_recorded_defects_gives_the_clean_file_back(lines, dirty):
    """The key tells where each defect is; what it took away stands in the clean file."""
    defects = defaultdict(set)
    for defect, number, code, moment, *_ in read_key(dirty, "web_defects"):
        defects[number, code].add((defect, moment))
    found = iter(read(dirty))
    for line in lines:
        hit = {defect for defect, _ in defects.get((line.number, line.code), ())}
        blank = "web_missing_description" in hit
        expected = Line(
            line.number,
            line.code.lower() if "web_code_in_lower_case" in hit else line.code,
            "" if blank else line.description,
            line.quantity,
            line.moment,
            0 if blank or "web_zero_price" in hit else line.cents,
            "" if blank or "web_missing_customer" in hit else line.customer,
            line.country,
        )
        assert {moment for _, moment in defects.get((line.number, line.code), ())} <= {
            line.moment.date()
        }
        for _ in range(2 if "web_exact_duplicate" in hit else 1):
            assert next(found) == expected
    assert next(found, None) is None


def test_a_defect_says_what_its_line_counts_in_the_key(lines, dirty):
    true = {(line.number, line.code): line for line in lines}
    sizes = Counter(line.number for line in lines)
    kinds = set()
    for _, number, code, _, size, country, *counted in read_key(dirty, "web_defects"):
        line = true[number, code]
        assert (size, country) == (sizes[number], line.country)
        assert counted == next(iter(recount([line]).values()), [0, 0, 0, 0])
        kinds.add(tuple(value > 0 for value in counted))
    assert len(kinds) == 3  # sales, cancellations, and what is neither


def test_units_of_a_dirty_file_are_those_of_the_key_but_for_duplicates(dirty):
    twice = {
        (number, code)
        for defect, number, code, *_ in read_key(dirty, "web_defects")
        if defect == "web_exact_duplicate"
    }
    kept = []
    for line in read(dirty):
        code = line.code if line.code == "gift_0001_20" else line.sku
        if (line.number, code) in twice:
            twice.remove((line.number, code))
        else:
            kept.append(line)
    assert not twice
    units = {row: total[:2] for row, total in recount(kept).items()}
    assert units == {row: total[:2] for row, total in answers(dirty).items()}


def test_every_defect_has_its_rate(lines, dirty):
    rows = read_key(dirty, "web_defects")
    found = Counter(row[0] for row in rows)
    assert len(set(rows)) == len(rows)
    assert set(found) == {name for name in HEAVY if name.startswith("web_")}
    figurines = sum(line.code in PRICES for line in lines)
    priced = sum(line.cents > 0 for line in lines)
    blank = HEAVY["web_missing_description"] / 1e6
    assert near(found["web_missing_description"], len(lines), blank)
    assert near(found["web_exact_duplicate"], len(lines), HEAVY["web_exact_duplicate"] / 1e6)
    assert near(found["web_code_in_lower_case"], figurines, HEAVY["web_code_in_lower_case"] / 1e6)
    assert near(found["web_zero_price"], priced, HEAVY["web_zero_price"] / 1e6 * (1 - blank))
    # A customer is missing from all lines of an invoice: count invoices.
    named = {line.number for line in lines if line.customer}
    anonymous = {row[1] for row in rows if row[0] == "web_missing_customer"}
    assert anonymous <= named
    assert near(len(anonymous), len(named), HEAVY["web_missing_customer"] / 1e6)


def test_a_defect_that_would_change_nothing_is_not_recorded(tmp_path):
    world = World(7, 20_000, 20, FIRST)
    always = dict.fromkeys(("web_missing_customer", "web_zero_price"), 10**6)
    write(world, CLEAN, tmp_path / "clean", day(20))
    write(world, Dirt("test", always), tmp_path / "dirty", day(20))
    lines = read(tmp_path / "clean")
    assert any(line.corrects for line in lines)
    found = Counter(row[0] for row in read_key(tmp_path / "dirty", "web_defects"))
    assert found["web_missing_customer"] == sum(line.customer != "" for line in lines)
    assert found["web_zero_price"] == sum(line.cents > 0 for line in lines)
    # A line without a description has neither: what took both is one defect, not three.
    blank = always | {"web_missing_description": 10**6}
    write(world, Dirt("test", blank), tmp_path / "blank", day(20))
    found = Counter(row[0] for row in read_key(tmp_path / "blank", "web_defects"))
    assert found == {"web_missing_description": len(lines)}


def test_what_is_no_merchandise_is_not_cancelled(tmp_path, monkeypatch):
    monkeypatch.setattr("generator.invoices.CODE_RATE", 10**6)
    write(YEAR, CLEAN, tmp_path, day(60))
    lines = read(tmp_path)
    assert {line.code for line in lines if line.quantity == 1} == {code for code, *_ in CODES}
    assert all(abs(line.quantity) > 100 for line in lines if line.cancels)


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 59), max_size=5))
def test_several_runs_write_what_one_run_writes(tmp_path_factory, cuts):
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    expected = write(SMALL, DIRTY, whole, day(60)).read_bytes()
    before = b""
    for cut in [*sorted(cuts), 60]:
        grown = write(SMALL, DIRTY, pieces, day(cut)).read_bytes()
        assert grown.startswith(before)
        before = grown
    assert before == expected
    for table in ("web_lines", "web_defects"):
        assert read_key(pieces, table) == read_key(whole, table)


def test_nothing_is_cancelled_that_was_sold_before_the_first_day(tmp_path):
    """The same days are other days in a world that begins later: it has no past."""
    late = World(7, 40_000, 60, day(31))
    write(late, CLEAN, tmp_path, day(40))
    lines = read(tmp_path)
    assert lines[0].moment.date() == day(31)
    sold = {(line.customer, line.code) for line in lines if not line.cancels}
    cancelled = {(line.customer, line.code) for line in lines if line.cancels}
    assert len(cancelled) > 5
    assert cancelled <= sold


def test_a_small_world_sells_on_some_days_only(tmp_path):
    write(SMALL, CLEAN, tmp_path, day(60))
    assert 0 < len({line.moment.date() for line in read(tmp_path)}) < 60


def test_running_again_touches_nothing_whatever_the_dirt(tmp_path):
    path = write(SMALL, DIRTY, tmp_path, day(60))
    before = (path.stat().st_mtime_ns, path.stat().st_ino)
    write(SMALL, DIRTY, tmp_path, day(60))
    write(SMALL, CLEAN, tmp_path, day(60))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_a_file_of_another_world_is_refused(tmp_path):
    path = write(SMALL, CLEAN, tmp_path, day(60))
    content = path.read_bytes()
    with pytest.raises(WebError, match="the seed, orders and days it began with"):
        write(World(8, 2_000, 60, FIRST), CLEAN, tmp_path, day(90))
    assert path.read_bytes() == content
