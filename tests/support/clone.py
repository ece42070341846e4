"""A folder that looks like a fresh clone, with everything around it that the documentation names.

Recordings, a model hub, a server, a queue and an object store: each on this machine, made when a
block needs it and shared by all that follow.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # it has no types

from tests.support.hub_server import running_hub
from tests.support.markdown import ROOT

PATIENCE_S = 180.0
BUILTIN = ROOT / "src" / "eclectus" / "models" / "builtin" / "tiny"
HUB_REPO = "istupakov/parakeet-tdt-0.6b-v3-onnx"
HUB_COMMIT = "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce"
CLIP = ROOT / "tests" / "data" / "garden.flac"
# Names that the documentation gives to recordings; all of them hold the same clip.
RECORDINGS = (
    *("talk.wav", "talk.mp3", "talk.flac", "talk.m4a", "talk.mp4", "film.mp4", "film.mkv"),
    *("speech.wav", "a.wav", "b.mp3"),
    *("recordings/one.wav", "recordings/more/two.wav", "talks/may/three.flac", "incoming/new.wav"),
)
EARS = '[storage]\nmodel_dir = "models"\n[server]\nwebsocket_port = 8765\nhost = "127.0.0.1"\n'


class Clone:
    """The folder; what a block needs beyond it is started when it is first asked for."""

    def __init__(self, parent: Path, stack: ExitStack) -> None:
        self._parent = parent
        self._stack = stack
        self.folder = parent / "clone"
        self.folder.mkdir()
        for item in ROOT.iterdir():
            if item.name not in {".git", "out", "examples"} and not item.name.startswith(".venv"):
                (self.folder / item.name).symlink_to(item)
        shutil.copytree(ROOT / "examples", self.folder / "examples")
        (self.folder / ".venv").symlink_to(sys.prefix)
        self._write_home()
        self._write_recordings()

    def _write_home(self) -> None:
        config = self._parent / "home" / ".config" / "ears" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(EARS, encoding="utf-8")
        programs = self._parent / "bin"
        programs.mkdir()
        (programs / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())

    def _write_recordings(self) -> None:
        encoded: dict[str, Path] = {".flac": CLIP}
        for name in RECORDINGS:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix not in encoded:
                source = ["-v", "error", "-i", str(CLIP), str(path)]
                subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *source], check=True)
                encoded[path.suffix] = path
            else:
                shutil.copy(encoded[path.suffix], path)

    @cached_property
    def hub_url(self) -> str:
        """A hub whose catalogued model is the built-in one under its name."""
        hub = self._stack.enter_context(running_hub())
        files = {one.name: one.read_bytes() for one in BUILTIN.iterdir() if one.suffix != ".md"}
        hub.add(HUB_REPO, files)
        hub.repos[HUB_REPO].commits[HUB_COMMIT] = files
        return hub.url

    @cached_property
    def addresses(self) -> tuple[str, int]:
        """Address of a running server, `127.0.0.1:PORT`, and its port for Wyoming."""
        from eclectus.config.schema import Settings
        from eclectus.config.server_options import ServerOptions
        from tests.support.server import running

        settings = Settings(server=ServerOptions(wyoming_port=0))
        url, server = self._stack.enter_context(running(settings))
        assert server.wyoming_port is not None
        return url.removeprefix("http://"), server.wyoming_port

    @cached_property
    def queue_url(self) -> str:
        """Address of a running Redis server."""
        from tests.support.redis_server import redis_server

        folder = self._parent / "redis"
        folder.mkdir()
        return self._stack.enter_context(redis_server(folder))

    @cached_property
    def store_url(self) -> str:
        """Address of a running S3 server with recordings in the bucket `calls`."""
        import boto3
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        self._stack.callback(server.stop)
        url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        for bucket in ("calls", "transcripts"):
            client.create_bucket(Bucket=bucket)
        for name in ("april", "may"):
            client.put_object(Bucket="calls", Key=f"2026/{name}.flac", Body=CLIP.read_bytes())
        return url

    def environment(self, text: str) -> dict[str, str]:
        """Return the variables for a text: those of the services that it speaks of."""
        programs = [str(self._parent / "bin"), str(Path(sys.executable).parent)]
        variables = {
            **os.environ,  # noqa: TID251 - the test's own, handed on
            "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),  # noqa: TID251
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(self._parent / "home"),
            "NO_PROXY": "127.0.0.1,localhost",
            "HF_HUB_CACHE": str(self._parent / "models"),
        }
        variables.pop("XDG_CONFIG_HOME", None)
        if "parakeet-tdt" in text:
            variables["HF_ENDPOINT"] = self.hub_url
        if "s3://" in text:
            keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
            variables |= {**keys, "AWS_REGION": "us-east-1"}
            variables["ECLECTUS_STORAGE__ENDPOINT_URL"] = self.store_url
        return variables

    def run(self, *command: str, text: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the clone; `text` is what the documentation says, for its services."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(text),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )


@contextmanager
def fresh_clone(parent: Path) -> Iterator[Clone]:
    """Make a clone below a folder; all that it started ends with the context."""
    with ExitStack() as stack:
        yield Clone(parent, stack)
