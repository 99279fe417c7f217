"""The dialect gate: what it must catch, what it must let pass, and the project's own SQL.

Mistakes these tests would notice: a net that catches nothing any more (after an update of sqlglot
or sqlfluff), a rule that is so wide that honest SQL is refused, a construct that hides behind a
comment, a string or a subquery, a model that only DuckDB understands.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

import dialect_gate
import pytest
from conftest import FIXTURES, ROOT
from dialect_gate import by_deny_list, by_sqlfluff, by_sqlglot, findings
from hypothesis import given, settings
from hypothesis import strategies as st

STATEMENTS = tomllib.loads((FIXTURES / "dialect_statements.toml").read_text("utf-8"))
REFUSED = {statement["sql"]: statement["nets"] for statement in STATEMENTS["refused"]}
LEGITIMATE = STATEMENTS["legitimate"]
NETS = {"sqlglot": by_sqlglot, "sqlfluff": by_sqlfluff, "deny-list": by_deny_list}

# As a column of any query; each with the construct that must be named.
COLUMNS = {
    "7 // 2": "//",
    "list(7)": "list()",
    "unnest(7)": "unnest()",
    "elsewhere.field": "struct.field",
    "wrapped.address.city": "struct.field",
    "datediff('week', current_date, current_date)": "datediff in weeks",
    "datediff(week, current_date, current_date)": "datediff in weeks",
    "strftime(current_date, '%Y')": "strftime()",
    "current_date + interval 1 month": "interval",
    "[7, 8]": "literal of a list or struct",
    "{'a': 7}": "literal of a list or struct",
    "cast('{}' as json)": "type JSON",
    "'{}'::hugeint": "type INT128",
    "parse_json('{}') ->> 'a'": "->",
    "count(*) filter (where 7 > 8)": "filter",
    "row_number() over (order by 7 desc)": "desc without nulls",
    "bool_or(7 > 8)": "bool_or()",
    "7 ^ 2": "power",
    "'7'::decimal": "decimal without scale",
    "regexp_like('7', '\\d')": "escape \\d",
}
CLAUSES = {"limit 1": "limit", "limit 1 offset 2": "limit", "order by 1 desc": "desc without nulls"}
DECOYS = [
    "",
    "/* a // b, list(c) */",
    "-- limit 1, unnest(x) // y\n",
    "'ten // of list( limit' as told,",
]


def constructs(sql: str) -> set[str]:
    return {finding.construct for finding in findings(sql)}


@pytest.mark.parametrize("sql", REFUSED)
def test_each_statement_is_caught_by_the_nets_that_are_named(sql):
    assert [name for name, net in NETS.items() if net(sql)] == REFUSED[sql]
    assert findings(sql)


def test_there_are_statements_of_each_kind():
    assert len(REFUSED) >= 33
    assert len(set(LEGITIMATE)) == len(LEGITIMATE) >= 40
    # Each net is needed: there is something that no other one catches.
    assert {nets[0] for nets in REFUSED.values() if len(nets) == 1} == set(NETS)


@pytest.mark.parametrize("sql", LEGITIMATE)
def test_what_snowflake_documents_is_no_finding(sql):
    assert findings(sql) == []


def wrapped(sql: str, column: str, decoy: str, depth: int) -> str:
    """Put a column into a query around the statement, below as many further ones."""
    sql = f"select {decoy} {column} as injected, wrapped.* from (\n{sql}\n) as wrapped"
    for level in range(depth):
        sql = f"with step_{level} as (\n{sql}\n), after_it as (select * from step_{level})\n"
        sql += "select * from after_it"
    return sql


@settings(max_examples=60)
@given(
    sql=st.sampled_from([sql for sql in LEGITIMATE if sql.startswith(("select", "with"))]),
    column=st.sampled_from(["7", *COLUMNS]),
    clause=st.sampled_from(["", *CLAUSES]),
    decoy=st.sampled_from(DECOYS),
    depth=st.integers(0, 2),
)
def test_a_construct_is_found_wherever_it_stands(sql, column, clause, decoy, depth):
    expected = {COLUMNS.get(column), CLAUSES.get(clause)} - {None}
    found = constructs(f"{wrapped(sql, column, decoy, depth)}\n{clause}")
    # What is no Snowflake may leave the rest of the statement unreadable, which is told as well.
    if found - expected:
        assert found - expected == {"no Snowflake"}
        assert expected
    if "no Snowflake" not in found:
        assert found == expected
    assert found >= {COLUMNS.get(column)} - {None}


@pytest.mark.parametrize(
    ("before", "after", "construct"),
    [
        ("counted.units_sold,", "counted.units_sold // 2 as units_sold,", "//"),
        ("counted.units_sold,", "list(counted.units_sold) as units_sold,", "list()"),
        ("counted.units_sold,", "counted.units_sold.whole as units_sold,", "struct.field"),
        ("counted.units_sold,", "units.sold as units_sold,", "struct.field"),
        ("counted.units_sold,", "unnest(counted.units_sold) as units_sold,", "unnest()"),
        (
            "counted.month_number - 12",
            "datediff('week', counted.first_date, counted.last_date)",
            "datediff in weeks",
        ),
        ("select * from final", "select * from final limit 1", "limit"),
        ("select * from final", "select * from final order by 1 desc", "desc without nulls"),
    ],
)
def test_one_construct_in_a_real_model_is_found_and_nothing_else(
    snowflake_compiled, before, after, construct
):
    (path,) = snowflake_compiled.rglob("rpt_kpis_by_month.sql")
    sql = path.read_text("utf-8")
    assert findings(sql) == []
    start = sql.rindex(before)
    broken = sql[:start] + after + sql[start + len(before) :]
    assert constructs(broken) - {"no Snowflake"} == {construct}
    line = sql.count("\n", 0, start) + 1
    assert {one.line for one in findings(broken) if one.construct == construct} == {line}


def test_what_dbt_compiles_for_snowflake_has_no_finding(snowflake_compiled):
    models = {path.stem for path in ROOT.glob("models/**/*.sql")}
    assert models <= {path.stem for path in snowflake_compiled.rglob("*.sql")}
    assert not (found := findings(snowflake_compiled)), "\n".join(map(str, found))


def test_the_list_of_functions_has_no_function_twice_and_none_that_is_to_be_replaced():
    tables = tomllib.loads(dialect_gate.FUNCTIONS.read_text("utf-8"))
    names = " ".join(tables["documented"].values()).split()
    assert len(names) == len(set(names))
    assert not set(names) & tables["instead"].keys()


def gate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, dialect_gate.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=100)


def test_the_command_prints_what_it_finds_and_where(tmp_path):
    folder = tmp_path / "d'été"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "good.sql").write_text("select 'é // b' as a", "utf-8")
    ran = gate(folder)
    assert (ran.returncode, ran.stdout) == (0, "1 statements, no finding\n"), ran.stderr

    (folder / "models" / "bad.sql").write_text("with\n\na as (\n    select 7 // 2\n)\n", "utf-8")
    ran = gate(folder)
    assert ran.returncode == 1
    *found, last = ran.stdout.splitlines()
    assert "models/bad.sql:4: //: it opens a comment there; write floor(a / b)." in found
    assert last == f"2 statements, {len(found)} findings"


def test_the_command_says_when_nothing_is_compiled(tmp_path):
    ran = gate(tmp_path)
    assert ran.returncode == 1
    assert ran.stderr == f"error: no compiled SQL in {tmp_path}: run dbt compile first.\n"
    assert gate().returncode == 2
