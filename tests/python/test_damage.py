"""Each defect does what its name says, is in the key, and leaves the rest of the world alone."""

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from worlds import FIRST, key_rows, raw_lines, records, write_world

from generator.answer_key import TABLES
from generator.dirt import HEAVY, PROFILES, Dirt, DirtError, read_dirt

PARIS = ZoneInfo("Europe/Paris")
LAST = FIRST + timedelta(days=199)
# Ten times what is heavy, so that a small world has many of each.
DIRT = Dirt("test", {name: min(rate * 10, 20_000) for name, rate in HEAVY.items()})
LOST = ("torn_line", "wrong_type", "impossible_date", "reset_clock", "broken_utf8")
PERSONAL = ("missing_address", "missing_phone", "missing_email", "invalid_phone", "mojibake")


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    write_world(folder)
    return folder


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirty")
    write_world(folder, dirt=DIRT)
    return folder


@pytest.fixture(scope="module")
def truth(clean):
    return {(unit["txid"], unit["rfid"]): unit for unit in records(clean)}


@pytest.fixture(scope="module")
def defects(dirty):
    found = defaultdict(list)
    for row in key_rows(dirty, "defects"):
        found[row["defect"]].append(row)
    return found


@pytest.fixture(scope="module")
def arrivals(dirty):
    """Return, for each key that can be read, the days its lines arrive and the lines."""
    found = defaultdict(list)
    for path in sorted((dirty / "orders").iterdir()):
        for line in path.read_bytes().splitlines():
            try:
                unit = json.loads(line)
            except ValueError:
                continue
            found[unit["txid"], unit["rfid"]].append((path.name, unit))
    return found


def key(row):
    return row["txid"], row["rfid"]


def test_every_defect_happens_about_as_often_as_asked(truth, dirty, defects):
    orders = len({txid for txid, _ in truth})
    returned = sum(1 for _ in raw_lines(dirty, "returns"))
    for name, rate in DIRT.rates.items():
        if name.startswith("web_"):
            continue
        if name == "mojibake":  # only a name with an accent can suffer it
            assert defects[name]
            continue
        of = orders if name in PERSONAL else returned if name.startswith("return") else len(truth)
        expected = of * rate / 1_000_000
        # A unit that several defects would hit suffers one.
        assert (
            expected * 0.8 - 4 * expected**0.5
            < len(defects[name])
            < expected + 4 * (expected**0.5 + 1)
        ), name


def test_the_world_beneath_is_the_clean_one(clean, dirty):
    for table in (t for t in TABLES if t not in ("defects", "touched")):
        assert key_rows(dirty, table) == key_rows(clean, table), table


def test_lines_without_a_defect_are_those_of_the_clean_world(truth, defects, arrivals):
    orders = {row["txid"] for name in PERSONAL for row in defects[name]}
    units = {key(row) for name, rows in defects.items() if name not in PERSONAL for row in rows}
    whole = 0
    for which, unit in truth.items():
        if which[0] in orders or which in units:
            continue
        assert [found for _, found in arrivals[which]] == [unit]
        whole += 1
    assert whole > len(truth) / 2


def test_every_line_is_accounted_for(truth, dirty, defects):
    lines = sum(1 for line in raw_lines(dirty) if line.strip())
    late = [row for row in defects["late_arrival"] if row["arrives_on"] > LAST]
    copies = [
        row
        for name in ("exact_duplicate", "conflicting_duplicate", "correction", "unit_sold_twice")
        for row in defects[name]
        if row["arrives_on"] <= LAST
    ]
    assert late
    assert lines == len(truth) - len(late) + len(copies)


def test_personal_defects_change_one_thing_in_every_line_of_the_order(truth, defects, arrivals):
    by_order = defaultdict(set)
    for name in PERSONAL:
        for row in defects[name]:
            by_order[row["txid"]].add(name)
    damaged = {key(row) for name in defects for row in defects[name] if name not in PERSONAL}
    checked = Counter()
    for which, unit in truth.items():
        names = by_order.get(which[0], set())
        if not names or which in damaged:
            continue
        [(_, found)] = arrivals[which]
        expected = dict(unit)
        for name in names & {"missing_address", "missing_phone", "missing_email"}:
            expected[name.removeprefix("missing_")] = None
        if "invalid_phone" in names and "missing_phone" not in names:
            expected["phone"] = unit["phone"][:-3]
        if "mojibake" in names:
            assert found["name"] != unit["name"]
            assert found["name"].encode("latin-1").decode() == unit["name"]
            expected["name"] = found["name"]
        assert found == expected
        checked.update(names)
    assert min(checked[name] for name in PERSONAL if name != "mojibake") > 20


def test_lost_lines_cannot_be_read_as_the_sale_they_were(dirty, defects, arrivals):
    for name in ("torn_line", "broken_utf8"):
        assert not any(key(row) in arrivals for row in defects[name])
    for row in defects["wrong_type"]:
        assert isinstance(arrivals[key(row)][0][1]["unit_price"], dict)
    for row in defects["impossible_date"]:
        assert "-02-30T" in arrivals[key(row)][0][1]["purchase_time"]
    for row in defects["reset_clock"]:
        assert arrivals[key(row)][0][1]["purchase_time"].startswith("1970-01-01T")
    torn = [line for line in raw_lines(dirty) if not line.endswith(b"}\n")]
    assert len(torn) == len(defects["torn_line"])
    invalid = [line for line in raw_lines(dirty) if b'"name":"\xe9' in line]
    assert len(invalid) == len(defects["broken_utf8"])


def test_an_unknown_item_is_a_near_miss(truth, defects, arrivals):
    seen = set()
    for row in defects["unknown_item"]:
        [(_, found)] = arrivals[key(row)]
        right = truth[key(row)]["item"]
        assert found["item"] == row["detail"] != right
        assert re.sub(" +", " ", found["item"]).removesuffix(" Bronze").lower() == right.lower()
        seen.add((found["item"].islower(), found["item"].endswith("Bronze")))
    assert len(seen) == 3


def test_copies_say_what_they_should_in_the_order_they_should(truth, defects, arrivals):
    for row in defects["exact_duplicate"]:
        units = [unit for _, unit in arrivals[key(row)]]
        assert len(units) == 1 + (row["arrives_on"] <= LAST)
        assert all(unit == units[0] for unit in units)
        assert 0 <= (row["arrives_on"] - row["sale_date"]).days <= 3
    for name, right in (("conflicting_duplicate", 0), ("correction", 1)):
        for row in defects[name]:
            prices = [unit["unit_price"] for _, unit in arrivals[key(row)]]
            true = truth[key(row)]["unit_price"]
            expected = [true, round(true + 10, 2)]
            if right:
                expected.reverse()
            assert prices == expected[: 1 + (row["arrives_on"] <= LAST)]
    for row in defects["unit_sold_twice"]:
        [(_, first)], [(_, second)] = arrivals[key(row)], arrivals[row["detail"], row["rfid"]]
        assert second == {**first, "txid": row["detail"]}
        assert row["detail"] not in {txid for txid, _ in truth}


def test_what_is_late_lies_in_the_file_of_the_day_it_arrives(defects, arrivals):
    delays = []
    for row in defects["late_arrival"]:
        found = arrivals[key(row)]
        if row["arrives_on"] > LAST:
            assert found == []
            continue
        [(name, unit)] = found
        first, last = (date.fromisoformat(text) for text in re.findall(r"\d{4}-\d\d-\d\d", name))
        assert first <= row["arrives_on"] <= last
        sold = datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC)
        assert sold.astimezone(PARIS).date() == row["sale_date"]
        delays.append((row["arrives_on"] - row["sale_date"]).days)
    assert min(delays) >= 1
    assert 30 < max(delays) <= 150


def test_returns_come_twice_too_early_and_for_nothing(clean, dirty, truth, defects):
    right = {(back["txid"], back["rfid"]): back for back in records(clean, "returns")}
    found = defaultdict(list)
    for back in records(dirty, "returns"):
        found[back["txid"], back["rfid"]].append(back)
    early = {key(row) for row in defects["return_before_sale"]}
    twice = {key(row) for row in defects["return_sent_twice"]}
    unsold = {key(row) for row in defects["return_of_unsold_unit"]}
    assert set(found) == set(right) | unsold
    for which, backs in found.items():
        if which in unsold:
            assert which not in truth
            continue
        assert len(backs) == 1 + (which in twice)
        expected = dict(right[which])
        if which in early:
            assert backs[0]["return_time"] < truth[which]["purchase_time"]
            expected["return_time"] = backs[0]["return_time"]
        assert backs == [expected] * len(backs)


def test_a_return_that_went_wrong_is_known_by_its_days(clean, truth, defects):
    right = {(back["txid"], back["rfid"]): back for back in records(clean, "returns")}
    checked = 0
    for name in ("return_before_sale", "return_sent_twice"):
        for row in defects[name]:
            sold, back = truth[key(row)]["purchase_time"], right[key(row)]["return_time"]
            days = [
                datetime.fromisoformat(time).replace(tzinfo=UTC).astimezone(PARIS).date()
                for time in (sold, back)
            ]
            assert [row["sale_date"], row["arrives_on"]] == days
            checked += 1
    assert checked > 20


def test_what_a_defect_touches_is_remembered_as_it_truly_was(clean, dirty, truth, defects):
    """Nothing else tells how far a defect moves the counts: the line itself may be lost."""
    touched = {key(row): row for row in key_rows(dirty, "touched")}
    lasting = {"missing_phone", "missing_email", "invalid_phone", "mojibake"}
    hit = {row["txid"] for name in set(defects) - lasting for row in defects[name]}
    # Of a return to come, nobody knows yet that it will go wrong.
    late = {w[0] for w, row in touched.items() if row["return_date"] and row["return_date"] > LAST}
    assert {which for which in truth if which[0] in hit} <= set(touched)
    assert {which for which in truth if which[0] in hit | late} >= set(touched)
    backs = {(back["txid"], back["rfid"]): back for back in records(clean, "returns")}
    buyers = {row["customer"]: row for row in key_rows(clean, "customers")}
    owners = {row["rfid_serial"]: row["customer"] for row in key_rows(clean, "units")}
    returned = 0
    for which, row in touched.items():
        unit = truth[which]
        sold = datetime.fromisoformat(unit["purchase_time"]).replace(tzinfo=UTC)
        buyer = buyers[owners[int(unit["rfid"], 16) % 2**38]]
        assert row["sale_date"] == sold.astimezone(PARIS).date()
        assert row["location_id"] == (unit["store_id"] or "ENTREPOT-ROISSY-01")
        assert (row["item_name"], row["customer"]) == (unit["item"], buyer["customer"])
        assert (row["region_code"], row["country_code"]) == (
            buyer["region_code"],
            buyer["country_code"],
        )
        assert row["gross_cents"] == round(unit["unit_price"] * 100)
        assert row["discount_cents"] == round(unit["discount"] * 100)
        back = backs.get(which)
        if back is None:  # it has not come back yet, if it ever does
            assert row["return_date"] is None or row["return_date"] > LAST
            continue
        came = datetime.fromisoformat(back["return_time"]).replace(tzinfo=UTC)
        assert row["return_date"] == came.astimezone(PARIS).date()
        assert row["return_reason"] == back["reason"]
        returned += 1
    assert returned > 20


def test_details_lead_to_what_was_told_and_to_what_was_meant(dirty, truth, defects):
    told = {(back["txid"], back["rfid"]): back for back in records(dirty, "returns")}
    days = []
    for row in defects["return_before_sale"]:
        early = datetime.fromisoformat(told[key(row)]["return_time"]).replace(tzinfo=UTC)
        assert row["detail"] == early.astimezone(PARIS).date().isoformat()
        days.append((row["sale_date"] - date.fromisoformat(row["detail"])).days)
    assert set(days) <= {0, 1}
    for row in defects["return_of_unsold_unit"]:
        strange, meant = told[key(row)], told[row["txid"], row["detail"]]
        assert (row["txid"], row["detail"]) in truth
        assert (strange["reason"], strange["refund_amount"]) == (
            meant["reason"],
            meant["refund_amount"],
        )


def test_returns_lie_in_the_order_they_arrive(clean, dirty, defects):
    right = {(back["txid"], back["rfid"]): back for back in records(clean, "returns")}
    unsold = {key(row) for row in defects["return_of_unsold_unit"]}
    arrived = [
        right[back["txid"], back["rfid"]]["return_time"]
        for back in records(dirty, "returns")
        if (back["txid"], back["rfid"]) not in unsold
    ]
    assert arrived == sorted(arrived)


def test_a_defect_draws_alone(tmp_path):
    few = Dirt("test", {"correction": 20_000})
    more = Dirt("test", {"correction": 20_000, "late_arrival": 1})
    hit = []
    for number, dirt in enumerate((few, more)):
        folder = tmp_path / str(number)
        write_world(folder, dirt=dirt, orders=500, days=30)
        hit.append({key(r) for r in key_rows(folder, "defects") if r["defect"] == "correction"})
    assert hit[0]
    assert hit[0] == hit[1]


def test_profiles_are_known_by_name():
    assert read_dirt("none").rates == {}
    assert read_dirt("heavy").rates == HEAVY
    assert set(PROFILES["light"]) == set(HEAVY)
    assert all(0 < PROFILES["light"][name] <= HEAVY[name] for name in HEAVY)


def test_a_file_of_rates(tmp_path):
    path = tmp_path / "till.toml"
    path.write_text("mojibake = 0.5\ntorn_line = 0\n")
    assert read_dirt(str(path)).rates == {"mojibake": 500_000, "torn_line": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mojibak = 0.1", "no defect is called mojibak: known are missing_address, "),
        ("mojibake = 2", "mojibake must be a number from 0 to 1"),
        ("mojibake = true", "mojibake must be a number"),
        ("mojibake = 'often'", "mojibake must be a number"),
        ("mojibake", "cannot be read"),
        ("[mojibake]\nrate = 1", "mojibake must be a number"),
    ],
)
def test_a_wrong_file_of_rates_is_refused(tmp_path, text, words):
    path = tmp_path / "till.toml"
    path.write_text(text)
    with pytest.raises(DirtError, match=re.escape(words)):
        read_dirt(str(path))
