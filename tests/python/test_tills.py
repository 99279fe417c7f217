"""The same seed gives the same bytes, however the work is cut, and a stop leaves whole files."""

import gzip
import hashlib
import json
import os
import re
import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import FIRST, key_rows, raw_lines, records, write_world

from generator.dirt import CLEAN, HEAVY, Dirt
from generator.tills import FEEDS, Job, StoppedError, remove_unfinished, write_job
from generator.workers import WorkerError, run_jobs, split_job
from generator.world import World, each_day, plan_files

DIRT = Dirt("test", {name: rate * 5 for name, rate in HEAVY.items()})


def checksums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
        if path.suffix != ".lock"
    }


def job_for(folder: Path, dirt: Dirt, format: str = "ndjson", **more: int) -> Job:
    world = World(42, 2_500, 120, FIRST, dirt)
    for feed in FEEDS:
        (folder / feed).mkdir(parents=True, exist_ok=True)
    periods = plan_files(world, each_day(FIRST, world.last_planned_day))
    return Job(world, periods, format, folder, **more)


def quietly(job: Job) -> None:
    write_job(job, lambda *_: None, lambda: False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Checksums of a world written in one go, clean and dirty."""
    found = {}
    for dirt in (CLEAN, DIRT):
        folder = tmp_path_factory.mktemp(dirt.name)
        quietly(job_for(folder, dirt))
        found[dirt.name] = checksums(folder)
    return found


@settings(max_examples=12, deadline=None)
@given(
    dirt=st.sampled_from([CLEAN, DIRT]),
    cuts=st.sets(st.integers(1, 4)),
    block_orders=st.integers(15, 300),
    backwards=st.booleans(),
)
def test_neither_jobs_nor_blocks_nor_their_order_show(
    tmp_path_factory, whole, dirt, cuts, block_orders, backwards
):
    folder = tmp_path_factory.mktemp("parts")
    job = job_for(folder, dirt, block_orders=block_orders)
    bounds = [0, *sorted(cuts), len(job.periods)]
    runs = [job.periods[a:b] for a, b in pairwise(bounds)]
    for run in reversed(runs) if backwards else runs:
        quietly(Job(job.world, run, "ndjson", folder, block_orders))
    assert checksums(folder) == whole[dirt.name]
    shutil.rmtree(folder)


@pytest.mark.parametrize("format", ["ndjson", "parquet"])
def test_neither_do_processes(tmp_path, format):
    found = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        job = job_for(folder, CLEAN, format)
        told = []
        run_jobs(split_job(job, workers), workers, lambda *counts: told.append(counts))  # noqa: B023
        found.append((checksums(folder), [sum(count) for count in zip(*told, strict=True)]))
    assert found[0] == found[1]


def test_the_world_of_this_seed_has_not_changed(tmp_path):
    """A golden checksum: whoever changes the world has to say so here."""
    quietly(job_for(tmp_path, DIRT))
    digest = hashlib.sha256()
    for feed in FEEDS:
        for line in raw_lines(tmp_path, feed):
            digest.update(line)
    assert digest.hexdigest() == "baabd9f294bfea57cc379ce1bc4480392b740346178c7ee1da570a7c020d4012"


def test_a_job_is_cut_by_weight_and_where_days_are_missing():
    world = World(1, 10_000, 300, FIRST)
    periods = plan_files(world, each_day(FIRST, world.last_planned_day))
    job = Job(world, periods, "ndjson", Path())
    halves = split_job(job, 2)
    assert [period for half in halves for period in half.periods] == periods
    orders = [world.orders_until(half.last) - world.orders_until(half.first) for half in halves]
    assert all(0.35 < count / 10_000 < 0.65 for count in orders)
    holes = Job(world, periods[:2] + periods[4:], "ndjson", Path())
    assert [half.periods for half in split_job(holes, 1)] == [periods[:2], periods[4:]]


def test_every_format_holds_the_same_units(tmp_path):
    for lane in ("ndjson", "ndjson.gz", "parquet"):
        write_world(tmp_path / lane, orders=400, days=40, format=lane)
    for feed in FEEDS:
        lines = list(raw_lines(tmp_path / "ndjson", feed))
        packed = [
            gzip.decompress(path.read_bytes())
            for path in sorted((tmp_path / "ndjson.gz" / feed).iterdir())
        ]
        assert b"".join(packed) == b"".join(lines)
        rows = [
            row
            for path in sorted((tmp_path / "parquet" / feed).iterdir())
            for row in pq.read_table(path).to_pylist()
        ]
        expected = records(tmp_path / "ndjson", feed)
        assert len(rows) == len(expected) > 0
        for row, record in zip(rows, expected, strict=True):
            assert list(row) == list(record)
            for name, value in record.items():
                assert same(row[name], value), (name, row[name], value)


def same(cell, value) -> bool:
    if isinstance(value, float):
        return float(cell) == value
    if isinstance(value, dict):
        return json.loads(cell) == value
    if hasattr(cell, "isoformat"):
        return cell.strftime("%Y-%m-%dT%H:%M:%S.%f") == value
    return cell == value


def test_a_stop_between_blocks_leaves_whole_files_only(tmp_path):
    job = job_for(tmp_path, CLEAN)
    told = []
    stop_after = 8
    with pytest.raises(StoppedError):
        write_job(job, lambda *counts: told.append(counts), lambda: len(told) >= stop_after)
    whole_one = job_for(tmp_path / "whole", CLEAN)
    quietly(whole_one)
    expected = checksums(tmp_path / "whole")
    found = checksums(tmp_path)
    ours = {name: digest for name, digest in found.items() if not name.startswith("whole/")}
    assert ours
    assert ours.items() < expected.items()
    assert not any(name.endswith(".part") for name in ours)


def test_a_full_disk_is_told_and_leaves_whole_files_only(tmp_path):
    # A folder where a file should be: the third period cannot be written.
    job = job_for(tmp_path, CLEAN)
    first, last = job.periods[2]
    (tmp_path / "returns" / f"returns_{first}_{last}.ndjson").mkdir()
    with pytest.raises(OSError, match="directory") as told:
        run_jobs(split_job(job, 1), 1, lambda *_: None)
    assert "returns" in str(told.value.filename)
    names = sorted(path.name for path in (tmp_path / "orders").iterdir())
    assert names == [f"orders_{a}_{b}.ndjson" for a, b in job.periods[:2]]


def test_an_error_in_a_process_ends_all_of_them(tmp_path):
    job = job_for(tmp_path, CLEAN)
    first, last = job.periods[0]
    (tmp_path / "orders" / f"orders_{first}_{last}.ndjson.part").mkdir()
    with pytest.raises(OSError, match="directory"):
        run_jobs(split_job(job, 2), 2, lambda *_: None)
    assert not [path for path in tmp_path.rglob("*.part") if path.is_file()]


def die(*_: int) -> None:
    os._exit(9)


def test_a_process_that_dies_is_told(tmp_path, monkeypatch):
    job = job_for(tmp_path, CLEAN)
    monkeypatch.setattr("generator.workers._work", die)
    with pytest.raises(WorkerError, match="--workers 1"):
        run_jobs(split_job(job, 2), 2, lambda *_: None)


def test_what_a_killed_run_left_is_removed(tmp_path):
    quietly(job_for(tmp_path, CLEAN))
    before = checksums(tmp_path)
    last = max((tmp_path / "orders").iterdir())
    last.unlink()
    (tmp_path / "orders" / (last.name + ".part")).write_text("half")
    (tmp_path / "returns" / "notes.txt").write_text("not ours")
    remove_unfinished(tmp_path)
    period = re.search(r"\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d", last.name)[0]
    after = checksums(tmp_path)
    assert after.pop("returns/notes.txt")
    assert after == {name: digest for name, digest in before.items() if period not in name}


def test_late_lines_of_earlier_files_are_not_lost(tmp_path):
    """Files written day by day hold together what one file holds."""
    world = World(42, 2_500, 120, FIRST, DIRT)
    days = each_day(FIRST, FIRST + timedelta(days=40))
    lines = []
    for name, periods in (("one", plan_files(world, days)), ("many", [(d, d) for d in days])):
        folder = tmp_path / name
        for feed in FEEDS:
            (folder / feed).mkdir(parents=True)
        quietly(Job(world, periods, "ndjson", folder))
        lines.append(list(raw_lines(folder)))
    assert lines[0] == lines[1]


@pytest.mark.parametrize("dirt", [CLEAN, DIRT], ids=lambda dirt: dirt.name)
@pytest.mark.parametrize(("orders", "days"), [(1, 1), (1, 400), (3, 400), (60, 730), (200, 730)])
def test_the_smallest_worlds_are_written_whole(tmp_path, orders, days, dirt):
    write_world(tmp_path, orders=orders, days=days, dirt=dirt)
    sold = {row["rfid_serial"] for row in key_rows(tmp_path, "units")}
    assert len(sold) >= orders
    told = set()
    for line in raw_lines(tmp_path):
        told.update(int(tag, 16) % 2**38 for tag in re.findall(rb'"rfid":"([0-9A-F]{24})"', line))
    assert told <= sold
    if dirt is CLEAN:
        assert told == sold
