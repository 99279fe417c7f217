"""No result depends on the machine: not on its zone, language, clock, threads or file names."""

import re
import shutil

import pytest
from arrivals import backwards, build, in_order
from comparing import AS_IT_CAME, WHEN_LOADED, differences
from conftest import ROOT, Shop

CLOCKS_AND_DICE = re.compile(
    r"\b(now|today|getdate|sysdate|systimestamp|sysdatetime|current_(date|time|timestamp)"
    r"|localtime|localtimestamp|(get_)?current_(localtime|localtimestamp|timestamp)"
    r"|(transaction|statement|clock)_timestamp|get_current_time\w*|random|rand|randstr|uniform"
    r"|setseed|seq[1248]|uuid|gen_random_uuid|uuidv[47]|uuid_string|tablesample|sample)\b",
    re.IGNORECASE,
)
DBT_CLOCKS = re.compile(
    r"run_started_at|modules\s*\.\s*(datetime|pytz(?!\.all_timezones))|dbt\.(current_timestamp|now)|invocation_id"
)
FAR_AWAY = {
    "TZ": "Pacific/Auckland",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "7",
}


def test_another_zone_and_language_and_one_thread_give_the_same_marts(dirty_shop, tmp_path):
    world, at_once = dirty_shop(0)
    far = Shop(tmp_path / "far away", shutil.copytree(at_once.target, tmp_path / "target"))
    build(far, in_order(world), "--threads", "1", **FAR_AWAY)
    tell(differences(far.working, at_once.working, WHEN_LOADED, "Auckland", "here"))


def test_the_last_file_first_gives_the_same_marts(dirty_shop, tmp_path):
    world, at_once = dirty_shop(0)
    shop = Shop(tmp_path / "backwards", shutil.copytree(at_once.target, tmp_path / "target"))
    build(shop, backwards(world))
    tell(differences(shop.working, at_once.working, AS_IT_CAME, "the last first", "in order"))


def tell(lines: list[str]) -> None:
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def without_texts(sql: str) -> str:
    """Leave out comments and texts between single quotes, which may tell of any time."""
    sql = re.sub(r"\{#.*?#\}|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    return re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", sql)


def test_no_compiled_model_reads_a_clock_or_throws_dice(dirty_shop):
    """What dbt sends to the database, with every macro in it."""
    _, at_once = dirty_shop(0)
    files = sorted((at_once.target / "compiled" / "kscm").rglob("*.sql"))
    models = {path.stem for path in files if path.is_relative_to(at_once.target)}
    assert {path.stem for path in ROOT.glob("models/**/*.sql")} <= models
    told = {
        path.name: found[0]
        for path in files
        if (found := CLOCKS_AND_DICE.search(without_texts(path.read_text("utf-8"))))
    }
    assert not told


def test_no_model_or_macro_reads_a_clock_of_dbt_or_of_snowflake():
    """The source: bodies for the other engine are compiled nowhere here."""
    told = {}
    for path in sorted([*ROOT.glob("models/**/*.sql"), *ROOT.glob("macros/**/*.sql")]):
        text = without_texts(path.read_text("utf-8"))
        found = DBT_CLOCKS.search(text) or CLOCKS_AND_DICE.search(text)
        if found and path.name != "record_build.sql":
            told[path.name] = found[0]
    assert not told
    assert DBT_CLOCKS.search((ROOT / "macros" / "record_build.sql").read_text("utf-8"))


@pytest.mark.parametrize(
    "sql",
    [
        *("select now() as x", "select current_date", "where day < CURRENT_TIMESTAMP"),
        *("select getdate()", "select sysdate()", "order by random()", "select uuid() as id"),
        *("select today()", "select 'it''s' || uuid_string()", "from t using sample 5"),
        "select get_current_timestamp()",
    ],
)
def test_a_clock_or_dice_would_be_seen(sql):
    assert CLOCKS_AND_DICE.search(without_texts(sql))


@pytest.mark.parametrize(
    "sql", ["select 'now' as x", "select 1 -- never now()", "select known_uuids", "{# uuid #}"]
)
def test_a_text_or_comment_is_no_clock(sql):
    assert not CLOCKS_AND_DICE.search(without_texts(sql))
