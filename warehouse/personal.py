"""Which columns hold a person: raw ones as the feeds say it, derived ones as dbt's tags do.

One source for both engines: DuckDB publishes none of these names (`warehouse/publish.py`),
Snowflake masks them (`warehouse/masking.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from warehouse.feeds import FEEDS

TAG = "personal"
_MODELS = Path(__file__).parents[1] / "models"
# Of the loader's own tables, which are no feed: lines refused, whatever they hold, and the secret
# that would undo the pseudonyms.
LOADER_COLUMNS = (("load_rejects", "raw"), ("pepper", "pepper"))
# Where dbt keeps persons: everything else may be published.
_PRIVATE_FOLDERS = ("staging", "intermediate")


def personal_raw_columns() -> list[tuple[str, str]]:
    """Return the raw tables and columns that hold a person."""
    fields = [
        (feed.table, field.name)
        for feed in FEEDS.values()
        for field in feed.fields
        if field.is_personal
    ]
    return [*fields, *LOADER_COLUMNS]


def personal_model_columns() -> list[tuple[str, str]]:
    """Return the models and columns that are tagged as holding a person, in their YAML."""
    return sorted(_tagged_columns())


def personal_names() -> frozenset[str]:
    """Return the names, in lower case, that no published column may have."""
    return frozenset(name for _, name in (*personal_raw_columns(), *personal_model_columns()))


def _tagged_columns() -> Iterator[tuple[str, str]]:
    for folder in _PRIVATE_FOLDERS:
        for path in (_MODELS / folder).rglob("*.yml"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            for model in document.get("models", ()):
                for column in model.get("columns", ()):
                    if TAG in column.get("config", {}).get("tags", ()):
                        yield model["name"], column["name"]
