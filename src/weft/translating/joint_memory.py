"""One memory of a text longer than the encoder reads at once: from overlapping chunks, each read at its own positions.

What stands near the ends of a chunk was read without its surroundings there, so it is taken from the neighbour, in
which it stands further inside (Bertsch et al. 2023, "Unlimiformer", section 2.1, https://arxiv.org/abs/2305.01625).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weft.base.errors import UnsupportedError
from weft.data.direction import Direction
from weft.data.tokenizer import Encoding
from weft.models.decoder import Encoded
from weft.translating.decoding import Decoder
from weft.translating.memory_cache import Memory
from weft.translating.segments import Segment


@dataclass(frozen=True)
class Chunk:
    """Tokens `start` to `end` are read at once; of these, `first` to `last` are kept."""

    start: int
    end: int
    first: int
    last: int


def chunks(num_tokens: int, *, size: int, overlap: int) -> list[Chunk]:
    """Chunks of at most `size` tokens, of which each token is kept once.

    It has `overlap` tokens on both sides of it in its chunk, or those that there are. The last chunk is as long as any.
    """
    found: list[Chunk] = []
    first = 0
    while first < num_tokens:
        start = max(0, min(first - overlap, num_tokens - size))
        end = min(start + size, num_tokens)
        last = num_tokens if end == num_tokens else end - overlap
        found.append(Chunk(start, end, first, last))
        first = last
    return found


def joint_memory(decoder: Decoder, ids: Sequence[int], direction: Direction, *, size: int, overlap: int) -> Encoded:
    """The memory of these ids, with what a direction puts before and behind a source around all of them.

    Raises UnsupportedError for a model that has no memory of single positions.
    """
    places = chunks(len(ids), size=size, overlap=overlap)
    read = decoder.memories([Segment(0, "", Encoding(list(ids[one.start : one.end]), [])) for one in places], direction)
    lead = len(direction.before)
    kept = []
    for place, memory in zip(places, read, strict=True):
        begin = lead + place.first - place.start if place.first else 0
        end = None if place.last == len(ids) else lead + place.last - place.start
        kept.append(of_positions(memory).cut(slice(begin, end)))
    return Encoded.in_a_row(kept)


def framed(memory: Encoded, span: tuple[int, int], direction: Direction) -> Encoded:
    """The memory of tokens `span` of a joint one, with what stands before and behind the whole around it."""
    lead, tail = len(direction.before), len(direction.after)
    num = memory.keep.shape[1]
    parts = [slice(0, lead), slice(lead + span[0], lead + span[1]), slice(num - tail, num)]
    return Encoded.in_a_row([memory.cut(part) for part in parts])


def joined(memories: Sequence[Memory], direction: Direction) -> Encoded:
    """One memory of texts that follow each other, of those of each; what stands around each stands around all."""
    lead, tail = len(direction.before), len(direction.after)
    read = [of_positions(memory) for memory in memories]
    inner = [one.cut(slice(lead, one.keep.shape[1] - tail)) for one in read]
    last = read[-1].keep.shape[1]
    return Encoded.in_a_row([read[0].cut(slice(0, lead)), *inner, read[-1].cut(slice(last - tail, last))])


def of_positions(memory: Memory) -> Encoded:
    """The same memory, which holds keys and values of each position; UnsupportedError where there are none."""
    if not isinstance(memory, Encoded):
        raise UnsupportedError(
            "a joint memory wants a Transformer that reads its source by cross-attention, got another kind of model; "
            "translate without chunk, context and whole"
        )
    return memory
