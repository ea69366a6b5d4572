"""Where a command computes, and the model that it opens there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.base.errors import ConfigError
from weft.cli.options import Shared

if TYPE_CHECKING:
    import torch

    from weft.store.precision import Precision
    from weft.translating.translator import Translator


def device_of(shared: Shared) -> torch.device | None:
    """The device that was asked for, with the threads set; None if the choice is left to weft.

    Raises ConfigError if this machine, or this torch, has no such device.
    """
    import torch

    if shared.threads is not None:
        torch.set_num_threads(shared.threads)
    if shared.device is None:
        return None
    try:
        device = torch.device(shared.device)
        torch.empty(1, device=device)
    except Exception as error:  # torch raises AssertionError, RuntimeError, NotImplementedError, ...
        kinds = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        kinds += ["mps"] if torch.backends.mps.is_available() else []
        raise ConfigError(
            f"--device wants a device that torch can use here, got {shared.device!r}; there are {', '.join(kinds)}"
        ) from error
    return device


def numbers_of(shared: Shared) -> Precision | None:
    """What a model is to compute in, by name; None if the choice is left to weft."""
    return None if shared.dtype is None else shared.dtype.value


def no_numbers(shared: Shared, verb: str, remedy: str) -> None:
    """Raises ConfigError for --dtype before a verb that opens no model to compute with."""
    if shared.dtype is not None:
        raise ConfigError(f"{verb} wants no --dtype, got {shared.dtype.value}; {remedy}")


def opened(
    model: str | None,
    shared: Shared,
    *,
    to: str | None = None,
    from_: str | None = None,
    attention: str | None = None,
    tolerance: float | None = None,
    encoder_window: int | None = None,
) -> Translator:
    """The translator of a model; of the first one for the languages if none is named."""
    device = device_of(shared)
    from weft.translating.loading import load

    return load(
        model,
        to=to,
        from_=from_,
        device=device,
        dtype=numbers_of(shared),
        batch_tokens=4096 if shared.batch_tokens is None else shared.batch_tokens,
        attention=attention,
        tolerance=tolerance,
        encoder_window=encoder_window,
    )


def direction(translator: Translator, to: str | None, from_: str | None) -> tuple[str, str]:
    """Source and target language; either may be left out where the model leaves no choice.

    Raises ConfigError that names the choices.
    """
    from weft.store.config import ANY

    targets = sorted({pair.to for pair in translator.languages if from_ is None or pair.from_ in (from_, ANY)})
    if to is None and len(targets) > 1:
        raise ConfigError(f"model {translator.name} writes {', '.join(targets)}; choose one with --to")
    if to is None and not targets:
        known = ", ".join(f"{pair.from_}-{pair.to}" for pair in translator.languages)
        raise ConfigError(f"model {translator.name} translates {known}, got --from {from_}; choose one of these")
    return translator.pair(to or targets[0], from_)
