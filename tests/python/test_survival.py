"""Kills, damaged logs, full and read-only disks, several loaders: nothing lost, nothing doubled."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from conftest import ROOT
from faults import KILLED, Patient, Point, accounted, damage, dice, lines_of, little_landing, order
from faults import small_disk as mounted_disk

pytestmark = pytest.mark.torture


@pytest.fixture
def truth(nursery, tmp_path):
    """The tables of a load that nobody disturbed, and the statements it ran."""
    calm = Patient(nursery, tmp_path / "calm")
    little_landing(calm.landing)
    journal = tmp_path / "journal"
    ended = calm.run("load", journal=journal)
    assert ended.code == 0, ended
    # Counted by hand: 62 + 20 + 4 lines of orders, 3 returns, 20 movements, 3 + 3 of CSV.
    assert accounted(calm) == {
        "lines": 115,
        "accepted": 60 + 15 + 1 + 2 + 20 + 2 + 2,
        "duplicates": 5 + 1 + 1,
        "refused": 1 + 2,
        "blank": 1 + 2,
    }
    return calm.tables(), Counter(journal.read_text("utf-8").splitlines())


def points(seen: Counter[str], number: int, draw: random.Random) -> list[Point]:
    """Every kind of statement, first and last of its kind, before and after; then any."""
    named = [
        Point(words, nth, is_after)
        for words, times in sorted(seen.items())
        for nth in sorted({1, times})
        for is_after in (False, True)
    ]
    more = [
        Point(words, draw.randint(1, seen[words]), draw.random() < 0.5)
        for words in draw.choices(list(seen), list(seen.values()), k=number)
    ]
    draw.shuffle(named)
    return (named + more)[:number]


def test_kills_at_named_points(patient, truth, many, figure):
    tables, seen = truth
    little_landing(patient.landing)
    chosen = points(seen, many(20, 350), dice())
    for point in chosen:
        patient.forget()
        ended = patient.run("load", point=point)
        assert ended.code == KILLED, (point, ended)
        again = patient.run("load")
        assert again.code == 0, (point, again)
        assert patient.tables() == tables, point
    named = len({(point.words, point.is_after) for point in chosen})
    figure("kills at named points", f"{len(chosen)} at {named} points: 0 lost, 0 doubled")


def test_kills_at_random_moments(patient, many, figure):
    draw = dice()
    little_landing(patient.landing, orders=3_000)
    whole, tables = 60.0, None
    killed = 0
    while killed < many(8, 150):
        patient.forget()
        # Killed up to three times, as by an impatient user; each goes on from the one before.
        for _ in range(draw.randint(1, 3) if tables else 0):
            load = patient.start("load")
            load.process.join(draw.uniform(0, whole))
            load.process.kill()
            killed += load().code == KILLED
        began = time.monotonic()
        patient.good("load")
        whole = min(whole, time.monotonic() - began)
        tables = tables or patient.tables()
        assert patient.tables() == tables
    figure("kills at random moments", f"{killed}: 0 lost, 0 doubled, 0 unopenable")


def killed_before_the_checkpoint(patient: Patient, files: list[str]) -> tuple[bytes, bytes]:
    """Load a first file whole, the others in a process that dies after its last commit."""
    kept = patient.folder / "kept"
    little_landing(kept)
    (patient.landing / "orders").mkdir(exist_ok=True)
    shutil.copy(kept / "orders/a.ndjson", patient.landing / "orders")
    patient.good("load")
    for name in files:
        (patient.landing / name).parent.mkdir(exist_ok=True)
        shutil.copy(kept / name, patient.landing / name)
    saved = patient.database.read_bytes()
    journal = patient.folder / "journal"
    patient.run("load", journal=journal)
    commits = journal.read_text("utf-8").splitlines().count("commit")
    patient.database.write_bytes(saved)
    point = Point("commit", commits, is_after=True)
    assert patient.run("load", point=point).code == KILLED
    return patient.database.read_bytes(), patient.log.read_bytes()


def test_damaged_logs_lose_nothing(patient, truth, many, figure):
    tables, _ = truth
    files = [
        *("orders/b.ndjson.gz", "orders/c.ndjson", "returns/a.ndjson", "stock/a.ndjson"),
        *("shops_products/p.csv", "shops_sales/s.csv"),
    ]
    database, log = killed_before_the_checkpoint(patient, files)
    assert len(log) > 500
    draw = dice()
    seen: Counter[str] = Counter()
    for _ in range(many(10, 100)):
        patient.forget()
        which, damaged = damage(log, draw)
        patient.database.write_bytes(database)
        patient.log.write_bytes(damaged)
        loads = patient.run("load")
        if loads.code:
            assert "warehouse doctor" in loads.error
            assert patient.run("status").error
            assert patient.log.read_bytes() == damaged
        told = patient.good("doctor").out
        assert told.endswith("is healthy.\n")
        assert patient.tables() == tables, which
        aside = list(patient.database.parent.glob("*.damaged"))
        assert [path.read_bytes() for path in aside] == ([damaged] if loads.code else [])
        seen[f"{which} {'refused' if loads.code else 'opened'}"] += 1
    figure("damaged logs", f"{seen.total()}, every row back ({dict(sorted(seen.items()))})")


def test_damaged_databases_lose_nothing(patient, truth, many, figure):
    tables, _ = truth
    little_landing(patient.landing)
    patient.good("load")
    database = patient.database.read_bytes()
    draw = dice()
    rebuilt = 0
    for _ in range(many(5, 50)):
        patient.forget()
        _, damaged = damage(database, draw)
        patient.database.write_bytes(damaged)
        healed = patient.run("doctor")
        if healed.code:
            # Its first block is gone: it may be anybody's file.
            assert "is not a DuckDB database" in healed.error
            patient.good("doctor", "--rebuild")
        rebuilt += bool(list(patient.database.parent.glob("*.damaged")))
        assert patient.tables() == tables
    figure("damaged databases", f"{many(5, 50)}, every row back ({rebuilt} rebuilt)")


def check_full(patient: Patient, ended, tables) -> bool:
    """A load on a full disk says so in one line, and leaves whole files only."""
    if ended.code == 0:
        assert patient.tables() == tables
        return False
    assert "disk is full" in ended.error or "too large" in ended.error.lower()
    if patient.database.exists() and "cannot be" not in ended.error:
        status = patient.run("status")
        assert status.code == 0 or status.error
    return True


def sizes(biggest: int, number: int) -> list[int]:
    return [biggest * step // number // 4096 * 4096 + 4096 for step in range(number)]


def test_a_full_disk_stops_the_load_and_room_lets_it_go_on(patient, nursery, many, figure):
    little_landing(patient.landing, orders=2_000)
    patient.good("load")
    tables, need = patient.tables(), patient.database.stat().st_size
    full = 0
    for size in sizes(need, many(4, 20)):
        folder = patient.folder / "disk"
        with mounted_disk(folder, size) as mount_again:
            there = Patient(nursery, patient.folder, folder / "kscm.duckdb")
            full += check_full(there, there.run("load"), tables)
            mount_again(f"size={10 * need}")
            assert there.run("load").code == 0
            assert there.tables() == tables
    assert full
    figure("full disk (mounted)", f"{many(4, 20)} sizes, {full} full: every row after room came")


def test_a_file_that_may_not_grow_stops_the_load(patient, many, figure):
    little_landing(patient.landing, orders=2_000)
    patient.good("load")
    tables, need = patient.tables(), patient.database.stat().st_size
    full = 0
    for size in sizes(need, many(4, 20)):
        patient.forget()
        full += check_full(patient, patient.run("load", limit=size), tables)
        patient.good("load")
        assert patient.tables() == tables
    assert full
    figure("full disk (file size limit)", f"{many(4, 20)} sizes, {full} full: every row after")


def test_a_read_only_disk_is_told_and_can_be_read(patient, nursery):
    little_landing(patient.landing)
    folder = patient.folder / "disk"
    with mounted_disk(folder, 64 << 20) as mount_again:
        there = Patient(nursery, patient.folder, folder / "kscm.duckdb")
        (patient.landing / "orders/c.ndjson").rename(patient.folder / "later")
        assert there.run("load").code == 0
        mount_again("ro")
        (patient.folder / "later").rename(patient.landing / "orders/c.ndjson")
        assert "Read-only" in there.run("load").error
        assert "82 lines = 75 accepted" in there.good("status").out
        mount_again("rw")
        assert "Loaded 1 file" in there.good("load").out


def test_eight_loaders_load_each_file_once(patient, many, figure):
    folder = patient.landing / "orders"
    folder.mkdir(parents=True)
    for number in range(many(20, 60)):
        records = [order(f"{number}-{n}") for n in range(5)]
        (folder / f"{number:03}.ndjson").write_bytes(lines_of(records))
    loads = [patient.start("load") for _ in range(8)]
    ended = [load() for load in loads]
    assert [one.code for one in ended] == [0] * 8, ended
    files = many(20, 60)
    once = "select count(*), count(distinct file), sum(row_parsed) from raw.load_manifest"
    assert patient.query(once) == [(files, files, 5 * files)]
    distinct = "select count(*), count(distinct txid) from raw.client_support_orders"
    assert patient.query(distinct) == [(5 * files, 5 * files)]
    figure("8 loaders, one folder", f"{files} files once each")


@pytest.fixture
def holder(patient):
    """A process that holds the working file until its input is closed."""
    patient.landing.mkdir(exist_ok=True)
    patient.good("create")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(patient.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_loader_waits_for_the_one_before_and_says_so_once(patient, holder):
    little_landing(patient.landing)
    load = patient.start("load", "--wait", "120")
    said = patient.folder / f"said-{patient.runs}.err"
    while not (said.exists() and "waiting" in said.read_text("utf-8")):
        load.process.join(0.05)
        assert load.process.exitcode is None
    holder.communicate("\n")
    ended = load()
    assert ended.code == 0
    assert ended.err.count(f"waiting for another program (process {holder.pid})") == 1


def test_a_loader_that_waited_long_enough_names_the_holder(patient, holder):
    little_landing(patient.landing)
    for words in (("load", "--wait", "0"), ("load", "--wait", "0.3"), ("status",), ("create",)):
        assert f"process {holder.pid}" in patient.run(*words).error
    assert patient.run("load", "--wait", "-1").code == 2


def test_a_loader_that_is_stopped_says_that_it_did_not_finish(patient, holder):
    little_landing(patient.landing)
    load = patient.start("load", "--wait", "120")
    said = patient.folder / f"said-{patient.runs}.err"
    while not (said.exists() and "waiting" in said.read_text("utf-8")):
        load.process.join(0.05)
        assert load.process.exitcode is None
    os.kill(load.process.pid, signal.SIGINT)
    ended = load()
    assert ended.code == 130
    assert "did not finish" in ended.err


def test_two_doctors_do_no_harm(patient, truth):
    tables, _ = truth
    little_landing(patient.landing)
    patient.good("load")
    doctors = [patient.start("doctor", "--rebuild") for _ in range(4)]
    codes = [doctor().code for doctor in doctors]
    assert 0 in codes
    patient.good("doctor")
    assert patient.tables() == tables


def test_the_clock_of_names_is_utc(patient):
    little_landing(patient.landing)
    patient.good("load")
    before = datetime.now(UTC)
    patient.good("doctor", "--rebuild")
    [aside] = patient.database.parent.glob("kscm.duckdb.*.damaged")
    stamp = datetime.strptime(aside.name.split(".")[2], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    assert before <= stamp <= datetime.now(UTC)
