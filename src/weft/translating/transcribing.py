"""Sound in, text out: the life of an utterance, samples -> frames -> memory -> hypotheses -> text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray

from weft.base.errors import DataError, UnsupportedError
from weft.base.shapes import Float, Tensor
from weft.data.audio import LogMel
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.interop.generation import Specials
from weft.interop.processor import read_sound
from weft.interop.read import describe
from weft.interop.whisper import WhisperGeneration, heard, languages, prompt
from weft.store.folder import StoredModel
from weft.translating.opening import open_checkpoint

Samples = NDArray[np.floating[Any]]
Wave = Samples | Tensor
_TOGETHER = 8  # windows of sound that are worked on together; each is as long as the model hears at once


@dataclass(frozen=True)
class Transcription:
    """What was said."""

    text: str
    language: str | None
    """The language that was given or heard; None of a model that knows but one."""
    score: float
    """Summed log-probability over length to the power alpha, as of a translation."""


def transcriber(
    model: str | Path, *, device: torch.device | str | None = None, dtype: torch.dtype = torch.float32
) -> Transcriber:
    """What turns sound into text with a Whisper checkpoint: a folder or `hf:ORG/NAME`.

    Raises what `weft.load` does for a checkpoint, and UnsupportedError for a model that does not read sound.
    """
    stored = open_checkpoint(model, device=device, dtype=dtype)
    about = describe(stored.folder)
    if not isinstance(about.generation, WhisperGeneration):
        raise UnsupportedError(f"{model}: wanted a model that reads sound, got a {about.model_type}; see weft.load")
    return Transcriber(stored, read_sound(stored.folder), about.generation, about.specials)


class Transcriber:
    """Writes what is said in sound."""

    def __init__(self, stored: StoredModel, sound: LogMel, asked: WhisperGeneration, specials: Specials) -> None:
        self.stored, self.sound, self._asked, self._specials = stored, sound, asked, specials

    def __repr__(self) -> str:
        return f"<weft transcriber {self.stored.folder.name}: {', '.join(self.languages) or 'one language'}>"

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that can be named; none for a model of one language."""
        return tuple(languages(self._asked))

    @overload
    def transcribe(
        self, wave: Wave, *, language: str | None = None, task: str | None = None, beam: int | None = None
    ) -> Transcription: ...
    @overload
    def transcribe(
        self, wave: Sequence[Wave], *, language: str | None = None, task: str | None = None, beam: int | None = None
    ) -> list[Transcription]: ...
    def transcribe(
        self,
        wave: Wave | Sequence[Wave],
        *,
        language: str | None = None,
        task: str | None = None,
        beam: int | None = None,
    ) -> Transcription | list[Transcription]:
        """What is said in one wave `[samples]` or in several, in order.

        Waves are mono, between -1 and 1, with as many samples a second as `sound.rate` says (16,000), and no longer
        than the model hears at once (30 s). Without a `language` the one that the model hears is taken. `task` is
        "transcribe" or, into English, "translate"; without one it is what the checkpoint asks for, else "transcribe",
        also where the language was heard (there transformers names no task). Raises ShapeError for a wave that is too
        long or not mono, DataError for whole numbers and what is no number, ConfigError for a language or a task that
        is not known.
        """
        given: Sequence[Wave] = [wave] if isinstance(wave, (np.ndarray, Tensor)) else wave
        waves = [_samples(each) for each in given]
        found = [
            each
            for first in range(0, len(waves), _TOGETHER)
            for each in self._batch(waves[first : first + _TOGETHER], language, task, beam)
        ]
        return found[0] if given is not wave else found

    @torch.inference_mode()
    def _batch(
        self, waves: Sequence[Tensor], language: str | None, task: str | None, beam: int | None
    ) -> list[Transcription]:
        model: Any = self.stored.model
        weight = next(model.parameters())
        frames = self.sound.frames([wave.to(weight.device) for wave in waves])
        frames = replace(frames, values=frames.values.to(weight.dtype))
        memory = model.encode(frames)
        spoken = self._spoken(memory, language, len(waves))
        defaults = SearchSettings(**self.stored.config.search.model_dump())
        result = search(
            model,
            memory,
            start=torch.full((len(waves),), self._specials.start, device=weight.device),
            source_lengths=frames.lengths,
            eos=self._specials.eos,
            settings=defaults if beam is None else replace(defaults, beam=beam),
            prefix=[prompt(self._asked, language=each, task=task) for each in spoken],
        )
        return [
            Transcription(self.stored.tokenizer.decode(best.tokens).strip(), each, best.score)
            for best, each in zip(result.best, spoken, strict=True)
        ]

    def _spoken(self, memory: Any, language: str | None, count: int) -> Sequence[str | None]:
        """The language of each: the one that is given, that the checkpoint asks for, or that is heard."""
        said = language or self._asked.language
        settled = dict(self._asked.forced_decoder_ids or ()).get(1) is not None
        if said or settled or not self.languages:
            return [said] * count
        model: Any = self.stored.model
        return heard(model, memory, self._asked, start=self._specials.start)


def _samples(wave: Wave) -> Float[Tensor, "..."]:
    """A wave as a tensor; DataError unless it is made of numbers with a fraction."""
    found = torch.as_tensor(wave)
    if not found.is_floating_point():
        raise DataError(
            f"wanted samples between -1 and 1, got {found.dtype}; divide by the greatest, 32768 for 16 bits, and mix "
            "channels"
        )
    if not found.isfinite().all():
        raise DataError("wanted samples between -1 and 1, got some that are no numbers; mend the sound")
    return found
