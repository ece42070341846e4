"""An image as it comes: it serves as its user, tells its health, and ends in good order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from images.commands import ImageError
from images.containers import PATIENCE_S, Container, Program

CLIP = Path(__file__).resolve().parents[2] / "tests" / "data" / "garden.flac"
ADDRESS = "http://127.0.0.1:8765/v1/audio/transcriptions"
FEWEST_WORDS = 5
# Volumes of compose, and what the start of any container changes.
WRITABLE = ("models", "tmp", "proc", "sys", "dev", "run", "etc")


def exec_form(test: list[str]) -> list[str]:
    """Return the command of a health check that is written as Docker's and compose's lists."""
    kind, *command = test
    return command if kind == "CMD" else ["sh", "-c", *command]


def check_serving(container: Container, variables: Mapping[str, str]) -> None:
    """Start an image's own command, use it, and end it in the middle of an upload.

    Raises:
        ImageError: It is healthy before its start, or not after it, runs as another user, writes
            no text, cuts the upload off, ends with another code than 0, or writes to a place that
            a read-only container does not let it write to.
    """
    before = files_outside_volumes(container)
    health = exec_form(container.config["Healthcheck"]["Test"])
    if container.is_healthy(health, variables):
        raise ImageError(f"{health} says that all is well before anything is started")
    with container.started([*container.program, *container.arguments], variables) as server:
        server.wait_until_healthy(health)
        check_user(server)
        text = said(post(server, files=upload()))
        if len(text.split()) < FEWEST_WORDS:
            server.fail(f"wrote {text!r}")
        print(f"  transcribed a clip as user {container.user}: {text!r}", flush=True)
        check_answer_while_ending(server, text)
        server.wait_until_ended()
    if changed := files_outside_volumes(container) - before:
        raise ImageError(f"written where compose forbids it: {sorted(changed)}")


def check_user(program: Program) -> None:
    """Compare the user that a program runs as with the one that the image names."""
    owner = Path(f"/proc/{program.pid}").stat().st_uid
    if owner != program.container.user:
        program.fail(f"runs as user {owner}, not as {program.container.user}")
    if owner == 0:
        program.fail("runs as root")


def upload() -> dict[str, tuple[str, bytes]]:
    """Return the clip as the form that OpenAI's clients send."""
    return {"file": (CLIP.name, CLIP.read_bytes())}


def post(server: Program, **content: Any) -> httpx.Response:
    """Send something to be transcribed, past all proxies; no answer is a failure."""
    try:
        return httpx.post(ADDRESS, timeout=PATIENCE_S, trust_env=False, **content)
    except httpx.TransportError as error:
        server.fail(f"did not answer ({error!r})")


def said(answer: httpx.Response) -> str:
    """Return the text of an answer."""
    if answer.status_code != httpx.codes.OK:
        raise ImageError(f"{answer.request.url} answered {answer.status_code}: {answer.text}")
    text: str = answer.json()["text"]
    return text


def check_answer_while_ending(server: Program, text: str) -> None:
    """Ask the server to end between the halves of an upload; the upload must get an answer.

    Args:
        server: The program, which ends after this.
        text: What the answer has to say, unless it says that the client must try again elsewhere.
    """
    whole = httpx.Request("POST", ADDRESS, files=upload())
    content = whole.read()

    def halves() -> Iterator[bytes]:
        yield content[: len(content) // 2]
        time.sleep(0.5)  # the server reads the first half
        server.ask_to_end()
        time.sleep(0.5)  # the signal arrives before the second half
        yield content[len(content) // 2 :]

    headers = {name: whole.headers[name] for name in ("content-type", "content-length")}
    answer = post(server, content=halves(), headers=headers)
    again = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    if again and "retry-after" not in answer.headers:
        server.fail("refused an upload when it was to end, and does not say that it may come again")
    if not again and (last := said(answer)) != text:
        server.fail(f"wrote {last!r} of an upload during which it was to end")
    print(f"  answered {answer.status_code} to an upload when it was to end", flush=True)


def files_outside_volumes(container: Container) -> set[tuple[str, float]]:
    """Return what a read-only container could not have written, with times of change."""
    shut = {container.place / name for name in WRITABLE}
    found = set()
    for folder, folders, names in os.walk(container.place):
        folders[:] = [one for one in folders if Path(folder, one) not in shut]
        paths = [Path(folder, name) for name in names]
        found |= {(str(path.relative_to(container.place)), path.lstat().st_mtime) for path in paths}
    return found
