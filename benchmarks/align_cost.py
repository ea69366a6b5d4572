"""What `align=True` costs: the same sentences translated without and with alignment, in turns.

    python benchmarks/align_cost.py [--model en-fr] [--pairs 21] [--out benchmarks/results/align_cost.json]

Seven sentences of 20 words, one at a time (batch 1), one thread, beam 5 and greedy, by the model's own rules and with
every rule on that costs anything (weighing by norms, the final mark, links decided on tokens). Links come with shares
on no word and the confidence of each word. For each sentence runs without and with alignment take turns, and what
counts is the median over all such pairs of (with / without), in CPU time of the process. No encoded source is kept, so
both read every sentence anew. Target: at most 1.05.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from clock import Took, interleaved, ratios, spread
from report import arguments, described, write
from weft.store.folder import load
from weft.translating.translator import Translator

SENTENCES = (
    "The old man who lives next door to us walks his two dogs in the park every morning.",
    "Yesterday my sister bought a red bicycle and three books for her children in the shop near the station.",
    "If you want to learn to swim well, you have to go to the pool at least twice a week.",
    "A young woman in a blue dress is standing in front of a big house and talking on the phone.",
    "We were sitting in the kitchen and drinking tea when somebody knocked on the door and asked for some help.",
    "He told me that he had lost his keys on the train and that he could not open his door.",
    "The children are playing with a ball in the garden while their mother is reading a newspaper under the tree.",
)
TARGET = 1.05
RULES: dict[str, dict[str, Any]] = {
    "own": {},
    "all": {"norm_weighting": True, "final_punctuation": True, "decide_on": "tokens", "null_competes": True},
}


def measure(translator: Translator, to: str, *, rules: str, beam: int, pairs: int) -> dict[str, Any]:
    """Milliseconds of CPU time a sentence without and with alignment, and the ratio of runs that took turns."""
    without: list[Took] = []
    with_links: list[Took] = []
    for sentence in SENTENCES:
        cases = {
            align: partial(translator.translate, sentence, to=to, beam=beam, align=align) for align in (False, True)
        }
        took = interleaved(cases, pairs)
        without += took[False]
        with_links += took[True]
    return {
        "beam": beam,
        "rules": rules,
        "without_cpu_ms": spread([1e3 * run.cpu for run in without], 2),
        "with_cpu_ms": spread([1e3 * run.cpu for run in with_links], 2),
        "ratio": ratios(with_links, without),
    }


def main() -> None:
    parser = arguments(__doc__, "align_cost")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument(
        "--pairs", type=int, default=21, help="runs without and with alignment, of each sentence and beam"
    )
    parser.add_argument("--beams", type=int, nargs="+", default=[5, 1])
    options = parser.parse_args()
    torch.set_num_threads(1)
    stored = load(options.model)
    translator = Translator(stored, cache_size=0)
    to = translator.languages[0].to
    results = []
    own = translator.decoder.alignment
    assert own is not None, f"{options.model} cannot align"
    for rules, changed in RULES.items():
        translator.decoder.alignment = own.model_copy(update=changed)
        results += [measure(translator, to, rules=rules, beam=beam, pairs=options.pairs) for beam in options.beams]
    for result in results:
        ratio = result["ratio"]["cpu"]
        case = f"{result['rules']} rules, beam {result['beam']}"
        print(f"{case}: {ratio['median']:.3f} {ratio['quartiles']}, target {TARGET:.2f}")
    words = sum(len(sentence.split()) for sentence in SENTENCES) / len(SENTENCES)
    write(
        options.out,
        {"model": described(stored), "words_per_sentence": round(words, 1), "target": TARGET, "results": results},
    )


if __name__ == "__main__":
    main()
