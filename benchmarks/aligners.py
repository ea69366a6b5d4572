"""Alignment error rates of the statistical aligner and of its peers, on the same text in one run.

    python benchmarks/aligners.py --train TEXT.tsv.xz [TEXT ...] --gold TRIAL.tsv GRACA.tsv [--pairs 200000]
        [--words given] [--aligners weft systran-align eflomal] [--out benchmarks/results/aligners.json]

Every aligner reads the gold pairs' text and behind it a seeded sample of `--pairs` lines (source TAB target) of the
training text, lower-cased: of the Hansards the very sample that `recipes/hansards.toml` reads. Each runs in a process
of its own, one after the other. Peers that are not installed are left out with a word (systran-align is fast_align;
eflomal 2.0.0 builds from its source package). systran-align tells only what grow-diag-final-and makes of its two
directions, so it is compared by that row.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np
import torch

from report import arguments, write
from weft.aligning.gold import GoldPair, read_gold
from weft.aligning.sentence_pairs import WORDS
from weft.alignment.bootstrap import difference, interval
from weft.alignment.floors import floors
from weft.alignment.measure import Counts, count, total
from weft.alignment.pairs import Pairs, parse_links
from weft.alignment.symmetrise import SYMMETRISATIONS
from weft.data.text import read_pairs
from weft.runs.pairs import sample_rows
from weft.statistical.aligner import StatisticalAligner
from weft.statistical.posteriors import links_above

Sentences = Sequence[Sequence[str]]
Found = dict[str, list[Pairs]]
"""The links of the first sentence pairs, by the name of how they were decided."""
SEED = 1
THRESHOLDS = (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Cost:
    """What a whole run took: of the process and all that it started."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    """Of the largest process."""


def weft(sources: Sentences, targets: Sentences, wanted: int) -> Found:
    """Ours: all symmetrisations of the two directions, and thresholds on what both agree on."""
    aligner = StatisticalAligner.train(sources, targets)
    posteriors = list(aligner.posteriors(sources[:wanted], targets[:wanted]))
    found = symmetrised([one.forward_links() for one in posteriors], [one.reverse_links() for one in posteriors])
    for threshold in THRESHOLDS:
        found[f"agreed {threshold}"] = [links_above(one.agreed(), threshold) for one in posteriors]
    return found


def eflomal(sources: Sentences, targets: Sentences, wanted: int) -> Found:
    """eflomal with its default settings."""
    from eflomal import Aligner

    with tempfile.TemporaryDirectory() as folder:
        forward, reverse = Path(folder, "forward"), Path(folder, "reverse")
        Aligner().align(
            map(" ".join, sources),
            map(" ".join, targets),
            links_filename_fwd=str(forward),
            links_filename_rev=str(reverse),
        )
        return symmetrised(*(_read_links(path, sources, targets, wanted) for path in (forward, reverse)))


def systran_align(sources: Sentences, targets: Sentences, wanted: int) -> Found:
    """fast_align with the options that its authors recommend: -d -o -v."""
    import systran_align as fast_align

    with tempfile.TemporaryDirectory() as folder:
        text, forward, backward = (str(Path(folder, name)) for name in ("text", "forward", "backward"))
        with open(text, "w", encoding="utf-8") as file:
            file.writelines(f"{' '.join(s)} ||| {' '.join(t)}\n" for s, t in zip(sources, targets, strict=True))
        fast_align.generate_alignment_probabilities(
            text, forward, backward, favor_diagonal=True, optimize_tension=True, variational_bayes=True
        )
        model = fast_align.Aligner(forward, backward)
        links = [model.align(list(s), list(t))["alignments"] for s, t in zip(sources[:wanted], targets, strict=False)]
    return {"grow-diag-final-and": [frozenset(one) for one in links]}


def without_reading(sources: Sentences, targets: Sentences, wanted: int) -> Found:
    """The floors: each word with one at its place, or with any."""
    generator = np.random.default_rng(SEED)
    pairs = zip(sources[:wanted], targets, strict=False)
    found = [floors(len(source), len(target), generator=generator) for source, target in pairs]
    return {name: [one[name] for one in found] for name in ("diagonal", "random")}


ALIGNERS: dict[str, Callable[[Sentences, Sentences, int], Found]] = {
    "weft": weft,
    "systran-align": systran_align,
    "eflomal": eflomal,
    "floors": without_reading,
}
PACKAGES = {"systran-align": "systran_align", "eflomal": "eflomal"}
"""What a peer is imported as."""


def symmetrised(forward: Sequence[Pairs], reverse: Sequence[Pairs]) -> Found:
    """Every symmetrisation of the links of two directions."""
    return {
        name: [rule(one, other) for one, other in zip(forward, reverse, strict=True)]
        for name, rule in SYMMETRISATIONS.items()
    }


def _read_links(path: Path, sources: Sentences, targets: Sentences, wanted: int) -> list[Pairs]:
    with path.open(encoding="utf-8") as file:
        return [
            parse_links(
                line, num_source=len(sources[row]), num_target=len(targets[row]), where=f"{path.name}:{row + 1}"
            )
            for row, line in enumerate(islice(file, wanted))
        ]


def in_its_own_process(name: str, sources: Sentences, targets: Sentences, wanted: int) -> tuple[Found, Cost]:
    """What the aligner finds and what that costs; a fresh process, so that peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, name, sources, targets, wanted))
    process.start()
    there.close()
    found, cost = here.recv()
    process.join()
    return found, cost


def _run(pipe: Connection, name: str, sources: Sentences, targets: Sentences, wanted: int) -> None:
    torch.set_num_threads(1)
    start = time.perf_counter()
    found = ALIGNERS[name](sources, targets, wanted)
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cost = Cost(
        wall_seconds=round(time.perf_counter() - start, 1),
        cpu_seconds=round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 1),
        peak_mb=round(max(usage.ru_maxrss for usage in usages) / 1024, 1),
    )
    pipe.send((found, cost))


def scored(found: Found, gold: dict[str, list[GoldPair]]) -> dict[str, dict[str, list[Counts]]]:
    """The counts of every sentence pair, by decision and then by gold set; the links are in the order of the sets."""
    return {
        decision: {
            name: [count(one, pair.gold) for one, pair in zip(links[start : start + len(pairs)], pairs, strict=True)]
            for start, (name, pairs) in zip(_starts(gold), gold.items(), strict=True)
        }
        for decision, links in found.items()
    }


def _starts(gold: dict[str, list[GoldPair]]) -> Iterator[int]:
    start = 0
    for pairs in gold.values():
        yield start
        start += len(pairs)


def row(of_sets: dict[str, list[Counts]]) -> dict[str, Any]:
    """Figures in percent: of all sets together with a 95 % bootstrap interval, and of each."""
    pooled = [one for counts in of_sets.values() for one in counts]
    summed, bounds = total(pooled), interval(pooled, seed=SEED)
    return {
        "aer": percent(summed.aer),
        "interval": [percent(bounds.low), percent(bounds.high)],
        "precision": percent(summed.precision),
        "recall": percent(summed.recall),
        "f1": percent(summed.f1),
        "sets": {name: percent(total(counts).aer) for name, counts in of_sets.items()},
    }


def against(ours: dict[str, list[Counts]], theirs: dict[str, list[Counts]]) -> dict[str, Any]:
    """Our error rate less theirs in points, with the paired 95 % bootstrap interval; below 0 ours is better."""
    pooled = [[one for counts in sets.values() for one in counts] for sets in (ours, theirs)]
    found = difference(pooled[0], pooled[1], seed=SEED)
    return {"points": percent(found.value), "interval": [percent(found.low), percent(found.high)]}


def percent(share: float) -> float:
    return round(100 * share, 2)


def read_text(paths: Sequence[Path], num_pairs: int, cut: str) -> Iterator[tuple[list[str], list[str]]]:
    """The words of a sample of all files' pairs, lower-cased; each word is held once, however often it is said."""
    pairs = [pair for path in paths for pair in read_pairs(path)]
    for row in sample_rows(len(pairs), num_pairs, SEED):
        source, target = (text.lower() for text in pairs[row])
        yield _words(source, cut), _words(target, cut)


def _words(text: str, cut: str) -> list[str]:
    return [intern(text[slice(*span)]) for span in WORDS[cut](text)]


def main() -> None:
    parser = arguments(__doc__, "aligners")
    parser.add_argument("--train", type=Path, nargs="+", required=True, help="source TAB target, plain, .gz or .xz")
    parser.add_argument("--gold", type=Path, nargs="+", required=True, help="source TAB target TAB links lines")
    parser.add_argument("--pairs", type=int, default=200_000, help="how many lines of the training text are read")
    parser.add_argument("--words", choices=WORDS, default="given", help="what a word of the training text is")
    parser.add_argument("--aligners", nargs="+", choices=ALIGNERS, default=list(ALIGNERS))
    options = parser.parse_args()
    gold = {path.name.removesuffix(".gold.tsv"): list(read_gold(path)) for path in options.gold}
    pairs = [(p.source.lower().split(), p.target.lower().split()) for one in gold.values() for p in one]
    wanted = len(pairs)
    pairs += read_text(options.train, options.pairs, options.words)
    sources, targets = [source for source, _ in pairs], [target for _, target in pairs]
    counts: dict[str, dict[str, dict[str, list[Counts]]]] = {}
    findings: dict[str, Any] = {}
    for name in options.aligners:
        if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
            print(f"{name}: not installed, left out")
            continue
        found, cost = in_its_own_process(name, sources, targets, wanted)
        counts[name] = scored(found, gold)
        findings[name] = {"cost": asdict(cost), "decisions": {how: row(sets) for how, sets in counts[name].items()}}
        print(f"{name}: {cost}", *(f"  {how}: {one}" for how, one in findings[name]["decisions"].items()), sep="\n")
    compared = {
        f"weft less {name}, {how}": against(counts["weft"][how], theirs[how])
        for name, theirs in counts.items()
        if name in PACKAGES and "weft" in counts
        for how in theirs
    }
    print(*(f"{what}: {one}" for what, one in compared.items()), sep="\n")
    installed = tuple(name for name in PACKAGES if name in counts)
    write(
        options.out,
        {
            "pairs": len(pairs) - wanted,
            "train": [path.name for path in options.train],
            "words": options.words,
            "gold": {name: len(one) for name, one in gold.items()},
            "aligners": findings,
            "differences": compared,
        },
        packages=installed,
    )


if __name__ == "__main__":
    main()
