"""Time `dbt build` beside the same SQL run bare in DuckDB, in turn, on the same database.

    python benchmarks/models.py [orders [rounds]]

Prints for each the median, for dbt the most memory that it held, the ratio, and what the
slowest nodes took. Bare means: the compiled models one after the other in one connection,
without tests, seeds and comments.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDERS = 6_900_000  # about 10 million units
BARE = """
import json, sys, time, duckdb
started = time.perf_counter()
connection = duckdb.connect(sys.argv[1])
connection.execute("set enable_progress_bar = false").fetchall()
for kind, name, sql in json.load(open(sys.argv[2])):
    connection.execute(f"create or replace {kind} {name} as {sql}").fetchall()
connection.close()
print(time.perf_counter() - started)
"""


def run(command: list[str], folder: Path) -> str:
    """Run a command on the world in `folder` and return what it printed."""
    environment = os.environ | {
        "KSCM_DATA": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout


def make_world(folder: Path, orders: int) -> None:
    """Generate and load orders of two years, with what the shops and the web store sold."""
    here = [sys.executable, "-m"]
    options = ["--orders", str(orders), "--end", "2026-11-20", "--format", "parquet"]
    run([*here, "generator", *options], folder)
    for path in (folder / "remote").glob("*.csv"):
        (folder / "landing" / path.stem).mkdir(exist_ok=True)
        shutil.copy(path, folder / "landing" / path.stem)
    run([*here, "warehouse", "load"], folder)


def bare_statements(folder: Path) -> list[tuple[str, str, str]]:
    """Return (table or view, name, compiled SQL) of every model, parents first."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text("utf-8"))
    models = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    parents = {
        key: [parent for parent in node["depends_on"]["nodes"] if parent in models]
        for key, node in models.items()
    }
    found = []
    for key in TopologicalSorter(parents).static_order():
        node = models[key]
        path = folder / "target" / "compiled" / "kscm" / node["original_file_path"]
        kind = "view" if node["config"]["materialized"] == "view" else "table"
        found.append((kind, f"{node['schema']}.{node['name']}", path.read_text("utf-8")))
    return found


def slowest(folder: Path, count: int = 12) -> list[tuple[str, float]]:
    """Return the nodes of the last dbt run that took longest, with their seconds."""
    results = json.loads((folder / "target" / "run_results.json").read_text("utf-8"))["results"]
    taken = [(r["unique_id"].split(".", 2)[2], r["execution_time"]) for r in results]
    return sorted(taken, key=lambda node: -node[1])[:count]


def timed_dbt(folder: Path) -> tuple[float, float]:
    """Build everything; return the seconds and the most memory held, in GiB."""
    code = (
        "import resource, subprocess, sys, time; started = time.perf_counter(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "print(time.perf_counter() - started, "
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20)"
    )
    dbt = str(Path(sys.executable).with_name("dbt"))
    seconds, memory = run([sys.executable, "-c", code, dbt, "build"], folder).split()
    return float(seconds), float(memory)


def main() -> None:
    """Build and run bare in turn, round after round."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="kscm-bench-") as name:
        folder = Path(name)
        make_world(folder, orders)
        timed_dbt(folder)  # the first one parses, seeds and fills the page cache
        statements = folder / "statements.json"
        statements.write_text(json.dumps(bare_statements(folder)))
        built, bare = [], []
        for _ in range(rounds):
            built.append(timed_dbt(folder))
            command = [sys.executable, "-c", BARE, str(folder / "kscm.duckdb"), str(statements)]
            bare.append(float(run(command, folder)))
        seconds = statistics.median(taken for taken, _ in built)
        print(f"{'dbt build':22} {seconds:6.2f} s, {max(m for _, m in built):.1f} GiB at most")
        print(f"{'the same models, bare':22} {statistics.median(bare):6.2f} s")
        print(f"dbt build against bare: {seconds / statistics.median(bare):.2f} x")
        for node, taken in slowest(folder):
            print(f"  {node:50} {taken:6.2f} s")


if __name__ == "__main__":
    main()
