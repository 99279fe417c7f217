"""Break the models on purpose, one small mistake at a time, and see which test notices.

    python tests/python/mutate.py [--only WORD] [--lists FOLDER] [--world FOLDER]

Each mutant is made in a copy of the project beside a copy of a small dirty world of all four
systems, and meets three nets in turn: the unit tests of the model, every test of the data of
the model and of what is built on it, and the grade against the answer key. Who passes all
three survives. Ends with 1 where fewer than 95 % are caught.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

from mutants import KINDS, LAYERS, LISTS, ListError, Mutant, changed_by, read_mutants

ROOT = Path(__file__).parents[2]
LEAST_CAUGHT = Fraction(95, 100)
WORKERS = 2
NETS = ("unit test", "data test", "grade")
SURVIVED, BROKEN = "survived", "does not run"

# More than a year, so that one autumn is compared with another; defects so often that each happens.
WORLD = ("--orders", "4000", "--days", "500", "--seed", "11", "--end", "2026-11-20")
MOST_OFTEN = 30_000  # in a million
PROJECT = ("models", "macros", "seeds", "tests/generic", "tests/singular")
FILES = ("dbt_project.yml", "profiles.yml", "selectors.yml")
KEPT = ("kscm.duckdb", "kscm.secrets.json")
# Relative paths: what dbt parsed in one copy holds in every other.
PLACES = {"KSCM_DATA": "data", "DBT_TARGET_PATH": "target", "DBT_LOG_PATH": "logs"}
# dbt's locks outlive a process that is stopped, and are cleaned up: no need to tell.
CALM = {"PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker"}


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: the net that caught it, and by what."""

    mutant: Mutant
    net: str
    by: str
    seconds: float


def copy_project(folder: Path, root: Path = ROOT) -> None:
    """Copy what dbt reads, and nothing else."""
    for name in PROJECT:
        shutil.copytree(root / name, folder / name)
    for name in FILES:
        shutil.copy2(root / name, folder / name)


def make_world(data: Path) -> None:
    """Generate and load a small shop in which everything goes wrong, often."""
    from generator.dirt import HEAVY  # noqa: PLC0415 - from the root of the project

    dirt = data / "dirt.toml"
    rates = {name: min(rate * 10, max(rate, MOST_OFTEN)) for name, rate in HEAVY.items()}
    dirt.write_text("".join(f"{name} = {rate / 1e6}\n" for name, rate in rates.items()))
    environment = os.environ | {"KSCM_DATA": str(data)}
    module = [sys.executable, "-m"]
    run: Callable[..., Any] = subprocess.run
    quiet = {"cwd": ROOT, "env": environment, "check": True, "capture_output": True}
    run([*module, "generator", *WORLD, "--dirt", str(dirt)], **quiet)
    for path in (data / "remote").glob("*.csv"):
        (data / "landing" / path.stem).mkdir(exist_ok=True)
        shutil.copy(path, data / "landing" / path.stem)
    run([*module, "warehouse", "load"], **quiet)


def run_dbt(*words: str) -> list[Any]:
    """Run dbt in this process, in the current folder; return its results."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes two seconds

    ran = dbtRunner().invoke(["--quiet", "--log-level-file", "none", *words])
    if ran.exception:
        raise ran.exception
    return list(ran.result.results)  # type: ignore[union-attr]


def graded_wrong(data: Path, key: Path) -> list[str]:
    """Return the questions whose answer differs from the key."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    from warehouse.connect import open_reading  # noqa: PLC0415
    from warehouse.grading.grade import grade  # noqa: PLC0415

    # dbt keeps the file open, and one process opens a file in one way at a time.
    with suppress(Exception):
        DuckDBConnectionManager.env().close()  # type: ignore[no-untyped-call]
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    with open_reading(data / "kscm.duckdb", key) as connection:
        return [line.question for line in grade(connection, key) if line.is_equal is False]


def first_net(changed: list[str], key: Path) -> tuple[str, str]:
    """Throw the nets in turn, in the current folder; return the first that holds, and by what."""
    unit = [f"{name},test_type:unit" for name in changed]
    below = [f"{name}+" for name in changed]
    commands = {
        "unit test": ("test", "--select", *unit),
        "data test": ("build", "--exclude", "test_type:unit", "--select", *below),
    }
    for net, words in commands.items():
        results = run_dbt(*words)
        for result in results:
            if str(result.status) == "error":
                return BROKEN, f"{result.node.name}: {result.message}"
        failed = [result.node.name for result in results if str(result.status) == "fail"]
        if failed:
            return net, ", ".join(failed)
    wrong = graded_wrong(Path("data"), key)
    return ("grade", ", ".join(wrong)) if wrong else (SURVIVED, "")


def meet(mutant: Mutant, base: Path, key: Path) -> Fate:
    """Make the mistake in a copy of the base, and see what notices."""
    started = perf_counter()
    folder = Path(tempfile.mkdtemp(dir=base.parent))
    try:
        shutil.copytree(base, folder, dirs_exist_ok=True)
        path = folder / mutant.path
        path.write_text(mutant.applied(path.read_text("utf-8")), "utf-8")
        os.chdir(folder)
        with (folder / "output.txt").open("w") as output:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(output.fileno(), stream.fileno())
        try:
            net, by = first_net(changed_by(mutant, folder), key)
        except Exception as error:  # whatever dbt raises
            net, by = BROKEN, f"{type(error).__name__}: {error}"
    finally:
        os.chdir(base)
        shutil.rmtree(folder, ignore_errors=True)
    return Fate(mutant, net, by, perf_counter() - started)


def _meet(work: tuple[Mutant, Path, Path]) -> Fate:
    return meet(*work)


def _leave_signals_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def make_base(base: Path, world: Path) -> None:
    """Build the world in a copy of the project; refuse one that fails without a mistake."""
    copy_project(base)
    (base / "data").mkdir()
    for name in KEPT:
        shutil.copy2(world / name, base / "data" / name)
    os.chdir(base)
    for words in (("build",), ("test", "--selector", "code")):
        bad = [r for r in run_dbt(*words) if str(r.status) in {"fail", "error", "skipped"}]
        if bad:
            names = ", ".join(result.node.name for result in bad)
            raise ListError(f"without any mistake, dbt {words[0]} finds one: {names}.")
    wrong = graded_wrong(base / "data", world / "landing" / "_answer_key")
    if wrong:
        raise ListError(f"without any mistake, the grade finds one: {', '.join(wrong)}.")
    # Unit tests leave tables of their own in the target; what was parsed is all that is kept.
    for path in (base / "target").iterdir():
        if path.name != "partial_parse.msgpack":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _make_base(work: tuple[Path, Path]) -> None:
    make_base(*work)


def tell(fates: Iterable[Fate]) -> list[Fate]:
    """Print every mutant as it is done."""
    told = []
    for fate in fates:
        mutant = fate.mutant
        head = f"{fate.net:12} {mutant.name}, {mutant.kind}: {mutant.mistake}"
        print(f"{head} ({fate.seconds:.0f} s)", flush=True)
        if fate.by:
            print(f"{'':12} {fate.by[:200]}", flush=True)
        told.append(fate)
    return told


def print_table(fates: list[Fate]) -> None:
    """Print how many of each layer and of each kind were caught, and by which net."""
    nets = (*NETS, SURVIVED)
    print(f"\n{'':14}{'mutants':>9}{''.join(f'{net:>11}' for net in nets)}")
    for field, names in (("layer", LAYERS), ("kind", KINDS)):
        for name in names:
            counted = Counter(f.net for f in fates if getattr(f.mutant, field) == name)
            if counted:
                cells = "".join(f"{counted[net] or '–':>11}" for net in nets)
                print(f"{name:14}{counted.total():>9}{cells}")
        print()


def judge(fates: list[Fate]) -> bool:
    """Print the survivors and the sum; tell whether enough were caught."""
    print_table(fates)
    for fate in fates:
        if fate.net in {SURVIVED, BROKEN}:
            why = fate.mutant.survives or "not explained"
            print(f"{fate.net}: {fate.mutant.name}, {fate.mutant.mistake}: {fate.by or why}")
    caught = sum(fate.net in NETS for fate in fates)
    broken = sum(fate.net == BROKEN for fate in fates)
    share = Fraction(caught, len(fates))
    # Rounded down: 94.96 % does not read as 95 %.
    print(f"{caught} of {len(fates)} mutants are caught: {int(share * 1000) / 10} %.")
    if broken:
        print(f"{broken} do not run at all: they show nothing and must be written anew.")
    return share >= LEAST_CAUGHT and not broken


def main() -> int:
    """Do all of it; return 0 (enough are caught), 1 (not) or 2 (a list is wrong)."""
    parser = argparse.ArgumentParser(description="Break the models; see which test notices.")
    parser.add_argument("--only", default="", help="mutants whose file or mistake has this word")
    parser.add_argument("--lists", type=Path, default=ROOT / LISTS, help="folder of TOML lists")
    parser.add_argument("--world", type=Path, help="data folder to use, with its answer key")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("KSCM_", "DBT_"))]:
        del os.environ[name]
    signal.signal(signal.SIGTERM, _stop)
    try:
        mutants = [
            mutant
            for mutant in read_mutants(ROOT, asked.lists)
            if asked.only in f"{mutant.path} {mutant.mistake}"
        ]
        if not mutants:
            raise ListError("there is no such mutant.")
        with tempfile.TemporaryDirectory(prefix="kscm-mutate-") as name:
            return 0 if judge(survey(mutants, Path(name), asked.world)) else 1
    except ListError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def survey(mutants: list[Mutant], folder: Path, world: Path | None) -> list[Fate]:
    """Build the base, then let every mutant meet the nets, each in a process of its own."""
    if world is None:
        world = folder / "world"
        world.mkdir()
        make_world(world)
    world = world.resolve()
    os.environ.update(PLACES | CALM)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "mutate"])
    base, key = folder / "base", world / "landing" / "_answer_key"
    base.mkdir()
    with context.Pool(1, _leave_signals_to_the_parent) as pool:
        pool.map(_make_base, [(base, world)])
    # A process of its own for each: dbt remembers what it has seen.
    with context.Pool(WORKERS, _leave_signals_to_the_parent, maxtasksperchild=1) as pool:
        work = [(mutant, base, key) for mutant in mutants]
        return tell(pool.imap_unordered(_meet, work))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
