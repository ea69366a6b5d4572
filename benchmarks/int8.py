"""What int8 costs in quality: the same pairs in float32 and in int8, translated and scored in one run.

    python benchmarks/int8.py --pairs ../shared/data/test/tatoeba-test.en-fr.tsv.gz [--model en-fr] [--rows 500]
                              [--beam 4] [--out benchmarks/results/int8.json]

The first rows of a TSV of pairs. BLEU (sacreBLEU 13a) and chrF of the translations, how many of these are the same, and
how far the log-probability of each reference, by token, is from that of float32. `bytes` is what weights take.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import sacrebleu
import torch
from torch import nn

import weft
from clock import clocked
from report import arguments, described, write
from weft.data.text import read_pairs
from weft.layers.quantised import QuantisedLinear
from weft.translating.translator import Translator

Pairs = list[tuple[str, str]]


def judged(translator: Translator, pairs: Pairs, to: str, beam: int) -> tuple[dict[str, Any], list[str]]:
    """Scores and seconds of the translations, and these."""
    found: list[str] = []
    sources = [source for source, _ in pairs]
    took = clocked(lambda: found.extend(one.text for one in translator.translate(sources, to=to, beam=beam)))
    references = [[target for _, target in pairs]]
    bleu, chrf = sacrebleu.BLEU(), sacrebleu.CHRF()
    return {
        "bleu": round(bleu.corpus_score(found, references).score, 2),
        "chrf": round(chrf.corpus_score(found, references).score, 2),
        "signatures": [str(bleu.get_signature()), str(chrf.get_signature())],
        "cpu_seconds": round(took.cpu, 2),
        "bytes": weight_bytes(translator.stored.model),
    }, found


def weight_bytes(model: nn.Module) -> int:
    """What parameters, buffers and packed weights take; a layer in bytes counts as often as it is packed."""
    plain = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    layers = [module for module in model.modules() if isinstance(module, QuantisedLinear)]
    return plain + sum(layer.num_packings * layer.in_features * layer.out_features for layer in layers)


def main() -> None:
    parser = arguments(__doc__, "int8")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--beam", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = list(islice(read_pairs(options.pairs), options.rows))
    floats, bytes_ = (weft.load(options.model, dtype=dtype) for dtype in ("float32", "int8"))
    to = floats.languages[0].to
    (own, texts), (other, others) = (judged(one, pairs, to, options.beam) for one in (floats, bytes_))
    scored = zip(*(one.score(pairs, to=to) for one in (floats, bytes_)), strict=True)
    apart = [abs(a.log_probability - b.log_probability) / a.num_tokens for a, b in scored]
    same = sum(a == b for a, b in zip(texts, others, strict=True)) / len(texts)
    findings = {
        "model": described(floats.stored),
        "pairs": len(pairs),
        "beam": options.beam,
        "float32": own,
        "int8": other,
        "same_translations": round(same, 3),
        "mean_absolute_difference_of_log_probability_a_token": round(sum(apart) / len(apart), 5),
    }
    print({key: value for key, value in findings.items() if key != "model"})
    write(options.out, findings)


if __name__ == "__main__":
    main()
