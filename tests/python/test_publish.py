import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from warehouse.connect import open_published, open_working, query
from warehouse.create import create_tables
from warehouse.publish import publish
from warehouse.settings import WarehouseError

NOW = datetime(2026, 11, 21, 8)  # noqa: DTZ001 - UTC without zone, as in the database
SHELL = Path(sys.executable).with_name("duckdb")


@pytest.fixture
def working(tmp_path):
    """A working file with a mart, a view of it, a reference table and something private."""
    with open_working(tmp_path / "kscm.duckdb") as connection:
        create_tables(connection)
        for statement in (
            "create schema marts",
            "create schema reference",
            "create schema staging",
            "create table marts.answers (answer integer)",
            "comment on table marts.answers is 'One row per answer; it''s short.'",
            "comment on column marts.answers.answer is 'The answer.'",
            "create view marts.asked as select answer from kscm.marts.answers where answer > 0",
            "comment on view marts.asked is 'One row per answer that is one.'",
            "comment on column marts.asked.answer is 'That answer.'",
            "create table reference.codes as select 'x' as code",
            "create table staging.people as select 'Zoé' as name",
            "insert into marts.answers values (1)",
        ):
            query(connection, statement)
        yield connection


def record(connection, *, command="build", is_whole=True, status="passed", minute=0) -> None:
    moment = NOW + timedelta(minutes=minute)
    row = ["id", command, is_whole, status, moment]
    query(connection, "insert into raw.dbt_builds values (?, ?, ?, ?, ?)", row)


def test_only_marts_and_reference_are_published_with_their_comments(working, tmp_path):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    assert publish(working, link, NOW) == 3
    with open_published(link) as reader:
        tables = query(reader, "select schema_name, table_name, comment from duckdb_tables()")
        assert sorted(tables) == [
            ("marts", "answers", "One row per answer; it's short."),
            ("reference", "codes", None),
        ]
        columns = "select comment from duckdb_columns() where column_name = 'answer'"
        assert sorted(query(reader, columns)) == [("That answer.",), ("The answer.",)]
        views = "select schema_name, view_name, comment from duckdb_views() where not internal"
        assert query(reader, views) == [("marts", "asked", "One row per answer that is one.")]
        assert query(reader, "from marts.asked") == [(1,)]
    assert [path.name for path in link.parent.glob("*.part*")] == []


def test_the_shell_of_the_lock_reads_the_published_file(working, tmp_path):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    publish(working, link, NOW)
    query = "from marts.answers"
    ran = subprocess.run(
        [SHELL, "-readonly", "-csv", link, "-c", query], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["answer", "1"]


@pytest.mark.parametrize(
    ("builds", "words"),
    [
        ([], "nothing is built yet"),
        ([{"status": "failed"}], "it failed"),
        ([{"status": "started"}], "it started"),
        ([{"is_whole": False}], "part of the project"),
        ([{}, {"command": "run", "is_whole": False, "minute": 1}], "'run' of part"),
        ([{}, {"command": "run", "minute": 1}], "'run' of everything"),
        ([{}, {"status": "started", "minute": 1}], "it started"),
    ],
)
def test_nothing_is_published_before_a_whole_build_has_passed(working, tmp_path, builds, words):
    for build in builds:
        record(working, **build)
    link = tmp_path / "published" / "kscm.duckdb"
    with pytest.raises(WarehouseError, match=words):
        publish(working, link, NOW)
    assert not link.parent.exists()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        # of a raw table, of a model's YAML, in a view, in capitals
        ("alter table marts.answers add column email varchar", "marts.answers.email"),
        ("create table reference.x as select 1 as customer_name", "reference.x.customer_name"),
        ("create view marts.x as select 1 as person_key", "marts.x.person_key"),
        ('alter table marts.answers add column "Phone" varchar', "marts.answers.Phone"),
    ],
)
def test_a_column_called_as_one_that_holds_a_person_is_not_published(
    working, tmp_path, statement, place
):
    record(working)
    query(working, statement)
    link = tmp_path / "published" / "kscm.duckdb"
    with pytest.raises(WarehouseError, match=f"^not published: {place} .* build again.$"):
        publish(working, link, NOW)
    assert not link.parent.exists()


def test_a_later_test_run_changes_nothing_and_does_not_forbid(working, tmp_path):
    record(working)
    record(working, command="test", is_whole=False, status="failed", minute=1)
    assert publish(working, tmp_path / "published" / "kscm.duckdb", NOW) == 3


def test_readers_keep_their_version_and_three_are_kept(working, tmp_path):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    publish(working, link, NOW)
    with open_published(link) as reader:
        for number in range(2, 7):
            query(working, f"update marts.answers set answer = {number}")
            publish(working, link, NOW + timedelta(seconds=number))
            with open_published(link) as newest:
                assert query(newest, "from marts.answers") == [(number,)]
        assert query(reader, "from marts.answers") == [(1,)]
    assert len(list(link.parent.glob("kscm-*.duckdb"))) == 3
    assert link.resolve().name == "kscm-20261121T080006000000Z.duckdb"


def test_a_publish_that_breaks_leaves_the_version_before(working, tmp_path, monkeypatch):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    publish(working, link, NOW)
    monkeypatch.setattr(
        "warehouse.publish.sync", lambda _: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(OSError, match="full"):
        publish(working, link, NOW + timedelta(seconds=1))
    assert [path.name for path in sorted(link.parent.iterdir())] == [
        "kscm-20261121T080000000000Z.duckdb",
        "kscm.duckdb",
    ]


def test_what_a_killed_publish_left_is_removed_and_nothing_else(working, tmp_path):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    link.parent.mkdir()
    half = "kscm-20261120T080000000000Z.duckdb.part"
    others = ("other-20261120T080000000000Z.duckdb.part", "kscm-old.duckdb.part", "notes.part")
    for name in (half, f"{half}.wal", *others):
        (link.parent / name).touch()
    publish(working, link, NOW)
    left = {path.name for path in link.parent.iterdir()}
    assert left == {*others, "kscm.duckdb", "kscm-20261121T080000000000Z.duckdb"}


def test_a_reader_has_no_way_out_of_the_file(working, tmp_path):
    record(working)
    link = tmp_path / "published" / "kscm.duckdb"
    publish(working, link, NOW)
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with open_published(link) as reader:
        for statement in (
            f"from read_csv('{secret}')",
            f"copy marts.answers to '{tmp_path / 'out.csv'}'",
            f"attach '{tmp_path / 'other.duckdb'}'",
            "set enable_external_access = true",
            "drop table marts.answers",
        ):
            with pytest.raises(duckdb.Error):
                query(reader, statement)
