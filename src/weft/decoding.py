"""Many sources through one model: batched by length, encoded, searched, and back in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from weft.base.padded import pad
from weft.data.tokenizer import EOS
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.hypothesis import Hypothesis
from weft.generation.protocol import Seq2Seq
from weft.generation.search import search
from weft.generation.settings import SearchSettings


def decode_many(
    model: Seq2Seq,
    sources: Sequence[Sequence[int]],
    *,
    tag: int | Sequence[int],
    settings: SearchSettings,
    batch_tokens: int = 4096,
    device: torch.device | str = "cpu",
) -> list[tuple[Hypothesis, ...]]:
    """For each source (ids without `</s>`) its n-best hypotheses; `tag` is the first target token, for all or each."""
    tags = [tag] * len(sources) if isinstance(tag, int) else list(tag)
    batches = batches_by_length([len(source) + 1 for source in sources], max_tokens=batch_tokens)
    return in_given_order(batches, list(_decoded(model, sources, tags, batches, settings, device)))


def _decoded(
    model: Seq2Seq,
    sources: Sequence[Sequence[int]],
    tags: Sequence[int],
    batches: Sequence[Sequence[int]],
    settings: SearchSettings,
    device: torch.device | str,
) -> Iterator[Sequence[tuple[Hypothesis, ...]]]:
    for rows in batches:
        source = pad([[*sources[row], EOS] for row in rows], device=device)
        start = torch.tensor([tags[row] for row in rows], device=device)
        with torch.inference_mode():
            memory = model.encode(source)
            result = search(
                model, memory, start=start, source_lengths=source.lengths, eos=EOS, settings=settings
            )
        yield result.hypotheses
