"""Documents through the model that ships, which was trained on sentences: every way to translate one, side by side.

    python benchmarks/documents.py --data DIR [--model en-fr] [--documents 10] [--lines 10] [--out FILE.json]
                                   [--sets NAME ...] [--ways NAME ...] [--append]

Documents are made of the lines of a test set in their order, `--lines` each: Tatoeba's, which have nothing to do with
each other, and those of newstest2012, which mostly do. Each way translates all of them with the model's own search.
`documents` are BLEU (sacreBLEU 13a) and chrF with a document as the unit, its lines joined by spaces, so that ways that
keep lines and ways that do not can be compared; `lines` are the same line by line, where lines are kept. `length_ratio`
is tokens written over tokens of the references: below 1 something was lost, far above it something was said twice.

Sources are a few hundred tokens long, shorter than pages, top-k and a window are made for: what they may read is set
small here (`reading`), so that they have something to leave out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import sacrebleu
import torch

from report import arguments, described, write
from shipped import loops
from weft.data.text import read_pairs
from weft.models.reading import Reading
from weft.translating.document import Document
from weft.translating.loading import load

TEST_SETS = ("tatoeba-dev", "newstest2012")
READING = Reading(page=16, pages=4, num=64, width=64, chunk=128)
LINES: dict[str, Document | None] = {
    "line by line": None,
    "document": Document(),
    "document, chunks of 120": Document(chunk=120),
    "document, chunks of 60": Document(chunk=60, overlap=10),
}
"""Ways that keep the lines of a document."""
ONE_LINE: dict[str, tuple[str | None, Document]] = {
    "one line, no context": (None, Document()),
    "one line, context of 1": (None, Document(context=1)),
    **{f"whole, {name}": (name, Document(whole=True)) for name in ("dense", "chunked", "pages", "top-k", "window")},
}
"""Ways for which a document is one line, with the attention that reads it: sentences in sight of those before them in
their line, and documents that are written at once from a joint memory."""
APPROXIMATE = ("pages", "top-k", "window")

Lines = list[list[str]]
"""The lines of each document."""


def main() -> None:
    parser = arguments(__doc__, "documents")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the test sets")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument("--documents", type=int, default=10)
    parser.add_argument("--lines", type=int, default=10, help="lines of a document")
    parser.add_argument("--sets", nargs="+", default=TEST_SETS)
    parser.add_argument("--ways", nargs="+", default=[*LINES, *ONE_LINE])
    parser.add_argument("--append", action="store_true", help="keep what --out holds of other sets and ways")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets: dict[str, dict[str, Any]] = {}
    if options.append and options.out.exists():
        sets = json.loads(options.out.read_text(encoding="utf-8"))["test_sets"]
    findings = {
        "model": described(load(options.model).stored),
        "documents": options.documents,
        "lines": options.lines,
        "reading": READING.model_dump(include={"page", "pages", "num", "width", "chunk"}),
        "shared_machine": True,
        "test_sets": sets,
    }
    for name in options.sets:
        pairs = read_pairs(options.data / f"{name}.en-fr.tsv.gz")
        cut = [list(islice(pairs, options.lines)) for _ in range(options.documents)]
        sources, references = ([[pair[side] for pair in one] for one in cut] for side in (0, 1))
        for way in options.ways:
            measure = of_lines if way in LINES else of_documents
            found = measure(options.model, way, sources, references)
            print(name, way, found, flush=True)
            sets.setdefault(name, {})[way] = found
            sets[name] = {one: sets[name][one] for one in [*LINES, *ONE_LINE] if one in sets[name]}
            write(options.out, findings, packages=("sacrebleu",))


def of_lines(name: str, way: str, sources: Lines, references: Lines) -> dict[str, Any]:
    """What a way that keeps lines makes of the documents."""
    model, told = load(name), LINES[way]
    begun = time.process_time()
    if told is None:
        found = [[one.text for one in model.translate(lines, to="fr")] for lines in sources]
    else:
        of_each = (model.translate_document("\n".join(lines), to="fr", document=told) for lines in sources)
        found = [[line.text for line in lines] for lines in of_each]
    seconds = time.process_time() - begun
    every, wanted = ([line for lines in documents for line in lines] for documents in (found, references))
    return scored(found, references, seconds) | {"lines": scores(every, wanted)}


def of_documents(name: str, way: str, sources: Lines, references: Lines) -> dict[str, Any]:
    """What a way for which a document is one line makes of them."""
    attention, told = ONE_LINE[way]
    model = load(name, attention=attention, reading=READING)
    texts = [("\n" if told.whole else " ").join(lines) for lines in sources]
    begun = time.process_time()
    found = [[one.text] for one in model.translate(texts, to="fr", document=told)]
    seconds = time.process_time() - begun
    left_out = {"left_out": model.tally.to_json()} if attention in APPROXIMATE else {}
    return scored(found, references, seconds) | left_out


def scored(found: Lines, references: Lines, seconds: float) -> dict[str, Any]:
    """How good documents are as wholes."""
    texts, wanted = ([" ".join(lines) for lines in documents] for documents in (found, references))
    return {
        "documents": scores(texts, wanted),
        "with_a_4gram_twice": sum(map(loops, texts)),
        "references_with_a_4gram_twice": sum(map(loops, wanted)),
        "cpu_seconds": round(seconds, 1),
    }


def scores(found: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    """BLEU, chrF and the ratio of lengths."""
    bleu, chrf = sacrebleu.BLEU(), sacrebleu.CHRF()
    score, characters = bleu.corpus_score(found, [references]), chrf.corpus_score(found, [references])
    return {
        "bleu": round(score.score, 2),
        "chrf": round(characters.score, 2),
        "length_ratio": round(score.sys_len / score.ref_len, 3),
        "signatures": [str(bleu.get_signature()), str(chrf.get_signature())],
    }


if __name__ == "__main__":
    main()
