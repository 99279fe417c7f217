"""Where things are: everything follows from KSCM_DATA and KSCM_DB, as in profiles.yml."""

import os
from pathlib import Path


class WarehouseError(Exception):
    """The warehouse cannot do what was asked; the message says what to do."""


def data_folder() -> Path:
    """Return the folder of everything that is not in git."""
    return Path(os.environ.get("KSCM_DATA") or "data")


def landing_folder() -> Path:
    """Return the folder that producers write to: one sub-folder per feed."""
    return data_folder() / "landing"


def database_path() -> Path:
    """Return the working file: the loader and dbt write it, nobody else opens it."""
    return Path(os.environ.get("KSCM_DB") or data_folder() / "kscm.duckdb")


def published_path() -> Path:
    """Return the link to the newest published file, which analysts read."""
    return data_folder() / "published" / database_path().name


def memory_limit() -> str:
    """Return how much memory DuckDB may take before it goes by the disk, as in profiles.yml."""
    return os.environ.get("KSCM_MEMORY") or "6GB"


def date_order() -> str | None:
    """Return how dates of CSV files are to be read where they do not tell: dmy, mdy or None."""
    order = os.environ.get("KSCM_DATES") or None
    if order not in {None, "dmy", "mdy"}:
        raise WarehouseError(f"KSCM_DATES is '{order}': set it to dmy or mdy, or to nothing.")
    return order
