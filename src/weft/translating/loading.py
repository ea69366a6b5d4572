"""A translator from the name of a model: what it computes in, and how it reads long sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from weft.models.encoder_readers import look_around
from weft.models.readers import counted, read_by, told_of
from weft.models.reading import Reading
from weft.store import names
from weft.store.precision import Dtype
from weft.translating.computing import open_in
from weft.translating.translator import Translator


def load(
    model: str | Path | None = None,
    *,
    to: str | None = None,
    from_: str | None = None,
    device: torch.device | str | None = None,
    dtype: Dtype = None,
    batch_tokens: int = 4096,
    attention: str | Sequence[str] | None = None,
    tolerance: float | None = None,
    reading: Reading | None = None,
    encoder_window: int | None = None,
) -> Translator:
    """The translator of a model that ships or is installed, of a folder, of `hf:ORG/NAME`; None: the first that fits.

    A folder holds a model of weft's own or a checkpoint of a family that weft reads. `dtype` is what it computes in:
    float32 (None), bfloat16, float16, or int8, which is the fast one on a CPU. `attention` is how the decoder reads a
    source, for long ones: chunked, pages, top-k, window, auto or dense, for all layers or one name for each;
    `tolerance` is the share of a query's weight that pages may leave out, `reading` whatever else they can be told.
    `encoder_window` lets each position of the encoder see so many before and after it alone, which makes reading a
    source linear in its length; a model that was trained to see everything reads long sources otherwise then.
    Raises ConfigError if there is no such model (naming those there are) or attention, DataError if files are damaged,
    UnsupportedError for a checkpoint of another family, or a model that cannot read so.
    """
    if model is None:
        model = names.default(to, from_) if to is not None else names.first()
    told = told_of(attention, tolerance, reading)
    stored = open_in(model, device=device, dtype=dtype)
    shape = stored.config.model
    if encoder_window is not None:
        look_around(stored.model, shape, encoder_window)
    tally = counted(stored.model, shape) if attention is None else read_by(stored.model, shape, attention, told)
    return Translator(stored, batch_tokens=batch_tokens, tally=tally)
