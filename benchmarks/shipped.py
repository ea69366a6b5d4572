"""How good the model that ships is: two test sets, and a hundred sentences of our own to be read by people.

    python benchmarks/shipped.py --data ../shared/data/test [--model en-fr] [--out benchmarks/results/shipped.json]

Tatoeba test (everyday language) and newstest2012 (news: far from what the model was trained on) with the model's own
search settings: BLEU (sacreBLEU 13a) and chrF, with the length ratio (tokens written over tokens of the references).
Of the sentences in tests/shipped: the share of the source's digits that stand in the translation too, and outputs in
which one 4-gram of words stands twice. Sources and translations are written beside the JSON as a TSV.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sacrebleu
import torch

from report import arguments, described, write
from weft.data.text import read_lines, read_pairs
from weft.store.folder import load
from weft.translating.translator import Translator

SENTENCES = Path(__file__).parents[1] / "tests" / "shipped" / "sentences.en.txt"
TEST_SETS = ("tatoeba-test", "newstest2012")
TARGETS = {"tatoeba-test BLEU": 36.0, "newstest2012 length ratio": [0.8, 1.3], "digits": 0.95, "loops": 0}


def digits_kept(source: str, translation: str) -> tuple[int, int]:
    """How many digits of the source stand in the translation as often as there, and how many it has."""
    wanted, came = (Counter(re.findall(r"\d", text)) for text in (source, translation))
    return (wanted & came).total(), wanted.total()


def loops(translation: str) -> bool:
    """Whether some four words in a row stand in it twice."""
    words = re.findall(r"\w+", translation.lower())
    grams = [tuple(words[start : start + 4]) for start in range(len(words) - 3)]
    return len(set(grams)) < len(grams)


def on_test_set(translator: Translator, path: Path, to: str, rows: int | None) -> dict[str, Any]:
    """BLEU, chrF, length ratio and outputs that repeat themselves on a TSV of pairs."""
    pairs = list(read_pairs(path))[:rows]
    begun = time.perf_counter()
    found = [one.text for one in translator.translate_lines((source for source, _ in pairs), to=to)]
    seconds = time.perf_counter() - begun
    references = [[target for _, target in pairs]]
    bleu, chrf = sacrebleu.BLEU(), sacrebleu.CHRF()
    score, characters = bleu.corpus_score(found, references), chrf.corpus_score(found, references)
    return {
        "pairs": len(pairs),
        "bleu": {"score": round(score.score, 2), "signature": str(bleu.get_signature())},
        "chrf": {"score": round(characters.score, 2), "signature": str(chrf.get_signature())},
        "length_ratio": round(score.sys_len / score.ref_len, 3),
        "outputs_with_a_4gram_twice": sum(map(loops, found)),
        "seconds": round(seconds, 1),
    }


def on_sentences(sources: Sequence[str], translations: Sequence[str]) -> dict[str, Any]:
    """What can be counted about our own sentences without a reference."""
    counts = [digits_kept(*pair) for pair in zip(sources, translations, strict=True)]
    kept, wanted = (sum(column) for column in zip(*counts, strict=True))
    return {
        "sentences": len(sources),
        "digits": wanted,
        "digits_kept": round(kept / max(wanted, 1), 4),
        "digits_lost_in": [source for source, (k, w) in zip(sources, counts, strict=True) if k < w],
        "loops": [text for text in translations if loops(text)],
    }


def table(sources: Sequence[str], translations: Sequence[str]) -> str:
    """Source TAB translation TAB what a program finds wrong with it."""
    lines = ["source\ttranslation\tremark"]
    for source, translation in zip(sources, translations, strict=True):
        kept, wanted = digits_kept(source, translation)
        remarks = [f"{wanted - kept} of {wanted} digits lost"] * (kept < wanted) + ["loop"] * loops(translation)
        lines.append("\t".join([source, translation, ", ".join(remarks)]))
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = arguments(__doc__, "shipped")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument("--to", help="target language; by default the model's first")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the test sets")
    parser.add_argument("--rows", type=int, help="only the first so many pairs of each set, to try it out")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    stored = load(options.model)
    translator = Translator(stored)
    pair = stored.config.languages[0]
    to = options.to or pair.to
    tests = {}
    for name in TEST_SETS:
        path = options.data / f"{name}.{pair.from_}-{to}.tsv.gz"
        tests[name] = on_test_set(translator, path, to, options.rows)
        print(f"{name}: {tests[name]}", flush=True)
    sources = list(read_lines(SENTENCES))
    translations = [one.text for one in translator.translate(sources, to=to)]
    own = on_sentences(sources, translations)
    print(f"own sentences: {own['digits_kept']:.1%} of {own['digits']} digits, {len(own['loops'])} loops")
    search = stored.config.search.model_dump()
    findings = {"model": described(stored), "search": search, "targets": TARGETS, "test_sets": tests, "sentences": own}
    write(options.out, findings, packages=("sacrebleu",))
    options.out.with_suffix(".tsv").write_text(table(sources, translations), encoding="utf-8")


if __name__ == "__main__":
    main()
