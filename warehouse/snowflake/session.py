"""The only module that imports the Snowflake connector: logs in by key pair, puts errors in words.

Nothing is asked for at a prompt and nothing secret is on a command line: all of it comes from
the variables SNOWFLAKE_…, which profiles.yml reads too.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from warehouse.settings import WarehouseError

with warnings.catch_warnings():
    # Of its copy of requests, about versions of other packages.
    warnings.simplefilter("ignore")
    import snowflake.connector
    from snowflake.connector import errors

QUERY_TAG = "kscm-load"
_SETUP = "warehouse/ddl/snowflake/setup.sql"
_REQUIRED = ("ACCOUNT", "USER", "PRIVATE_KEY_PATH")
_LOGIN_SECONDS = 15  # then whoever waits is told that nobody answers
_NETWORK_SECONDS = 60  # of new attempts to reach Snowflake, once logged in
# Of one statement, as setup.sql allows the warehouse. Without it, the connector would cancel a
# statement after the seconds above.
_STATEMENT_SECONDS = 3_600

# Numbers of Snowflake's errors, as its connector gives them.
_NO_ANSWER = (250003, 251009, 251011, 251012, 290404)
_REFUSED_LOGIN = (250001,)
_FORBIDDEN = (3001, 3003)
_HIDDEN = (606, 2003, 2043, 90105, 90106)
_CANCELLED = (604, 630)
_LOCKED = (625,)
# A login that is refused, and one that nobody answers, come under one number.
_SILENCE = "Could not connect to Snowflake backend"


@dataclass(frozen=True)
class Login:
    """Who logs in where, as the environment says it."""

    account: str
    user: str
    private_key: bytes  # PKCS 8, DER
    role: str
    warehouse: str
    database: str
    # Where to find the account, if not at its own address: a proxy, or a test's emulator.
    address: Mapping[str, str | int]


def read_login(environment: Mapping[str, str] = os.environ) -> Login:
    """Read the variables SNOWFLAKE_…; WarehouseError names what is missing or cannot be read."""
    given = {
        key.removeprefix("SNOWFLAKE_"): value
        for key, value in environment.items()
        if key.startswith("SNOWFLAKE_") and value
    }
    if missing := [f"SNOWFLAKE_{name}" for name in _REQUIRED if name not in given]:
        are = "is not set" if len(missing) == 1 else "are not set"
        raise WarehouseError(f"{' and '.join(missing)} {are}: see docs/snowflake.md, step 5.")
    port = given.get("PORT", "443")
    if not port.isdecimal():
        raise WarehouseError(f"SNOWFLAKE_PORT is '{port}': set it to a number, or to nothing.")
    address: dict[str, str | int] = {}
    if "HOST" in given:
        protocol = given.get("PROTOCOL", "https")
        address = {"host": given["HOST"], "port": int(port), "protocol": protocol}
    return Login(
        given["ACCOUNT"],
        given["USER"],
        _read_key(Path(given["PRIVATE_KEY_PATH"]), given.get("PRIVATE_KEY_PASSPHRASE")),
        given.get("LOADER_ROLE", "LOADER"),
        given.get("WAREHOUSE", "KSCM"),
        given.get("DATABASE", "KSCM"),
        address,
    )


def _read_key(path: Path, passphrase: str | None) -> bytes:
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise WarehouseError(
            f"the private key {path} cannot be read ({error.strerror}): let "
            "SNOWFLAKE_PRIVATE_KEY_PATH name the .p8 file that belongs to the user."
        ) from None
    try:
        key = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError:
        needs = "is not encrypted" if passphrase else "is encrypted"
        what = "unset" if passphrase else "set"
        raise WarehouseError(
            f"the private key {path} {needs}: {what} SNOWFLAKE_PRIVATE_KEY_PASSPHRASE."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise WarehouseError(
            f"the private key {path} cannot be opened: SNOWFLAKE_PRIVATE_KEY_PASSPHRASE is not "
            "its passphrase, or it is no private key in PEM format."
        ) from None
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Session:
    """An open connection; `run` is how every statement reaches Snowflake.

    No statement is committed by itself: should Snowflake end a transaction, what comes after it
    is one more, that nobody commits.
    """

    connection: Any
    login: Login

    def run(self, sql: str, upload: BinaryIO | None = None) -> list[tuple[Any, ...]]:
        """Run one statement and fetch all of its result. `upload` is what a PUT sends."""
        return list(self.rows(sql, upload))

    def rows(self, sql: str, upload: BinaryIO | None = None) -> Iterator[tuple[Any, ...]]:
        """Run one statement and give its result row by row."""
        with _in_words(self.login), self.connection.cursor() as cursor:
            cursor.execute(sql, timeout=_STATEMENT_SECONDS, file_stream=upload)
            yield from cursor


@contextmanager
def open_session(login: Login, patience: float) -> Iterator[Session]:
    """Log in; what is not committed at the end is rolled back.

    `patience` is how many seconds to wait for a table that another transaction has locked.
    WarehouseError says who does not answer, or what is refused.
    """
    # It would ask addresses of three clouds whether this machine is theirs.
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with _in_words(login):
        connection = snowflake.connector.connect(
            account=login.account,
            user=login.user,
            authenticator="SNOWFLAKE_JWT",
            private_key=login.private_key,
            role=login.role,
            warehouse=login.warehouse,
            database=login.database,
            login_timeout=_LOGIN_SECONDS,
            network_timeout=_NETWORK_SECONDS,
            client_session_keep_alive=False,
            autocommit=False,
            session_parameters={
                "QUERY_TAG": QUERY_TAG,
                "LOCK_TIMEOUT": max(1, int(patience)),
                # Whatever the account or the user has chosen.
                "TIMEZONE": "UTC",
                "DATE_INPUT_FORMAT": "AUTO",
                "TIMESTAMP_INPUT_FORMAT": "AUTO",
            },
            **login.address,
        )
    session = Session(connection, login)
    try:
        yield session
    finally:
        # What was not committed ends with it.
        with suppress(errors.Error):
            connection.close()


@contextmanager
def _in_words(login: Login) -> Iterator[None]:
    try:
        yield
    except errors.Error as error:
        raise WarehouseError(_sentence(login, error)) from None


def _sentence(login: Login, error: errors.Error) -> str:
    number = error.errno or 0
    told = " ".join((error.raw_msg or str(error)).split())
    if number in _NO_ANSWER or isinstance(error, _HTTP_ERRORS) or _SILENCE in told:
        host = login.address.get("host", f"{login.account}.snowflakecomputing.com")
        return (
            f"Snowflake does not answer at {host}: check SNOWFLAKE_ACCOUNT and the network, and "
            "run the same command again; what was committed is kept."
        )
    if "JWT token" in told:
        return (
            f"Snowflake refuses the key of user {login.user}: it must be the private half of the "
            "RSA_PUBLIC_KEY of that user, and the clock of this machine must be right."
        )
    what = {
        _REFUSED_LOGIN: f"user {login.user} cannot log in to account {login.account}",
        _FORBIDDEN: f"role {login.role} may not do this: let {_SETUP} be run",
        _HIDDEN: (
            f"this is not there for role {login.role} (database {login.database}, warehouse "
            f"{login.warehouse}): let {_SETUP} be run"
        ),
        _CANCELLED: "a statement took too long, or somebody stopped it: run the same command again",
        _LOCKED: (
            "another loader is at work: wait for it, or give --wait more seconds (of one that was "
            "killed, Snowflake lets go after five minutes)"
        ),
    }
    reason = next((text for numbers, text in what.items() if number in numbers), "it did not work")
    return f"{reason}. Snowflake says: {told} ({number:06d})"


_HTTP_ERRORS = (
    errors.ServiceUnavailableError,
    errors.GatewayTimeoutError,
    errors.RequestTimeoutError,
)
