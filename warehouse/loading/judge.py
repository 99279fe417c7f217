"""SQL that reads described records: the value of each field, and why a record is refused.

A described record has three columns per field: `<name>_kind`, its JSON type (null when it is
absent), `<name>_text`, its text, and for objects `<name>_json`. Whatever the format of the
file, the same rules apply.
"""

from warehouse.feeds import Feed, Field

# ISO 8601, and with an offset. What else DuckDB casts to a time, it casts without a word
# about the zone's name or the PM that it drops.
_OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_TIME = rf"\d{{4}}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?{_OFFSET}?)?"
_HAS_OFFSET = rf":.*{_OFFSET}$"
_DATE = r"\d{4}-\d\d-\d\d"
_NOT_PLAIN = "in ('OBJECT', 'ARRAY')"

DECIMALS = {"money": 2, "price": 4}
SQL_TYPES = {
    "text": "varchar",
    "code": "varchar",
    "json": "json",
    "timestamp": "timestamp",
    "date": "date",
    "integer": "integer",
    "money": "decimal(12, 2)",
    "price": "decimal(18, 4)",
}
# A cast to fewer decimals rounds without a word, so a number is first read as this: 19.999 is
# no price. 19.990000000000002 is what floating point makes of one, and goes as 19.99.
EXACT = "decimal(18, 8)"
LONGEST_OBJECT = 64 << 10  # bytes

# A till whose clock is wrong would move the first and the last business day. `latest` comes
# with the query: nothing here asks the machine what time it is.
IN_RANGE = "between timestamp '2000-01-01' and $latest"


def judge(feed: Feed, described: str) -> str:
    """Write SQL over a described relation: file, seq, line, raw, the feed's columns, the refusal.

    `refusal` is null for a record to accept. Needs the parameter `latest`, a timestamp.
    """
    values = ", ".join(f"{_value(field)} as {field.name}" for field in feed.fields)
    reasons = [(c, reason) for field in feed.fields for c, reason in _reasons(field)]
    cases = " ".join(f"when {c} then '{r}'" for c, r in [*reasons, *feed.extra_reasons])
    return f"""
        select file, seq, line, raw, {feed.columns}, coalesce(unread, case {cases} end) as refusal
        from (select *, {values} from ({described}))
    """


def _value(field: Field) -> str:
    """Write the SQL of the column's value; null where the text cannot be read."""
    text = f"{field.name}_text"
    match field.kind:
        case "text" | "code":
            return text
        case "json":
            return f"{field.name}_json"
        case "timestamp":
            text = f"trim({text})"
            return (
                f"case when not regexp_full_match({text}, '{_TIME}') then null "
                f"when regexp_matches({text}, '{_HAS_OFFSET}') "
                f"then try_cast({text} as timestamptz) at time zone 'UTC' "
                f"else try_cast({text} as timestamp) end"
            )
        case "date":
            text = f"trim({text})"
            return (
                f"case when regexp_full_match({text}, '{_DATE}') then try_cast({text} as date) end"
            )
        case "integer":
            # 3.0 is what spreadsheets make of 3; 1.000 may be a thousand.
            whole = rf"regexp_full_match(trim({text}), '[-+]?\d+(\.0)?')"
            return f"case when {whole} then try_cast({text} as integer) end"
        case "money" | "price":
            digits, kind = DECIMALS[field.kind], SQL_TYPES[field.kind]
            return f"case when {_is_exact(text, digits)} then try_cast({text} as {kind}) end"


def _is_exact(text: str, decimals: int) -> str:
    """Write the SQL that tells whether a number has no more decimals than these."""
    exact = f"try_cast({text} as {EXACT})"
    return f"{exact} = round({exact}, {decimals})"


def _reasons(field: Field) -> list[tuple[str, str]]:
    """List the SQL conditions that refuse a record, each with its reason, in this order."""
    name, kind = field.name, f"{field.name}_kind"
    found = []
    if field.is_required and not field.is_optional:
        blank = f"trim({name}_text, ' ' || chr(9) || chr(10) || chr(13)) = ''"
        found.append((f"{kind} is null or {blank}", f"missing_{name}"))
    match field.kind:
        case "json":
            bad = f"{kind} <> 'OBJECT' or strlen({name}_text) > {LONGEST_OBJECT}"
        case "text" | "code":
            bad = f"{kind} {_NOT_PLAIN}"
        case _:
            bad = (
                f"{kind} {_NOT_PLAIN} or {kind} = 'BOOLEAN' "
                f"or ({name}_text is not null and {name} is null)"
            )
    if field.kind == "money":
        bad += f" or {name} < 0"
    found.append((bad, f"bad_{name}"))
    if field.is_required and field.kind in {"timestamp", "date"}:
        found.append((f"{name} not {IN_RANGE}", f"{name}_out_of_range"))
    return found
