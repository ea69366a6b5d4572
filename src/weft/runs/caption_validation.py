"""A captioner's scores on the development pictures of its recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from weft.base.padded import pad
from weft.data.direction import Direction
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.runs.caption_data import CaptionData
from weft.runs.caption_scores import caption_scores
from weft.runs.recipe import Recipe
from weft.training.loss import cross_entropy

PICTURES = 50
"""Pictures encoded at a time."""


class CaptionValidation:
    """Describes the development pictures and scores what it said; keeps a few captions to show."""

    def __init__(self, recipe: Recipe, read: CaptionData) -> None:
        self.recipe, self.read = recipe, read
        self.metric = recipe.training.metric
        self.samples: list[dict[str, str]] = []

    @torch.inference_mode()
    def scores(self, model: nn.Module, *, beam: int) -> dict[str, float]:
        """`loss` (nats a token of the references) and, where the metric asks for captions, BLEU-1 to 4 and CIDEr."""
        if not self.read.dev:
            return {}
        model.eval()
        total, count, said = 0.0, 0, []
        for first in range(0, len(self.read.dev), PICTURES):
            rows = np.arange(first, min(first + PICTURES, len(self.read.dev)))
            memory = self._memory(model, rows)
            likelihood, tokens = self._likelihood(model, memory, rows)
            total, count = total + likelihood, count + tokens
            said += [] if self.metric == "loss" else self._captions(model, memory, rows, beam)
        found = {"loss": total / count}
        if said:
            found |= caption_scores(said, [picture.references for picture in self.read.dev])
            self._show(said)
        return found

    def key_figure(self, scores: dict[str, float]) -> float | None:
        """What the best model has most of; None without development pictures, where the latest counts as the best."""
        if not scores:
            return None
        return -scores["loss"] if self.metric == "loss" else scores[{"bleu": "bleu4"}.get(self.metric, self.metric)]

    def _memory(self, model: Any, rows: np.ndarray) -> Any:
        return model.encode(self.read.dev_pictures.collate(rows).to(next(model.parameters()).device))

    def _likelihood(self, model: Any, memory: Any, rows: np.ndarray) -> tuple[float, int]:
        """Summed negative log-likelihood of the references of the pictures in memory, and how many tokens they have."""
        device = next(model.parameters()).device
        pictures = [self.read.dev[row] for row in rows]
        told = [(place, picture.tag, text) for place, picture in enumerate(pictures) for text in picture.references]
        ids = self.read.tokenizer.encode_batch([text for _, _, text in told])
        ways = [(Direction(tag), own) for (_, tag, _), own in zip(told, ids, strict=True)]
        inputs = pad([way.heard(own) for way, own in ways], device=device)
        outputs = pad([way.written(own) for way, own in ways], device=device)
        each = memory.select(torch.tensor([place for place, _, _ in told], device=device))
        logits = model.out(model.decoder(inputs.values, each))[outputs.keep]
        return float(cross_entropy(logits, outputs.values[outputs.keep], 0.0).likelihood), len(logits)

    def _captions(self, model: Any, memory: Any, rows: np.ndarray, beam: int) -> list[str]:
        device = next(model.parameters()).device
        start = torch.tensor([self.read.dev[row].tag for row in rows], device=device)
        settings = SearchSettings(**{**self.recipe.search.model_dump(), "beam": beam})
        found = search(
            model, memory, start=start, source_lengths=torch.zeros_like(start), eos=Direction(0).eos, settings=settings
        )
        return [self.read.tokenizer.decode(ranked[0].tokens) for ranked in found.hypotheses]

    def _show(self, said: list[str]) -> None:
        pairs = list(zip(self.read.dev, said, strict=True))[: self.recipe.validation.samples]
        self.samples = [
            {"source": picture.name, "target": picture.references[0], "translation": text} for picture, text in pairs
        ]
