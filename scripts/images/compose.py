"""What `deploy/compose.yaml` starts: its Redis, its worker and its server, as written there."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto.server import ThreadedMotoServer

from images.commands import ImageError
from images.containers import Container, Program, container
from images.serving import CLIP, FEWEST_WORDS, check_serving, check_user, exec_form
from images.store import Store

FILES = 4
BUCKET = "audio"
TRIED = {"server", "worker", "redis"}
LEFT_OUT = {
    "store": "moto takes its place: Debian's rclone serves no S3",
    "prometheus": "an image of others that only reads",
}


class Compose:
    """The services of a compose file, with the defaults of its variables.

    Raises:
        ImageError: There is a service that nothing here knows about.
    """

    def __init__(self, file: Path) -> None:
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", file.read_text(encoding="utf-8"))
        self._services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
        if unknown := set(self._services) - TRIED - set(LEFT_OUT):
            raise ImageError(f"{file.name} starts what nothing tries: {', '.join(sorted(unknown))}")

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._services[name]

    def variables(self, name: str) -> dict[str, str]:
        """Return the variables of a service; one whose default is nothing is empty."""
        return {key: str(text or "") for key, text in self[name]["environment"].items()}


def check_compose(store: Store, image: str, base: str, compose: Compose) -> None:
    """Queue files while the worker ends, start it and Redis again, and read the results.

    Then the server is checked with compose's settings.

    Args:
        store: Where the images are.
        image: The image of server and worker.
        base: An image that has Redis.
        compose: The services.
    """
    settings = compose.variables("worker")
    submit = ["jobs", "submit", f"s3://{BUCKET}/", "--to", f"s3://{BUCKET}/text"]
    with container(store, base) as queue, container(store, image) as ours, objects(settings) as s3:
        (queue.place / "data").mkdir()
        print("compose: redis and worker", flush=True)
        with redis(queue, compose) as kept, worker(ours, compose) as at_work:
            check_user(at_work)
            job = ours.run([*ours.program, *submit], settings).strip()
            for program in (at_work, kept):  # in compose's order: who depends goes first
                program.ask_to_end()
                program.wait_until_ended()
        print("compose: redis and worker once more", flush=True)
        with redis(queue, compose) as kept, worker(ours, compose) as at_work:
            # Fails if Redis has forgotten it.
            ours.run([*ours.program, "jobs", "show", job], settings)
            ours.run([*ours.program, *submit, "--wait"], settings)
            check_results(s3)
            for program in (at_work, kept):
                program.ask_to_end()
                program.wait_until_ended()
        print("compose: server", flush=True)
        check_serving(ours, compose.variables("server"))


@contextmanager
def redis(queue: Container, compose: Compose) -> Iterator[Program]:
    """Start compose's Redis."""
    # The true image works in /data.
    arguments = [*compose["redis"]["command"], "--dir", "/data"]
    with queue.started(arguments, {}) as program:
        program.wait_until_healthy(exec_form(compose["redis"]["healthcheck"]["test"]))
        yield program


@contextmanager
def worker(ours: Container, compose: Compose) -> Iterator[Program]:
    """Start compose's worker."""
    arguments = [*ours.program, *compose["worker"]["command"]]
    with ours.started(arguments, compose.variables("worker")) as program:
        program.wait_until_healthy(exec_form(compose["worker"]["healthcheck"]["test"]))
        yield program


@contextmanager
def objects(settings: Mapping[str, str]) -> Iterator[Any]:
    """Serve S3 in place of compose's store, with its keys, and with clips in its bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=8333, verbose=False)
    server.start()
    try:
        client = boto3.client(
            "s3",
            endpoint_url="http://127.0.0.1:8333",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            region_name=settings["AWS_REGION"],
        )
        client.create_bucket(Bucket=BUCKET)
        for number in range(FILES):
            client.upload_file(str(CLIP), BUCKET, f"{number}.flac")
        yield client
    finally:
        server.stop()


def check_results(s3: Any) -> None:
    """Read the texts of all clips from the store."""
    names = [f"text/{number}.txt" for number in range(FILES)]
    texts = {s3.get_object(Bucket=BUCKET, Key=name)["Body"].read().decode() for name in names}
    if len(texts) != 1 or len(next(iter(texts)).split()) < FEWEST_WORDS:
        raise ImageError(f"the worker wrote {texts}")
    print(f"  the worker transcribed {FILES} files: {texts.pop().strip()!r}", flush=True)
