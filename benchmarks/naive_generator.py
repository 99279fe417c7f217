"""The generator everybody writes first: one record at a time, everything from Faker.

python benchmarks/naive_generator.py RECORDS PATH [--seed N]

It writes the course's NDJSON: a new customer in every record, four optional values that are
made and then thrown away in half of the records, and an empty last line. It is the yardstick
of `benchmarks/generator.py`, and nothing else uses it.
"""

import argparse
import json
import random
import uuid
from datetime import UTC, datetime
from pathlib import Path

from faker import Faker

FOUNDERS = ("Kirsten", "Matteo", "Sasha", "Corentin")
STYLES = ("Policier", "Vampire", "Super-heros", "Pirate", "Astronaute")
FINISHES = ("Gold", "Silver", "Regular")
ITEMS = [f"Statue {a} {b} {c}" for a in FOUNDERS for b in STYLES for c in FINISHES]
ITEMS.append("Statue Corentin Nu Gold")


def make_record(fake: Faker, rng: random.Random) -> dict[str, object]:
    """Make one record; its keys are in the order of the course."""
    address = {
        "street_address": fake.street_address(),
        "city": fake.city(),
        "state": fake.state_abbr(),
        "postalcode": fake.postcode(),
    }
    phone, email = fake.phone_number(), fake.email()
    contact = {"name": fake.name(), "phone": fake.phone_number()}
    return {
        "txid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "rfid": hex(rng.getrandbits(96)),
        "item": rng.choice(ITEMS),
        "purchase_time": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "expiration_time": "2023-06-01",
        "days": rng.randint(1, 7),
        "name": fake.name(),
        "address": address if rng.random() < 0.5 else None,
        "phone": phone if rng.random() < 0.5 else None,
        "email": email if rng.random() < 0.5 else None,
        "emergency_contact": contact if rng.random() < 0.5 else None,
    }


def main() -> None:
    """Write the records asked for."""
    parser = argparse.ArgumentParser(description="Write the course's records, one by one.")
    parser.add_argument("records", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    asked = parser.parse_args()
    fake = Faker("en_US")
    fake.seed_instance(asked.seed)
    rng = random.Random(asked.seed)  # noqa: S311 - nothing here is a secret
    with asked.path.open("w", encoding="utf-8") as file:
        for _ in range(asked.records):
            file.write(json.dumps(make_record(fake, rng)) + "\n")
        file.write("\n")


if __name__ == "__main__":
    main()
