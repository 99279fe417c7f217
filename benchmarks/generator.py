"""How fast the generator writes, beside a naive script that makes one record at a time.

python benchmarks/generator.py [--orders N] [--naive-records N] [--rounds N] [--workers N]

Whole processes are timed, start-up included, one after the other and in turn, so that a busy
moment of the machine strikes all alike. A row is a line of NDJSON or a row of Parquet: a unit
sold. Speeds are medians over the rounds; memory is that of the largest process of a run, at
its worst.
"""

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = {"ndjson": 500, "parquet": 800}  # times as fast as the naive script
FORMATS = ("ndjson", "ndjson.gz", "parquet")
LAST_DAY = "2026-11-20"


@dataclass(frozen=True)
class Run:
    """One process: rows written, seconds taken, most memory held in MiB."""

    rows: int
    seconds: float
    mebibytes: float


def measure(command: list[str], count_rows: Callable[[], int]) -> Run:
    """Run a command to its end, then count what it wrote."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    # wait4 gives the largest resident size of the process and of the workers it waited for.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    per_mebibyte = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(count_rows(), seconds, usage.ru_maxrss / per_mebibyte)


def run_naive(records: int, folder: Path) -> Run:
    """Time the naive script."""
    path = folder / "naive.ndjson"
    script = Path(__file__).with_name("naive_generator.py")
    command = [sys.executable, str(script), str(records), str(path)]
    return measure(command, lambda: count_lines(path))


def run_ours(orders: int, format: str, workers: int | None, folder: Path) -> Run:
    """Time our generator in one format, on an empty landing folder."""
    options = {
        "orders": str(orders),
        "days": "730",
        "end": LAST_DAY,
        "landing": str(folder / "landing"),
    }
    options |= {"format": format} | ({"workers": str(workers)} if workers else {})
    command = [sys.executable, "-m", "generator"]
    for name, value in options.items():
        command += [f"--{name}", value]
    return measure(command, lambda: count_rows_in(folder / "landing" / "orders", format))


def count_rows_in(orders: Path, format: str) -> int:
    """Count the rows of all landing files of that format."""
    paths = sorted(orders.glob(f"*.{format}"))
    return count_parquet_rows(paths) if format == "parquet" else sum(map(count_lines, paths))


def count_parquet_rows(paths: list[Path]) -> int:
    """Add up the numbers of rows that the files themselves state.

    Another process does: a child begins with the size of this one, which must stay small for
    the memory of the contenders to be their own.
    """
    program = (
        "import sys, pyarrow.parquet as pq; "
        "print(sum(pq.read_metadata(path).num_rows for path in sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *map(str, paths)]
    return int(subprocess.check_output(command))  # noqa: S603


def count_lines(path: Path) -> int:
    """Count the lines that are not empty."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def print_identities(count: int) -> None:
    """Print how long a million customers take, in a process of its own."""
    program = (
        "import numpy as np, time; from generator.people import invent_identities; "
        "from generator.places import read_places; started = time.perf_counter(); "
        f"invent_identities(42, np.arange({count}, dtype=np.uint64), read_places()); "
        "print(time.perf_counter() - started)"
    )
    seconds = float(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT))  # noqa: S603
    print(f"{count:,} identities: {seconds:.1f} s (target 15)")


def print_table(runs: dict[str, list[Run]]) -> None:
    """Print the medians of each contender, and how they compare with the naive script."""
    print(f"{'':<12}{'rows':>12}{'seconds':>9}{'rows/s':>12}{'× naive':>9}{'target':>8}{'MiB':>8}")
    naive = statistics.median(run.rows / run.seconds for run in runs["naive"])
    for name, measured in runs.items():
        speed = statistics.median(run.rows / run.seconds for run in measured)
        seconds = statistics.median(run.seconds for run in measured)
        peak = max(run.mebibytes for run in measured)
        print(
            f"{name:<12}{measured[0].rows:>12,}{seconds:>9.2f}{speed:>12,.0f}"
            f"{speed / naive:>9,.0f}{TARGETS.get(name, '-'):>8}{peak:>8,.0f}"
        )


def main() -> None:
    """Run the contenders in turn and print the table."""
    parser = argparse.ArgumentParser(description="Time the generator beside a naive script.")
    parser.add_argument("--orders", type=int, default=6_900_000)
    parser.add_argument("--naive-records", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="0 leaves the option out.")
    parser.add_argument("--formats", nargs="+", default=FORMATS, metavar="FORMAT")
    asked = parser.parse_args()
    runs: dict[str, list[Run]] = {name: [] for name in ("naive", *asked.formats)}
    for _ in range(asked.rounds):
        for name, measured in runs.items():
            with tempfile.TemporaryDirectory() as folder:
                measured.append(
                    run_naive(asked.naive_records, Path(folder))
                    if name == "naive"
                    else run_ours(asked.orders, name, asked.workers or None, Path(folder))
                )
    print_table(runs)
    print_identities(1_000_000)


if __name__ == "__main__":
    main()
