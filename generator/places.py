"""Where customers live: real French communes, drawn by population, and a few towns abroad.

Faker's French towns and postcodes do not exist, so none of them is used.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from generator.catalogue import SEEDS

_ARRONDISSEMENT = re.compile(r" \d+er? Arrondissement$")
ABROAD = "foreign"

# Three in a hundred customers live abroad. Germany's postcodes have five digits, as France's
# and America's: only the country tells them apart.
_ABROAD_PERCENT = 3
_TOWNS_ABROAD = (
    ("Bruxelles", None, "1000", "BE", 25),
    ("Liège", None, "4000", "BE", 8),
    ("Genève", None, "1204", "CH", 15),
    ("Lausanne", None, "1003", "CH", 8),
    ("Luxembourg", None, "L-1009", "LU", 8),
    ("Köln", None, "50667", "DE", 10),
    ("London", None, "W1D 4HS", "GB", 10),
    ("New York", "NY", "10001", "US", 10),
    ("Beverly Hills", "CA", "90210", "US", 6),
)


@dataclass(frozen=True)
class Place:
    """One (commune, postcode) pair; `weight` is how many of the customers live there."""

    city: str
    state: str | None
    postcode: str
    country_code: str
    region_code: str
    weight: int
    is_beyond_the_sea: bool = False  # or abroad: nobody shops in Paris from there


def read_places(path: Path = SEEDS / "communes.csv") -> list[Place]:
    """Read the communes of at least 10,000 inhabitants, then add the towns abroad.

    They stand for all inhabitants of their region, most of whom live in smaller ones. The
    file repeats a commune's population on each of its postcodes: the weight divides it.
    Parisians write "Paris", not "Paris 11e Arrondissement": the postcode tells.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (SEEDS / "regions.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["region_code"]: row for row in csv.DictReader(file)}
    postcodes = Counter(row["insee_code"] for row in rows)
    parts = [int(row["population"]) // postcodes[row["insee_code"]] for row in rows]
    in_towns: Counter[str] = Counter()
    for row, part in zip(rows, parts, strict=True):
        in_towns[row["region_code"]] += part
    french = [
        Place(
            city=_ARRONDISSEMENT.sub("", row["commune_name"]),
            state=None,
            postcode=row["postcode"],
            country_code="FR",
            region_code=row["region_code"],
            weight=part
            * int(regions[row["region_code"]]["population"])
            // in_towns[row["region_code"]],
            is_beyond_the_sea=regions[row["region_code"]]["zone"] != "metro",
        )
        for row, part in zip(rows, parts, strict=True)
    ]
    people = sum(place.weight for place in french)
    abroad = people * _ABROAD_PERCENT // (100 - _ABROAD_PERCENT)
    return french + [
        Place(city, state, postcode, country, ABROAD, abroad * percent // 100, True)
        for city, state, postcode, country, percent in _TOWNS_ABROAD
    ]
