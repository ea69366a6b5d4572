"""BLEU on the Multi30k test set of 2016, as its literature counts it, with detokenised sacreBLEU beside it.

    pip install -r benchmarks/requirements.txt
    python benchmarks/multi30k.py MODEL_FOLDER --data ../shared/data/multi30k [--beam 5]
                                  [--out benchmarks/results/multi30k-en-de.json]

The literature scores lower-cased, punctuation-normalised, Moses-tokenised text (the data set's own lc.norm.tok): here
hypothesis and reference are made so by sacremoses, in that order, and scored by sacreBLEU without a tokenizer of its
own. Each line is translated whole. Hypotheses are written beside the JSON.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sacrebleu
import torch
from sacremoses import MosesPunctNormalizer, MosesTokenizer

from report import RESULTS, arguments, described, write
from weft.data.text import read_pairs
from weft.generation.settings import SearchSettings
from weft.store.folder import StoredModel, load
from weft.translating.decoding import Decoder, Job
from weft.translating.segments import Segment

COLUMNS = {"en": 0, "fr": 1, "de": 2}
FILE = "test_2016_flickr.en-fr-de.tsv.gz"


def lowercased_tokenised(texts: Sequence[str], language: str) -> list[str]:
    """Lower-cased, then normalised, then tokenised, as the data set's own tokenised files are."""
    normalizer, tokenizer = MosesPunctNormalizer(lang=language), MosesTokenizer(lang=language)
    normal = (normalizer.normalize(text.lower()) for text in texts)
    return [tokenizer.tokenize(text, return_str=True, escape=False) for text in normal]


def translated(stored: StoredModel, sources: Sequence[str], to: str, beam: int) -> list[str]:
    """The best hypothesis of each line, read whole."""
    decoder = Decoder(stored.model, stored.tokenizer, cache_size=0)
    jobs = [Job(Segment(0, text, stored.tokenizer.encode(text))) for text in sources]
    settings = SearchSettings(**{**stored.config.search.model_dump(), "beam": beam})
    answers = decoder.decode(jobs, direction=stored.tokenizer.direction(to), settings=settings, align=False)
    return [ranked[0].text for ranked in answers]


def scored(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """A score with the signature that says how it was counted."""
    score = metric.corpus_score(hypotheses, [references])
    return {"score": round(score.score, 2), "signature": str(metric.get_signature()), "text": str(score)}


def main() -> None:
    parser = arguments(__doc__, "multi30k")
    parser.set_defaults(out=None)
    parser.add_argument("model", help="a model by name, or a folder")
    parser.add_argument("--data", type=Path, required=True, help=f"the folder that holds {FILE}")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--rows", type=int, help="only the first so many lines, to try it out")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    stored = load(options.model)
    pair = stored.config.languages[0]
    name = f"multi30k-{pair.from_}-{pair.to}"
    out = options.out or RESULTS / f"{name}.json"
    pairs = list(read_pairs(options.data / FILE, columns=(COLUMNS[pair.from_], COLUMNS[pair.to])))[: options.rows]
    sources, references = [source for source, _ in pairs], [target for _, target in pairs]
    begun = time.perf_counter()
    hypotheses = translated(stored, sources, pair.to, options.beam)
    seconds = time.perf_counter() - begun
    tokenised = (lowercased_tokenised(texts, pair.to) for texts in (hypotheses, references))
    results = {
        "bleu_tokenised_lowercased": scored(sacrebleu.BLEU(tokenize="none", force=True), *tokenised),
        "bleu_detokenised_cased": scored(sacrebleu.BLEU(), hypotheses, references),
        "chrf_detokenised_cased": scored(sacrebleu.CHRF(), hypotheses, references),
    }
    for measure, result in results.items():
        print(f"{measure}: {result['text']}  [{result['signature']}]")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".hypotheses.txt").write_text("".join(f"{line}\n" for line in hypotheses), encoding="utf-8")
    findings = {
        "test_set": FILE,
        "pairs": len(pairs),
        "model": described(stored),
        "search": {**stored.config.search.model_dump(), "beam": options.beam},
        "tokenisation": "lower-case, MosesPunctNormalizer, MosesTokenizer (escape=False), both sides",
        "results": results,
        "seconds": round(seconds, 1),
    }
    write(out, findings, packages=("sacrebleu", "sacremoses"))


if __name__ == "__main__":
    main()
