import hashlib
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import tzdata
from conftest import LAST_DAY, ROOT, Shop
from worlds import key_rows, raw_lines, records

from generator.world import working_in

SMALL = ("--orders", "500", "--days", "100", "--end", LAST_DAY)


def checksums(data: Path) -> dict[str, str]:
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*.*"))
        if path.suffix != ".lock"
    }


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    yield
    while _started:
        with _started.pop() as process:
            process.kill()


def start(shop: Shop, *options: str, session: bool = False, **more: str) -> subprocess.Popen[str]:
    """Start a generator whose Ctrl-C works: a shell's background job ignores it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *options],
        cwd=ROOT,
        env=shop.environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=session,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    _started.append(process)
    return process


def wait_until(is_true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not is_true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        os.sched_yield()


def skip_if_it_was_done(process: subprocess.Popen[str]) -> None:
    if process.returncode == 0:
        pytest.skip("the machine was busy: the run had ended before Ctrl-C reached it")


def assert_the_next_run_finishes(shop: Shop, options: list[str], whole: Path) -> None:
    """Run the same command again, and once in a folder of its own: the files are equal."""
    assert "Generated" in shop.generate(*options).stdout
    shop.generate(*options, KSCM_DATA=str(whole))
    assert checksums(shop.data) == checksums(whole)


def test_the_same_seed_gives_the_same_bytes_anywhere(shop, tmp_path):
    shop.generate(*SMALL)
    first = checksums(shop.data)
    months = len(list((shop.data / "landing" / "orders").iterdir()))
    assert months == 4  # a file for each month from 13 August on
    elsewhere = tmp_path / "again"
    shop.generate(
        *SMALL, "--workers", "2", KSCM_DATA=str(elsewhere), TZ="Pacific/Auckland", LC_ALL="C"
    )
    assert checksums(elsewhere) == first
    other = tmp_path / "other seed"
    shop.generate(*SMALL, "--seed", "43", KSCM_DATA=str(other))
    lines = [set(raw_lines(data / "landing")) for data in (shop.data, other)]
    assert not lines[0] & lines[1]


def test_the_zone_is_the_pinned_one(shop, tmp_path):
    # A machine whose own zones are wrong: Paris is where New York should be.
    zones = tmp_path / "zones" / "Europe"
    zones.mkdir(parents=True)
    new_york = Path(tzdata.__path__[0]) / "zoneinfo" / "America" / "New_York"
    (zones / "Paris").write_bytes(new_york.read_bytes())
    shop.generate(*SMALL)
    elsewhere = tmp_path / "again"
    shop.generate(*SMALL, KSCM_DATA=str(elsewhere), PYTHONTZPATH=str(zones.parent))
    assert checksums(elsewhere) == checksums(shop.data)


def test_the_history_ends_yesterday_in_paris(shop):
    paris = ZoneInfo("Europe/Paris")
    before = datetime.now(paris).date()
    told = shop.generate("--orders", "50", "--days", "20", TZ="Pacific/Kiritimati").stdout
    days = {day - timedelta(days=1) for day in (before, datetime.now(paris).date())}
    assert re.search(r"to (\d{4}-\d\d-\d\d):", told)[1] in {day.isoformat() for day in days}


def test_a_second_run_adds_days_and_leaves_the_old_ones(shop):
    first = shop.generate(*SMALL).stdout
    assert "from 2026-08-13 to 2026-11-20: 12 till files" in first
    before = checksums(shop.data)
    again = shop.generate("--orders", "500", "--days", "100", "--end", "2026-11-27").stdout
    assert "from 2026-11-21 to 2026-11-27: 3 till files" in again
    after = checksums(shop.data)
    grows = {"remote/shops_sales.csv", "remote/web_lines.csv", "remote/shops_products.csv"}
    kept = {name: digest for name, digest in before.items() if name not in grows}
    assert kept.items() <= after.items()
    nothing = shop.generate("--orders", "500", "--days", "100", "--end", "2026-11-27")
    assert nothing.stdout == "The history reaches 2026-11-27 already: nothing to add.\n"
    assert checksums(shop.data) == after


def test_many_short_runs_write_the_lines_of_one(shop, tmp_path):
    dirty = (*SMALL[:-2], "--dirt", "heavy", "--end")
    whole = tmp_path / "whole"
    shop.generate(*dirty, LAST_DAY)
    shop.generate(*dirty, LAST_DAY, KSCM_DATA=str(whole))
    for end in ("2026-11-21", "2026-11-25", "2026-12-05"):
        shop.generate(*dirty, end)
    shop.generate(*dirty, "2026-12-05", KSCM_DATA=str(whole))
    for feed in ("orders", "returns", "stock"):
        lines = [list(raw_lines(data / "landing", feed)) for data in (shop.data, whole)]
        assert lines[0] == lines[1], feed
    for name in ("shops_sales.csv", "web_lines.csv"):
        files = [(data / "remote" / name).read_bytes() for data in (shop.data, whole)]
        assert files[0] == files[1]


def test_the_closing_line_says_what_was_written(shop):
    told = shop.generate(*SMALL).stdout
    landing = shop.data / "landing"
    units = records(landing)
    files = [path for feed in ("orders", "returns", "stock") for path in (landing / feed).iterdir()]
    size = sum(path.stat().st_size for path in files) / 1e6
    orders = len({unit["txid"] for unit in units})
    assert told.startswith(f"Generated {orders} orders ({len(units)} units) from 2026-08-13 to ")
    assert f": {len(files)} till files, {size:,.1f} MB, " in told
    assert told.endswith("units/s), seed 42.\n")


def test_other_parameters_do_not_change_a_world_and_are_told(shop, refused):
    shop.generate(*SMALL)
    told = shop.generate("--orders", "9", "--days", "100", "--end", "2026-11-27").stderr
    assert told.startswith("note: this world began with 500 orders in 100 days")
    line = refused(shop.generate(*SMALL, "--seed", "43", check=False), 1)
    assert "seed 42" in line
    assert "--landing" in line
    line = refused(shop.generate(*SMALL, "--dirt", "light", check=False), 1)
    assert "dirt none" in line
    assert "--landing" in line


def test_two_generators_at_once_write_one_world(shop, refused):
    landing = shop.data / "landing"
    (landing / "orders").mkdir(parents=True)
    # Opening a pipe that nobody reads blocks: the first generator stands still.
    pipe = landing / "_world.json.part"
    os.mkfifo(pipe)
    first = start(shop, *SMALL)
    wait_until((landing / "_generator.lock").exists, first)
    second = shop.generate(*SMALL, check=False)
    while second.returncode != 1:  # the first had not locked yet
        second = shop.generate(*SMALL, check=False)
    assert "another generator is writing" in refused(second, 1)
    first.send_signal(signal.SIGINT)
    _, stderr = first.communicate(timeout=60)
    assert first.returncode == 130, stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_run_leaves_whole_files_and_is_finished_by_the_next(shop, tmp_path, workers):
    options = ["--orders", "90000", "--days", "600", "--end", LAST_DAY, "--workers", workers]
    landing = shop.data / "landing"
    process = start(shop, *options)
    wait_until(lambda: list((landing / "orders").glob("orders_*.ndjson")), process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    skip_if_it_was_done(process)
    assert process.returncode == 130, stderr
    assert stderr.startswith("error: stopped")
    assert not list(landing.rglob("*.part"))
    assert_the_next_run_finishes(shop, options, tmp_path / "whole")


@pytest.mark.parametrize("lane", ["ndjson", "parquet"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_in_a_terminal_ends_every_process_in_one_line(shop, refused, workers, lane):
    options = ["--orders", "90000", "--days", "600", "--end", LAST_DAY, "--format", lane]
    landing = shop.data / "landing"
    process = start(shop, *options, "--workers", workers, session=True)
    # Before the workers have begun to write, when they import what they need.
    wait_until((shop.data / "remote" / "web_lines.csv").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    skip_if_it_was_done(process)
    ran = subprocess.CompletedProcess([], process.returncode, stdout, stderr)
    assert "stopped" in refused(ran, 130)
    assert not list(landing.rglob("*.part"))


def test_a_killed_run_is_finished_by_the_next(shop, tmp_path):
    options = ["--orders", "90000", "--days", "600", "--end", LAST_DAY, "--workers", "2"]
    orders = shop.data / "landing" / "orders"
    process = start(shop, *options)
    wait_until(lambda: list(orders.glob("orders_*.ndjson")), process)
    process.kill()
    process.communicate(timeout=60)
    # The workers notice that they are alone, and stop: the next run waits for that.
    assert_the_next_run_finishes(shop, options, tmp_path / "whole")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("lane", ["ndjson", "parquet"])
def test_a_full_disk_ends_in_one_line_and_leaves_whole_files(shop, refused, lane, workers):
    # A limit on the size of a file stands for a disk that is full. The small files of the
    # shops and the web store are there already.
    options = ["--orders", "60000", "--days", "60", "--end", LAST_DAY]
    shop.generate(*options)
    for feed in ("orders", "returns", "stock"):
        shutil.rmtree(shop.data / "landing" / feed)
    limit = 300_000
    ran = subprocess.run(
        [sys.executable, "-m", "generator", *options, "--format", lane, "--workers", workers],
        cwd=ROOT,
        env=shop.environment(),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    line = refused(ran, 1)
    assert re.search(r"/orders_2026-\d\d-\d\d_2026-\d\d-\d\d\.\w+: File too large", line)
    assert not list((shop.data / "landing" / "orders").iterdir())
    assert not list(shop.data.rglob("*.part"))


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs /proc to see who waits")
def test_a_run_waits_for_processes_that_a_killed_one_left(shop):
    landing = shop.data / "landing"
    shop.generate(*SMALL)
    with working_in(landing):
        process = start(shop, *SMALL[:-1], "2026-11-25")
        waits = re.compile(rf"-> FLOCK .* {process.pid} ")
        wait_until(lambda: waits.search(Path("/proc/locks").read_text()), process)
    stdout, stderr = process.communicate(timeout=60)
    assert "from 2026-11-21 to 2026-11-25" in stdout, stderr


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
        (["--workers", "0"], "--workers"),
        (["--rate", "0"], "--rate"),
        (["--dirt", "filthy"], "known are none, light, heavy"),
        (["--dirt", "heavy", "--format", "parquet"], "ndjson.gz"),
        (["sell"], "sell"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(shop, refused, options, words):
    line = refused(shop.generate(*options, check=False), 2)
    assert words in line
    assert line.endswith(". See python -m generator --help.")
    assert not shop.data.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--end", "1999-12-31"], "2010-01-01"),
        (["--end", "0001-01-01"], "2010-01-01"),
        (["--end", "2042-01-01"], "days away"),
        (["--end", "9999-12-31"], "2043-08-23"),
        (["--orders", "100000000", "--days", "1"], "too many for one day"),
    ],
)
def test_what_cannot_be_made_is_refused_before_a_folder_is(shop, refused, options, words):
    line = refused(shop.generate(*options, check=False), 1)
    assert words in line
    assert not shop.data.exists()


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


def test_parquet_lies_beside_lines_when_the_format_changes(shop):
    shop.generate(*SMALL)
    more = [*SMALL[:-1], "2026-11-30", "--format", "parquet"]
    assert "from 2026-11-21 to 2026-11-30" in shop.generate(*more).stdout
    [table] = (shop.data / "landing" / "orders").glob("*.parquet")
    assert pq.read_metadata(table).num_rows > 10


def test_what_others_publish_is_made_again_when_it_is_gone(shop):
    shop.generate(*SMALL)
    before = checksums(shop.data)
    shutil.rmtree(shop.data / "remote")
    (shop.data / "landing" / "_answer_key" / "planted.json").unlink()
    assert "nothing to add" in shop.generate(*SMALL).stdout
    assert checksums(shop.data) == before


def test_a_second_world_lies_beside_the_first(shop, tmp_path):
    for name, seed in (("landing", "1"), ("other", "2"), ("other", "2")):
        shop.generate(*SMALL, "--seed", seed, "--landing", str(tmp_path / name))
    files = [tmp_path / name / "shops_sales.csv" for name in ("remote", "other_remote")]
    assert files[0].read_bytes() != files[1].read_bytes()


def test_files_of_another_world_are_refused_before_anything_is_written(shop, refused):
    shop.generate(*SMALL)
    shutil.rmtree(shop.data / "landing")
    line = refused(shop.generate(*SMALL, "--seed", "43", check=False), 1)
    assert "shops_sales.csv" in line
    assert not list((shop.data / "landing" / "orders").iterdir())


def test_live_tills_open_before_the_history_begins(shop):
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    options = ("--orders", "50", "--days", "3")
    shop.generate(*options, "--end", (today + timedelta(days=30)).isoformat())
    process = start(shop, *options, "--follow")
    live = (shop.data / "landing" / "orders").glob
    wait_until(lambda: list(live("orders_live_*.ndjson")), process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr


def test_live_tills_sell_at_the_pace_of_the_clock_until_they_are_stopped(shop):
    shop.generate("--orders", "500", "--days", "30")
    landing = shop.data / "landing"
    before = datetime.now(UTC)

    def live_files() -> list[Path]:
        return sorted((landing / "orders").glob("orders_live_*.ndjson"))

    for _ in range(2):
        options = ("--orders", "500", "--days", "30", "--follow", "--rate", "40")
        sold = live_files()
        process = start(shop, *options)
        wait_until(lambda: len(live_files()) > len(sold), process)  # noqa: B023
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        assert stdout.splitlines()[0] == "Selling 40 orders a second (Ctrl-C ends)."
        assert " live: " in stdout
    units = records(landing)
    assert len({unit["rfid"] for unit in units}) == len(units)
    live = [json.loads(line) for path in live_files() for line in path.read_bytes().splitlines()]
    moments = [datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC) for unit in live]
    assert before <= min(moments)
    assert max(moments) <= datetime.now(UTC)
    assert moments == sorted(moments)
    assert len(live) >= 100  # two seconds of forty orders, twice, and 1.49 units each
    serials = {row["rfid_serial"] for row in key_rows(landing, "units")}
    assert {int(unit["rfid"], 16) % 2**38 for unit in live} <= serials
    delivered = sum(
        json.loads(line)["quantity"]
        for path in (landing / "stock").glob("stock_live_*")
        for line in path.read_bytes().splitlines()
    )
    assert delivered == len(live)


def test_serving_needs_a_folder(shop, refused):
    line = refused(shop.generate("serve", "--port", "0", check=False), 1)
    assert "run python -m generator first" in line


def test_the_shops_files_are_served(shop):
    shop.generate(*SMALL)
    process = start(shop, "serve", "--port", "0")
    assert process.stdout is not None
    port = int(re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/shops_sales.csv")
    answer = connection.getresponse()
    assert answer.read() == (shop.data / "remote" / "shops_sales.csv").read_bytes()
    tag = answer.headers["ETag"]
    connection.request("GET", "/shops_sales.csv", headers={"If-None-Match": tag})
    assert connection.getresponse().status == 304
    connection.close()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
