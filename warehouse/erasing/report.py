"""What an erasure tells: what it would do, and the certificate of what it did."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from command_line import count
from warehouse.erasing.person import Asked, Person

_SHOWN = 10


@dataclass(frozen=True)
class Erasing:
    """What an erasure did, counted: rows and orders, contacts, refused lines, files, hashes."""

    erasure_id: str
    erased_at: datetime
    finished_at: datetime
    rows: int
    orders: int
    contacts: int
    refused: int
    files: int
    damaged: int
    tombstones: int


def preview_lines(
    asked: Asked, person: Person, counts: tuple[int, int, int], files: dict[Path, int]
) -> list[str]:
    """Return what was found, place by place, with all spellings; `counts` as in `erase`."""
    buyers, contacts, refused = counts
    lines = [f"Found by {asked.kind} '{asked.value}':"]
    if person.rows:
        lines.append(
            f"  orders: {count(person.orders, 'order')}, {count(buyers, 'unit line')}, "
            f"from {person.first:%Y-%m-%d} to {person.last:%Y-%m-%d}"
        )
    lines += [f"  {what}: {_some(texts)}" for what, texts in person.spelled.items() if texts]
    lines += [
        f"  named as emergency contact by others: {count(contacts, 'line')}",
        f"  refused lines: {refused:,}",
        f"  files: {count(sum(files.values()), 'line')} in {count(len(files), 'file')}",
    ]
    if person.namesakes:
        lines.append(
            f"  not taken for hers: {count(person.namesakes, 'line')} of her name and postcode "
            "with another e-mail or phone; if they are hers, erase these too"
        )
    return lines


def certificate_lines(asked: Asked, done: Erasing, left: Iterable[Path]) -> list[str]:
    """Return the certificate without its digest; `left` are other files that still hold her."""
    lines = [
        f"Certificate of erasure {done.erasure_id}, {done.finished_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Asked by: {asked.masked}",
        f"Orders: {count(done.rows, 'line')} of {count(done.orders, 'order')} without name, "
        "phone, e-mail, street and emergency contact.",
        f"Emergency contacts of others: {done.contacts:,} removed.",
        f"Refused lines: {done.refused:,} erased.",
        f"Landing files: {done.files:,} rewritten without her.",
        f"Damaged copies of the database: {done.damaged:,} removed.",
        "The working file was written anew, what dbt makes of it was built and published anew "
        "where it was before, and no older published file is left.",
        "Kept: items, amounts, times and channels of her orders, with state, city and postcode, so "
        f"that sales stay what they were. They carry the random mark {done.erasure_id}, which "
        "follows from nothing of hers.",
        f"Kept: {count(done.tombstones, 'keyed hash').replace('hashs', 'hashes')}, which keep her "
        "out when older files are loaded again. What she buys after "
        f"{done.erased_at:%Y-%m-%d %H:%M:%S} UTC is a new start.",
        "Not searched: copies outside the data folder, such as backups.",
    ]
    if others := [str(path) for path in left]:
        lines.append(f"STILL FOUND in files that are not the warehouse's: {_some(others)}")
    return lines


def _some(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
