"""Ask Spark for a second opinion: does it make the same of the SQL for Snowflake as DuckDB?

    python tests/python/parity_spark.py [MODEL ...]

The emulator computes with DuckDB, so it cannot tell where DuckDB itself is the odd one. Spark is
an engine of its own, with VARIANT, `:` paths, QUALIFY, exact decimals and nulls that come first.
What dbt compiles for Snowflake is translated by sqlglot, model by model, and run over the rows
that the model reads on DuckDB; what comes out is compared with what DuckDB made, row by row.
Without words: every staging view and every mart. Needs Java and requirements-spark.txt.
"""

import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

sys.path.append(str(Path(__file__).parents[2]))  # as a program, it stands in its own folder

import parity
from arrivals import PEPPER, at_random, build, write_world
from comparing import different_rows
from conftest import ROOT, Shop
from snowflake_account import set_up_account
from snowflake_emulator import running_emulator

if TYPE_CHECKING:
    from pyspark.sql import SparkSession  # not of the project's own environment

CLUSTER = "local-cluster[2,1,1024]"  # two executors, one core and 1024 MB each
ONE_PROCESS = "local[2]"
PATIENCE = 60  # seconds for both executors to come
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # errors are raised
    "spark.driver.memory": "2g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.shuffle.partitions": "2",
    # In 4.3.0 it breaks plans of queries with QUALIFY, and says so: PLAN_VALIDATION_FAILED.
    "spark.sql.optimizer.excludedRules": (
        "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases"
    ),
}

FORMATS = {"YYYY": "yyyy", "DD": "dd", "HH24": "HH", "MI": "mm"}

MODELS = {
    path.stem for layer in ("staging", "marts") for path in ROOT.glob(f"models/{layer}/**/*.sql")
}

Types = dict[str, dict[str, str]]  # of the columns of each input, as DuckDB calls them


@dataclass(frozen=True)
class Model:
    """What dbt compiled for Snowflake, and where DuckDB has the same."""

    name: str
    schema: str
    sql: str


def main(chosen: list[str]) -> int:
    """Print a line per model; 0 when all are equal, 1 when one is not, 2 when none can be."""
    if problem := missing(chosen):
        print(f"error: {problem}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="parity-spark-") as name:
        folder = Path(name)
        shop = Shop(folder / "shop", folder / "target-duckdb")
        world = write_world(folder / "generated", shop.target, parity.SEED, parity.ORDERS)
        build(shop, at_random(world, random.Random(parity.SEED), 1))  # noqa: S311
        compiled = compiled_for_snowflake(shop, folder / "target-snowflake")
        models = [model for model in compiled if model.name in (chosen or MODELS)]
        spark = started(folder)
        with duckdb.connect(str(shop.working), read_only=True) as here:
            different = [model.name for model in models if not is_equal(spark, here, model, folder)]
        spark.stop()
    if different:
        print(f"\nNot the same on DuckDB and on Spark: {', '.join(different)}.")
        return 1
    print(f"\nAll {len(models)} models are equal row by row on DuckDB and on Spark.")
    return 0


def missing(chosen: list[str]) -> str | None:
    """Tell why nothing can be compared."""
    if find_spec("pyspark") is None:
        return "pyspark is missing: install requirements-spark.txt"
    if not (which("java") or "JAVA_HOME" in os.environ):
        return "java is missing: install Java 17"
    if unknown := sorted(set(chosen) - MODELS):
        return f"neither a staging view nor a mart: {', '.join(unknown)}"
    return None


def compiled_for_snowflake(shop: Shop, target: Path) -> list[Model]:
    """Let dbt compile against an emulator, since it asks the engine for some of its SQL."""
    with running_emulator() as emulator, set_up_account(emulator) as account:
        parity.load(shop, account)
        words = ("compile", "--target", "snowflake")
        Shop(shop.data, target).dbt(*words, KSCM_PEPPER=PEPPER, **account.environment)
    folder = target / "compiled" / "kscm" / "models"
    return [
        Model(path.stem, path.relative_to(folder).parts[0], path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.sql"))
        if path.parent.suffix != ".yml"
    ]


def started(folder: Path) -> "SparkSession":
    """Start Spark with two executors in processes of their own, else in one process, and say so."""
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

    def start(master: str) -> SparkSession:
        builder = SparkSession.builder.master(master).appName("parity")
        places = {
            "spark.local.dir": str(folder / "spark"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
        }
        return builder.config(map=SETTINGS | places).getOrCreate()

    try:
        spark = start(CLUSTER)
    except Exception as error:
        reason = str(getattr(error, "java_exception", error)).splitlines()[0]
        print(f"{CLUSTER} does not start, so {ONE_PROCESS}: {reason}")
        return start(ONE_PROCESS)
    until = time.monotonic() + PATIENCE
    while (executors := executors_of(spark)) < 2 and time.monotonic() < until:
        time.sleep(0.2)
    if executors < 2:
        print(f"{executors} of 2 executors came in {PATIENCE} s, so {ONE_PROCESS}.")
        spark.stop()
        return start(ONE_PROCESS)
    print(f"Spark {spark.version}, {executors} executors.")
    return spark


def executors_of(spark: "SparkSession") -> int:
    return spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1  # the driver is one


def is_equal(spark: "SparkSession", here: Any, model: Model, folder: Path) -> bool:
    """Run a model on Spark, compare it with DuckDB's table in DuckDB's types, and tell."""
    relation = f"{model.schema}.{model.name}"
    columns = here.execute(f"describe {relation}").fetchall()
    [[rows]] = here.execute(f"select count(*) from {relation}").fetchall()
    result = folder / "results" / model.name
    try:
        types = dict(given(spark, here, name, folder) for name in inputs_of(model.sql))
        made = spark.sql(in_spark(model.sql, types))
        made.write.parquet(str(result))
        if (names := [name.lower() for name in made.columns]) != [name for name, *_ in columns]:
            told = [f"columns on DuckDB {[name for name, *_ in columns]}, on Spark {names}"]
        else:
            cast = ", ".join(f'{told_alike(name, kind)} as "{name}"' for name, kind, *_ in columns)
            told = different_rows(
                here,
                f"(select {cast} from {relation})",
                f"(select {cast} from '{quoted(result)}/*.parquet')",
                [name for name, *_ in columns],
                ("on DuckDB", "on Spark"),
            )
    except Exception as error:
        told = [f"{type(error).__name__}: {str(error)[:600]}"]
    print(f"{model.name:<30} {rows:>7,} rows {'DIFFER' if told else 'equal'}", *told, sep="\n    ")
    return not told


def told_alike(column: str, kind: str) -> str:
    """Write a column in DuckDB's type, and 13 digits of a double: libraries differ in the last."""
    cast = f'cast("{column}" as {kind})'
    return f"format('{{:.12e}}', {cast})" if kind == "DOUBLE" else cast


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def view_of(table: exp.Table) -> str:
    return f"{table.db}__{table.name}".lower()


def inputs_of(sql: str) -> list[tuple[str, str]]:
    """Give schema and name of each relation that a statement reads."""
    tables = sqlglot.parse_one(sql, read="snowflake").find_all(exp.Table)
    return sorted({(table.db.lower(), table.name.lower()) for table in tables if table.db})


def given(
    spark: "SparkSession", here: Any, name: tuple[str, str], folder: Path
) -> tuple[str, dict[str, str]]:
    """Show Spark a relation of DuckDB, JSON as VARIANT; give the view's name and its types."""
    schema, table = name
    view = f"{schema}__{table}"
    types = {
        column: kind for column, kind, *_ in here.execute(f"describe {schema}.{table}").fetchall()
    }
    path = folder / "inputs" / f"{view}.parquet"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        columns = ", ".join(
            f"cast({column} as varchar) as {column}" if kind == "JSON" else column
            for column, kind in types.items()
        )
        here.execute(f"copy (select {columns} from {schema}.{table}) to '{quoted(path)}'")
        rows = spark.read.parquet(str(path))
        rows.selectExpr(
            *(
                f"parse_json({column}) as {column}" if kind == "JSON" else column
                for column, kind in types.items()
            )
        ).createOrReplaceTempView(view)
    return view, types


def in_spark(sql: str, types: Types) -> str:
    """Translate a query from Snowflake's SQL to Spark's.

    sqlglot does all but this:
    * Databricks' dialect is taken, which is Spark's with QUALIFY and `:` paths. Spark has both;
      sqlglot's own Spark would write a subquery and get_json_object, which takes no VARIANT;
    * a relation with three parts of its name is a view with one;
    * the difference of two dates is an interval to Spark, and days to Snowflake and DuckDB. Which
      are dates is found from the types of the inputs;
    * dayofweekiso: sqlglot writes dayofweek, which counts from Sunday;
    * formats of dates: sqlglot leaves YYYY, which Spark writes yyyy.
    """
    tree = sqlglot.parse_one(sql, read="snowflake")
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            table.replace(exp.table_(view_of(table), alias=table.alias or table.name))
    # "duckdb" says here that names are in lower case, as they are given.
    schema = MappingSchema(
        {
            view: {name: "VARIANT" if kind == "JSON" else kind for name, kind in columns.items()}
            for view, columns in types.items()
        },
        dialect="duckdb",
    )
    tree = normalize_identifiers(tree, dialect="duckdb")
    tree = qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=False)
    tree = annotate_types(tree, schema=schema, dialect="snowflake")
    for node in list(tree.find_all(exp.Sub)):
        if node.left.is_type("date") and node.right.is_type("date"):
            days = [node.left.copy(), node.right.copy()]
            node.replace(exp.Anonymous(this="datediff", expressions=days))
    for node in list(tree.find_all(exp.DayOfWeekIso)):
        weekday = exp.Anonymous(this="weekday", expressions=[node.this.copy()])
        node.replace(exp.paren(exp.Add(this=weekday, expression=exp.Literal.number(1))))
    for node in list(tree.find_all(exp.ToChar)):
        for snowflake, spark in FORMATS.items():
            node.args["format"].set("this", node.text("format").replace(snowflake, spark))
    return tree.sql("databricks")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
