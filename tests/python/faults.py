"""How the torture tests hurt a load: children that kill themselves, full disks, damaged bytes."""

import gzip
import json
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import ROOT

from warehouse import connect

KILLED = -signal.SIGKILL
_AS_LOADED = {"_load_seq", "_loaded_at", "_checked_at", "_file_modified_ns"}


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (below 0: the signal), what it said."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of a refusal; anything else on stderr that is no note is a failure."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert self.code == 1, self
        assert len(lines) == 1, self
        assert "Traceback" not in self.err, self
        return lines[0]


@dataclass(frozen=True)
class Point:
    """A named point of a load: before or after the n-th statement that begins with these words."""

    words: str
    nth: int
    is_after: bool


class Nursery:
    """Start commands in forks of a process that has imported everything: quick, and killable."""

    def __init__(self) -> None:
        # The fork server does not take over sys.path, and would import nothing.
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "python")])
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["faults", "warehouse.__main__"])
        self._running: list[Any] = []

    def start(
        self,
        words: tuple[str, ...],
        environment: dict[str, str],
        said: Path,
        point: Point | None = None,
        journal: Path | None = None,
        limit: int | None = None,
    ) -> Any:
        process = self._context.Process(
            target=_command, args=(words, environment, str(said), point, journal, limit)
        )
        process.start()
        self._running.append(process)
        return process

    def ended(self, process: Any, said: Path) -> Ended:
        process.join(300)
        assert process.exitcode is not None, "a command hangs"
        self._running.remove(process)
        out, err = (Path(f"{said}.{name}") for name in ("out", "err"))
        texts = [p.read_text("utf-8", "replace") if p.exists() else "" for p in (out, err)]
        return Ended(process.exitcode, *texts)

    def close(self) -> None:
        for process in self._running:
            process.kill()


def _command(
    words: tuple[str, ...],
    environment: dict[str, str],
    said: str,
    point: Point | None,
    journal: Path | None,
    limit: int | None,
) -> None:
    """In the child: run `python -m warehouse`, its streams into files, and die at the point.

    No file may grow beyond `limit` bytes.
    """
    from command_line import run  # noqa: PLC0415
    from warehouse import __main__ as warehouse  # noqa: PLC0415
    from warehouse.settings import WarehouseError  # noqa: PLC0415

    for name in [name for name in os.environ if name.startswith("KSCM_")]:
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(ROOT)
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(f"{said}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if point or journal:
        _watch(point, journal)
    # A program that is no file is taken for a notebook by DuckDB, which shows a progress bar.
    sys.modules["__main__"].__file__ = warehouse.__file__
    # A shell's background job ignores Ctrl-C, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["warehouse", *words]
    run(warehouse.app, warehouse.PROGRAM, WarehouseError)


def _watch(point: Point | None, journal: Path | None) -> None:
    seen: Counter[str] = Counter()
    plain = connect.query
    file = journal.open("a", encoding="utf-8") if journal else None

    def query(connection: Any, sql: str, parameters: object = None) -> list[tuple]:
        words = kind(sql)
        seen[words] += 1
        here = point and point.words == words and point.nth == seen[words]
        if file:
            print(words, file=file, flush=True)
        if here and not point.is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        rows = plain(connection, sql, parameters)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return rows

    # Modules took the function by name when they were imported.
    for module in list(sys.modules.values()):
        if getattr(module, "query", None) is plain:
            module.query = query  # type: ignore[attr-defined]


def kind(sql: str) -> str:
    """Name a statement by its first words."""
    return " ".join(sql.split()[:4])


class Patient:
    """A folder that stands for data/, with commands run on it in killable children."""

    def __init__(self, nursery: Nursery, folder: Path, database: Path | None = None) -> None:
        self._nursery, self.folder = nursery, folder
        self.landing = folder / "landing"
        self.landing.mkdir(parents=True, exist_ok=True)
        self.database = database or folder / "kscm.duckdb"
        self.runs = 0

    @property
    def log(self) -> Path:
        return self.database.with_name(self.database.name + ".wal")

    def start(self, *words: str, **more: Any) -> Callable[[], Ended]:
        """Start a command; the function returned waits for it. `.process` can be killed."""
        self.runs += 1
        said = self.folder / f"said-{self.runs}"
        environment = {"KSCM_DATA": str(self.folder), "KSCM_DB": str(self.database)}
        process = self._nursery.start(words, environment, said, **more)

        def wait() -> Ended:
            return self._nursery.ended(process, said)

        wait.process = process  # type: ignore[attr-defined]
        return wait

    def run(self, *words: str, **more: Any) -> Ended:
        return self.start(*words, **more)()

    def good(self, *words: str) -> Ended:
        ended = self.run(*words)
        assert ended.code == 0, ended
        return ended

    def forget(self) -> None:
        """Remove the database and what stands beside it, for another try."""
        for path in self.database.parent.glob(self.database.stem + ".*"):
            path.unlink()

    def query(self, sql: str, *values: object) -> list[tuple]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql, values).fetchall()

    def tables(self) -> dict[str, list[tuple]]:
        """All raw tables but the builds and the secret, sorted, without order and time of load."""
        found = {}
        with duckdb.connect(str(self.database), read_only=True) as connection:
            for (table,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'raw' and "
                "table_name not in ('dbt_builds', 'pepper') order by 1"
            ).fetchall():
                cursor = connection.execute(f"select * from raw.{table}")
                names = [column[0] for column in cursor.description]
                kept = [
                    n for n, name in enumerate(names) if f"_{name.lstrip('_')}" not in _AS_LOADED
                ]
                found[table] = sorted(
                    (tuple(row[n] for n in kept) for row in cursor.fetchall()), key=repr
                )
        return found


def accounted(patient: Patient) -> Counter[str]:
    """Sum the manifest, and check its law."""
    rows = patient.query(
        "select row_count, row_parsed, duplicate_count, error_count, blank_count "
        "from raw.load_manifest"
    )
    assert all(lines == sum(parts) for lines, *parts in rows)
    names = ("lines", "accepted", "duplicates", "refused", "blank")
    return Counter({name: sum(row[n] for row in rows) for n, name in enumerate(names)})


def order(number: object, **changes: object) -> dict[str, object]:
    return {
        "txid": f"t{number}",
        "rfid": f"0x{number}",
        "item": "Statue Sasha Pirate Gold",
        "purchase_time": "2024-05-01T10:00:00",
        "name": "Zoé",
    } | changes


def lines_of(records: list[dict[str, object]]) -> bytes:
    texts = [json.dumps(record, ensure_ascii=False) for record in records]
    return "".join(text + "\n" for text in texts).encode()


def little_landing(landing: Path, orders: int = 60) -> None:
    """Lay down a landing folder with every kind of line, in seven feeds' files."""
    files = {
        "orders/a.ndjson": lines_of([order(n) for n in range(orders)]) + b'{"txid"\n\n',
        "orders/b.ndjson.gz": gzip.compress(
            # Repeats, corrections, and new ones.
            lines_of([order(n) for n in range(5)])
            + lines_of([order(n, name="Zoë") for n in range(5, 10)])
            + lines_of([order(f"b{n}") for n in range(10)]),
            mtime=0,
        ),
        "orders/c.ndjson": b"\xff\n" + lines_of([order("c"), order("c"), order("d", days="x")]),
        "returns/a.ndjson": lines_of(
            [
                {"txid": f"t{n}", "rfid": f"0x{n}", "return_time": "2024-06-01T10:00:00"}
                for n in (1, 2, 2)
            ]
        ),
        "stock/a.ndjson": lines_of(
            [
                {
                    "movement_id": f"m{n}",
                    "sku": "s",
                    "location_id": "l",
                    "kind": "receipt",
                    "quantity": n,
                    "moved_at": "2024-01-01T00:00:00",
                }
                for n in range(20)
            ]
        ),
        "shops_products/p.csv": "id;nom;prix\n1;Été;9,90\n2;Hiver;8,50\n".encode(),
        "shops_sales/s.csv": b"id,date,product,store,quantity\n1,2024-05-01,1,1,2\n"
        b"2,2024-05-13,1,1,2\n",
    }
    for name, content in files.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_bytes(content)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Callable[..., None]]:
    """Mount a disk of `size` bytes; the function given mounts it anew (`size=`, `ro`, `rw`)."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    ran = subprocess.run(mount, capture_output=True, text=True)
    if ran.returncode:
        pytest.skip(f"no disk can be mounted here: {ran.stderr.strip()}")

    def again(option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)

    try:
        yield again
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def dice() -> random.Random:
    """The same throws in every run: what was found once can be found again."""
    return random.Random(20261121)  # noqa: S311


def damage(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Cut, flip or zero bytes at a random place."""
    place = draw.randrange(len(content))
    which = draw.choice(["cut", "flip", "zeros"])
    if which == "cut":
        return which, content[:place]
    if which == "flip":
        flipped = bytes([content[place] ^ 1 << draw.randrange(8)])
        return which, content[:place] + flipped + content[place + 1 :]
    return which, content[:place] + bytes(len(content) - place)
