"""Find everything that is known of one person in the orders, and how she is spelled."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from warehouse.connect import Connection, query
from warehouse.erasing.identities import (
    Spellings,
    contact_texts,
    email_key,
    identities,
    name_key,
    phone_key,
    street,
)
from warehouse.settings import WarehouseError

AskedKind = Literal["email", "phone", "customer"]

ORDERS_BY_ID = (
    "select rowid as id, txid, name, phone, email, address, emergency_contact, purchase_time "
    "from raw.client_support_orders"
)

# A record is hers when it has an e-mail of hers; when it has a phone of hers, and her name or
# none while nobody else uses that phone; when it has nothing but her name and postcode; or
# when it is in an order of hers and has no e-mail at all.
_NEXT = """
    insert into hers
    with known as (select * from people semi join hers on people.id = hers.id),
    others as (
        select distinct phone from people anti join hers on people.id = hers.id
        where phone is not null and name is not null
    )
    select id from people
    where (
        email in (select email from known)
        or (name, phone) in (select (name, phone) from known where name is not null)
        or (
            name is null and email is null
            and phone in (select phone from known) and phone not in (from others)
        )
        or (
            email is null and phone is null
            and (name, postcode) in (
                select (name, postcode) from known where name is not null and postcode is not null
            )
        )
        or (email is null and txid in (select txid from known))
    ) and id not in (from hers)
"""


@dataclass(frozen=True)
class Asked:
    """What an erasure was asked by: a comparable e-mail or phone (perhaps with a name)."""

    kind: AskedKind
    value: str
    name: str | None = None

    @property
    def identity(self) -> str:
        """All of it, as one text."""
        return f"{self.kind}|{self.value}|{self.name or ''}"

    @property
    def masked(self) -> str:
        """What may be shown later without telling who she was."""
        if self.kind == "email":
            return f"e-mail {self.value[0]}***@***"
        if self.kind == "phone":
            return f"phone ***{self.value[-2:]}"
        return f"customer {self.value}"


@dataclass(frozen=True)
class Person:
    """What the orders know: counts, how she is spelled, and her (kind, value) tombstones."""

    rows: int
    orders: int
    first: datetime | None
    last: datetime | None
    pairs: frozenset[tuple[str, str]]
    spelled: dict[str, list[str]]
    spellings: Spellings
    namesakes: int


def ask(
    connection: Connection,
    email: str | None = None,
    phone: str | None = None,
    customer: str | None = None,
    name: str | None = None,
) -> Asked:
    """Make comparable what was asked for; a WarehouseError when it is no e-mail or phone."""

    def key(sql: str, text: str | None) -> str | None:
        [(value,)] = query(connection, f"select {sql} from (select ?::varchar as text)", [text])
        return None if value is None else str(value)

    if email is not None:
        if not (value := key(email_key("text"), email)):
            raise WarehouseError(f"'{email}' is no e-mail: write it as name@example.com.")
        return Asked("email", value)
    if phone is not None:
        if not (value := key(phone_key("text"), phone)):
            raise WarehouseError(f"'{phone}' is no phone: write it as 0612345678 or +33612345678.")
        return Asked("phone", value, key(name_key("text"), name))
    return Asked("customer", str(customer))


def find_person(connection: Connection, asked: Asked) -> Person:
    """Find her rows by what was asked, then by what these rows add, until nothing is added."""
    run = partial(query, connection)
    run(f"create or replace temp table people as {identities(ORDERS_BY_ID)}")
    run("create or replace temp table hers (id bigint)")
    try:
        _start(connection, asked)
        while run(_NEXT)[0][0]:
            pass
        return _describe(connection, asked)
    finally:
        run("drop table people")
        run("drop table hers")


def _start(connection: Connection, asked: Asked) -> None:
    run = partial(query, connection)
    if asked.kind == "email":
        run("insert into hers select id from people where email = ?", [asked.value])
    elif asked.kind == "phone":
        sql = "select distinct name from people where phone = ? and name is not null order by name"
        names = [name for (name,) in run(sql, [asked.value])]
        if len(names) > 1 and not asked.name:
            shown = ", ".join(f"'{name}'" for name in names[:5])
            raise WarehouseError(
                f"{len(names)} people use this phone ({shown}): add --name to say who is meant."
            )
        # Rows without a name follow from these, when nobody else uses the phone.
        name = asked.name or (names[0] if names else None)
        run(
            "insert into hers select id from people "
            "where phone = ? and name is not distinct from ?",
            [asked.value, name],
        )
    else:
        known = "select 1 from duckdb_tables() where table_name = 'int_customers_resolved'"
        if not run(known):
            raise WarehouseError(
                "customer ids are known after a build only: run 'make build' first, or name her "
                "by --email or --phone."
            )
        run(
            "insert into hers select id from people where txid in (select order_id "
            "from intermediate.int_customers_resolved "
            "where customer_id = ? and customer_id <> 'unknown')",
            [asked.value],
        )


def _describe(connection: Connection, asked: Asked) -> Person:
    run = partial(query, connection)
    [(rows, orders, first, last)] = run(
        "select count(*), count(distinct txid), min(purchase_time), max(purchase_time) "
        "from people semi join hers on people.id = hers.id"
    )
    pairs = set(
        run(
            "with known as (select * from people semi join hers on people.id = hers.id) "
            "select 'email', email from known where email is not null "
            "union select 'name_phone', name || '|' || phone from known "
            "where name is not null and phone is not null "
            "union select 'name_phone', '|' || phone from known where phone is not null "
            "and phone not in (select phone from people anti join hers on people.id = hers.id "
            "where phone is not null and name is not null) "
            "union select 'name_postcode', name || '|' || postcode from known "
            "where name is not null and postcode is not null "
            "union select 'name', name from known where name is not null and name not in "
            "(select name from people anti join hers on people.id = hers.id "
            "where name is not null) "
            "union select 'phone', phone from known where phone is not null "
            "union select 'order', txid from known"
        )
    )
    if asked.kind == "email":
        pairs.add(("email", asked.value))
    elif asked.kind == "phone":
        pairs |= {("phone", asked.value)} | (
            {("name_phone", f"{asked.name}|{asked.value}")} if asked.name else set()
        )
    spelled = _spelled(connection)
    [(namesakes,)] = run(
        "with known as (select * from people semi join hers on people.id = hers.id) "
        "select count(*) from people anti join hers on people.id = hers.id "
        "where (name, postcode) in (select (name, postcode) from known)"
    )
    return Person(
        rows, orders, first, last, frozenset(pairs), spelled,
        _spellings(connection, asked, pairs, spelled), namesakes,
    )  # fmt: skip


def _spelled(connection: Connection) -> dict[str, list[str]]:
    """Return how her rows write her: names, e-mails, phones, streets, postcodes."""
    columns = {
        "names": "name",
        "e-mails": "email",
        "phones": "phone",
        "streets": street("address"),
        "postcodes": "coalesce(address ->> '$.postalcode', address ->> '$.POSTALCODE')",
    }
    return {
        what: [
            text
            for (text,) in query(
                connection,
                f"select distinct trim({column}) as text from ({ORDERS_BY_ID}) as orders "
                f"semi join hers on orders.id = hers.id where trim({column}) <> '' order by text",
            )
        ]
        for what, column in columns.items()
    }


def _spellings(
    connection: Connection,
    asked: Asked,
    pairs: set[tuple[str, str]],
    spelled: dict[str, list[str]],
) -> Spellings:
    """Say which of her names, phones and streets others have too."""
    phones = {value for kind, value in pairs if kind == "phone"}
    contact_name, contact_phone = contact_texts("emergency_contact")
    # A contact with her phone is herself.
    herself = f"{phone_key(contact_phone)} in (select unnest($phones::varchar[]))"
    shared = {
        text
        for key, column, texts in (
            (name_key, "name", spelled["names"]),
            (name_key, f"case when {herself} then null else {contact_name} end", spelled["names"]),
            (phone_key, "phone", sorted(phones)),
            (name_key, street("address"), spelled["streets"]),
        )
        for (text,) in query(
            connection,
            f"with others as (select {key(column)} as key from ({ORDERS_BY_ID}) as orders "
            "anti join hers on orders.id = hers.id) select distinct text "
            "from (select unnest($texts::varchar[]) as text) "
            f"where {key('text')} in (select key from others where key is not null) "
            "and $phones is not null",
            {"texts": texts, "phones": sorted(phones)},
        )
    }
    emails = {value for kind, value in pairs if kind == "email"}
    return Spellings(
        emails=frozenset(emails),
        orders=frozenset(value for kind, value in pairs if kind == "order"),
        names=frozenset(spelled["names"]),
        phones=frozenset(phones),
        streets=frozenset(spelled["streets"]),
        postcodes=frozenset(spelled["postcodes"]),
        shared=frozenset(shared),
    )
