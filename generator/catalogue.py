"""The 61 figurines and their prices over time, read from the seeds that dbt reads too."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from generator.randomness import Indices

SEEDS = Path(__file__).parents[1] / "seeds"

# Popularity is the product of three tastes, each falling with rank^0.9 (Zipf), so that the
# best seller is a fact of the world and not of the sample.
FOUNDER_WEIGHTS = {"Corentin": 100, "Sasha": 54, "Kirsten": 37, "Matteo": 29}
STYLE_WEIGHTS = {"Super-heros": 100, "Pirate": 54, "Vampire": 37, "Astronaute": 29, "Policier": 23}
FINISH_WEIGHTS = {"Regular": 100, "Silver": 54, "Gold": 37}
NU_GOLD = "Statue Corentin Nu Gold"
NU_GOLD_WEIGHT = 208_000  # about 2 % of all units: rare, dear and wanted


@dataclass(frozen=True)
class Item:
    """One figurine; `reference` is its number inside the RFID, 1 to 61."""

    sku: str
    name: str
    founder: str
    style: str
    finish: str
    price_cents: int
    reference: int
    weight: int


@cache
def read_catalogue(path: Path = SEEDS / "catalogue.csv") -> list[Item]:
    """Read the items in the order of the seed, with the price each began with."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Item(
                sku=row["sku"],
                name=row["item_name"],
                founder=row["founder"],
                style=row["style"],
                finish=row["finish"],
                price_cents=_cents(row["unit_price"]),
                reference=int(row["item_reference"]),
                weight=_weight(row),
            )
            for row in csv.DictReader(file)
        ]


@cache
def read_price_changes(path: Path = SEEDS / "price_changes.csv") -> list[tuple[date, str, int]]:
    """Read (first day, SKU, price in cents) of every change, in the order of time."""
    with path.open(encoding="utf-8", newline="") as file:
        return sorted(
            (date.fromisoformat(row["valid_from"]), row["sku"], _cents(row["unit_price"]))
            for row in csv.DictReader(file)
        )


def prices_on(day: date) -> Indices:
    """Return the catalogue price of each item on that day, in cents, shape (61,)."""
    prices = {item.sku: item.price_cents for item in read_catalogue()}
    prices |= {sku: cents for since, sku, cents in read_price_changes() if since <= day}
    return np.array(list(prices.values()), dtype=np.int64)


@cache
def references() -> Indices:
    """Return the number of each item inside an RFID, shape (61,)."""
    return np.array([item.reference for item in read_catalogue()], dtype=np.int64)


def item_number(name: str) -> int:
    """Return the position of a figurine in the catalogue."""
    return next(i for i, item in enumerate(read_catalogue()) if item.name == name)


def _cents(euros: str) -> int:
    return int(euros.replace(".", ""))


def _weight(row: dict[str, str]) -> int:
    if row["item_name"] == NU_GOLD:
        return NU_GOLD_WEIGHT
    return (
        FOUNDER_WEIGHTS[row["founder"]]
        * STYLE_WEIGHTS[row["style"]]
        * FINISH_WEIGHTS[row["finish"]]
    )
