"""Decoding speed: output tokens a second, greedy and with beam 4, one sentence at a time and 32 at once.

    python benchmarks/decoding.py [--model en-fr] [--input FILE] [--repetitions 7]
                                  [--out benchmarks/results/decoding.json]

The first 64 lines of the input (a text or the first column of a TSV; by default the sentences of tests/shipped), from
text to text: tokenising, encoder, search and detokenising, on one thread, no source kept from one run to the next.
Output tokens are those of the best hypothesis, `</s>` included. The four cases take turns; medians of CPU and wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from clock import Took, interleaved, ratios, spread
from report import arguments, described, write
from weft.data.text import read_lines
from weft.generation.batching import batches_by_length
from weft.generation.settings import SearchSettings
from weft.store.folder import load
from weft.translating.decoding import Decoder, Job
from weft.translating.segments import Segment

SENTENCES = Path(__file__).parents[1] / "tests" / "shipped" / "sentences.en.txt"


class Task:
    """The same sentences for every case, and how many tokens each case wrote."""

    def __init__(self, model: str, sentences: Sequence[str], to: str | None) -> None:
        self.stored = load(model)
        self.tokenizer, self.sentences = self.stored.tokenizer, sentences
        self.direction = self.tokenizer.direction(to or self.stored.config.languages[0].to)
        self.decoder = Decoder(self.stored.model, self.tokenizer, cache_size=0, batch_tokens=1_000_000)
        self.written: dict[tuple[int, int], int] = {}

    def decode(self, *, beam: int, batch: int) -> None:
        """Translates all sentences, those of like length together."""
        settings = SearchSettings(**{**self.stored.config.search.model_dump(), "beam": beam})
        jobs = [Job(Segment(0, text, self.tokenizer.encode(text))) for text in self.sentences]
        written = 0
        for rows in batches_by_length([job.input.length(self.direction) for job in jobs], max_rows=batch):
            answers = self.decoder.decode(
                [jobs[row] for row in rows], direction=self.direction, settings=settings, align=False
            )
            written += sum(ranked[0].num_tokens for ranked in answers)
        self.written[beam, batch] = written

    def speed(self, took: Sequence[Took], *, beam: int, batch: int) -> dict[str, Any]:
        tokens = self.written[beam, batch]
        return {
            "beam": beam,
            "batch": batch,
            "output_tokens": tokens,
            "tokens_per_cpu_second": spread([tokens / run.cpu for run in took], 1),
            "tokens_per_second": spread([tokens / run.wall for run in took], 1),
            "cpu_ms_per_sentence": spread([1e3 * run.cpu / len(self.sentences) for run in took], 2),
            "ms_per_sentence": spread([1e3 * run.wall / len(self.sentences) for run in took], 2),
        }


def main() -> None:
    parser = arguments(__doc__, "decoding")
    parser.add_argument("--model", default="en-fr", help="a model by name, or a folder")
    parser.add_argument("--to", help="target language; by default the model's first")
    parser.add_argument("--input", type=Path, default=SENTENCES)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sentences = [line.split("\t")[0] for line in islice(read_lines(options.input), options.sentences)]
    task = Task(options.model, sentences, options.to)
    keys = [(beam, batch) for beam in (1, 4) for batch in (1, 32)]
    took = interleaved({key: partial(task.decode, beam=key[0], batch=key[1]) for key in keys}, options.repetitions)
    results = [task.speed(took[beam, batch], beam=beam, batch=batch) for beam, batch in keys]
    for result in results:
        print(
            f"beam {result['beam']}, batch {result['batch']}: {result['tokens_per_second']['median']} tokens/s, "
            f"{result['ms_per_sentence']['median']} ms a sentence"
        )
    write(
        options.out,
        {
            "model": described(task.stored),
            "sentences": len(sentences),
            "source_tokens": sum(len(task.tokenizer.encode(text).ids) for text in sentences),
            "results": results,
            "batching_gain": {f"beam {beam}": ratios(took[beam, 1], took[beam, 32]) for beam in (1, 4)},
        },
    )


if __name__ == "__main__":
    main()
