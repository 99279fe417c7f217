import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sampling import assert_follows, assert_share, follow_each_other, gamma_below, local_days

from generator.customers import Customers, choose_buyers, meet_customers
from generator.places import Place, read_places
from generator.randomness import Quantiles, draw_words
from generator.world import World

FIRST = date(2024, 11, 21)
PLANNED_ORDERS, DAYS = 200_000, 730
WORLD = World(42, PLANNED_ORDERS, DAYS, FIRST)
COUNT = 100_000  # one customer for two orders


@pytest.fixture(scope="module")
def customers():
    return meet_customers(WORLD, read_places(), WORLD.last_planned_day)


def some_customers(rate, arrives=None, leaves=None) -> Customers:
    zeros = np.zeros(len(rate), dtype=np.int64)
    return Customers(
        42,
        [Place("Ville", None, "00000", "FR", "24", 1)],
        np.array(rate, dtype=np.int64),
        zeros if arrives is None else np.array(arrives, dtype=np.int64),
        zeros + 1 if leaves is None else np.array(leaves, dtype=np.int64),
    )


def test_one_customer_is_met_for_two_orders(customers):
    assert len(customers.rate) == COUNT
    assert customers.numbers.tolist() == list(range(COUNT))


def test_rates_are_gamma_distributed(customers):
    # Kolmogorov and Smirnov: 99.9 % of the largest distances lie below 1.95 / √n. Values are
    # whole, and linear between the quantiles: the distance is taken where the table is exact.
    for step in range(4, 128, 4):
        value = int(Quantiles.read("purchase_rate").values[step])
        expected = gamma_below(0.55, value / 1000 * 0.55)
        assert abs(expected - step / 128) < 0.01  # as the table, whose values are whole
        found = (customers.rate <= value).mean()
        assert abs(found - expected) < 1.95 / math.sqrt(COUNT) + 0.003 * (step < 16), step
    # The largest rates are not drawn: the mean stays a little below 1,000.
    assert 970 < customers.rate.mean() < 1_010
    assert customers.rate.min() >= 1


def dropout_of(customers: Customers) -> np.ndarray:
    drawn = Quantiles.read("dropout").pick(draw_words(42, "dropout", customers.numbers))
    return np.maximum(drawn, 1)


@pytest.mark.parametrize("after_days", [1, 10, 60, 200, 730, 3_000])
def test_customers_stay_until_a_purchase_she_leaves_after(customers, after_days):
    # She buys at rate / 1000 / 60 a day, and leaves after each purchase with a probability.
    leaving = customers.rate / 1000 / 60 * dropout_of(customers) / 1_000_000
    expected = np.exp(-leaving * after_days)
    stay = customers.leaves - customers.arrives - 1
    deviation = math.sqrt((expected * (1 - expected)).sum())
    assert abs((stay >= after_days).sum() - expected.sum()) < 4 * deviation
    # So it is for those who buy often and for those who buy seldom; of these, one in a
    # thousand draws a stay that is rounded down to nothing.
    for rows in (customers.rate > 1000, customers.rate < 100) if after_days > 1 else ():
        deviation = math.sqrt((expected * (1 - expected))[rows].sum())
        found = (stay >= after_days)[rows].sum()
        assert abs(found - expected[rows].sum()) < 4 * deviation + 1


def test_what_customers_are_like_does_not_hang_together(customers):
    stay = customers.leaves - customers.arrives
    hazard = customers.rate * dropout_of(customers)
    columns = [customers.rate, dropout_of(customers), customers.home, stay * hazard]
    ranks = [np.argsort(np.argsort(column, kind="stable")) for column in columns]
    found = np.corrcoef(ranks)[np.triu_indices(len(columns), 1)]
    # The last pairs share the rounding of days: they may hang together a little.
    assert np.abs(found[[0, 1, 3]]).max() < 4 / math.sqrt(COUNT)
    assert np.abs(found[[2, 4, 5]]).max() < 0.05


def test_customers_arrive_one_after_the_other_with_the_orders(customers):
    assert follow_each_other(customers.arrives.tolist())
    founders = int((customers.arrives == 0).sum())
    met_on_first_day = 65_000 * WORLD.orders_on(FIRST) / PLANNED_ORDERS
    assert abs(founders - 35_000 - met_on_first_day) <= 1
    orders = np.cumsum([WORLD.orders_on(day) for day in local_days(FIRST, DAYS)])
    for day in (0, 10, 364, 365, 729):
        expected = 35_000 + 65_000 * orders[day] / PLANNED_ORDERS
        assert abs((customers.arrives <= day).sum() - expected) <= 1
    assert (customers.leaves > customers.arrives).all()


@pytest.mark.parametrize("days", [0, 1, 100, 728, 1_500])
def test_customer_n_is_the_same_whatever_the_last_day(customers, days):
    some = meet_customers(WORLD, read_places(), FIRST + timedelta(days=days))
    common = min(len(some.rate), COUNT)
    assert (len(some.rate) > COUNT) == (days > DAYS)
    for name in ("rate", "arrives", "leaves", "home", "taste", "store", "nearness"):
        assert (getattr(some, name)[:common] == getattr(customers, name)[:common]).all(), name


def test_after_the_plan_customers_go_on_coming():
    later = meet_customers(WORLD, read_places(), WORLD.last_planned_day + timedelta(days=365))
    assert 25_000 < len(later.rate) - COUNT < 45_000
    assert later.arrives[COUNT] == DAYS


@pytest.mark.parametrize("orders", [1, 5, 40, 1_000])
def test_somebody_is_always_active(orders):
    world = World(7, orders, 30, date(2015, 1, 1))
    days = 365 * 10
    customers = meet_customers(world, read_places(), world.first_day + timedelta(days=days))
    for first in (-6, 0, 29, 400, days - 7):
        active = customers.active_in(first, max(first + 6, 0))
        assert len(active)
        assert (customers.arrives[active] <= max(first + 6, 0)).all()


@given(
    stays=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20)), min_size=1, max_size=20),
    first=st.integers(-6, 40),
    length=st.integers(1, 10),
)
@example(stays=[(0, 3), (1, 5)], first=3, length=1)
@example(stays=[(0, 3), (3, 5)], first=0, length=3)
def test_active_are_those_who_have_come_and_not_left(stays, first, length):
    arrives = [arrival for arrival, _ in stays]
    leaves = [arrival + stay for arrival, stay in stays]
    customers = some_customers([1] * len(stays), arrives, leaves)
    week = set(range(first, first + length))
    here = [n for n in range(len(stays)) if week & set(range(arrives[n], leaves[n]))]
    came = [n for n in range(len(stays)) if arrives[n] <= first + length - 1]
    assert customers.active_in(first, first + length - 1).tolist() == (here or came)


def test_buyers_come_as_often_as_their_rates_say():
    rates = np.array([1, 10, 0, 40, 5_000, 9_000, 300, 1_000, 1_000, 800, 77, 2_500]) + 1
    active = np.array([0, 1, 4, 5, 6, 8, 9, 11])
    words = draw_words(1, "buyer", np.arange(200_000, dtype=np.uint64))
    buyers = choose_buyers(some_customers(rates), active, words)
    weights = np.zeros(len(rates))
    weights[active] = rates[active]
    assert_follows(np.bincount(buyers, minlength=len(rates)), weights)


def test_people_shop_in_the_store_of_their_region(customers):
    names = {1: "BOUTIQUE-PARIS-01", 2: "BOUTIQUE-LYON-01", 3: "POPUP-MARSEILLE-01"}
    by_region = {"11": 1, "84": 2, "93": 3}  # Île-de-France, Auvergne-Rhône-Alpes, PACA
    liked = {"53": 1, "76": 2, "44": 3}
    regions = [customers.places[home].region_code for home in customers.home.tolist()]
    assert customers.store.tolist() == [by_region.get(region, 1) for region in regions]
    overseas = {"01", "02", "03", "04", "06", "foreign"} | {str(code) for code in range(975, 990)}
    assert customers.nearness.tolist() == [
        2 if region in overseas else int(region in by_region) for region in regions
    ]
    assert customers.taste.tolist() == [liked.get(region, 0) for region in regions]
    assert set(customers.store.tolist()) == set(names)


def test_the_most_loyal_tenth_of_customers_is_owed_half_of_the_trade(customers):
    # A gamma of shape 0.55: its largest tenth holds 45 % of the whole, by its own integral.
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if gamma_below(0.55, middle) < 0.9 else (low, middle)
    share = 1 - gamma_below(1.55, low)
    rates = np.sort(customers.rate)
    assert rates[-COUNT // 10 :].sum() / rates.sum() == pytest.approx(share, abs=0.01)
    assert_share(int((customers.rate > low / 0.55 * 1000).sum()), COUNT, 0.1)


def test_a_plan_of_few_orders_still_has_twenty_customers():
    world = World(42, 5, 730, FIRST)
    assert len(meet_customers(world, read_places(), world.last_planned_day).rate) == 20
