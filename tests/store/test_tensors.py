from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from weft.store.tensors import write_tensors


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_whoever_may_read_a_new_file_may_read_the_tensors(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_tensors(tmp_path / "some.safetensors", {"x": torch.arange(7)})
    finally:
        os.umask(before)
    assert (tmp_path / "some.safetensors").stat().st_mode & 0o777 == mode


def test_tensors_come_back_in_any_layout(tmp_path: Path) -> None:
    tensors = {"turned": torch.arange(15).view(3, 5).T, "number": torch.tensor(2.5)}
    write_tensors(tmp_path / "some.safetensors", tensors, metadata={"about": "été"})
    found = load_file(tmp_path / "some.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_a_full_disk_is_an_os_error(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))  # Python ignores SIGXFSZ: writes fail instead
    try:
        with pytest.raises(OSError, match="File too large"):
            write_tensors(tmp_path / "some.safetensors", {"x": torch.zeros(9973)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
