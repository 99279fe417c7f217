"""How every command of the project speaks and ends: exit code 0, 1 or 2, errors in one line.

0: done. 1: the data or the machine says no. 2: the command was written wrongly.
"""

import os
import sys
from typing import NoReturn

import typer

_INTERRUPTED = 130  # what typer makes of Ctrl-C, and what shells expect
_PIPE_CLOSED = 141  # 128 + SIGPIPE: what shells see of any program whose reader has left


def run(app: typer.Typer, program: str, *refusals: type[Exception]) -> NoReturn:
    """Run the app and exit; the exceptions in `refusals` carry a sentence for the user."""
    try:
        code = _call(app, program)
    except typer.TyperException as error:
        _fail(f"{_sentence(error.format_message())} See {program} --help.", error.exit_code)
    except refusals as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}. Nothing was left half-written.", 1)
    except (KeyboardInterrupt, typer.Abort):
        _fail(
            "stopped, it did not finish; what was finished is kept, run the same command to go on.",
            _INTERRUPTED,
        )
    except MemoryError:
        _fail("memory ran out: close other programs, or run this on a larger machine.", 1)
    except Exception as error:
        if os.environ.get("KSCM_TRACEBACK"):
            raise
        _fail(_unforeseen(error, program), 1)
    sys.exit(code)


def _call(app: typer.Typer, program: str) -> int:
    for stream in (sys.stdout, sys.stderr):
        # A terminal without accents shows "?" for them; it does not end the command.
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = app(prog_name=program, standalone_mode=False)
    except SystemExit as error:
        # typer makes 1 of a closed pipe, as if something had failed.
        if isinstance(error.__context__, BrokenPipeError):
            _leave_quietly()
        raise
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if sys.stdout is not None:
        sys.stdout.flush()
    return code or 0


def _leave_quietly() -> NoReturn:
    """End when the reader (head, less) has seen enough: no word, but not as if all was done."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
    sys.exit(_PIPE_CLOSED)


def count(number: int, noun: str) -> str:
    """Put a number before its noun: "1 file", "1,250 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _unforeseen(error: Exception, program: str) -> str:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{program} met something it does not know ({what[:300]}): please report it, with what "
        "the same command says when KSCM_TRACEBACK=1 is set."
    )


def _sentence(message: str) -> str:
    """Put a message on one line, with a full stop."""
    words = " ".join(message.split())
    return words if words.endswith("?") else words.removesuffix(".") + "."


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)
