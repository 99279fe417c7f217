"""The answer key as tables of a connection, and whether the marts can be held against it."""

from dataclasses import dataclass
from pathlib import Path

from command_line import count
from warehouse.connect import Connection, query
from warehouse.settings import WarehouseError

FOLDER = "_answer_key"
_TILLS = ("sales", "customers", "regions", "baskets", "units", "returns", "stock")
_DEFECTS = ("defects", "touched")
_OTHERS = ("shop_sales", "web_lines", "web_defects")

# Where the days of a part stand in its name; live parts are numbered.
_DAYS = r"(\d{4}-\d\d-\d\d)_(\d{4}-\d\d-\d\d)"

# What each system has told last, before any model: days of the key beyond it have not come.
_LAST_TOLD = {
    "shops": "select max(date) from raw.shop_sales",
    "web": "select max(cast(invoicedate as date)) from raw.web_order_lines",
}
_IS_LOADED = {
    "pos": "select count(*) > 0 from raw.client_support_orders",
    "shops": "select count(*) > 0 from raw.shop_sales",
    "web": "select count(*) > 0 from raw.web_order_lines",
}

# What planted.json says was put into the world, a row for each thing to be found.
_PLANTED = {
    # item, companion, attach_percent, stated_lift
    "pairs": "select unnest(pairs, recursive := true) from read_json({})",
    # event_name, traffic_percent, kind, boost_percent, first_day, last_day: a row per occurrence
    "effects": """
        select effect.* exclude (days), cast(occurrence[1] as date) as first_day,
            cast(occurrence[2] as date) as last_day
        from (
            select effect, unnest(effect.days) as occurrence
            from (select unnest(calendar_effects) as effect from read_json({}))
        ) as occurrences""",
    # of_what (online, in_person or an item), percent: how many come back
    "return_percents": """
        select entry.key as of_what, entry.value as percent
        from (
            select unnest(map_entries(return_percent)) as entry
            from read_json({}, columns = {{return_percent: 'map(varchar, bigint)'}})
        ) as entries""",
}


@dataclass(frozen=True)
class World:
    """What the key is about: which of its systems are loaded, and whether anything is wrong.

    `is_clean` tells that no line has a defect; `built` names the tables of the marts.
    """

    loaded: frozenset[str]
    built: frozenset[str]
    is_clean: bool


def open_key(connection: Connection, folder: Path) -> World:
    """Make a table `key_<name>` of each table of the key, up to the days that have come.

    Raises WarehouseError where there is no key, or the marts are older than what they tell.
    """
    if not any((folder / "sales").glob("*.parquet")):
        raise WarehouseError(
            f"{folder} holds no answer key: only a world of 'python -m generator' can be graded, "
            "nobody knows the true answers of other data."
        )
    built = _check_built(connection)
    _check_loaded(connection, folder)
    loaded = {
        name
        for name, sql in _IS_LOADED.items()
        if query(connection, sql)[0][0] and (name != "shops" or _has(folder, "shop_sales"))
    }
    if "web" in loaded and not _has(folder, "web_lines"):
        loaded.discard("web")
    for name in (*_TILLS, *_DEFECTS):
        if not _has(folder, name):
            raise WarehouseError(
                f"{folder / name} is missing: the key was written by an earlier version. "
                "Generate the world anew, in an empty folder."
            )
        _read(connection, folder, name)
    for name in _OTHERS:
        if _has(folder, name):
            _read(connection, folder, name)
    planted = folder / "planted.json"
    if not planted.exists():
        raise WarehouseError(
            f"{planted} is missing: it tells what was put into the world to be found. "
            "Generate the world anew, in an empty folder."
        )
    if "shops" in loaded:
        _until(connection, "key_shop_sales", "sale_date", _LAST_TOLD["shops"])
    if "web" in loaded:
        _until(connection, "key_web_lines", "invoice_date", _LAST_TOLD["web"])
    query(
        connection,
        "create temp table last_day as select max(cast("
        f"regexp_extract(filename, '{_DAYS}', 2) as date)) as day "
        f"from read_parquet({_files(folder, 'sales')}, filename = true) "
        f"where regexp_matches(filename, '{_DAYS}')",
    )
    for name, sql in _PLANTED.items():
        query(connection, f"create temp table planted_{name} as {sql.format(_quoted(planted))}")
    tables = ["key_defects"] + (["key_web_defects"] if "web" in loaded else [])
    defects = sum(query(connection, f"select count(*) from {name}")[0][0] for name in tables)
    return World(frozenset(loaded), built, defects == 0)


def _check_built(connection: Connection) -> frozenset[str]:
    tables = query(
        connection, "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    built = frozenset(name for (name,) in tables)
    if "fct_sale_lines" not in built:
        raise WarehouseError("nothing is built yet: run 'make build' first.")
    [(is_stale,)] = query(
        connection,
        "select coalesce((select max(loaded_at) from raw.load_manifest) > "
        "(select max(recorded_at) from raw.dbt_builds), false)",
    )
    if is_stale:
        raise WarehouseError("the marts are older than what is loaded: run 'make build' first.")
    return built


def _check_loaded(connection: Connection, folder: Path) -> None:
    known = {
        Path(file).name.removeprefix("orders_").split(".")[0]
        for (file,) in query(connection, "select file from raw.load_manifest where feed = 'orders'")
    }
    missing = [path.stem for path in (folder / "sales").glob("*.parquet") if path.stem not in known]
    if missing:
        raise WarehouseError(
            f"{count(len(missing), 'file')} of orders not loaded, first orders_{min(missing)}: "
            "run 'python -m warehouse load' and 'make build' first."
        )


def _has(folder: Path, name: str) -> bool:
    return any((folder / name).glob("*.parquet"))


def _files(folder: Path, name: str) -> str:
    return _quoted(folder / name / "*.parquet")


def _quoted(path: Path) -> str:
    return "'" + str(path.resolve()).replace("'", "''") + "'"


def _read(connection: Connection, folder: Path, name: str) -> None:
    query(
        connection,
        f"create temp table key_{name} as from read_parquet({_files(folder, name)})",
    )


def _until(connection: Connection, table: str, column: str, last: str) -> None:
    query(connection, f"delete from {table} where {column} > ({last})")
