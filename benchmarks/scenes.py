"""How good the captioner that ships is: captions of scenes that it never saw, checked claim by claim.

    python benchmarks/scenes.py [--model scenes] [--scenes 500] [--out benchmarks/results/scenes.json]

A caption is true if all that it says is: sizes, colours, shapes, places, relations and background. `seen` scenes have
colours and shapes that met in training, and come from other seeds; in `held-out` ones some colour and shape never met.
Each caption is also checked against the next scene: what a captioner gets that does not look. Where the model looks:
the share of shape words whose hottest field touches the box of their thing, beside the share of fields that do. With
--choose, the layer, head and step by which most do, on scenes of another seed, go into the model's configuration.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch

from report import arguments, described, write
from weft.alignment.settings import AlignmentSettings
from weft.data.scene_captions import claims, is_true, names_all
from weft.data.scene_pictures import picture
from weft.data.scenes import Combinations, Scene, scene
from weft.data.shapes import NAMES
from weft.store.config import write_config
from weft.translating.caption import Caption
from weft.translating.loading import load
from weft.translating.translator import Translator

TEST, CHOICE = 1001, 1002
"""Seeds; training drew by 1 and looked at 2."""
BATCH = 32
TARGETS = {"seen true": 0.95}


def truth(found: Sequence[Caption], scenes: Sequence[Scene]) -> dict[str, Any]:
    """Shares of captions that are true, by the number of things, and that name all things; and of wrong scenes."""
    true = [is_true(caption.text, each) for caption, each in zip(found, scenes, strict=True)]
    counts = [len(each.things) for each in scenes]
    elsewhere = [is_true(caption.text, each) for caption, each in zip(found, [*scenes[1:], scenes[0]], strict=True)]
    return {
        "scenes": len(scenes),
        "true": share(true),
        "true_of_one_two_three_things": [
            share(own for own, count in zip(true, counts, strict=True) if count == number) for number in (1, 2, 3)
        ],
        "name_all_things": share(names_all(caption.text, each) for caption, each in zip(found, scenes, strict=True)),
        "true_of_another_scene": share(elsewhere),
        "wrong": [
            {"scene": number, "caption": caption.text, "things": [" ".join(words(one)) for one in each.things]}
            for number, (caption, each, own) in enumerate(zip(found, scenes, true, strict=True))
            if not own
        ][:20],
    }


def words(thing: Any) -> tuple[str, str, str]:
    return thing.size, thing.colour, thing.shape


def share(values: Iterable[bool]) -> float:
    found = list(values)
    return round(sum(found) / max(len(found), 1), 4)


def pointing(found: Sequence[Caption], scenes: Sequence[Scene]) -> dict[str, float]:
    """Of the shape words of true captions: how many look hardest at a field that their thing's box touches."""
    hits, chances = [], []
    for caption, each in zip(found, scenes, strict=True):
        said = claims(caption.text)
        chosen = None if said is None else said.found_in(each)
        if chosen is None or caption.heat is None:
            continue
        shapes = [place for place, word in enumerate(caption.words) if caption.text[slice(*word.target)] in NAMES]
        for place, number in zip(shapes, chosen, strict=True):
            touched = fields(each.things[number].box, caption.heat.shape[1:])
            hits.append(bool(touched.flatten()[caption.heat[place].argmax()]))
            chances.append(float(touched.double().mean()))
    return {"words": len(hits), "look_at_their_thing": share(hits), "by_chance": round(sum(chances) / len(chances), 4)}


def fields(box: tuple[float, float, float, float], grid: Sequence[int]) -> torch.Tensor:
    """Which fields of a grid of the picture a box touches."""
    left, top, right, bottom = box
    rows, columns = (torch.arange(count) / count for count in grid)
    down = (rows < bottom) & (rows + 1 / grid[0] > top)
    across = (columns < right) & (columns + 1 / grid[1] > left)
    return down[:, None] & across


def choose(model: Translator, scenes: Sequence[Scene]) -> AlignmentSettings:
    """The layer, the head (or all of them) and the step by which most shape words look at their thing."""
    pictures, shape = [picture(each) for each in scenes], model.config.model
    heads = [(head,) for head in range(shape.num_heads)] + [tuple(range(shape.num_heads))]
    ways = [
        AlignmentSettings(layer=layer, heads=chosen, shift=shift)
        for layer, chosen, shift in product(range(shape.decoder_layers), heads, (False, True))
    ]
    scores = [pointing(model.caption(pictures, beam=1, explain=way), scenes)["look_at_their_thing"] for way in ways]
    for way, score in sorted(zip(ways, scores, strict=True), key=lambda pair: -pair[1])[:5]:
        print(f"layer {way.layer}, heads {way.heads}, {'late' if way.shift else 'at once'}: {score:.3f}", flush=True)
    return ways[scores.index(max(scores))]


def speed(model: Translator, scenes: Sequence[Scene]) -> dict[str, float]:
    """Pictures a second of processor time, beam as the model has it, one at a time and 32 together."""
    pictures = [picture(each) for each in scenes[: 3 * BATCH]]
    model.caption(pictures[:2])
    begun = time.process_time()
    for one in pictures[:BATCH]:
        model.caption(one)
    alone = time.process_time() - begun
    begun = time.process_time()
    model.caption(pictures)
    return {
        "batch_1": round(BATCH / alone, 1),
        "batch_32": round(len(pictures) / (time.process_time() - begun), 1),
    }


def main() -> None:
    parser = arguments(__doc__, "scenes")
    parser.add_argument("--model", default="scenes")
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--choose", action="store_true", help="write where the model looks into its configuration")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = load(asked.model)
    if asked.choose:
        way = choose(model, [scene(CHOICE, number) for number in range(150)])
        write_config(Path(asked.model), model.config.model_copy(update={"alignment": way}))
        model = load(asked.model)
    kinds: dict[str, Combinations] = {"seen": "seen", "held_out": "held-out"}
    found: dict[str, Any] = {"model": described(model.stored), "targets": TARGETS}
    for name, kind in kinds.items():
        scenes = [scene(TEST, number, combinations=kind) for number in range(asked.scenes)]
        captions = model.caption([picture(each) for each in scenes], explain=True)
        found[name] = truth(captions, scenes) | {"looking": pointing(captions, scenes)}
        print(name, {key: value for key, value in found[name].items() if key != "wrong"}, flush=True)
    found["pictures_a_second"] = speed(model, scenes)
    write(asked.out, found, packages=("pillow",))


if __name__ == "__main__":
    main()
