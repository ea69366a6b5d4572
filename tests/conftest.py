"""Every test checks the shapes and dtypes that weft's signatures promise, on one thread, with the same examples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest
import torch
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

if TYPE_CHECKING:
    from weft import Translator

install_import_hook(
    ["weft.base", "weft.attention", "weft.layers", "weft.models", "weft.generation"], "beartype.beartype"
)
torch.set_num_threads(1)
settings.register_profile(
    "laws", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("laws")


@contextmanager
def _unchecked() -> Iterator[None]:
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switches the checking of signatures off, so that weft's own messages about wrong tensors can be read."""
    with _unchecked():
        yield


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored Transformer that has learnt the toy languages of `tests.tiny`, in a few seconds, once a session."""
    from tests.tiny import save_tiny

    with _unchecked():
        return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Translator:
    """Its translator in float64, so that nothing but weft itself can make two ways to one result differ."""
    import weft

    return weft.load(tiny_folder, dtype=torch.float64)
