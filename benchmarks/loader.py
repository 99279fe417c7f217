"""Time the loader beside what DuckDB does at its plainest, in turn, on the same files.

    python benchmarks/loader.py [rounds]

Prints the medians, and the ratios that DESIGN.md asks for. Each run is a process of its own,
with a database file of its own; opening it, reading, hashing, checking, committing and closing
are all in, making the raw tables is not.
"""

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDERS = 700_000  # about a million units
COLUMNS = (
    "{txid: 'VARCHAR', rfid: 'VARCHAR', item: 'VARCHAR', purchase_time: 'TIMESTAMP', "
    "name: 'VARCHAR', address: 'JSON', phone: 'VARCHAR', email: 'VARCHAR', "
    "emergency_contact: 'JSON', expiration_time: 'DATE', days: 'INTEGER', "
    "unit_price: 'DECIMAL(12,2)', discount: 'DECIMAL(12,2)', channel: 'VARCHAR', "
    "store_id: 'VARCHAR'}"
)
PLAIN = """
import sys, time, duckdb
started = time.perf_counter()
config = {"storage_compatibility_version": "v1.5.0"}
connection = duckdb.connect(sys.argv[1], config=config)
connection.execute("set enable_progress_bar = false").fetchall()
connection.execute("create table orders as from " + sys.argv[2]).fetchall()
connection.close()
print(time.perf_counter() - started)
"""
OURS = """
import os, sys, time
from datetime import datetime
from pathlib import Path
from warehouse.connect import open_working
from warehouse.create import create_tables
from warehouse.loading.load import load_landing
with open_working(Path(sys.argv[1])) as connection:
    create_tables(connection)
started = time.perf_counter()
with open_working(Path(sys.argv[1])) as connection:
    summary = load_landing(connection, Path(sys.argv[2]), datetime(2026, 11, 21))
assert not summary.failed
print(time.perf_counter() - started)
"""


def make_files(folder: Path) -> None:
    """Write a million clean lines, the same with 1 % of bad ones, and the same as Parquet."""
    for name, kind in (("clean", "ndjson"), ("parquet", "parquet")):
        subprocess.run(  # noqa: S603
            [
                *(sys.executable, "-m", "generator", "--orders", str(ORDERS), "--days", "30"),
                *("--end", "2026-10-30", "--format", kind),
            ],
            env=os.environ | {"KSCM_DATA": str(folder / f"world_{name}")},
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    landing = folder / "clean" / "orders"
    landing.mkdir(parents=True)
    with (landing / "a.ndjson").open("wb") as whole:
        for part in sorted((folder / "world_clean" / "landing" / "orders").iterdir()):
            whole.write(part.read_bytes())
    dirty = folder / "dirty" / "orders"
    dirty.mkdir(parents=True)
    chance = random.Random(1)  # noqa: S311 - dirt needs no secrecy
    with (landing / "a.ndjson").open("rb") as lines, (dirty / "a.ndjson").open("wb") as out:
        for line in lines:
            out.write(_spoil(line, chance.randrange(4)) if chance.random() < 0.01 else line)
    (folder / "parquet").mkdir()
    (folder / "world_parquet" / "landing" / "orders").rename(folder / "parquet" / "orders")


def _spoil(line: bytes, how: int) -> bytes:
    match how:
        case 0:
            return line[: len(line) // 2] + b"\n"
        case 1:
            return re.sub(rb'"unit_price":([0-9.]+)', rb'"unit_price":{"amount":\1}', line)
        case 2:
            return line.replace(b'"name":"', b'"name":"\xe9', 1)
        case _:
            return re.sub(rb'("purchase_time":"\d{4})-\d\d-\d\d', rb"\1-02-30", line)


def timed(folder: Path, code: str, argument: str) -> float:
    """Run one contestant in a new process and return its seconds."""
    database = folder / "bench.duckdb"
    for path in folder.glob("bench.*"):
        path.unlink()
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, str(database), argument],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(ran.stdout)


def main() -> None:
    """Run all contestants in turn, round after round."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory(prefix="kscm-bench-") as name:
        folder = Path(name)
        make_files(folder)
        line_files = {kind: folder / kind / "orders" / "a.ndjson" for kind in ("clean", "dirty")}
        read = "read_json('{}', format='newline_delimited', ignore_errors={}, columns={})"
        contestants = {
            "read_json, clean": (PLAIN, read.format(line_files["clean"], "false", COLUMNS)),
            "load, clean": (OURS, str(folder / "clean")),
            "load, 1 % bad lines": (OURS, str(folder / "dirty")),
            "read_parquet": (PLAIN, f"read_parquet('{folder}/parquet/orders/*.parquet')"),
            "load, Parquet": (OURS, str(folder / "parquet")),
        }
        seconds: dict[str, list[float]] = {label: [] for label in contestants}
        for number in range(rounds + 1):
            for label, (code, argument) in contestants.items():
                taken = timed(folder, code, argument)
                if number:  # the first round fills the page cache
                    seconds[label].append(taken)
        median = {label: statistics.median(values) for label, values in seconds.items()}
        for label, value in median.items():
            low, high = min(seconds[label]), max(seconds[label])
            print(f"{label:22} {value:6.2f} s  ({low:.2f} to {high:.2f})")
        for label, rival in (
            ("load, clean", "read_json, clean"),
            ("load, 1 % bad lines", "read_json, clean"),
            ("load, Parquet", "read_parquet"),
        ):
            print(f"{label} against {rival}: {median[label] / median[rival]:.2f} x")


if __name__ == "__main__":
    main()
