"""How the SQL for Snowflake is translated for the second opinion; Spark itself is not needed."""

from parity_spark import in_spark, inputs_of


def translated(column: str, **types: str) -> str:
    sql = f"select {column} as answer from KSCM.marts.fct_sales"
    return in_spark(sql, {"marts__fct_sales": types}).removesuffix(
        " AS answer FROM marts__fct_sales AS fct_sales"
    )


def test_the_inputs_of_a_query_are_relations_and_no_steps():
    sql = "with sold as (select * from KSCM.marts.fct_b), a as (select * from KSCM.raw.a) "
    assert inputs_of(sql + "select * from sold, a") == [("marts", "fct_b"), ("raw", "a")]


def test_two_dates_differ_by_days_and_numbers_by_numbers():
    sold = translated("sold_on - paid_on", sold_on="DATE", paid_on="DATE")
    assert sold == "SELECT DATEDIFF(fct_sales.sold_on, fct_sales.paid_on)"
    assert translated("a - b", a="INTEGER", b="DECIMAL(12,2)") == "SELECT fct_sales.a - fct_sales.b"
    # Where the dates come from a step of the query.
    sql = "with one as (select min(day) as first_day, max(day) as last_day from KSCM.marts.d) "
    told = in_spark(
        sql + "select last_day - first_day as days from one", {"marts__d": {"day": "DATE"}}
    )
    assert "DATEDIFF(one.last_day, one.first_day)" in told


def test_weekdays_count_from_monday_as_one():
    assert translated("dayofweekiso(day)", day="DATE") == "SELECT (WEEKDAY(fct_sales.day) + 1)"


def test_a_path_into_json_stays_a_path_into_a_variant():
    told = translated("address:city::varchar", address="JSON")
    assert told == "SELECT CAST(fct_sales.address:city AS STRING)"


def test_null_stands_where_snowflake_has_it():
    told = translated("row_number() over (order by a asc, b desc)", a="INTEGER", b="INTEGER")
    assert "ORDER BY fct_sales.a ASC NULLS LAST, fct_sales.b DESC NULLS FIRST" in told


def test_formats_of_dates_are_those_of_spark():
    assert "'yyyy-MM-dd HH:mm'" in translated("to_char(t, 'YYYY-MM-DD HH24:MI')", t="TIMESTAMP")


def test_qualify_stays():
    sql = "select a from KSCM.marts.d qualify rank() over (order by a asc) = 1"
    assert " QUALIFY RANK() OVER " in in_spark(sql, {"marts__d": {"a": "INTEGER"}})
