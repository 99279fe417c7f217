"""What holds a person is masked on Snowflake and not published from DuckDB, by one set of marks."""

import re
from dataclasses import replace

import pytest
import sqlglot
import yaml
from conftest import ROOT
from sqlglot import exp

from warehouse import personal
from warehouse.feeds import FEEDS, ORDERS, TILL_ACTS, WEB_LINES
from warehouse.masking import MASKING_FILE, masking_sql
from warehouse.personal import personal_model_columns, personal_names, personal_raw_columns

DDL = MASKING_FILE.parent
TAG = "kscm.governance.personal"


def flat(text: str) -> str:
    return " ".join(re.sub(r"--.*", "", text).split())


@pytest.fixture(scope="module")
def written() -> str:
    return flat(MASKING_FILE.read_text("utf-8"))


def raw_types() -> dict[tuple[str, str], str]:
    """Return the type of each raw column on Snowflake."""
    types = {}
    for table, _ in personal_raw_columns():
        create, _ = sqlglot.parse((DDL / f"{table}.sql").read_text("utf-8"), dialect="snowflake")
        for column in create.find_all(exp.ColumnDef):
            types[table, column.name] = column.kind.this.value.lower()
    return types


def test_the_file_is_as_it_would_be_written_now():
    assert MASKING_FILE.read_text("utf-8") == masking_sql(), "run 'python -m warehouse.masking'"


def test_a_field_that_becomes_personal_changes_the_text(monkeypatch):
    fields = tuple(replace(f, is_personal=True) if f.name == "item" else f for f in ORDERS.fields)
    monkeypatch.setitem(FEEDS, "orders", replace(ORDERS, fields=fields))
    more = set(masking_sql().splitlines()) - set(MASKING_FILE.read_text("utf-8").splitlines())
    assert more == {"alter table kscm.raw.client_support_orders modify column item"}


def test_who_buys_is_personal():
    marked = {feed.name: {f.name for f in feed.fields if f.is_personal} for feed in FEEDS.values()}
    assert {name: fields for name, fields in marked.items() if fields} == {
        ORDERS.name: {"name", "address", "phone", "email", "emergency_contact"},
        TILL_ACTS.name: {"payload"},
        WEB_LINES.name: {"customerid"},
    }


def test_each_personal_column_has_the_tag_once_and_no_other_column_has(written):
    tagged = re.findall(
        rf"alter table kscm\.raw\.(\w+) modify column (\w+) set tag {TAG} = 'yes';", written
    )
    assert sorted(tagged) == sorted(personal_raw_columns())
    assert len(set(tagged)) == len(tagged)
    assert written.count("set tag") == len(tagged) + 2


def test_the_tag_has_one_policy_for_each_type_that_it_meets(written):
    made = re.findall(
        r"create masking policy if not exists kscm\.governance\.(\w+) "
        r"as \(held (\w+)\) returns (\w+) -> case when current_role\(\) "
        r"in \('LOADER', 'TRANSFORMER'\) then held else ('\*\*\*'|null) end;",
        written,
    )
    assert [(kind, result) for _, kind, result, _ in made] == [
        ("varchar", "varchar"),
        ("variant", "variant"),
    ]
    policies = ", ".join(f"masking policy kscm.governance.{name}" for name, *_ in made)
    assert f"alter tag {TAG} set {policies} force;" in written
    assert written.count("create masking policy") == len(made)
    types = raw_types()
    met = {types[column] for column in personal_raw_columns()}
    assert met == {kind for _, kind, _, _ in made}


def test_schemas_that_dbt_fills_with_persons_are_covered_whole(written):
    schemas = re.findall(rf"alter schema kscm\.(\w+) set tag {TAG} = 'yes';", written)
    assert schemas == ["staging", "intermediate"]
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text("utf-8"))
    for schema in schemas:
        assert project["models"]["kscm"][schema]["+schema"] == schema


def test_sources_are_tagged_where_their_feed_is():
    tagged, known = set(), set()
    for path in ROOT.glob("models/staging/*/*__sources.yml"):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            for table in source["tables"]:
                known.add(table["name"])
                if personal.TAG in table.get("config", {}).get("tags", ()):
                    tagged.add(table["name"])
    assert tagged == {table for table, _ in personal_raw_columns()} & known


def test_names_come_from_feeds_and_from_models():
    assert ("stg_pos__order_units", "customer_name") in personal_model_columns()
    assert {"emergency_contact", "customer_name", "person_key", "pepper"} <= personal_names()
    assert "item" not in personal_names()
