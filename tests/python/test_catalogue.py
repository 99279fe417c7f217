import csv
from datetime import date, timedelta
from decimal import Decimal
from itertools import product

import pytest
from conftest import ROOT

from generator.catalogue import (
    NU_GOLD,
    item_number,
    prices_on,
    read_catalogue,
    read_price_changes,
)


def read_seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "seeds" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def price_by_hand(sku: str, day: date) -> Decimal:
    """The catalogue's price, unless the latest change that has come says otherwise."""
    changes = [row for row in read_seed("price_changes.csv") if row["sku"] == sku]
    come = [row for row in changes if date.fromisoformat(row["valid_from"]) <= day]
    if come:
        return Decimal(max(come, key=lambda row: row["valid_from"])["unit_price"])
    return next(
        Decimal(row["unit_price"]) for row in read_seed("catalogue.csv") if row["sku"] == sku
    )


def test_the_catalogue_is_the_61_items():
    founders = ["Kirsten", "Matteo", "Sasha", "Corentin"]
    styles = ["Policier", "Vampire", "Super-heros", "Pirate", "Astronaute"]
    prices = {"Gold": 29999, "Silver": 19999, "Regular": 9999}
    expected = {
        f"Statue {founder} {style} {finish}": prices[finish]
        for founder, style, finish in product(founders, styles, prices)
    } | {"Statue Corentin Nu Gold": 49999}
    assert len(expected) == 61
    assert {item.name: item.price_cents for item in read_catalogue()} == expected


def test_every_item_has_its_own_sku_and_reference():
    skus = {row["item_name"]: row["sku"] for row in read_seed("catalogue.csv")}
    assert len(set(skus.values())) == 61
    assert skus["Statue Kirsten Policier Gold"] == "KIR-POLI-GOL"
    assert skus["Statue Matteo Super-heros Silver"] == "MAT-SUPE-SIL"
    assert skus["Statue Corentin Nu Gold"] == "COR-NU-GLD"
    assert {item.name: item.sku for item in read_catalogue()} == skus
    assert sorted(item.reference for item in read_catalogue()) == list(range(1, 62))


def test_an_item_is_found_by_its_name():
    names = [row["item_name"] for row in read_seed("catalogue.csv")]
    assert [item_number(name) for name in names] == list(range(61))


def test_popularity_is_a_product_of_three_tastes_that_fall_with_rank():
    ranks = {
        name: rank
        for names in (
            ("Corentin", "Sasha", "Kirsten", "Matteo"),
            ("Super-heros", "Pirate", "Vampire", "Astronaute", "Policier"),
            ("Regular", "Silver", "Gold"),
        )
        for rank, name in enumerate(names, start=1)
    }
    # Zipf: 100, 54, 37, 29, 23 for ranks 1 to 5.
    zipf = {rank: round(100 / rank**0.9) for rank in range(1, 6)}
    for item in read_catalogue():
        if item.name != NU_GOLD:
            tastes = (item.founder, item.style, item.finish)
            expected = zipf[ranks[tastes[0]]] * zipf[ranks[tastes[1]]] * zipf[ranks[tastes[2]]]
            assert item.weight == expected, item.name


def test_one_unit_in_fifty_is_the_nu_gold():
    weights = {item.name: item.weight for item in read_catalogue()}
    assert 0.0195 < weights[NU_GOLD] / sum(weights.values()) < 0.0205


CHANGES = sorted({row["valid_from"] for row in read_seed("price_changes.csv")})


def test_prices_change_on_three_days():
    assert CHANGES == ["2025-10-01", "2026-03-02", "2026-06-01"]
    skus = {row["sku"] for row in read_seed("catalogue.csv")}
    for row in read_seed("price_changes.csv"):
        since = date.fromisoformat(row["valid_from"])
        assert row["sku"] in skus
        assert Decimal(row["unit_price"]) != price_by_hand(row["sku"], since - timedelta(days=1))


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("change", CHANGES)
def test_a_price_holds_from_the_day_of_its_change(change, offset):
    day = date.fromisoformat(change) + timedelta(days=offset)
    expected = [price_by_hand(item.sku, day) * 100 for item in read_catalogue()]
    assert prices_on(day).tolist() == expected


def test_changes_may_be_listed_in_any_order(tmp_path):
    listed = tmp_path / "price_changes.csv"
    listed.write_text("sku,valid_from,unit_price\nB,2026-01-02,2.50\nA,2025-01-01,10.00\n")
    changes = [(date(2025, 1, 1), "A", 1000), (date(2026, 1, 2), "B", 250)]
    assert read_price_changes(listed) == changes


def test_the_prices_of_three_figurines_are_as_we_remember_them():
    def price(name: str, day: str) -> int:
        return int(prices_on(date.fromisoformat(day))[item_number(name)])

    regular = "Statue Sasha Super-heros Regular"
    days = ("2012-01-01", "2025-09-30", "2025-10-01", "2026-03-01", "2026-03-02", "2030-01-01")
    assert [price(regular, day) for day in days] == [9999, 9999, 10499, 10499, 9999, 9999]
    assert price("Statue Sasha Pirate Regular", "2026-03-02") == 10499
    assert [price(NU_GOLD, day) for day in ("2026-05-31", "2026-06-01")] == [49999, 54999]
