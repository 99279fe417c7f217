"""Where customers live: real French communes, drawn by population.

Faker's French towns and postcodes do not exist, so none of them is used.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from generator.catalogue import SEEDS

_ARRONDISSEMENT = re.compile(r" \d+er? Arrondissement$")


@dataclass(frozen=True)
class Place:
    """One (commune, postcode) pair; `weight` is the part of the population it stands for."""

    city: str
    postcode: str
    region_code: str
    weight: int


def read_places(path: Path = SEEDS / "communes.csv") -> list[Place]:
    """Read the communes of at least 10,000 inhabitants, in the order of the seed.

    The file repeats a commune's population on each of its postcodes: the weight divides
    it. Parisians write "Paris", not "Paris 11e Arrondissement": the postcode tells.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    postcodes = Counter(row["insee_code"] for row in rows)
    return [
        Place(
            city=_ARRONDISSEMENT.sub("", row["commune_name"]),
            postcode=row["postcode"],
            region_code=row["region_code"],
            weight=int(row["population"]) // postcodes[row["insee_code"]],
        )
        for row in rows
    ]
