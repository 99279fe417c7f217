"""The small file beside the working file: what must outlive it and stands in no landing file.

The pepper, and the keyed hashes of those who asked to be forgotten. Whoever rebuilds the
working file from the landing files gets both back.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warehouse.connect import Connection, query
from warehouse.files import put_in_place
from warehouse.settings import WarehouseError

Erasure = tuple[str, str, str, datetime]  # as a row of raw.erasures


@dataclass(frozen=True)
class Secrets:
    """The pepper and the rows of raw.erasures."""

    pepper: str
    erasures: frozenset[Erasure] = frozenset()


def secrets_path(connection: Connection) -> Path | None:
    """Return where the secrets of an open database are kept; None for one in memory."""
    sql = "select path from duckdb_databases() where database_name = current_database()"
    [(path,)] = query(connection, sql)
    return secrets_beside(Path(path)) if path else None


def secrets_beside(database: Path) -> Path:
    """Return where the secrets of a working file are kept, whether it exists or not."""
    return Path(str(database).removesuffix(".duckdb") + ".secrets.json")


def read_secrets(path: Path) -> Secrets | None:
    """Read the file; None when there is none. A damaged one is a WarehouseError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        erasures = [
            (str(erasure_id), str(kind), str(digest), datetime.fromisoformat(moment))
            for erasure_id, kind, digest, moment in values["erasures"]
        ]
        if not (isinstance(values["pepper"], str) and values["pepper"]):
            raise ValueError("no pepper")
        return Secrets(values["pepper"], frozenset(erasures))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise WarehouseError(
            f"{path} is damaged: put it back from a backup, or delete it if the working file is "
            "whole (the next command writes it anew from there)."
        ) from None


def write_secrets(path: Path, secrets: Secrets) -> None:
    """Replace the file in one step; only its owner may read it."""
    values = {
        "pepper": secrets.pepper,
        "erasures": [
            [erasure_id, kind, digest, moment.isoformat()]
            for erasure_id, kind, digest, moment in sorted(secrets.erasures)
        ],
    }
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(part, path)
