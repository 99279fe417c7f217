"""Take a person out of records and lines: her fields go, what sales are made from stays."""

import json
import re
import secrets
import string
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from warehouse.connect import Connection, query
from warehouse.erasing.identities import Spellings, kept_address, plain_text
from warehouse.erasing.matches import ERASED_MAIL, matched
from warehouse.feeds import ORDERS

PRIVATE = ("name", "phone", "email", "address", "emergency_contact")
COLUMNS = ("txid", "purchase_time", *PRIVATE)
Record = dict[str, Any]

_FIELDS = frozenset(ORDERS.names)

_ENTRY = re.compile(
    r'"(txid|name|phone|email|postalcode|purchase_time)"\s*:\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE
)
# Without one of these, a torn line holds nothing of a person.
_PERSONAL = re.compile(r'"(?:name|phone|email|address|emergency_contact)"\s*:', re.IGNORECASE)
# Drawn anew by every process: a text that begins so is no text of anybody's.
_MARK = "".join(secrets.choice(string.ascii_lowercase) for _ in range(32))
_NUMBER = f"\0{_MARK}:"
_WRITTEN_NUMBER = re.compile(rf'"\\u0000{_MARK}:([^"]*)"')


@dataclass(frozen=True)
class Eraser:
    """What is taken out: records that match the tombstones, and texts that tell her.

    `tombstones` is a table like raw.erasures; `erasure_id` stands where a torn line stood.
    """

    connection: Connection
    tombstones: str
    erasure_id: str
    spellings: Spellings

    def erase_records(self, records: dict[int, Record]) -> dict[int, Record]:
        """Return those of the records that change, as they are after it."""
        buyers, contacts = self._match(records)
        changed = {number: _without_contact(records[number]) for number in contacts}
        for number, (mail, address) in buyers.items():
            changed[number] = _without_person(records[number], mail, address)
        return changed

    def erase_lines(self, lines: dict[int, str]) -> dict[int, str]:
        """Return those of the lines that change, as they are after it; texts without line end."""
        records = {number: record for number, text in lines.items() if (record := read(text))}
        orders = {number: record for number, record in records.items() if _is_order(record)}
        torn = {n: text for n, text in lines.items() if n not in records and _PERSONAL.search(text)}
        changed = {number: write(record) for number, record in self.erase_records(orders).items()}
        fragments = {number: _fragments(plain_text(text)) for number, text in torn.items()}
        about, _ = self._match(fragments, torn=True)
        for number, text in lines.items():
            if number in about:
                changed[number] = f"[{about[number][0].split('@')[0]}]"
            elif number in torn and self.spellings.tell(text):
                changed[number] = f"[erased-{self.erasure_id}]"
            elif number in orders:
                if number not in changed and self._is_told_elsewhere(orders[number], text):
                    changed[number] = write(_known_fields(orders[number]))
            elif number in records:
                if (told := self.spellings.erase_values(records[number])) != records[number]:
                    changed[number] = write(told)
            elif number not in torn and (line := self.spellings.replace(text)) != text:
                changed[number] = line
        return changed

    def _match(
        self, records: dict[int, Record], *, torn: bool = False
    ) -> tuple[dict[int, tuple[str, str | None]], set[int]]:
        """Return the new e-mail and address by number, and whose contact goes."""
        if not records:
            return {}, set()
        run = partial(query, self.connection)
        rows = [_told(record) for record in records.values()]
        columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in COLUMNS}
        table = pa.table({"id": pa.array(list(records), pa.int64()), **columns})
        self.connection.register("found_records", table)
        relation = (
            "select * replace (try_cast(address as json) as address, "
            "try_cast(emergency_contact as json) as emergency_contact, "
            "try_cast(purchase_time as timestamp) as purchase_time) from found_records"
        )
        buyers = matched(relation, self.tombstones, torn=torn)
        contacts = matched(relation, self.tombstones, contacts=True)
        try:
            found = run(
                f"with found as ({buyers}) select id, {ERASED_MAIL}, "
                f"{kept_address('address')}::varchar "
                f"from found inner join ({relation}) as records using (id)"
            )
            named = [] if torn else run(contacts)
            return (
                {number: (mail, address) for number, mail, address in found},
                {number for number, _ in named},
            )
        finally:
            self.connection.unregister("found_records")

    def _is_told_elsewhere(self, record: Record, text: str) -> bool:
        return len(_known_fields(record)) < len(record) and self.spellings.tell(text)


def read(text: str) -> Record | None:
    """Read one JSON object; None for anything else. Numbers keep their spelling for `write`."""
    try:
        value = json.loads(
            text, object_pairs_hook=_first, parse_float=_mark, parse_int=_mark, parse_constant=_mark
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value else None


def write(record: Record) -> str:
    """Write one JSON object on one line."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return _WRITTEN_NUMBER.sub(r"\1", text)


def _first(pairs: list[tuple[str, Any]]) -> Record:
    # Of a key that comes twice, DuckDB takes the first.
    record: Record = {}
    for key, value in pairs:
        record.setdefault(key, value)
    return record


def _mark(number: str) -> str:
    return _NUMBER + number


def _told(record: Record) -> dict[str, str | None]:
    """Return the columns of an order record as the loader reads them: texts, objects as JSON."""
    told: dict[str, str | None] = dict.fromkeys(COLUMNS)
    for key, value in record.items():
        name = key.lower()
        if name not in told or told[name] is not None or value is None:
            continue
        if isinstance(value, dict):
            told[name] = write(value).encode(errors="replace").decode()
        elif name not in ("address", "emergency_contact") and not isinstance(value, list):
            text = str(value).removeprefix(_NUMBER)
            told[name] = text.encode(errors="replace").decode()
    return told


def _known_fields(record: Record) -> Record:
    return {key: value for key, value in record.items() if key.lower() in _FIELDS}


def _without_contact(record: Record) -> Record:
    return {k: None if k.lower() == "emergency_contact" else v for k, v in record.items()}


def _without_person(record: Record, mail: str, address: str | None) -> Record:
    erased = {"email": mail, "address": json.loads(address) if address else None}
    result = {
        k: erased.get(k.lower()) if k.lower() in PRIVATE else v
        for k, v in _known_fields(record).items()
    }
    return result if any(key.lower() == "email" for key in result) else result | {"email": mail}


def _is_order(record: Record) -> bool:
    keys = {key.lower() for key in record}
    return bool(keys & {*PRIVATE, "item"}) and "payload" not in keys


def _fragments(text: str) -> Record:
    """Return what can still be told from a line that is no record any more."""
    found: Record = {}
    for entry in _ENTRY.finditer(text):
        value = read(f'{{"value":"{entry[2]}"}}')
        found.setdefault(entry[1].lower(), value["value"] if value else entry[2])
    return found | {"address": {"postalcode": found.pop("postalcode", None)}}
