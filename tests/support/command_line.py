"""How tests call the command line."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Ended:
    """What a run left behind."""

    code: int
    out: str
    err: str


class Cli(Protocol):
    """Runs one command in this process."""

    def __call__(self, *arguments: object) -> Ended: ...
