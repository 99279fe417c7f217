import subprocess
import sys
from pathlib import Path

import pytest
import typer
from conftest import ROOT

from command_line import count, run


class RefusedError(Exception):
    pass


def ended(capsys, error: BaseException | None = None) -> tuple[int, list[str]]:
    """Run a program of one command that raises this; give its exit code and its words."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def command() -> None:
        if error:
            raise error

    sys.argv = ["program"]
    with pytest.raises(SystemExit) as exit_of:
        run(app, "program", RefusedError)
    code = exit_of.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().err.splitlines()


@pytest.fixture(autouse=True)
def _plain_streams(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program"])
    monkeypatch.delenv("KSCM_TRACEBACK", raising=False)
    for name in ("stdout", "stderr"):
        # pytest's own stream cannot be told how to write what it does not know.
        monkeypatch.setattr(getattr(sys, name), "reconfigure", lambda **_: None, raising=False)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RefusedError("Load it first."), 1, "Load it first."),
        (MemoryError(), 1, "memory ran out"),
        (ZeroDivisionError("by\nnothing"), 1, "(ZeroDivisionError: by nothing)"),
        (KeyError("x"), 1, "KSCM_TRACEBACK=1"),
        (OSError(28, "No space left on device", "a.part"), 1, "a.part: No space left on device"),
        (KeyboardInterrupt(), 130, "it did not finish"),
    ],
)
def test_whatever_happens_is_one_sentence(capsys, error, code, words):
    found, [line] = ended(capsys, error)
    assert found == code
    assert line.startswith("error: ")
    assert words in line


def test_what_works_is_silent(capsys):
    assert ended(capsys) == (0, [])


def test_a_traceback_is_there_for_who_asks(capsys, monkeypatch):
    monkeypatch.setenv("KSCM_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        ended(capsys, ZeroDivisionError())
    code, [_] = ended(capsys, RefusedError("No."))
    assert code == 1


def test_a_reader_who_leaves_ends_it_as_the_shell_expects(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import typer\n"
        "from command_line import run\n"
        "app = typer.Typer()\n"
        "@app.command()\n"
        "def talk() -> None:\n"
        "    for _ in range(100_000):\n"
        "        print('a long line for a pipe to be full of')\n"
        "run(app, 'program')\n"
    )
    with subprocess.Popen(
        [sys.executable, program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_number_has_its_noun():
    assert (count(1, "file"), count(0, "file"), count(1250, "file")) == (
        "1 file",
        "0 files",
        "1,250 files",
    )
