"""What comes back: which units, when and why."""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache

import numpy as np

from generator.catalogue import item_number, read_catalogue
from generator.demand import is_open_day, midnight_of
from generator.orders import Block
from generator.randomness import Choices, Indices, Quantiles, Words, draw_below, draw_words, happens

REASONS = ("changed_mind", "damaged", "not_as_described", "wrong_item", "unwanted_gift")
DAMAGED = REASONS.index("damaged")
_REASON_WEIGHTS = [35, 25, 20, 10, 10]
_FRAGILE_WEIGHTS = [6, 80, 8, 3, 3]

ONLINE_PERCENT, IN_PERSON_PERCENT = 10, 3
# Planted: two figurines that break on the way.
FRAGILE_PERCENT = {"Statue Matteo Vampire Silver": 30, "Statue Kirsten Super-heros Gold": 25}

_MEDIAN_LAG_DAYS = 8
MAX_LAG_DAYS = 60
_HORIZON = 7 + MAX_LAG_DAYS + 4  # stores are never closed for more than two days
_OPENS_AFTER, _OPEN_FOR = 10 * 3_600_000_000, 9 * 3_600_000_000  # microseconds


@dataclass(frozen=True)
class Returns:
    """Units that come back, shape (n,) each.

    `day` and `sold`, the business days of the return and of the sale, count from 0001-01-01
    as `date.toordinal`; moments are microseconds since 1970 UTC, `purchased` that of the order.
    """

    day: Indices
    sold: Indices
    moment: Words
    purchased: Words
    order: Words
    unit: Words
    item: Indices
    location: Indices
    refund_cents: Indices
    reason: Indices

    def where(self, rows: Indices) -> "Returns":
        """Return some of them."""
        return Returns(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw_returns(seed: int, block: Block) -> Returns:
    """Draw which of the units sold come back; full price paid, through the same location.

    The lag is log-normal with a median of 8 days, at least 1 and at most 60; what would come
    back while the stores are closed comes on the next day that they open.
    """
    fragile = np.zeros(len(read_catalogue()), dtype=np.int64)
    for name, often in FRAGILE_PERCENT.items():
        fragile[item_number(name)] = often
    location = block.location[block.owner]
    percent = np.where(location == 0, ONLINE_PERCENT, IN_PERSON_PERCENT)
    percent = np.where(fragile[block.item] > 0, fragile[block.item], percent)
    rows = np.flatnonzero(happens(draw_words(seed, "return", block.unit), percent * 10_000))

    unit, owner, item = block.unit[rows], block.owner[rows], block.item[rows]
    lag = Quantiles.read("return_lag").pick(draw_words(seed, "return lag", unit))
    lag = np.clip(lag * _MEDIAN_LAG_DAYS // 1000, 1, MAX_LAG_DAYS)
    after = _open_days(block.monday)[block.day[owner] + lag]
    choice = Choices.of(np.array([_REASON_WEIGHTS, _FRAGILE_WEIGHTS]))
    within = draw_below(draw_words(seed, "return hour", unit), 1 << 32).astype(np.uint64)
    return Returns(
        day=block.monday.toordinal() + after,
        sold=block.monday.toordinal() + block.day[owner],
        moment=_midnights(block.monday)[after]
        + np.uint64(_OPENS_AFTER)
        + (within * np.uint64(_OPEN_FOR // 1000) >> np.uint64(32)) * np.uint64(1000),
        purchased=block.moment[owner],
        order=block.order[owner],
        unit=unit,
        item=item,
        location=location[rows],
        refund_cents=(block.price_cents - block.discount_cents)[rows],
        reason=choice.pick(
            draw_words(seed, "return reason", unit), (fragile[item] > 0).astype(np.int64)
        ),
    )


def join_returns(parts: list[Returns]) -> Returns:
    """Put several together, in the order of the moments they come back."""
    joined = Returns(
        *(np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Returns))
    )
    return joined.where(np.lexsort((joined.unit, joined.moment)))


def _midnights(monday: date) -> Words:
    """Return when each of the days after a Monday begins, in microseconds since 1970 UTC."""
    days = (monday + timedelta(days=i) for i in range(_HORIZON))
    return np.array([int(midnight_of(day).timestamp()) * 1_000_000 for day in days], np.uint64)


@cache
def _open_days(monday: date) -> Indices:
    """Return for each of the days after a Monday the first from then on that stores open."""
    is_open = [is_open_day(monday + timedelta(days=i)) for i in range(_HORIZON)]
    return np.array([is_open.index(True, i) for i in range(_HORIZON - 3)], dtype=np.int64)
