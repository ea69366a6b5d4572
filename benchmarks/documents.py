"""Documents through the model that ships, which was trained on sentences: every way to translate one, side by side.

    python benchmarks/documents.py --data DIR [--model en-fr] [--documents 10] [--lines 10] [--out FILE.json]

Documents are made of the lines of a test set in their order, `--lines` each: Tatoeba's, which have nothing to do with
each other, and those of newstest2012, which mostly do. Each way translates all of them with the model's own search.
`documents` are BLEU (sacreBLEU 13a) and chrF with a document as the unit, its lines joined by spaces, so that ways that
keep lines and ways that do not can be compared; `lines` are the same line by line, where lines are kept. `length_ratio`
is tokens written over tokens of the references: below 1 something was lost, far above it something was said twice.
`as_translated_line_by_line` counts lines that came out as the first way has them.

Sources are a few hundred tokens long, shorter than pages, top-k and a window are made for: what they may read is set
small here (`reading`), so that they have something to leave out.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
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
from weft.translating.translator import Translator

TEST_SETS = ("tatoeba-dev", "newstest2012")
READING = Reading(page=16, pages=4, num=64, width=64, chunk=128)
KEPT: dict[str, Document | None] = {
    "line by line": None,
    "document": Document(),
    "document, chunks of 120": Document(chunk=120),
    "document, chunks of 60": Document(chunk=60, overlap=10),
}
"""Ways that keep the lines of a document."""
PARAGRAPH = {f"one line, context of {num}": Document(context=num) for num in (0, 1)}
"""Ways for which a document is one line, since sentences are seen with those before them in their line."""
WHOLE = ("dense", "chunked", "pages", "top-k", "window")
"""How the joint memory is read where a document is written at once."""


def main() -> None:
    parser = arguments(__doc__, "documents")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the test sets")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument("--documents", type=int, default=10)
    parser.add_argument("--lines", type=int, default=10, help="lines of a document")
    parser.add_argument("--sets", nargs="+", default=TEST_SETS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load(options.model)
    findings: dict[str, Any] = {
        "model": described(model.stored),
        "documents": options.documents,
        "lines": options.lines,
        "reading": READING.model_dump(include={"page", "pages", "num", "width", "chunk"}),
        "shared_machine": True,
        "test_sets": {},
    }
    for name in options.sets:
        findings["test_sets"][name] = {}
        for way, found in _ways(options, *_documents(options, name)):
            print(name, way, found, flush=True)
            findings["test_sets"][name][way] = found
            write(options.out, findings, packages=("sacrebleu",))


Lines = list[list[str]]
"""The lines of each document."""


def _documents(options: Namespace, name: str) -> tuple[Lines, Lines]:
    """Sources and references."""
    pairs = read_pairs(options.data / f"{name}.en-fr.tsv.gz")
    cut = [list(islice(pairs, options.lines)) for _ in range(options.documents)]
    return [[source for source, _ in one] for one in cut], [[target for _, target in one] for one in cut]


def _ways(options: Namespace, sources: Lines, references: Lines) -> Iterator[tuple[str, dict[str, Any]]]:
    line_by_line: Lines = []
    for way, told in KEPT.items():
        model = load(options.model)  # nothing was read before
        begun = time.process_time()
        if told is None:
            found = [[one.text for one in model.translate(lines, to="fr")] for lines in sources]
            line_by_line = found
        else:
            found = [
                [one.text for one in model.translate_document("\n".join(lines), to="fr", document=told)]
                for lines in sources
            ]
        seconds = time.process_time() - begun
        yield way, _scored(found, references, seconds) | _of_lines(found, references, line_by_line)
    for way, told in PARAGRAPH.items():
        yield way, _as_one(load(options.model), told, sources, references)
    for attention in WHOLE:
        model = load(options.model, attention=attention, reading=READING)
        left_out = {} if attention in ("dense", "chunked") else {"left_out": model.tally}
        found = _as_one(model, Document(whole=True), sources, references)
        yield f"whole, {attention}", found | {key: tally.to_json() for key, tally in left_out.items()}


def _as_one(model: Translator, told: Document, sources: Lines, references: Lines) -> dict[str, Any]:
    """Documents as one line, or written as one."""
    texts = [("\n" if told.whole else " ").join(lines) for lines in sources]
    begun = time.process_time()
    found = [[one.text] for one in model.translate(texts, to="fr", document=told)]
    return _scored(found, references, time.process_time() - begun)


def _scored(found: Lines, references: Lines, seconds: float) -> dict[str, Any]:
    """How good documents are as wholes."""
    texts, wanted = [" ".join(lines) for lines in found], [" ".join(lines) for lines in references]
    return {
        "documents": _scores(texts, wanted),
        "with_a_4gram_twice": sum(map(loops, texts)),
        "references_with_a_4gram_twice": sum(map(loops, wanted)),
        "cpu_seconds": round(seconds, 1),
    }


def _of_lines(found: Lines, references: Lines, line_by_line: Lines) -> dict[str, Any]:
    same = [
        mine == theirs
        for ours, other in zip(found, line_by_line, strict=True)
        for mine, theirs in zip(ours, other, strict=True)
    ]
    return {
        "lines": _scores([line for one in found for line in one], [line for one in references for line in one]),
        "as_translated_line_by_line": sum(same) / len(same),
    }


def _scores(found: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
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
