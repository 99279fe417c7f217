"""The customers: who they are and what they tell the till.

The words and the forms of names are those of Faker's `fr_FR` providers, each as often as
there, drawn here by a pure function of the seed and the customer's number. Asking Faker
itself, value by value, costs forty times more and makes customer n depend on all customers
before.
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker.providers.address.fr_FR import Provider as AddressWords
from faker.providers.person.fr_FR import Provider as PersonWords

from generator.places import Place
from generator.randomness import Choice, Indices, Words, draw_below, draw_words, happens
from generator.texts import join, take

# Blocks of 10,000 numbers that France keeps for fiction: nobody can be called on them
# (Arcep, national numbering plan, decision 2018-0881).
_FICTION_BLOCKS = ("0639980000", "0199000000", "0261910000", "0353010000",
                   "0465710000", "0536490000")  # fmt: skip
_FICTION_NUMBERS = 10_000 * len(_FICTION_BLOCKS)
_MAIL_DOMAINS = ("example.com", "example.org", "example.net")  # RFC 2606
_NO_CONTACT = 400_000  # per million: customers who name nobody for an emergency


@dataclass(frozen=True)
class Identities:
    """What n people write on a form, shape (n,) each: JSON texts, quotes included."""

    name: pa.BinaryArray
    address: pa.BinaryArray
    phone: pa.BinaryArray
    email: pa.BinaryArray
    contact: pa.BinaryArray


def draw_homes(seed: int, numbers: Words, places: list[Place]) -> Indices:
    """Return the position in `places` of each customer's home."""
    choice = Choice.of([place.weight for place in places])
    return choice.pick(draw_words(seed, "home", numbers))


def invent_identities(seed: int, numbers: Words, places: list[Place]) -> Identities:
    """Invent customers by their numbers; a number is the same person in any population."""
    homes = draw_homes(seed, numbers, places)
    name, mail_name = _names(seed, "customer", numbers)
    contact_name, _ = _names(seed, "contact", numbers)
    contact = join('{"name":', contact_name, ',"phone":', _phones(seed, "contact", numbers), "}")
    nobody = happens(draw_words(seed, "contact told", numbers), _NO_CONTACT)
    towns = [
        f',"city":{_json(place.city)},"state":{_json(place.state)}'
        f',"postalcode":{_json(place.postcode)}'
        + ("}" if place.country_code == "FR" else f',"country":{_json(place.country_code)}}}')
        for place in places
    ]
    domains = [f'@{domain}"' for domain in _MAIL_DOMAINS]
    return Identities(
        name=name,
        address=join('{"street_address":', _streets(seed, numbers), take(towns, homes)),
        phone=_phones(seed, "customer", numbers),
        email=join(
            '"', mail_name, ".", _digits(numbers), take(domains, (numbers % 3).astype(np.int64))
        ),
        contact=pc.if_else(pa.array(nobody), pa.scalar(b"null"), contact),
    )


def _names(seed: int, role: str, numbers: Words) -> tuple[pa.BinaryArray, pa.BinaryArray]:
    """Return names as JSON, and as first.last in ASCII for an e-mail.

    Faker's twenty forms, ten for each sex: six plain, then once each "de Martin",
    "Martin-Petit", "Anne-Marie" and "Martin de Petit".
    """
    words = {w: draw_words(seed, f"{role} {w}", numbers) for w in (
        "form", "first name", "second first name", "last name", "second last name", "prefix"
    )}  # fmt: skip
    form = draw_below(words["form"], 20)
    women = PersonWords.first_names_female
    names = (*women, *PersonWords.first_names_male)
    start = np.where(form < 10, 0, len(women))
    count = np.where(form < 10, len(women), len(names) - len(women)).astype(np.uint64)
    first = start + draw_below(words["first name"], count)
    second_first = start + draw_below(words["second first name"], count)
    last_names, prefixes = PersonWords.last_names, PersonWords.prefixes
    last = draw_below(words["last name"], len(last_names))
    second_last = draw_below(words["second last name"], len(last_names))
    prefix = draw_below(words["prefix"], len(prefixes))
    form %= 10

    # After the first name: "-Marie ", or a space.
    middles = [" ", *(f"-{name} " for name in names)]
    middle = np.where(form == 8, second_first + 1, 0)
    # Before the last word: nothing, "de ", "Petit-", or "Petit de ".
    lefts = ["", *(f"{p} " for p in prefixes), *(f"{n}-" for n in last_names)]
    lefts += [f"{n} {p} " for n in last_names for p in prefixes]
    compound = 1 + len(prefixes)
    left = np.select(
        [form == 6, form == 7, form == 9],
        [
            1 + prefix,
            compound + second_last,
            compound + len(last_names) + second_last * len(prefixes) + prefix,
        ],
        0,
    )
    full = join(
        '"', take(names, first), take(middles, middle), take(lefts, left),
        take(last_names, last), '"',
    )  # fmt: skip
    plain = [_ascii(name) for name in names]
    return full, join(take(plain, first), ".", take([_ascii(n) for n in last_names], last))


def _streets(seed: int, numbers: Words) -> pa.BinaryArray:
    """Return street addresses as JSON, in the simplest of Faker's forms.

    One in six has no number, as there.
    """
    words = {w: draw_words(seed, f"street {w}", numbers) for w in ("kind", "name", "house")}
    houses = ["", *(f"{house}, " for house in range(1, 151))]
    house = draw_below(words["house"], 180)
    kinds, names = AddressWords.street_prefixes, PersonWords.last_names
    streets = [f"{kind} {name}" for kind in kinds for name in names]
    street = draw_below(words["kind"], len(kinds)) * len(names)
    street += draw_below(words["name"], len(names))
    return join('"', take(houses, np.maximum(house - 29, 0)), take(streets, street), '"')


def _phones(seed: int, role: str, numbers: Words) -> pa.BinaryArray:
    """Spread the customers over all 60,000 fiction numbers before one is used twice."""
    offset = draw_words(seed, f"{role} phone", np.zeros(1, dtype=np.uint64))
    drawn = (numbers * np.uint64(7_919) + offset % np.uint64(_FICTION_NUMBERS)) % np.uint64(
        _FICTION_NUMBERS
    )
    return take(_fiction_phones(), drawn.astype(np.int64))


@cache
def _fiction_phones() -> list[str]:
    """Return all of them as JSON, in pairs of digits."""
    pairs = [f"{n:02d}" for n in range(100)]
    return [
        f'"{block[:2]} {block[2:4]} {block[4:6]} {high} {low}"'
        for block in _FICTION_BLOCKS
        for high in pairs
        for low in pairs
    ]


def _digits(numbers: Words) -> pa.BinaryArray:
    return pc.cast(pc.cast(pa.array(numbers.astype(np.int64)), pa.string()), pa.binary())


def _ascii(text: str) -> str:
    """Fold accents away and keep letters: "Zoé Le Goff" becomes "zoelegoff"."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalpha())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
