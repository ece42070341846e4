"""Checkpoints of a run: written whole or not at all."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recipe.config import TrainConfig, from_mapping, to_mapping
from recipe.model import TdtModel


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on: weights, their moving average, the optimiser, the place."""

    config: TrainConfig
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    phones: list[str]
    progress: dict[str, Any]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Writes beside the file first, so that a crash leaves the old one."""
    values = {**vars(checkpoint), "config": to_mapping(checkpoint.config)}
    beside = path.with_suffix(".new")
    torch.save(values, beside)
    beside.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint onto the CPU."""
    values = torch.load(path, map_location="cpu", weights_only=True)
    return Checkpoint(**{**values, "config": from_mapping(values["config"])})


def load_model(path: Path, *, averaged: bool = False) -> TdtModel:
    """Returns a checkpoint's model in evaluation mode, with its averaged weights if wanted."""
    saved = load_checkpoint(path)
    model = TdtModel(saved.config.model)
    model.load_state_dict(saved.model | saved.average if averaged else saved.model)
    return model.eval()
