"""The 61 figurines, read from the seed that dbt reads too, and how much each is liked."""

import csv
from dataclasses import dataclass
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"

# Popularity is the product of three tastes, so that the best seller is a fact of the
# world and not of the sample.
FOUNDER_WEIGHTS = {"Corentin": 32, "Sasha": 27, "Kirsten": 23, "Matteo": 18}
STYLE_WEIGHTS = {
    "Super-heros": 30,
    "Pirate": 22,
    "Vampire": 19,
    "Astronaute": 17,
    "Policier": 12,
}
FINISH_WEIGHTS = {"Regular": 58, "Silver": 28, "Gold": 14}
NU_GOLD = "Statue Corentin Nu Gold"
NU_GOLD_WEIGHT = 22_000  # about 2 % of all units: rare, dear and wanted


@dataclass(frozen=True)
class Item:
    """One figurine; `reference` is its number inside the RFID, 1 to 61."""

    name: str
    price_cents: int
    reference: int
    weight: int


def read_catalogue(path: Path = SEEDS / "catalogue.csv") -> list[Item]:
    """Read the items in the order of the seed."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Item(
                name=row["item_name"],
                price_cents=int(row["unit_price"].replace(".", "")),
                reference=int(row["item_reference"]),
                weight=_weight(row),
            )
            for row in csv.DictReader(file)
        ]


def _weight(row: dict[str, str]) -> int:
    if row["item_name"] == NU_GOLD:
        return NU_GOLD_WEIGHT
    return (
        FOUNDER_WEIGHTS[row["founder"]]
        * STYLE_WEIGHTS[row["style"]]
        * FINISH_WEIGHTS[row["finish"]]
    )
