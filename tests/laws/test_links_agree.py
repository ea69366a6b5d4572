"""However a translation was found, its links are those of the same tokens forced on the model in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch

from weft.alignment.gather import gather
from weft.attention.record import Record
from weft.base.padded import pad
from weft.data.tokenizer import EOS
from weft.generation.hypothesis import Hypothesis, Result
from weft.generation.score import score
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.generation.stream import search_steps
from weft.translating.looking import cross_sites, cross_weights
from weft.translating.translator import Translator

TEXTS = ["the red dog sleeps.", "the cat sings!", "the yellow house", "white horse the burns and burns and burns?"]
SHORT = SearchSettings(beam=1, max_length_ratio=0.5, max_length_offset=1)
"""Most hypotheses are cut at the limit."""

Find = Callable[..., Result]


def streamed(model: Any, memory: Any, **arguments: Any) -> Result:
    last = list(search_steps(model, memory, **arguments))[-1]
    assert last.result is not None
    return last.result


def forced(model: Any, memory: Any, *, start: Any, eos: int, settings: SearchSettings, record: Any, **_: Any) -> Result:
    """What greedy search finds, forced step by step."""
    found = search(model, memory, start=start, eos=eos, settings=settings, **_)
    targets = [best.tokens for best in found.best]
    return score(model, memory, start=start, targets=targets, eos=eos, record=record)


WAYS: dict[str, tuple[Find, SearchSettings]] = {
    "greedy": (search, SearchSettings(beam=1, max_length_ratio=1.0, max_length_offset=5)),
    "greedy cut": (search, SHORT),
    "beam": (search, SearchSettings(beam=5, nbest=1, max_length_ratio=1.0, max_length_offset=5)),
    "n-best": (search, SearchSettings(beam=5, nbest=5, length_penalty=0.7, max_length_ratio=1.0, max_length_offset=5)),
    "n-best cut": (search, SearchSettings(beam=3, nbest=3, max_length_ratio=0.5, max_length_offset=1)),
    "wide": (search, SearchSettings(beam=17, nbest=11, max_length=7)),
    "streamed": (streamed, SearchSettings(beam=4, nbest=2, max_length_ratio=1.0, max_length_offset=5)),
    "streamed greedy": (streamed, SearchSettings(beam=1, max_length_ratio=1.0, max_length_offset=5)),
    "forced": (forced, SearchSettings(beam=1, max_length_ratio=1.0, max_length_offset=5)),
}


@pytest.mark.parametrize("prefix", [None, "le"])
@pytest.mark.parametrize("way", WAYS)
@torch.inference_mode()
def test_gathered_weights_are_those_of_forcing(tiny: Translator, way: str, prefix: str | None) -> None:
    find, settings = WAYS[way]
    config, direction = tiny.config.model, tiny.tokenizer.direction("fr")
    sources, record = tiny.tokenizer.encode_batch(TEXTS), Record(cross_sites(config))
    result = find(
        tiny.stored.model,
        tiny.stored.model.encode(pad([[*ids, EOS] for ids in sources])),
        start=torch.full((len(sources),), direction.start),
        source_lengths=torch.tensor([len(ids) + 1 for ids in sources]),
        eos=EOS,
        settings=settings,
        prefix=[tiny.tokenizer.encode(prefix).ids] * len(sources) if prefix else None,
        record=record,
    )
    for row, hypothesis, weights in gathered(result, record, cross_sites(config)):
        written = [token for token in hypothesis.tokens if token != EOS]
        expected = cross_weights(tiny.stored.model, config, sources[row], written, direction=direction)
        mine = weights[:, :, : len(written) + 1, : len(sources[row]) + 1]
        torch.testing.assert_close(mine, expected, rtol=0, atol=1e-5)


def gathered(result: Result, record: Record, sites: Sequence[str]) -> Iterator[tuple[int, Hypothesis, torch.Tensor]]:
    """Each hypothesis with its source's row and the weights `[l h t s]` of all layers."""
    flat = [(row, hypothesis) for row, ranked in enumerate(result.hypotheses) for hypothesis in ranked]
    assert flat
    layers = [
        gather(
            record.at(site),
            result.rows,
            sources=[row for row, _ in flat],
            slots=[hypothesis.slots or () for _, hypothesis in flat],
        ).weights()
        for site in sites
    ]
    for place, (row, hypothesis) in enumerate(flat):
        yield row, hypothesis, torch.stack([layer[place] for layer in layers])
