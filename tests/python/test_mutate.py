"""`make mutate` is itself right: what is wrong is caught, what is the same survives."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from mutants import KINDS, LAYERS, LISTS, ListError, Mutant, changed_by, read_mutants
from mutate import BROKEN, SURVIVED, Fate, judge

CAUGHT = """
[[mutant]]
in = "fct_return_lines"
kind = "boundary"
mistake = "an hour has 61 minutes"
before = "interval '60 minutes'"
after = "interval '61 minutes'"
"""
THE_SAME = """
[[mutant]]
in = "dim_countries"
kind = "text"
mistake = "somebody wrote a comment"
before = "with\\n\\ncountries"
after = "with -- all of them\\n\\ncountries"
survives = "a comment changes nothing"
"""


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "core.toml").write_text(text, "utf-8")
    return folder


def fates(**nets: int) -> list[Fate]:
    mutant = Mutant("share", Path("macros", "share.sql"), "boundary", "x", "> 0", "<> 0")
    return [
        Fate(mutant, net.replace("_", " "), "", 1.0) for net, n in nets.items() for _ in range(n)
    ]


def test_the_lists_fit_the_models_and_leave_nothing_out():
    mutants = read_mutants(ROOT, ROOT / LISTS)
    assert len(mutants) >= 60
    assert len({(m.name, m.before, m.after) for m in mutants}) == len(mutants)
    assert {mutant.kind for mutant in mutants} == set(KINDS)
    assert {mutant.layer for mutant in mutants} == set(LAYERS)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("'60 minutes'", "'59 minutes'", "stands 0 times in the file, not once"),
        ("fct_return_lines", "fct_returns", "there is no model or macro fct_returns"),
        ("boundary", "borders", "borders in core is not known"),
        ("mistake", "error", "must have after, before, in, kind, mistake"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, old, new, wrong):
    lists = write(tmp_path / "lists", CAUGHT.replace(old, new))
    with pytest.raises(ListError, match=wrong):
        read_mutants(ROOT, lists)


def test_a_mistake_in_a_macro_is_one_in_every_model_that_calls_it():
    macro = Path("macros", "change_ratio.sql")
    mutant = Mutant("change_ratio", macro, "sign", "a fall is a rise", "before", "after")
    # By way of kpi_changes, which they call.
    assert changed_by(mutant, ROOT) == ["rpt_kpis_by_day", "rpt_kpis_by_month"]


def test_a_mistake_in_a_macro_is_one_in_every_test_that_calls_it():
    macro = Path("macros", "department_of_postcode.sql")
    mutant = Mutant("department_of_postcode", macro, "case", "one Corsica", "before", "after")
    law = "assert_the_postcode_rule_misses_four_postcodes_only"
    assert changed_by(mutant, ROOT) == [law, "int_addresses_placed"]


def test_95_of_100_are_enough_and_94_are_not(capsys):
    assert judge(fates(unit_test=60, data_test=20, grade=15, survived=5))
    assert not judge(fates(unit_test=94, survived=6))
    assert capsys.readouterr().out.count("survived: share, x: not explained") == 11


def test_a_mutant_that_does_not_run_is_not_caught(capsys):
    assert not judge(fates(unit_test=99, does_not_run=1))
    assert "1 do not run at all" in capsys.readouterr().out
    assert {SURVIVED, BROKEN} == {"survived", "does not run"}


def test_what_is_wrong_is_caught_and_what_is_the_same_survives(built_shop, tmp_path):
    lists = write(tmp_path / "lists", CAUGHT + THE_SAME)
    words = ("--lists", str(lists), "--world", str(built_shop.data))
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "python" / "mutate.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=built_shop.environment(TMPDIR=str(tmp_path)),
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "unit test    fct_return_lines, boundary: an hour has 61 minutes" in ran.stdout
    assert "a_unit_comes_back_to_the_sale_it_left_with" in ran.stdout
    told = "survived: dim_countries, somebody wrote a comment: a comment changes nothing"
    assert told in ran.stdout
    assert ran.stdout.splitlines()[-1] == "1 of 2 mutants are caught: 50.0 %."
    assert not list(tmp_path.glob("kscm-mutate-*"))
