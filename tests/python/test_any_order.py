"""Late, shuffled and repeated files give the same raw tables as files in order."""

import gzip
import random
import shutil
from collections import Counter

import pytest
from conftest import LAST_DAY, Shop
from faults import Patient, dice, lines_of, order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.torture

FEEDS = ("orders", "returns", "stock")


@pytest.fixture(scope="module")
def dirty(tmp_path_factory, target):
    """The landing folder of a small shop whose files have every defect the generator knows."""
    shop = Shop(tmp_path_factory.mktemp("dirty"), target)
    small = ("--orders", "2000", "--days", "60", "--end", LAST_DAY, "--seed", "5")
    shop.generate(*small, "--dirt", "heavy")
    return shop.data / "landing"


def records(tables, table: str) -> Counter:
    """The records in raw, without the place they came from (the last two columns kept)."""
    return Counter(row[:-2] for row in tables[table])


def places(patient: Patient) -> Counter:
    """Each file and line that is in raw or a duplicate of it."""
    found: Counter = Counter()
    for table in ("client_support_orders", "client_support_returns", "stock_movements"):
        found.update(patient.query(f"select _file, _line from raw.{table}"))
    for file, line, times in patient.query(
        "select file, line, line_count from raw.load_duplicates"
    ):
        found.update((file, line + more) for more in range(times))
    return found


def state(patient: Patient) -> dict[str, object]:
    tables = patient.tables()
    return {
        "orders": records(tables, "client_support_orders"),
        "returns": records(tables, "client_support_returns"),
        "stock": records(tables, "stock_movements"),
        "places": places(patient),
        "rejects": Counter(tables["load_rejects"]),
    }


def land(patient: Patient, source, path) -> None:
    into = patient.landing / path.relative_to(source)
    into.parent.mkdir(exist_ok=True)
    shutil.copy(path, into)


def load(patient: Patient) -> None:
    ended = patient.run("load")
    assert ended.code in (0, 1), ended
    assert "Traceback" not in ended.err, ended.err


def files_of(landing) -> list:
    return sorted(path for feed in FEEDS for path in (landing / feed).iterdir())


def compare(found: dict[str, object], wanted: dict[str, object]) -> None:
    for part, rows in wanted.items():
        assert found[part] == rows, part


def test_any_order_gives_the_same_tables(patient, nursery, dirty, many, figure, tmp_path):
    files = files_of(dirty)
    for path in files:
        land(patient, dirty, path)
    load(patient)
    wanted = state(patient)
    assert wanted["places"]
    assert wanted["rejects"]
    assert max(wanted["places"].values()) == 1
    draw = dice()
    for attempt in range(many(2, 20)):
        other = Patient(nursery, tmp_path / f"other-{attempt}")
        coming = draw.sample(files, len(files))
        while coming:
            # Several files come between two loads.
            batch = [coming.pop() for _ in range(min(len(coming), draw.choice([1, 2, 5])))]
            for path in batch:
                land(other, dirty, path)
            load(other)
        compare(state(other), wanted)
    figure("orders of arrival", f"{many(2, 20)} of {len(files)} files: same raw tables")


def test_a_second_load_changes_nothing(patient, dirty):
    for path in files_of(dirty):
        land(patient, dirty, path)
    load(patient)
    before = patient.tables()
    load(patient)
    after = patient.tables()
    assert {k: v for k, v in after.items() if k != "load_manifest"} == {
        k: v for k, v in before.items() if k != "load_manifest"
    }


def test_files_under_other_names_are_duplicates_only(patient, dirty):
    """The same content comes again, packed or copied: raw stays, every record is a duplicate."""
    files = files_of(dirty)
    for path in files:
        land(patient, dirty, path)
    load(patient)
    before = state(patient)
    for path in files:
        into = patient.landing / path.relative_to(dirty)
        if path.suffix == ".gz":
            shutil.copy(path, into.with_name(f"again-{path.name}"))
        else:
            into.with_name(f"again-{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    load(patient)
    after = state(patient)
    for part in ("orders", "returns", "stock"):
        assert after[part] == before[part]
    accepted = "select sum(row_parsed) from raw.load_manifest where file like '%/again-%'"
    assert patient.query(accepted) == [(0,)]
    assert sum(after["places"].values()) == 2 * sum(before["places"].values())


def test_lines_cut_into_other_files_give_the_same_records(patient, nursery, dirty, tmp_path):
    """A file cut in two at any line, with lines of overlap, is the file."""
    draw: random.Random = dice()
    wanted = Patient(nursery, tmp_path / "wanted")
    for path in files_of(dirty):
        if path.suffix == ".gz" or path.read_bytes()[:2] == b"\xff\xfe":
            continue
        land(wanted, dirty, path)
        lines = [line + b"\n" for line in path.read_bytes().removesuffix(b"\n").split(b"\n")]
        place = draw.randrange(len(lines) + 1)
        folder = patient.landing / path.parent.name
        folder.mkdir(exist_ok=True)
        (folder / f"1-{path.name}").write_bytes(b"".join(lines[max(0, place - 5) :]))
        (folder / f"2-{path.name}").write_bytes(b"".join(lines[:place]))
    load(wanted)
    load(patient)
    for table in ("client_support_orders", "client_support_returns", "stock_movements"):
        assert records(patient.tables(), table) == records(wanted.tables(), table)


def web_file(lines: list[int]) -> bytes:
    """An export whose line n is one of a few: some are equal to the letter, as twins are."""
    header = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    rows = [f"{n},85123A,LAMP,{n % 3},2010-12-01 08:26:00,2.55,17850,France\n" for n in lines]
    return header + "".join(rows).encode()


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(exports=st.lists(st.lists(st.integers(1, 6), max_size=12), min_size=1, max_size=4))
def test_lines_without_a_key_are_counted_in_any_order(patient, exports):
    """Overlapping exports: each line stands in raw as often as in the export with most of it."""
    patient.forget()
    folder = patient.landing / "web_lines"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    wanted: Counter = Counter()
    for number, lines in enumerate(exports):
        (folder / f"{number}.csv").write_bytes(web_file(lines))
        wanted |= Counter(str(line) for line in lines)
        load(patient)
    rows = patient.query("select invoiceno, count(*) from raw.web_order_lines group by all")
    assert dict(rows) == dict(wanted)
    [(lines,)] = patient.query("select sum(row_count) from raw.load_manifest")
    assert lines == sum(len(lines) + 1 for lines in exports)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    files=st.lists(
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["a", "b", None])), max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_each_version_of_a_record_stands_in_raw_once_in_any_order(patient, files):
    patient.forget()
    folder = patient.landing / "orders"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, records_of_file in enumerate(files):
        lines = lines_of([order(key, name=name) for key, name in records_of_file])
        (folder / f"{number}.ndjson").write_bytes(lines)
        # Every other time, two files come in one load.
        if number % 2 or number == len(files) - 1:
            load(patient)
    rows = patient.query("select txid, name from raw.client_support_orders order by all")
    wanted = {(f"t{key}", name) for one in files for key, name in one}
    assert sorted(rows, key=repr) == sorted(wanted, key=repr)
    assert sum(places(patient).values()) == sum(len(one) for one in files)
