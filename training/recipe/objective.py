"""The training loss: phone cross-entropy, CTC and TDT, weighed by the stage."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from recipe.batches import NO_PHONE, Batch
from recipe.config import Stage, TrainConfig
from recipe.loss import TdtTargets, tdt_loss
from recipe.model import TdtModel


@dataclass(frozen=True)
class Losses:
    """The weighted sum to minimise, and its parts per token (phones: per labelled frame)."""

    total: Tensor
    parts: dict[str, float]


def _phone_loss(model: TdtModel, encoded: Tensor, phones: Tensor) -> Tensor | None:
    """Cross-entropy on aligned phones, 4 to an encoder frame; None where none are known."""
    rows = (phones != NO_PHONE).any(1)
    if not bool(rows.any()):
        return None
    logits = model.phones(encoded[rows]).flatten(1).unflatten(1, (-1, model.config.phones))
    return functional.cross_entropy(
        logits.flatten(0, 1), phones[rows].flatten(), ignore_index=NO_PHONE
    )


def _ctc_loss(model: TdtModel, encoded: Tensor, frames: Tensor, batch: Batch) -> Tensor:
    scores = model.ctc_decoder(encoded).log_softmax(-1).transpose(0, 1)
    return functional.ctc_loss(
        scores,
        batch.tokens,
        frames,
        batch.labels,
        blank=model.blank,
        reduction="none",
        zero_infinity=True,
    )


def _tdt_loss(
    model: TdtModel, encoded: Tensor, frames: Tensor, batch: Batch, config: TrainConfig
) -> Tensor:
    before = functional.pad(batch.tokens, (1, 0), value=model.blank)
    if config.hide:
        # The blank's embedding is zeros: the predictor is told that something was said, not what.
        hidden = torch.rand(before.shape, device=before.device) < config.hide
        before = before.masked_fill(hidden, model.blank)
    predicted, _ = model.decoder(before)
    durations = model.config.durations
    targets = TdtTargets(batch.tokens, batch.labels, frames, durations, config.sigma)
    joint = model.joint
    return tdt_loss(joint.enc(encoded), joint.pred(predicted), joint.joint_net[2], targets)


def losses(model: TdtModel, batch: Batch, stage: Stage, config: TrainConfig) -> Losses:
    """Runs the model on a batch; each item's CTC and TDT losses are divided by its tokens."""
    encoded, frames = model.encoder(batch.features, batch.frames)
    total = encoded.new_zeros(())
    parts: dict[str, float] = {}
    found: dict[str, tuple[float, Tensor | None]] = {}
    if stage.ce:
        found["ce"] = stage.ce, _phone_loss(model, encoded, batch.phones)
    if stage.ctc:
        loss = _ctc_loss(model, encoded, frames, batch) / batch.labels
        found["ctc"] = stage.ctc, loss.mean()
    if stage.tdt:
        loss = _tdt_loss(model, encoded, frames, batch, config) / batch.labels
        found["tdt"] = stage.tdt, loss.mean()
    for name, (weight, loss) in found.items():
        if loss is not None:
            total = total + weight * loss
            parts[name] = float(loss.detach())
    return Losses(total, parts)


def move(batch: Batch, device: torch.device) -> Batch:
    """Returns the batch with its tensors on a device."""
    if device.type == "cpu":
        return batch
    tensors = (batch.features, batch.frames, batch.tokens, batch.labels, batch.phones)
    return Batch(*(one.to(device) for one in tensors), batch.seconds, batch.position)
