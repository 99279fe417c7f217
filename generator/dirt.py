"""What goes wrong on the way: every defect by name, with its rate.

Each defect draws from a random stream of its own, so that raising one rate changes no other
defect, and the world beneath stays the same.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.randomness import Words, draw_words, happens

# Parts per million: of orders where it says so, else of the lines of that feed.
HEAVY = {
    # orders, by order
    "missing_address": 80_000,
    "missing_phone": 120_000,
    "missing_email": 100_000,
    "invalid_phone": 3_000,
    "mojibake": 2_000,
    # orders, by unit
    "exact_duplicate": 5_000,
    "conflicting_duplicate": 500,
    "correction": 1_000,
    "late_arrival": 10_000,
    "unit_sold_twice": 200,
    "unknown_item": 1_000,
    "torn_line": 500,
    "wrong_type": 300,
    "impossible_date": 300,
    "reset_clock": 500,
    "broken_utf8": 200,
    # returns, by unit returned
    "return_before_sale": 5_000,
    "return_sent_twice": 5_000,
    "return_of_unsold_unit": 3_000,
    # web store, by line: as counted in a year of UCI Online Retail
    "web_missing_customer": 220_000,
    "web_missing_description": 4_000,
    "web_zero_price": 6_000,
    "web_exact_duplicate": 11_000,
    "web_code_in_lower_case": 30_000,
}
LIGHT = {name: max(rate // 10, 10) for name, rate in HEAVY.items()}
PROFILES: dict[str, dict[str, int]] = {"none": {}, "light": LIGHT, "heavy": HEAVY}


class DirtError(Exception):
    """The dirt asked for is not known; the message says which is."""


@dataclass(frozen=True)
class Dirt:
    """The rate of each defect, in parts per million; a defect without one never happens.

    `name` is what was asked for: a profile, or a file.
    """

    name: str
    rates: Mapping[str, int]

    @property
    def reaches_tills(self) -> bool:
        """Tell whether a line of the tills can be hit."""
        return any(rate for name, rate in self.rates.items() if not name.startswith("web_"))

    def hits(self, seed: int, defect: str, counters: Words) -> NDArray[np.bool_]:
        """Tell which of the numbered things the defect hits."""
        rate = self.rates.get(defect, 0)
        if rate == 0:
            return np.zeros(len(counters), dtype=np.bool_)
        return happens(draw_words(seed, f"dirt {defect}", counters), rate)


def read_dirt(asked: str) -> Dirt:
    """Return a profile by its name, or the rates of a TOML file: `mojibake = 0.002`."""
    if asked in PROFILES:
        return Dirt(asked, PROFILES[asked])
    known = f"known are {', '.join(PROFILES)}, or a TOML file of rates"
    if not Path(asked).is_file():
        raise DirtError(f"no dirt is called {asked}: {known}.")
    try:
        rates = tomllib.loads(Path(asked).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DirtError(f"{asked} cannot be read ({error}): {known}.") from None
    for name, rate in rates.items():
        if name not in HEAVY:
            raise DirtError(f"{asked}: no defect is called {name}: known are {', '.join(HEAVY)}.")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise DirtError(f"{asked}: the rate of {name} must be a number from 0 to 1.")
    return Dirt(asked, {name: round(rate * 1_000_000) for name, rate in rates.items()})


CLEAN = Dirt("none", PROFILES["none"])
