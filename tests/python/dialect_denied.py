"""What DuckDB has and Snowflake has not, and what each reads in its own way, as a list.

Two kinds of entry: a pattern for text whose strings and comments are emptied, and a test of a node
that sqlglot has parsed. Each says what to write instead.
"""

import re
from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

Denied = tuple[int, str, str]  # line, construct, what to write instead

_NOT_CODE = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.DOTALL)
_LOST_ESCAPE = re.compile(r"""(?<!\\)(?:\\\\)*(\\[^\\'"bfnrt0-9xu\n])""")


def _bare(sql: str) -> str:
    def emptied(match: re.Match[str]) -> str:
        quote = match[0][0]
        return re.sub(r"[^\n]", quote if quote in "'\"" else " ", match[0])

    return _NOT_CODE.sub(emptied, sql)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


WITHIN_GROUP = "write within group (order by ...)"
_UNITS = "year|quarter|month|week|day|hour|minute|second"
IN_TEXT = [
    ("//", r"//", "it opens a comment there; write floor(a / b)"),
    ("->", r"->>?", "write json_text, whose parentheses hold on both engines"),
    ("interval", rf"\binterval\s+(?:\d|\(|\w+\s+(?:{_UNITS})s?\b)", "write interval '1 month'"),
    ("filter", r"\bfilter\s*\(\s*where\b", "write count(case when ... then 1 end)"),
    ("distinct on", r"\bdistinct\s+on\s*\(", "write qualify row_number() over (...) = 1"),
    ("using sample", r"\busing\s+sample\b", "no answer depends on chance"),
    (":=", r":=", "name no arguments, or write =>"),
    ("==", r"==", "write ="),
    ("power", r"\^|\*\*", "write power(a, b)"),
    ("~", r"~", "write regexp_like, in a macro of its own"),
    ("count()", r"\bcount\s*\(\s*\)", "write count(*)"),
    ("type of a list", r"\w\[\s*\]", "write a row per value"),
    ("columns()", r"\bcolumns\s*\(", "name the columns"),
    ("lambda", r"\blambda\s+\w", "Snowflake has x -> x + 1, DuckDB has lambda x: x + 1"),
    (
        "semi, anti, positional join",
        r"\b(?:semi|anti|positional)\s+join\b",
        "write exists, or a key",
    ),
    ("order in listagg", r"\blistagg\s*\((?:[^()]|\([^()]*\))*\border\s+by\b", WITHIN_GROUP),
    (
        "decimal without scale",
        r"\bas\s+(?:decimal|numeric)\s*\)|::\s*(?:decimal|numeric|number)\b(?!\s*\()",
        "(18, 3) on DuckDB, (38, 0) there: write (p, s)",
    ),
    ("window clause", r"\bwindow\s+\w+\s+as\s*\(", "write the window where it is used"),
    (
        "desc without nulls",
        r"\bdesc\b(?!\s+nulls\s+(?:first|last)\b)",
        "null comes last on DuckDB and first on Snowflake: write nulls last",
    ),
]


def in_text(sql: str) -> Iterator[Denied]:
    """Give what the text shows."""
    bare = _bare(sql)
    for construct, pattern, instead in IN_TEXT:
        for match in re.finditer(pattern, bare, re.IGNORECASE):
            yield _line(bare, match.start()), construct, instead
    for text in _NOT_CODE.finditer(sql):
        if text[0][0] == "'" and (lost := _LOST_ESCAPE.search(text[0])):
            what = "the backslash is lost there; write it twice, in a macro of its own"
            yield _line(sql, text.start()), f"escape {lost[1]}", what


def line_of(node: exp.Expression) -> int:
    """Give the line of the first part of a node that knows its own."""
    return next((part.meta["line"] for part in node.walk() if "line" in part.meta), 1)


def _fields(tree: exp.Expression) -> Iterator[exp.Expression]:
    """Give each dotted name that starts with no relation of its query, nor of one around it."""
    yield from tree.find_all(exp.Dot)
    for scope in traverse_scope(tree):
        around: Scope | None = scope
        visible: set[str] = set()
        while around:
            visible |= {name.lower() for name in around.sources}
            around = around.parent
        for column in scope.columns:
            if column.args.get("db") or (column.table and column.table.lower() not in visible):
                yield column


def _reads_an_alias(having: exp.Having) -> bool:
    """Whether an aggregate reads a name that is that of another aggregate too."""
    selected = having.parent.expressions if isinstance(having.parent, exp.Select) else []
    sums = {each.alias.lower() for each in selected if each.alias and each.find(exp.AggFunc)}
    return any(
        not column.table and column.name.lower() in sums
        for aggregate in having.find_all(exp.AggFunc)
        for column in aggregate.find_all(exp.Column)
    )


IN_TREE: list[tuple[tuple[type[exp.Expression], ...], Callable[..., bool], str, str]] = [
    (
        (exp.Limit, exp.Offset, exp.Fetch),
        lambda node: True,
        "limit",
        "rank, never limit: write qualify rank() over (...) = 1",
    ),
    (
        (exp.Array, exp.Struct),
        lambda node: "start" not in node.meta,  # a call has its place, a bracket has none
        "literal of a list or struct",
        "it is a VARIANT there: write rows or columns",
    ),
    (
        (exp.Bracket,),
        lambda node: not all(part.is_string for part in node.expressions),
        "index of a list",
        "the first is 1 on DuckDB and 0 there: write a row per value",
    ),
    (
        (exp.Join,),
        lambda node: node.method == "ASOF" and not node.args.get("match_condition"),
        "asof join",
        "Snowflake wants match_condition: write a join, and qualify",
    ),
    (
        (exp.Except, exp.Intersect),
        lambda node: node.args.get("distinct") is False,
        "except all, intersect all",
        "Snowflake has neither: count, then compare",
    ),
    (
        (exp.DateDiff, exp.TimestampDiff),
        lambda node: node.text("unit").upper().startswith("WEEK"),
        "datediff in weeks",
        "the engines count other weeks: write days / 7",
    ),
    (
        (exp.Order,),
        lambda node: (
            isinstance(node.parent, exp.AggFunc) and not isinstance(node.parent, exp.GroupConcat)
        ),  # sqlglot moves that of listagg inside
        "order in an aggregate",
        WITHIN_GROUP,
    ),
    (
        (exp.Sum, exp.Avg),
        lambda node: isinstance(node.this, exp.Predicate | exp.Not | exp.Connector),
        "sum of a truth",
        "write count(case when ... then 1 end)",
    ),
    (
        (exp.Having,),
        _reads_an_alias,
        "aggregate of an alias",
        "Snowflake may read the alias, and one sum in another: name the relation",
    ),
    (
        (exp.RegexpReplace,),
        lambda node: any(part.is_string and part.name == "g" for part in node.iter_expressions()),
        "regexp_replace 'g'",
        "it replaces all there: write a macro, as digits_only",
    ),
]


def in_tree(tree: exp.Expression) -> Iterator[Denied]:
    """Give what the parsed statement shows."""
    for kinds, is_denied, construct, instead in IN_TREE:
        for node in tree.find_all(*kinds):
            if is_denied(node):
                yield line_of(node), construct, instead
    if isinstance(tree, exp.Query):
        for node in _fields(tree):
            what = "write a column per field, or json_text; aliases have one part"
            yield line_of(node), "struct.field", what
