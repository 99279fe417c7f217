"""The calendar's effects: those of the true calendar are found, those of a shuffled one are not."""

import math
import random
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import LAST_DAY, Shop

MODELS = (
    "marts/core/dim_events",
    "intermediate/int_event_days_compared",
    "intermediate/int_subject_noises_measured",
    "marts/core/fct_event_sales",
    "marts/sales/rpt_calendar_effects",
)
FOUND_BY_CHANCE = 0.05

Connection = duckdb.DuckDBPyConnection
Event = tuple[str, date, date, str, str | None]


@pytest.fixture(scope="module")
def two_years(tmp_path_factory: pytest.TempPathFactory, target: Path) -> Shop:
    """A shop of two years, built as far as its calendar. Read only."""
    shop = Shop(tmp_path_factory.mktemp("two years"), target)
    shop.generate("--orders", "30000", "--end", LAST_DAY, "--seed", "11", "--format", "parquet")
    shop.warehouse("load")
    shop.dbt("seed")
    shop.dbt("run", "--select", "+rpt_calendar_effects")
    return shop


@pytest.fixture
def copy(two_years: Shop, tmp_path: Path) -> Connection:
    """A copy of its database, to be given other calendars."""
    shutil.copy(two_years.working, tmp_path / "kscm.duckdb")
    return duckdb.connect(str(tmp_path / "kscm.duckdb"))


def rebuild(connection: Connection, shop: Shop, events: list[Event]) -> None:
    """Make the calendar's models anew from these events, by the SQL that dbt has compiled."""
    connection.execute("delete from reference.calendar_events")
    connection.executemany("insert into reference.calendar_events values (?, ?, ?, ?, ?)", events)
    for model in MODELS:
        sql = (shop.target / "compiled/kscm/models" / f"{model}.sql").read_text()
        schema, name = model.split("/")[0], model.split("/")[-1]
        connection.execute(f"create or replace table {schema}.{name} as {sql}").fetchall()


def read_events(connection: Connection) -> list[Event]:
    return connection.execute(
        "select event_name, start_date, end_date, event_kind, theme "
        "from reference.calendar_events order by all"
    ).fetchall()


def moved(event: Event, chance: random.Random) -> Event:
    """Move an event to other days of its year; it stays as long as it is."""
    name, first_day, last_day, kind, theme = event
    length = last_day - first_day
    days = (date(first_day.year + 1, 1, 1) - date(first_day.year, 1, 1) - length).days
    first_day = date(first_day.year, 1, 1) + timedelta(chance.randrange(days))
    return name, first_day, first_day + length, kind, theme


def families(connection: Connection) -> list[tuple[str, str, int]]:
    """Count what is found in each family of tests: a system and a kind of subject."""
    return connection.execute(
        "select source_system, subject_kind, count(case when is_found then 1 end) "
        "from marts.rpt_calendar_effects where occurrences > 1 group by all order by all"
    ).fetchall()


def most_by_chance(mean: float) -> int:
    """Return what a Poisson law of that mean exceeds once in a thousand times."""
    number, below = 0, math.exp(-mean)
    while below < 0.999:
        number += 1
        below += math.exp(-mean) * mean**number / math.factorial(number)
    return number


def test_the_strongest_planted_effects_are_found(two_years: Shop):
    found = two_years.query_working(
        "select event_name, event_window, subject from marts.rpt_calendar_effects "
        "where is_found and source_system = 'pos' and coalesce(share_lift, lift) > 1"
    )
    assert set(found) >= {
        ("black_friday", "days", "all"),
        ("soldes_hiver", "days", "all"),
        ("soldes_ete", "days", "all"),
        ("noel_achats", "days", "all"),
        ("halloween", "week_before", "Vampire"),
    }


def test_a_shuffled_calendar_finds_what_chance_allows(
    two_years: Shop,
    copy: Connection,
    many: Callable[[int, int], int],
    figure: Callable[[str, str], None],
):
    # Where nothing is to be found, Benjamini and Hochberg find something in a family of tests
    # with 5 % probability at most. Christmas and the sales are still in the data, and a moved
    # event may fall on them; yet hardly in both years.
    events = read_events(copy)
    tried, with_findings, found = 0, 0, 0
    for seed in range(many(5, 80)):
        chance = random.Random(seed)  # noqa: S311
        rebuild(copy, two_years, [moved(event, chance) for event in events])
        counts = [count for _, _, count in families(copy)]
        tried += len(counts)
        with_findings += sum(count > 0 for count in counts)
        found += sum(counts)
    figure("calendar effects found, shuffled calendars", f"{found} in {tried} families of tests")
    assert tried > 0
    assert with_findings <= most_by_chance(FOUND_BY_CHANCE * tried)


def test_the_true_calendar_again_finds_the_same(two_years: Shop, copy: Connection):
    # Rebuilding beside dbt changes nothing by itself, nor does the order of the events.
    every = "from marts.rpt_calendar_effects order by all"
    before = copy.execute(every).fetchall()
    rebuild(copy, two_years, read_events(copy)[::-1])
    assert copy.execute(every).fetchall() == before


@pytest.mark.parametrize(
    ("kind", "subject"), [("all", "all"), ("style", "Vampire"), ("finish", "Gold")]
)
def test_levels_and_noise_equal_a_plain_recount(two_years: Shop, kind: str, subject: str):
    told = two_years.query_working(
        "select event_id, event_window, units_sold, expected_units, tested_units, spread "
        f"from marts.fct_event_sales where source_system = 'pos' and subject = '{subject}'"
    )
    recount = Recount(two_years, "true" if kind == "all" else f"{kind} = '{subject}'")
    assert len(told) > 20
    for event_id, window, units, *measures in told:
        sold, *others = recount.of(event_id, window, kind == "all")
        assert sold == units
        assert [float(measure) for measure in measures] == pytest.approx(others, rel=1e-5)


class Recount:
    """The sales of the tills day by day, and what the documentation says of level and noise."""

    def __init__(self, shop: Shop, condition: str) -> None:
        self.all, self.units = (
            dict(
                shop.query_working(
                    "select revenue_date, sum(units_sold) from marts.fct_revenue_days "
                    "inner join marts.dim_products using (product_id) "
                    f"where source_system = 'pos' and units_sold > 0 and {filtered} group by all"
                )
            )
            for filtered in ("true", condition)
        )
        events = shop.query_working("select event_id, first_day, last_day from marts.dim_events")
        self.events = {name: (first, last) for name, first, last in events}
        first_day, last_day = min(self.all), max(self.all)
        self.season: dict[date, str | None] = {}
        self.usual: list[date] = []
        for number in range((last_day - first_day).days + 1):
            day = first_day + timedelta(number)
            on = {name: (end - start).days for name, start, end in events if start <= day <= end}
            self.season[day] = max((name for name, days in on.items() if days >= 14), default=None)
            if day in self.all and all(days >= 14 for days in on.values()):
                self.usual.append(day)

    def of(self, event_id: str, window: str, is_all: bool) -> tuple[float, float, float, float]:
        """Return units sold, expected and tested units and spread."""
        first_day, last_day = self.events[event_id]
        week_before = [first_day - timedelta(n) for n in range(1, 8)]
        own = [first_day + timedelta(n) for n in range((last_day - first_day).days + 1)]
        days = own if window == "days" else week_before
        around = [
            day
            for day in self.usual
            if day not in own
            and day not in week_before
            and first_day - timedelta(63) <= day <= last_day + timedelta(56)
        ]
        expected, of_all, error = 0.0, 0.0, 0.0
        for day in days:
            like = [other for other in around if self._is_like(day, other, event_id)]
            twins = sum(self._is_like(day, other, event_id) for other in days)
            expected += sum(self.units.get(other, 0) for other in like) / len(like)
            of_all += sum(self.all[other] for other in like) / len(like)
            error += twins / len(like) / len(days)
        lift_of_all = 1 if is_all else sum(self.all.get(day, 0) for day in days) / of_all
        tested = expected * lift_of_all
        of_days, of_weeks = self._noise(is_all)
        spread = (of_days + of_weeks * tested / max(1, len(days) / 7)) * (1 + error)
        return sum(self.units.get(day, 0) for day in days), expected, tested, spread

    def _is_like(self, day: date, other: date, event_id: str) -> bool:
        seasons = [None if s == event_id else s for s in (self.season[day], self.season[other])]
        return day.weekday() == other.weekday() and seasons[0] == seasons[1]

    def _noise(self, is_all: bool) -> tuple[float, float]:
        normal = [day for day in self.usual if self.season[day] is None]
        squares, levels = 0.0, 0.0
        weeks: dict[date, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for weekday in range(7):
            same = [day for day in normal if day.weekday() == weekday]
            for place, day in enumerate(same):
                near = same[max(0, place - 8) : place] + same[place + 1 : place + 9]
                level = sum(self.units.get(other, 0) for other in near)
                of_all = sum(self.all[other] for other in near)
                level = level / len(near) if is_all else level * self.all[day] / of_all
                units = self.units.get(day, 0)
                squares, levels = squares + (units - level) ** 2, levels + level
                week = weeks[day - timedelta(weekday)]
                week[0], week[1] = week[0] + units, week[1] + level
        of_weeks = sum((units - level) ** 2 for units, level in weeks.values())
        size = sum(level**2 for _, level in weeks.values())
        return max(1, squares / levels), max(0, of_weeks - squares) / size
