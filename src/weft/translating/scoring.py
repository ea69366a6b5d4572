"""How probable given translations are, of texts and of several sources."""

from __future__ import annotations

from collections.abc import Sequence

from weft.alignment.settings import AlignmentSettings
from weft.alignment.side import Side
from weft.alignment.words import words
from weft.data.direction import Direction
from weft.store.folder import StoredModel
from weft.translating.forcing import forced_pairs, forced_scores, total_scores
from weft.translating.given import Given
from weft.translating.reporting import Reporter, Target
from weft.translating.translation import Score


def score_texts(
    stored: StoredModel, pairs: Sequence[tuple[str, str]], direction: Direction, settings: AlignmentSettings | None
) -> list[Score]:
    """The scores of targets, each given its text; where `settings` say how they are read, with links."""
    model, tokenizer = stored.model, stored.tokenizer
    if settings is not None:
        found = forced_pairs(model, tokenizer, pairs, direction=direction, settings=settings)
        return [Score.of(pair) for pair in found]
    sources = tokenizer.encode_batch([source for source, _ in pairs])
    targets = tokenizer.target.encode_batch([target for _, target in pairs])
    totals = forced_scores(model, sources, targets, direction=direction)
    return [Score(total, len(target) + 1) for total, target in zip(totals, targets, strict=True)]


def score_several(
    reporter: Reporter, stored: StoredModel, pairs: Sequence[tuple[str | Given, str]], direction: Direction, align: bool
) -> list[Score]:
    """The scores of targets, each given its sources; with `align` what was read of each. Raises DataError where an
    input has none."""
    inputs = reporter.several.scored([source for source, _ in pairs])
    tokenizer = stored.tokenizer.target
    if align:
        encoded = [(text, tokenizer.encode(text)) for _, text in pairs]
        targets = [Target(own.ids, Side(text, own.spans, words(text))) for text, own in encoded]
        reports = reporter.reports(inputs, targets, direction, scored=True)
        return [Score.of(one.pair, one.sources) for one in reports]
    ids, lengths = tokenizer.encode_batch([text for _, text in pairs]), [row.length(direction) for row in inputs]
    totals = total_scores(reporter.several.writer(inputs, direction), lengths, ids, direction)
    return [Score(total, len(own) + 1) for total, own in zip(totals, ids, strict=True)]
