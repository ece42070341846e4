"""A small server on this machine that speaks the hub's wire, with faults to order.

It serves `/api/models/{repo}[/revision/{rev}]`, `/api/models/{repo}/tree/{rev}` and
`HEAD`/`GET /{repo}/resolve/{rev}/{file}` with the headers and error codes that the hub's client
reads. Files above a threshold are large: they have a SHA-256, and their bytes come from another
host (this server by its other name), which refuses a token as stores with signed addresses do.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 4096
_API = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/(?P<verb>revision|tree)/(?P<rev>[^/]+))?")
_STORED = re.compile(r"/store/(?P<etag>[0-9a-f]{64})/(?P<name>.+)")
_FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<rev>[^/]+)/(?P<name>.+)")


@dataclass
class Repo:
    """One repository: commits by hash, branches by name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    token: str | None = None

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Add a commit and return its hash."""
        names = json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
        commit = hashlib.sha1(f"{len(self.commits)}{names}".encode()).hexdigest()
        self.commits[commit] = dict(files)
        self.branches[branch] = commit
        return commit

    def find(self, revision: str) -> str | None:
        """Commit of a revision."""
        return revision if revision in self.commits else self.branches.get(revision)


@dataclass
class Faults:
    """What goes wrong on the way."""

    status: int | None = None
    cut_after: dict[str, int] = field(default_factory=dict)
    """File → bytes after which its transfer breaks off, once."""
    stays_cut: bool = False
    """Whether later transfers of such a file break off at once."""
    swapped: dict[str, bytes] = field(default_factory=dict)
    """File → bytes that are delivered in place of its own."""
    commit: str | None = None
    """What every answer calls the commit."""
    etag: str | None = None
    """What every answer calls a file's checksum."""
    extra_names: tuple[str, ...] = ()
    """Names that the listing has besides those of the files."""


class HubServer(ThreadingHTTPServer):
    """The server; `requests` lists (method, path, range), `tokens` (path, token)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, Repo] = {}
        self.faults = Faults()
        self.stored: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.tokens: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        """Address for `HubOptions.endpoint`."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, repo: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Publish a commit of a repository and return its hash."""
        return self.repos.setdefault(repo, Repo()).commit(files, branch)

    def fetched(self, name: str) -> list[str | None]:
        """The ranges with which a file's bytes were asked for."""
        return [
            wanted
            for method, path, wanted in self.requests
            if method == "GET"
            and path.endswith(f"/{name}")
            and ("/resolve/" in path or "/store/" in path)
        ]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the game."""


@contextmanager
def running_hub() -> Iterator[HubServer]:
    """A server that listens until the block ends."""
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it
        """Tests are silent."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append((self.command, path, self.headers.get("Range")))
        self.server.tokens.append((path, self._token()))
        if self.server.faults.status is not None:
            self._fail(self.server.faults.status, None, "out of order")
            return
        stored = _STORED.fullmatch(path)
        if stored is not None:
            self._answer_store(stored["etag"], stored["name"], body=body)
            return
        api, file = _API.fullmatch(path), _FILE.fullmatch(path)
        match = api or file
        repo = self.server.repos.get(match["repo"]) if match else None
        if match is None or repo is None:
            self._fail(404 if self._token() else 401, "RepoNotFound", "Repository not found")
        elif repo.token is not None and self._token() != repo.token:
            self._fail(401, "RepoNotFound", "Invalid username or password.")
        else:
            self._answer_repo(repo, match, body=body, is_api=api is not None)

    def _answer_repo(self, repo: Repo, match: re.Match[str], *, body: bool, is_api: bool) -> None:
        commit = repo.find(match["rev"] or "main")
        if commit is None:
            self._fail(404, "RevisionNotFound", "Invalid rev id")
        elif is_api:
            listing = _tree if match["verb"] == "tree" else _info
            self._send_json(self._spoilt(listing(match["repo"], commit, repo.commits[commit])))
        elif repo.gated:
            self._fail(403, "GatedRepo", "Access to this model is restricted")
        elif match["name"] not in repo.commits[commit]:
            self._fail(404, "EntryNotFound", "Entry not found")
        else:
            told = self.server.faults.commit or commit
            data, facts = repo.commits[commit][match["name"]], {"X-Repo-Commit": told}
            if len(data) > LARGE_BYTES:
                self._redirect(match["name"], facts, data)
            else:
                self._send_file(match["name"], data, facts, body=body)

    def _spoilt(self, listing: Any) -> Any:
        faults = self.server.faults
        if isinstance(listing, dict):
            listing["sha"] = faults.commit or listing["sha"]
            listing["siblings"] += [{"rfilename": name, "size": 4} for name in faults.extra_names]
        return listing

    def _answer_store(self, etag: str, name: str, *, body: bool) -> None:
        if self._token() is not None:
            self._fail(400, None, "Only one auth mechanism allowed")
            return
        data = self.server.stored[etag]
        self._send_file(name, data, {}, body=body)

    def _redirect(self, name: str, headers: dict[str, str], data: bytes) -> None:
        etag = _etag(data)
        self.server.stored[etag] = data
        port = self.server.server_address[1]
        self.send_response(302)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("X-Linked-ETag", f'"{self.server.faults.etag or etag}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Location", f"http://localhost:{port}/store/{etag}/{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _token(self) -> str | None:
        header = self.headers.get("Authorization")
        return header.removeprefix("Bearer ") if header else None

    def _fail(self, status: int, code: str | None, message: str) -> None:
        self.send_response(status)
        if code is not None:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_file(self, name: str, data: bytes, facts: dict[str, str], *, body: bool) -> None:
        start = _range_start(self.headers.get("Range"))
        sent = self.server.faults.swapped.get(name, data)[start:]
        self.send_response(206 if start else 200)
        for key, value in facts.items():
            self.send_header(key, value)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{self.server.faults.etag or _etag(data)}"')
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if body:
            self._send_body(name, sent)

    def _send_body(self, name: str, data: bytes) -> None:
        faults = self.server.faults
        cut = faults.cut_after.get(name)
        if cut is None:
            self.wfile.write(data)
            return
        if faults.stays_cut:
            faults.cut_after[name] = 0
        else:
            del faults.cut_after[name]
        self.wfile.write(data[:cut])
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()


def _range_start(header: str | None) -> int:
    match = re.fullmatch(r"bytes=(\d+)-", header or "")
    return int(match[1]) if match else 0


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if len(data) > LARGE_BYTES else _blob_id(data)


def _info(repo: str, commit: str, files: dict[str, bytes]) -> dict[str, object]:
    siblings: list[dict[str, object]] = []
    for name, data in sorted(files.items()):
        item: dict[str, object] = {
            "rfilename": name,
            "size": len(data),
            "blobId": _blob_id(data),
        }
        if len(data) > LARGE_BYTES:
            item["lfs"] = {
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
                "pointerSize": 134,
            }
        siblings.append(item)
    return {
        "_id": "0",
        "id": repo,
        "modelId": repo,
        "sha": commit,
        "private": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": siblings,
    }


def _tree(repo: str, commit: str, files: dict[str, bytes]) -> list[dict[str, object]]:
    del repo, commit
    return [
        {"type": "file", "path": name, "size": len(data), "oid": _blob_id(data)}
        for name, data in sorted(files.items())
    ]
