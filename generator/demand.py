"""How much is sold when: the weight of a day, the weight of an hour. Europe/Paris."""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from generator.catalogue import SEEDS
from generator.randomness import Choice, draw_below, draw_words

PARIS = ZoneInfo("Europe/Paris")

_WEEKDAYS = (8, 9, 10, 10, 12, 18, 5)  # Monday to Sunday, when the stores are closed
_MONTHS = (9, 8, 9, 9, 10, 10, 9, 7, 10, 11, 14, 20)  # Christmas is half of the trade
_SALE_PERCENT = 160  # a day of sales sells 1.6 times a plain one
_SHOP_HOURS = [0] * 10 + [4, 6, 8, 6, 7, 8, 9, 11, 9] + [0] * 5
_WEB_HOURS = [2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 8, 8, 7, 7, 7, 8, 9, 11, 14, 15, 12, 6]
HOURS = {"in_person": _SHOP_HOURS, "online": _WEB_HOURS}


@dataclass(frozen=True)
class SalePeriod:
    """Days on which prices are cut, both ends included."""

    first_day: date
    last_day: date


@cache
def read_sale_periods(path: Path = SEEDS / "calendar_events.csv") -> list[SalePeriod]:
    """Read the legal sales periods and Black Friday."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            SalePeriod(
                date.fromisoformat(row["start_date"]),
                date.fromisoformat(row["end_date"]),
            )
            for row in csv.DictReader(file)
            if row["event_kind"] == "soldes" or row["event_name"] == "black_friday"
        ]


def is_sale_day(day: date) -> bool:
    """Tell whether prices are cut on that day."""
    return any(p.first_day <= day <= p.last_day for p in read_sale_periods())


def day_weight(seed: int, day: date) -> int:
    """Return how much that day sells, relative to other days; always above 0."""
    counter = np.array([day.toordinal()], dtype=np.uint64)
    luck = 90 + int(draw_below(draw_words(seed, "day", counter), 21)[0])
    weight = _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1] * luck
    return weight * _SALE_PERCENT if is_sale_day(day) else weight * 100


@dataclass(frozen=True)
class Clock:
    """The hours of one business day, as they really pass: 23, 24 or 25 of them."""

    midnight: datetime
    by_channel: dict[str, Choice]

    @classmethod
    def of(cls, day: date) -> "Clock":
        """Build from a day in Paris.

        Each hour that passes gets the weight of the local hour it is: on the spring
        night two o'clock never comes, on the autumn night it comes twice.
        """
        midnight = datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=PARIS)
        hours = int((end.astimezone(UTC) - midnight) / timedelta(hours=1))
        local = [(midnight + timedelta(hours=h)).astimezone(PARIS).hour for h in range(hours)]
        return cls(
            midnight=midnight,
            by_channel={
                channel: Choice.of([weights[hour] for hour in local])
                for channel, weights in HOURS.items()
            },
        )
