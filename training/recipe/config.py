"""Sizes, stages and schedule of a training run, read from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a FastConformer-TDT with a CTC head.

    `phones` is the width of the auxiliary phone classifier, which only training uses; every
    encoder frame carries `phone_rate` phone labels (4 x 12.5 frames = 50 labels a second).
    """

    mel_bins: int = 80
    channels: int = 64
    width: int = 160
    layers: int = 8
    heads: int = 4
    feed_forward: int = 4
    kernel: int = 9
    predictor: int = 192
    joint: int = 160
    vocabulary: int = 256
    durations: tuple[int, ...] = (0, 1, 2, 3, 4)
    dropout: float = 0.0
    phones: int = 128
    phone_rate: int = 4


@dataclass(frozen=True)
class Stage:
    """One step of the curriculum; it holds until `until` of the planned audio is seen.

    `packs` maps pack name patterns to weights; a pack that no pattern matches isn't used. `ce`,
    `ctc` and `tdt` weigh the losses. `augment` scales how often and how hard speech is changed
    (0 not at all, 1 fully). Lengths are in seconds.
    """

    until: float
    packs: Mapping[str, float] = field(default_factory=lambda: {"*": 1.0})
    ce: float = 1.0
    ctc: float = 0.5
    tdt: float = 0.0
    augment: float = 0.0
    batch_seconds: float = 40.0
    longest: float = 12.5


@dataclass(frozen=True)
class TrainConfig:
    """Everything of a run except where its data lie.

    The learning rate rises to `rate` over `warmup` of the plan, stays until `decay` of it, and
    falls as a cosine to `floor` x `rate`. A pack's share of a round of `round_hours` is its weight
    x its hours to the power `balance`. The predictor doesn't see a share `hide` of the tokens
    before the current one, so that it can't learn the training text by heart.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    stages: tuple[Stage, ...] = (Stage(1.0, tdt=0.7, ctc=0.3),)
    rate: float = 1.2e-3
    warmup: float = 0.01
    decay: float = 0.45
    floor: float = 0.02
    weight_decay: float = 1e-3
    clip: float = 2.0
    sigma: float = 0.02
    hide: float = 0.0
    ema: float = 0.998
    balance: float = 0.6
    round_hours: float = 1.0
    seed: int = 1

    def stage(self, progress: float) -> int:
        """Returns the index of the stage that `progress` (0 to 1) lies in."""
        for index, stage in enumerate(self.stages):
            if progress < stage.until:
                return index
        return len(self.stages) - 1


def from_mapping(values: Mapping[str, Any]) -> TrainConfig:
    """Builds a configuration from a TOML document's tables; unknown keys raise TypeError."""
    rest = dict(values)
    model = dict(rest.pop("model", {}))
    if "durations" in model:
        model["durations"] = tuple(model["durations"])
    stages = tuple(Stage(**stage) for stage in rest.pop("stages", ()))
    if stages:
        rest["stages"] = stages
    return TrainConfig(model=ModelConfig(**model), **rest)


def read_config(path: Path | None) -> TrainConfig:
    """Reads a configuration file; without one, returns the defaults."""
    return TrainConfig() if path is None else from_mapping(tomllib.loads(path.read_text("utf-8")))


def to_mapping(config: TrainConfig) -> dict[str, Any]:
    """Returns plain tables that `from_mapping` turns into an equal configuration."""
    return asdict(config)
