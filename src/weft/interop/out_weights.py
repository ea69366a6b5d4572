"""Parameters of a model under the names of a family: what `weights` reads, written."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from weft.base.shapes import Tensor
from weft.interop.forms import Form
from weft.interop.names import Made
from weft.interop.out_config import positions
from weft.models.config import ModelConfig

log = logging.getLogger(__name__)

NULL = ".null."
"""In the names of what only reports know of."""


def tensors(model: Any, config: ModelConfig, form: Form) -> dict[str, Tensor]:
    """Every tensor that the family wants, in float32: rows of fused projections apart, absent biases as zeros."""
    found = dict(_tokens(model, config, form))
    for name, value in _parameters(model):
        found |= _parted(form.names.of(name), value)
    if form.logits_bias:
        bias = model.out.projection.bias
        found["final_logits_bias"] = (torch.zeros(config.written_vocabulary_size) if bias is None else bias)[None]
    if form.stored_positions:
        found |= _positions(model, config)
    return {name: value.detach().to("cpu", torch.float32) for name, value in found.items()}


def warn_of_dropped(model: nn.Module) -> None:
    """Says what other programs have no place for, and what leaving it out changes."""
    if lost := [name for name, _ in model.named_parameters() if NULL in name]:
        log.warning(
            "the learned score of 'no word' (%s) has no place there and is left out: translations are the same, but "
            "links read from the attention of that head will lack it",
            ", ".join(lost),
        )


def _parameters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Whatever stands in layers and norms, with a zero for each bias that a projection goes without."""
    for name, value in model.named_parameters():
        if NULL not in name and ".embed.table." not in name and not name.startswith("out."):
            yield name, value
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module.bias is None and not name.startswith("out."):
            yield f"{name}.bias", torch.zeros(module.out_features)


def _parted(made: Made, value: Tensor) -> dict[str, Tensor]:
    """The tensors that a parameter is made of: equal parts, with rows that nobody reads where they begin."""
    parts = value.chunk(len(made.of))
    unread = [part.new_zeros(made.skip, *part.shape[1:]) for part in parts]
    return {name: torch.cat([rows, part]) for name, rows, part in zip(made.of, unread, parts, strict=True)}


def _tokens(model: Any, config: ModelConfig, form: Form) -> Iterator[tuple[str, Tensor]]:
    """The tables of tokens: one for all, or each on its own, since a family ties all or nothing."""
    names, source = form.names.tokens, model.encoder.embed.table.weight
    if config.tie == "all" or not form.own_target:
        yield names.shared, source
    if config.tie != "all":
        yield names.source, source.clone()
        yield names.target, model.decoder.embed.table.weight.clone()
        if not (form.own_target and config.tie == "target"):
            yield names.projection, model.out.projection.weight.clone()


def _positions(model: Any, config: ModelConfig) -> dict[str, Tensor]:
    places = torch.arange(positions(config))
    ends = {"encoder": model.encoder, "decoder": model.decoder}
    return {f"model.{name}.embed_positions.weight": end.embed.position(places) for name, end in ends.items()}
