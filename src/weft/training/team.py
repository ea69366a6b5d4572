"""The processes that train together, started by torchrun; alone, a team of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

PATIENCE = timedelta(hours=2)
"""How long the others wait while number 0 reads files, trains the tokenizer or validates."""


@dataclass(frozen=True)
class Team:
    """This process's number and how many there are. Number 0 alone writes files and validates."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over the team."""
        return module if self.size == 1 else DistributedDataParallel(module, broadcast_buffers=False)

    def pause(self, module: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Holds back the exchange of gradients until the last micro-batch of an update."""
        if isinstance(module, DistributedDataParallel) and not last:
            return module.no_sync()
        return nullcontext()

    def total(self, values: list[float]) -> list[float]:
        """The sum of each number over the team."""
        if self.size == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return [float(value) for value in tensor]

    def agree(self, value: float) -> float:
        """What number 0 says, for everyone."""
        return self.total([value if self.leads else 0.0])[0]


@contextmanager
def joined_team(device: torch.device) -> Iterator[Team]:
    """The team that torchrun's environment describes, each process on its own GPU; leaves it when the block ends."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(device=device)
        return
    own = _own(device)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Team(dist.get_rank(), size, own)
    finally:
        dist.destroy_process_group()


def _own(device: torch.device) -> torch.device:
    """The GPU of this process: one for each process of a machine."""
    if device.type != "cuda":
        return device
    own = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(own)
    return own
