import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LAST_DAY, ROOT

from generator.files import write_lines

SMALL = ("--orders", "500", "--days", "100", "--end", LAST_DAY)


def checksums(data: Path) -> dict[str, str]:
    files = sorted((data / "landing").rglob("*.*"))
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_the_same_seed_gives_the_same_bytes_anywhere(shop, tmp_path):
    shop.generate(*SMALL)
    first = checksums(shop.data)
    assert len(first) == 5  # the world, and a file for each month from 13 August on
    elsewhere = tmp_path / "again"
    shop.generate(*SMALL, KSCM_DATA=str(elsewhere), TZ="Pacific/Auckland", LC_ALL="C")
    assert checksums(elsewhere) == first
    other = tmp_path / "other seed"
    shop.generate(*SMALL, "--seed", "43", KSCM_DATA=str(other))
    assert not set(checksums(other).values()) & set(first.values())


def test_packed_files_hold_the_same_lines(shop, tmp_path):
    shop.generate(*SMALL)
    packed = tmp_path / "packed"
    shop.generate(*SMALL, "--format", "ndjson.gz", KSCM_DATA=str(packed))
    for path in (shop.data / "landing" / "orders").iterdir():
        twin = packed / "landing" / "orders" / (path.name + ".gz")
        assert gzip.decompress(twin.read_bytes()) == path.read_bytes()


def test_a_second_run_adds_days_and_leaves_the_old_ones(shop):
    assert "from 2026-08-13 to 2026-11-20" in shop.generate(*SMALL).stdout
    before = checksums(shop.data)
    again = shop.generate("--orders", "500", "--days", "100", "--end", "2026-11-27")
    assert "from 2026-11-21 to 2026-11-27" in again.stdout
    after = checksums(shop.data)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


def test_other_parameters_do_not_change_a_world_and_are_told(shop, refused):
    shop.generate(*SMALL)
    told = shop.generate("--orders", "9", "--days", "100", "--end", "2026-11-27").stderr
    assert told.startswith("note: this world began with 500 orders in 100 days")
    line = refused(shop.generate(*SMALL, "--seed", "43", check=False), 1)
    assert "seed 42" in line
    assert "--landing" in line


def test_a_file_that_breaks_off_leaves_nothing(tmp_path):
    def lines():
        yield "one"
        raise KeyboardInterrupt

    for name in ("a.ndjson", "a.ndjson.gz"):
        with pytest.raises(KeyboardInterrupt):
            write_lines(tmp_path / name, lines())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_whole_files_and_is_finished_by_the_next(shop, tmp_path):
    options = ["--orders", "6000", "--days", "600", "--end", LAST_DAY]
    orders = shop.data / "landing" / "orders"
    orders.mkdir(parents=True)
    # Opening a pipe that nobody reads blocks: the run stands still in its third file.
    pipe = orders / "orders_2025-05-01_2025-05-31.ndjson.part"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *options],
        cwd=ROOT,
        env=shop.environment(),
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and its children with it: not this one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while process.poll() is None and len(list(orders.glob("*.ndjson"))) < 2:
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.startswith("error: stopped")
    pipe.unlink(missing_ok=True)  # there still, if Ctrl-C came before it was opened
    assert sorted(path.name for path in orders.iterdir()) == [
        "orders_2025-03-31_2025-03-31.ndjson",
        "orders_2025-04-01_2025-04-30.ndjson",
    ]
    shop.generate(*options)
    whole = tmp_path / "whole"
    shop.generate(*options, KSCM_DATA=str(whole))
    lines = [
        b"".join(path.read_bytes() for path in sorted((data / "landing" / "orders").iterdir()))
        for data in (shop.data, whole)
    ]
    assert lines[0] == lines[1]
    assert len({json.loads(line)["txid"] for line in lines[0].splitlines()}) == 6_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ordres", "5"], "--ordres"),
        (["--orders", "0"], "--orders"),
        (["--orders", "-3"], "--orders"),
        (["--orders", "1000000000000"], "--orders"),
        (["--orders", "many"], "--orders"),
        (["--end", "20/11/2026"], "--end"),
        (["--format", "xml"], "--format"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(shop, refused, options, words):
    line = refused(shop.generate(*options, check=False), 2)
    assert words in line
    assert "--help" in line
    assert not shop.data.exists()


def test_days_that_the_identifiers_cannot_hold_are_refused(shop, refused):
    line = refused(shop.generate("--end", "1999-12-31", check=False), 1)
    assert "2010-01-01" in line
    assert not list(shop.data.rglob("*.*"))


def test_a_folder_that_cannot_be_written_is_named(shop, refused, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    line = refused(shop.generate(*SMALL, "--landing", str(blocked), check=False), 1)
    assert str(blocked) in line
    # /proc takes no new folder, not even from root.
    line = refused(shop.generate(*SMALL, "--landing", "/proc/kscm", check=False), 1)
    assert "/proc/kscm" in line


def test_a_lost_world_is_not_overwritten(shop, refused):
    shop.generate(*SMALL)
    (shop.data / "landing" / "_world.json").write_text("{}")
    line = refused(shop.generate(*SMALL, check=False), 1)
    assert "_world.json cannot be read" in line
