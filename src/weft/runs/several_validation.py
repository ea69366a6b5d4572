"""The scores of a model of several sources on the development rows of its recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import sacrebleu
import torch
from torch import nn

from weft.data.direction import Direction
from weft.data.several import SeveralRows
from weft.data.stream import Plan
from weft.generation.batching import batches_by_length, in_given_order
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.runs.recipe import Recipe
from weft.runs.several_data import SeveralData
from weft.training.loss import cross_entropy
from weft.translating.answering import one_line

_BATCH_TOKENS = 4096


class SeveralValidation:
    """Translates the development rows and scores the result; keeps a few translations to show."""

    def __init__(self, recipe: Recipe, read: SeveralData) -> None:
        self.recipe, self.read = recipe, read
        self.metric = recipe.training.metric
        self.samples: list[dict[str, str]] = []

    @torch.inference_mode()
    def scores(self, model: nn.Module, *, beam: int) -> dict[str, float]:
        """`loss` (nats a token) and, where the recipe's metric asks to translate, `bleu` and `chrf`."""
        rows = self.read.dev
        if rows is None:
            return {}
        model.eval()
        lengths = (rows.source_lengths() + rows.target_lengths()).tolist()
        total, count, parts = 0.0, 0, batches_by_length(lengths, max_tokens=_BATCH_TOKENS)
        said: list[list[str]] = []
        for part in parts:
            likelihood, tokens = self._likelihood(model, rows, np.array(part))
            total, count = total + likelihood, count + tokens
            said.append([] if self.metric == "loss" else self._translations(model, rows, np.array(part), beam))
        found = {"loss": total / count}
        if self.metric != "loss":
            texts = in_given_order(parts, said)
            references = [[row.target for row in self.read.dev_rows]]
            found["bleu"] = sacrebleu.corpus_bleu(texts, references).score
            found["chrf"] = sacrebleu.corpus_chrf(texts, references).score
            self._show(texts)
        return found

    def key_figure(self, scores: dict[str, float]) -> float | None:
        """What the best model has most of; None without development rows, where the latest counts as the best."""
        if not scores:
            return None
        return -scores["loss"] if self.metric == "loss" else scores[self.metric]

    def _likelihood(self, model: nn.Module, rows: SeveralRows, part: np.ndarray) -> tuple[float, int]:
        batch = rows.batch(Plan(0, part)).to(next(model.parameters()).device)
        real = batch.target_output.keep
        logits = model(batch.source, batch.target_input)[real]
        return float(cross_entropy(logits, batch.target_output.values[real], 0.0).likelihood), len(logits)

    def _translations(self, model: Any, rows: SeveralRows, part: np.ndarray, beam: int) -> list[str]:
        device = next(model.parameters()).device
        found = search(
            model,
            model.encode(rows.batch(Plan(0, part)).source.to(device)),
            start=torch.from_numpy(rows.tags[part]).to(device),
            source_lengths=torch.from_numpy(rows.longest()[part]).to(device),
            eos=Direction(0).eos,
            settings=SearchSettings(**{**self.recipe.search.model_dump(), "beam": beam}),
        )
        return [one_line(self.read.tokenizer.decode(ranked[0].tokens)) for ranked in found.hypotheses]

    def _show(self, texts: list[str]) -> None:
        pairs = list(zip(self.read.dev_rows, texts, strict=True))[: self.recipe.validation.samples]
        self.samples = [{"source": row.first_text, "target": row.target, "translation": text} for row, text in pairs]
