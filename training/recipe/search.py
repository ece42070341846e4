"""Greedy TDT and CTC search, for the evaluation while a model trains."""

import torch
from torch import Tensor

from recipe.model import TdtModel

MAX_SYMBOLS = 10


@torch.no_grad()
def search_tdt(model: TdtModel, encoded: Tensor, frames: int) -> list[int]:
    """Returns the tokens of one item, as NeMo's greedy TDT search finds them.

    Args:
        model: In evaluation mode.
        encoded: The encoder's output, (S, D).
        frames: Valid frames.
    """
    projected = model.joint.enc(encoded)
    output = model.joint.joint_net[2]
    tokens: list[int] = []
    predicted, state = _predict(model, model.blank, None)
    frame = emitted = 0
    while frame < frames:
        logits = output(torch.relu(projected[frame] + predicted))
        best = int(logits[: model.blank + 1].argmax())
        duration = model.config.durations[int(logits[model.blank + 1 :].argmax())]
        if best != model.blank:
            tokens.append(best)
            emitted += 1
            predicted, state = _predict(model, best, state)
        if duration == 0 and (best == model.blank or emitted >= MAX_SYMBOLS):
            duration = 1
        if duration:
            frame += duration
            emitted = 0
    return tokens


def _predict(
    model: TdtModel, token: int, state: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Returns the joint's projection (J,) of the predictor's output after one token."""
    found, state = model.decoder(
        torch.tensor([[token]], device=model.joint.pred.weight.device), state
    )
    return model.joint.pred(found[0, 0]), state


@torch.no_grad()
def search_ctc(model: TdtModel, encoded: Tensor, frames: int) -> list[int]:
    """Returns the tokens of one item by the CTC head: repeats merged, blanks dropped."""
    best = model.ctc_decoder(encoded[None, :frames])[0].argmax(-1).unique_consecutive().tolist()
    return [token for token in best if token != model.blank]
