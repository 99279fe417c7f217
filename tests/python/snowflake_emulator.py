"""A Snowflake to test against, in a process of its own on 127.0.0.1, with everything in memory.

    python tests/python/snowflake_emulator.py --port 7788

Tests use `running_emulator()`. What serves is fakesnow; emulated_snowflake.py says what of it is
changed, and what this cannot prove.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DATABASE = "KSCM"
ACCOUNT = "emulator"
USER = "LOADER_AND_TRANSFORMER"


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an emulated Snowflake, for tests alone.")
    parser.add_argument("--port", type=int, default=0, help="0, the default: any free one")
    parser.add_argument("--public-key", type=Path, help="PEM file: no other key may log in")
    options = parser.parse_args()
    from emulated_snowflake import serve  # noqa: PLC0415 - slow, and only this process serves

    serve(options.port, options.public_key and options.public_key.read_bytes())


@contextmanager
def running_emulator() -> Iterator[dict[str, str]]:
    """Run an emulator with an empty database; give the environment that leads dbt there.

    Only the freshly made key may log in. Raises RuntimeError, with the last lines of its log,
    where the emulator does not start or does not live to the end.
    """
    with tempfile.TemporaryDirectory(prefix="snowflake-emulator-") as name:
        folder = Path(name)
        keys = make_keys(folder)
        log = folder / "log"
        command = [sys.executable, "-W", "ignore", __file__, "--public-key", folder / "key.pub"]
        with log.open("w") as errors:
            emulator = subprocess.Popen(
                [*map(str, command)], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            # It names its port as soon as it listens; when it dies instead, the line is empty.
            port = emulator.stdout.readline().strip()
            if not port:
                raise RuntimeError(f"the emulator did not start:\n{_tail(log)}")
            environment = keys | {
                "SNOWFLAKE_ACCOUNT": ACCOUNT,
                "SNOWFLAKE_USER": USER,
                "SNOWFLAKE_DATABASE": DATABASE,
                "SNOWFLAKE_HOST": "127.0.0.1",
                "SNOWFLAKE_PORT": port,
                "SNOWFLAKE_PROTOCOL": "http",
            }
            with connect(environment, database=None) as connection:
                connection.cursor().execute(f"create database {DATABASE}")
            yield environment
            if emulator.poll() is not None:
                raise RuntimeError(f"the emulator ended, {emulator.returncode}:\n{_tail(log)}")
        except Exception as error:
            error.add_note(f"The emulator's last words:\n{_tail(log)}")
            raise
        finally:
            emulator.terminate()
            emulator.wait(timeout=30)
            emulator.stdout.close()


def make_keys(folder: Path) -> dict[str, str]:
    """Write a key pair, the private one under a passphrase; give the variables that name it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    passphrase = secrets.token_urlsafe(16)
    private = folder / "key.p8"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
    )
    (folder / "key.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return {
        "SNOWFLAKE_PRIVATE_KEY_PATH": str(private),
        "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": passphrase,
    }


def connect(environment: dict[str, str], database: str | None = DATABASE) -> Any:
    """Log in as the variables say; a refusal comes at once, not after minutes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the connector thinks that requests is too new
        import snowflake.connector  # noqa: PLC0415
    # It would ask clouds' addresses, where none answers, what machine this is.
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    return snowflake.connector.connect(
        account=environment["SNOWFLAKE_ACCOUNT"],
        user=environment["SNOWFLAKE_USER"],
        private_key_file=environment["SNOWFLAKE_PRIVATE_KEY_PATH"],
        private_key_file_pwd=environment["SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"],
        authenticator="SNOWFLAKE_JWT",
        host=environment["SNOWFLAKE_HOST"],
        port=int(environment["SNOWFLAKE_PORT"]),
        protocol=environment["SNOWFLAKE_PROTOCOL"],
        database=database,
        login_timeout=10,
        network_timeout=60,
    )


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


if __name__ == "__main__":
    main()
