"""A model's scores on the development pairs of its recipe."""

from __future__ import annotations

import sacrebleu
import torch
from torch import nn

from weft.base.padded import pad
from weft.data.direction import Direction
from weft.generation.batching import batches_by_length
from weft.generation.settings import SearchSettings
from weft.runs.data import TrainingData
from weft.runs.recipe import Recipe
from weft.training.loss import cross_entropy
from weft.translating.decoding import Decoder, Job
from weft.translating.segments import Segment

_BATCH_TOKENS = 4096


class Validation:
    """Translates the development pairs and scores the result; keeps a few translations to show."""

    def __init__(self, recipe: Recipe, read: TrainingData) -> None:
        self.recipe, self.tokenizer, self.pairs = recipe, read.tokenizer, read.dev
        self.metric = recipe.training.metric
        self.sources = self.tokenizer.encode_batch([pair.source for pair in self.pairs])
        self.targets = self.tokenizer.encode_batch([pair.target for pair in self.pairs])
        self.samples: list[dict[str, str]] = []

    def scores(self, model: nn.Module, *, beam: int) -> dict[str, float]:
        """`loss` (nats a token) and, where the recipe's metric asks to translate, `bleu` and `chrf`."""
        if not self.pairs:
            return {}
        model.eval()
        found = {"loss": self._loss(model)}
        if self.metric != "loss":
            translations = self._translations(model, beam)
            references = [[pair.target for pair in self.pairs]]
            found["bleu"] = sacrebleu.corpus_bleu(translations, references).score
            found["chrf"] = sacrebleu.corpus_chrf(translations, references).score
        return found

    def key_figure(self, scores: dict[str, float]) -> float | None:
        """What the best model has most of; None without development pairs, where the latest counts as the best."""
        if not scores:
            return None
        return -scores["loss"] if self.metric == "loss" else scores[self.metric]

    def _translations(self, model: nn.Module, beam: int) -> list[str]:
        defaults = self.recipe.search
        settings = SearchSettings(**{**defaults.model_dump(), "beam": beam})
        decoder = Decoder(model, self.tokenizer, cache_size=0)
        jobs = [Job(Segment(0, pair.source, self.tokenizer.encode(pair.source))) for pair in self.pairs]
        texts = [""] * len(jobs)
        for tag in {pair.tag for pair in self.pairs}:
            rows = [row for row, pair in enumerate(self.pairs) if pair.tag == tag]
            answers = decoder.decode(
                [jobs[row] for row in rows], direction=Direction(tag), settings=settings, align=False
            )
            for row, ranked in zip(rows, answers, strict=True):
                texts[row] = ranked[0].text
        self.samples = [
            {"source": pair.source, "target": pair.target, "translation": text}
            for pair, text in list(zip(self.pairs, texts, strict=True))[: self.recipe.validation.samples]
        ]
        return texts

    @torch.inference_mode()
    def _loss(self, model: nn.Module) -> float:
        """Mean negative log-likelihood of the references, without smoothing."""
        device = next(model.parameters()).device
        total, count = 0.0, 0
        lengths = [len(source) + len(target) + 2 for source, target in zip(self.sources, self.targets, strict=True)]
        for rows in batches_by_length(lengths, max_tokens=_BATCH_TOKENS):
            pairs = [(Direction(self.pairs[row].tag), self.sources[row], self.targets[row]) for row in rows]
            source = pad([direction.source(source) for direction, source, _ in pairs], device=device)
            inputs = pad([direction.heard(target) for direction, _, target in pairs], device=device)
            outputs = pad([direction.written(target) for direction, _, target in pairs], device=device)
            logits = model(source, inputs.values)[outputs.keep]
            total += float(cross_entropy(logits, outputs.values[outputs.keep], 0.0).likelihood)
            count += len(logits)
        return total / count
