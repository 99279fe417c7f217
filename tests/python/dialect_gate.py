"""Say that no construct of DuckDB alone is left in the SQL that dbt compiles for Snowflake.

The emulator runs on DuckDB, so what only DuckDB understands passes there. Three nets catch it:

* sqlglot reads each statement as Snowflake; every function, by the name that is written, stands on
  a list of those that Snowflake documents, and every type among its types. Parsing alone would
  catch one construct of thirty;
* sqlfluff reads it with its grammar of Snowflake, which knows clauses better than sqlglot;
* a deny-list knows what both let pass, above all what means something else there: `//` opens a
  comment, `datediff` in weeks counts other days, `desc` puts null at the other end.

None of them knows whether an order has ties: rows that come in any order show that, not a parser.

    python tests/python/dialect_gate.py target/compiled
"""

import logging
import multiprocessing
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlglot
from dialect_denied import in_text, in_tree, line_of
from sqlfluff.core import FluffConfig, Linter
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

FUNCTIONS = Path(__file__).parents[1] / "fixtures" / "snowflake_functions.toml"
PROCESSES = 2

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # what it warns of becomes a finding


@dataclass(frozen=True)
class Finding:
    """One construct that Snowflake does not have, or reads in another way."""

    line: int
    construct: str
    instead: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file or 'statement'}:{self.line}: {self.construct}: {self.instead}."


# --- The first net: sqlglot, and what Snowflake documents. ---------------------------------------

_BEFORE_A_TYPE_OR_ALIAS = {TokenType.ALIAS, TokenType.DCOLON, TokenType.INTO}
_TYPES = {
    *exp.DataType.TEXT_TYPES,
    *(exp.DType.BOOLEAN, exp.DType.VARIANT, exp.DType.OBJECT, exp.DType.ARRAY, exp.DType.BINARY),
    *(exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL),
    *(exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.DATE, exp.DType.TIME, exp.DType.TIMESTAMP),
    *(exp.DType.TIMESTAMPNTZ, exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPTZ),
}


@cache
def _words() -> dict[str, set[str]]:
    tables = tomllib.loads(FUNCTIONS.read_text("utf-8"))
    documented = " ".join(tables["documented"].values())
    return {"documented": set(documented.split()), "clauses": set(tables["clauses"].split())}


@cache
def _instead() -> dict[str, str]:
    return tomllib.loads(FUNCTIONS.read_text("utf-8"))["instead"]


def _calls(tokens: list[Token], steps: set[str]) -> Iterator[Token]:
    """Give the word before each parenthesis, unless it is a clause, a type, an alias or a step."""
    for before, token, after in zip([tokens[0], *tokens], tokens, tokens[1:], strict=False):
        is_call = after.token_type == TokenType.L_PAREN and token.text.isidentifier()
        is_named = before.token_type in _BEFORE_A_TYPE_OR_ALIAS
        if is_call and not is_named and token.text.lower() not in _words()["clauses"] | steps:
            yield token


def _trees(sql: str) -> list[exp.Expression]:
    return [tree for tree in sqlglot.parse(sql, read="snowflake") if tree is not None]


def by_sqlglot(sql: str) -> list[Finding]:
    """Find what is no Snowflake to sqlglot: statements, functions and types."""
    try:
        trees, tokens = _trees(sql), Snowflake().tokenize(sql)
    except SqlglotError as error:
        line = error.errors[0].get("line") if getattr(error, "errors", None) else 1
        return [Finding(line or 1, "no Snowflake", "sqlglot cannot read it; write it otherwise")]
    found = []
    for tree in trees:
        if isinstance(tree, exp.Command):
            found.append(Finding(1, tree.name, "a model is a query that Snowflake has"))
        for kind in tree.find_all(exp.DataType):
            if kind.this not in _TYPES:
                what = "Snowflake has no such type; JSON is VARIANT there"
                found.append(Finding(line_of(kind.parent or kind), f"type {kind.sql()}", what))
    steps = {step.alias.lower() for tree in trees for step in tree.find_all(exp.CTE)}
    for call in _calls(tokens, steps):
        name = call.text.lower()
        if name not in _words()["documented"]:
            better = _instead().get(name, "what both engines have, or a macro with a body for each")
            found.append(Finding(call.line, f"{name}()", f"write {better}"))
    return found


# --- The second net: sqlfluff's grammar. ---------------------------------------------------------


@cache
def _linter() -> Linter:
    # "raw": it is compiled, braces in it are no template; no limit: it skips long files silently.
    settings = {"dialect": "snowflake", "templater": "raw", "large_file_skip_byte_limit": 0}
    return Linter(config=FluffConfig(overrides=settings))


def by_sqlfluff(sql: str) -> list[Finding]:
    """Find what sqlfluff's grammar of Snowflake cannot parse."""
    unparsed = re.compile(r"Found unparsable section: (.*?)\. Expected", re.DOTALL)
    found = []
    for error in _linter().parse_string(sql).violations:
        told = unparsed.search(error.desc())
        what = f"cannot be parsed: {told[1]}" if told else error.desc()
        found.append(Finding(error.line_no, "no Snowflake", what))
    return found


# --- The third net: what both let pass. ----------------------------------------------------------


def by_deny_list(sql: str) -> list[Finding]:
    """Find what the other two let pass, or what reads the same and means something else."""
    found = list(in_text(sql))
    with suppress(SqlglotError):  # the first net tells that
        found += [denied for tree in _trees(sql) for denied in in_tree(tree)]
    return [Finding(*denied) for denied in found]


# --- All of them. --------------------------------------------------------------------------------


def _judge(sql: str, file: str = "") -> list[Finding]:
    found = by_sqlglot(sql) + by_deny_list(sql)
    told = {finding.line for finding in found}
    # What stands in YAML is a hundred times the text of one test: the slow net leaves it out.
    if ".yml" not in file:
        found += [finding for finding in by_sqlfluff(sql) if finding.line not in told]
    placed = {Finding(one.line, one.construct, one.instead, file) for one in found}
    return sorted(placed, key=lambda one: (one.file, one.line, one.construct))


def _statements(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.sql") if path.is_file())


def findings(source: Path | str) -> list[Finding]:
    """Judge one statement, or every `.sql` below a folder; FileNotFoundError when there is none."""
    if isinstance(source, str):
        return _judge(source)
    paths = _statements(source)
    if not paths:
        raise FileNotFoundError(f"no compiled SQL in {source}: run dbt compile first")
    texts = [path.read_text("utf-8") for path in paths]
    names = [str(path.relative_to(source)) for path in paths]
    # spawn: forking a process that has threads, as pytest may, is a warning and a risk.
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        judged: Iterable[list[Finding]] = pool.map(_judge, texts, names, chunksize=4)
        return [finding for found in judged for finding in found]


def main(arguments: list[str]) -> int:
    """Print what is found below a folder; 0 when nothing is, 1 when something is, 2 for misuse."""
    if len(arguments) != 1:
        print("usage: python tests/python/dialect_gate.py FOLDER", file=sys.stderr)
        return 2
    try:
        found = findings(Path(arguments[0]))
    except FileNotFoundError as error:
        print(f"error: {error}.", file=sys.stderr)
        return 1
    for finding in found:
        print(finding)
    count = len(_statements(Path(arguments[0])))
    print(f"{count} statements, {len(found) or 'no'} finding{'s' if len(found) > 1 else ''}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
