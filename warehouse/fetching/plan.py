"""What to fetch: feeds and their URLs, from the command line or a TOML file, and from a page."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from warehouse.feeds import FEEDS, SYSTEMS, Feed
from warehouse.settings import WarehouseError

TIMEOUT = 30.0  # seconds without a byte
_CSV_FEEDS = {name: (feed,) for name, feed in FEEDS.items() if feed.is_csv}
_ASKED = {**SYSTEMS, **_CSV_FEEDS}
_CSV_NAME = re.compile(r"\.csv(\.gz)?$", re.IGNORECASE)
_EXAMPLE = "[[source]] with feed = \"shops\" and urls = ['https://...']"


class UsageError(Exception):
    """The command was written wrongly; the message says how to write it."""


@dataclass(frozen=True)
class Source:
    """URLs of one partner, and the feeds that their files may belong to."""

    name: str  # a system or a feed, as on the command line
    urls: tuple[httpx.URL, ...]
    timeout: float = TIMEOUT  # seconds

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The feeds whose contracts a header is held against."""
        return _ASKED[self.name]


def plan(name: str | None, urls: Sequence[str], config: Path | None, usual: Path) -> list[Source]:
    """Say what to fetch: `urls` for the feed or system `name`, else what a file lists.

    Without `config`, the file is `usual` if there is one. Beside a file, `name` picks its
    sources. Raises UsageError when the options do not go together, WarehouseError when the file
    cannot be read as it must be.
    """
    if name is not None and name not in _ASKED:
        raise UsageError(f"--feed '{name}' is not one of {', '.join(_ASKED)}.")
    if urls:
        if config or not name:
            raise UsageError("--url needs --feed beside it, and no --config.")
        try:
            return [Source(name, tuple(_parse_url(url) for url in urls))]
        except ValueError as error:
            raise UsageError(f"--url {error}.") from None
    if not config and not usual.exists():
        raise UsageError(f"say --feed and --url, or list the sources in {usual}.")
    sources = read_config(config or usual)
    picked = [source for source in sources if name in (None, source.name)]
    if not picked:
        raise WarehouseError(f"{config or usual} lists no source for {name}: add one.")
    return picked


def read_config(path: Path) -> list[Source]:
    """Read a TOML file: tables `source` with `feed`, `urls` and, if wanted, `timeout`."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise WarehouseError(f"{path} does not exist: write {_EXAMPLE} there.") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise WarehouseError(f"{path} is not TOML: {error}") from None
    sources = content.pop("source", None)
    timeout = content.pop("timeout", TIMEOUT)
    try:
        if content:
            raise ValueError(f"'{min(content)}' is not known")
        if not isinstance(sources, list) or not sources:
            raise ValueError("no source is listed")
        return [_read_source(source, timeout) for source in sources]
    except ValueError as error:
        raise WarehouseError(f"{path}: {error}; write {_EXAMPLE}.") from None


def _read_source(table: Any, timeout: object) -> Source:
    if not isinstance(table, dict) or (more := table.keys() - {"feed", "urls", "timeout"}):
        raise ValueError(f"'{min(more)}' is not known" if isinstance(table, dict) else "no table")
    name, urls = table.get("feed"), table.get("urls")
    timeout = table.get("timeout", timeout)
    if not isinstance(name, str) or name not in _ASKED:
        raise ValueError(f"feed must be one of {', '.join(_ASKED)}")
    if not isinstance(urls, list) or not urls:
        raise ValueError(f"urls of {name} must be a list of addresses")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < 1e6:
        raise ValueError("timeout must be a number of seconds above 0")
    return Source(name, tuple(_parse_url(url) for url in urls), float(timeout))


def _parse_url(text: object) -> httpx.URL:
    """Parse an address of the web; ValueError tells no more of it than is not secret."""
    try:
        url = httpx.URL(str(text)).copy_with(fragment=None)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        shown = shown_url(url) if url.host else str(text).rpartition("@")[2].partition("?")[0]
        raise ValueError(f"'{shown}' is not an address that begins with http:// or https://")
    return url


def shown_url(url: httpx.URL) -> str:
    """Write an address without what may be secret in it: user, password and query."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def is_csv_address(url: httpx.URL) -> bool:
    """Whether the path of an address ends as CSV files do."""
    return bool(_CSV_NAME.search(url.path))


def stem_of(url: httpx.URL) -> str:
    """Name what an address delivers, safe as a part of a file name; may be empty."""
    name = _CSV_NAME.sub("", url.path.rpartition("/")[2])
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:100]


def links_of_page(html: str, base: httpx.URL) -> list[httpx.URL]:
    """List the CSV files that a page links to on its own host, in order, each once.

    Who may read the page may read them: they are asked for with the same user and password.
    """
    finder = _Links()
    finder.feed(html)
    finder.close()
    found = {}
    for href in finder.found:
        try:
            url = base.join(href.strip()).copy_with(fragment=None, userinfo=base.userinfo)
        except (httpx.InvalidURL, ValueError):
            continue
        is_here = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
        if is_here and is_csv_address(url):
            found[str(url)] = url
    return list(found.values())


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]
