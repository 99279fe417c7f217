"""What the defects of `dirt` do to the tills' lines, and what they are remembered by.

A unit that two defects would hit suffers the first of the list, so that every line has one
story. What arrives later than its day is an echo: a line for the file of another day.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import compress
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generator.catalogue import references
from generator.defects import Defect
from generator.demand import PARIS
from generator.dirt import Dirt
from generator.identifiers import sgtin96, uuid7
from generator.orders import UNITS_PER_ORDER, Block
from generator.randomness import Indices, Quantiles, Words, draw_words
from generator.returns import Returns, join_returns
from generator.texts import as_list

MAX_DAYS_LATE = 150
_HOUR = np.uint64(3_600_000_000)  # microseconds
_OTHER_ORDER = np.uint64(1 << 60)  # far above every order's number


class _Fate(NamedTuple):
    """What becomes of a line: what stands in its place, what comes later, and when."""

    line: bytes
    echo: bytes | None = None
    days_later: int = 0
    detail: str | None = None


def _keep_and_repeat(line: bytes, word: int) -> _Fate:
    return _Fate(line, line, word % 4)


def _contradict(line: bytes, word: int) -> _Fate:
    return _Fate(line, _dearer(line), 0, "unit_price + 10.00")


def _correct(line: bytes, word: int) -> _Fate:
    return _Fate(_dearer(line), line, 1 + word % 5, "first unit_price + 10.00")


def _delay(line: bytes, word: int) -> _Fate:
    # The square of a log-normal with sigma 0.8 is one with 1.6: a day or two, or months.
    lag = int(Quantiles.read("return_lag").pick(np.array([word], dtype=np.uint64))[0])
    return _Fate(b"", line, min(1 + lag**2 * 3 // 2_000_000, MAX_DAYS_LATE))


def _rename(line: bytes, word: int) -> _Fate:
    old = _text(line, b"item")
    new = [old.lower(), old.replace("Statue ", "Statue  "), f"{old} Bronze"][word % 3]
    return _Fate(line.replace(old.encode(), new.encode(), 1), detail=new)


def _tear(line: bytes, word: int) -> _Fate:
    return _Fate(line[: 1 + word % (len(line) - 3)] + b"\n")


def _mistype(line: bytes, word: int) -> _Fate:
    return _Fate(re.sub(rb'"unit_price":([0-9.]+)', rb'"unit_price":{"amount":\1}', line))


def _break_date(line: bytes, word: int) -> _Fate:
    return _Fate(re.sub(rb'("purchase_time":"\d{4})-\d\d-\d\d', rb"\1-02-30", line))


def _reset_clock(line: bytes, word: int) -> _Fate:
    return _Fate(re.sub(rb'("purchase_time":")\d{4}-\d\d-\d\d', rb"\g<1>1970-01-01", line))


def _break_utf8(line: bytes, word: int) -> _Fate:
    return _Fate(line.replace(b'"name":"', b'"name":"\xe9', 1))


# By priority. `unit_sold_twice` needs another TXID and is made where that is known.
_SPOILING: dict[str, Callable[[bytes, int], _Fate] | None] = {
    "torn_line": _tear,
    "wrong_type": _mistype,
    "impossible_date": _break_date,
    "reset_clock": _reset_clock,
    "broken_utf8": _break_utf8,
    "unknown_item": _rename,
}
_ECHOING: dict[str, Callable[[bytes, int], _Fate] | None] = {
    "late_arrival": _delay,
    "correction": _correct,
    "conflicting_duplicate": _contradict,
    "unit_sold_twice": None,
    "exact_duplicate": _keep_and_repeat,
}
_UNIT_DEFECTS = list((_SPOILING | _ECHOING).items())
UNIT_DEFECTS = [name for name, _ in _UNIT_DEFECTS]
RETURN_DEFECTS = ("return_before_sale", "return_sent_twice", "return_of_unsold_unit")


@dataclass
class Damage:
    """Applies dirt block after block; keeps echoes until their day comes."""

    seed: int
    dirt: Dirt
    echoes: dict[date, list[bytes]] = field(default_factory=lambda: defaultdict(list))

    def echoing_units(self, block: Block) -> Indices:
        """Return the positions of the units whose lines may come on a later day."""
        hit = np.zeros(len(block.unit), dtype=np.bool_)
        for defect in _ECHOING:
            hit |= self.dirt.hits(self.seed, defect, block.unit)
        return np.flatnonzero(hit)

    def damage_persons(
        self, block: Block, units: Indices, persons: pa.BinaryArray
    ) -> tuple[pa.BinaryArray, list[Defect]]:
        """Spoil what buyers told; all units of an order alike."""
        orders, first, position = np.unique(
            block.owner[units], return_index=True, return_inverse=True
        )
        numbers = block.order[orders]
        hits = np.array([self.dirt.hits(self.seed, name, numbers) for name in _PERSON_DEFECTS])
        is_hit = np.logical_or.reduce(hits)
        if not is_hit.any():
            return persons, []
        texts = persons.take(pa.array(first[is_hit])).to_pylist()
        told, defects = [], []
        for order, names, txid, text in zip(
            orders[is_hit].tolist(),
            hits[:, is_hit].T.tolist(),
            self._txids(block, orders[is_hit]),
            texts,
            strict=True,
        ):
            person = json.loads(b"{" + text[2:] + b"}")
            acts = compress(_PERSON_DEFECTS.items(), names)
            happened = [name for name, act in acts if act(person)]
            said = json.dumps(person, ensure_ascii=False, separators=(",", ":"))
            told.append(f'",{said[1:-1]}'.encode())
            day = block.monday + timedelta(days=int(block.day[order]))
            defects += [Defect("orders", name, txid, None, day, day) for name in happened]
        mask = is_hit[position]
        spoilt = pa.array(told, pa.binary()).take(pa.array((np.cumsum(is_hit) - 1)[position][mask]))
        return pc.replace_with_mask(persons, pa.array(mask), spoilt), defects

    def damage_lines(
        self, block: Block, units: Indices, lines: pa.BinaryArray
    ) -> tuple[pa.BinaryArray, list[Defect]]:
        """Spoil lines; what comes later is kept in `echoes`."""
        defect = self._choose(block.unit[units])
        rows = np.flatnonzero(defect >= 0)
        if len(rows) == 0:
            return lines, []
        hit = units[rows]
        words = draw_words(self.seed, "dirt detail", block.unit[hit])
        texts = lines.take(pa.array(rows)).to_pylist()
        txids = self._txids(block, block.owner[hit])
        rfids = as_list(sgtin96(self.seed, block.unit[hit], block.reference[hit]))
        others = self._txids(block, block.owner[hit], _OTHER_ORDER)
        spoilt, defects = [], []
        for i, kind in enumerate(defect[rows].tolist()):
            name, act = _UNIT_DEFECTS[kind]
            if act:
                fate = act(texts[i], int(words[i]))
            else:
                twin = texts[i].replace(txids[i].encode(), others[i].encode(), 1)
                fate = _Fate(texts[i], twin, detail=others[i])
            sold = block.monday + timedelta(days=int(block.day[block.owner[hit[i]]]))
            arrives = sold + timedelta(days=fate.days_later)
            if fate.echo:
                self.echoes[arrives].append(fate.echo)
            spoilt.append(fate.line)
            defects.append(Defect("orders", name, txids[i], rfids[i], sold, arrives, fate.detail))
        mask = pa.array(defect >= 0)
        return pc.replace_with_mask(lines, mask, pa.array(spoilt, pa.binary())), defects

    def _choose(self, unit: Words) -> Indices:
        """Return the position of the defect that hits each unit, or −1."""
        chosen = np.full(len(unit), -1, dtype=np.int64)
        for position, (name, _) in reversed(list(enumerate(_UNIT_DEFECTS))):
            chosen[self.dirt.hits(self.seed, name, unit)] = position
        return chosen

    def _txids(
        self,
        block: Block,
        orders: Indices,
        offset: np.uint64 = np.uint64(0),  # noqa: B008
    ) -> list[str]:
        moment = block.moment[orders] // np.uint64(1000)
        return as_list(uuid7(self.seed, moment, block.order[orders] + offset))


def damage_returns(seed: int, dirt: Dirt, returns: Returns) -> tuple[Returns, list[Defect]]:
    """Return what the returns feed sends: some twice, some too early, some of nothing.

    The order is that in which they arrive, also where a wrong clock tells another time.
    """
    early = dirt.hits(seed, "return_before_sale", returns.unit)
    twice = np.flatnonzero(dirt.hits(seed, "return_sent_twice", returns.unit))
    unsold = np.flatnonzero(dirt.hits(seed, "return_of_unsold_unit", returns.unit))
    # An order has at most five units: this number is never sold.
    meant = returns.where(unsold)
    strange = replace(meant, unit=meant.unit | np.uint64(UNITS_PER_ORDER - 1))
    too_early = returns.where(np.flatnonzero(early))
    defects = [
        *_return_defects(seed, "return_before_sale", too_early, _days_told(too_early)),
        *_return_defects(seed, "return_sent_twice", returns.where(twice)),
        *_return_defects(seed, "return_of_unsold_unit", strange, _rfids(seed, meant)),
    ]
    sent = join_returns([returns, returns.where(twice), strange])
    is_sold = sent.unit % np.uint64(UNITS_PER_ORDER) != UNITS_PER_ORDER - 1
    early = dirt.hits(seed, "return_before_sale", sent.unit) & is_sold
    return replace(sent, moment=np.where(early, sent.purchased - _HOUR, sent.moment)), defects


def _return_defects(
    seed: int, name: str, hit: Returns, details: Sequence[str | None] = ()
) -> list[Defect]:
    txids = as_list(uuid7(seed, hit.purchased // np.uint64(1000), hit.order))
    days = zip(hit.sold.tolist(), hit.day.tolist(), strict=True)
    return [
        Defect("returns", name, txid, rfid, date.fromordinal(sold), date.fromordinal(day), detail)
        for txid, rfid, (sold, day), detail in zip(
            txids, _rfids(seed, hit), days, details or [None] * len(txids), strict=True
        )
    ]


def _rfids(seed: int, returns: Returns) -> list[str]:
    return as_list(sgtin96(seed, returns.unit, references()[returns.item]))


def _days_told(too_early: Returns) -> list[str]:
    """Return the business day of the wrong time, in Paris as all days."""
    moments = (too_early.purchased - _HOUR).tolist()
    return [
        datetime.fromtimestamp(moment // 1_000_000, PARIS).date().isoformat() for moment in moments
    ]


def _withhold(key: str) -> Callable[[dict[str, str | None]], bool]:
    def act(person: dict[str, str | None]) -> bool:
        person[key] = None
        return True

    return act


def _cut_phone(person: dict[str, str | None]) -> bool:
    """Forget the last two digits, where there are any."""
    phone = person["phone"]
    person["phone"] = phone and phone[:-3]
    return phone is not None


def _mojibake(person: dict[str, str | None]) -> bool:
    """Read the UTF-8 of a name as Latin-1; a name without accents looks the same."""
    name = person["name"] or ""
    person["name"] = name.encode().decode("latin-1")
    return person["name"] != name


_PERSON_DEFECTS: dict[str, Callable[[dict[str, str | None]], bool]] = {
    "missing_address": _withhold("address"),
    "missing_phone": _withhold("phone"),
    "missing_email": _withhold("email"),
    "invalid_phone": _cut_phone,
    "mojibake": _mojibake,
}


def _text(line: bytes, key: bytes) -> str:
    match = re.search(rb'"%s":"([^"]*)"' % key, line)
    return match[1].decode() if match else ""


def _dearer(line: bytes) -> bytes:
    """Add ten euros to the price."""
    return re.sub(
        rb'"unit_price":(\d+)\.', lambda found: b'"unit_price":%d.' % (int(found[1]) + 10), line
    )
