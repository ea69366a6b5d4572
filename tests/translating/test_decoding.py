"""Laws of decoding: what is kept changes nothing, equal work is done once, and answers are lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny import save_untrained

import weft
from weft.alignment.words import words
from weft.base.errors import DataError, UnsupportedError
from weft.base.padded import Padded
from weft.data.direction import Direction
from weft.data.tokenizer import EOS, Tokenizer
from weft.generation.settings import Sampling, SearchSettings
from weft.translating.answering import one_line
from weft.translating.decoding import Decoder, Job, OneText
from weft.translating.forcing import forced_scores
from weft.translating.segments import Segment
from weft.translating.translator import Translator

GREEDY = SearchSettings(beam=1, max_length_ratio=1.0, max_length_offset=5)
BEAM = SearchSettings(beam=3, nbest=3, length_penalty=0.7, max_length_ratio=1.0, max_length_offset=5)
TEXTS = ["the red dog sleeps.", "the cat sings!", "the yellow house burns?", "the tree falls."]


class Counting:
    """A model that counts the sources it encodes."""

    def __init__(self, model: Any) -> None:
        self.model, self.vocabulary_size, self.encoded = model, model.vocabulary_size, 0

    def encode(self, source: Padded) -> Any:
        self.encoded += len(source)
        return self.model.encode(source)

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        return iter(self.model.parameters())

    def init_cache(self, memory: Any, *, beam: int, capacity: int) -> Any:
        return self.model.init_cache(memory, beam=beam, capacity=capacity)

    def step(self, tokens: Any, cache: Any, record: Any = None) -> Any:
        return self.model.step(tokens, cache, record)


def decoder(tiny: Translator, **options: Any) -> Decoder:
    """A decoder of the tiny model with nothing kept yet."""
    model: Any = Counting(tiny.stored.model)
    return Decoder(model, tiny.tokenizer, alignment=tiny.config.alignment, **options)


def jobs(tokenizer: Tokenizer, texts: Sequence[str] = TEXTS, prefix: tuple[int, ...] = ()) -> list[Job]:
    return [Job(one, prefix) for one in segments(tokenizer, texts)]


def segments(tokenizer: Tokenizer, texts: Sequence[str] = TEXTS) -> list[Segment]:
    return [Segment.whole(text, tokenizer) for text in texts]


def same(one: Any, other: Any) -> None:
    """Two memories of the same sources."""
    assert torch.equal(one.keep, other.keep)
    for mine, its in zip(one.cross, other.cross, strict=True):
        hidden = ~one.keep[:, None, :, None]
        for x, y in ((mine.k, its.k), (mine.v, its.v)):
            torch.testing.assert_close(x.masked_fill(hidden, 0), y.masked_fill(hidden, 0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("capacity", [0, 1, 2, 7])
@pytest.mark.parametrize("cached", [[], [0], [2], [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("known", [[], [1], [0, 2], [0, 1, 2, 3]])
def test_memories_from_anywhere_are_those_of_the_encoder(
    tiny: Translator, capacity: int, cached: list[int], known: list[int]
) -> None:
    sources, direction = segments(tiny.tokenizer), Direction(3)
    expected = decoder(tiny, cache_size=0).memory(sources, direction)
    mine = decoder(tiny, cache_size=capacity)
    alone = {row: mine.memory([sources[row]], direction) for row in cached}
    given = list(sources)
    for row in known:
        given[row] = replace(sources[row], memory=alone.get(row) or decoder(tiny).memory([sources[row]], direction))
    mine.model.encoded = 0
    held = set(cached[-capacity:] if capacity else [])
    same(mine.memory(given, direction), expected)
    assert mine.model.encoded == len(set(range(len(sources))) - held - set(known))
    assert isinstance(mine.encoding, OneText)
    assert len(mine.encoding.cache) <= capacity


@pytest.mark.parametrize("align", [False, True])
def test_a_second_call_encodes_nothing_and_says_the_same(tiny: Translator, align: bool) -> None:
    mine, direction = decoder(tiny), tiny.tokenizer.direction("fr")
    work = jobs(tiny.tokenizer)
    first = mine.decode(work, direction=direction, settings=BEAM, align=align)
    assert mine.model.encoded == len(work)
    second = mine.decode(work, direction=direction, settings=BEAM, align=align)
    assert mine.model.encoded == len(work)
    assert [[each.text for each in ranked] for ranked in first] == [[each.text for each in ranked] for ranked in second]
    other = mine.decode(work[:1], direction=tiny.tokenizer.direction("rev"), settings=GREEDY, align=align)
    assert other[0][0].text == "sleeps dog red the."
    assert mine.model.encoded == len(work)


def test_the_source_not_asked_for_longest_is_forgotten_first(tiny: Translator) -> None:
    mine = decoder(tiny, cache_size=2)
    first, second, third = segments(tiny.tokenizer, TEXTS[:3])
    for source in (first, second, first, third):  # the second goes
        mine.memory([source], Direction(3))
    assert mine.model.encoded == 3
    mine.memory([first], Direction(3))
    mine.memory([third], Direction(3))
    assert mine.model.encoded == 3
    mine.memory([second], Direction(3))
    assert mine.model.encoded == 4


def test_equal_jobs_are_searched_once(tiny: Translator) -> None:
    mine, direction = decoder(tiny, cache_size=0), tiny.tokenizer.direction("fr")
    texts = [TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[0]]
    found = mine.decode(jobs(tiny.tokenizer, texts), direction=direction, settings=GREEDY, align=True)
    assert mine.model.encoded == 2
    assert [ranked[0].text for ranked in found] == [
        "le chien rouge dort.",
        "le chat chante!",
        *2 * ["le chien rouge dort."],
    ]
    forced = jobs(tiny.tokenizer, texts[:1], prefix=tuple(tiny.tokenizer.encode("le chat").ids))
    other = mine.decode([*jobs(tiny.tokenizer, texts[:1]), *forced], direction=direction, settings=GREEDY, align=False)
    assert other[0][0].text == "le chien rouge dort."
    assert other[1][0].text.startswith("le chat")


def test_equal_jobs_are_drawn_each_on_its_own(tmp_path: Path) -> None:
    wild = weft.load(save_untrained(tmp_path / "wild", kind="transformer"))
    lots = SearchSettings(sampling=Sampling(temperature=2.0), max_length=7)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        found = wild.decoder.decode(
            jobs(wild.tokenizer, TEXTS[:1] * 7), direction=Direction(3), settings=lots, align=False
        )
    assert len({ranked[0].token_log_probabilities for ranked in found}) == 7


@pytest.mark.parametrize(("tokens", "most"), [(10**9, 5), (23, 4)])
def test_batches_have_a_limit_of_rows_and_of_tokens(
    tiny: Translator, tokens: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.translating.decoding.MOST_ROWS", 5)
    mine, batches = decoder(tiny, batch_tokens=tokens), []
    encode = mine.model.encode
    mine.model.encode = lambda source: batches.append(len(source)) or encode(source)
    texts = [f"the dog {number}" for number in range(7)]
    found = mine.decode(jobs(tiny.tokenizer, texts), direction=Direction(3), settings=GREEDY, align=False)
    assert max(batches) == most
    assert sum(batches) == len(texts) == len(found)


def test_no_job_has_no_answer(tiny: Translator) -> None:
    assert decoder(tiny).decode([], direction=Direction(3), settings=BEAM, align=True) == []
    assert decoder(tiny).memories([], Direction(3)) == []
    assert forced_scores(tiny.stored.model, [], [], direction=Direction(3)) == []


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("le chien", "le chien"),
        ("  le chien \n", "le chien"),
        ("\n\nle\nchien dort\r\n!", "le chien dort  !"),
        ("\t le\u2028chien", "le\u2028chien"),
        (" \n ", ""),
    ],
)
@pytest.mark.parametrize("settings", [GREEDY, SearchSettings(beam=3, max_length_offset=5)])
def test_an_answer_is_part_of_a_line(tiny: Translator, written: str, line: str, settings: SearchSettings) -> None:
    """Whatever a model writes: here it is forced to."""
    assert one_line(written) == line
    forced = (*tiny.tokenizer.encode(written).ids, EOS)
    mine, work = decoder(tiny), jobs(tiny.tokenizer, TEXTS[:1], prefix=forced)
    [[answer]] = mine.decode(work, direction=Direction(3), settings=settings, align=True)
    assert answer.text == line
    assert [one.target for one in answer.alignment.unaligned] == words(line)
    for one in answer.alignment.unaligned:  # every word has found its tokens
        listed = sum(link.probability for link in answer.alignment.links if link.target == one.target)
        assert 0.2 < listed + one.probability < 1 + 1e-6
        assert one.probability < 0.5


def test_a_model_without_cross_attention_aligns_nothing(tiny: Translator) -> None:
    mine = Decoder(tiny.stored.model, tiny.tokenizer)
    with pytest.raises(UnsupportedError, match="no cross-attention to align by; translate without align"):
        mine.decode([], direction=Direction(3), settings=GREEDY, align=True)


@pytest.mark.parametrize("settings", [GREEDY, BEAM])
def test_a_model_that_computes_no_numbers_is_said_to(tiny_folder: Path, settings: SearchSettings) -> None:
    broken = weft.load(tiny_folder)
    with torch.no_grad():
        next(broken.stored.model.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match=r"wanted probabilities from the model, got NaN.*load it in float32"):
        broken.decoder.decode(jobs(broken.tokenizer), direction=Direction(3), settings=settings, align=False)


def test_forced_scores_are_the_sums_over_the_tokens(tiny: Translator) -> None:
    sources, direction = tiny.tokenizer.encode_batch(TEXTS), tiny.tokenizer.direction("fr")
    targets = tiny.tokenizer.encode_batch(["le chien rouge dort.", "", "le palais", "le pin tombe."])
    found = forced_scores(tiny.stored.model, sources, targets, direction=direction)
    for source, target, total in zip(sources, targets, found, strict=True):
        keep = torch.ones(1, len(source) + 1, dtype=torch.bool)
        with torch.no_grad():
            logits = tiny.stored.model(
                Padded(torch.tensor([[*source, EOS]]), keep), torch.tensor([[direction.start, *target]])
            )
        log_probs = logits[0].log_softmax(-1)
        expected = sum(float(log_probs[place, token]) for place, token in enumerate([*target, EOS]))
        assert total == pytest.approx(expected, abs=1e-10)
