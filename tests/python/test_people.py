import json
import re
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from faker.providers.person.fr_FR import Provider as FrenchNames

from generator.catalogue import SEEDS
from generator.people import invent_customers
from generator.places import read_places
from generator.randomness import Choice, draw_words

COUNT = 20_000
FICTION = re.compile(r"(06 39 98|01 99 00|02 61 91|03 53 01|04 65 71|05 36 49)( \d\d){2}")


@pytest.fixture(scope="module")
def customers():
    return invent_customers(42, COUNT, read_places())


def test_a_customer_is_the_same_in_a_larger_population(customers):
    few = invent_customers(42, 100, read_places())
    for field in fields(few):
        if field.type is not Choice:
            assert getattr(few, field.name) == getattr(customers, field.name)[:100]


def test_names_are_those_of_faker(customers):
    first_names = set(FrenchNames.first_names_female + FrenchNames.first_names_male)
    last_names = set(FrenchNames.last_names)
    for text in customers.name[:500]:
        name = json.loads(text)
        assert any(
            name == f"{first} {name.removeprefix(first + ' ')}"
            and name.removeprefix(first + " ") in last_names
            for first in first_names
            if name.startswith(first + " ")
        ), name


def test_emails_are_plain_and_nobody_shares_one(customers):
    emails = [json.loads(text) for text in customers.email]
    assert len(set(emails)) == COUNT
    assert all(
        re.fullmatch(r"[a-z]+\.[a-z]+\.\d+@example\.(com|org|net)", email) for email in emails
    )


def test_phones_are_fictional_and_not_shared_before_all_are_used(customers):
    phones = [json.loads(text) for text in customers.phone]
    assert all(FICTION.fullmatch(phone) for phone in phones)
    assert len(set(phones)) == COUNT
    assert all(FICTION.fullmatch(json.loads(text)["phone"]) for text in customers.contact)


def test_places_exist_and_people_live_where_people_live(customers):
    # Counted from the seed alone, without the module that draws: Paris has 20 postcodes of
    # its own, Lyon 9, Marseille 16; a commune's population is shared by its postcodes.
    rows = [
        line.split(",") for line in (SEEDS / "communes.csv").read_text("utf-8").splitlines()[1:]
    ]
    towns = {(row[1], re.sub(r" \d+er? Arrondissement", "", row[2])) for row in rows}
    addresses = [json.loads(text) for text in customers.address]
    assert {(a["postalcode"], a["city"]) for a in addresses} <= towns

    population = {row[0]: int(row[5]) for row in rows}
    in_paris = sum(people for insee, people in population.items() if insee.startswith("75"))
    expected = COUNT * in_paris / sum(population.values())
    found = Counter(a["city"] for a in addresses)["Paris"]
    assert abs(found - expected) < 4 * expected**0.5


def test_some_customers_come_back_far_more_often():
    # One in a hundred has rate 40, half have rate 1: a customer of the first kind is drawn
    # forty times as often.
    visits = invent_customers(42, 2_000, read_places()).visits
    drawn = visits.pick(draw_words(1, "buyer", np.arange(400_000, dtype=np.uint64)))
    counts = np.sort(np.bincount(drawn, minlength=2_000))
    ratio = counts[-10:].mean() / counts[:900].mean()
    assert 35 < ratio < 50
