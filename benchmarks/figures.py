"""Fills the figures of README and docs from the JSON files under benchmarks/results: no number is typed by hand.

    python benchmarks/figures.py [--check]

`--check` writes nothing and fails where a page says something else than the files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import caption_figures
import fusion_figures
import scene_figures
import speed_figures
from alignment_figures import tables
from document_figures import document_table, encoder_table
from long_figures import long_table
from retrieval_figures import retrieval_table

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- figures{of}: begin -->\n", "<!-- figures{of}: end -->\n"


def rows() -> Iterator[tuple[str, str, str]]:
    """What was measured, the figure, and the file it stands in; files that are not there are passed over."""
    for name, read in READERS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            for what, figure in read(json.loads(path.read_text(encoding="utf-8"))):
                yield what, figure, path.name


def _shipped(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    million = found["model"]["parameters"] / 1e6
    tatoeba, news = found["test_sets"]["tatoeba-test"], found["test_sets"]["newstest2012"]
    beam = found["search"]["beam"]
    yield (
        f"Shipped en→fr ({million:.0f} M parameters), Tatoeba test, beam {beam}",
        f"BLEU {tatoeba['bleu']['score']:.1f}, chrF {tatoeba['chrf']['score']:.1f}",
    )
    yield (
        "The same on news, which it was not made for (newstest2012)",
        f"chrF {news['chrf']['score']:.1f}, length ratio {news['length_ratio']:.2f}",
    )
    own = found["sentences"]
    yield f"Digits that survive in {own['sentences']} sentences of our own", f"{own['digits_kept']:.1%}"


def _multi30k(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    model, results = found["model"], found["results"]
    beam, million = found["search"]["beam"], model["parameters"] / 1e6
    yield (
        f"Multi30k {model['languages'][0]} ({million:.1f} M parameters), test 2016, beam {beam}",
        f"BLEU {results['bleu_tokenised_lowercased']['score']:.1f} lower-cased tokenised, "
        f"{results['bleu_detokenised_cased']['score']:.1f} cased detokenised",
    )


def _align_cost(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for result in found["results"]:
        ratio = result["ratio"]["cpu"]["median"]
        rules = " with every rule on" if result.get("rules") == "all" else ""
        yield f"Cost of `align=True`{rules}, beam {result['beam']}, CPU time", f"{ratio:.3f} × without"


def _decoding(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for result in found["results"]:
        speed = result["tokens_per_second"]["median"]
        yield f"Decoding, 1 thread, beam {result['beam']}, batch {result['batch']}", f"{speed:,.0f} tokens/s"


def _beam_memory(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    ratio = found["repeated_over_shared"]
    yield (
        "Beam-8 decode of a 2,000-token source: the memory repeated per beam, against ours",
        f"keys and values {ratio['memory_tensors_mb']:.1f} ×, peak {ratio['peak_over_before_mb']:.1f} ×",
    )


def _padding(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in found["padding"]:
        if one["budget"] == 4096:
            yield (
                "Padding efficiency of 4,096-token batches (random batches)",
                f"{one['efficiency']:.3f} ({one['efficiency_random']:.3f})",
            )


def _cold_start(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("weft --help", "weft translate"):
        result = found["results"][name]
        ratio = result["ratio_to_import_torch"]["wall"]["median"]
        yield f"Cold start of `{name}`", f"{result['seconds']['median']:.2f} s, {ratio:.2f} × `import torch`"


READERS = {
    "shipped": _shipped,
    "multi30k-en-de": _multi30k,
    "multi30k-en-fr": _multi30k,
    "align_cost": _align_cost,
    "decoding": _decoding,
    "beam_memory": _beam_memory,
    "padding_and_training": _padding,
    "cold_start": _cold_start,
    "scenes": scene_figures.rows,
}


def table() -> str:
    """The README's table."""
    lines = ["| what | measured | file |", "|---|---|---|"]
    lines += [f"| {what} | {figure} | [{file}](benchmarks/results/{file}) |" for what, figure, file in rows()]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "README.md": table,
    "docs/alignment.md": lambda: tables(RESULTS),
    "docs/long-sources.md": lambda: long_table(RESULTS / "long_sources.json"),
    "docs/long-sources.md#retrieval": lambda: retrieval_table(RESULTS / "retrieval.json"),
    "docs/long-sources.md#encoders": lambda: encoder_table(RESULTS / "encoder_attention.json"),
    "docs/long-sources.md#documents": lambda: document_table(RESULTS / "documents.json"),
    "docs/speed.md": lambda: speed_figures.tables(RESULTS),
    "docs/several-sources.md": lambda: fusion_figures.tables(RESULTS),
    "docs/pictures.md": lambda: caption_figures.table(RESULTS / "captions.json"),
    "docs/captioning.md": lambda: scene_figures.table(RESULTS / "scenes.json"),
}
"""What fills the figures of each page; behind #, which of several there."""


def filled(text: str, figures: str, which: str = "") -> str:
    """A page with its figures, or `which` of several, as the files have them."""
    begin, end = (mark.format(of=f" of {which}" if which else "") for mark in (BEGIN, END))
    before, rest = text.split(begin)
    return before + begin + figures + end + rest.split(end)[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    for page, figures in PAGES.items():
        name, _, which = page.partition("#")
        text = (ROOT / name).read_text(encoding="utf-8")
        if not options.check:
            (ROOT / name).write_text(filled(text, figures(), which), encoding="utf-8")
        elif filled(text, figures(), which) != text:
            raise SystemExit(f"{name} and benchmarks/results differ; run python benchmarks/figures.py")


if __name__ == "__main__":
    main()
