"""CSV over HTTP to data/landing/: whole files only, and only what is new; no database.

A file is written beside its place, checked, synced and renamed. What was kept of each address
stands in `_fetched.json`; without it, everything is asked for again and nothing is lost.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
import tenacity

from command_line import count
from warehouse.feeds import FEEDS
from warehouse.fetching.download import (
    Download,
    TransientError,
    check_status,
    http_errors,
    is_page,
    read_page,
)
from warehouse.fetching.plan import Source, is_csv_address, links_of_page, shown_url, stem_of
from warehouse.fetching.state import (
    Kept,
    alone,
    digest_of,
    is_there,
    key_of,
    newest_file,
    next_path,
    read_kept,
    remove_parts,
    write_kept,
)
from warehouse.files import put_in_place
from warehouse.loading.csv_header import ContractError
from warehouse.settings import WarehouseError

ATTEMPTS = 5
_LONGEST_WAIT = 60.0  # seconds between two attempts, whatever a server asks for
_JITTER = tenacity.wait_random_exponential(multiplier=0.5, max=20)
_HEADERS = {"User-Agent": "kscm-warehouse", "Accept-Encoding": "gzip"}


@dataclass(frozen=True)
class Fetched:
    """What became of one address: a file of `size` bytes, unpacked, or none and why."""

    name: str
    outcome: Literal["new", "unchanged", "left alone", "failed"]
    size: int = 0
    reason: str = ""

    def __str__(self) -> str:
        told = {
            "new": f"{self.size:,} bytes, new",
            "left alone": f"left alone, {self.reason}",
            "failed": f"not fetched, {self.reason}",
        }
        return f"{self.name}: {told.get(self.outcome, self.outcome)}"


@dataclass(frozen=True)
class _Run:
    client: httpx.Client
    landing: Path
    kept: dict[str, Kept]
    retrying: tenacity.Retrying
    now: Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def fetch(
    sources: list[Source],
    landing: Path,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = _utc_now,
) -> Iterator[Fetched]:
    """Fetch every address of `sources` and tell of each as it ends; one failure stops no other.

    Each attempt at an address starts anew; between two, `sleep` is called with seconds. Raises
    WarehouseError when another fetch is at work on `landing`.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=_wait,
        sleep=sleep,
        reraise=True,
    )
    landing.mkdir(parents=True, exist_ok=True)
    with alone(landing), httpx.Client(follow_redirects=True, headers=_HEADERS) as client:
        for feed in FEEDS.values():
            remove_parts(landing / feed.name)
        run = _Run(client, landing, read_kept(landing), retrying, now)
        for source in sources:
            for url in dict.fromkeys(source.urls):
                yield from _fetch_address(run, source, url)


def sum_up(results: list[Fetched]) -> str:
    """Sum up a fetch in a sentence; raise WarehouseError with another if anything failed."""
    new, same, failed = (
        [result for result in results if result.outcome == outcome]
        for outcome in ("new", "unchanged", "failed")
    )
    if failed:
        kept = f" {count(len(new), 'file')} fetched and kept." if new else ""
        raise WarehouseError(
            f"{len(failed):,} of {len(results):,} not fetched, first {failed[0].name} "
            f"({failed[0].reason}).{kept} What was there before is untouched: see to it and "
            "run the same command again."
        )
    then = ": run 'python -m warehouse load'." if new else "."
    return f"Fetched {count(len(new), 'file')}, {len(same):,} unchanged{then}"


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, TransientError) else 0
    return max(_JITTER(state), min(asked, _LONGEST_WAIT))


def _fetch_address(run: _Run, source: Source, url: httpx.URL) -> Iterator[Fetched]:
    """Fetch a file, or every file that a page lists."""
    found = _ask_patiently(run, source, url, is_listed=False)
    if isinstance(found, Fetched):
        yield found
        return
    outcomes = set()
    for link in found:
        result = _ask_patiently(run, source, link, is_listed=True)
        if isinstance(result, Fetched):
            outcomes.add(result.outcome)
            yield result
    if outcomes <= {"left alone"}:
        reason = f"a page that lists no CSV file of {source.name}"
        yield Fetched(shown_url(url), "failed", reason=reason)


def _ask_patiently(
    run: _Run, source: Source, url: httpx.URL, is_listed: bool
) -> Fetched | list[httpx.URL]:
    try:
        return run.retrying(_ask, run, source, url, is_listed, set())
    except WarehouseError as error:
        return Fetched(_name_of(url), "failed", reason=f"{error}; {shown_url(url)}")


def _ask(
    run: _Run, source: Source, url: httpx.URL, is_listed: bool, seen: set[str]
) -> Fetched | list[httpx.URL]:
    """Ask once for an address: its file, or the links of the page that it is."""
    names = tuple(feed.name for feed in source.feeds)
    kept = run.kept.get(key_of(url))
    is_known = kept is not None and kept.feed in names
    asked = _conditions(kept) if kept and is_known and is_there(run.landing, kept) else {}
    with (
        http_errors(source.timeout),
        run.client.stream("GET", url, headers=asked, timeout=source.timeout) as response,
    ):
        if asked and response.status_code == 304:
            return Fetched(_name_of(url), "unchanged")
        check_status(response)
        if is_page(response) and not is_csv_address(url):
            return links_of_page(read_page(response), _address_of(response, url))
        download = Download(response)
        try:
            feed = download.feed_of(source.feeds)
        except ContractError:
            # Another system's file may lie beside ours, but ours may not turn into it.
            if is_listed and not is_known and not stem_of(url).startswith(names):
                reason = f"no file of {source.name} by its header"
                return Fetched(_name_of(url), "left alone", reason=reason)
            raise
        return _keep(run, url, feed.name, download, seen)


def _conditions(kept: Kept) -> dict[str, str]:
    # A tag silences a date: RFC 9110, 13.1.3.
    if kept.etag:
        return {"If-None-Match": kept.etag}
    return {"If-Modified-Since": kept.modified} if kept.modified else {}


def _address_of(response: httpx.Response, asked: httpx.URL) -> httpx.URL:
    """Say where a page is after redirects; user and password go with it on the same host only."""
    url = response.url
    is_same = (url.scheme, url.host, url.port) == (asked.scheme, asked.host, asked.port)
    return url.copy_with(userinfo=asked.userinfo if is_same else b"")


def _keep(run: _Run, url: httpx.URL, feed: str, download: Download, seen: set[str]) -> Fetched:
    """Save a download and put it into the landing folder, unless it is what came last."""
    key, folder, stem = key_of(url), run.landing / feed, stem_of(url) or feed
    folder.mkdir(exist_ok=True)
    path = next_path(folder, stem, run.now())
    part = path.with_name(path.name + ".part")
    try:
        copy = download.save(part, seen)
        same = _same_file(run, key, feed, stem, copy.sha256)
        if not same:
            put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)
    path = same or path
    size = path.stat().st_size
    run.kept[key] = Kept(feed, path.name, size, copy.sha256, copy.etag, copy.modified)
    write_kept(run.landing, run.kept)
    return Fetched(_name_of(url), "unchanged" if same else "new", copy.size)


def _same_file(run: _Run, key: str, feed: str, stem: str, digest: str) -> Path | None:
    """Find the file of this content, if it is what came last."""
    folder, kept = run.landing / feed, run.kept.get(key)
    newest = newest_file(folder, stem)
    if kept and kept.feed == feed and is_there(run.landing, kept):
        if kept.sha256 == digest:
            return folder / kept.file
        if newest and newest.name == kept.file:
            return None
    # A fetch that was killed before it could write down what it had kept left the file only.
    return newest if newest and digest_of(newest) == digest else None


def _name_of(url: httpx.URL) -> str:
    return f"{stem_of(url)}.csv" if is_csv_address(url) else shown_url(url)
