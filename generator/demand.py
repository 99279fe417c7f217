"""How much is sold when: the weight of a day, the weight of an hour. Europe/Paris."""

import csv
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np

from generator.catalogue import SEEDS
from generator.randomness import Choice, draw_below, draw_words


def _paris() -> ZoneInfo:
    # The zone comes from the pinned tzdata, whatever the machine has.
    with (files("tzdata") / "zoneinfo" / "Europe" / "Paris").open("rb") as file:
        return ZoneInfo.from_file(file, key="Europe/Paris")


PARIS = _paris()

_WEEKDAYS = (8, 9, 10, 10, 12, 18, 5)  # Monday to Sunday, when the stores are closed
_GROWTH_PERCENT = 8  # a year, counted from 2020
# Christmas doubles the trade: +120 % on 16 December, half of that twelve days earlier, and
# nothing once the presents lie under the tree.
_CHRISTMAS_PERCENT, _CHRISTMAS_WIDTH = 120, 12
_CLOSED = ((1, 1), (5, 1), (12, 25))  # month and day; Sundays as well

OPENING_HOURS = range(10, 19)
_HOURS = [2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 11, 13, 16, 14, 14, 15, 17, 20, 18, 11, 14, 15, 12, 6]
_SUNDAY_HOURS = [2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 7, 8, 8, 7, 7, 7, 8, 9, 11, 14, 15, 12, 6]


@dataclass(frozen=True)
class Effect:
    """What a calendar event does, from `lead_days` before it begins until it ends.

    `traffic_percent` multiplies the orders of those days; `boost_percent` multiplies the
    weight of the items of which `kind` is a founder, style or finish.
    """

    event_name: str
    lead_days: int = 0
    traffic_percent: int = 100
    kind: str | None = None
    boost_percent: int = 100


EFFECTS = (
    Effect("soldes_hiver", traffic_percent=160),
    Effect("soldes_ete", traffic_percent=160),
    Effect("black_friday", traffic_percent=220),
    Effect("noel_achats", kind="Gold", boost_percent=140),
    Effect("halloween", lead_days=9, traffic_percent=115, kind="Vampire", boost_percent=300),
    Effect("fete_des_meres", lead_days=7, traffic_percent=130, kind="Gold", boost_percent=170),
    Effect("fete_des_peres", lead_days=7, traffic_percent=120, kind="Policier", boost_percent=180),
    Effect("saint_valentin", lead_days=6, kind="Silver", boost_percent=160),
    Effect("talk_like_a_pirate", lead_days=2, kind="Pirate", boost_percent=250),
    Effect("premier_pas_lune", lead_days=2, kind="Astronaute", boost_percent=300),
    Effect("saint_michel_policiers", lead_days=2, kind="Policier", boost_percent=300),
    Effect("batman_day", lead_days=2, kind="Super-heros", boost_percent=160),
    Effect("fete_corentin", kind="Corentin", boost_percent=200),
    Effect("fete_sasha_alexandre", kind="Sasha", boost_percent=200),
)


@dataclass(frozen=True)
class Occurrence:
    """One time an effect is at work, both days included."""

    effect: Effect
    first_day: date
    last_day: date


@cache
def read_occurrences() -> tuple[Occurrence, ...]:
    """Read when each effect is at work, from the calendar (2020 to 2030)."""
    effects = {effect.event_name: effect for effect in EFFECTS}
    with (SEEDS / "calendar_events.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Occurrence(
                effect,
                date.fromisoformat(row["start_date"]) - timedelta(days=effect.lead_days),
                date.fromisoformat(row["end_date"]),
            )
            for row in csv.DictReader(file)
            if (effect := effects.get(row["event_name"]))
        )


@cache
def effects_on(day: date) -> tuple[Effect, ...]:
    """Return the effects at work on that day."""
    return tuple(o.effect for o in read_occurrences() if o.first_day <= day <= o.last_day)


def is_sale_day(day: date) -> bool:
    """Tell whether prices are cut: the legal sales periods and Black Friday."""
    return any(
        effect.event_name in ("soldes_hiver", "soldes_ete", "black_friday")
        for effect in effects_on(day)
    )


def is_open_day(day: date) -> bool:
    """Tell whether the stores open: not on Sunday, New Year, Labour Day and Christmas."""
    return day.weekday() != 6 and (day.month, day.day) not in _CLOSED


def day_weight(seed: int, day: date) -> int:
    """Return how much that day sells, relative to other days; always above 0."""
    counter = np.array([day.toordinal()], dtype=np.uint64)
    luck = 90 + int(draw_below(draw_words(seed, "day", counter), 21)[0])
    trend = 36_500 + _GROWTH_PERCENT * (day - date(2020, 1, 1)).days
    season = 1000
    if day <= date(day.year, 12, 24):
        distance, width = (date(day.year, 12, 16) - day).days, _CHRISTMAS_WIDTH**2
        season += 10 * _CHRISTMAS_PERCENT * width // (width + distance**2)
    weight = _WEEKDAYS[day.weekday()] * max(trend, 1) * luck * season
    for effect in effects_on(day):
        weight = weight * effect.traffic_percent // 100
    return weight


@dataclass(frozen=True)
class Clock:
    """The hours of one business day, as they really pass: 23, 24 or 25 of them.

    `local_hours[h]` is what clocks in Paris show when h hours have passed since midnight.
    """

    midnight: datetime
    local_hours: tuple[int, ...]
    hours: Choice

    @classmethod
    def of(cls, day: date) -> "Clock":
        """Build from a day in Paris.

        Each hour that passes gets the weight of the local hour it is: on the spring
        night two o'clock never comes, on the autumn night it comes twice.
        """
        midnight = midnight_of(day)
        passed = int((midnight_of(day + timedelta(days=1)) - midnight) / timedelta(hours=1))
        local = tuple((midnight + timedelta(hours=h)).astimezone(PARIS).hour for h in range(passed))
        weights = _HOURS if is_open_day(day) else _SUNDAY_HOURS
        return cls(midnight, local, Choice.of([weights[hour] for hour in local]))


def monday_of(day: date) -> date:
    """Return the Monday of that day's week."""
    return day - timedelta(days=day.weekday())


def midnight_of(day: date) -> datetime:
    """Return when that day begins in Paris, as a moment in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)
