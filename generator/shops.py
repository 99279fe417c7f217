"""Partner shops that resell the figurines and publish what they sell as three CSV files.

Their sales come on top of those of the tills: another system, other stores, other buyers.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from generator.catalogue import read_catalogue
from generator.dirt import Dirt
from generator.growing import Feed, FeedDay, grow, write_when_changed
from generator.outlets import numbered, share_of_orders
from generator.randomness import Choice, Indices, Words, draw_below, draw_words
from generator.texts import euros
from generator.world import World

LINES_A_DAY = 100  # on a mean day of the largest worlds
ORDERS_PER_LINE = 10  # the shops together write one line for every ten orders of the tills
QUANTITY_WEIGHTS = [78, 15, 5, 2]  # 1 to 4 of a product
ACCESSORY_PERMILLE = 80  # accessories weigh 8 % of what the figurines weigh
LIKING = 3  # a shop's favourite style sells there three times as well

SALES_COLUMNS = ["sale_id", "date", "product", "store", "quantity"]
PRODUCTS_COLUMNS = ["product_id", "name", "price", "stock"]
STORES_COLUMNS = ["store_id", "city", "region", "employees"]

SALES_KEY = pa.schema(
    [
        ("sale_date", pa.date32()),
        ("product_id", pa.string()),
        ("store_id", pa.string()),
        ("units", pa.int64()),
        ("amount_cents", pa.int64()),
    ]
)


class ShopsError(Exception):
    """The shops' sales cannot be continued; the message says what to do."""


@dataclass(frozen=True)
class Store:
    """One partner shop; `weight` is its share of the lines, `likes` a word of its favourites."""

    store_id: str
    city: str
    region: str
    employees: int
    weight: int
    likes: str


STORES = [
    Store("MAG-BORDEAUX", "Bordeaux", "Nouvelle-Aquitaine", 9, 17, "Super-heros"),
    Store("MAG-BREST", "Brest", "Bretagne", 4, 8, "Pirate"),
    Store("MAG-DIJON", "Dijon", "Bourgogne-Franche-Comté", 4, 7, "Vampire"),
    Store("MAG-LILLE", "Lille", "Hauts-de-France", 8, 16, "Policier"),
    Store("MAG-NANTES", "Nantes", "Pays de la Loire", 7, 14, "Pirate"),
    Store("MAG-NICE", "Nice", "Provence-Alpes-Côte d'Azur", 6, 11, "Gold"),
    Store("MAG-STRASBOURG", "Strasbourg", "Grand Est", 6, 12, "Vampire"),
    Store("MAG-TOULOUSE", "Toulouse", "Occitanie", 7, 15, "Astronaute"),
]


@dataclass(frozen=True)
class Product:
    """What the shops sell: a figurine by its SKU, or an accessory by a number of their own."""

    product_id: str
    name: str
    price_cents: int
    weight: int


_ACCESSORIES = [
    ("ACC-001", "Vitrine acrylique 20 cm", 2490, 24),
    ("ACC-002", "Vitrine acrylique 30 cm", 3490, 16),
    ("ACC-003", "Socle lumineux", 1990, 20),
    ("ACC-004", "Socle tournant", 2990, 10),
    ("ACC-005", "Housse antipoussière", 990, 12),
    ("ACC-006", "Kit d'entretien", 1290, 9),
    ("ACC-007", "Coffret cadeau", 690, 6),
    ("ACC-008", "Plaque gravée", 1490, 3),
]


def read_products() -> list[Product]:
    """List the 61 figurines, in the order of the seed, then the shops' own accessories."""
    figurines = [
        Product(item.sku, item.name, item.price_cents, item.weight) for item in read_catalogue()
    ]
    percent = sum(product.weight for product in figurines) * ACCESSORY_PERMILLE // 100_000
    return figurines + [
        Product(number, name, price, weight * percent)
        for number, name, price, weight in _ACCESSORIES
    ]


def write_shop_files(world: World, dirt: Dirt, folder: Path, key: Path, last_day: date) -> None:
    """Write products, stores and sales up to `last_day` into `folder`, and their key.

    The three are `shops_products.csv`, `shops_stores.csv` and `shops_sales.csv`; the last
    only grows. `dirt` has no defect for them: the shops deliver clean files. Raises
    ShopsError when there is a sales file that is not this world's.
    """
    products = read_products()
    sales = Feed(
        path=folder / "shops_sales.csv",
        columns=SALES_COLUMNS,
        date_column="date",
        fixed_columns=SALES_COLUMNS,
        make_day=partial(_sell, world, products),
        tables={"shop_sales": SALES_KEY},
        refusal=ShopsError,
    )
    covered = grow(sales, key, world.first_day, last_day)
    write_when_changed(folder / "shops_stores.csv", _store_lines())
    write_when_changed(folder / "shops_products.csv", _product_lines(world, products, covered))


def _sell(world: World, products: list[Product], day: date) -> FeedDay:
    """Sell for one day: a line has its store, then what that store likes, then how many."""
    count = share_of_orders(world, "shop lines", day, ORDERS_PER_LINE, LINES_A_DAY)
    numbers = numbered(day, count)
    stores = Choice.of([store.weight for store in STORES]).pick(
        draw_words(world.seed, "shop store", numbers)
    )
    chosen = _choose_products(products, stores, draw_words(world.seed, "shop product", numbers))
    quantities = 1 + Choice.of(QUANTITY_WEIGHTS).pick(
        draw_words(world.seed, "shop quantity", numbers)
    )
    units: Counter[tuple[int, int]] = Counter()
    lines = []
    sold = zip(stores.tolist(), chosen.tolist(), quantities.tolist(), strict=True)
    for number, (store, product, quantity) in enumerate(sold, start=1):
        units[product, store] += quantity
        lines.append(
            f"{day:%Y%m%d}{number:06d},{day},{products[product].product_id},"
            f"{STORES[store].store_id},{quantity}"
        )
    rows = [
        (
            day,
            products[product].product_id,
            STORES[store].store_id,
            total,
            total * products[product].price_cents,
        )
        for (product, store), total in sorted(units.items())
    ]
    return FeedDay(lines, {"shop_sales": rows})


def _choose_products(products: list[Product], stores: Indices, words: Words) -> Indices:
    """Pick the product of each line from the tastes of its store."""
    chosen = np.zeros(len(words), dtype=np.int64)
    for index, store in enumerate(STORES):
        here = stores == index
        chosen[here] = Choice.of(
            [p.weight * LIKING if store.likes in p.name else p.weight for p in products]
        ).pick(words[here])
    return chosen


def _store_lines() -> list[str]:
    rows = [f"{s.store_id},{s.city},{s.region},{s.employees}" for s in STORES]
    return [",".join(STORES_COLUMNS), *rows]


def _product_lines(world: World, products: list[Product], day: date) -> list[str]:
    """Render the products with their stock, which the shops count every Monday."""
    monday = day.toordinal() - day.weekday()
    counters = np.arange(len(products), dtype=np.uint64) + np.uint64(monday << 8)
    stocks = draw_below(draw_words(world.seed, "shop stock", counters), 120).tolist()
    rows = [
        f"{product.product_id},{product.name},{euros(product.price_cents)},{stock}"
        for product, stock in zip(products, stocks, strict=True)
    ]
    return [",".join(PRODUCTS_COLUMNS), *rows]
