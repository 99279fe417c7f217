"""The house style, read from dbt's manifest and from the tree: a rule is what is checked."""

import json
import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Shop

from warehouse.connect import STORAGE_VERSION
from warehouse.personal import personal_model_columns, personal_names

PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("dim_", "fct_", "rpt_")}
MODELS = sorted(path.stem for path in ROOT.glob("models/**/*.sql"))
REPORTS = [name for name in MODELS if name.startswith("rpt_")]
PRIVATE = re.compile(r"(^|_)(name|email|phone|street|address|birth)")
PUBLIC_NAMES = {
    *("item_name", "region_name", "store_name", "country_name", "public_holiday_name"),
    *("event_name", "department_name", "commune_name", "product_name"),
}


@pytest.fixture(scope="module")
def manifest(built_shop: Shop) -> dict:
    return json.loads((built_shop.target / "manifest.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def models(manifest) -> dict[str, dict]:
    return {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}


@pytest.fixture(scope="module")
def tests(manifest) -> list[dict]:
    return [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]


def layer(model: dict) -> str:
    return Path(model["original_file_path"]).parts[1]


def test_every_model_file_is_a_model(models):
    assert sorted(models) == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_name_says_its_layer(models, name):
    assert name.startswith(PREFIXES[layer(models[name])])


@pytest.mark.parametrize("name", MODELS)
def test_described_with_its_grain(models, name):
    assert models[name]["description"].startswith("One row per ")


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_asks_its_question(models, name):
    assert "?" in models[name]["description"]


@pytest.mark.parametrize("name", MODELS)
def test_every_column_is_described_and_no_other(models, built_shop, name):
    model = models[name]
    documented = {column: value["description"] for column, value in model["columns"].items()}
    real = built_shop.query_working(
        "select column_name from duckdb_columns() "
        f"where schema_name = '{model['schema']}' and table_name = '{name}'"
    )
    assert set(documented) == {column for (column,) in real}
    assert all(documented.values())


@pytest.mark.parametrize("name", MODELS)
def test_has_a_key(models, tests, name):
    keys = [
        test["test_metadata"]["kwargs"]["key"]
        for test in tests
        if test.get("attached_node") == models[name]["unique_id"]
        and test["test_metadata"]["name"] == "obeys"
    ]
    # The rows of a view are tested where they are stored: this one is a part of the sale lines.
    assert len(keys) == (name != "int_order_units_sold")
    assert all(keys)


@pytest.mark.parametrize("name", MODELS)
def test_reads_only_the_layers_below(models, manifest, name):
    model, parents = models[name], models[name]["depends_on"]["nodes"]
    sources = [parent for parent in parents if parent.startswith("source.")]
    if layer(model) == "staging":
        assert len(sources) == 1
        assert len(parents) == 1
    else:
        assert not sources
    if name.startswith(("dim_", "fct_")):
        assert not [p for p in parents if p.split(".")[-1].startswith("rpt_")]
    if name.startswith("rpt_"):
        below = [p.split(".")[-1] for p in parents if p.startswith("model.")]
        assert all(parent.startswith(("dim_", "fct_", "rpt_")) for parent in below)


@pytest.mark.parametrize("name", MODELS)
def test_no_dialect_in_models(models, name):
    code = models[name]["raw_code"]
    assert "target." not in code
    assert "->>" not in code
    assert "::" not in code
    assert not re.search(r"\border by [^()]*\blimit\b", code)


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith(("dim_", "fct_"))])
def test_the_star_is_contracted(models, name):
    assert models[name]["config"]["contract"]["enforced"]


@pytest.mark.parametrize("name", [n for n in MODELS if n.startswith(("dim_", "fct_", "rpt_"))])
def test_no_published_column_could_hold_a_person(models, name):
    columns = set(models[name]["columns"])
    assert not columns & personal_names()
    assert {column for column in columns if PRIVATE.search(column)} <= PUBLIC_NAMES


def test_what_could_hold_a_person_is_tagged_and_is_text(models, built_shop):
    """So that publishing knows its name, and the policy of Snowflake's schema fits its type."""
    tagged = set(personal_model_columns())
    could = {
        (name, column)
        for name in MODELS
        if name.startswith(("stg_", "int_"))
        for column in models[name]["columns"]
        if PRIVATE.search(column) and column not in PUBLIC_NAMES
    }
    assert could <= tagged
    types = built_shop.query_working(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('staging', 'intermediate')"
    )
    assert {kind for table, column, kind in types if (table, column) in tagged} == {"VARCHAR"}
    assert tagged <= {(table, column) for table, column, _ in types}


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("models/**/*.yml")) + sorted(ROOT.glob("models/**/*.md")), ids=str
)
def test_documents_are_named_after_their_folder(path):
    assert path.name.startswith(f"_{path.parent.name}__")


def test_singular_tests_state_their_law(tests):
    for test in tests:
        if "test_metadata" not in test:
            assert test["name"].startswith("assert_")
            assert test["description"], test["name"]


def test_there_is_sql_for_dbt_and_python_for_pytest():
    assert not list(ROOT.glob("tests/python/**/*.sql"))
    assert not [p for p in ROOT.glob("tests/**/*.py") if p.parent != ROOT / "tests" / "python"]


@pytest.mark.parametrize(("library", "module"), [("duckdb", "connect"), ("snowflake", "session")])
def test_one_module_imports_what_speaks_to_an_engine(library, module):
    importing = [
        path.stem
        for folder in ("generator", "warehouse")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(rf"^\s*(import|from) {library}\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == [module]


@pytest.mark.parametrize(
    "path",
    [p for folder in ("generator", "warehouse") for p in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda p: f"{p.parent.name}/{p.name}",
)
def test_modules_are_small(path):
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_the_profile_and_the_loader_write_one_format():

    outputs = yaml.safe_load((ROOT / "profiles.yml").read_text("utf-8"))["kscm"]["outputs"]
    options = outputs["duckdb"]["config_options"]
    assert options == {"storage_compatibility_version": STORAGE_VERSION}


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-snowflake.lock", "requirements-dev.lock"]
)
def test_a_lock_names_versions_and_hashes_and_no_index(name):
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    pins = re.findall(r"^([a-z0-9][^\s=]*)==\S+[^\n]*\\\n\s+--hash=sha256:", text, re.MULTILINE)
    named = re.findall(r"^[a-z0-9]", text, re.MULTILINE)
    assert len(pins) == len(named) > 50


def test_every_seam_has_a_body_for_each_engine(manifest):
    macros = {m["name"]: m for m in manifest["macros"].values() if m["package_name"] == "kscm"}
    seams = [name for name, macro in macros.items() if "adapter.dispatch" in macro["macro_sql"]]
    assert len(seams) >= 5
    for name in seams:
        assert {f"duckdb__{name}", f"snowflake__{name}"} <= macros.keys()


SNOWFLAKE = {
    "SNOWFLAKE_ACCOUNT": "a",
    "SNOWFLAKE_USER": "u",
    "SNOWFLAKE_PRIVATE_KEY_PATH": "k.p8",
}


def parse_for_snowflake(shop: Shop, tmp_path: Path, environment: dict[str, str]):
    target = str(tmp_path / "target")
    words = ("parse", "--target", "snowflake", "--target-path", target)
    return shop.dbt(*words, check=False, **environment)


def test_the_project_parses_for_snowflake_from_the_environment_alone(shop, tmp_path):
    ran = parse_for_snowflake(shop, tmp_path, SNOWFLAKE)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", SNOWFLAKE)
def test_a_variable_that_snowflake_lacks_is_named(shop, tmp_path, name):
    named = {other: value for other, value in SNOWFLAKE.items() if other != name}
    ran = parse_for_snowflake(shop, tmp_path, named)
    assert ran.returncode == 2
    assert f"'{name}'" in ran.stdout
