"""How often customers buy and when they leave, after the BG/NBD model.

Fader, Hardie and Lee, "Counting Your Customers the Easy Way" (Marketing Science, 2005):
while active, a customer buys at a rate that is gamma-distributed over customers; after each
purchase she leaves for good with a probability that is beta-distributed. Thinning a Poisson
process leaves a Poisson process, so the time until the purchase she leaves after is
exponential with rate × probability: it is drawn at once, and no day needs the days before.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from generator.people import draw_homes
from generator.places import Place
from generator.randomness import Choice, Indices, Quantiles, Words, draw_words
from generator.stock import LOCATIONS
from generator.tastes import taste_of_region
from generator.world import World, each_day

# The mean rate is one purchase in 60 days. Only how long customers stay depends on it: how
# much they buy in all is the plan of the world.
_DAYS_BETWEEN_PURCHASES = 60

STORE_BY_REGION = {
    "11": "BOUTIQUE-PARIS-01",
    "84": "BOUTIQUE-LYON-01",
    "93": "POPUP-MARSEILLE-01",
}
FAR_FROM_A_STORE = "BOUTIQUE-PARIS-01"  # where people from elsewhere shop when they travel


@dataclass(frozen=True)
class Customers:
    """The n customers who meet the shop until some day; arrays of shape (n,).

    `rate` is relative, its mean over customers is 1,000. A customer is active in the weeks
    that hold a day from `arrives` until the day before `leaves`, both counted from the
    world's first day.
    """

    seed: int
    places: list[Place]
    rate: Indices
    arrives: Indices
    leaves: Indices

    @cached_property
    def numbers(self) -> Words:
        """The customers' numbers, 0 to n − 1."""
        return np.arange(len(self.rate), dtype=np.uint64)

    @cached_property
    def home(self) -> Indices:
        """The position in `places` of each home."""
        return draw_homes(self.seed, self.numbers, self.places)

    @cached_property
    def taste(self) -> Indices:
        """Which of the regions' tastes each has."""
        return np.array([taste_of_region(p.region_code) for p in self.places])[self.home]

    @cached_property
    def store(self) -> Indices:
        """Where each shops in person, by its position in LOCATIONS."""
        nearest = [STORE_BY_REGION.get(p.region_code, FAR_FROM_A_STORE) for p in self.places]
        return np.array([LOCATIONS.index(store) for store in nearest])[self.home]

    @cached_property
    def nearness(self) -> Indices:
        """1 for those who live in the region of a store, 2 for overseas and abroad, else 0."""
        near = [
            2 if p.is_beyond_the_sea else int(p.region_code in STORE_BY_REGION) for p in self.places
        ]
        return np.array(near)[self.home]

    def active_in(self, first: int, last: int) -> Indices:
        """Return the numbers of those active at some time on days `first` to `last`.

        When everybody has left, everybody who ever came may come back: a shop that is open
        has customers.
        """
        came = self.arrives <= last
        active = np.flatnonzero(came & (self.leaves > first))
        return active if len(active) else np.flatnonzero(came)


def meet_customers(world: World, places: list[Place], last_day: date) -> Customers:
    """Return the customers who meet the shop until `last_day`.

    Customer n is the same, and comes and leaves on the same days, whatever the last day.
    """
    days = each_day(world.first_day, last_day + timedelta(days=1))
    met = np.array([world.customers_until(day) for day in days], dtype=np.int64)
    numbers = np.arange(met[-1], dtype=np.uint64)
    # Those who are there before the first order arrive on the first day.
    arrives = np.maximum(np.searchsorted(met, numbers, side="right") - 1, 0)

    def draw(table: str) -> Indices:
        return Quantiles.read(table).pick(draw_words(world.seed, table, numbers))

    rate = np.maximum(draw("purchase_rate"), 1)
    stay = draw("exponential") * (_DAYS_BETWEEN_PURCHASES * 1_000_000)
    leaves = arrives + stay // (rate * np.maximum(draw("dropout"), 1)) + 1
    return Customers(world.seed, places, rate, arrives.astype(np.int64), leaves)


def choose_buyers(customers: Customers, active: Indices, words: Words) -> Indices:
    """Return who places each order, as often as their rates say."""
    return active[Choice.of(customers.rate[active]).pick(words)]
