"""Recognisers in processes of their own, each in the environment it needs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Contender:
    """A recogniser as named on a command line.

    Attributes:
        peer: A name from `worker.PEERS`.
        precision: fp32 or int8.
        batch: Clips at a time.
        python: Interpreter of its environment.
    """

    peer: str
    precision: str
    batch: int
    python: str

    @classmethod
    def parse(cls, text: str, pythons: dict[str, str], default_python: str) -> Self:
        """Read `peer[:precision[:batch]]`."""
        peer, precision, batch = (text.split(":") + ["fp32", "1"][text.count(":") :])[:3]
        return cls(peer, precision, int(batch), pythons.get(peer, default_python))

    def __str__(self) -> str:
        return f"{self.peer}:{self.precision}:{self.batch}"


class Worker:
    """One loaded recogniser; ask it, then close it."""

    def __init__(self, contender: Contender, model: Path, threads: int) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            RuntimeError: It ended instead; its own words are on stderr.
        """
        self.contender = contender
        command = [contender.python, "-m", "benchmarks.compare.worker", contender.peer, str(model)]
        command += ["--precision", contender.precision, "--threads", str(threads)]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.started = self._read()

    def ask(self, stage: str, files: Sequence[Path], **more: object) -> dict[str, Any]:
        """Send a request (see `worker.answer`) and wait for the answer."""
        request = {"stage": stage, "files": [str(f) for f in files], "batch": self.contender.batch}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request | more) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contender} ended with code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
