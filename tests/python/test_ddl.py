"""Snowflake's raw tables are DuckDB's; setup.sql runs twice and gives no role too much."""

import io
import logging
import re
import warnings
from collections import defaultdict
from functools import cache

import pytest
import sqlglot
import yaml
from conftest import ROOT
from snowflake_emulator import connect, running_emulator
from sqlglot import exp

with warnings.catch_warnings():
    # Of the connector's copy of requests, about versions of other packages.
    warnings.simplefilter("ignore")
    from snowflake.connector.util_text import split_statements

DDL = ROOT / "warehouse" / "ddl"
SETUP, MASKING = DDL / "snowflake" / "setup.sql", DDL / "snowflake" / "masking.sql"
TABLES = sorted(path.stem for path in (DDL / "duckdb").glob("*.sql"))
# What a type of DuckDB is on Snowflake, as the parser spells them; the others are called alike.
TYPES = {"JSON": "VARIANT", "TIMESTAMP": "TIMESTAMPNTZ", "TEXT": "VARCHAR"}
# Statements about the account, which an engine on one machine has no use for: they are not sent.
ABOUT_THE_ACCOUNT = re.compile(
    r"grant|use (role|warehouse)|alter (warehouse|tag)|alter schema \S+ enable managed access"
    r"|create (role|user|warehouse|masking policy|resource monitor)"
)


def statements(path) -> list[str]:
    """Split a file as Snowflake's own command line does."""
    split = split_statements(io.StringIO(path.read_text("utf-8")), remove_comments=True)
    return [text for text, _ in split if text.strip(" \n;")]


def read_table(path, dialect: str) -> dict[str, object]:
    create, comment = sqlglot.parse(path.read_text("utf-8"), dialect=dialect)
    assert isinstance(create, exp.Create)
    assert create.args["exists"]
    assert isinstance(comment, exp.Comment)
    assert comment.this == create.this.this
    constraints = {exp.NotNullColumnConstraint: "not null", exp.PrimaryKeyColumnConstraint: "key"}
    return {
        "table": create.this.this.sql(),
        "columns": [
            (
                column.name,
                column.kind.sql(dialect),
                sorted(constraints[type(constraint.kind)] for constraint in column.constraints),
            )
            for column in create.this.expressions
        ],
        "comment": comment.expression.name,
        "transient": bool(create.find(exp.TransientProperty)),
    }


def test_each_raw_table_is_on_both_engines():
    mirrored = {path.stem for path in (DDL / "snowflake").glob("*.sql")} - {"setup", "masking"}
    assert sorted(mirrored) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_raw_table_is_the_same_on_both_engines(name):
    duckdb, snowflake = DDL / "duckdb" / f"{name}.sql", DDL / "snowflake" / f"{name}.sql"
    expected = read_table(duckdb, "duckdb")
    found = read_table(snowflake, "snowflake")
    assert found.pop("transient")
    assert not expected.pop("transient")
    # A refused line may be longer than a VARCHAR of Snowflake is unless it says so.
    longer = {("load_rejects", "raw"): "VARCHAR(134217728)"}
    expected["columns"] = [
        (column, longer.get((name, column), TYPES.get(kind, kind)), constraints)
        for column, kind, constraints in expected["columns"]
    ]
    assert found == expected


# The rest is about setup.sql.


@cache
def grants() -> dict[str, set[tuple[str, str]]]:
    """Return what each grantee gets: (privilege, on what); roles as ("role", its name)."""
    granted = defaultdict(set)
    for text in statements(SETUP):
        words = " ".join(text.lower().rstrip("; \n").split())
        if not words.startswith("grant "):
            assert "grant" not in words, text
            continue
        to_role = re.fullmatch(r"grant role (\w+) to (role|user) (\w+)", words)
        on_object = re.fullmatch(r"grant ([a-z, ]+) on ([a-z ]+[\w.]+) to role (\w+)", words)
        if to_role:
            granted[to_role[3]].add(("role", to_role[1]))
        else:
            assert on_object, text
            granted[on_object[3]] |= {(part, on_object[2]) for part in on_object[1].split(", ")}
    return granted


def schemas(role: str) -> set[str]:
    """Return the schemas in which a role may do anything."""
    found = {re.search(r"\bkscm\.(\w+)", where) for _, where in grants()[role]}
    return {match[1] for match in found if match}


def test_only_the_three_roles_their_users_and_administrators_get_anything():
    roles = {"loader", "transformer", "reporter"}
    assert grants().keys() == roles | {"sysadmin", "kscm_loader", "kscm_dbt"}
    assert grants()["sysadmin"] == {("role", role) for role in roles}
    assert grants()["kscm_loader"] == {("role", "loader")}
    assert grants()["kscm_dbt"] == {("role", "transformer")}


def test_nobody_gets_all_or_ownership_or_may_grant_on():
    text = SETUP.read_text("utf-8").lower()
    privileges = {privilege for given in grants().values() for privilege, _ in given}
    assert privileges == {
        *("role", "usage", "create table", "create view"),
        *("read", "write", "select", "insert", "update"),
    }
    assert "with grant option" not in text
    schemas_made = re.findall(r"^create schema if not exists (kscm\.\w+)", text, re.MULTILINE)
    assert len(schemas_made) == 5
    for schema in schemas_made:
        assert f"alter schema {schema} enable managed access;" in text


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("loader", {"raw"}),
        ("transformer", {"raw", "staging", "intermediate", "marts", "reference"}),
        ("reporter", {"marts", "reference"}),
    ],
)
def test_a_role_enters_its_schemas_alone(role, expected):
    assert schemas(role) == expected
    assert {("usage", "warehouse kscm"), ("usage", "database kscm")} <= grants()[role]
    for schema in expected:
        assert ("usage", f"schema kscm.{schema}") in grants()[role]


def test_reporter_only_reads():
    assert {privilege for privilege, _ in grants()["reporter"]} == {"usage", "select"}


def test_transformer_writes_one_raw_table_and_reads_the_others():
    in_raw = {given for given in grants()["transformer"] if "kscm.raw" in given[1]}
    assert in_raw == {
        ("usage", "schema kscm.raw"),
        ("select", "future tables in schema kscm.raw"),
        ("select", "table kscm.raw.dbt_builds"),
        ("insert", "table kscm.raw.dbt_builds"),
    }


def test_what_transformer_reads_is_made_after_the_grant_or_granted_by_name():
    ordered = [" ".join(text.lower().split()) for text in statements(SETUP)]
    [future] = [n for n, text in enumerate(ordered) if "future tables in schema kscm.raw" in text]
    before = [re.search(r"create transient table if not exists (\S+)", t) for t in ordered[:future]]
    # By this one loaders take turns; no model reads it.
    assert {match[1] for match in before if match} == {"kscm.raw.load_turn"}


def test_the_table_that_setup_makes_is_the_loaders():
    text = SETUP.read_text("utf-8")
    mirrored = (DDL / "snowflake" / "dbt_builds.sql").read_text("utf-8")
    made = text[text.index("use role loader;") : text.rindex("use role securityadmin;")]
    assert mirrored.replace("raw.dbt_builds", "kscm.raw.dbt_builds").strip() in made


def test_users_have_no_password_and_no_key_stands_in_the_file():
    users = [text for text in statements(SETUP) if text.lower().startswith("create user")]
    assert len(users) == 2
    for user in users:
        assert "type = service" in user
        assert not re.search("password|rsa_public_key", user)


def test_the_warehouse_sleeps_and_has_a_limit():
    text = " ".join(SETUP.read_text("utf-8").split())
    for words in (
        "warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true",
        "on 75 percent do notify on 100 percent do suspend on 110 percent do suspend_immediate",
        "alter warehouse kscm set resource_monitor = kscm",
    ):
        assert words in text


def test_the_guide_empties_all_tables_that_files_are_loaded_into():
    guide = (ROOT / "docs" / "snowflake.md").read_text("utf-8")
    emptied = re.findall(r"truncate table kscm\.raw\.(\w+);", guide)
    kept = {"dbt_builds", "erasures", "pepper"}
    assert sorted(emptied) == sorted(set(TABLES) - kept)
    dropped = re.findall(r"drop table if exists kscm\.marts\.(\w+);", guide)
    grown = [
        model["name"]
        for path in ROOT.glob("models/marts/**/*.yml")
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
        if model.get("config", {}).get("materialized") == "incremental"
    ]
    assert sorted(dropped) == sorted(grown)


@pytest.mark.parametrize("path", [SETUP, MASKING], ids=lambda path: path.name)
def test_each_statement_is_parsed_or_known_to_be_beyond_the_parser(path, caplog):
    beyond = re.compile(
        r"create (role|user|resource monitor|masking policy)\b"
        r"|grant role\b|grant select on future\b"
        r"|alter (warehouse|tag)\b|alter table \S+ modify column \w+\s+set tag\b"
        r"|alter schema \S+ (enable managed access|set tag)\b"
    )
    with caplog.at_level(logging.CRITICAL):
        for text in statements(path):
            parsed = sqlglot.parse_one(text, dialect="snowflake")
            assert isinstance(parsed, exp.Command) == bool(beyond.match(text)), text


@pytest.fixture(scope="module")
def cursor():
    with running_emulator() as environment, connect(environment) as connection:
        yield connection.cursor()


def run_all(cursor, *paths) -> None:
    for path in paths:
        for text in statements(path):
            if not ABOUT_THE_ACCOUNT.match(text):
                cursor.execute(text)


def test_all_of_it_runs_on_the_emulator_again_and_again(cursor):
    tables = [DDL / "snowflake" / f"{name}.sql" for name in TABLES]
    for _ in range(2):
        run_all(cursor, SETUP, *tables, MASKING)
        assert cursor.execute("select count(*) from kscm.raw.load_turn").fetchall() == [(1,)]
    found = cursor.execute(
        "select lower(table_name) from kscm.information_schema.tables where table_schema = 'RAW'"
    )
    assert sorted(name for (name,) in found.fetchall()) == sorted([*TABLES, "load_turn"])
