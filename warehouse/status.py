"""What came in, what was refused and why, what was built and published last."""

from pathlib import Path

from command_line import count
from warehouse.connect import Connection, query


def status_lines(connection: Connection, published: Path) -> list[str]:
    """Sum up the warehouse, one sentence a line."""
    lines = []
    for feed, files, failed, rows, parsed, refused, blank, latest in query(
        connection,
        "select feed, count(*), count_if(status = 'failed'), sum(row_count), sum(row_parsed), "
        "sum(error_count), sum(blank_count), max(loaded_at) "
        "from raw.load_manifest group by feed order by feed",
    ):
        lines.append(
            f"{feed}: {count(files, 'file')} ({failed:,} failed), {count(rows, 'line')} = "
            f"{parsed:,} accepted + {refused:,} refused + {blank:,} blank, "
            f"last loaded {latest:%Y-%m-%d %H:%M} UTC"
        )
    for reason, times, file, line in query(
        connection,
        "select reason, count(*), min_by(file, (load_seq, line)), min_by(line, (load_seq, line)) "
        "from raw.load_rejects group by reason order by count(*) desc, reason",
    ):
        lines.append(f"  refused as {reason}: {times:,}, first in {file} line {line}")
    for file, reason in query(
        connection,
        "select file, first_error_message from raw.load_manifest where status = 'failed' "
        "order by file",
    ):
        lines.append(f"  failed: {file}: {reason}")
    if not lines:
        lines.append("nothing loaded yet")
    build = query(
        connection,
        "select command, status, recorded_at from raw.dbt_builds order by recorded_at desc limit 1",
    )
    lines.append(
        f"last dbt command: {build[0][0]}, {build[0][1]} at {build[0][2]:%Y-%m-%d %H:%M} UTC"
        if build
        else "nothing built yet"
    )
    lines.append(
        f"published: {published.resolve().name}" if published.exists() else "nothing published yet"
    )
    return lines
