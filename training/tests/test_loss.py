"""The TDT loss and its gradient against a sum over all paths."""

from functools import cache

import pytest
import torch
from torch import Tensor

from recipe import loss as loss_module
from recipe.loss import TdtTargets, posteriors, tdt_loss

VOCABULARY = 5
TABLES = [(0, 1, 2, 3, 4), (1, 2), (0, 2, 1), (0, 1), (0, 1, 2, 4, 8)]


def _by_hand(logits: Tensor, targets: list[int], durations: tuple[int, ...], sigma: float):
    """Sums over all paths by recursion from the end; plain autograd differentiates it."""
    frames = logits.shape[0]
    tokens = logits[..., : VOCABULARY + 1].log_softmax(-1) - sigma
    times = logits[..., VOCABULARY + 1 :].log_softmax(-1)

    @cache
    def rest(t: int, u: int) -> Tensor | None:
        paths = []
        for k, d in enumerate(durations):
            score = times[t, u, k] if t < frames else None
            if score is None or t + d > frames:
                continue
            if d and t + d == frames and u == len(targets):
                paths.append(score + tokens[t, u, VOCABULARY])
            if t + d == frames:
                continue
            if d and (after := rest(t + d, u)) is not None:
                paths.append(score + tokens[t, u, VOCABULARY] + after)
            if u < len(targets) and (after := rest(t + d, u + 1)) is not None:
                paths.append(score + tokens[t, u, targets[u]] + after)
        return torch.logsumexp(torch.stack(paths), 0) if paths else None

    total = rest(0, 0)
    assert total is not None
    return -total


def _problem(durations: tuple[int, ...], labels: list[int], frames: list[int]):
    torch.manual_seed(len(durations) + sum(labels))
    encoded = torch.randn(len(frames), max(frames), 6, requires_grad=True)
    predicted = torch.randn(len(frames), max(labels) + 1, 6, requires_grad=True)
    output = torch.nn.Linear(6, VOCABULARY + 1 + len(durations))
    tokens = torch.randint(0, VOCABULARY, (len(frames), max(labels)))
    targets = TdtTargets(tokens, torch.tensor(labels), torch.tensor(frames), durations, 0.02)
    return encoded, predicted, output, targets


def _expected(encoded: Tensor, predicted: Tensor, output: torch.nn.Linear, targets: TdtTargets):
    logits = output((encoded[:, :, None] + predicted[:, None]).relu()).double()
    counts = zip(targets.frames.tolist(), targets.labels.tolist(), strict=True)
    return torch.stack(
        [
            _by_hand(logits[i, :t], targets.tokens[i, :u].tolist(), targets.durations, 0.02)
            for i, (t, u) in enumerate(counts)
        ]
    )


@pytest.mark.parametrize("durations", TABLES)
@pytest.mark.parametrize(
    ("labels", "frames"), [([4, 3, 0], [9, 7, 5]), ([2, 1], [3, 8]), ([0, 0], [1, 4])]
)
@pytest.mark.parametrize("compiled", [True, False])
def test_loss_and_gradient_equal_the_sum_over_all_paths(
    durations: tuple[int, ...],
    labels: list[int],
    frames: list[int],
    compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both forms of the loss, for tables with and without 0 and out of order."""
    if not compiled:
        monkeypatch.setattr(loss_module, "posteriors_on_cpu", posteriors)
    if durations == (1, 2) and labels == [2, 1]:
        frames = [5, 8]
    encoded, predicted, output, targets = _problem(durations, labels, frames)
    weights = torch.arange(1.0, len(frames) + 1)
    leaves = [encoded, predicted, output.weight, output.bias]
    found = tdt_loss(encoded, predicted, output, targets)
    expected = _expected(encoded, predicted, output, targets)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
    ours = torch.autograd.grad(found @ weights, leaves)
    theirs = torch.autograd.grad(expected @ weights.double(), leaves, allow_unused=True)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=2e-4)


def test_padding_changes_nothing() -> None:
    """An item alone has the loss that it has beside a longer one."""
    encoded, predicted, output, targets = _problem((0, 1, 2), [4, 2], [9, 6])
    both = tdt_loss(encoded, predicted, output, targets)
    one = TdtTargets(
        targets.tokens[1:, :2], targets.labels[1:], targets.frames[1:], targets.durations, 0.02
    )
    alone = tdt_loss(encoded[1:, :6], predicted[1:, :3], output, one)
    torch.testing.assert_close(alone[0], both[1])
