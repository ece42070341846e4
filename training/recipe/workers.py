"""Several processes of one thread each that train together by averaging gradients.

On a CPU this beats many threads in one process: small products do not split well, and when
another program takes a core, threads wait for each other at every operation, processes only once
a step.
"""

from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor, distributed, nn


class FlatGradients:
    """One array behind all gradients, with room for a few sums that workers share.

    The last `extras` numbers are not gradients: they carry batch statistics and flags along.
    """

    def __init__(self, parameters: list[nn.Parameter], extras: int) -> None:
        count = sum(parameter.numel() for parameter in parameters)
        device = parameters[0].device
        self.flat = torch.zeros(count + extras, device=device)
        self.gradients = self.flat[:count]
        self.extras = self.flat[count:]
        start = 0
        for parameter in parameters:
            view = self.flat[start : start + parameter.numel()]
            parameter.grad = view.view_as(parameter)
            start += parameter.numel()

    def clip(self, limit: float) -> Tensor:
        """Scales the gradients to a norm of at most `limit`; returns the norm before."""
        norm = self.gradients.norm()
        self.gradients.mul_((limit / (norm + 1e-6)).clamp(max=1.0))
        return norm


class Group:
    """This process's place among the workers."""

    def __init__(self, rank: int = 0, workers: int = 1, meeting: Path | None = None) -> None:
        self.rank = rank
        self.workers = workers
        if workers > 1:
            distributed.init_process_group(
                "gloo",
                init_method=f"file://{meeting}",
                rank=rank,
                world_size=workers,
                timeout=timedelta(hours=2),
            )

    @property
    def leads(self) -> bool:
        """Whether this process writes the logs and checkpoints."""
        return self.rank == 0

    def average(self, flat: Tensor) -> None:
        """Replaces an array by its mean over the workers."""
        if self.workers > 1:
            distributed.all_reduce(flat)
            flat.div_(self.workers)

    def gather(self, value: Tensor) -> list[Tensor]:
        """Returns every worker's copy of an array, by rank."""
        if self.workers == 1:
            return [value.clone()]
        values = [torch.empty_like(value) for _ in range(self.workers)]
        distributed.all_gather(values, value)
        return values

    def close(self) -> None:
        """Leaves the group."""
        if self.workers > 1:
            distributed.destroy_process_group()
