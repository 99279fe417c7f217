import hashlib
import json
import stat
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from warehouse.connect import open_working, query
from warehouse.create import create_tables
from warehouse.erasing.identities import Spellings, email_key, kept_address, name_key, phone_key
from warehouse.erasing.records import read, write
from warehouse.erasing.tombstones import add_tombstones, forget_again, hash_identities
from warehouse.secrets_file import read_secrets
from warehouse.settings import WarehouseError

NOW = datetime(2026, 11, 21, 8)  # noqa: DTZ001 - UTC without zone, as in the database
ZOE = Spellings(
    emails=frozenset({"zoe.martin@example.com"}),
    orders=frozenset({"t0001"}),
    names=frozenset({"Zoé Martin", "Marie Petit"}),
    phones=frozenset({"0639981234", "001555014"}),
    streets=frozenset({"5, rue des Œillets"}),
    postcodes=frozenset({"91000"}),
    shared=frozenset({"Marie Petit"}),
)


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.delenv("KSCM_PEPPER", raising=False)
    return tmp_path / "kscm.duckdb"


def pepper_of(database) -> str:
    with open_working(database) as connection:
        create_tables(connection)
        [(pepper,)] = query(connection, "from raw.pepper")
    return pepper


def bury(database) -> list[tuple]:
    with open_working(database) as connection:
        create_tables(connection)
        rows = hash_identities(connection, "e1", [("email", "a@b.c"), ("phone", "06")], NOW)
        add_tombstones(connection, rows)
    return rows


def test_a_tombstone_is_the_hash_of_pepper_kind_and_value(database):
    rows = bury(database)
    pepper = pepper_of(database)
    assert rows == [
        ("e1", kind, hashlib.sha256(f"{pepper}|{kind}|{value}".encode()).hexdigest(), NOW)
        for kind, value in (("email", "a@b.c"), ("phone", "06"))
    ]


def test_pepper_and_tombstones_outlive_the_database(database):
    rows, pepper = bury(database), pepper_of(database)
    secrets = database.with_name("kscm.secrets.json")
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    database.unlink()
    assert pepper_of(database) == pepper
    with open_working(database) as connection:
        assert sorted(query(connection, "from raw.erasures")) == sorted(rows)


def test_a_file_that_was_deleted_is_written_again_from_the_database(database):
    bury(database)
    secrets = database.with_name("kscm.secrets.json")
    kept = read_secrets(secrets)
    secrets.unlink()
    pepper_of(database)
    assert read_secrets(secrets) == kept


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"pepper": "", "erasures": []}', '{"pepper": "x", "erasures": [1]}'],
)
def test_a_damaged_file_is_told_and_left_alone(database, text):
    bury(database)
    secrets = database.with_name("kscm.secrets.json")
    secrets.write_text(text)
    with pytest.raises(WarehouseError, match=r"secrets.json is damaged: put it back"):
        pepper_of(database)
    assert secrets.read_text() == text


def test_another_pepper_is_refused_once_somebody_was_erased(database, monkeypatch):
    monkeypatch.setenv("KSCM_PEPPER", "salt")
    assert pepper_of(database) == "salt"
    monkeypatch.setenv("KSCM_PEPPER", "pepper")
    assert pepper_of(database) == "pepper"
    bury(database)
    monkeypatch.setenv("KSCM_PEPPER", "salt")
    with pytest.raises(WarehouseError, match=r"not the pepper that 1 erasure was made with"):
        pepper_of(database)
    database.unlink()
    with pytest.raises(WarehouseError, match=r"KSCM_PEPPER is not the pepper"):
        pepper_of(database)
    monkeypatch.delenv("KSCM_PEPPER")
    assert pepper_of(database) == "pepper"


def test_a_file_that_cannot_be_written_stops_before_the_database_changes(database, monkeypatch):
    pepper_of(database)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("warehouse.secrets_file.os.fsync", full)
    with open_working(database) as connection:
        rows = hash_identities(connection, "e1", [("email", "a@b.c")], NOW)
        with pytest.raises(OSError, match="No space"):
            add_tombstones(connection, rows)
        assert query(connection, "from raw.erasures") == []


def test_nobody_erased_costs_one_look(database, monkeypatch):
    with open_working(database) as connection:
        create_tables(connection)
        asked = []

        def count(*words):
            asked.append(words)
            return query(*words)

        monkeypatch.setattr("warehouse.erasing.tombstones.query", count)
        assert forget_again(connection, 1) == 0
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (phone_key, "06 12 34 56 78", "0612345678"),
        (phone_key, "+33 6 12 34 56 78", "0612345678"),
        (phone_key, "+33 (0)6.12.34.56.78", "0612345678"),
        (phone_key, "0033612345678", "0612345678"),
        (phone_key, "001-555-014-2233x88", "001555014223388"),
        (phone_key, "000000000", None),
        (phone_key, "12", None),
        (email_key, "  Zoé.M@Example.COM ", "zoé.m@example.com"),
        (email_key, "n/a", None),
        (email_key, "@", None),
        (name_key, " ZOÉ   Le-Goff ", "zoe le goff"),
        (name_key, "Zoe\\u0301 D’Œuvre", "zoe d oeuvre"),
        (name_key, " - ", None),
    ],
)
def test_identities_are_compared_as_people_would(database, key, text, expected):
    text = text.replace("\\u0301", "\u0301")
    with open_working(database) as connection:
        sql = f"select {key('text')} from (select ?::varchar as text)"
        assert query(connection, sql, [text]) == [(expected,)]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ({"street_address": "5, rue X", "city": "Évry", "postalcode": "91000"},
         '{"city":"Évry","postalcode":"91000"}'),
        ({"STATE": "Texas", "POSTALCODE": 75001}, '{"state":"Texas","postalcode":"75001"}'),
        ({"city": {"street": "5, rue X"}, "country": None}, None),
        ({"street_address": "5"}, None),
        (None, None),
    ],
)  # fmt: skip
def test_of_an_address_only_what_regions_are_made_from_is_kept(database, address, kept):
    with open_working(database) as connection:
        sql = f"select {kept_address('address')}::varchar from (select ?::json as address)"
        text = None if address is None else json.dumps(address)
        assert query(connection, sql, [text]) == [(kept,)]


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("1;ZOE MARTIN;x", "1;erased;x"),
        ("1;pour Zoe  MARTIN, merci;x", "1;erased, merci;x"),
        ('1;"pour Zoé Martin, merci";x', '1;"erased";x'),
        ("mail Zoe.Martin@EXAMPLE.com", "erased"),
        ('{"a":"Zo\\u00e9 M\\u0061rtin"', '{"a":"erased"'),
        ("a|+33 (0)6 39.98-12 34|b", "a|erased|b"),
        ("0033639981234", "erased"),
        ("5, RUE DES ŒILLETS", "erased"),
        ("chezzoe.martin@example.com", None),
        ("Zoé Martinet", None),
        ("Anne-Zoé Martin", None),
        ("15, rue des Œillets", None),
        ("10639981234", None),
        ("06399812345", None),
        ("Marie Petit", None),
        ("91000", None),
        ("t0001", None),
    ],
)
def test_fields_that_tell_her_are_replaced_and_no_others(text, replaced):
    assert ZOE.replace(text) == (text if replaced is None else replaced)


@pytest.mark.parametrize(
    ("text", "is_hers"),
    [
        ('{"name":"Marie Petit","phone":', False),
        ('{"name":"Marie Petit","phone":"06 39 98 12 34', True),
        ('{"name":"Marie Petit","address":{"postalcode":"91000"', True),
        ('{"name":"Luc Petit","address":{"postalcode":"91000"', False),
        ('{"txid":"t0001","name":"Mar', True),
        ('{"name":"Zo\\xe9 Martin', True),
        ("Zo\\xe9 Martinet", False),
    ],
)
def test_a_shared_name_tells_her_only_beside_something_of_hers(text, is_hers):
    assert ZOE.tell(text) == is_hers


@given(st.data())
def test_however_her_name_is_escaped_and_spelled_it_is_found(data):
    letters = [
        data.draw(st.sampled_from([c, c.upper(), f"\\u{ord(c):04x}", f"\\u{ord(c):04X}"]))
        for c in "zoé martin"
    ]
    before, after = (data.draw(st.sampled_from(["", "é ", '"', "1 ", "\\n"])) for _ in "ab")
    assert ZOE.tell(before + "".join(letters) + " "[: bool(after)] + after)


@given(
    st.dictionaries(
        st.text(),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5),
        min_size=1,
    )
)
@example({"": "\0number:"})
def test_records_that_are_read_and_written_say_the_same(record):
    assert json.loads(write(read(json.dumps(record)) or {})) == record


@pytest.mark.parametrize("number", ["10.00", "1e400", "-0", "123456789012345678901234567890"])
def test_numbers_keep_their_spelling(number):
    assert write(read(f'{{"a": {number}}}') or {}) == f'{{"a":{number}}}'
