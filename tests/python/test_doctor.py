import os
import re
import subprocess
import sys
from datetime import datetime

import duckdb
import pytest
from conftest import ROOT

from warehouse.connect import DamagedError, open_reading, open_working, query
from warehouse.create import _YOUNGEST, create_tables, refuse_earlier_version
from warehouse.doctor import examine, heal
from warehouse.settings import WarehouseError
from warehouse.status import status_lines

NOW = datetime(2026, 11, 21, 8)  # noqa: DTZ001 - UTC without zone, as in the database
# The start of a process that ends without a checkpoint, as kill -9 would end it.
DIES = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
sys.path.insert(0, "tests/python")
from test_doctor import put_file
from warehouse.connect import open_working
from warehouse.create import _YOUNGEST, create_tables, refuse_earlier_version
with open_working(Path(sys.argv[1])) as connection:
    create_tables(connection)
    for name in sys.argv[2:]:
        put_file(connection, name)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def put_file(connection, name: str, status: str = "loaded", reason: str | None = None) -> int:
    """Insert what a load of one file of 6 lines leaves: 2 accepted, 2 duplicates, 1, 1."""
    run = lambda sql, *values: query(connection, sql, list(values))  # noqa: E731
    [(seq,)] = run("select coalesce(max(load_seq), 0) + 1 from raw.load_manifest")
    counts = (6, 2, 2, 1, 1) if status == "loaded" else (0, 0, 0, 0, 0)
    run("begin")
    if status == "loaded":
        for line in (1, 2):
            run(
                "insert into raw.client_support_returns "
                "(txid, rfid, return_time, _file, _line, _load_seq, _loaded_at) "
                "values (?, 'r', ?, ?, ?, ?, ?)",
                *(f"{name}-{line}", NOW, name, line, seq, NOW),
            )
        run("insert into raw.load_duplicates values (?, 3, 2, 'in_file', ?)", name, seq)
        run("insert into raw.load_rejects values (?, 5, 'not_object', '1', ?, null)", name, seq)
    run(
        "insert into raw.load_manifest (file, feed, file_size, file_modified_ns, status, "
        "row_count, row_parsed, duplicate_count, error_count, blank_count, first_error_message, "
        "load_seq, checked_at, loaded_at) "
        "values (?, 'returns', 1, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(name, status, *counts, reason, seq, NOW, NOW),
    )
    run("commit")
    return seq


class Clinic:
    """A working file, its landing folder, a stand-in for the loader, and what was told."""

    def __init__(self, folder) -> None:
        self.path, self.landing = folder / "kscm.duckdb", folder / "landing"
        (self.landing / "returns").mkdir(parents=True)
        self.told: list[str] = []

    def land(self, *names: str) -> None:
        for name in names:
            (self.landing / name).write_bytes(b"x")

    def load(self, connection, order=None) -> None:
        known = {file for (file,) in query(connection, "select file from raw.load_manifest")}
        for path in sorted(self.landing.glob("*/*")):
            if (name := f"returns/{path.name}") not in known:
                put_file(connection, name)

    def heal(self, **options) -> str:
        self.told.clear()
        heal(self.path, self.landing, NOW, self.load, self.told.append, **options)
        return "\n".join(self.told)

    def die(self, *names: str) -> None:
        """Load these files in a process that is killed: they stand in the log only."""
        command = [sys.executable, "-c", DIES, str(self.path), *names]
        assert subprocess.run(command, cwd=ROOT).returncode == -9

    def files(self) -> list[str]:
        with open_reading(self.path) as connection:
            rows = query(
                connection,
                "select _file, count(*) from raw.client_support_returns group by 1 order by 1",
            )
        assert all(count == 2 for _, count in rows)
        return [file.removeprefix("returns/") for file, _ in rows]

    def aside(self) -> list[str]:
        return sorted(p.name for p in self.path.parent.glob("*.damaged"))

    @property
    def log(self):
        return self.path.with_name("kscm.duckdb.wal")


@pytest.fixture
def clinic(tmp_path):
    return Clinic(tmp_path)


@pytest.fixture
def loaded(clinic):
    clinic.land("returns/a", "returns/b")
    with open_working(clinic.path) as connection:
        create_tables(connection)
        clinic.load(connection)
    return clinic


def test_a_healthy_file_stays_as_it_is_and_new_files_are_loaded(loaded):
    assert loaded.heal() == f"{loaded.path} is healthy."
    loaded.land("returns/c")
    loaded.heal()
    assert loaded.files() == ["a", "b", "c"]
    assert loaded.aside() == []


@pytest.mark.parametrize("damage", ["flip", "zeros"])
def test_a_log_that_cannot_be_read_is_moved_aside_and_its_files_loaded_again(loaded, damage):
    loaded.land("returns/c", "returns/d")
    loaded.die("returns/c", "returns/d")
    log = bytearray(loaded.log.read_bytes())
    # A flip in the length of an entry looks like a log cut short: this one is in a value.
    middle = log.index(b"returns/c") + 3
    if damage == "flip":
        log[middle] ^= 1
    else:
        log[middle:] = bytes(len(log) - middle)
    loaded.log.write_bytes(log)
    with pytest.raises(DamagedError, match="warehouse doctor"), open_working(loaded.path):
        pass
    told = loaded.heal()
    assert "kscm.duckdb.wal.20261121T080000000000Z.damaged" in told
    assert loaded.files() == ["a", "b", "c", "d"]
    [aside] = loaded.aside()
    assert (loaded.path.parent / aside).read_bytes() == log


def test_a_log_cut_short_opens_and_what_it_lost_is_loaded_again(loaded):
    loaded.land("returns/c", "returns/d")
    loaded.die("returns/c", "returns/d")
    os.truncate(loaded.log, loaded.log.stat().st_size // 2)
    assert loaded.heal() == f"{loaded.path} is healthy."
    assert loaded.files() == ["a", "b", "c", "d"]


@pytest.mark.parametrize("where", ["header", "rows"])
def test_a_database_that_cannot_be_read_is_built_again_from_landing(loaded, where):
    database = bytearray(loaded.path.read_bytes())
    if where == "header":
        database[4096:12288] = bytes(8192)
    else:
        found = database.index(b"returns/a-1") + 3
        database[found] ^= 1
    loaded.path.write_bytes(database)
    told = loaded.heal()
    assert "cannot be brought back" in told
    assert loaded.aside() == ["kscm.duckdb.20261121T080000000000Z.damaged"]
    assert (loaded.path.parent / loaded.aside()[0]).read_bytes() == database
    assert loaded.files() == ["a", "b"]


def test_a_file_of_another_kind_is_not_touched_unless_asked(clinic):
    clinic.path.write_text("Dear warehouse, " * 1000)
    with pytest.raises(WarehouseError, match="is not a DuckDB database"):
        clinic.heal()
    assert clinic.path.read_text().startswith("Dear")
    clinic.heal(rebuild=True)
    [letter] = clinic.aside()
    assert (clinic.path.parent / letter).read_text().startswith("Dear")


def test_a_rebuild_keeps_the_pepper_and_the_old_file(loaded, monkeypatch):
    monkeypatch.delenv("KSCM_PEPPER", raising=False)
    with open_reading(loaded.path) as connection:
        before = query(connection, "from raw.pepper")
    monkeypatch.setenv("KSCM_PEPPER", "")
    loaded.heal(rebuild=True)
    with open_reading(loaded.path) as connection:
        assert query(connection, "from raw.pepper") == before
    assert loaded.aside() == ["kscm.duckdb.20261121T080000000000Z.damaged"]
    assert loaded.files() == ["a", "b"]


def test_a_rebuild_that_would_lose_a_file_wants_a_yes(loaded):
    (loaded.landing / "returns/a").unlink()
    assert "1 file loaded once" in loaded.heal()
    with pytest.raises(WarehouseError, match=r"1 loaded file no longer in .*returns/a.*--yes"):
        loaded.heal(rebuild=True)
    assert loaded.files() == ["a", "b"]
    assert loaded.aside() == []
    loaded.heal(rebuild=True, agreed=True)
    assert loaded.files() == ["b"]


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        ("delete from raw.client_support_returns where txid = 'returns/a-1'", "1 accepted"),
        ("insert into raw.client_support_returns from raw.client_support_returns", "4 accepted"),
        ("update raw.load_duplicates set line_count = 5 where file = 'returns/b'", "5 duplicate"),
        ("delete from raw.load_rejects", "0 refused"),
        ("delete from raw.load_manifest where file = 'returns/a'", "unknown to the manifest"),
        ("update raw.load_manifest set blank_count = 3", "do not add up"),
    ],
)
def test_rows_that_differ_from_the_manifest_are_found(loaded, sql, finding):
    with open_working(loaded.path) as connection:
        assert examine(connection) == []
        query(connection, sql)
        assert finding in "\n".join(examine(connection))
    if "load_manifest" in sql and "delete" in sql:
        return
    with pytest.raises(WarehouseError, match="doctor --rebuild"):
        loaded.heal()
    loaded.heal(rebuild=True)
    assert loaded.files() == ["a", "b"]


def test_a_database_of_an_earlier_version_is_told_and_rebuilt(loaded):
    with open_working(loaded.path) as connection:
        refuse_earlier_version(connection)
        query(connection, "alter table raw.load_rejects drop repaired_seq")
        with pytest.raises(WarehouseError, match=r"earlier version.*doctor --rebuild"):
            refuse_earlier_version(connection)
    with pytest.raises(WarehouseError, match="earlier version"):
        loaded.heal()
    loaded.heal(rebuild=True)
    assert loaded.files() == ["a", "b"]


def test_a_second_doctor_is_kept_out(loaded):
    def meanwhile(*_) -> None:
        with pytest.raises(WarehouseError, match="another doctor"):
            heal(loaded.path, loaded.landing, NOW, loaded.load)

    heal(loaded.path, loaded.landing, NOW, meanwhile, loaded.told.append)
    assert loaded.heal().endswith("is healthy.")


def test_a_warehouse_that_was_never_made_is_told(clinic):
    with pytest.raises(WarehouseError, match="does not exist"):
        clinic.heal()
    assert not clinic.path.exists()
    clinic.land("returns/a")
    clinic.heal(rebuild=True)
    assert clinic.files() == ["a"]


def test_status_reads_and_leaves_every_byte(loaded):
    loaded.die("returns/c")
    before = loaded.path.read_bytes(), loaded.log.read_bytes()
    with open_reading(loaded.path) as connection:
        lines = status_lines(connection, loaded.path.parent / "none", loaded.landing)
        with pytest.raises(duckdb.Error):
            query(connection, "create table t (a integer)")
    assert (loaded.path.read_bytes(), loaded.log.read_bytes()) == before
    assert lines[0].startswith(
        "returns: 3 files (0 failed), 18 lines = 6 accepted + 6 duplicates + 3 refused + 3 blank, "
    )
    assert lines[1] == "  refused as not_object: 3 open, 0 repaired, first in returns/a:5"
    assert "3 lines open" in lines[2]
    assert "replay" in lines[2]


def test_status_of_a_file_without_tables_says_so(clinic):
    with open_working(clinic.path):
        pass
    with open_reading(clinic.path) as connection:
        lines = status_lines(connection, clinic.path.parent / "none", clinic.landing)
    assert lines == ["nothing loaded yet", "nothing published yet"]


def test_a_failed_file_is_shown_until_it_is_mended_or_gone(loaded):
    loaded.land("returns/x", "returns/y\n")

    def failed() -> list[str]:
        with open_reading(loaded.path) as connection:
            lines = status_lines(connection, loaded.path.parent / "none", loaded.landing)
        return [line for line in lines if line.startswith("  failed")]

    with open_working(loaded.path) as connection:
        put_file(connection, "returns/x", "failed", "damaged gzip")
        put_file(connection, "returns/y\n", "failed", "UTF-16")
    assert failed() == ["  failed: returns/x: damaged gzip", r"  failed: returns/y\n: UTF-16"]
    with open_working(loaded.path) as connection:
        put_file(connection, "returns/x")
    (loaded.landing / "returns/y\n").unlink()
    assert failed() == []


def test_a_repaired_line_is_no_longer_open(loaded):
    with open_working(loaded.path) as connection:
        query(connection, "update raw.load_rejects set repaired_seq = 9 where file = 'returns/a'")
    with open_reading(loaded.path) as connection:
        text = "\n".join(status_lines(connection, loaded.path.parent / "none", loaded.landing))
    assert "1 open, 1 repaired" in text
    assert "1 line open" in text


def test_long_lists_are_cut(loaded):
    with open_working(loaded.path) as connection:
        for number in range(30):
            loaded.land(f"returns/x{number}")
            put_file(connection, f"returns/x{number}", "failed", "UTF-16")
    with open_reading(loaded.path) as connection:
        lines = status_lines(connection, loaded.path.parent / "none", loaded.landing)
    assert sum(line.startswith("  failed") for line in lines) == 20
    assert "  ... and 10 more files, in raw.load_manifest" in lines


def test_the_working_file_is_never_among_the_published(shop, refused):
    (shop.data / "landing").mkdir(parents=True)
    (shop.data / "published").mkdir()
    (shop.data / "link.duckdb").symlink_to("published/x.duckdb")
    for name in ("published/x.duckdb", "link.duckdb"):
        line = refused(shop.warehouse("load", check=False, KSCM_DB=str(shop.data / name)), 1)
        assert "published" in line
    assert list((shop.data / "published").iterdir()) == []


def test_columns_by_which_an_earlier_version_is_known_are_in_the_ddl():
    for table, column in _YOUNGEST.items():
        text = (ROOT / "warehouse" / "ddl" / "duckdb" / f"{table}.sql").read_text()
        assert re.search(rf"\b{column}\b", text)
