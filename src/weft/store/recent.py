"""Weights of the latest looks of a run at its development set, to be averaged at its end."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from weft.base.errors import DataError
from weft.base.shapes import Tensor
from weft.store.atomic import whole_file
from weft.store.average import average
from weft.store.weights import write_weights


class RecentWeights:
    """The weights of the `count` latest steps that were added, one file each; with a count of 0 none are kept."""

    def __init__(self, folder: Path, *, count: int) -> None:
        self.folder, self.count = folder, count

    def add(self, step: int, model: nn.Module) -> None:
        """Keeps the model's weights and forgets the oldest. Raises DataError if they cannot be written."""
        if not self.count:
            return
        target = self.folder / f"{step:08d}.safetensors"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(target) as part:
                write_weights(part, dict(model.named_parameters()), storage="float32")
        except OSError as error:
            raise DataError(
                f"{target}: wanted to write weights, got: {error}; make room and resume from the last checkpoint"
            ) from error
        for old in self._files()[: -self.count]:
            old.unlink()

    def mean(self) -> dict[str, Tensor]:
        """The mean of each parameter over what is kept; empty if nothing is."""
        files = self._files()[-self.count :] if self.count else []
        return average(files) if files else {}

    def cut_after(self, step: int) -> None:
        """Forgets the weights of later steps: those updates are done again."""
        for file in self._files():
            if int(file.stem) > step:
                file.unlink()

    def _files(self) -> list[Path]:
        """Oldest first."""
        return sorted(self.folder.glob("[0-9]*.safetensors"))
