"""The contract of each feed: its fields, what they must be, and the SQL that checks them."""

from dataclasses import dataclass
from functools import cached_property

# ISO 8601, and with an offset. What else DuckDB casts to a time, it casts without a word
# about the zone's name or the PM that it drops.
_OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_TIME = rf"^\d{{4}}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?{_OFFSET}?)?$"
_HAS_OFFSET = rf":.*{_OFFSET}$"

_NOT_PLAIN = "in ('OBJECT', 'ARRAY', 'BOOLEAN')"


@dataclass(frozen=True)
class Field:
    """One field of a JSON record and the raw column of the same name.

    The SQL below reads three columns that `Feed.classify` derives from the record:
    `<name>_json`, `<name>_kind` (its JSON type, null when absent) and `<name>_text`.
    """

    name: str
    kind: str  # text, json, timestamp, date, integer or money
    is_required: bool = False

    @property
    def value(self) -> str:
        """SQL for the column's value; null where the text cannot be read."""
        text = f"{self.name}_text"
        match self.kind:
            case "json":
                return f"{self.name}_json"
            case "timestamp":
                text = f"trim({text})"
                return (
                    f"case when not regexp_matches({text}, '{_TIME}') then null "
                    f"when regexp_matches({text}, '{_HAS_OFFSET}') "
                    f"then try_cast({text} as timestamptz) at time zone 'UTC' "
                    f"else try_cast({text} as timestamp) end"
                )
            case "date":
                return f"try_cast({text} as date)"
            case "integer":
                return f"try_cast({text} as integer)"
            case "money":
                return f"try_cast({text} as decimal(12, 2))"
            case _:
                return text

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """SQL conditions that refuse a record, each with its reason, in this order."""
        name, kind = self.name, f"{self.name}_kind"
        found = []
        if self.is_required:
            found.append((f"{kind} is null or trim({name}_text) = ''", f"missing_{name}"))
        match self.kind:
            case "json":
                bad = f"{kind} <> 'OBJECT'"
            case "text" if self.is_required:
                bad = f"{kind} <> 'VARCHAR'"
            case "text":
                bad = f"{kind} {_NOT_PLAIN}"
            case _:
                bad = f"{kind} {_NOT_PLAIN} or ({name}_text is not null and {name} is null)"
                if self.kind == "money":
                    bad += f" or {name} < 0"
        return [*found, (bad, f"bad_{name}")]


@dataclass(frozen=True)
class Feed:
    """A sub-folder of the landing folder and the raw table that takes its lines."""

    name: str
    table: str
    fields: tuple[Field, ...]
    extra_reasons: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> str:
        """The raw columns that come from the record."""
        return ", ".join(field.name for field in self.fields)

    @cached_property
    def classify(self) -> str:
        """SQL over lines(line, raw): every line once, its columns, and why it is refused.

        `reason` is null for a line to accept. Each record is parsed once: all its fields
        are extracted together, under lower-case keys and under upper-case ones, which
        sibling systems write.
        """
        names = [field.name for field in self.fields]
        paths = ", ".join(f"'$.{key}'" for name in names for key in (name, name.upper()))
        found = ", ".join(
            f"nullif(coalesce(found[{2 * i + 1}], found[{2 * i + 2}]), 'null'::json) as {name}_json"
            for i, name in enumerate(names)
        )
        parts = ", ".join(
            f"json_type({name}_json) as {name}_kind, {name}_json ->> '$' as {name}_text"
            for name in names
        )
        values = ", ".join(f"{field.value} as {field.name}" for field in self.fields)
        reasons = [
            ("not is_json", "invalid_json"),
            ("not is_object", "not_object"),
            *(reason for field in self.fields for reason in field.reasons),
            *self.extra_reasons,
        ]
        cases = " ".join(f"when {condition} then '{reason}'" for condition, reason in reasons)
        return f"""
            with parsed as (
                select line, raw, try_cast(raw as json) as record from lines
            ),
            extracted as (
                select
                    line,
                    raw,
                    record is not null as is_json,
                    json_type(record) = 'OBJECT' as is_object,
                    json_extract(record, [{paths}]) as found
                from parsed
            ),
            named as (select line, raw, is_json, is_object, {found} from extracted),
            described as (select *, {parts} from named),
            valued as (select *, {values} from described)
            select line, raw, {self.columns}, case {cases} end as reason from valued
        """


ORDERS = Feed(
    name="orders",
    table="client_support_orders",
    fields=(
        Field("txid", "text", is_required=True),
        Field("rfid", "text", is_required=True),
        Field("item", "text", is_required=True),
        Field("purchase_time", "timestamp", is_required=True),
        Field("name", "text"),
        Field("address", "json"),
        Field("phone", "text"),
        Field("email", "text"),
        Field("emergency_contact", "json"),
        Field("expiration_time", "date"),
        Field("days", "integer"),
        Field("unit_price", "money"),
        Field("discount", "money"),
        Field("channel", "text"),
        Field("store_id", "text"),
    ),
    extra_reasons=(
        ("discount > unit_price", "bad_discount"),
        # A till whose clock is wrong would move the first and the last business day.
        (
            "purchase_time not between timestamp '2000-01-01' and $latest",
            "purchase_time_out_of_range",
        ),
    ),
)

FEEDS = {feed.name: feed for feed in (ORDERS,)}
