"""What may be written next: pure functions on log-probabilities `[b n w]`. A token that may not has -inf.

Nothing is renormalised, so what is left keeps the model's own log-probability.
"""

from __future__ import annotations

import torch

from weft.base.shapes import Float, Int, Tensor
from weft.generation.settings import Sampling

NEVER = float("-inf")


def log_probabilities(logits: Float[Tensor, "*b w"]) -> Float[Tensor, "*b w"]:
    """Log-softmax over the vocabulary in float32, or in float64 where the logits are."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)


def log_probabilities_(logits: Float[Tensor, "*b w"]) -> Float[Tensor, "*b w"]:
    """The same, without gradients, in the memory of the logits where that can be.

    A step of many hypotheses has megabytes of them, and to get fresh ones from the system takes longer than to fill
    them.
    """
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if wide.is_inference() and not torch.is_inference_mode_enabled():  # its memory may not be written here
        return wide.log_softmax(-1)
    return torch.log_softmax(wide, -1, out=wide)


_STRETCH = 64
_MANY = 1 << 16
"""Among fewer numbers `topk` is done before stretches have been made."""


def largest(
    totals: Float[Tensor, "m n"], x: Float[Tensor, "m n w"], count: int
) -> tuple[Float[Tensor, "m c"], Int[Tensor, "m c"]]:
    """The `count` largest of `totals + x` of each m, largest first, and their places in `[n w]`, one behind the other.

    As `topk` finds them, several times as fast: they lie in the stretches whose own largest are largest, and to find
    those takes no more than a reading.
    """
    width = x.shape[-1]
    whole, rest = width - width % _STRETCH, width % _STRETCH
    if x.numel() < _MANY or x[0].numel() < 4 * count * _STRETCH:
        best = (totals[..., None] + x).flatten(1).topk(count)
        return best.values, best.indices
    tops_mnr = torch.unflatten(x[..., :whole], -1, (-1, _STRETCH)).amax(-1) + totals[..., None]
    stretches = tops_mnr.flatten(1).topk(count).indices
    within = torch.arange(_STRETCH, device=x.device)
    # A row has a rest that is in none of its stretches, so their places in it are not those among all stretches.
    first = stretches * _STRETCH + stretches.div(whole // _STRETCH, rounding_mode="floor") * rest
    places = (first[..., None] + within).flatten(1)
    if rest:
        ends = torch.arange(width, x[0].numel() + 1, width, device=x.device)[:, None] - 1 - within[:rest]
        places = torch.cat((places, ends.flatten().expand(len(x), -1)), -1)
    best = (totals.gather(1, places // width) + x.flatten(1).gather(1, places)).topk(count)
    return best.values, places.gather(-1, best.indices)


def ban(log_probs: Float[Tensor, "*b w"], tokens: Int[Tensor, " r"]) -> Float[Tensor, "*b w"]:
    """The same without these tokens."""
    return log_probs.index_fill(-1, tokens, NEVER)


def force(log_probs: Float[Tensor, "b n w"], forced: Int[Tensor, " b"]) -> Float[Tensor, "b n w"]:
    """Only the forced token of each source, with its own log-probability; all tokens where `forced` is negative."""
    wanted_b11 = forced[:, None, None]
    others = torch.arange(log_probs.shape[-1], device=log_probs.device) != wanted_b11
    return log_probs.masked_fill(others & (wanted_b11 >= 0), NEVER)


def give(log_probs: Float[Tensor, "b n w"], given: Int[Tensor, " b"]) -> Float[Tensor, "b n w"]:
    """Only the given token of each source, at no cost (log-probability 0); all tokens where `given` is negative."""
    tokens = torch.arange(log_probs.shape[-1], device=log_probs.device)
    own = (tokens == given[:, None, None]) & (given >= 0)[:, None, None]
    return force(log_probs, given).masked_fill(own, 0.0)


def ban_sequence(
    log_probs: Float[Tensor, "b n w"], written: Int[Tensor, "b n t"], sequence: Int[Tensor, " r"]
) -> Float[Tensor, "b n w"]:
    """The same without the last token of a sequence where all others of it have just been written."""
    before, last = sequence[:-1], sequence[-1]
    if written.shape[-1] < len(before):
        return log_probs
    about_to = (written[..., written.shape[-1] - len(before) :] == before).all(-1)
    is_last = torch.arange(log_probs.shape[-1], device=log_probs.device) == last
    return log_probs.masked_fill(about_to[..., None] & is_last, NEVER)


def no_repeat(log_probs: Float[Tensor, "b n w"], written: Int[Tensor, "b n t"], size: int) -> Float[Tensor, "b n w"]:
    """The same without the tokens that would write some `size` tokens in a row a second time."""
    if written.shape[-1] < size:
        return log_probs
    grams_bntg = written.unfold(-1, size, 1)
    tail_bn1g = written[:, :, None, written.shape[-1] - size + 1 :]
    seen_bnt = (grams_bntg[..., :-1] == tail_bn1g).all(-1)
    floor_bnt = torch.zeros_like(seen_bnt, dtype=log_probs.dtype).masked_fill(seen_bnt, NEVER)
    return log_probs.scatter_reduce(-1, grams_bntg[..., -1], floor_bnt.masked_fill(~seen_bnt, float("inf")), "amin")


def rescue(allowed: Float[Tensor, "*b w"], log_probs: Float[Tensor, "*b w"], eos: int) -> Float[Tensor, "*b w"]:
    """`allowed`, but `</s>` with its own log-probability where nothing at all is allowed."""
    stuck = (allowed == NEVER).all(-1, keepdim=True)
    is_eos = torch.arange(allowed.shape[-1], device=allowed.device) == eos
    return torch.where(stuck & is_eos, log_probs, allowed)


def sharpen(log_probs: Float[Tensor, "*b w"], sampling: Sampling) -> Float[Tensor, "*b w"]:
    """The probabilities (sum 1) to draw from: temperature, then the top k, then the nucleus (Holtzman et al. 2020).

    The best token always stays. Equal tokens at the edge of the top k all stay.
    """
    cooled = (log_probs - log_probs.amax(-1, keepdim=True)) / sampling.temperature
    if 0 < sampling.top_k < cooled.shape[-1]:
        edge = cooled.topk(sampling.top_k).values[..., -1:]
        cooled = cooled.masked_fill(cooled < edge, NEVER)
    probs = cooled.softmax(-1)
    if sampling.top_p == 1:
        return probs
    ranked = probs.sort(-1, descending=True)
    outside = ranked.values.cumsum(-1) - ranked.values >= sampling.top_p
    kept = ranked.values.masked_fill(outside, 0)
    return torch.zeros_like(probs).scatter(-1, ranked.indices, kept / kept.sum(-1, keepdim=True))
