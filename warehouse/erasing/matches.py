"""Which records are about an erased person: one query, for tables, files and later loads.

What is erased and what stays away are the same by construction.
"""

from warehouse.erasing.identities import identities

ERASED_MAIL = "'erased-' || erasure_id || '@erased.invalid'"

# What tells a buyer, the surest first. A name in a postcode is many people's: it counts only
# where the record has nothing surer of its own.
_BUYER_KEYS = """
    select id, purchase_time, 1 as rank, 'email' as kind, email as value
    from people where email is not null
    union all
    select id, purchase_time, 2, 'name_phone', coalesce(name, '') || '|' || phone
    from people where phone is not null and (name is not null or email is null)
    union all
    select id, purchase_time, 3, 'name_postcode', name || '|' || postcode
    from people where email is null and phone is null and name is not null and postcode is not null
    union all
    select id, purchase_time, 4, 'order', txid from people where email is null and txid is not null
"""
_TORN_KEYS = """
    union all
    select id, purchase_time, 5, 'name', name
    from people where email is null and phone is null and postcode is null and name is not null
"""
_CONTACT_KEYS = """
    select id, purchase_time, 1 as rank, 'phone' as kind, contact_phone as value
    from people where contact_phone is not null
    union all
    select id, purchase_time, 2, 'name_phone', contact_name || '|' || phone
    from people where contact_name is not null and phone is not null
    union all
    select id, purchase_time, 3, 'name_postcode', contact_name || '|' || postcode
    from people where contact_name is not null and postcode is not null
"""
HASH = "sha256(pepper || '|' || kind || '|' || value)"


def matched(relation: str, tombstones: str, *, contacts: bool = False, torn: bool = False) -> str:
    """Return a query of (id, erasure_id): the records of a relation about erased people.

    `relation` is a query as `identities` wants it, `tombstones` a table like raw.erasures. With
    `contacts`, whose emergency contact is one of them; with `torn`, of records that show a name
    and nothing else, too. A record from after an erasure is none: who buys again is welcome.
    Of several erasures the first counts, for it is the one that has blanked the record.
    """
    keys = _CONTACT_KEYS if contacts else _BUYER_KEYS + (_TORN_KEYS if torn else "")
    return (
        f"with people as ({identities(relation)}), keys as ({keys}), "
        f"hashed as (select kind, value, {HASH} as identity_hash "
        "from (select distinct kind, value from keys) cross join raw.pepper), "
        "hits as (select hashed.kind, hashed.value, erasure_id, erased_at from hashed "
        f"inner join {tombstones} as known "
        "on hashed.kind = known.kind and hashed.identity_hash = known.identity_hash) "
        "select keys.id, min_by(erasure_id, (erased_at, keys.rank, erasure_id)) as erasure_id "
        "from keys inner join hits on keys.kind = hits.kind and keys.value = hits.value "
        "where keys.purchase_time is null or keys.purchase_time < hits.erased_at group by keys.id"
    )
