"""How several sources help: BLEU with bootstrap intervals, the wrong picture, shares of every source, and memory.

    python benchmarks/fusion.py --data ../shared/data --model en-fr=RUN/last --model en+de-fr=RUN/last --with-dev
    python benchmarks/fusion.py --data ../shared/data --model text=RUN/last --model gated=RUN/last --out FILE.json
    python benchmarks/fusion.py --memory --out benchmarks/results/fusion.memory.json

Models translate test_2016_flickr of Multi30k to French, each with the sources that it knows (en, de, picture), whole,
with its own beam. BLEU and chrF are sacreBLEU's, on all rows and on those that have their picture; intervals are of
95 % by bootstrap, and p says how often a bootstrap sample (of 1,000, paired) would show so large a difference to the
first model if there were none (sacreBLEU's paired bootstrap). A model of pictures also translates the rows that have
one without it, and with the picture of another row (incongruent, a seeded permutation that leaves none in its place),
with p of both against the right picture; and it says how probable the reference is given each, in nats, and how often
it is likelier with the right picture. Shares are those of `SourceReport`, the mean of all target words of rows
that have every source. With `--with-dev` all models are compared on the 1,014 rows of val too, and on both sets as one:
1,000 rows tell apart what differs by a point and little else.

The lists name more pictures than there are: those of Flickr8k's own test set, which is held out, lie in no folder.

`--memory`: for 1, 2 and 4 texts of 100 tokens, the bytes of keys and values that a search of beam 5 over 8 of them
holds for the decoder's cross-attention, by fusion, untrained models of the preset `small`, and the CPU time of a step.
"""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

import weft
from report import arguments, described, write
from weft.base.padded import Padded
from weft.base.sources import Sources
from weft.data.text import read_columns
from weft.models.build import build
from weft.models.config import ModelConfig
from weft.models.crossing import FUSIONS
from weft.models.presets import PRESETS
from weft.translating.translation import Translation
from weft.translating.translator import Translator

TEST, DEV = "test_2016_flickr", "val"
TEXTS, LIST, PICTURES = "multi30k/{}.en-fr-de.tsv.gz", "multi30k/flickr8k_overlap/{}.tsv", "flickr8k/images"
SAMPLES, LENGTH, ROWS, BEAM, STEPS = 1000, 100, 8, 5, 8
Row = dict[str, str]


def listed_in(data: Path, name: str) -> dict[int, Path]:
    """The picture of each row that the list of a set names, whether it is there or not."""
    named = read_columns(data / LIST.format(name), columns=(0, 1))
    return {int(number): data / PICTURES / picture for number, picture in named}


def rows_of(data: Path, name: str, limit: int | None) -> tuple[list[Row], list[str]]:
    """What every row of a set has by the name of the source, and its French."""
    listed = listed_in(data, name)
    rows, references = [], []
    for number, (english, french, german) in enumerate(read_columns(data / TEXTS.format(name), columns=(0, 1, 2))):
        picture = {"picture": str(listed[number])} if number in listed and listed[number].is_file() else {}
        rows.append({"en": english, "de": german, **picture})
        references.append(french)
    return rows[:limit], references[:limit]


def translated(translator: Translator, rows: Sequence[Row], *, align: bool = False) -> list[Translation]:
    """Each row with the sources that the model knows; of a model of one source, English."""
    names = translator.config.model.sources
    if not names:
        return list(translator.translate_lines([row["en"] for row in rows], to="fr"))
    inputs = [{name: text for name, text in row.items() if name in names} for row in rows]
    return list(translator.translate_lines(inputs, to="fr", align=align))


def scores(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """BLEU with half of its 95 % interval, and chrF."""
    bleu = BLEU().corpus_score(list(texts), [list(references)], n_bootstrap=SAMPLES)
    chrf = CHRF().corpus_score(list(texts), [list(references)])
    return {"bleu": round(bleu.score, 2), "interval": round(float(bleu._ci), 2), "chrf": round(chrf.score, 2)}


def paired(systems: dict[str, list[str]], references: list[str], metric: type[BLEU | CHRF] = BLEU) -> dict[str, float]:
    """p of every system against the first; none where there is nothing to compare."""
    if len(systems) < 2:
        return {}
    test = PairedTest(
        list(systems.items()), {"": metric(references=[references])}, references=None, test_type="bs", n_samples=SAMPLES
    )
    names, found = test()[1].values()  # the second under a name that the metric chooses
    return {name: float(one.p_value) for name, one in zip(names[1:], found[1:], strict=True)}


def incongruent(rows: Sequence[Row], seed: int) -> list[Row]:
    """Every row with the picture of another."""
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    turned = dict(zip(order, [*order[1:], order[0]], strict=True))
    return [{**row, "picture": rows[turned[place]]["picture"]} for place, row in enumerate(rows)]


def shares(translations: Sequence[Translation]) -> dict[str, float]:
    """The mean share of every source over all words of the translations."""
    found: dict[str, list[float]] = {}
    for one in translations:
        for name, report in (one.sources or {}).items():
            found.setdefault(name, []).extend(report.shares)
    return {name: round(sum(values) / max(len(values), 1), 4) for name, values in found.items()}


def measured(translator: Translator, rows: list[Row], references: list[str], seed: int) -> dict[str, Any]:
    """All that is said of one model, and its translations under `texts`."""
    sources = translator.config.model.sources
    everything = translated(translator, rows, align=bool(sources))
    texts = [one.text for one in everything]
    pictured = [place for place, row in enumerate(rows) if "picture" in row]
    some = [references[place] for place in pictured]
    found: dict[str, Any] = {
        **described(translator.stored),
        "all": scores(texts, references),
        "pictured": scores([texts[place] for place in pictured], some),
        "texts": texts,
    }
    if not sources:
        return found
    full = [one for one in everything if one.sources and all(report.present for report in one.sources.values())]
    found |= {"fusion": translator.config.model.fusion, "shares": shares(full), "rows_with_all": len(full)}
    reports = next((one.sources for one in full if one.sources), {})
    found["measure"] = next((report.measure for report in reports.values()), None)
    found["gates"] = {name: list(report.gates) for name, report in reports.items() if report.gates is not None}
    if "picture" in sources:
        found |= with_other_pictures(translator, [rows[place] for place in pictured], some, seed)
    return found


def with_other_pictures(translator: Translator, rows: list[Row], references: list[str], seed: int) -> dict[str, Any]:
    """What a model of pictures does of rows with their own, without, and with that of another row."""
    without = [{name: text for name, text in row.items() if name != "picture"} for row in rows]
    given = {"right": rows, "without": without, "incongruent": incongruent(rows, seed)}
    texts = {name: [one.text for one in translated(translator, own)] for name, own in given.items()}
    likely = {name: reference_scores(translator, own, references) for name, own in given.items()}
    found: dict[str, Any] = {name: scores(texts[name], references) for name in ("without", "incongruent")}
    found["p_of_right"] = paired(texts, references)
    found["log_probability"] = {name: round(sum(own) / len(own), 4) for name, own in likely.items()}
    found["right_is_likelier_than"] = {
        name: round(sum(x > y for x, y in zip(likely["right"], likely[name], strict=True)) / len(rows), 4)
        for name in ("without", "incongruent")
    }
    return found


def reference_scores(translator: Translator, rows: Sequence[Row], references: Sequence[str]) -> list[float]:
    """The log-probability of each reference, given what its row has and the model knows."""
    names = translator.config.model.sources
    inputs = [{name: text for name, text in row.items() if name in names} for row in rows]
    pairs = list(zip(inputs, references, strict=True))
    return [one.log_probability for one in translator.score(pairs, to="fr")]


def compared(options: Namespace) -> dict[str, Any]:
    rows, references = rows_of(options.data, TEST, options.rows)
    more, of_more = rows_of(options.data, DEV, options.rows) if options.with_dev else ([], [])
    found, beside = {}, {}
    for named in options.model:
        name, _, folder = named.partition("=")
        translator = weft.load(folder)
        found[name] = measured(translator, rows, references, options.seed)
        beside[name] = [one.text for one in translated(translator, more)]
        print(name, {key: value for key, value in found[name].items() if key != "texts"}, flush=True)
    systems = {name: one.pop("texts") for name, one in found.items()}
    pictured = [place for place, row in enumerate(rows) if "picture" in row]
    of_pictures = {name: [texts[place] for place in pictured] for name, texts in systems.items()}
    return {
        "rows": len(rows),
        "pictured_rows": len(pictured),
        "listed_rows": sum(number < len(rows) for number in listed_in(options.data, TEST)),
        "seed": options.seed,
        "models": found,
        "p_all": paired(systems, references),
        "p_all_chrf": paired(systems, references, CHRF),
        "p_pictured": paired(of_pictures, [references[place] for place in pictured]),
        "sets": {
            "dev": over(beside, of_more),
            "test and dev": over({name: systems[name] + beside[name] for name in systems}, references + of_more),
        }
        if more
        else {},
    }


def over(systems: dict[str, list[str]], references: list[str]) -> dict[str, Any]:
    """What is said of all models on one set."""
    return {
        "rows": len(references),
        "models": {name: scores(texts, references) for name, texts in systems.items()},
        "p": paired(systems, references),
        "p_chrf": paired(systems, references, CHRF),
    }


def memory(options: Namespace) -> dict[str, Any]:
    torch.set_num_threads(1)
    return {"length": LENGTH, "rows": ROWS, "beam": BEAM, "cases": list(_cases(options.preset))}


@torch.inference_mode()
def _cases(preset: str) -> Iterator[dict[str, Any]]:
    for fusion in FUSIONS:
        for count in (1, 2, 4):
            names = [f"text{number}" for number in range(count)]
            sources = {name: {"same_as": names[0]} if name != names[0] else {} for name in names}
            keys = {**PRESETS[preset], "vocabulary_size": 8000, "fusion": fusion, "sources": sources}
            torch.manual_seed(1)
            model: Any = build(ModelConfig.model_validate(keys)).eval()
            text = Padded(torch.randint(5, 8000, (ROWS, LENGTH)), torch.ones(ROWS, LENGTH, dtype=torch.bool))
            cache = model.init_cache(model.encode(Sources(dict.fromkeys(names, text))), beam=BEAM, capacity=STEPS)
            kept = {
                tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
                for layer in cache.encoded.of_layers()
                for memory in (*layer.parts.values(), *([layer.whole] if layer.whole is not None else []))
                for tensor in (memory.k, memory.v)
            }
            times = []
            for _ in range(STEPS):
                began = process_time()
                _, cache = model.step(torch.full((ROWS, BEAM), 7), cache)
                times.append(process_time() - began)
            yield {
                "fusion": fusion,
                "sources": count,
                "megabytes": round(sum(kept.values()) / 1e6, 2),
                "step_ms": round(1000 * median(times), 2),
            }
            print(fusion, count, flush=True)


def main() -> None:
    parser = arguments(__doc__, "fusion")
    parser.add_argument("--data", type=Path, help="the folder of multi30k and flickr8k")
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME=FOLDER", help="the first is compared with"
    )
    parser.add_argument("--with-dev", action="store_true", help="compare on val too, and on both sets")
    parser.add_argument("--rows", type=int, help="only the first so many rows")
    parser.add_argument("--seed", type=int, default=1, help="of the incongruent pictures")
    parser.add_argument("--memory", action="store_true", help="measure memory instead")
    parser.add_argument("--preset", default="small", choices=list(PRESETS))
    options = parser.parse_args()
    write(options.out, memory(options) if options.memory else compared(options), packages=("sacrebleu",))


if __name__ == "__main__":
    main()
