"""What documents the project, held to what the project is."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, Shop

PICTURE = (ROOT / "docs" / "lineage.md").read_text("utf-8")


@pytest.fixture(scope="module")
def models(built_shop: Shop) -> dict[str, dict]:
    manifest = json.loads((built_shop.target / "manifest.json").read_text("utf-8"))
    return {k: n for k, n in manifest["nodes"].items() if n["resource_type"] == "model"}


@pytest.fixture(scope="module")
def groups() -> dict[str, list[str]]:
    drawn = re.findall(r'^    (\w+)\["<b>[^<]+</b><br>(.*)"\]$', PICTURE, re.MULTILINE)
    return {group: names.split("<br>") for group, names in drawn}


def test_the_lineage_shows_every_model_once(models, groups):
    shown = [name for names in groups.values() for name in names]
    assert sorted(shown) == sorted(model["name"] for model in models.values())


def test_the_lineage_has_the_arrows_that_the_models_have(models, groups):
    group_of = {name: group for group, names in groups.items() for name in names}
    real = {
        (group_of[models[parent]["name"]], group_of[model["name"]])
        for model in models.values()
        for parent in model["depends_on"]["nodes"]
        if parent in models
    }
    drawn = {
        (start, end)
        for start, ends in re.findall(r"^    (\w+) --> (.*)$", PICTURE, re.MULTILINE)
        for end in ends.split(" & ")
    }
    assert drawn == {(start, end) for start, end in real if start != end}


def test_dbt_writes_its_documentation_without_a_warning(built_shop: Shop, tmp_path: Path):
    copy = Shop(tmp_path, tmp_path / "target")
    shutil.copy(built_shop.working, copy.working)
    ran = copy.dbt("docs", "generate", "--static", "--no-partial-parse")
    assert not re.search(r"warn|error|deprecat", ran.stdout + ran.stderr, re.IGNORECASE)
    assert (copy.target / "static_index.html").stat().st_size > 1_000_000
