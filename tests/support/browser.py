"""A headless Chromium, driven over the DevTools protocol with nothing but websockets."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.support.needs import find_program

_PATIENCE_S = 60.0


class Page:
    """One page of the browser."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._number = 0
        self.problems: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            self._note(message)
            if message.get("id") == self._number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what the page complains about: exceptions, refused resources, broken policies."""
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])

    def run(self, script: str) -> Any:
        """Return the value of an expression, awaited if it's a promise."""
        answer = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str, patience_s: float = _PATIENCE_S) -> Any:
        """Return the value of an expression as soon as it's true."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}\n{self.run('document.body.innerText')}")

    def open(self, url: str) -> None:
        """Go to an address and wait until it's loaded."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def click(self, selector: str) -> None:
        """Click what a selector finds, which must be seen."""
        chosen = json.dumps(selector)
        self.run(f"[...document.querySelectorAll({chosen})].find(e => e.checkVisibility()).click()")

    def key(self, key: str, *, text: str = "", modifiers: int = 0) -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowRight": 39}
        code = codes.get(key, 0)
        values = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **values)
        self.call("Input.dispatchKeyEvent", type="keyUp", **values)

    def choose_files(self, selector: str, *paths: Path) -> None:
        """Choose files for an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def drop_files(self, x: float, y: float, *paths: Path) -> None:
        """Drag files on to the page and drop them."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def screenshot(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def open_page(
    *, microphone: Path | None = None, downloads: Path | None = None, flags: tuple[str, ...] = ()
) -> Iterator[Page]:
    """Start a browser with one empty page; it ends with the context.

    Args:
        microphone: A WAV that is heard once as the microphone, which is then allowed.
        downloads: Where downloads go.
        flags: More of Chromium's.
    """
    program = find_program("chromium")
    assert program is not None
    # A browser that ends may still write to its profile.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_flags(Path(profile), microphone), *flags, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_address(Path(profile), process), max_size=None) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log", "DOM"):
                    page.call(f"{domain}.enable")
                if downloads is not None:
                    page.call(
                        "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads)
                    )
                yield page
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def _flags(profile: Path, microphone: Path | None) -> list[str]:
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-proxy-server",
        "--autoplay-policy=no-user-gesture-required",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
    ]
    if microphone is not None:
        flags += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    return flags


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the WebSocket of the first page, once the browser tells its port."""
    told = profile / "DevToolsActivePort"
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, "the browser has ended"
        if told.exists() and (lines := told.read_text().split()):
            targets = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list", trust_env=False).json()
            pages = [one for one in targets if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError("the browser did not open a page")
