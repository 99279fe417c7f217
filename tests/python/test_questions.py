"""The questions of docs/questions.md, asked of a published file as a reader would."""

import re

import duckdb
import pytest
from conftest import ROOT, Shop

TEXT = (ROOT / "docs" / "questions.md").read_text("utf-8")
QUERIES = [
    query.strip()
    for block in re.findall(r"^```sql\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for query in block.split(";")
    if query.strip()
]
REPORTS = {path.stem for path in ROOT.glob("models/**/rpt_*.sql")}
# A small, clean shop, built once, lacks nothing, has nothing wrong, and has not changed.
CAN_BE_EMPTY = {
    *("rpt_country_products", "rpt_missing_values", "rpt_unit_ledger_findings"),
    "rpt_answer_changes",
}


@pytest.fixture(scope="module")
def published(built_shop: Shop):
    with duckdb.connect(str(built_shop.published.resolve()), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: re.search(r"rpt_\w+", query)[0])
def test_a_question_has_an_answer_that_fits_the_screen(published, query):
    rows = published.execute(query).fetchall()
    [report] = set(re.findall(r"from marts\.(\w+)", query)[:1])
    assert rows or report in CAN_BE_EMPTY
    assert len(rows) <= 40, "the DuckDB shell shows no more"


def test_every_report_answers_a_question():
    assert set(re.findall(r"marts\.(rpt_\w+)", TEXT)) == REPORTS
