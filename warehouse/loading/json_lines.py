"""Lines of JSON: the quick way for lines beyond doubt, the strict way for all others.

DuckDB reads a line in one pass, but it reads more than JSON: NaN, trailing commas, one key
twice, and a date with a zone that it drops. So the quick way takes only lines that can be
nothing but what they seem; each other line is read by Python's parser, which keeps to the
letter, and judged by the rules of its feed. Where both read a line, they read the same.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from warehouse.feeds import Feed, Field
from warehouse.loading.judge import DECIMALS, EXACT, IN_RANGE, SQL_TYPES

DEEPEST = 500
# Bytes: each level takes an opening and a closing one, so no line below is too deep, and none
# of its objects too large.
_LINE_BEYOND_DOUBT = 2 * DEEPEST
_PLAIN_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?"
# What DuckDB reads and JSON does not know: `1,}`, `[1,]`, NaN, -inf and Infinity.
_NOT_A_NUMBER = "-?(?:[nN][aA][nN]|[iI][nN][fF])"
LENIENCES = (
    rf",\s*(?:[}}\]]|{_NOT_A_NUMBER})",
    rf":\s*{_NOT_A_NUMBER}",
    rf"\[\s*{_NOT_A_NUMBER}",
)
_FROM_RARE_TO_FREQUENT = "qjxzwkvybghfpumdcloirtsnae_"


@dataclass(frozen=True)
class Shape:
    """What the first lines of a file look like: the fields that they have, and whether all do.

    No field at all: these lines tell nothing, and no line goes the quick way. `is_rough`: some
    of them cannot be read, so reading must be ready for more of these.
    """

    fields: frozenset[str] = frozenset()
    is_rough: bool = False


def shape_of(feed: Feed, lines: Iterable[str]) -> Shape:
    """Look at the first lines of a file: the quick way asks each line for their fields."""
    required = {field.name for field in feed.fields if field.is_required}
    numbers = {field.name for field in feed.fields if field.kind in DECIMALS}
    fields: frozenset[str] = frozenset()
    is_rough = False
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        keys = frozenset(record if isinstance(record, dict) else ()) & frozenset(feed.names)
        if not keys >= required:
            is_rough = True
            continue
        fields = fields or keys
        is_rough |= any(not isinstance(record.get(n), int | float | None) for n in numbers)
    return Shape(fields, is_rough and bool(fields))


def select_beyond_doubt(feed: Feed, shape: Shape, lines: str) -> str:
    """Write SQL over `lines` (file, seq, line, raw): the columns of those that need no judge.

    Needs the parameter `latest`, a timestamp. Lines that are left out are not lost: the
    strict way takes every number that is missing.
    """
    present = [field for field in feed.fields if field.name in shape.fields]
    # Strictly read, each of these keys stands there once: none is missing, none is twice.
    spec = json.dumps({field.name: _read_as(field, shape) for field in present})
    doubts = [
        "record is null",
        f"strlen(raw) > {_LINE_BEYOND_DOUBT}",
        *(f"regexp_matches(raw, '{pattern}')" for pattern in LENIENCES),
        # A key that the first lines lack would be dropped in silence.
        *(
            rf"""regexp_matches(raw, '{_rare_end(name)}"\s*:')"""
            for name in feed.names
            if name not in shape.fields
        ),
        *(doubt for field in present for doubt in _doubts(field, shape)),
        *(condition for condition, _ in feed.extra_reasons),
    ]
    columns = ", ".join(
        f"{_quick_value(field)} as {field.name}" if field in present else f"null as {field.name}"
        for field in feed.fields
    )
    # One line that cannot be read makes DuckDB read the two thousand around it one by one.
    readable = "case when json_valid(raw) then raw end" if shape.is_rough else "raw"
    # As long as it seems to be random, DuckDB does not push the condition below the columns,
    # where it would parse the line again for each of its parts.
    return f"""
        select file, seq, line, {feed.columns} from (
            select file, seq, line, {columns},
                not coalesce({" or ".join(doubts)}, false) and random() >= 0 as is_certain
            from (
                select file, seq, line, raw, try(from_json_strict({readable}, '{spec}')) as record
                from {lines}
            )
        )
        where is_certain
    """


def _read_as(field: Field, shape: Shape) -> str:
    if field.kind == "json":
        return "JSON"
    # A number read as such takes half the time of one that is read as a text first, but what
    # is none is an error.
    return EXACT.upper() if field.kind in DECIMALS and not shape.is_rough else "VARCHAR"


def _rare_end(name: str) -> str:
    """Cut a key before its rarest letter: what begins so is found in a third of the time."""
    start = min(range(len(name) - 1), key=lambda i: _FROM_RARE_TO_FREQUENT.find(name[i]))
    return name[start:]


def _quick_value(field: Field) -> str:
    found = f"record.{field.name}"
    if field.kind in {"text", "code", "json"}:
        return found
    return f"try_cast({found} as {SQL_TYPES[field.kind]})"


def _doubts(field: Field, shape: Shape) -> list[str]:
    """List the SQL conditions under which a field needs the judge; null is no doubt."""
    found, value = f"record.{field.name}", _quick_value(field)
    doubts = [f"{found} is null"] if field.is_required else []
    match field.kind:
        case "text" | "code":
            if field.is_required:
                doubts.append(f"{found} < '!'")  # nothing, or what begins with a blank
            # An object or an array, whose text begins so. Comparing beats looking inside.
            doubts.append(f"{found} >= '{{' and {found} < '|'")
            doubts.append(f"{found} >= '[' and {found} < '\\'")
        case "json":
            text = f"{found}::varchar"
            doubts.append(f"{text} < '{{' or {text} >= '|'")
        case "timestamp":
            doubts.append(f"not regexp_full_match({found}, '{_PLAIN_TIME}')")
            doubts.append(f"({found} is not null and {value} is null)")
            if field.is_required:
                doubts[-1] = f"{value} is null"
                doubts.append(f"{value} not {IN_RANGE}")
        case "date":
            doubts.append(f"{found} is not null")
        case "integer":
            doubts.append(rf"not regexp_full_match({found}, '-?\d{{1,9}}')")
        case "money" | "price":
            exact = f"try_cast({found} as {EXACT})" if shape.is_rough else found
            doubts.append(f"{exact} <> round({exact}, {DECIMALS[field.kind]})")
            if shape.is_rough or field.kind == "price":
                doubts.append(f"({found} is not null and {value} is null)")
            if field.kind == "money":
                doubts.append(f"{exact} < 0")
    return doubts


class _Twice:
    """Stands for an object that has one key twice."""


def why_no_record(text: str) -> str | None:
    """Say why a line is no JSON object to the letter; None when it is one."""
    try:
        record = json.loads(
            text,
            parse_constant=_refuse_constant,
            # A number stays a text: one of 5,000 digits is valid, and nobody's integer.
            parse_int=str,
            parse_float=str,
            object_pairs_hook=_object,
        )
    except RecursionError:
        return "too_deep"
    except ValueError:
        return "invalid_json"
    if isinstance(record, _Twice):
        return "duplicate_field"
    if not isinstance(record, dict):
        return "not_object"
    return "too_deep" if _is_deep(text, record) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Twice:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice()


def _is_deep(text: str, record: object) -> bool:
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    level: Iterable[object] = [record]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def describe(feed: Feed) -> str:
    """Write SQL over examined(file, seq, line, raw, unread): the records that a judge reads.

    Each record is parsed once: all its fields are extracted together, under lower-case keys
    and under upper-case ones, which sibling systems write.
    """
    names = feed.names
    paths = ", ".join(f"'$.{key}'" for name in names for key in (name, name.upper()))
    found = ", ".join(
        f"nullif(coalesce(found[{2 * i + 1}], found[{2 * i + 2}]), 'null'::json) as {name}_json"
        for i, name in enumerate(names)
    )
    parts = ", ".join(
        f"json_type({name}_json) as {name}_kind, {name}_json ->> '$' as {name}_text"
        for name in names
    )
    return f"""
        select *, {parts} from (
            select file, seq, line, raw, unread, {found} from (
                select
                    file,
                    seq,
                    line,
                    raw,
                    -- A lone surrogate is JSON to the letter and no text to anybody.
                    coalesce(unread, case when record is null then 'invalid_json' end) as unread,
                    json_extract(record, [{paths}]) as found
                from (
                    select *, case when unread is null then try_cast(raw as json) end as record
                    from examined
                )
            )
        )
    """
