"""Serve a folder of CSV files over HTTP, on this machine only, as a partner's server would.

A client that keeps the ETag or the date of a file asks again for nothing: 304 as long as the
file is the same. A file that is replaced during a download is still delivered whole.
"""

import os
import re
import socketserver
import sys
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

HOST = "127.0.0.1"
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_PLAIN_NAME = re.compile(r"\w[\w.-]*\.csv")
_IDLE_SECONDS = 60  # a client that says nothing any more is left


class ServeError(Exception):
    """The folder cannot be served; the message says what to do."""


def serve(folder: Path, port: int) -> None:
    """Serve the CSV files of `folder` until Ctrl-C, which goes on to the caller.

    Port 0 picks a free one. Raises ServeError when there is no such folder, or no such port
    to be had.
    """
    with open_server(folder, port) as server:
        print(
            f"Serving http://{HOST}:{server.server_port}/ from {folder} (Ctrl-C ends).", flush=True
        )
        server.serve_forever()


def open_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Bind the port, so that clients can already queue, and return the server."""
    if not folder.is_dir():
        raise ServeError(f"{folder} is not a folder: run python -m generator first.")
    try:
        return _Server((HOST, port), partial(_Handler, folder))
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise ServeError(
            f"port {port} cannot be used ({reason}): choose another, or 0 for any that is free."
        ) from None


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a client that has gone away; that is its right."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server_version, sys_version = "KSCM", ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def __init__(self, folder: Path, *connection: Any) -> None:
        self.folder = folder
        super().__init__(*connection)

    def do_GET(self) -> None:
        name = unquote(self.path.partition("?")[0]).removeprefix("/")
        if not name:
            self._send_index()
        elif name not in _offered(self.folder):
            self._send_text(HTTPStatus.NOT_FOUND, "404 There is no such file: see / for a list.\n")
        else:
            # From here on this open file is what is served, even when another replaces it.
            try:
                file = (self.folder / name).open("rb")
            except OSError:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            with file:
                self._send_file(file)

    do_HEAD = do_GET  # noqa: N815 - the same answer, whose body is never sent

    def _refuse(self) -> None:
        self.close_connection = True  # whatever body there is, it is not read
        self._send_text(
            HTTPStatus.METHOD_NOT_ALLOWED, "405 These files can only be read.\n", Allow="GET, HEAD"
        )

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = _refuse  # noqa: N815

    def _send_file(self, file: BinaryIO) -> None:
        state = os.fstat(file.fileno())
        modified = datetime.fromtimestamp(state.st_mtime_ns // 10**9, UTC)
        tag = f'"{state.st_ino:x}-{state.st_mtime_ns:x}-{state.st_size:x}"'
        known = self._client_has(tag, modified)
        self.send_response(HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK)
        self.send_header("ETag", tag)
        self.send_header("Last-Modified", format_datetime(modified, usegmt=True))
        self.send_header("Cache-Control", "no-cache")  # to keep, but to ask about
        if not known:
            self.send_header("Content-Type", "text/csv; charset=utf-8")
            self.send_header("Content-Length", str(state.st_size))
        self.end_headers()
        if not known and self.command == "GET" and state.st_size:
            sent = self.connection.sendfile(file, count=state.st_size)
            self.close_connection |= sent < state.st_size  # somebody cut the file meanwhile

    def _client_has(self, tag: str, modified: datetime) -> bool:
        """Evaluate the preconditions as RFC 9110, 13.2.2: a tag silences a date."""
        tags = self.headers.get_all("If-None-Match")
        if tags is not None:
            asked = ", ".join(tags)
            return asked.strip() == "*" or tag in _ENTITY_TAG.findall(asked)
        try:
            since = parsedate_to_datetime(self.headers["If-Modified-Since"] or "")
        except ValueError:
            return False
        return modified <= since.replace(tzinfo=since.tzinfo or UTC)

    def _send_index(self) -> None:
        links = "".join(f'<li><a href="{quote(n)}">{n}</a></li>\n' for n in _offered(self.folder))
        self._send_text(HTTPStatus.OK, f"<!doctype html>\n<ul>\n{links}</ul>\n", kind="text/html")

    def _send_text(
        self, status: HTTPStatus, text: str, *, kind: str = "text/plain", **headers: str
    ) -> None:
        body = text.encode()
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet about requests: the one line of the start is all there is to say."""


def _offered(folder: Path) -> list[str]:
    """List the CSV files of the folder itself; a name that is not listed is not served."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if _PLAIN_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    )
