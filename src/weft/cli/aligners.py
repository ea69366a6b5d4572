"""The aligner that `weft align` is asked for: models, what was learnt before, or what the pairs themselves teach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from weft.cli.align_options import Options
from weft.cli.machine import device_of, numbers_of
from weft.cli.options import Shared
from weft.cli.output import line_writer
from weft.cli.progress import counting

if TYPE_CHECKING:
    import torch

    from weft.aligning.sentence_pairs import TextPair
    from weft.aligning.two_ways import Aligner
    from weft.statistical.aligner import StatisticalAligner
    from weft.store.precision import Precision

LEAST_IN_LEXICON = 0.001
"""Probability, of one direction at least, from which a word pair is written."""


def aligner_for(pairs: Iterator[TextPair], wanted: Options, shared: Shared) -> tuple[Aligner, Iterator[TextPair]]:
    """What is to align, and the pairs that it is to align: those that it has learnt from are read again."""
    device = device_of(shared)
    if wanted.model is not None:
        return _models(wanted, device, numbers_of(shared)), pairs
    from weft.aligning.statistical_pairs import PairStatistics
    from weft.store.aligner import load_aligner

    if wanted.load is not None:
        learnt = load_aligner(wanted.load)
    else:
        texts = list(pairs)
        learnt, pairs = _learnt(texts, wanted, shared), iter(texts)
    if wanted.lexicon is not None:
        _write_lexicon(learnt, wanted.lexicon)
    return PairStatistics(learnt), pairs


def _models(wanted: Options, device: torch.device | None, numbers: Precision | None) -> Aligner:
    from weft.aligning.model_aligner import model_aligner
    from weft.translating.computing import open_in

    assert wanted.model is not None
    reverse = None if wanted.reverse_model is None else open_in(wanted.reverse_model, device=device, dtype=numbers)
    changes = {"decision": wanted.decision and wanted.decision.value, "threshold": wanted.threshold}
    return model_aligner(
        open_in(wanted.model, device=device, dtype=numbers),
        reverse,
        to=wanted.to,
        from_=wanted.from_,
        **{name: value for name, value in changes.items() if value is not None},
    )


def _learnt(texts: list[TextPair], wanted: Options, shared: Shared) -> StatisticalAligner:
    """What the pairs teach, saved if so wished."""
    from weft.aligning.sentence_pairs import cut
    from weft.aligning.statistical_pairs import learn
    from weft.statistical.learning import Progress
    from weft.statistical.settings import StatisticalSettings
    from weft.store.aligner import save_aligner

    settings = StatisticalSettings()
    passes = settings.lexicon_iterations + settings.jump_iterations
    with counting("passes over the text", total=passes, quiet=shared.quiet) as advance:

        def report(progress: Progress) -> None:
            if progress.done == 1:
                advance()

        learnt = learn(cut(texts, wanted.words.value), settings=settings, report=report)
    if wanted.save is not None:
        save_aligner(wanted.save, learnt)
    return learnt


def _write_lexicon(learnt: StatisticalAligner, path: Path) -> None:
    """The more frequent source words first, of each the likeliest translation first."""
    with line_writer(path) as write:
        for entry in learnt.lexicon(least=LEAST_IN_LEXICON):
            write(f"{entry.source}\t{entry.target}\t{entry.forward:.6f}\t{entry.reverse:.6f}")
