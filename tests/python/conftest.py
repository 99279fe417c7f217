"""What several tests need: the commands as a user runs them, and one small shop built with them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from arrivals import World
    from faults import Nursery, Patient
    from parity import Compared, Pair

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
LAST_DAY = "2026-11-20"

# Machines are shared and noisy: an example that takes long is no failure.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

Ran = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shop:
    """A folder that stands for data/, and the commands run on it."""

    data: Path
    target: Path

    @property
    def published(self) -> Path:
        return self.data / "published" / "kscm.duckdb"

    @property
    def working(self) -> Path:
        return self.data / "kscm.duckdb"

    def environment(self, **more: str) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("KSCM_", "DBT_"))}
        return plain | {"KSCM_DATA": str(self.data), **more}

    def run(self, *command: str | Path, check: bool = True, **environment: str) -> Ran:
        """Run a command from the root of the project; its output must be UTF-8 text."""
        ran = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=self.environment(**environment),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        if check and ran.returncode != 0:
            raise AssertionError(f"{command} exited {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return ran

    def generate(self, *options: str, check: bool = True, **environment: str) -> Ran:
        command = [sys.executable, "-m", "generator", *options]
        return self.run(*command, check=check, **environment)

    def warehouse(self, *words: str, check: bool = True, **environment: str) -> Ran:
        return self.run(sys.executable, "-m", "warehouse", *words, check=check, **environment)

    def dbt(self, *words: str, check: bool = True, **environment: str) -> Ran:
        return self.run(
            Path(sys.executable).with_name("dbt"),
            *words,
            check=check,
            DBT_TARGET_PATH=str(self.target),
            DBT_LOG_PATH=str(self.target / "logs"),
            DBT_USE_COLORS="false",
            **environment,
        )

    def query(self, sql: str) -> list[tuple]:
        """Ask the published file; the real path, since DuckDB remembers paths in a process."""
        with duckdb.connect(str(self.published.resolve()), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def query_working(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.working), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """dbt's target folder, shared so that the project is parsed once."""
    return tmp_path_factory.mktemp("target")


@pytest.fixture
def shop(tmp_path: Path, target: Path) -> Shop:
    """An empty shop, in a folder with a space and an accent."""
    return Shop(tmp_path / "boutique d'été", target)


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory, target: Path) -> Shop:
    """A shop of 3,000 orders in 400 days: generated, loaded, built, published. Read only."""
    shop = Shop(tmp_path_factory.mktemp("boutique d'été"), target)
    shop.generate("--orders", "3000", "--days", "400", "--end", LAST_DAY, "--seed", "7")
    shop.warehouse("load")
    shop.dbt("build")
    shop.warehouse("publish")
    return shop


@pytest.fixture(scope="session")
def dirty_shop(
    tmp_path_factory: pytest.TempPathFactory, target: Path
) -> Callable[[int], tuple["World", Shop]]:
    """Give a dirty world by its seed, and a shop that got all of it at once, in order, and built.

    Read only.
    """
    from arrivals import build, in_order, write_world  # noqa: PLC0415 - which imports this module

    @cache
    def make(seed: int) -> tuple["World", Shop]:
        folder = tmp_path_factory.mktemp("dirty shop")
        world = write_world(folder / "generated", target, seed)
        shop = Shop(folder / "at once", target)
        build(shop, in_order(world))
        return world, shop

    return make


@pytest.fixture(scope="session")
def emulator() -> Iterator[dict[str, str]]:
    """The environment that leads to an emulated Snowflake."""
    from snowflake_emulator import running_emulator  # noqa: PLC0415 - slow to import

    with running_emulator() as environment:
        yield environment


@pytest.fixture(scope="session")
def parity(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple["Pair", list["Compared"]]]:
    """One dirty world built twice on DuckDB and on an emulated Snowflake, and the comparison."""
    from parity import both_engines, build_twice  # noqa: PLC0415 - which imports this module

    with both_engines(tmp_path_factory.mktemp("parity")) as pair:
        yield pair, list(build_twice(pair))


@pytest.fixture(scope="session")
def snowflake_compiled(parity: tuple["Pair", list["Compared"]]) -> Path:
    """The folder of all models and tests as they were sent to the emulated Snowflake."""
    return parity[0].target("snowflake") / "compiled" / "kscm"


@pytest.fixture
def refused() -> Callable[[Ran, int], str]:
    """Check that a command ended with this code and one line on stderr; return the line."""

    def check(ran: Ran, code: int) -> str:
        assert ran.returncode == code, ran.stdout + ran.stderr
        lines = ran.stderr.splitlines()
        assert len(lines) == 1, ran.stderr
        assert lines[0].startswith("error: ")
        return lines[0]

    return check


TORTURE = bool(os.environ.get("KSCM_TORTURE"))
_FIGURES = pytest.StashKey[list[tuple[str, str]]]()


@pytest.fixture(scope="session")
def nursery() -> Iterator["Nursery"]:
    from faults import Nursery  # noqa: PLC0415 - which imports this module

    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def patient(nursery: "Nursery", tmp_path: Path) -> "Patient":
    """An empty data folder whose commands can be killed at any point."""
    from faults import Patient  # noqa: PLC0415

    return Patient(nursery, tmp_path / "data")


@pytest.fixture
def many() -> Callable[[int, int], int]:
    """Choose how often: a few in `make test`, the full number in `make torture`."""
    return lambda quick, full: full if TORTURE else quick


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Keep a figure for the table at the end of the run."""

    def keep(what: str, found: str) -> None:
        request.config.stash.setdefault(_FIGURES, []).append((what, found))

    return keep


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section("figures" if TORTURE else "figures (quick; 'make torture')")
        width = max(len(what) for what, _ in figures)
        for what, found in figures:
            terminalreporter.write_line(f"{what:<{width}}  {found}")
