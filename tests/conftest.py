"""Every test checks the shapes and dtypes that weft's signatures promise, on one thread, with the same examples."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

install_import_hook(
    ["weft.base", "weft.attention", "weft.layers", "weft.models", "weft.generation"], "beartype.beartype"
)
torch.set_num_threads(1)
settings.register_profile(
    "laws", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("laws")


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switches the checking of signatures off, so that weft's own messages about wrong tensors can be read."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
