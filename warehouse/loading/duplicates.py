"""Takes duplicates out of the rows just inserted, before they are committed.

A line whose record stands in raw already, with the same content, is a duplicate and leaves
no row; with another content it is a correction and stays, as a newer version. Most loads
have neither: one look at the keys tells so, and nothing else is read.
"""

import json
from decimal import Decimal
from functools import partial

from warehouse.connect import Connection, query, with_function
from warehouse.feeds import Feed


def set_aside(connection: Connection, feed: Feed, first_seq: int) -> None:
    """Move the duplicates among the rows from `first_seq` on to raw.load_duplicates."""
    run = partial(query, connection)
    keys = record_keys(feed)
    names = ", ".join(f"k{i}" for i in range(len(keys)))
    keyed = "select {}, * from raw.{} where _load_seq".format(
        ", ".join(f"{key} as k{i}" for i, key in enumerate(keys)), feed.table
    )
    new, old = f"({keyed} >= {first_seq})", f"({keyed} < {first_seq})"
    run(
        "create or replace temp table contested as "
        f"select {names} from {new} group by all having count(*) > 1"
        f" union select {names} from {old} semi join {new} as new using ({names})"
    )
    if not run("select 1 from contested limit 1"):
        return
    columns = feed.columns + (", _copy" if feed.is_counted else "")
    run(
        "create or replace temp table rivals as "
        f"select * from {old} semi join contested using ({names})"
    )
    run(
        "create or replace temp table newcomers as "
        f"select * from {new} semi join contested using ({names})"
    )
    _spell_alike(connection, [f.name for f in feed.fields if f.kind == "json"], names)
    find = _find_states if feed.is_snapshot else _find_copies
    run(f"create or replace temp table duplicates as {find(names, columns)}")
    run(
        f"delete from raw.{feed.table} as loaded using duplicates "
        f"where loaded._load_seq >= {first_seq} "
        "and loaded._load_seq = duplicates._load_seq and loaded._line = duplicates._line"
    )
    run(
        """
        insert into raw.load_duplicates
        select min(_file), min(_line), count(*), kind, _load_seq
        from (
            select
                *,
                _line - row_number() over (partition by _load_seq, kind order by _line) as run
            from duplicates
        )
        group by _load_seq, kind, run
        order by _load_seq, min(_line)
        """
    )


def _find_copies(names: str, columns: str) -> str:
    """Write SQL for the new rows whose content any version has, older or above in the load."""
    same = " and ".join(f"new.{c} is not distinct from old.{c}" for c in columns.split(", "))
    return f"""
        with
        new as (
            select
                *,
                row_number() over same_content as nth,
                first_value(_load_seq) over same_content as first_load
            from newcomers
            window same_content as (partition by {columns} order by _load_seq, _line)
        ),
        known as (
            select new._load_seq, new._line from new
            where exists (select 1 from rivals as old where {same})
        )
        select
            new._load_seq,
            new._line,
            new._file,
            case
                when known._line is null and first_load = new._load_seq then 'in_file'
                else 'known'
            end as kind
        from new left join known using (_load_seq, _line)
        where nth > 1 or known._line is not null
    """


def _find_states(names: str, columns: str) -> str:
    """Write SQL for the new rows that say what the version before them says.

    A file may say two things of one record, and what it says last holds. When that is what
    held before, and nothing in it was never said, the whole of it is known.
    """
    record = f"partition by {names} order by _load_seq"
    last = f"qualify row_number() over ({record} desc, _line desc) = 1"
    return f"""
        with
        new as (
            select *, row({columns}) as content from newcomers
        ),
        old as (select *, row({columns}) as content from rivals),
        newest as (select * from old {last}),
        versions as (
            select {names}, _load_seq, _line, _file, content from newest
            union all
            select {names}, _load_seq, _line, _file, content from new
        ),
        followed as (
            select
                _load_seq,
                _line,
                content,
                lag(content) over record as content_before,
                lag(_load_seq) over record as load_before
            from versions
            window record as ({record}, _line)
        ),
        ending as (select * from new {last}),
        repeated as (
            select {names} from ending inner join newest using ({names})
            where ending.content = newest.content
        ),
        unheard as (select new.* from new anti join old using ({names}, content)),
        settled as (select * from repeated anti join unheard using ({names}))
        select
            new._load_seq,
            new._line,
            new._file,
            case when load_before = new._load_seq then 'in_file' else 'known' end as kind
        from new
        inner join followed using (_load_seq, _line)
        left join (select *, true as is_settled from settled) using ({names})
        where followed.content = content_before or is_settled
    """


def _spell_alike(connection: Connection, columns: list[str], names: str) -> None:
    """Write the objects of a record in one way, where newcomers and rivals write them in several.

    Keys in another order, or blanks between them, are no other content; and a VARIANT, which
    rivals may come from, keeps neither. The raw table keeps what was written.
    """
    for column in columns:
        query(
            connection,
            f"create or replace temp table spelled_otherwise as select {names} "
            "from (from newcomers union all by name from rivals) group by all "
            f"having min({column}::varchar) <> max({column}::varchar)",
        )
        if not query(connection, "select 1 from spelled_otherwise limit 1"):
            continue
        with with_function(connection, "plain_object", plain_object):
            for table in ("newcomers", "rivals"):
                query(
                    connection,
                    f"update {table} set {column} = plain_object({column}::varchar)::json "
                    f"where {column} is not null and "
                    f"({names}) in (select ({names}) from spelled_otherwise)",
                )


def plain_object(text: str) -> str:
    """Write a JSON object in the one way that all its spellings share.

    Keys are sorted, the first of equal ones holds, as DuckDB reads it; 1.50 is 1.5, and true
    is not 1.
    """
    found = json.loads(
        text, object_pairs_hook=_first_holds, parse_int=_plain_number, parse_float=_plain_number
    )
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def _first_holds(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return dict(reversed(pairs))


def _plain_number(digits: str) -> list[str]:
    # In a list, or it would be the same as a text of these digits.
    return ["number", str(Decimal(digits).normalize())]


def record_keys(feed: Feed) -> list[str]:
    """List the SQL expressions, never null, that say which record a row is about.

    They read the same on both engines.
    """
    if not feed.is_counted:
        return list(feed.key)
    content = [f.name for f in feed.fields if f.is_required and f.name not in feed.key]
    if not feed.key:
        return [*content, "_copy"]
    # Lines that have a key of their own, and others that have none and are counted.
    [key] = feed.key
    counted = ", ".join(f"cast({column} as varchar)" for column in [*content, "_copy"])
    return [f"coalesce('#' || {key}, concat_ws(chr(31), {counted}))"]


def copy_number(feed: Feed) -> str:
    """Write the SQL of _copy: which of several equal lines of its file this one is."""
    number = f"row_number() over (partition by seq, {feed.columns} order by line)"
    return f"case when {feed.key[0]} is null then {number} else 1 end" if feed.key else number
