"""Steps of a search as calls of one function: what a plain decoder does from token to state, without Python between.

The same operations on the same weights as by the parts of the decoder, in the same order: the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from torch import nn

from weft.attention.masks import Arbitrary, Full, Mask, Padding
from weft.attention.protocol import KeyValues
from weft.attention.record import Observation, Record
from weft.base.shapes import Bool, Float, Int, Tensor
from weft.layers.attention import CrossAttention, SelfAttention
from weft.layers.block import DecoderLayer
from weft.layers.bound import bound
from weft.layers.cache import Ancestors, History, Stepping
from weft.layers.script import Script, UnknownPartError
from weft.layers.step import ARGUMENTS, attentions, write_layer
from weft.models.text import TextIn

Noting = Callable[[Sequence[Tensor], int, Ancestors], None]
"""Writes down what it is to of the queries of a step of n hypotheses."""
_OF_A_STEP = "tokens, place, past_mask: Optional[Tensor], start: int, end: int"


class Plain:
    """A decoder that can be one function, as far as its kind says; its parts are looked at when it is asked to be."""

    def __init__(self, embed: TextIn, layers: Sequence[DecoderLayer], norm: nn.Module) -> None:
        self.embed, self.layers, self.norm = embed, layers, norm
        self.position = bound(embed.position)
        self._functions: dict[int, Callable[..., Any]] = {}
        self.attentions: list[tuple[SelfAttention, CrossAttention]] = []

    def reading(self, histories: Sequence[History], memories: Sequence[object], *, beam: int) -> AtOnce | None:
        """The steps of a search with these histories that reads these memories, one of each a layer.

        None if one of them, or a part of the decoder, is unusual, or if it trains or does not live on a CPU.
        """
        plain = [memory for memory in memories if isinstance(memory, KeyValues) and _plain(memory)]
        numbers = {past.k.dtype for past in histories} | {memory.k.dtype for memory in plain}
        if len(plain) < len(self.layers) or len(numbers) > 1 or any(history.lead for history in histories):
            return None
        try:
            self.attentions = [attentions(layer) for layer in self.layers]
            call = self._function(plain[0].k.shape[0] * beam)
        except UnknownPartError:
            return None
        pairs = zip(histories, plain, strict=True)
        given = [each for past, now in pairs for each in (past.k, past.v, now.k, now.v, _table(now.mask))]
        return AtOnce(self, histories, memories, lambda *of_step: call(*of_step, *given))

    def _function(self, rows: int) -> Callable[..., Any]:
        """What a search calls that gets smaller is written for each number of rows, and so once for each."""
        if rows not in self._functions:
            self._functions[rows] = self._write(rows)
        return self._functions[rows]

    def _write(self, rows: int) -> Callable[..., Any]:
        arguments = (_OF_A_STEP, *(ARGUMENTS.format(number) for number in range(len(self.layers))))
        script, embed = Script("step", ", ".join(arguments), rows), self.embed
        x = script.let(f"{script.part(embed.table, 'tokens')} * {embed.scale!r}")
        x = script.part(embed.norm, script.let(f"{x} + place.to({x}.dtype)"))
        x = script.part(embed.dropout, x)
        for number, layer in enumerate(self.layers):
            x = write_layer(script, layer, x, number)
        queries = ", ".join(f"own_q{number}, q{number}" for number in range(len(self.layers)))
        return script.returning(script.part(self.norm, x), f"[{queries}]")


class AtOnce:
    """The steps of one search: `call` is the function, of what a step brings alone."""

    def __init__(
        self, decoder: Plain, histories: Sequence[History], memories: Sequence[object], call: Callable[..., Any]
    ) -> None:
        self.decoder, self.call = decoder, call
        self._histories, self._memories = histories, memories
        self._asked: tuple[Record, list[Noting]] | None = None

    def reading(self, histories: Sequence[History], memories: Sequence[object], *, beam: int) -> AtOnce | None:
        """These steps, if they read these histories and memories; else those that do, or None: see `Plain.reading`."""
        if self._histories is histories and self._memories is memories:
            return self
        return self.decoder.reading(histories, memories, beam=beam)

    def states(
        self, tokens: Int[Tensor, "b n"], position: Int[Tensor, " 1"], ancestors: Ancestors, record: Record | None
    ) -> Float[Tensor, "b n d"]:
        """The states after one more token of each hypothesis; `ancestors` count this step already."""
        n, mask = tokens.shape[1], ancestors.mask()
        end = ancestors.length * n
        states, queries = self.call(tokens, self.decoder.position(position), _table(mask), end - n, end)
        if record is not None:
            for note in self._noting(record):
                note(queries, n, ancestors)
        return states

    def _noting(self, record: Record) -> list[Noting]:
        """What writes down the queries of those who are asked about; found out once, and not at each step."""
        if self._asked is None or self._asked[0] is not record:
            pairs = [(number, *both) for number, both in enumerate(self.decoder.attentions)]
            own = [self._own(record, 2 * number, one) for number, one, _ in pairs if record.wants(one.site)]
            cross = [self._cross(record, 2 * number + 1, one) for number, _, one in pairs if record.wants(one.site)]
            self._asked = (record, own + cross)
        return self._asked[1]

    def _own(self, record: Record, place: int, attention: SelfAttention) -> Noting:
        history = self._histories[place // 2]

        def note(queries: Sequence[Tensor], n: int, ancestors: Ancestors) -> None:
            past = Stepping(history, ancestors.mask(), ancestors.length).read(n)
            record.note(attention.observation(queries[place], past))

        return note

    def _cross(self, record: Record, place: int, attention: CrossAttention) -> Noting:
        site, memory, backend = attention.site, cast(KeyValues, self._memories[place // 2]), attention.backend
        output, null = attention.out, attention.null()  # the same at every step
        return lambda queries, *_: record.note(
            Observation(site, queries[place], memory, backend, output=output, null=null)
        )


def _plain(memory: KeyValues) -> bool:
    """Whether the kernel can be given it as it is, and need not ask whether it is still what it was."""
    nothing_else = memory.bias is None and memory.units is None and memory.origin is None
    return nothing_else and (isinstance(memory.mask, Full) or memory.mask.every_query_has_a_key())


def _table(mask: Mask) -> Bool[Tensor, "#b #h #n s"] | None:
    """What the kernel is given; None: every key may be read."""
    if isinstance(mask, Arbitrary):
        return mask.allowed
    return mask.keep[:, None, None] if isinstance(mask, Padding) else None
