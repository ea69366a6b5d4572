"""The numbers of a run's log as curves in a browser: `tensorboard --logdir DIR`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weft.base.errors import UnsupportedError


class TensorBoard:
    """Writes every number of a log line as a scalar; `{"dev": {"bleu": 31.2}}` is the scalar `dev/bleu`."""

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        """Hides what an earlier process wrote after step `after`. Raises UnsupportedError without the package."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UnsupportedError(
                f"tensorboard = true wants the package tensorboard, got: {error}; run "
                'pip install "weft[tensorboard]", or leave the key out'
            ) from error
        self._writer: Any = SummaryWriter(str(folder), purge_step=after + 1)

    def write(self, line: dict[str, Any]) -> None:
        for name, value in _scalars("", line):
            self._writer.add_scalar(name, value, line["step"])
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def _scalars(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _scalars(f"{prefix}{name}/", value)
        elif isinstance(value, int | float) and name != "step":
            yield prefix + name, float(value)
