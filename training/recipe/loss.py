"""The exact TDT loss, with its gradient written by hand.

Token-and-duration transducer: Xu et al. 2023, "Efficient Sequence Transduction by Jointly
Predicting Tokens and Durations", equations 3 to 7; NeMo's TDTLossPytorch gives the same values.

From a node (frame t, u tokens emitted) a blank leads to (t + d, u) for a duration d >= 1 and the
next token to (t + d, u + 1) for d >= 0. A path ends with a blank that lands exactly on the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recipe.lattice import solve

IMPOSSIBLE = -1e30
# Nodes with a smaller posterior than this add nothing to a float32 gradient worth its cost.
NEGLIGIBLE = 1e-5


@dataclass(frozen=True)
class Lattice:
    """Log-probabilities of the steps that leave each node.

    Attributes:
        blank: (B, T, U + 1).
        label: Of the next target, (B, T, U + 1); impossible where there is none.
        duration: (B, T, U + 1, K).
        frames: Valid frames of each item, (B,).
        labels: Targets of each item, (B,).
    """

    blank: Tensor
    label: Tensor
    duration: Tensor
    frames: Tensor
    labels: Tensor


def _arcs(lattice: Lattice, durations: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Returns the scores of blank and label arcs, each (T, K, B, U + 1), by where they start."""
    times = lattice.duration.double()
    blank = (lattice.blank.unsqueeze(-1) + times).permute(1, 3, 0, 2).contiguous()
    label = (lattice.label.unsqueeze(-1) + times).permute(1, 3, 0, 2).contiguous()
    device = blank.device
    frame = torch.arange(blank.shape[0], device=device)[:, None, None]
    end = frame + torch.tensor(durations, device=device)[:, None]
    place = torch.arange(blank.shape[3], device=device)
    final = (end == lattice.frames)[..., None] & (place == lattice.labels[:, None])
    allowed = (end < lattice.frames)[..., None] | final
    blank = blank.masked_fill(~allowed, IMPOSSIBLE)
    label = label.masked_fill((end >= lattice.frames)[..., None], IMPOSSIBLE)
    for index, duration in enumerate(durations):
        if duration == 0:
            blank[:, index] = IMPOSSIBLE
    return blank, label


def _backward_scores(
    blank: Tensor, label: Tensor, durations: Sequence[int], lattice: Lattice
) -> Tensor:
    """Returns the log-probability of reaching the end from each node, (T + longest, B, U + 1).

    Labels of duration 0 make a recurrence inside a frame; with S the running sum of their scores
    it is solved at once: beta[u] = logsumexp over v >= u of (base[v] + S[v]) - S[u].
    """
    frames, _, batch, places = blank.shape
    steps = [(k, d) for k, d in enumerate(durations) if d]
    beta = blank.new_full((frames + max(durations), batch, places), IMPOSSIBLE)
    items = torch.arange(batch, device=blank.device)
    beta[lattice.frames, items, lattice.labels] = 0.0
    ranks = torch.tensor([k for k, _ in steps], device=blank.device)
    jumps = torch.tensor([d for _, d in steps], device=blank.device)
    by_blank, by_label = blank[:, ranks], label[:, ranks, :, :-1]
    stay = _stay(label, durations)
    scores = blank.new_full((2 * len(steps), batch, places), IMPOSSIBLE)
    inside = (torch.arange(frames, device=blank.device)[:, None] < lattice.frames)[..., None]
    for frame in range(frames - 1, -1, -1):
        ahead = beta[frame + jumps]
        torch.add(by_blank[frame], ahead, out=scores[: len(steps)])
        scores[len(steps) :, :, :-1] = by_label[frame] + ahead[..., 1:]
        base = torch.logsumexp(scores, 0)
        if stay is not None:
            base = torch.logcumsumexp((base + stay[frame]).flip(1), 1).flip(1) - stay[frame]
        beta[frame] = torch.where(inside[frame], base, beta[frame])
    return beta


def _forward_scores(blank: Tensor, label: Tensor, durations: Sequence[int]) -> Tensor:
    """Returns the log-probability of reaching each node, (T, B, U + 1)."""
    frames, _, batch, places = blank.shape
    steps = [(k, d) for k, d in enumerate(durations) if d]
    longest = max(durations)
    alpha = blank.new_full((longest + frames, batch, places), IMPOSSIBLE)
    padding = blank.new_full((longest, len(steps), batch, places), IMPOSSIBLE)
    ranks = torch.tensor([k for k, _ in steps], device=blank.device)
    by_blank = torch.cat([padding, blank[:, ranks]])
    by_label = torch.cat([padding, label[:, ranks]])[..., :-1]
    columns = torch.arange(len(steps), device=blank.device)
    back = torch.tensor([longest - d for _, d in steps], device=blank.device)
    stay = _stay(label, durations)
    scores = blank.new_full((2 * len(steps), batch, places), IMPOSSIBLE)
    for frame in range(frames):
        if frame == 0:
            base = blank.new_full((batch, places), IMPOSSIBLE)
            base[:, 0] = 0.0
        else:
            origin = back + frame
            behind = alpha[origin]
            torch.add(by_blank[origin, columns], behind, out=scores[: len(steps)])
            scores[len(steps) :, :, 1:] = by_label[origin, columns] + behind[..., :-1]
            base = torch.logsumexp(scores, 0)
        if stay is not None:
            base = torch.logcumsumexp(base - stay[frame], 1) + stay[frame]
        alpha[longest + frame] = base
    return alpha[longest:]


def _stay(label: Tensor, durations: Sequence[int]) -> Tensor | None:
    """Returns the running sums of the duration-0 labels' scores, (T, B, U + 1), if any."""
    if 0 not in durations:
        return None
    steps = label[:, durations.index(0), :, :-1].clamp(min=-1e4)
    zero = steps.new_zeros((*steps.shape[:2], 1))
    return torch.cat([zero, steps.cumsum(2)], 2)


def posteriors(lattice: Lattice, durations: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Returns losses (B,) and the posteriors of all arcs (B, T, U + 1, 2 K), by array operations.

    The first K of an arc's last axis are blanks by duration, the others labels.
    """
    blank, label = _arcs(lattice, durations)
    beta = _backward_scores(blank, label, durations, lattice)
    total = beta[0, :, 0]
    alpha = _forward_scores(blank, label, durations)[:, None] - total[:, None]
    frame = torch.arange(blank.shape[0], device=blank.device)[:, None]
    ahead = beta[frame + torch.tensor(durations, device=blank.device)]
    blank = blank + alpha + ahead
    label[..., :-1] += alpha[..., :-1] + ahead[..., 1:]
    label[..., -1] = IMPOSSIBLE
    return -total.float(), torch.cat([blank, label], 1).exp_().permute(2, 0, 3, 1).float()


def posteriors_on_cpu(lattice: Lattice, durations: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The same as `posteriors`, by the compiled code for CPUs."""
    shape = (*lattice.blank.shape, 2 * len(durations))
    arcs = torch.zeros(shape)
    scores = [part.numpy() for part in (lattice.blank, lattice.label, lattice.duration, arcs)]
    jumps = np.array(durations, dtype=np.int64)
    losses = []
    counts = zip(lattice.frames.tolist(), lattice.labels.tolist(), strict=True)
    for item, (t, u) in enumerate(counts):
        blank, label, duration, found = (part[item, :t, : u + 1] for part in scores)
        losses.append(-solve(blank, label, duration, jumps, found))
    return torch.tensor(losses), arcs


@dataclass(frozen=True)
class TdtTargets:
    """What the loss compares with: targets (B, U), their counts and the frame counts (B,)."""

    tokens: Tensor
    labels: Tensor
    frames: Tensor
    durations: tuple[int, ...]
    sigma: float = 0.0


def _score_item(logits: Tensor, targets: Tensor, tokens: int, sigma: float) -> list[Tensor]:
    """Returns blank (t, u + 1), label (t, u) and duration (t, u + 1, K) scores of one item."""
    total = torch.logsumexp(logits[..., :tokens], -1) + sigma
    index = targets[None, :, None].expand(logits.shape[0], -1, 1)
    label = logits[:, :-1].gather(2, index).squeeze(2) - total[:, :-1]
    return [logits[..., tokens - 1] - total, label, logits[..., tokens:].log_softmax(-1)]


def _make_lattice(
    encoded: Tensor, predicted: Tensor, weight: Tensor, bias: Tensor, targets: TdtTargets
) -> Lattice:
    """Runs the joint item by item: its largest array then fits a CPU's cache."""
    shape = (encoded.shape[0], encoded.shape[1], predicted.shape[1])
    kinds = len(targets.durations)
    blank = torch.full(shape, IMPOSSIBLE, device=encoded.device)
    label = torch.full(shape, IMPOSSIBLE, device=encoded.device)
    duration = torch.full((*shape, kinds), IMPOSSIBLE, device=encoded.device)
    counts = zip(targets.frames.tolist(), targets.labels.tolist(), strict=True)
    for item, (t, u) in enumerate(counts):
        hidden = (encoded[item, :t, None] + predicted[item, None, : u + 1]).relu_()
        logits = functional.linear(hidden, weight, bias).float()
        scores = _score_item(
            logits, targets.tokens[item, :u], weight.shape[0] - kinds, targets.sigma
        )
        blank[item, :t, : u + 1], label[item, :t, :u] = scores[0], scores[1]
        duration[item, :t, : u + 1] = scores[2]
    return Lattice(blank, label, duration, targets.frames, targets.labels)


class _TdtLoss(torch.autograd.Function):
    """Joint's last layer and the loss in one; logits are remade only where a path may pass."""

    @staticmethod
    def forward(ctx, encoded, predicted, weight, bias, targets: TdtTargets) -> Tensor:
        """Returns the losses (B,); the arguments are those of `tdt_loss`."""
        lattice = _make_lattice(encoded, predicted, weight, bias, targets)
        solve_all = posteriors if encoded.is_cuda else posteriors_on_cpu
        losses, arcs = solve_all(lattice, targets.durations)
        ctx.save_for_backward(encoded, predicted, weight, bias, arcs)
        ctx.targets = targets
        return losses

    @staticmethod
    def backward(ctx, grad: Tensor):
        """The gradient of a logit: its node's posterior x its probability - its arcs' share."""
        encoded, predicted, weight, bias, arcs = ctx.saved_tensors
        b, t, u = (arcs.sum(3) > NEGLIGIBLE).nonzero(as_tuple=True)
        hidden = (encoded[b, t] + predicted[b, u]).relu_()
        logits = functional.linear(hidden, weight, bias).float()
        slope = _logit_slope(logits, arcs[b, t, u], (b, u), ctx.targets)
        slope = slope.mul_(grad[b, None]).to(weight.dtype)
        inner = (slope @ weight).mul_(hidden > 0)
        by_frame = torch.zeros_like(encoded).view(-1, inner.shape[1])
        by_frame.index_add_(0, b * encoded.shape[1] + t, inner)
        by_place = torch.zeros_like(predicted).view(-1, inner.shape[1])
        by_place.index_add_(0, b * predicted.shape[1] + u, inner)
        grads = by_frame.view(encoded.shape), by_place.view(predicted.shape)
        return *grads, slope.t() @ hidden, slope.sum(0), None


def _logit_slope(
    logits: Tensor, arcs: Tensor, nodes: tuple[Tensor, Tensor], targets: TdtTargets
) -> Tensor:
    """Returns d loss / d logits (N, V + 1 + K) for nodes (item, place) and their arcs (N, 2 K)."""
    blank, label = arcs.chunk(2, 1)
    kinds = blank.shape[1]
    tokens = logits[:, :-kinds].softmax(-1)
    times = logits[:, -kinds:].softmax(-1)
    occupancy = arcs.sum(1, keepdim=True)
    tokens.mul_(occupancy)
    tokens[:, -1] -= blank.sum(1)
    item, place = nodes
    if targets.tokens.shape[1]:
        index = targets.tokens[item, place.clamp(max=targets.tokens.shape[1] - 1)]
        tokens.scatter_add_(1, index[:, None], -label.sum(1, keepdim=True))
    return torch.cat([tokens, times * occupancy - blank - label], 1)


def tdt_loss(
    encoded: Tensor, predicted: Tensor, output: torch.nn.Linear, targets: TdtTargets
) -> Tensor:
    """Returns each item's negative log-likelihood, (B,).

    Args:
        encoded: The joint's projection of the encoder's output, (B, T, J).
        predicted: The joint's projection of the predictor's output, (B, U + 1, J).
        output: The joint's last layer, J -> V + 1 + K.
        targets: Targets and lengths; every item needs at least one frame.
    """
    return _TdtLoss.apply(
        encoded.contiguous(), predicted.contiguous(), output.weight, output.bias, targets
    )
