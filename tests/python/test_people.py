import csv
import json
import re
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from conftest import ROOT
from faker.providers.address.fr_FR import Provider as FrenchAddresses
from faker.providers.person.fr_FR import Provider as FrenchNames
from sampling import assert_follows, assert_share

from generator.people import draw_homes, invent_identities
from generator.places import read_places

COUNT = 60_000  # as many as there are numbers for fiction
FICTION = re.compile(r"(06 39 98|01 99 00|02 61 91|03 53 01|04 65 71|05 36 49)( \d\d){2}")
FEMALE, MALE = set(FrenchNames.first_names_female), set(FrenchNames.first_names_male)
LAST_NAMES, PREFIXES = set(FrenchNames.last_names), set(FrenchNames.prefixes)
AMBIGUOUS = {"Le Roux"}
ACCENTS = str.maketrans("àâäçéèêëîïôöùûüÿ", "aaaceeeeiioouuuy")


def invent(*, seed: int = 42, numbers):
    return invent_identities(seed, np.array(numbers, dtype=np.uint64), read_places())


def read_texts(column) -> list:
    return [json.loads(text) for text in column.to_pylist()]


@pytest.fixture(scope="module")
def people():
    return invent(numbers=range(COUNT))


@pytest.fixture(scope="module")
def names(people):
    return read_texts(people.name)


@pytest.fixture(scope="module")
def addresses(people):
    return read_texts(people.address)


@pytest.fixture(scope="module")
def contacts(people):
    return read_texts(people.contact)


def split_name(name: str) -> tuple[str, str, str, list[str]]:
    """Take a name apart as one of Faker's formats: (format, sex, first name, last names)."""
    first, rest = name.split(" ", 1)
    sex = "female" if first.split("-")[0] in FEMALE else "male"
    assert set(first.split("-")) <= (FEMALE if sex == "female" else MALE), name
    own, last = f"{{{{first_name_{sex}}}}}", "{{last_name}}"
    if "-" in first:
        assert rest in LAST_NAMES, name
        return f"{own}-{own} {last}", sex, first.split("-")[0], [rest]
    if rest in LAST_NAMES:
        return f"{own} {last}", sex, first, [rest]
    if "-" in rest:
        assert set(rest.split("-")) <= LAST_NAMES, name
        return f"{own} {last}-{last}", sex, first, rest.split("-")
    words = rest.split(" ")
    for start in range(len(words)):
        for end in range(start + 1, len(words)):
            before, prefix, after = (
                " ".join(part) for part in (words[:start], words[start:end], words[end:])
            )
            if prefix in PREFIXES and after in LAST_NAMES and before in LAST_NAMES | {""}:
                if not before:
                    return f"{own} {{{{prefix}}}} {last}", sex, first, [after]
                return f"{own} {last} {{{{prefix}}}} {last}", sex, first, [before, after]
    raise AssertionError(f"{name} has no form of Faker's")


def test_no_name_but_one_could_be_read_in_two_forms():
    # "Le Roux" is taken for a last name: one in 1,600 with a prefix is "Le" and "Roux".
    assert {f"{p} {name}" for p in PREFIXES for name in LAST_NAMES} & LAST_NAMES == AMBIGUOUS
    assert not any("-" in word for word in FEMALE | MALE | LAST_NAMES)
    assert not any(" " in word for word in FEMALE | MALE)
    assert not FEMALE & MALE


def test_the_forms_of_names_are_as_frequent_as_faker_s(names):
    forms = Counter(split_name(name)[0] for name in names)
    wanted = Counter(FrenchNames.formats)
    assert set(forms) == set(wanted)
    assert_follows([forms[form] for form in wanted], list(wanted.values()))


def test_first_and_last_names_are_as_frequent_as_faker_s(names):
    found = [split_name(name) for name in names]
    for sex, words in (
        ("female", FrenchNames.first_names_female),
        ("male", FrenchNames.first_names_male),
    ):
        wanted = Counter(words)  # some are listed twice
        counts = Counter(first for _, own, first, _ in found if own == sex)
        assert_follows([counts[word] for word in wanted], list(wanted.values()))
    for position in (0, -1):
        counts = Counter(last[position] for *_, last in found)
        assert_follows([counts[word] for word in LAST_NAMES], [1] * len(LAST_NAMES))


def test_the_halves_of_a_double_name_are_unrelated(names):
    found = [split_name(name) for name in names]
    doubles = [last for *_, last in found if len(last) == 2]
    same = sum(one == other for one, other in doubles)
    assert_share(same, len(doubles), 1 / len(LAST_NAMES))
    prefixes = Counter(
        next(p for p in sorted(PREFIXES, key=len, reverse=True) if f" {p} " in name)
        for name in names
        if "{{prefix}}" in split_name(name)[0]
    )
    assert_follows([prefixes[p] for p in PREFIXES], [1] * len(PREFIXES))


def test_emails_are_plain_and_nobody_shares_one(people, names):
    emails = read_texts(people.email)
    for number, (email, name) in enumerate(zip(emails, names, strict=True)):
        match = re.fullmatch(r"([a-z]+)\.([a-z]+)\.(\d+)@example\.(com|org|net)", email, re.ASCII)
        assert match, email
        _, _, first, last = split_name(name)
        folded = [word.lower().translate(ACCENTS).replace(" ", "") for word in (first, last[-1])]
        assert (match[1], int(match[3])) == (folded[0], number)
        assert match[2] == folded[1] or last[-1] in AMBIGUOUS
    assert len(set(emails)) == COUNT


def test_phones_are_fictional_and_not_shared_before_all_are_used(people, contacts):
    phones = read_texts(people.phone)
    assert all(FICTION.fullmatch(phone) for phone in phones)
    assert len(set(phones)) == COUNT
    others = [contact["phone"] for contact in contacts if contact]
    assert all(FICTION.fullmatch(phone) for phone in others)
    assert len(set(others)) == len(others)
    # Who names a contact does not name herself.
    assert sum(c is not None and c["phone"] == p for c, p in zip(contacts, phones, strict=True)) < 9


def test_two_in_five_name_nobody_for_an_emergency(contacts, names):
    assert_share(sum(contact is None for contact in contacts), COUNT, 0.4)
    named = [(c["name"], n) for c, n in zip(contacts, names, strict=True) if c]
    for name, _ in named[:2_000]:
        split_name(name)
    assert sum(name == own for name, own in named) < 9
    assert all(list(contact) == ["name", "phone"] for contact in contacts if contact)


def test_every_piece_is_compact_json_in_utf_8(people):
    for field in fields(people):
        column = getattr(people, field.name)
        assert len(column) == COUNT
        assert column.null_count == 0
        for text in column.to_pylist()[:3_000]:
            value = json.loads(text)
            assert json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() == text


def test_a_customer_is_the_same_in_any_population(people):
    chosen = [59_999, 3, 0, 40_001, 3]
    some = invent(numbers=chosen)
    for field in fields(people):
        every = getattr(people, field.name)
        assert getattr(some, field.name).to_pylist() == [every[n].as_py() for n in chosen]


def test_another_seed_has_other_people(people):
    others = invent(seed=43, numbers=range(1_000))
    for name, expected in (("name", 0.001), ("address", 0.001), ("phone", 0.0)):
        column = getattr(people, name).to_pylist()[:1_000]
        shared = sum(a == b for a, b in zip(column, getattr(others, name).to_pylist(), strict=True))
        assert shared <= 1_000 * expected + 3, name


def test_nobody_is_a_population_too():
    nobody = invent(numbers=[])
    assert all(len(getattr(nobody, field.name)) == 0 for field in fields(nobody))


def read_communes() -> list[dict[str, str]]:
    with (ROOT / "seeds" / "communes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plain_town(commune: str) -> str:
    return re.sub(r" \d+er? Arrondissement", "", commune)


def test_french_addresses_name_a_commune_and_its_postcode(addresses):
    towns = {(row["postcode"], plain_town(row["commune_name"])) for row in read_communes()}
    french = [address for address in addresses if "country" not in address]
    for address in french:
        assert list(address) == ["street_address", "city", "state", "postalcode"]
        assert address["state"] is None
        assert (address["postalcode"], address["city"]) in towns


def test_people_live_where_people_live(addresses):
    # Counted from the seeds alone. The communes of the list stand for their whole region, in
    # proportion to their people, which the file repeats on all their postcodes.
    with (ROOT / "seeds" / "regions.csv").open(encoding="utf-8", newline="") as file:
        regions = {r["region_code"]: int(r["population"]) for r in csv.DictReader(file)}
    communes = {row["insee_code"]: row for row in read_communes()}
    listed = Counter()
    for row in communes.values():
        listed[row["region_code"]] += int(row["population"])
    people = Counter()
    for row in communes.values():
        stands_for = regions[row["region_code"]] / listed[row["region_code"]]
        people[plain_town(row["commune_name"])] += int(row["population"]) * stands_for
    whole = sum(regions[code] for code in listed) / 0.97
    assert sum(people.values()) == pytest.approx(whole * 0.97)
    found = Counter(a["city"] for a in addresses if "country" not in a)
    for town in ("Paris", "Marseille", "Lyon", "Toulouse", "Nice", "Nantes", "Rennes"):
        assert_share(found[town], COUNT, people[town] / whole)
    assert_follows([found[town] for town in people], list(people.values()))


def test_three_in_a_hundred_live_abroad_and_say_so(addresses):
    abroad = [address for address in addresses if "country" in address]
    assert_share(len(abroad), COUNT, 0.03)
    assert all(
        list(a) == ["street_address", "city", "state", "postalcode", "country"] for a in abroad
    )
    shares = {
        ("Bruxelles", None, "1000", "BE"): 25,
        ("Liège", None, "4000", "BE"): 8,
        ("Genève", None, "1204", "CH"): 15,
        ("Lausanne", None, "1003", "CH"): 8,
        ("Luxembourg", None, "L-1009", "LU"): 8,
        ("Köln", None, "50667", "DE"): 10,
        ("London", None, "W1D 4HS", "GB"): 10,
        ("New York", "NY", "10001", "US"): 10,
        ("Beverly Hills", "CA", "90210", "US"): 6,
    }
    found = Counter((a["city"], a["state"], a["postalcode"], a["country"]) for a in abroad)
    assert set(found) == set(shares)
    assert_follows([found[town] for town in shares], list(shares.values()))


def test_the_countries_are_in_the_warehouse_s_list(addresses):
    with (ROOT / "seeds" / "countries.csv").open(encoding="utf-8", newline="") as file:
        known = {row["country_code"] for row in csv.DictReader(file)}
    assert {a["country"] for a in addresses if "country" in a} <= known


def test_one_street_address_in_six_has_no_number_as_in_faker(addresses):
    # Faker writes the street alone in one of its six formats.
    formats = FrenchAddresses.street_address_formats
    alone = sum("building_number" not in form for form in formats) / len(formats)
    kinds, houses = Counter(), Counter()
    for address in addresses:
        match = re.fullmatch(r"(?:(\d+), )?(\S+) (.+)", address["street_address"])
        assert match, address
        assert match[3] in LAST_NAMES
        kinds[match[2]] += 1
        houses[int(match[1] or 0)] += 1
    assert_share(houses.pop(0), COUNT, alone)
    assert_follows([houses[number] for number in range(1, 151)], [1] * 150)
    assert sum(houses.values()) == sum(houses[number] for number in range(1, 151))
    wanted = Counter(FrenchAddresses.street_prefixes)
    assert_follows([kinds[kind] for kind in wanted], list(wanted.values()))


def test_what_is_drawn_for_a_person_does_not_hang_together(people, names, addresses, contacts):
    forms = {form: number for number, form in enumerate(dict.fromkeys(FrenchNames.formats))}
    words = {word: number for number, word in enumerate(sorted(FEMALE | MALE | LAST_NAMES))}
    kinds = {
        word: number for number, word in enumerate(sorted(set(FrenchAddresses.street_prefixes)))
    }
    places = {(p.city, p.postcode): n for n, p in enumerate(read_places())}
    rows = []
    for number, (name, address, contact) in enumerate(zip(names, addresses, contacts, strict=True)):
        form, sex, _, last = split_name(name)
        house, _, street = address["street_address"].rpartition(", ")
        kind, _, street_name = street.partition(" ")
        rows.append(
            (
                number,
                forms[form] % 5,
                sex == "female",
                words[last[-1]],
                places[address["city"], address["postalcode"]],
                int(house or 75),
                kinds[kind],
                words[street_name],
                contact is None,
            )
        )
    found = np.corrcoef(np.array(rows, dtype=float).T)
    assert np.abs(found[np.triu_indices(len(found), 1)]).max() < 4.5 / COUNT**0.5


def test_homes_are_those_of_the_addresses(addresses):
    places = read_places()
    homes = draw_homes(42, np.arange(COUNT, dtype=np.uint64), places)
    for address, home in zip(addresses, homes.tolist(), strict=True):
        assert (address["city"], address["postalcode"]) == (
            places[home].city,
            places[home].postcode,
        )


def test_departments_and_regions_of_places_are_those_of_the_seed():
    with (ROOT / "seeds" / "regions.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["region_code"] for row in csv.DictReader(file)}
    places = read_places()
    assert {p.region_code for p in places if p.country_code == "FR"} <= regions
    assert {p.region_code for p in places if p.country_code != "FR"} == {"foreign"}
    assert all(place.weight > 0 for place in places)
