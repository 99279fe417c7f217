"""The same models give the same rows on DuckDB and on an emulated Snowflake, and who would see it.

The emulator computes with DuckDB: it shows what the adapter, the macros, names, types, the order
of rows and empty values do. emulated_snowflake.py says what it cannot show.
"""

import shutil

import pytest
from conftest import ROOT
from parity import MOMENTS, compare, dbt, report

TABLES = sorted(path.stem for path in [*ROOT.glob("models/**/*.sql"), *ROOT.glob("seeds/*.csv")])

# What a model ranks by, wrongly: a tie is broken by chance; empty values stand where the engine
# puts them, last on DuckDB and first on Snowflake.
RIGHT = "rank() over (order by units_sold asc)"
MISTAKES = [
    "row_number() over (order by units_sold asc)",
    "rank() over (order by nullif(is_in_catalogue, false) desc)",
]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_the_same_on_both_engines(parity, table, moment):
    _, found = parity
    [compared] = [one for one in found if (one.table, one.moment) == (table, moment)]
    assert not compared.differences, "\n".join(compared.differences)


def test_the_world_fills_the_marts(parity):
    """Empty tables would be equal whatever the models do."""
    _, found = parity
    last = [one for one in found if one.schema == "marts" and one.moment == MOMENTS[-1]]
    assert not {one.table for one in last if not one.rows}


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_in_a_model_is_named(parity, tmp_path, wrong):
    pair, _ = parity
    project = tmp_path / "project"
    project.mkdir()
    for name in ("models", "macros", "seeds", "tests/generic", "tests/singular"):
        shutil.copytree(ROOT / name, project / name)
    for name in ("dbt_project.yml", "profiles.yml", "selectors.yml"):
        shutil.copy(ROOT / name, project)
    path = project / "models" / "marts" / "sales" / "rpt_least_sold.sql"
    text = path.read_text("utf-8")
    assert text.count(RIGHT) == 1
    path.write_text(text.replace(RIGHT, wrong), "utf-8")
    dbt(pair, project, "run", "--select", path.stem)
    found = list(compare(pair, MOMENTS[-1], path.stem))
    lines = list(report(found))
    assert "DIFFER" in lines[0]
    assert lines[-1].strip() == f"Not the same on both engines: marts.{path.stem}."
    sides = found[0].differences[-2:]
    assert [" on DuckDB" in sides[0], " on Snowflake" in sides[1]] == [True, True]
    assert all(side.count("\n") in {1, 2, 3} for side in sides)
