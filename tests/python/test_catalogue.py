from itertools import product

from generator.catalogue import SEEDS, read_catalogue


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
    rows = [line.split(",") for line in (SEEDS / "catalogue.csv").read_text("utf-8").splitlines()]
    skus = {row[1]: row[0] for row in rows[1:]}
    assert len(set(skus.values())) == 61
    assert skus["Statue Kirsten Policier Gold"] == "KIR-POLI-GOL"
    assert skus["Statue Matteo Super-heros Silver"] == "MAT-SUPE-SIL"
    assert skus["Statue Corentin Nu Gold"] == "COR-NU-GLD"
    assert sorted(item.reference for item in read_catalogue()) == list(range(1, 62))
