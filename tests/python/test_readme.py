"""The README's commands, word for word, in a copy of the project with a space and an accent."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Ran

README = (ROOT / "README.md").read_text("utf-8")
PSEUDONYM = re.compile(r"\b[0-9a-f]{16}\b")
# A proxy that nobody listens on: whoever wants the network gets an error at once.
OFFLINE = dict.fromkeys(
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"], "http://[::1]:9"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """The files git would give to a newcomer; the set-up is taken over, not run again."""
    copy = tmp_path_factory.mktemp("clones") / "boutique d'été"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def shell(clone: Path, command: str) -> Ran:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("KSCM_", "DBT_", "MAKE"))}
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=clone,
        env=plain | OFFLINE,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
    return ran


@pytest.fixture(scope="module")
def first_run(clone) -> Ran:
    return shell(clone, "make run END=2026-11-20")


def test_the_output_shown_is_the_output(first_run):
    shown = PSEUDONYM.sub("*" * 16, blocks("text")[0])
    assert PSEUDONYM.sub("*" * 16, first_run.stdout).endswith(shown)
    assert first_run.stderr == ""


def test_a_second_run_adds_days_and_doubles_nothing(clone, first_run):
    again = shell(clone, "make run")
    [line] = [x for x in again.stdout.splitlines() if x.startswith("Generated")]
    assert int(re.search(r"Generated ([\d,]+) orders", line)[1].replace(",", "")) > 0
    assert "skipped 75 known" in again.stdout
    before, after = (
        int(re.search(r"([\d,]+) units sold", ran.stdout)[1].replace(",", ""))
        for ran in (first_run, again)
    )
    assert before < after < before * 1.2


def test_every_other_command_works(clone, first_run):
    commands = [
        line.split("#")[0].strip()
        for block in blocks("sh")
        for line in block.splitlines()
        if not line.startswith(("make run", "make test"))
    ]
    assert len(commands) == 5
    for command in commands:
        ran = shell(clone, f'PATH="$PWD/.venv/bin:$PATH"; {command}')
        if "dbt build" in command and "make build" not in command:
            assert re.search(r"WARN=0 ERROR=0 SKIP=0", ran.stdout)
        if "rpt_best_sellers" in command:
            assert "Statue Corentin Super-heros Regular" in ran.stdout
        if "information_schema" in command:
            named = set(re.findall(r"^(\w+)\|One row per", ran.stdout, re.MULTILINE))
            assert named == {path.stem for path in ROOT.glob("models/marts/**/*.sql")}


def test_what_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z]+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|&& |; )make ([a-z]+)", README, re.MULTILINE))
    assert {"run", "test", "generate", "build", "answers", "shell", "clean"} <= named <= targets
    models = {path.stem for path in ROOT.glob("models/**/*.sql")}
    assert set(re.findall(r"\b(?:rpt|dim|fct|stg|int)_[a-z_]+", README)) <= models
    assert {name for name in models if name.startswith("rpt_")} <= set(re.findall(r"\w+", README))
    for folder in re.findall(r"^\| (`.*?/`)", README, re.MULTILINE):
        for name in re.findall(r"`(\w+)/`", folder):
            assert (ROOT / name).is_dir()
    assert len(README.splitlines()) <= 140


@pytest.mark.parametrize("program", ["generator", "warehouse"])
def test_every_command_has_help_and_stands_in_the_readme(clone, program):
    text = shell(clone, f".venv/bin/python -m {program} --help").stdout
    commands = re.findall(r"^  ([a-z]+)  +(\S.*)", text.partition("Commands:")[2], re.MULTILINE)
    for command, sentence in commands:
        assert sentence.endswith(".")
        assert command in README
    assert commands or program == "generator"
