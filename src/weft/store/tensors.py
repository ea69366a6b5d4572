"""Named tensors and a note as one safetensors file, which whoever may read the folder may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file

from weft.base.shapes import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
    """Writes the file with the permissions of any new file: the library alone would make it the owner's only.

    Raises OSError if it cannot be written (a full disk).
    """
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=metadata)
    except SafetensorError as error:  # the library has no other class for a failed write
        raise OSError(str(error)) from error
    path.chmod(mode)
