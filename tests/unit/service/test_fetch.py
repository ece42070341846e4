"""Fetching from the web: what is allowed, and what a hostile server can do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eclectus.core.errors import AudioNotFoundError, AudioTooLongError
from eclectus.service.fetch import Fetcher, FetchLimits, fetch
from eclectus.service.public_addresses import is_own, is_public

LIMITS = FetchLimits(100_000, 20.0)


def anywhere(_: str) -> bool:
    return True


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        self.send_response(404 if path == "/none" else 200)
        if path == "/short":
            self.send_header("Content-Length", "500")
        self.end_headers()
        if path == "/trickle":
            self.server.stop.wait()  # type: ignore[attr-defined]
            return
        size = 1_000_000 if path == "/large" else 100
        host = self.headers["Host"].encode()
        self.wfile.write((self.path.encode() + b" " + host).ljust(size))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.stop = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.stop.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with web() as one:
        yield one


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "168.63.129.16", "192.0.0.192", "192.0.0.9", "192.88.99.1", "203.0.113.9", "fec0::1",
        "2001:20::1", "3fff::1", "5f00::1", "100::1", "64:ff9b:1::1", "2620:4f:8000::1",
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2002:a00:1::1", "::127.0.0.1", "2001:0:7f00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_inside_are_not(address: str) -> None:
    assert not is_public(address)


def test_a_file_is_fetched_whole_with_its_query_and_the_hosts_name(url: str) -> None:
    with fetch(f"{url}/file?a=1#part", LIMITS, allowed=anywhere) as file:
        body = file.read()
    assert len(body) == 100
    assert body.split() == [b"/file?a=1", url.removeprefix("http://").encode()]


def test_a_host_inside_is_not_asked(url: str) -> None:
    with pytest.raises(AudioNotFoundError, match="not a public one"):
        fetch(f"{url}/file", LIMITS)


def test_a_host_with_one_address_inside_is_not_asked(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
        for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(AudioNotFoundError, match="not a public one"):
        fetch("http://rebinding.example/", LIMITS)


@pytest.mark.parametrize(
    ("path", "reason"), [("/moved", "302"), ("/none", "404"), ("/short", "can't be read")]
)
def test_what_is_no_file_is_not_found(url: str, path: str, reason: str) -> None:
    with pytest.raises(AudioNotFoundError, match=reason):
        fetch(url + path, LIMITS, allowed=anywhere)


def test_a_file_that_is_too_large_is_refused(url: str) -> None:
    with pytest.raises(AudioTooLongError, match=r"0\.1 MB"):
        fetch(f"{url}/large", LIMITS, allowed=anywhere)


def test_a_server_that_says_nothing_is_given_up(url: str) -> None:
    with pytest.raises(AudioNotFoundError, match="longer than"):
        fetch(f"{url}/trickle", FetchLimits(100, 0.2), allowed=anywhere)


@pytest.mark.parametrize(
    "address",
    [
        "", "a.wav", "file:///etc/passwd", "ftp://a.example/", "http://", "http://[::1/",
        "http://a.example:99999/", "http://me:secret@a.example/", "http://a.example/ä",
        "http://a.example/a b", "http://a.example/\r\nX: y", "//a.example/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_is_not_found(address: str) -> None:
    with pytest.raises(AudioNotFoundError):
        fetch(address, LIMITS, allowed=anywhere)


def test_a_name_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(AudioNotFoundError, match="not known"):
        fetch("http://nobody.invalid/", LIMITS, allowed=anywhere)


def test_tls_that_fails_is_not_found(url: str) -> None:
    with pytest.raises(AudioNotFoundError, match="can't be read"):
        fetch(url.replace("http", "https") + "/file", LIMITS, allowed=anywhere)


def test_an_address_of_this_machine_is_its_own() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.1")


@contextmanager
def silent() -> Iterator[str]:
    """A host that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/file"


def fetching_threads() -> int:
    return sum(one.name.startswith("eclectus-fetch") for one in threading.enumerate())


def test_hosts_that_never_answer_hold_up_nobody_else() -> None:
    async def main() -> None:
        fetcher = Fetcher(anywhere)
        with silent() as url:
            stuck = [asyncio.create_task(fetcher.fetch(url, LIMITS)) for _ in range(40)]
            await asyncio.sleep(0.3)
            # The pool that everything else uses is free.
            assert await asyncio.wait_for(asyncio.to_thread(int, "5"), 5) == 5
            assert fetching_threads() <= 8
            for one in stuck:
                one.cancel()
            ends = await asyncio.gather(*stuck, return_exceptions=True)
            assert {type(end) for end in ends} == {asyncio.CancelledError}
            # A hang-up frees the threads long before the time is up.
            with web() as address:
                file = await asyncio.wait_for(fetcher.fetch(f"{address}/file", LIMITS), 10)
                assert file.read(5) == b"/file"
                file.close()
        fetcher.close()

    asyncio.run(main())


def test_the_wait_for_a_thread_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectus.service.fetch._THREADS", 1)

    async def main() -> None:
        fetcher = Fetcher(anywhere)
        short = FetchLimits(1000, 0.5)
        with silent() as url:
            ends = await asyncio.gather(
                *(fetcher.fetch(url, short) for _ in range(3)), return_exceptions=True
            )
        assert {type(end) for end in ends} == {AudioNotFoundError}
        assert all("longer than 0.5 s" in str(end) for end in ends)
        fetcher.close()

    asyncio.run(main())


def test_a_connection_that_is_never_made_can_be_given_up() -> None:
    given_up = threading.Event()
    threading.Timer(0.3, given_up.set).start()
    # Backlogs of one are full at once; what comes later waits for its turn.
    with socket.socket() as server, ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        with pytest.raises(AudioNotFoundError, match="longer than"):
            fetch(f"http://127.0.0.1:{port}/", LIMITS, allowed=anywhere, cancelled=given_up)
