"""Which refused lines a repair has replaced: told by the landing files alone.

Line n of `a.ndjson.repaired-<stamp>.ndjson` repairs line n of `a.ndjson`; what it does not
repair is blank there, or stands as it stood. So a rebuild from the landing folder knows it too.
"""

from warehouse.connect import Connection, query, roll_back
from warehouse.feeds import FEEDS

# Matches the name of a repair file; its one group is the name of the original.
REPAIR_NAME = r"^(.+)\.repaired-[0-9]{8}T[0-9]{6}(?:-[0-9]+)?\.(?:ndjson|csv)$"


def settle(connection: Connection) -> None:
    """Mark the refused lines that a repair has replaced, whoever loaded it; changes no other.

    What a repair file itself had refused is marked with its own load: the line in the
    original stays the open one, so that nothing is open twice. A line that comes again
    in a longer edition of its file is as repaired as it was.
    """
    repairs = (
        f"(select load_seq, feed, regexp_extract(file, '{REPAIR_NAME}', 1) as original "
        f"from raw.load_manifest "
        f"where status = 'loaded' and regexp_matches(file, '{REPAIR_NAME}'))"
    )
    found = query(connection, f"select distinct feed from {repairs}")
    if not found:
        return
    query(connection, "begin")
    try:
        query(
            connection,
            "update raw.load_rejects set repaired_seq = load_seq where repaired_seq is null "
            f"and load_seq in (select load_seq from {repairs})",
        )
        for (feed,) in found:
            query(
                connection,
                f"""
                update raw.load_rejects as rejects set repaired_seq = settled.seq
                from (
                    select refused.load_seq, refused.line, min(repairs.load_seq) as seq
                    from raw.load_rejects as refused
                    inner join {repairs} as repairs
                        on refused.file = repairs.original
                        and refused.load_seq < repairs.load_seq
                    where refused.repaired_seq is null and repairs.feed = $feed
                    and (
                        exists (
                            select 1 from raw.{FEEDS[feed].table} as accepted
                            where accepted._load_seq = repairs.load_seq
                            and accepted._line = refused.line
                        )
                        or exists (
                            select 1 from raw.load_duplicates as duplicates
                            where duplicates.load_seq = repairs.load_seq
                            and refused.line >= duplicates.line
                            and refused.line < duplicates.line + duplicates.line_count
                        )
                    )
                    group by all
                ) as settled
                where rejects.load_seq = settled.load_seq and rejects.line = settled.line
                """,
                {"feed": feed},
            )
        query(
            connection,
            "update raw.load_rejects as rejects set repaired_seq = same.seq from ("
            "select file, line, raw, min(repaired_seq) as seq from raw.load_rejects "
            "where repaired_seq is not null group by all) as same "
            "where rejects.repaired_seq is null and rejects.file = same.file "
            "and rejects.line = same.line and rejects.raw = same.raw",
        )
        query(connection, "commit")
    except BaseException:
        roll_back(connection)
        raise
