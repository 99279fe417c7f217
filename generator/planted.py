"""What was put into the world for the warehouse to find, and how strongly."""

import json
from pathlib import Path

from generator.catalogue import NU_GOLD
from generator.demand import EFFECTS, read_occurrences
from generator.files import whole_file
from generator.returns import FRAGILE_PERCENT, IN_PERSON_PERCENT, ONLINE_PERCENT
from generator.tastes import AFFINITIES, PLANTED_PAIRS, stated_lift
from generator.world import World


def write_planted(world: World, folder: Path) -> None:
    """Write what was planted in this world, and how strongly."""
    planted = {
        "rare_item": NU_GOLD,
        "pairs": [
            {
                "item": pair.item,
                "companion": pair.companion,
                "attach_percent": pair.attach_percent,
                "stated_lift": round(float(stated_lift(pair)), 4),
            }
            for pair in PLANTED_PAIRS
        ],
        "calendar_effects": [
            {
                "event_name": effect.event_name,
                "traffic_percent": effect.traffic_percent,
                "kind": effect.kind,
                "boost_percent": effect.boost_percent,
                "days": [
                    [o.first_day.isoformat(), o.last_day.isoformat()]
                    for o in read_occurrences()
                    if o.effect == effect
                ],
            }
            for effect in EFFECTS
        ],
        "regional_affinities": {
            region: {"style": style, "percent": percent}
            for region, (style, percent) in AFFINITIES.items()
        },
        "return_percent": {
            "online": ONLINE_PERCENT,
            "in_person": IN_PERSON_PERCENT,
            **FRAGILE_PERCENT,
        },
        "dirt_per_million": dict(world.dirt.rates),
    }
    with whole_file(folder / "planted.json") as file:
        file.write(json.dumps(planted, ensure_ascii=False, indent=2).encode() + b"\n")
