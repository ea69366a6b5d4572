"""What a model of several sources read of each while it wrote: shares, alignments, heat maps and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch

from weft.alignment.link import Link, Span
from weft.attention.record import Observation, Record
from weft.base.shapes import Float, Tensor
from weft.layers.attention import join_heads
from weft.layers.fusion import Gated
from weft.models.config import ModelConfig
from weft.models.crossing import cross_site

Measure = Literal["attention", "norm"]


@dataclass(frozen=True)
class HeatMap:
    """How much of a picture's attention fell on each of its patches, for each target word: `[words rows columns]`."""

    weights: Float[Tensor, "j rows columns"]

    def to_json(self) -> list[list[list[float]]]:
        found: list[list[list[float]]] = self.weights.tolist()
        return found


@dataclass(frozen=True)
class SourceReport:
    """What was read of one source."""

    text: str | None
    """Its text, or the name of its picture, if it has one."""
    present: bool
    """Whether this input has the source at all; if not, its shares are 0."""
    shares: tuple[float, ...]
    """For each target word the share of all sources that this one has; they add up to 1."""
    measure: Measure
    """attention: shares are exact masses of softmax weights, mean of layers and heads; norm: each source has a softmax
    of its own, and shares are those of the lengths of what they add (times the gate)."""
    alignment: tuple[Link, ...] | None = None
    """Links to its words, if it is a text."""
    heat: HeatMap | None = None
    """Where it was looked at, if it is a picture."""
    gates: tuple[float, ...] | None = None
    """tanh of the gate of each decoder layer, where there are gates."""

    def to_json(self, words: Sequence[Span]) -> dict[str, Any]:
        """`words` are those of the translation."""
        shares = [{"target": list(word), "probability": share} for word, share in zip(words, self.shares, strict=True)]
        found: dict[str, Any] = {"present": self.present, "measure": self.measure, "shares": shares}
        if self.text is not None:
            found["text"] = self.text
        if self.alignment is not None:
            found["alignment"] = [link.to_json() for link in self.alignment]
        if self.heat is not None:
            found["heat"] = self.heat.to_json()
        if self.gates is not None:
            found["gates"] = list(self.gates)
        return found


def measure_of(config: ModelConfig) -> Measure:
    """What shares of a model are shares of."""
    return "attention" if config.fusion in ("concat", "hierarchical") else "norm"


def shares(
    record: Record, config: ModelConfig, names: Sequence[str], gates: Mapping[str, Sequence[float]]
) -> Float[Tensor, "b t n"]:
    """The share of each of the named sources in what each step read, the mean of all layers; 0 where nothing was read.

    `names` are those that were read, in the order of the model. In concat fusion a share is exp(L_i - L), from the log
    normalisers of a source and of all (mean of heads); in hierarchical fusion the weight of the second attention; else
    the length |g_i W_i c_i| of what a source adds, over the sum of all.
    """
    of_layers = [_of_layer(record, config, names, gates, number) for number in range(config.decoder_layers)]
    return torch.stack(of_layers).mean(0)


def _of_layer(
    record: Record, config: ModelConfig, names: Sequence[str], gates: Mapping[str, Sequence[float]], number: int
) -> Float[Tensor, "b t n"]:
    seen = [record.at(cross_site(number, name))[0] for name in names]
    if config.fusion == "concat":
        return torch.stack([one.mass().mean(1) for one in seen], -1)
    if config.fusion == "hierarchical":
        b, t = seen[0].query.shape[0], seen[0].query.shape[2]
        over = record.at(cross_site(number, "sources"))[0]
        return torch.unflatten(over.weights().mean(1)[:, 0], 0, (b, t))  # bt h 1 n -> b t n
    factors = [abs(gates[name][number]) if name in gates else 1.0 for name in names]
    lengths = torch.stack([factor * _added(one) for factor, one in zip(factors, seen, strict=True)], -1)
    return lengths / lengths.sum(-1, keepdim=True).clamp_min(1e-30)


def _added(seen: Observation) -> Float[Tensor, "b t"]:
    """The length of what one source adds at each step, without its bias, which does not depend on what was read."""
    context = seen.backend.attend(seen.query, seen.memory)
    assert seen.output is not None
    return (join_heads(context) @ seen.output.weight.T).float().norm(dim=-1)


def gates_of(model: Any, config: ModelConfig) -> dict[str, list[float]]:
    """tanh of the gates of each source, decoder layer by decoder layer; empty where there are none."""
    if config.fusion != "gated":
        return {}
    fusions = [cast(Gated, fusion) for fusion in model.decoder.cross_attentions()]
    return {name: [float(one.gates[name].detach().tanh()) for one in fusions] for name in fusions[0].gates}
