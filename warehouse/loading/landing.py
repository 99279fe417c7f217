"""What lies in the landing folder: the files of each feed, and what is nobody's."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from warehouse.feeds import FEEDS, Feed

_JSON_SUFFIXES = (".ndjson", ".jsonl", ".json")
_PARQUET_SUFFIX = ".parquet"


@dataclass(frozen=True)
class LandingFile:
    """One file of a feed, as it lay there when the folder was read."""

    path: Path
    name: str  # below the landing folder, as it is written to the manifest
    feed: Feed
    size: int
    modified_ns: int
    is_packed: bool
    is_parquet: bool


def manifest_name(path: Path, landing: Path) -> str:
    """Name a landing file as the manifest does."""
    return printable(str(path.relative_to(landing)))


def names_present(landing: Path) -> dict[str, Path]:
    """Name whatever lies in the folders of the landing folder, as the manifest does."""
    return {manifest_name(path, landing): path for path in landing.glob("*/*")}


def list_files(landing: Path) -> tuple[list[LandingFile], list[str]]:
    """List the files of all feeds, by feed and name, and the names of what is left alone.

    Hidden files, those still being written (.part) and folders that begin with _ are nobody's
    business. Whatever else no feed can read is told by name.
    """
    found: list[LandingFile] = []
    others: list[str] = []
    for entry in _entries(landing):
        if not _is_folder(entry):
            others += [entry.name]
        elif entry.name in FEEDS:
            for child in _entries(Path(entry.path)):
                file = _landing_file(child, FEEDS[entry.name], landing)
                if file:
                    found.append(file)
                else:
                    others.append(f"{entry.name}/{child.name}")
        else:
            others.append(f"{entry.name}/")
    order = list(FEEDS)
    found.sort(key=lambda file: (order.index(file.feed.name), os.fsencode(file.path.name)))
    return found, [printable(name) for name in others]


def printable(name: str) -> str:
    r"""Write a name that is not UTF-8 as it would be typed in Python: b\xff.ndjson."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith((".", "_"))]
    return sorted((e for e in shown if not e.name.endswith(".part")), key=lambda e: e.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _landing_file(entry: os.DirEntry[str], feed: Feed, landing: Path) -> LandingFile | None:
    plain = entry.name.removesuffix(".gz")
    is_parquet = not feed.is_csv and entry.name.endswith(_PARQUET_SUFFIX)
    suffixes = ".csv" if feed.is_csv else _JSON_SUFFIXES
    if not is_parquet and not plain.endswith(suffixes):
        return None
    try:
        state = entry.stat()
    except OSError:  # a link to nowhere, or to itself
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    path = Path(entry.path)
    return LandingFile(
        path,
        manifest_name(path, landing),
        feed,
        state.st_size,
        state.st_mtime_ns,
        entry.name.endswith(".gz"),
        is_parquet,
    )
