"""What came in, what was refused and why, what was built and published last. Reads only."""

from pathlib import Path

from command_line import count
from warehouse.connect import Connection, query
from warehouse.erasing.erase import unfinished_erasures
from warehouse.loading.landing import names_present

_MOST_LINES = 20  # of one list

# A file that failed, was mended and came in whole has two rows: the last word counts.
_NEWEST = """(
    select file, feed, status, first_error_message from raw.load_manifest
    qualify row_number() over (partition by file order by load_seq desc) = 1
)"""


def status_lines(connection: Connection, published: Path, landing: Path) -> list[str]:
    """Sum up the warehouse, one sentence a line. `landing` holds a folder per feed."""
    tables = {name for (name,) in query(connection, _TABLES)}
    lines = []
    if {"load_manifest", "load_rejects"} <= tables:
        lines += _bounded(_feeds(connection), "feeds")
        lines += _bounded(_rejects(connection), "reasons, in raw.load_rejects")
        lines += _bounded(_failures(connection, landing), "files, in raw.load_manifest")
    lines = lines or ["nothing loaded yet"]
    if "erasures" in tables:
        lines += unfinished_erasures(connection)
    if "dbt_builds" in tables:
        lines.append(_last_build(connection))
    lines.append(
        f"published: {published.resolve().name}" if published.exists() else "nothing published yet"
    )
    return lines


_TABLES = "select table_name from duckdb_tables() where schema_name = 'raw'"


def _feeds(connection: Connection) -> list[str]:
    sums = query(
        connection,
        "select feed, sum(row_count), sum(row_parsed), sum(duplicate_count), sum(error_count), "
        "sum(blank_count), max(loaded_at) from raw.load_manifest group by feed order by feed",
    )
    files = {
        feed: rest
        for feed, *rest in query(
            connection,
            f"select feed, count(*), count_if(status = 'failed') from {_NEWEST} group by feed",
        )
    }
    return [
        f"{feed}: {count(files[feed][0], 'file')} ({files[feed][1]:,} failed), "
        f"{count(rows, 'line')} = {parsed:,} accepted + "
        f"{count(duplicates, 'duplicate')} + {refused:,} refused + {blank:,} blank, "
        f"last loaded {latest:%Y-%m-%d %H:%M} UTC"
        for feed, rows, parsed, duplicates, refused, blank, latest in sums
    ]


def _rejects(connection: Connection) -> list[str]:
    reasons = query(
        connection,
        "select reason, count_if(repaired_seq is null), count(repaired_seq), "
        "min_by(file, (load_seq, line)), min_by(line, (load_seq, line)) "
        "from raw.load_rejects group by reason order by count(*) desc, reason",
    )
    lines = [
        f"  refused as {reason}: {still_open:,} open, {repaired:,} repaired, first in "
        f"{_shown(file)}:{line}"
        for reason, still_open, repaired, file, line in reasons
    ]
    if still_open := sum(row[1] for row in reasons):
        lines.append(
            f"  {count(still_open, 'line')} open: 'python -m warehouse replay' writes "
            "them to files, where they can be mended"
        )
    return lines


def _failures(connection: Connection, landing: Path) -> list[str]:
    present = names_present(landing)
    return [
        f"  failed: {_shown(file)}: {reason}"
        for file, reason in query(
            connection,
            f"select file, first_error_message from {_NEWEST} where status = 'failed' "
            "order by file",
        )
        if file in present
    ]


def _last_build(connection: Connection) -> str:
    build = query(
        connection,
        "select command, status, recorded_at from raw.dbt_builds order by recorded_at desc limit 1",
    )
    if not build:
        return "nothing built yet"
    return f"last dbt command: {build[0][0]}, {build[0][1]} at {build[0][2]:%Y-%m-%d %H:%M} UTC"


def _shown(file: str) -> str:
    """Put a name on one line, whatever stands in it."""
    return file if file.isprintable() else repr(file)[1:-1]


def _bounded(lines: list[str], what: str) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"  ... and {len(lines) - _MOST_LINES:,} more {what}"]
