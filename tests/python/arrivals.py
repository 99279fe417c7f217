"""A dirty world cut into single lines, and the orders in which they may come.

Free is the order of lines that speak of different things. Versions of one record keep theirs:
the one loaded last holds, by contract (docs/decisions/0015-the-first-copy-stays.md).
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import LAST_DAY, Shop

from warehouse.feeds import FEEDS

# Rates above those of `--dirt heavy`: in 400 orders each defect shall happen. The shop of the
# test damages lines itself where the generator never does, see `_damaged` and `_cancelled`.
RATES = {
    "missing_address": 0.08,
    "missing_phone": 0.12,
    "missing_email": 0.1,
    "invalid_phone": 0.02,
    "mojibake": 0.02,
    "exact_duplicate": 0.02,
    "conflicting_duplicate": 0.02,
    "correction": 0.03,
    "late_arrival": 0.03,
    "unit_sold_twice": 0.02,
    "unknown_item": 0.02,
    "torn_line": 0.01,
    "wrong_type": 0.01,
    "impossible_date": 0.01,
    "reset_clock": 0.01,
    "broken_utf8": 0.01,
    "return_before_sale": 0.05,
    "return_sent_twice": 0.05,
    "return_of_unsold_unit": 0.05,
    "web_missing_customer": 0.22,
    "web_missing_description": 0.02,
    "web_zero_price": 0.02,
    "web_exact_duplicate": 0.05,
    "web_code_in_lower_case": 0.05,
}
WHOLE_FEEDS = ("shops_products", "shops_stores")
PEPPER = "the same in every database"
FILES = 4  # of a feed and load

Files = dict[str, bytes]  # below the landing folder


@dataclass(frozen=True)
class Thing:
    """Lines that stay together, and what they speak of; `key` is None where nobody can tell."""

    feed: str
    key: tuple[str, ...] | None
    lines: tuple[bytes, ...]


@dataclass(frozen=True)
class World:
    """All that a small shop sent, in the order in which it happened."""

    things: tuple[Thing, ...]
    headers: dict[str, bytes]
    whole: dict[str, bytes]


@dataclass(frozen=True, order=True)
class Slot:
    """A place in the order of arrival: which load, which of its files, where in the file."""

    batch: int
    file: int
    place: float


def write_world(folder: Path, target: Path, seed: int, orders: int = 400) -> World:
    """Generate the world and read it back, line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    rates = folder / "dirt.toml"
    rates.write_text("".join(f"{name} = {rate}\n" for name, rate in RATES.items()))
    shop = Shop(folder, target)
    size = ("--orders", str(orders), "--days", "120", "--end", LAST_DAY)
    shop.generate(*size, "--seed", str(seed), "--dirt", str(rates))
    draw = random.Random(seed)  # noqa: S311
    things: list[Thing] = []
    for feed in ("orders", "returns", "stock"):
        files = sorted((shop.data / "landing" / feed).iterdir())
        lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True)]
        things += _damaged([_record(feed, line) for line in lines], draw)
    remote = shop.data / "remote"
    headers = {}
    for feed, read in (("shops_sales", _shop_sales), ("web_lines", _web_lines)):
        header, *lines = (remote / f"{feed}.csv").read_bytes().splitlines(keepends=True)
        headers[feed] = header
        things += read(lines, draw)
    whole = {feed: (remote / f"{feed}.csv").read_bytes() for feed in WHOLE_FEEDS}
    return World(tuple(things), headers, whole)


def _record(feed: str, line: bytes) -> Thing:
    try:
        record = json.loads(line)
        key = tuple(record[name] for name in FEEDS[feed].key)
    except (ValueError, KeyError):  # torn, or not UTF-8
        return Thing(feed, None, (line,))
    return Thing(feed, key, (line,))


def _damaged(things: list[Thing], draw: random.Random) -> list[Thing]:
    """Let lines of one order contradict each other, and later lines correct some.

    What is taken from another record moves a unit to another day, person, place or product,
    while the rest of its order stays.
    """
    others = [thing for thing in things if thing.key]
    in_order = Counter(thing.key[0] for thing in others if thing.key)
    now, later = [], []
    for thing in things:
        has_others = thing.key and in_order[thing.key[0]] > 1
        is_odd = has_others and draw.random() < 0.4
        now.append(_with_fields_of(draw.choice(others), thing, draw) if is_odd else thing)
        if thing.key and draw.random() < 0.06:
            later.append(_with_fields_of(draw.choice(others), thing, draw))
    return now + later


def _with_fields_of(other: Thing, thing: Thing, draw: random.Random) -> Thing:
    old, new = (json.loads(each.lines[0]) for each in (thing, other))
    changes = [
        *(("item",), ("purchase_time",), ("name", "email"), ("address",), ("email",), ("phone",)),
        *(("unit_price", "discount"), ("channel", "store_id"), ("item", "purchase_time")),
        *(("address",), ("address",), ("address",)),  # two homes on one day
        *(("return_time",), ("refund_amount",), ("sku",), ("quantity",), ("moved_at",)),
    ]
    names = draw.choice([names for names in changes if names[0] in old])
    text = json.dumps(old | {name: new[name] for name in names}, ensure_ascii=False)
    return Thing(thing.feed, thing.key, (f"{text}\n".encode(),))


def _shop_sales(lines: list[bytes], draw: random.Random) -> Iterator[Thing]:
    for line in lines:
        sale_id, *others, quantity = line.decode().strip().split(",")
        yield Thing("shops_sales", (sale_id,), (line,))
        if draw.random() < 0.1:
            text = ",".join([sale_id, *others, str(int(quantity) + 1)])
            yield Thing("shops_sales", (sale_id,), (f"{text}\n".encode(),))


def _web_lines(lines: list[bytes], draw: random.Random) -> Iterator[Thing]:
    """Keep copies of a line in one file: the n-th of equal lines is the n-th in every file.

    Lines that differ in what is optional (customer, description, country) are versions of one
    record to the loader, so they keep their order too.
    """
    lines = lines + [late for line in lines for late in _cancelled(line, draw)]
    alike = defaultdict(list)
    for line in lines:
        invoice, code, _, quantity, moment, price, *_ = _fields(line)
        alike[invoice, code, quantity, moment, price].append(line)
    for key, copies in alike.items():
        yield Thing("web_lines", key, tuple(copies))


def _cancelled(line: bytes, draw: random.Random) -> Iterator[bytes]:
    """Write more of what is hard to link: twins on later days, parts that come back, no goods."""
    invoice, code, text, quantity, moment, price, customer, country = _fields(line)
    day, hour = moment.split(" ")
    number, last = int(invoice.lstrip("CA")), int(day[-2:])
    if not invoice.isdigit():
        return

    def row(*values: object) -> bytes:
        return (",".join(str(value) for value in values) + "\n").encode()

    twin_day, return_day = (f"{day[:8]}{min(last + days, 28):02}" for days in (1, 2))
    rest = (price, customer, country)
    if draw.random() < 0.3:
        yield row(number + 1, code, text, quantity, f"{twin_day} {hour}", *rest)
    if draw.random() < 0.3:
        back = -draw.randint(1, int(quantity)) if int(quantity) > 0 else -1
        yield row(f"C{number + 2}", code, text, back, f"{return_day} {hour}", *rest)
    if draw.random() < 0.1:
        yield row(f"C{number + 3}", code, text, -int(quantity), f"{return_day} {hour}", *rest)
    if draw.random() < 0.05:
        yield row(invoice, "POST", "POSTAGE", 1, moment, "18.00", customer, country)


def _fields(line: bytes) -> list[str]:
    parts = line.decode().rstrip("\r\n").split(",")
    assert len(parts) == 8, f"a comma within a field: {line!r}"
    return parts


def in_order(world: World) -> Iterator[Files]:
    """Give everything at once, in the order in which it happened."""
    slots = [(Slot(0, 0, n), thing) for n, thing in enumerate(world.things)]
    yield from _loads(world, slots, dict.fromkeys(WHOLE_FEEDS, 0), 1)


def backwards(world: World) -> Iterator[Files]:
    """Give everything at once in five files a feed, the last line first."""
    end = len(world.things)
    place = {id(thing): end - n for n, thing in enumerate(world.things)}
    slots = [
        pair
        for versions in _versions(world)
        for pair in _fill(
            [Slot(0, 5 * place[id(v)] // (end + 1), place[id(v)]) for v in versions], versions
        )
    ]
    yield from _loads(world, slots, dict.fromkeys(WHOLE_FEEDS, 0), 1)


def at_random(world: World, draw: random.Random, batches: int) -> Iterator[Files]:
    """Give lines in any order in several loads, some of them twice, some at the very end.

    Where the dice say so, one feed comes in the last load only: all returns before their sales,
    or a system that was added later.
    """
    late_feed = draw.choice([None, *dict.fromkeys(thing.feed for thing in world.things)])
    slots: list[tuple[Slot, Thing]] = []
    for versions in _versions(world):
        sequence = _some_twice(versions, draw)
        # Equal lines of a web file are told apart by their number: no two things in one file.
        pick = draw.choices if versions[0].feed != "web_lines" else draw.sample
        first = batches - 1 if versions[0].feed == late_feed else 0
        files = pick([(b, f) for b in range(first, batches) for f in range(FILES)], k=len(sequence))
        if draw.random() < 0.1:
            files[0] = (batches - 1, FILES)
        slots += _fill([Slot(*file, draw.random()) for file in files], sequence)
    whole = {feed: draw.randrange(batches) for feed in WHOLE_FEEDS}
    yield from _loads(world, slots, whole, batches)


def _versions(world: World) -> list[list[Thing]]:
    """List the things of each record in their order; what has no key stands alone."""
    records: defaultdict[object, list[Thing]] = defaultdict(list)
    for n, thing in enumerate(world.things):
        records[(thing.feed, thing.key) if thing.key else n].append(thing)
    return list(records.values())


def _some_twice(versions: list[Thing], draw: random.Random) -> list[Thing]:
    """Send some again: at any time later, which undoes no correction.

    In a feed that repeats its state it would, so there it comes before the next version. What
    has no key is refused, and would be refused twice.
    """
    sequence = list(versions)
    for thing in versions:
        if thing.key and draw.random() < 0.2:
            first = sequence.index(thing) + 1
            is_state = FEEDS[thing.feed].is_snapshot
            sequence.insert(first if is_state else draw.randint(first, len(sequence)), thing)
    return sequence


def _fill(slots: list[Slot], things: list[Thing]) -> list[tuple[Slot, Thing]]:
    return list(zip(sorted(slots), things, strict=True))


def _loads(
    world: World, slots: list[tuple[Slot, Thing]], whole: dict[str, int], batches: int
) -> Iterator[Files]:
    """Write the files of each load; names sort in the order in which they shall be loaded."""
    slots = sorted(slots, key=lambda pair: pair[0])
    for batch in range(batches):
        files = {
            f"{feed}/{batch}.csv": content
            for feed, content in world.whole.items()
            if whole[feed] == batch
        }
        for slot, thing in slots:
            if slot.batch == batch:
                suffix = "csv" if FEEDS[thing.feed].is_csv else "ndjson"
                name = f"{thing.feed}/{batch}-{slot.file}.{suffix}"
                start = files.get(name, world.headers.get(thing.feed, b""))
                files[name] = start + b"".join(thing.lines)
        yield files


def build(shop: Shop, loads: Iterator[Files], *options: str, **environment: str) -> None:
    """Load and build after each arrival."""
    for files in loads:
        land(shop.data / "landing", files)
        shop.warehouse("load", KSCM_PEPPER=PEPPER, **environment)
        shop.dbt("build", *options, KSCM_PEPPER=PEPPER, **environment)


def land(landing: Path, files: Files) -> None:
    for name, content in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
