"""The customers: who they are, how often they come back, what they tell the till.

The words are those of Faker's `fr_FR` providers, drawn here by a pure function of the
seed and the customer's number. Asking Faker itself, value by value, costs forty times more
and makes customer n depend on all customers before.
"""

import json
import unicodedata
from dataclasses import dataclass

import numpy as np
from faker.providers.address.fr_FR import Provider as AddressWords
from faker.providers.person.fr_FR import Provider as PersonWords

from generator.places import Place
from generator.randomness import Choice, Indices, Words, draw_below, draw_words

# How often a customer buys, relative to the others, and how many are like that: half buy
# once or twice, one in a hundred all the time.
_RATES = (1, 2, 4, 8, 16, 40)
_RATE_WEIGHTS = [50, 20, 15, 10, 4, 1]

# Blocks of 10,000 numbers that France keeps for fiction: nobody can be called on them
# (Arcep, national numbering plan, decision 2018-0881).
_FICTION_BLOCKS = ("0639980000", "0199000000", "0261910000", "0353010000",
                   "0465710000", "0536490000")  # fmt: skip
_FICTION_NUMBERS = 10_000 * len(_FICTION_BLOCKS)
_MAIL_DOMAINS = ("example.com", "example.org", "example.net")  # RFC 2606


@dataclass(frozen=True)
class Customers:
    """A population of n customers. Texts are JSON, rendered once, quotes included."""

    visits: Choice
    home_region: list[str]
    name: list[str]
    address: list[str]
    phone: list[str]
    email: list[str]
    contact: list[str]


def invent_customers(seed: int, count: int, places: list[Place]) -> Customers:
    """Invent customers 0 to count − 1; customer n is the same whatever the count."""
    numbers = np.arange(count, dtype=np.uint64)

    def pick(stream: str, weights: list[int]) -> Indices:
        return Choice.of(weights).pick(draw_words(seed, stream, numbers))

    homes = pick("home", [place.weight for place in places])
    people = _names(seed, "customer", numbers)
    contacts = _names(seed, "contact", numbers)
    phones = _phones(seed, "phone", numbers)
    contact_phones = _phones(seed, "contact phone", numbers)
    streets = _streets(seed, numbers)
    rates = np.array(_RATES)[pick("rate", _RATE_WEIGHTS)]
    return Customers(
        visits=Choice.of(rates),
        home_region=[places[home].region_code for home in homes.tolist()],
        name=[_json(f"{first} {last}") for first, last in people],
        address=[
            _json(
                {
                    "street_address": street,
                    "city": places[home].city,
                    "state": None,
                    "postalcode": places[home].postcode,
                }
            )
            for street, home in zip(streets, homes.tolist(), strict=True)
        ],
        phone=[_json(phone) for phone in phones],
        email=[
            _json(f"{_ascii(first)}.{_ascii(last)}.{n}@{_MAIL_DOMAINS[n % 3]}")
            for n, (first, last) in enumerate(people)
        ],
        contact=[
            _json({"name": f"{first} {last}", "phone": phone})
            for (first, last), phone in zip(contacts, contact_phones, strict=True)
        ],
    )


def _words(seed: int, stream: str, numbers: Words, words: tuple[str, ...]) -> list[str]:
    chosen = draw_below(draw_words(seed, stream, numbers), len(words))
    return [words[index] for index in chosen.tolist()]


def _names(seed: int, role: str, numbers: Words) -> list[tuple[str, str]]:
    first_names = PersonWords.first_names_female + PersonWords.first_names_male
    first = _words(seed, f"{role} first name", numbers, first_names)
    last = _words(seed, f"{role} last name", numbers, PersonWords.last_names)
    return list(zip(first, last, strict=True))


def _streets(seed: int, numbers: Words) -> list[str]:
    prefixes = _words(seed, "street kind", numbers, AddressWords.street_prefixes)
    names = _words(seed, "street name", numbers, PersonWords.last_names)
    houses = draw_below(draw_words(seed, "house", numbers), 150) + 1
    return [
        f"{house}, {prefix} {name}"
        for house, prefix, name in zip(houses.tolist(), prefixes, names, strict=True)
    ]


def _phones(seed: int, stream: str, numbers: Words) -> list[str]:
    """Spread the customers over all 60,000 fiction numbers before one is used twice."""
    offset = int(draw_words(seed, stream, np.zeros(1, dtype=np.uint64))[0])
    texts = []
    for number in numbers.tolist():
        drawn = (number * 7_919 + offset) % _FICTION_NUMBERS
        digits = f"{int(_FICTION_BLOCKS[drawn // 10_000]) + drawn % 10_000:010d}"
        texts.append(" ".join(digits[i : i + 2] for i in range(0, 10, 2)))
    return texts


def _ascii(text: str) -> str:
    """Fold accents away and keep letters: "Zoé Le Goff" becomes "zoelegoff"."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalpha())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
