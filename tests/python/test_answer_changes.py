"""What changed between two builds, to the unit and to the cent: planted by hand, then told."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import Shop

GOLD, GOLD_SKU = "Statue Kirsten Policier Gold", "KIR-POLI-GOL"
HERO, HERO_SKU = "Statue Kirsten Super-heros Regular", "KIR-SUPE-REG"
PARIS, LYON = "75001", "69001"
BUILD = (
    *("build", "--select", "+rpt_answer_changes"),
    *("--resource-type", "model", "--resource-type", "seed"),
)
COLUMNS = (
    "change_kind, net_units_changed, net_units_came, net_units_revised, net_amount_changed, "
    "net_amount_came, net_amount_revised, lines_came, first_file, last_file"
)


def order(number: int, item: str, price: int, who: str, postcode: str = PARIS) -> dict:
    return {
        "TXID": f"order {number}",
        "RFID": f"{number:024}",
        "ITEM": item,
        "PURCHASE_TIME": "2026-03-10T12:00:00Z",
        "EMAIL": f"{who}@example.org",
        "ADDRESS": {"city": "Paris" if postcode == PARIS else "Lyon", "postalcode": postcode},
        "unit_price": price,
        "discount": 0,
        "channel": "online",
    }


def back(number: int, price: int) -> dict:
    return {
        "TXID": f"order {number}",
        "RFID": f"{number:024}",
        "return_time": "2026-04-02T12:00:00Z",
        "refund_amount": price,
    }


def land(shop: Shop, feed: str, name: str, *records: dict) -> None:
    folder: Path = shop.data / "landing" / feed
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / f"{name}.ndjson").write_text(lines, encoding="utf-8")


def build(shop: Shop, *words: str) -> None:
    shop.warehouse("load")
    shop.dbt(*BUILD, *words)


def history(shop: Shop) -> list[tuple]:
    return shop.query_working("from marts.rpt_answers order by all")


def changes(shop: Shop) -> dict[tuple[str, str], tuple]:
    """Every change but those of customers, whose names are pseudonyms."""
    rows = shop.query_working(f"select answer, subject_id, {COLUMNS} from marts.rpt_answer_changes")
    return {(answer, subject): tuple(rest) for answer, subject, *rest in rows}


def money(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, target: Path) -> Shop:
    """First four sales and a return that is too early; then a sale, a correction and the rest."""
    shop = Shop(tmp_path_factory.mktemp("changed"), target)
    land(
        *(shop, "orders", "orders_a"),
        *(order(1, GOLD, 300, "ann"), order(2, GOLD, 300, "ann")),
        *(order(3, HERO, 100, "bob"), order(4, HERO, 100, "cid", LYON)),
    )
    land(shop, "returns", "returns_a", back(4, 100), back(5, 80))
    build(shop)
    return shop


def test_what_changed_is_told_with_the_lines_that_did_it(changed):
    """The mistakes: a history that doubles or is wiped out, and a change put on wrong lines."""
    first = history(changed)
    assert changes(changed) == {}  # nothing to compare with

    changed.dbt(*BUILD)
    assert history(changed) == first
    assert changes(changed) == {}

    # 2 was not Gold but Hero, and cheaper; 5 is the sale of the return that was there before.
    land(changed, "orders", "orders_b", order(2, HERO, 90, "ann"), order(5, HERO, 80, "dan", LYON))
    land(changed, "returns", "returns_b", back(1, 300))
    build(changed)
    both = history(changed)
    assert len(both) > len(first)
    assert [row for row in both if row[0] == first[0][0]] == first

    files = ("orders/orders_b.ndjson", "returns/returns_b.ndjson")
    orders, returns = (files[0], files[0]), (files[1], files[1])
    told = changes(changed)
    # Before: 4 sold for 800, less 100. Now: 300 + 90 + 100 + 100 + 80, less 100, 80 and 300.
    # Came: 90 + 80 - 300; revised: the 300 that order 2 no longer is, the return of order 5.
    everything = ("fell", -1, 1, -2, *money(-510, -130, -380), 3, *files)
    assert told["revenue_totals", "all"] == everything
    assert told["revenue_totals", "pos"] == everything
    assert told["best_sellers", GOLD_SKU] == (
        *("fell", -2, -1, -1),
        *(*money(-600, -300, -300), 1, *returns),
    )
    assert told["best_sellers", HERO_SKU] == (
        *("rose", 1, 2, -1),
        *(*money(90, 170, -80), 2, *orders),
    )
    assert told["revenue_by_month", "2026-03-01"] == (
        *("fell", 1, 2, -1),
        *(*money(-130, 170, -300), 2, *orders),
    )
    assert told["revenue_by_month", "2026-04-01"] == (
        *("fell", -2, -1, -1),
        *(*money(-380, -300, -80), 1, *returns),
    )
    assert told["top_regions", "11"] == ("fell", -1, 0, -1, *money(-510, -210, -300), 2, *files)
    # Sold and given back: the same net, but one rank up for none.
    assert told.get(("top_regions", "84")) is None
    assert told["revenue_by_store", "online"] == everything
    # Ann, and Dan who is new among the loyal; Bob and Cid are what they were.
    loyal = changed.query_working(
        "select change_kind, rank_before, rank_after, net_units_before, net_units_after, "
        "net_amount_changed, net_amount_came, net_amount_revised from marts.rpt_answer_changes "
        "where answer = 'loyal_customers' order by all"
    )
    assert loyal == [
        ("fell", 1, 1, 2, 1, *money(-510, -210, -300)),
        ("new", None, 4, 0, 0, *money(0, 80, -80)),
    ]

    changed.dbt(*BUILD, "--full-refresh")
    assert history(changed) == both
    assert changes(changed) == told


def test_a_pseudonym_that_is_gone_is_gone_from_the_history_too(changed):
    """The mistake: an erased person whose pseudonym stays in the answers of last year."""
    [(ann,)] = changed.query_working(
        "select distinct subject_id from marts.rpt_answers "
        "where answer = 'loyal_customers' and answer_rank = 1 and net_units = 2"
    )
    changed.warehouse("erase", "--email", "ann@example.org", "--yes")
    changed.dbt(*BUILD)
    loyal = {row[2] for row in history(changed) if row[1] == "loyal_customers"}
    assert loyal
    assert ann not in loyal
