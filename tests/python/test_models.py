"""The unit tests of the models, which a build leaves out, and what a build does not leave out."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import Shop


@pytest.fixture
def copy(built_shop: Shop, tmp_path: Path) -> Shop:
    """The built shop's working file, for dbt commands that leave their record in it."""
    shop = Shop(tmp_path, built_shop.target)
    shutil.copy(built_shop.working, shop.working)
    return shop


def test_every_unit_test_of_the_models_passes(copy):
    ran = copy.dbt("test", "--selector", "code")
    results = json.loads((copy.target / "run_results.json").read_text("utf-8"))["results"]
    found = Counter(result["status"] for result in results if "operation" not in str(result))
    manifest = json.loads((copy.target / "manifest.json").read_text("utf-8"))
    assert found == {"pass": len(manifest["unit_tests"])}, ran.stdout
    tested = {unit["model"] for unit in manifest["unit_tests"].values()}
    reports = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].startswith("rpt_")
    }
    assert reports <= tested, f"no hand-computed fixture: {sorted(reports - tested)}"


def test_a_build_leaves_out_unit_tests_and_nothing_else(copy):
    """A default selector that forgot the data tests would publish anything."""
    listed = copy.dbt("--quiet", "ls", "--output", "name", "--resource-type", "all").stdout.split()
    manifest = json.loads((copy.target / "manifest.json").read_text("utf-8"))
    nodes = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "test")
    }
    assert nodes <= {name.split(".")[-1] for name in listed}
    assert not {unit["name"] for unit in manifest["unit_tests"].values()} & set(listed)
