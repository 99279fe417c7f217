"""Forget a person: orders, refused lines, landing files, database bytes, published files.

Everything that is hers is found by tombstones, keyed hashes that stay: a run that was stopped
is finished by the same command, and what an old file brings back later is blanked again.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from warehouse.connect import Connection, open_working, query, rewrite_working
from warehouse.create import create_tables
from warehouse.erasing.byte_scan import files_holding
from warehouse.erasing.files import erase_files
from warehouse.erasing.identities import Spellings
from warehouse.erasing.person import Asked, Person, find_person
from warehouse.erasing.records import Eraser
from warehouse.erasing.report import Erasing, certificate_lines, preview_lines
from warehouse.erasing.tables import blank_tables, count_rows, drop_built, only_hers
from warehouse.erasing.tombstones import add_tombstones, hash_identities
from warehouse.secrets_file import Erasure
from warehouse.settings import WarehouseError

Ask = Callable[[Connection], Asked]


@dataclass(frozen=True)
class Places:
    """Where personal data can be."""

    database: Path
    data: Path
    published: Path

    @property
    def damaged(self) -> list[Path]:
        """What `doctor` has moved aside: nobody can read it, and it may hold anybody."""
        return sorted(self.database.parent.glob(f"{self.database.name}.*.damaged"))

    @property
    def delivered(self) -> list[Path]:
        """The folders whose files are loaded."""
        return [self.data / "landing", self.data / "repairs"]


@dataclass(frozen=True)
class _Case:
    """One erasure: its random id, when it counts from, and whether it had been begun before."""

    erasure_id: str
    erased_at: datetime
    is_resumed: bool
    person: Person
    hashes: list[Erasure]


def preview_erasure(places: Places, ask: Ask, now: datetime) -> list[str]:
    """Say what would be erased, and change nothing. A WarehouseError when it is nobody."""
    with open_working(places.database) as connection:
        asked, case, eraser, counts = _look_up(connection, ask, now)
        files = erase_files(eraser, places.delivered, act=False)
        _check_somebody(connection, asked, case, any((*counts, *files)))
    lines = preview_lines(asked, case.person, counts, files)
    if damaged := len(places.damaged):
        lines.append(f"  damaged copies of the database, which would be removed: {damaged}")
    if case.is_resumed:
        lines.append("An erasure of hers was begun and is not finished.")
    return [*lines, "Nothing was changed. Add --yes to erase; it cannot be undone."]


def erase_person(
    places: Places, ask: Ask, now: datetime, rebuild: Callable[[], None] | None = None
) -> list[str]:
    """Erase, then rebuild and publish; return the certificate. Run again, it finishes.

    A WarehouseError when nobody is found, when a file cannot be searched or when the build
    does not pass; what was erased until then stays erased.
    """
    with open_working(places.database) as connection:
        asked, case, eraser, counts = _look_up(connection, ask, now)
        if not (case.is_resumed or any(counts)):
            files = erase_files(eraser, places.delivered, act=False)
            _check_somebody(connection, asked, case, bool(files))
        add_tombstones(connection, case.hashes)
        # Files before tables: as long as the tables know her, a run that was stopped finds her.
        erase_files(eraser, places.delivered, act=True)
        blank_tables(connection, eraser, case.erased_at)
        drop_built(connection)
        traces = only_hers(connection, case.person)
        is_built = bool(query(connection, "select 1 from raw.dbt_builds limit 1"))
    rewrite_working(places.database)
    damaged = places.damaged
    for path in damaged:
        path.unlink()
    left = _scan(places, traces)
    if rebuild and is_built:
        _rebuild(rebuild)
    _remove_old_versions(places.published)
    with open_working(places.database) as connection:
        return _certify(connection, asked, case, counts, places, left, len(damaged), now)


def unfinished_erasures(connection: Connection) -> list[str]:
    """Return a sentence for each erasure that was begun and is not finished."""
    return [
        f"erasure {erasure_id} of {at:%Y-%m-%d %H:%M} UTC is not finished: run the same "
        "'python -m warehouse erase ... --yes' again"
        for erasure_id, at in query(
            connection,
            "select erasure_id, min(erased_at) from raw.erasures group by erasure_id "
            "having count_if(kind = 'started') > 0 and count_if(kind = 'finished') = 0 "
            "order by all",
        )
    ]


def _look_up(
    connection: Connection, ask: Ask, now: datetime
) -> tuple[Asked, _Case, Eraser, tuple[int, int, int]]:
    """Find out who is asked for, and count what the tables hold of her."""
    create_tables(connection)
    asked = ask(connection)
    case = _open_case(connection, asked, now)
    eraser = _eraser(connection, case)
    return asked, case, eraser, count_rows(connection, eraser)


def _open_case(connection: Connection, asked: Asked, now: datetime) -> _Case:
    """Find her, and the erasure that was begun for the same words, if there is one."""
    [(_, _, digest, _)] = hash_identities(connection, "", [("started", asked.identity)], now)
    begun = query(
        connection,
        "select erasure_id, erased_at from raw.erasures "
        "where kind = 'started' and identity_hash = ? and erasure_id not in "
        "(select erasure_id from raw.erasures where kind = 'finished') order by all",
        [digest],
    )
    erasure_id = begun[0][0] if begun else secrets.token_hex(8)
    person = _nobody(asked) if begun and _is_blank(connection, erasure_id) else None
    person = person or find_person(connection, asked)
    # A till whose clock is ahead has sold to her after today.
    last = person.last + timedelta(microseconds=1) if person.last else now
    erased_at = begun[0][1] if begun else max(now, last)
    pairs = {*person.pairs, ("started", asked.identity)}
    hashes = hash_identities(connection, erasure_id, pairs, erased_at)
    return _Case(erasure_id, erased_at, bool(begun), person, hashes)


def _is_blank(connection: Connection, erasure_id: str) -> bool:
    sql = "select 1 from raw.client_support_orders where email = ? limit 1"
    return bool(query(connection, sql, [f"erased-{erasure_id}@erased.invalid"]))


def _nobody(asked: Asked) -> Person:
    """Return what is left to know of her when the tables are blank already."""
    pairs = frozenset({(asked.kind, asked.value)} if asked.kind != "customer" else ())
    known = frozenset({asked.value})
    spellings = Spellings(
        emails=known if asked.kind == "email" else frozenset(),
        phones=known if asked.kind == "phone" else frozenset(),
    )
    return Person(0, 0, None, None, pairs, {}, spellings, 0)


def _eraser(connection: Connection, case: _Case) -> Eraser:
    run = partial(query, connection)
    # With what was kept of earlier erasures by the same words: an old file may have come back.
    [digest] = [row[2] for row in case.hashes if row[1] == "started"]
    run(
        "create or replace temp table wanted as select * from raw.erasures where erasure_id in "
        "(select erasure_id from raw.erasures where kind = 'started' and identity_hash = ?)",
        [digest],
    )
    for row in case.hashes:
        run("insert into wanted values (?, ?, ?, ?)", list(row))
    run("create or replace temp table wanted as select distinct * from wanted")
    return Eraser(connection, "wanted", case.erasure_id, case.person.spellings)


def _check_somebody(connection: Connection, asked: Asked, case: _Case, is_somebody: bool) -> None:
    if is_somebody or case.is_resumed:
        return
    [(_, _, digest, _)] = hash_identities(
        connection, "", [("started", asked.identity)], case.erased_at
    )
    done = query(
        connection,
        "select max(erased_at) from raw.erasures where identity_hash = ? having count(*) > 0",
        [digest],
    )
    before = f" (erased on {done[0][0]:%Y-%m-%d})" if done else ""
    raise WarehouseError(
        f"nobody is found by {asked.kind} '{asked.value}'{before}: nothing to erase. If files wait "
        "to be loaded, load them first."
    )


def _scan(places: Places, traces: set[str]) -> list[Path]:
    """Search the bytes of all files for her; return those that are not ours to change."""
    found = files_holding(places.data, places.database, traces)
    if places.database in found:
        raise WarehouseError(
            f"{places.database} still holds her after it was rewritten: run the same command "
            "again, and report it if it stays."
        )
    return found


def _rebuild(rebuild: Callable[[], None]) -> None:
    try:
        rebuild()
    except WarehouseError as error:
        raise WarehouseError(
            f"erased from tables, files and the working file, but not finished: {error} Run the "
            "same command again then; published files until then hold her pseudonym only."
        ) from None


def _remove_old_versions(published: Path) -> None:
    """Remove every published file but the one that readers are sent to."""
    newest = published.resolve()
    for path in published.parent.glob(f"{published.stem}-*{published.suffix}*"):
        if path != newest:
            path.unlink()


def _certify(
    connection: Connection,
    asked: Asked,
    case: _Case,
    counts: tuple[int, int, int],
    places: Places,
    left: list[Path],
    damaged: int,
    now: datetime,
) -> list[str]:
    """Write the certificate from what is there now, and keep its digest: it is finished."""
    sql = "select count(*), count(distinct txid) from raw.client_support_orders where email = ?"
    [(rows, orders)] = query(connection, sql, [f"erased-{case.erasure_id}@erased.invalid"])
    [(tombstones,)] = query(
        connection,
        "select count(*) from raw.erasures where erasure_id = ? "
        "and kind not in ('started', 'finished')",
        [case.erasure_id],
    )
    marked = files_holding(places.data, places.database, {f"erased-{case.erasure_id}"})
    lines = certificate_lines(
        asked,
        Erasing(
            case.erasure_id, case.erased_at, now, rows, orders, counts[1], counts[2],
            len([path for path in marked if path != places.database]), damaged, tombstones,
        ),
        left,
    )  # fmt: skip
    if case.is_resumed:
        lines.append("Finished by a later run: what an earlier run removed is not counted here.")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    add_tombstones(connection, [(case.erasure_id, "finished", digest, case.erased_at)])
    return [*lines, f"sha256 of the lines above: {digest}"]
