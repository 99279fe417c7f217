"""How every command of the project speaks and ends: exit code 0, 1 or 2, errors in one line.

0: done. 1: the data or the machine says no. 2: the command was written wrongly.
"""

import os
import sys
from typing import NoReturn

import typer

_INTERRUPTED = 130  # what typer makes of Ctrl-C, and what shells expect


def run(app: typer.Typer, program: str, *refusals: type[Exception]) -> NoReturn:
    """Run the app and exit; the exceptions in `refusals` carry a sentence for the user."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without accents shows "?" for them; it does not end the command.
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = app(prog_name=program, standalone_mode=False)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if sys.stdout is not None:
            sys.stdout.flush()
    except typer.TyperException as error:
        _fail(f"{_sentence(error.format_message())} See {program} --help.", error.exit_code)
    except refusals as error:
        _fail(str(error), 1)
    except BrokenPipeError:
        # The reader (head, less) has seen enough: leave without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}. Nothing was left half-written.", 1)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped; what was finished is kept, run the same command to go on.", _INTERRUPTED)
    sys.exit(code or 0)


def count(number: int, noun: str) -> str:
    """Put a number before its noun: "1 file", "1,250 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _sentence(message: str) -> str:
    """Put a message on one line, with a full stop."""
    return " ".join(message.split()).removesuffix(".") + "."


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)
