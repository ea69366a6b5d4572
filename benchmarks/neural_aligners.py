"""Alignment error rates of what a translation model's cross-attention shows, read in every way weft knows.

    python benchmarks/neural_aligners.py --data ../shared/data/alignment PLAIN_MODEL GUIDED_MODEL
        [--gold hansards.trial graca] [--languages en fr]

Both models translate from one language to the other and back (`recipes/hansards.toml`, or `recipes/align-en-es.toml`
with `--gold xlwa.dev graca --languages en es`; without and with a taught alignment head). Each reading is forced on
both directions and symmetrised. Layer, head and rules are chosen on one gold set by the error rate of grow-diag, and
reported on the other, both ways round; a taught head keeps its place, only its rules are chosen. Words as in the gold
files, in small letters; every sentence counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from pathlib import Path
from typing import Any

from report import arguments, described, write
from weft.aligning.gold import read_gold
from weft.alignment.bootstrap import interval
from weft.alignment.measure import Counts, count, total
from weft.alignment.pairs import Gold, Pairs
from weft.alignment.selection import Seen, readings, rules
from weft.alignment.settings import AlignmentSettings
from weft.alignment.symmetrise import SYMMETRISATIONS, symmetrise
from weft.alignment.words import given_words
from weft.store.folder import StoredModel, load
from weft.translating.looking import guided_alignment, seen

BASE = AlignmentSettings(layer=0, heads=(0,), decision="argmax")
KINDS = {"unshifted": (False, False), "shifted": (True, False), "norm-weighted": (True, True)}
"""Readings of a model that nobody guided: one step late or not, and weighed by norms or not."""
FEW = 4  # of the best places to read, for which all rules are tried
SEED = 1


@dataclass(frozen=True)
class Both:
    """The pairs of a gold set as a model sees them, writing either side."""

    forward: list[Seen]
    reverse: list[Seen]
    gold: list[Gold]

    def links(self, settings: AlignmentSettings) -> tuple[list[Pairs], list[Pairs]]:
        """The links of each pair by the two directions, both as (source, target)."""
        there = [frozenset((i, j) for j, i in _linked(one, settings)) for one in self.forward]
        back = [frozenset(_linked(one, settings)) for one in self.reverse]
        return there, back

    def counts(self, settings: AlignmentSettings, name: str) -> list[Counts]:
        links = zip(*self.links(settings), self.gold, strict=True)
        return [count(symmetrise(there, back, name), gold) for there, back, gold in links]


def _linked(one: Seen, settings: AlignmentSettings) -> list[tuple[int, int]]:
    rows, columns = one.links(settings).nonzero()
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def looked_at(stored: StoredModel, path: Path, rows: int | None, languages: Sequence[str]) -> Both:
    """All heads of the model on every pair of a gold file."""
    pairs = list(islice(read_gold(path), rows))
    texts = [(pair.source.lower(), pair.target.lower()) for pair in pairs]
    ways = []
    for to, of_way in ((languages[1], texts), (languages[0], [(target, source) for source, target in texts])):
        direction = stored.tokenizer.direction(to)
        ways.append(
            list(
                seen(stored.model, stored.config.model, stored.tokenizer, of_way, direction=direction, cut=given_words)
            )
        )
    return Both(ways[0], ways[1], [pair.gold for pair in pairs])


def best(both: Both, candidates: Iterable[AlignmentSettings], *, few: int = 1) -> list[AlignmentSettings]:
    """The settings whose grow-diag links have the lowest error rate."""
    return sorted(candidates, key=lambda one: total(both.counts(one, "grow-diag")).aer)[:few]


def chosen(both: Both, places: Sequence[AlignmentSettings]) -> AlignmentSettings:
    """The best rules for the best few places."""
    return best(both, [each for place in best(both, places, few=FEW) for each in rules(place)])[0]


def places_of(stored: StoredModel, kind: str) -> list[AlignmentSettings]:
    """Where a kind of reading may be taken."""
    if kind == "guided":
        found = guided_alignment(stored.config.model)
        assert found is not None, "the second model must have a taught head"
        return [found]
    shape = stored.config.model
    everywhere = readings(shape.decoder_layers, shape.num_heads, BASE)
    return [each for each in everywhere if (each.shift, each.norm_weighting) == KINDS[kind]]


def reported(both: Both, settings: AlignmentSettings) -> dict[str, Any]:
    """Percent, by every symmetrisation; for grow-diag with precision, recall and a 95 % interval."""
    rates = {name: _percent(total(both.counts(settings, name)).aer) for name in SYMMETRISATIONS}
    counts = both.counts(settings, "grow-diag")
    whole, bounds = total(counts), interval(counts, seed=SEED)
    return {
        "aer": rates,
        "grow-diag": {
            "precision": _percent(whole.precision),
            "recall": _percent(whole.recall),
            "interval": [_percent(bounds.low), _percent(bounds.high)],
        },
    }


def _percent(share: float) -> float:
    return round(100 * share, 2)


def main() -> None:
    parser = arguments(__doc__, "neural_aligners")
    parser.add_argument("plain", help="a model whose heads nobody guided")
    parser.add_argument("guided", help="a model with a taught alignment head")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds SET.SOURCE-TARGET.gold.tsv")
    parser.add_argument("--gold", nargs=2, default=("hansards.trial", "graca"), metavar="SET", help="the gold sets")
    parser.add_argument("--languages", nargs=2, default=("en", "fr"), metavar="L", help="of source and target")
    parser.add_argument("--rows", type=int, help="only the first so many pairs, to try it out")
    options = parser.parse_args()
    models = {"plain": load(options.plain), "guided": load(options.guided)}
    pair = "-".join(options.languages)
    looks = {
        (name, which): looked_at(model, options.data / f"{which}.{pair}.gold.tsv", options.rows, options.languages)
        for name, model in models.items()
        for which in options.gold
    }
    table: list[dict[str, Any]] = []
    for kind in (*KINDS, "guided"):
        name = "guided" if kind == "guided" else "plain"
        for on, tuned in permutations(options.gold):
            settings = chosen(looks[name, tuned], places_of(models[name], kind))
            row = {"reading": kind, "chosen_on": tuned, "reported_on": on, **reported(looks[name, on], settings)}
            table.append({**row, "settings": settings.model_dump(mode="json")})
            print(f"{kind:14} chosen on {tuned:14} reported on {on:14}", row["aer"], flush=True)
    write(
        options.out,
        {
            "languages": options.languages,
            "models": {name: described(model) for name, model in models.items()},
            "table": table,
        },
    )


if __name__ == "__main__":
    main()
