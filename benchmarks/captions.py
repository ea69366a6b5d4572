"""Captions of the development pictures of Flickr8k: with the picture, without it, and with a wrong one.

    python benchmarks/captions.py --model benchmarks/weights/flickr8k-captioner --blind runs/blind/best --data DATA

DATA holds flickr8k/dev.captions.tsv and flickr8k/images. Scores are those of pycocoevalcap over words that
`weft.runs.caption_scores.TOKENIZER` names. The blind model is the same decoder trained on zeros in the place of every
picture, with as many updates and chosen in the same way. The ranking test asks how often the picture that five people
wrote of makes their sentences likelier, on average, than another picture, drawn by a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import report
from clock import interleaved, spread
from weft.base.padded import pad
from weft.data.columns import PictureColumn
from weft.data.direction import Direction
from weft.data.pictures import Pictures
from weft.data.text import read_columns
from weft.generation.search import search
from weft.generation.settings import SearchSettings
from weft.models.source import Picture
from weft.runs.caption_scores import TOKENIZER, caption_scores, cider_of_each
from weft.store.folder import StoredModel, load

BATCH = 50
RESAMPLES = 2000
TIMED = 96
"""Pictures of each run of the throughput."""


@dataclass(frozen=True)
class Told:
    """Pictures by name and what people said of each."""

    paths: list[Path]
    references: list[list[str]]


def told(data: Path, rows: int | None) -> Told:
    """The development set, in small letters, as the model writes."""
    lines = list(read_columns(data / "flickr8k" / "dev.captions.tsv", columns=range(6)))[:rows]
    return Told(
        [data / "flickr8k" / "images" / name for name, *_ in lines],
        [[text.lower() for text in texts] for _, *texts in lines],
    )


@dataclass(frozen=True)
class Described:
    """What a model says of every picture, and how likely its references are: the mean log-probability of the five."""

    captions: list[str]
    log_probabilities: np.ndarray


class Subject:
    """A captioner and the pictures as it sees them."""

    def __init__(self, folder: str, pictures: Pictures, *, blind: bool = False) -> None:
        self.stored: StoredModel = load(folder)
        self.model: Any = self.stored.model.eval()
        source = self.stored.config.model.source
        assert isinstance(source, Picture)
        assert self.stored.config.pixels is not None
        self.column = PictureColumn(
            pictures,
            np.arange(len(pictures)),
            self.stored.config.pixels,
            (source.patch_height, source.patch_width),
            (source.height, source.width),
            blind=blind,
        )
        self.tag = self.stored.tokenizer.direction(self.stored.config.languages[0].to).start

    @torch.inference_mode()
    def describe(self, rows: np.ndarray, references: Sequence[Sequence[str]]) -> Described:
        """Shown the pictures of `rows`, asked about `references`: row i of the one with row i of the other."""
        captions, means = [], []
        for first in range(0, len(rows), BATCH):
            memory = self.model.encode(self.column.collate(rows[first : first + BATCH]))
            captions += self.captions(memory, len(rows[first : first + BATCH]))
            means.append(self._likelihood(memory, references[first : first + BATCH]))
        return Described(captions, np.concatenate(means))

    def captions(self, memory: Any, count: int, *, beam: int | None = None) -> list[str]:
        """The best caption of each picture, by beam search as the model says."""
        asked = self.stored.config.search.model_dump()
        start = torch.full((count,), self.tag)
        result = search(
            self.model,
            memory,
            start=start,
            source_lengths=torch.zeros_like(start),
            eos=Direction(self.tag).eos,
            settings=SearchSettings(**{**asked, "beam": beam or asked["beam"]}),
        )
        return [self.stored.tokenizer.decode(ranked[0].tokens) for ranked in result.hypotheses]

    def _likelihood(self, memory: Any, references: Sequence[Sequence[str]]) -> np.ndarray:
        way, tokenizer = Direction(self.tag), self.stored.tokenizer
        place = np.repeat(np.arange(len(references)), [len(texts) for texts in references])
        ids = tokenizer.encode_batch([text for texts in references for text in texts])
        inputs, outputs = pad([way.heard(own) for own in ids]), pad([way.written(own) for own in ids])
        logits = self.model.out(self.model.decoder(inputs.values, memory.select(torch.from_numpy(place))))
        each = logits.float().log_softmax(-1).gather(2, outputs.values[..., None]).squeeze(-1)
        sums = (each * outputs.keep).sum(1).numpy()
        return np.bincount(place, weights=sums) / np.bincount(place)


def resampled(statistic: Callable[[np.ndarray], float], count: int) -> list[float]:
    """The middle 95 % of a statistic over pictures drawn again with replacement."""
    generator = np.random.default_rng(1)
    found = [statistic(generator.integers(0, count, count)) for _ in range(RESAMPLES)]
    return [round(float(value), 4) for value in np.quantile(found, [0.025, 0.975])]


def others(count: int) -> np.ndarray:
    """For each picture another one: a seeded permutation in which none keeps its place."""
    order = np.random.default_rng(1).permutation(count)
    found = np.empty(count, np.int64)
    found[order] = np.roll(order, 1)
    return found


def scored(captions: list[str], references: list[list[str]]) -> dict[str, Any]:
    each = np.array(cider_of_each(captions, references))
    scores = {name: round(value, 4) for name, value in caption_scores(captions, references).items()}
    interval = resampled(lambda rows: float(each[rows].mean()), len(each))
    return {**scores, "cider_interval": interval, "different": len(set(captions)) / len(captions)}


def ranking(right: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    """How often the right picture makes its references likelier."""
    wins = right > wrong
    return {
        "right_beats_wrong": round(float(wins.mean()), 4),
        "interval": resampled(lambda rows: float(wins[rows].mean()), len(wins)),
        "mean_log_probability": {"right": round(float(right.mean()), 3), "wrong": round(float(wrong.mean()), 3)},
    }


def throughput(subject: Subject, repetitions: int) -> dict[str, Any]:
    """Pictures a second of CPU time from decoded pixels to text, alone and 32 at a time, by greedy and beam search."""
    rows = np.arange(min(TIMED, len(subject.column.number)))

    def run(batch: int, beam: int) -> None:
        with torch.inference_mode():
            for first in range(0, len(rows), batch):
                some = rows[first : first + batch]
                subject.captions(subject.model.encode(subject.column.collate(some)), len(some), beam=beam)

    cases = {
        f"batch {batch}, beam {beam}": (lambda batch=batch, beam=beam: run(batch, beam))
        for batch in (1, 32)
        for beam in (1, 5)
    }
    took = interleaved(cases, repetitions)
    return {name: spread([len(rows) / one.cpu for one in runs], 1) for name, runs in took.items()}


def main() -> None:
    parser = report.arguments(__doc__, "captions")
    parser.add_argument("--model", required=True, help="folder of the captioner")
    parser.add_argument("--blind", help="folder of the same decoder trained without pictures")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds flickr8k/")
    parser.add_argument("--rows", type=int, help="only the first so many pictures")
    parser.add_argument("--repetitions", type=int, default=5, help="of the throughput; 0 leaves it out")
    asked = parser.parse_args()
    about = told(asked.data, asked.rows)
    stored = load(asked.model)
    source = stored.config.model.source
    assert isinstance(source, Picture)
    pictures = Pictures.read(about.paths, size=(source.height, source.width))
    rows, references = np.arange(len(pictures)), about.references
    seeing = Subject(asked.model, pictures)
    right, wrong = seeing.describe(rows, references), seeing.describe(others(len(rows)), references)
    found: dict[str, Any] = {
        "set": f"flickr8k dev, {len(rows)} pictures, five references each",
        "tokenizer": TOKENIZER,
        "model": report.described(stored),
        "captioner": scored(right.captions, references),
        "wrong picture": scored(wrong.captions, references),
        "ranking": ranking(right.log_probabilities, wrong.log_probabilities),
    }
    if asked.blind:
        blind = Subject(asked.blind, pictures, blind=True).describe(rows, references)
        own, floor = (np.array(cider_of_each(one.captions, references)) for one in (right, blind))
        found["blind"] = scored(blind.captions, references)
        found["cider above blind"] = resampled(lambda drawn: float((own - floor)[drawn].mean()), len(own))
        found["cider over blind"] = round(float(own.mean() / floor.mean()), 2)
    if asked.repetitions:
        found["pictures a CPU second"] = throughput(seeing, asked.repetitions)
    report.write(asked.out, found, packages=("pycocoevalcap",))
    for name in ("captioner", "blind", "wrong picture", "ranking", "pictures a CPU second"):
        print(name, found.get(name), flush=True)


if __name__ == "__main__":
    main()
